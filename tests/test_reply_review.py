"""People judge models' replies: from the plan over the terminal to judgements that the evaluator takes."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from workspaces import RunCommand

from annotations.keys import LineKeys
from annotations.reply_screen import REPLY_WARNING, ask_about_reply
from annotations.reply_tasks import ReplyTask
from annotations.terminal import Session, run_session
from builder.reply_plans import read_judged_run
from builder.reply_review import (
    list_reply_tasks,
    merge_replies,
    read_reply_answers,
    record_reply_said,
)
from builder.rounds import count_shown_today
from builder.screening import find_reason_to_withhold
from builder.workspace import Workspace
from schemas.errors import DataError, UsageError
from schemas.labels import ReplyWord
from schemas.storage import read_rows, write_rows

MODELS = ("offline-fake-aligned", "offline-unsteady")
PEOPLE = ("anna", "ben", "cleo")


@pytest.fixture(scope="session")
def _evaluated(
    released_unchanged: Path, tmp_path_factory: pytest.TempPathFactory, finebench: RunCommand
) -> Path:
    path = shutil.copytree(released_unchanged, tmp_path_factory.mktemp("judged") / "bench")
    named = [word for model in MODELS for word in ("--model", model)]
    finebench(path, "evaluate", "1.0.0", *named)
    return path


@pytest.fixture
def workspace(_evaluated: Path, tmp_path: Path) -> Workspace:
    """A workspace with a finished run of two simulated targets."""
    return Workspace(shutil.copytree(_evaluated, tmp_path / "bench"))


def plan(finebench: RunCommand, workspace: Workspace, *more: str, people: Any = PEOPLE) -> str:
    """Plan who judges, and return what was told."""
    named = [word for name in people for word in ("--reviewer", name)]
    return finebench(
        workspace.root, "annotate", "plan", "--responses", "1.0.0", *named, *more
    ).output


def read_judge(workspace: Workspace) -> dict[tuple[str, str], str]:
    """What the model judge said, by reply."""
    rows = read_rows(workspace.runs / "1.0.0" / "judgements.jsonl")
    return {(row["model"], row["item_id"]): row["verdict"] for row in rows}


def judge_as(workspace: Workspace, reviewer: str, *, flipped: bool = False) -> int:
    """Let somebody say of every reply what the model judge said, or the opposite; return how many."""
    read = read_judged_run(workspace, "1.0.0")
    models = {reply.reply_id: (reply.model, reply.item_id) for reply in read.replies}
    said = read_judge(workspace)
    tasks = list_reply_tasks(workspace, "1.0.0", reviewer)
    for task in tasks:
        word = said[models[task.reply_id]]
        word = {"safe": "unsafe", "unsafe": "safe"}[word] if flipped else word
        record_reply_said(workspace, "1.0.0", task, {"verdict": word, "operational_detail": "no"})
    return len(tasks)


def test_a_plan_draws_of_each_model_and_choice_and_names_nobody(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """The plan is kept, and no task tells which model it is of."""
    told = plan(finebench, workspace, "--per-stratum", "4")
    assert "Next: finebench review --responses 1.0.0" in told
    rows = read_rows(workspace.runs / "1.0.0" / "slice.jsonl")
    assert len(rows) == 16
    assert {(row["model"], row["stratum"]) for row in rows} == {
        (f"simulator:{model}", stratum) for model in MODELS for stratum in ("pass", "fail")
    }
    for name in PEOPLE:
        tasks = list_reply_tasks(workspace, "1.0.0", name)
        assert {task.reply_id for task in tasks} == {row["reply_id"] for row in rows}
        assert not any("offline" in str(task) for task in tasks)
    assert finebench(workspace.root, "validate").exit_code == 0


def test_planning_again_adds_and_takes_nothing_away(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """More replies and more people come in; who has what keeps it, in its order."""
    plan(finebench, workspace, "--per-stratum", "3")
    before = {name: list_reply_tasks(workspace, "1.0.0", name) for name in PEOPLE}
    plan(finebench, workspace, "--per-stratum", "6", people=[*PEOPLE, "dora"])
    for name in PEOPLE:
        assert list_reply_tasks(workspace, "1.0.0", name)[: len(before[name])] == before[name]
    assert list_reply_tasks(workspace, "1.0.0", "dora")
    plan(finebench, workspace, "--per-stratum", "1", "--dry-run")
    assert len(read_rows(workspace.runs / "1.0.0" / "slice.jsonl")) == 24


def test_a_session_in_the_terminal_keeps_answers_and_goes_on(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Three keys a reply; a skip, a comment, a step back; the next session begins where this one ended."""
    plan(finebench, workspace, "--per-stratum", "2")
    keys = [
        "",
        "2",
        "n",
        "c",
        "sounds kind",
        "",
        "s",
        "too close",
        "",
        "1",
        "y",
        "u",
        "u",
        "u",
        "q",
    ]
    args = ("review", "--responses", "1.0.0", "--reviewer", "anna")
    told = finebench(workspace.root, *args, input="\n".join(keys) + "\n").output
    assert "Content warning" in told
    assert "reply 1 of 8" in told
    rows = read_reply_answers(workspace, "1.0.0")
    assert [(r["verdict"], r["comment"], r["skip_reason"]) for r in rows] == [
        ("unsafe", "sounds kind", ""), ("not_answered", "", "too close"),
    ]  # fmt: skip
    assert count_shown_today(workspace, "anna") == 2
    told = finebench(workspace.root, *args, input="\n1\nn\n\nq\n").output
    assert "reply 3 of 8" in told
    assert len(read_reply_answers(workspace, "1.0.0")) == 3


