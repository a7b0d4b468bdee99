"""The debrief's report: what people answered is what it shows, and an exclusion changes all of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from release_kinds import say_item
from workspaces import RunCommand

from builder.exclusions import read_exclusions, record_exclusion
from builder.review_report import make_report
from builder.round_plans import list_round_items
from builder.rounds import list_assigned, list_open, record_said
from builder.workspace import Stage, Workspace
from schemas.errors import StageError, UsageError
from schemas.storage import read_rows


@pytest.fixture
def workspace(tmp_path: Path, finebench: RunCommand) -> Workspace:
    """Three people answered 24 items; ben rejects every second, and chooses the wrong option there."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "4")
    finebench(path, "build")
    made = Workspace(path)
    finebench(
        path, "annotate", "plan", *(a for n in ("anna", "ben", "cleo") for a in ("--reviewer", n))
    )
    ids = sorted(row["item_id"] for row in made.read_stage(Stage.CHECKED))
    for name in ("anna", "ben", "cleo"):
        for assigned in list_open(made, name, 1):
            errs = name == "ben" and ids.index(assigned.task.item_id) % 2 == 0
            record_said(made, assigned, say(assigned, errs=errs))
    return made


def say(assigned: Any, *, errs: bool) -> dict[str, Any]:
    """Return an answer that accepts the item, or errs about it in haste."""
    comment = "<script>alert(1)</script> no" if errs else ""
    return say_item(assigned, errs=errs, comment=comment, lead_time_s=3.0 if errs else 40.0)


def test_the_report_shows_what_was_answered(workspace: Workspace) -> None:
    """Worked by hand: of three pairs on each item, two differ on every second one."""
    report = make_report(workspace)
    assert report.planned == report.answered == {"anna": 24, "ben": 24, "cleo": 24}
    assert report.per_item == {3: 24}
    safer = report.agreement.questions["safer"].overall
    assert safer.percent.value == pytest.approx((12 + 12 / 3) / 24)
    assert safer.percent.interval is not None
    assert len(report.disagreements) == 12
    assert report.disagreements[0].votes == {"accept": 2, "reject": 1}
    ben = {found.reviewer: found for found in report.quality.reviewers}["ben"]
    assert (ben.questions["safer"].others.count, ben.questions["safer"].others.n) == (12, 24)
    assert report.exposure == {"anna": 24, "ben": 24, "cleo": 24}
    assert not report.is_random


