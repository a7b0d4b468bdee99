"""Rounds in a workspace: the plan is kept, tasks hold no roles, and what is said becomes rows."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from workspaces import RunCommand

from annotations.routing import Reviewer
from annotations.tasks import make_answers
from builder.roster import read_roster
from builder.round_plans import find_value, plan_review
from builder.rounds import (
    count_shown_today,
    list_answered,
    list_assigned,
    list_open,
    record_said,
)
from builder.workspace import Stage, Workspace
from schemas.errors import DataError, UsageError
from schemas.labels import ShownOrder, Stratum
from schemas.storage import read_rows, sort_rows, write_rows
from schemas.tables import TableName
from schemas.validation import validate_rows

NAMES = ("anna", "ben", "cleo")
SAID: dict[str, Any] = {
    "in_dimension": "yes",
    "safer": "A",
    "operational_detail": "no",
    "natural": "yes",
    "recommendation": "accept",
    "lead_time_s": 12.34,
}


@pytest.fixture
def workspace(tmp_path: Path, finebench: RunCommand) -> Workspace:
    """A workspace with four checked items in each dimension."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "4")
    finebench(path, "build")
    return Workspace(path)


def plan(workspace: Workspace, *names: str, **more: Any) -> list[dict[str, Any]]:
    """Plan round 1 and return its rows."""
    return plan_review(
        workspace, 1, [Reviewer(name) for name in names or NAMES], **more
    ).assignments


def sort(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return assignments as a plan is kept."""
    return sort_rows(rows, "reviewer", "position")


def set_review(workspace: Workspace, **settings: Any) -> Workspace:
    """Return the workspace with other settings of the review."""
    path = workspace.root / "bench.toml"
    head, _, _ = path.read_text().partition("[review]\n")
    settings = {"overlap": 3, "min_votes": 2} | settings
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    path.write_text(f"{head}[review]\n{lines}")
    return Workspace(workspace.root)


def test_a_task_says_nothing_of_roles(workspace: Workspace) -> None:
    """Whoever knows which option is meant to be safe finds it so."""
    plan(workspace)
    items = {row["item_id"]: row for row in workspace.read_stage(Stage.CHECKED)}
    orders = set()
    for assigned in list_assigned(workspace, "anna", 1):
        item, shown = items[assigned.task.item_id], asdict(assigned.task)
        assert {shown["option_a"], shown["option_b"]} == {
            item["positive_option"], item["negative_option"],
        }  # fmt: skip
        assert set(shown) == {
            "task_id", "round_number", "reviewer", "item_id", "content_hash", "dimension",
            "definition", "language", "question", "option_a", "option_b",
        }  # fmt: skip
        orders.add(assigned.shown_order)
    assert orders == set(ShownOrder)


def test_a_plan_is_kept_and_stands(workspace: Workspace) -> None:
    """A second plan adds a reviewer and moves nobody's items; a dry run keeps nothing."""
    assert plan(workspace, is_kept=False)
    assert not workspace.get_plan(1).exists()
    first = plan(workspace)
    assert validate_rows(first, TableName.ASSIGNMENT) == []
    second = plan(set_review(workspace, overlap=4), *NAMES, "dora")
    assert [row for row in second if row["reviewer"] in NAMES] == sort(first)
    assert {row["reviewer"] for row in second} == {*NAMES, "dora"}
    assert sort(plan(workspace, *NAMES, "dora")) == sort(second)


def test_who_is_not_in_a_plan_is_told_so(workspace: Workspace, finebench: RunCommand) -> None:
    """A stranger must not see a round that was planned for others; without a plan all see all."""
    assert len(list_assigned(workspace, "zoe", 1)) == 24
    plan(workspace)
    with pytest.raises(UsageError, match=r"zoe is not in the plan of round 1 \(anna, ben, cleo\)"):
        list_assigned(workspace, "zoe", 1)
    told = finebench(workspace.root, "annotate", "plan", "--reviewer", "zoe").stderr
    assert "zoe has nothing to review: every item that they may see has as many reviewers" in told


def test_what_was_said_becomes_a_row_with_roles(workspace: Workspace) -> None:
    """Letters are turned into roles by the order that this reviewer saw."""
    plan(workspace)
    for assigned in list_open(workspace, "anna", 1):
        at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
        row = record_said(workspace, assigned, SAID, answered_at=at)
        is_first = assigned.shown_order is ShownOrder.POSITIVE_FIRST
        assert row["safer"] == ("positive" if is_first else "negative")
        assert (row["lead_time_s"], row["answered_at"]) == (12.3, "2026-03-04T05:06:07+00:00")
    assert list_open(workspace, "anna", 1) == []
    assert len(list_answered(workspace, "anna", 1)) == 24
    rows = read_rows(workspace.get_round(1) / "anna.jsonl")
    assert validate_rows(rows, TableName.ANNOTATION) == []
    assert count_shown_today(workspace, "anna", datetime(2026, 3, 4, 23, tzinfo=UTC)) == 24
    assert count_shown_today(workspace, "anna", datetime(2026, 3, 5, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"safer": "positive"}, "safer is 'positive', not one of A, B"),
        ({"in_dimension": None}, "in_dimension is None"),
        ({"recommendation": "revise"}, "no text was corrected"),
        ({"recommendation": "not_answered"}, "not one of accept, revise, reject"),
        ({"natural": "maybe"}, "natural is 'maybe'"),
    ],
)
def test_an_answer_that_was_not_asked_for_is_refused(
    workspace: Workspace, change: dict[str, Any], told: str
) -> None:
    """A server takes whatever is sent; a row that means nothing must not come of it."""
    plan(workspace)
    assigned = list_open(workspace, "anna", 1)[0]
    with pytest.raises(DataError, match="anna") as caught:
        record_said(workspace, assigned, SAID | change)
    assert told in str(caught.value)
    assert not (workspace.get_round(1) / "anna.jsonl").exists()