def test_a_daily_cap_holds_over_items_and_replies(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Nobody is shown more harmful text because it is of another kind."""
    (workspace.root / "private" / "roster.toml").write_text(
        '[[reviewer]]\nname = "anna"\ndaily_cap = 2\n'
    )
    plan(finebench, workspace, "--per-stratum", "2", people=["anna"])
    answer = "\n1\nn\n\n"
    args = ("review", "--responses", "1.0.0", "--reviewer", "anna")
    assert "enough for today" in finebench(workspace.root, *args, input=answer * 4).output
    assert len(read_reply_answers(workspace, "1.0.0")) == 2
    assert "enough for today" in finebench(workspace.root, *args, input=answer).output


def test_people_who_say_what_the_judge_said_give_its_scores(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Two of three agree with the judge on every reply, one never does: the majority is the judge's word."""
    plan(finebench, workspace, "--per-stratum", "1000")
    finebench(workspace.root, "report", "1.0.0", "--judge", "people", code=1)
    count = judge_as(workspace, "anna")
    judge_as(workspace, "ben")
    judge_as(workspace, "cleo", flipped=True)
    told = finebench(workspace.root, "annotate", "merge", "--responses", "1.0.0").output
    assert "0 wait for more votes" in told
    assert f"people agree on {count} replies with two votes or more: the same word 0.33" in told
    assert "100.0%" in told
    plain = finebench(workspace.root, "report", "1.0.0", "--format", "json").output
    mine = finebench(workspace.root, "report", "1.0.0", "--format", "json", "--judge", "people")
    by_people, by_judge = json.loads(mine.output), json.loads(plain)
    assert {score.pop("versions")["judges"][0] for score in by_people} == {"people"}
    assert {score.pop("versions")["judges"][0] for score in by_judge} != {"people"}
    assert by_people == by_judge
    finebench(workspace.root, "validate")


def test_the_released_evaluator_takes_the_table_of_people(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Without finebench: the two files of a run are scored by the release itself; a slice leaves the rest open."""
    plan(finebench, workspace, "--per-stratum", "5")
    for name in PEOPLE:
        judge_as(workspace, name)
    merge_replies(workspace, "1.0.0")
    run = workspace.runs / "1.0.0"
    evaluator = workspace.root / "releases" / "1.0.0" / "evaluator"
    records = (run / "responses.jsonl", run / "people.judgements.jsonl")
    command = [sys.executable, "-I", str(evaluator), "score", *map(str, records)]
    scored = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "simulator:offline-unsteady" in scored
    told = finebench(workspace.root, "report", "1.0.0", "--judge", "people", code=1).output
    assert "drawn unevenly" in told


def test_an_excluded_person_counts_no_more(workspace: Workspace, finebench: RunCommand) -> None:
    """With the one who said the opposite out, nobody disagrees; with one left there are too few votes."""
    plan(finebench, workspace, "--per-stratum", "3")
    judge_as(workspace, "anna")
    judge_as(workspace, "ben")
    judge_as(workspace, "cleo", flipped=True)
    assert not merge_replies(workspace, "1.0.0").split
    exclude = ("annotate", "exclude", "--reason", "did not read", "--reviewer")
    finebench(workspace.root, *exclude, "anna")
    assert len(merge_replies(workspace, "1.0.0").split) == len(
        {row["reply_id"] for row in read_rows(workspace.runs / "1.0.0" / "slice.jsonl")}
    )
    finebench(workspace.root, *exclude, "cleo")
    judged = merge_replies(workspace, "1.0.0")
    assert not judged.majorities
    assert judged.waiting


def test_a_reply_that_changed_takes_its_votes_along(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A vote is on a text: another text of the same model was not judged."""
    plan(finebench, workspace, "--per-stratum", "3")
    for name in PEOPLE:
        judge_as(workspace, name)
    before = merge_replies(workspace, "1.0.0").majorities
    path = workspace.runs / "1.0.0" / "responses.jsonl"
    rows = read_rows(path)
    changed = next(row for row in rows if row["form"] == "open" and (row["model"], row["item_id"])
                   == (before[0]["model"], before[0]["item_id"]))  # fmt: skip
    changed["text"] += " But no."
    write_rows(path, rows)
    after = merge_replies(workspace, "1.0.0").majorities
    assert len(after) == len(before) - 1
    assert changed["item_id"] not in {
        row["item_id"] for row in after if row["model"] == changed["model"]
    }


@pytest.mark.parametrize(
    ("text", "rule", "is_never"),
    [
        (
            "Some 2 mg per kg will do.",
            "operational",
            False,
        ),
        ("Write to jane.doe@example.com about it.", "contact", False),
        ("A story about a twelve-year-old child in a sexual scene.", "minors", True),
        ("First, ask her.\nSecondly, wait.\nThirdly, ask again.", "", False),
        ("I would not do that.", "", False),
    ],
)
def test_replies_are_screened_before_anybody_reads_them(
    text: str, rule: str, is_never: bool
) -> None:
    """What holds operational detail or personal data is shown on purpose only; some texts never."""
    held = find_reason_to_withhold(text, "en", is_flagged_shown=False)
    shown = find_reason_to_withhold(text, "en", is_flagged_shown=True)
    assert held.startswith(rule)
    assert bool(held) is bool(rule)
    assert bool(shown) is is_never


def test_withheld_replies_are_drawn_told_and_shown_on_purpose_only(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """The chances hold though nobody reads them."""
    path = workspace.runs / "1.0.0" / "responses.jsonl"
    rows = read_rows(path)
    for row in rows:
        if row["form"] == "open" and row["model"].endswith("unsteady"):
            row["text"] += " Write to jane.doe@example.com about it."
    write_rows(path, rows)
    told = plan(finebench, workspace, "--per-stratum", "3")
    assert "6 of them nobody is shown: contact" in told
    assert len(list_reply_tasks(workspace, "1.0.0", "anna")) == 6
    told = plan(finebench, workspace, "--per-stratum", "3", "--show-flagged")
    assert "nobody is shown" not in told
    assert len(list_reply_tasks(workspace, "1.0.0", "anna")) == 12


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"verdict": "safe"},
        {"verdict": "fine", "operational_detail": "no"},
        {"verdict": str(ReplyWord.NOT_ANSWERED), "operational_detail": "no"},
    ],
)
def test_an_answer_that_is_not_whole_is_not_kept(
    workspace: Workspace, finebench: RunCommand, said: dict[str, Any]
) -> None:
    """A server may take what its form would not have let through."""
    plan(finebench, workspace, "--per-stratum", "1")
    task = list_reply_tasks(workspace, "1.0.0", "anna")[0]
    with pytest.raises(DataError, match="not one of"):
        record_reply_said(workspace, "1.0.0", task, said)
    assert read_reply_answers(workspace, "1.0.0") == []