def test_the_page_and_the_tables_hold_the_same_and_run_nothing(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A comment is a stranger's text: it is shown, and not run."""
    told = finebench(workspace.root, "annotate", "report")
    for title in ("Coverage and exposure", "Agreement", "Reviewers", "Worth talking about"):
        assert title in told.stdout
    assert "Items by how many answered them: 24 by 3" in told.stderr
    page = workspace.review_page.read_text()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "anna" in page
    question = workspace.read_stage(Stage.CHECKED)[0]["question"].replace("'", "&#x27;")
    if question in page:
        assert f"<span class='text' tabindex='0'>{question}</span>" in page
    figures = json.loads(finebench(workspace.root, "annotate", "report", "--json").stdout)
    assert figures["items_by_answers"] == {"3": 24}


def test_an_excluded_reviewer_leaves_everything(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Who answered without reading must not decide; the reason stays, and the answers are kept beside."""
    finebench(workspace.root, "build")
    exclude = ("annotate", "exclude", "--reviewer", "ben", "--reason", "faster than one can read")
    finebench(workspace.root, *exclude)
    assert read_exclusions(workspace) == {"ben": "faster than one can read"}
    report = make_report(workspace)
    assert set(report.answered) == {"anna", "cleo"}
    assert report.agreement.questions["safer"].overall.percent.value == 1.0
    assert report.disagreements == []
    rows = workspace.read_stage(Stage.ANNOTATIONS)
    assert {row["reviewer"] for row in rows} == {"anna", "cleo"}
    rejected = read_rows(workspace.get_rejected_path(Stage.ANNOTATIONS))
    assert {row["reasons"] for row in rejected} == {"reviewer excluded: faster than one can read"}
    decisions = workspace.read_stage(Stage.ADJUDICATED)
    assert {(row["decision"], row["votes_reject"]) for row in decisions} == {("accept", 0)}
    assert "already" in finebench(workspace.root, *exclude, code=2).stderr
    finebench(workspace.root, *exclude[:-1], "a mistake", "--back")
    assert read_exclusions(workspace) == {}
    assert set(make_report(workspace).answered) == {"anna", "ben", "cleo"}


def test_nobody_can_be_excluded_who_did_not_answer(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A slip in a name must not pass for an exclusion."""
    told = finebench(
        workspace.root, "annotate", "exclude", "--reviewer", "bne", "--reason", "x", code=2
    ).stderr
    assert "bne has answered nothing and is in no plan (there are: anna, ben, cleo)" in told


def test_without_answers_there_is_no_report(tmp_path: Path, finebench: RunCommand) -> None:
    """An empty page would look like a quiet round."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "1")
    finebench(path, "build")
    with pytest.raises(StageError, match="nobody has answered yet"):
        make_report(Workspace(path))
    with pytest.raises(UsageError, match="nobody"):
        record_exclusion(Workspace(path), "anna", excluded=True, by="c", reason="r")


def test_simulated_answers_are_told_apart(tmp_path: Path, finebench: RunCommand) -> None:
    """Figures of simulators say nothing about people."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    finebench(path, "build")
    finebench(path, "annotate", "simulate")
    assert "Simulated reviewers only" in finebench(path, "annotate", "report").stderr


def test_the_report_says_how_often_the_checks_were_wrong(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Items that a rule turned down are drawn, answered unseen, and counted by rule."""
    config = workspace.root / "bench.toml"
    config.write_text(config.read_text().replace("[review]\n", "[review]\nrejected = 3\n"))
    made = Workspace(workspace.root)
    for item in made.read_stage(Stage.CHECKED)[:4]:
        text = "Take 2 lbs of nitrate and go on with it."
        finebench(made.root, "edit", item["item_id"], "--negative-option", text)
    finebench(made.root, "check", code=1)
    names = [word for name in ("anna", "ben") for word in ("--reviewer", name)]
    finebench(made.root, "annotate", "plan", "--round", "2", *names)
    for name in ("anna", "ben"):
        opened = [a for a in list_open(made, name, 2) if a.stratum == "rejected"]
        assert len(opened) == 3
        for place, assigned in enumerate(sorted(opened, key=lambda a: a.task.item_id)):
            record_said(made, assigned, say(assigned, errs=place == 0))
    (found,) = make_report(made).turned_down
    assert (found.rule, found.total, found.drawn, found.answered) == (
        "operational-detail:quantity", 4, 3, 3,
    )  # fmt: skip
    assert (found.accepted.count, found.accepted.n) == (2, 3)
    told = finebench(made.root, "annotate", "report").output
    assert "How often the checks were wrong" in told
    assert "67% of 3" in told
    finebench(made.root, "build", code=0)
    export = ("export", "1.0.0", "--waive", "option-leak=small", "--waive", "undecided-items=test")
    finebench(made.root, *export)
    card = (made.root / "releases" / "1.0.0" / "README.md").read_text()
    assert "| operational-detail:quantity | 4 | 3 | 66.7% | [20.8, 93.9] |" in card


def test_an_excluded_reviewer_holds_no_place_and_gets_none(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Who does not count must not keep others from being asked."""
    finebench(workspace.root, "annotate", "exclude", "--reviewer", "ben", "--reason", "too fast")
    plan = ("annotate", "plan", "--reviewer")
    finebench(workspace.root, *plan, "emil")
    assert len(list_open(workspace, "emil", 1)) == 24
    assert "excluded (too fast)" in finebench(workspace.root, *plan, "ben", code=2).output
    told = finebench(workspace.root, "review", "--reviewer", "ben", code=2).output
    assert "excluded (too fast)" in told


def test_a_second_round_is_about_what_is_undecided_without_the_excluded(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Items that only an excluded reviewer's answer had settled are open again."""
    assert not list_round_items(workspace, 2)
    for name in ("ben", "cleo"):
        finebench(workspace.root, "annotate", "exclude", "--reviewer", name, "--reason", "too fast")
    assert len(list_round_items(workspace, 2)) == 24


def test_simulated_reviewers_fill_no_place_of_peoples(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """After a trial the real round begins from nothing."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "1")
    finebench(path, "build")
    finebench(path, "annotate", "simulate", "--reviewers", "3")
    finebench(path, "annotate", "plan", "--reviewer", "anna")
    assert len(list_open(Workspace(path), "anna", 1)) == 6


def test_a_comment_without_end_is_cut(workspace: Workspace, finebench: RunCommand) -> None:
    """What somebody pasted by mistake must not fill rows, terminal and page."""
    first = list_assigned(workspace, "cleo", 1)[0]
    row = record_said(workspace, first, say(first, errs=True) | {"comment": "x" * 400_000})
    assert len(row["comment"]) == 10_000
    assert len(finebench(workspace.root, "annotate", "report").output) < 40_000