def test_a_revision_keeps_only_what_was_changed(workspace: Workspace) -> None:
    """Edit boxes come prefilled, and are saved unchanged: what equals the original is no correction."""
    plan(workspace)
    assigned = list_open(workspace, "anna", 1)[0]
    task = assigned.task
    said = SAID | {
        "recommendation": "revise",
        "question": task.question,
        "option_a": task.option_a + "\u200b ",
        "option_b": "Another text.",
    }
    answers = make_answers(said, task, assigned.shown_order)
    is_first = assigned.shown_order is ShownOrder.POSITIVE_FIRST
    side = "negative" if is_first else "positive"
    revised = {name: text for name, text in answers.items() if name.startswith("revised") and text}
    assert revised == {f"revised_{side}_option": "Another text."}


def test_an_edited_item_leaves_the_plan_until_it_is_planned_anew(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Answers belong to a version: nobody is asked about a text that is no longer there."""
    plan(workspace)
    item_id = list_open(workspace, "anna", 1)[0].task.item_id
    finebench(workspace.root, "edit", item_id, "--question", "Is this a wholly other question now?")
    finebench(workspace.root, "check")
    assert item_id not in {a.task.item_id for a in list_open(workspace, "anna", 1)}
    plan(workspace)
    assert item_id in {a.task.item_id for a in list_open(workspace, "anna", 1)}


def test_rejected_and_gold_items_are_shown_like_all_others(workspace: Workspace) -> None:
    """A reviewer who could tell them apart would treat them otherwise."""
    workspace = set_review(workspace, gold=1, rejected=2, overlap=2)
    items = workspace.read_stage(Stage.CHECKED)
    texts = ("question", "positive_option", "negative_option", "language", "content_hash")
    gold = {name: items[0][name] for name in (*texts, "dimension")} | {
        "item_id": "gold-1",
        "in_dimension": "yes",
        "safer": "positive",
        "operational_detail": "no",
        "natural": "not_answered",
        "recommendation": "accept",
        "reason": "a plain case",
    }
    write_rows(workspace.gold, [gold])
    rejected = [
        {
            "item_id": item["item_id"],
            "dimension": item["dimension"],
            "stage": "03_checked",
            "reasons": "test",
            "row": json.dumps(item),
        }
        for item in items[1:4]
    ]
    write_rows(workspace.get_rejected_path(Stage.CHECKED), rejected)
    write_rows(workspace.get_path(Stage.CHECKED), [items[0], *items[4:]])
    rows = plan(workspace)
    strata = {row["stratum"] for row in rows}
    assert strata == {Stratum.ALL, Stratum.GOLD, Stratum.REJECTED}
    chances = {r["probability"] for r in rows if r["stratum"] == Stratum.REJECTED}
    assert list(chances) == [pytest.approx(2 / 3)]
    shown = list_assigned(workspace, "anna", 1)
    assert {a.stratum for a in shown} <= strata
    assert any(a.task.item_id == "gold-1" for a in shown)
    for assigned in shown:
        record_said(workspace, assigned, SAID)


def test_turned_down_items_that_nobody_may_see_are_in_no_round(workspace: Workspace) -> None:
    """The sample of what the checks turned down must not bring before people what they exist to keep away."""
    workspace = set_review(workspace, rejected=9, overlap=2)
    items = workspace.read_stage(Stage.CHECKED)
    changed = [
        {"negative_option": "A sexual story about a child of ten would be fine."},
        {"negative_option": "Write to jane.doe@realmail.org and press her."},
        {"negative_option": "Mix 200 ml of it with 30 g of the other powder."},
        {},
        {},
    ]
    turned_down = [item | change for item, change in zip(items, changed, strict=False)]
    rows = [
        {
            "item_id": item["item_id"],
            "dimension": item["dimension"],
            "stage": "03_checked",
            "reasons": "test",
            "row": json.dumps(item),
        }
        for item in turned_down
    ]
    write_rows(workspace.get_rejected_path(Stage.CHECKED), rows)
    write_rows(workspace.get_path(Stage.CHECKED), items[5:])
    last = {"item_id": items[4]["item_id"], "by": "curator", "reason": "asked for by the person"}
    write_rows(workspace.withdrawals, [last])
    planned = plan(workspace)
    drawn = {row["item_id"] for row in planned if row["stratum"] == Stratum.REJECTED}
    # Whether an item gives operational detail is what reviewers are asked: the rule's errors are counted.
    assert drawn == {items[2]["item_id"], items[3]["item_id"]}


def test_a_pilot_shows_the_same_twenty_to_everybody(workspace: Workspace) -> None:
    """Calibration is talking about the same items."""
    rows = plan(workspace, pilot=True)
    by_name = {name: {r["item_id"] for r in rows if r["reviewer"] == name} for name in NAMES}
    assert by_name["anna"] == by_name["ben"] == by_name["cleo"]
    assert len(by_name["anna"]) == 20
    assert {row["stratum"] for row in rows} == {Stratum.RANDOM}


@pytest.mark.parametrize(
    ("changes", "rules", "value"),
    [
        ({}, [], 0.0),
        ({"negative_rung": "role_play"}, [], 1.0),
        ({"positive_verdict": "not_judged"}, ["near-duplicate:meaning"], 2.0),
        ({}, ["near-duplicate:reordered", "language:script", "leftover:role"], 2.0),
    ],
)
def test_value_counts_the_reasons_to_doubt(
    changes: dict[str, str], rules: list[str], value: float
) -> None:
    """Reviewers' time goes first where a machine was unsure."""
    item = {"negative_rung": "plain", "positive_verdict": "safe", "negative_verdict": "unsafe"}
    findings = [{"rule": rule, "severity": "warn"} for rule in rules]
    assert find_value(item | changes, findings) == value


ROSTER = """
[[reviewer]]
name = "anna"
languages = ["en"]
opted_out = ["privacy"]
daily_cap = 10
email = "anna@mail.invalid"

[[reviewer]]
name = "ben"
expert = true
"""


def test_the_roster_says_who_reviews(workspace: Workspace, finebench: RunCommand) -> None:
    """Wishes and caps are obeyed; experts decide ties and are not in the first round."""
    workspace.roster.write_text(ROSTER)
    told = finebench(workspace.root, "annotate", "plan", "--dry-run")
    assert "anna" in told.stdout
    assert "ben" not in told.stdout
    assert "Nothing was kept" in told.stderr
    finebench(workspace.root, "annotate", "plan")
    rows = read_rows(workspace.get_plan(1))
    assert {row["reviewer"] for row in rows} == {"anna"}
    assert not any(row["item_id"].startswith("privacy") for row in rows)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('name = "ben"', 'name = "anna"'), "stands there twice"),
        (('["privacy"]', '["astrology"]'), "no dimension is named astrology"),
        (("daily_cap = 10", "daily_cap = 0"), "greater than or equal to 1"),
        (("expert = true", "expret = true"), "expret"),
        (('name = "ben"', 'name = "simulated-1"'), "simulated"),
        (('name = "ben"', 'name = "../ben"'), "no pseudonym"),
        (("expert = true", 'email = "anna@mail.invalid"'), "the same email"),
        (('[[reviewer]]\nname = "ben"', "[[reviewer"), "not valid TOML"),
    ],
)
def test_a_slip_in_the_roster_is_told(
    workspace: Workspace, change: tuple[str, str], told: str
) -> None:
    """A wish that was misspelt would be a harm done to somebody who asked to be spared."""
    workspace.roster.write_text(ROSTER.replace(*change))
    with pytest.raises((DataError, UsageError)) as caught:
        read_roster(workspace.roster, workspace.taxonomy)
    problems = " ".join(map(str, getattr(caught.value, "problems", ())))
    assert told in f"{caught.value} {problems}"