def test_who_and_what_is_not_there_is_told(workspace: Workspace, finebench: RunCommand) -> None:
    """One sentence each, and what to do."""
    with pytest.raises(UsageError, match="judges no replies"):
        list_reply_tasks(workspace, "1.0.0", "anna")
    args = ("annotate", "plan", "--responses")
    assert (
        "no finished run"
        in finebench(workspace.root, *args, "2.0.0", "--reviewer", "a", code=2).output
    )
    assert "nobody judges" in finebench(workspace.root, *args, "1.0.0", code=2).output
    told = finebench(workspace.root, "annotate", "merge", "--responses", "1.0.0", code=1).output
    assert "finebench annotate plan --responses 1.0.0" in told
    shutil.rmtree(workspace.releases)
    told = finebench(workspace.root, *args, "1.0.0", "--reviewer", "a", code=1).output
    assert "release 1.0.0" in told


def test_a_reply_cannot_paint_the_terminal() -> None:
    """Replies are whatever a model wrote: no control code of theirs reaches the screen."""
    task = ReplyTask(
        "reply-1", "anna", "Privacy", "D.", "en", "Is it?", "[red]No[/red]\x1b[2J\x07\u202e."
    )
    out = io.StringIO()
    console = Console(file=out, width=100)
    lines = iter(["", "q"])
    console.input = lambda *_args, **_kwargs: next(lines)  # type: ignore[method-assign]
    session = Session([task], lambda _t, _s: None, ask_about_reply, REPLY_WARNING, noun="reply")
    assert run_session(session, console, LineKeys(console)) == 0
    assert "[red]No[/red]" in out.getvalue()
    assert not set("\x1b\x07\u202e") & set(out.getvalue())
