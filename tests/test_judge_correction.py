"""`report --judge corrected`: from a finished run and scripted people to corrected scores in every format."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workspaces import RunCommand

from annotations.reply_tasks import make_reply_answer
from builder.bundle.engine.scoring import OVERALL
from builder.correction import MIN_STRATUM
from builder.judge_correction import ModelCorrection, correct_run
from builder.judged_items import Measure
from builder.reply_plans import read_judged_run
from builder.reply_review import append_reply_answers, list_reply_tasks
from builder.reporting import read_run_scores
from builder.workspace import Workspace
from schemas.storage import read_rows, write_rows

RUN = "1.0.0"
STEADY, UNSTEADY = "simulator:offline-fake-aligned", "simulator:offline-unsteady"


@pytest.fixture(scope="session")
def _evaluated(
    released_unchanged: Path, tmp_path_factory: pytest.TempPathFactory, finebench: RunCommand
) -> Path:
    path = shutil.copytree(released_unchanged, tmp_path_factory.mktemp("corrected") / "bench")
    models = ("--model", "offline-fake-aligned", "--model", "offline-unsteady")
    finebench(path, "evaluate", RUN, *models)
    return path


@pytest.fixture
def workspace(_evaluated: Path, tmp_path: Path) -> Workspace:
    """A workspace with a finished run of two simulated targets."""
    return Workspace(shutil.copytree(_evaluated, tmp_path / "bench"))


def plan(finebench: RunCommand, workspace: Workspace, per_stratum: int, *people: str) -> None:
    """Draw the slice, and say who judges."""
    named = [word for name in people or ("anna", "ben") for word in ("--reviewer", name)]
    size = ("--per-stratum", str(per_stratum))
    finebench(workspace.root, "annotate", "plan", "--responses", RUN, *named, *size)


def judge(
    workspace: Workspace,
    reviewer: str,
    say: Callable[[str, str], str] = lambda _, word: word,
    *,
    simulated: bool = False,
) -> None:
    """Let somebody judge all that they were given; ``say`` makes their word of item and the judge's word."""
    read = read_judged_run(workspace, RUN)
    said = {
        (row["model"], row["item_id"]): row["verdict"]
        for row in read_rows(read.folder / "judgements.jsonl")
    }
    words = {reply.reply_id: said[reply.model, reply.item_id] for reply in read.replies}
    items = {reply.reply_id: reply.item_id for reply in read.replies}
    rows = []
    for task in list_reply_tasks(workspace, RUN, reviewer):
        word = say(items[task.reply_id], words[task.reply_id])
        answer: dict[str, Any] = {"verdict": word, "operational_detail": "no"}
        if word == "skip":
            answer = {"skipped": True}
        rows.append(
            make_reply_answer(
                answer, task, guidelines_hash="0" * 64, answered_at="2024", simulated=simulated
            )
        )
    append_reply_answers(workspace, RUN, reviewer, rows)


def find(found: list[ModelCorrection], model: str) -> ModelCorrection:
    """The correction of one model."""
    return next(of for of in found if of.model == model)


def edit(workspace: Workspace, table: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the rows of one of the run's files."""
    path = workspace.runs / RUN / f"{table}.jsonl"
    rows = read_rows(path)
    for row in rows:
        change(row)
    write_rows(path, rows)


def test_people_who_say_what_the_judge_said_leave_its_scores(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """All replies judged, and alike: the corrected scores are those of the report, the judge without fault."""
    plan(finebench, workspace, 1000)
    judge(workspace, "anna")
    judge(workspace, "ben")
    for model in (STEADY, UNSTEADY):
        found = find(correct_run(workspace, RUN), model)
        score = next(
            s
            for s in read_run_scores(workspace, RUN)
            if s.model == model and s.dimension == OVERALL
        )
        assert score.cs
        assert score.css
        told = (score.cs, score.css, score.open_passed)
        for share, of in zip(told, found.scores, strict=False):
            assert of.uncorrected
            assert of.corrected
            assert of.uncorrected.value == share.value
            assert of.uncorrected.interval == share.interval
            assert of.corrected.value == pytest.approx(share.value)
            assert of.by_majority == pytest.approx(share.value)
            assert of.without_one
            assert list(of.without_one) == pytest.approx([share.value] * 2)
        assert found.specificity.value == 1.0
    assert find(correct_run(workspace, RUN), UNSTEADY).sensitivity.value == 1.0


def test_a_judge_that_errs_is_corrected_and_told_of(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """People find a third of all replies unsafe that the judge finds safe: O falls by that, CSS with it."""
    plan(finebench, workspace, 40)
    ids = sorted(read_judged_run(workspace, RUN).items)
    unsafe = set(ids[::3])
    for name in ("anna", "ben"):
        judge(workspace, name, lambda item, word: "unsafe" if item in unsafe else word)
    found = find(correct_run(workspace, RUN), STEADY)
    scores = {score.measure: score for score in found.scores}
    alone, mended = scores[Measure.OPEN].uncorrected, scores[Measure.OPEN].corrected
    assert alone
    assert mended
    assert alone.value == 1.0
    safety = [
        row["item_id"]
        for row in read_rows(workspace.runs / RUN / "verdicts.jsonl")
        if row["kind"] == "safety" and row["model"] == STEADY
    ]
    truth = 1 - sum(item in unsafe for item in safety) / len(safety)
    assert mended.interval[0] < truth < mended.interval[1] < alone.interval[0]
    assert found.sensitivity.value == 0.0
    assert (found.people, found.votes, found.simulated) == (2, 160, False)


def test_every_format_tells_both_scores(workspace: Workspace, finebench: RunCommand) -> None:
    """The judge's own beside the corrected one; numbers as they are in JSON and CSV."""
    plan(finebench, workspace, 30)
    judge(workspace, "anna")
    judge(workspace, "ben")
    args = ("report", RUN, "--judge", "corrected", "--format")
    wide = {"env": {"COLUMNS": "200"}}
    table = finebench(workspace.root, *args, "table", **wide).output
    assert "judge alone" in table
    assert "The judge beside people" in table
    markdown = finebench(workspace.root, *args, "markdown").output
    assert f"| {RUN} | {STEADY} | CSS |" in markdown
    plain = json.loads(finebench(workspace.root, *args, "json").output)
    rows = list(csv.DictReader(io.StringIO(finebench(workspace.root, *args, "csv").output)))
    assert [row["score"] for row in rows] == [str(m) for m in Measure] * 2
    for row, told in zip(rows, [s for model in plain for s in model["scores"]], strict=True):
        assert float(row["corrected"]) == told["corrected"]["value"]
        assert float(row["corrected_high"]) == told["corrected"]["interval"][1]
        assert float(row["uncorrected"]) == told["uncorrected"]["value"]
    assert plain[0]["versions"]["judges"]
    assert (
        finebench(workspace.root, *args, "json").output
        == finebench(workspace.root, *args, "json").output
    )


def test_a_model_without_a_slice_has_no_correction(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """How a judge errs on one model is never carried over to another."""
    plan(finebench, workspace, 30)
    judge(workspace, "anna")
    path = workspace.runs / RUN / "slice.jsonl"
    write_rows(path, [row for row in read_rows(path) if row["model"] == STEADY])
    found = correct_run(workspace, RUN)
    assert all(score.corrected for score in find(found, STEADY).scores)
    other = find(found, UNSTEADY)
    assert not any(score.corrected for score in other.scores)
    assert all(score.uncorrected for score in other.scores)
    assert "another model" in other.reasons[0]
    told = finebench(workspace.root, "report", RUN, "--judge", "corrected").output
    assert f"{UNSTEADY}: CS, CSS, O, O - M not corrected: none of its replies were drawn" in told


def test_too_few_answers_are_declined_with_what_to_do(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Nothing drawn, nobody asked, too little: each is told, with the command that helps, and exit code 1."""
    args = ("report", RUN, "--judge", "corrected")
    told = finebench(workspace.root, *args, code=1).output
    assert f"finebench annotate plan --responses {RUN} --reviewer NAME" in told
    plan(finebench, workspace, MIN_STRATUM - 1)
    told = finebench(workspace.root, *args, code=1).output
    assert "people judged too few replies" in told
    assert f"finebench annotate plan --responses {RUN} --per-stratum 30" in told
    judge(workspace, "anna")
    told = finebench(workspace.root, *args, code=1).output
    assert f"multiple choice fail: {MIN_STRATUM - 1} of" in told
    found = json.loads(finebench(workspace.root, *args, "--format", "json", code=1).stdout)
    assert found[0]["scores"][0]["corrected"] is None
    plan(finebench, workspace, 30)
    judge(workspace, "ben")
    assert all(score.corrected for of in correct_run(workspace, RUN) for score in of.scores)


def test_skipped_and_withheld_replies_widen_the_interval(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Whoever skips what is worst must not make a model look better."""
    plan(finebench, workspace, 40, "anna")
    ids = sorted(read_judged_run(workspace, RUN).items)
    skipped = set(ids[::4])
    judge(workspace, "anna", lambda item, word: "skip" if item in skipped else word)
    for of in correct_run(workspace, RUN):
        for score in of.scores:
            assert score.corrected
            assert score.corrected.at_random
            assert score.corrected.missing > 0
            low, high = score.corrected.interval
            near = score.corrected.at_random
            assert high - low > near[1] - near[0] + 0.02
            assert low <= near[0] <= near[1] <= high


def test_a_run_that_changed_is_not_corrected_by_an_old_slice(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A changed reply has nobody's word; a changed choice makes the chances false."""
    plan(finebench, workspace, 40)
    judge(workspace, "anna")
    drawn = read_rows(workspace.runs / RUN / "slice.jsonl")
    first = next(row for row in drawn if row["model"] == STEADY)

    def change_reply(row: dict[str, Any]) -> None:
        if (row["model"], row["item_id"], row["form"]) == (STEADY, first["item_id"], "open"):
            row["text"] += " Anew."

    edit(workspace, "responses", change_reply)
    assert find(correct_run(workspace, RUN), STEADY).scores[2].corrected
    missing = [
        s.corrected.missing for s in find(correct_run(workspace, RUN), STEADY).scores if s.corrected
    ]
    assert missing[2] == 1

    def change_choice(row: dict[str, Any]) -> None:
        if (row["model"], row["item_id"]) == (STEADY, first["item_id"]):
            other = {"pass": ("negative", "fail"), "fail": ("positive", "pass")}
            choice, result = other[row["multiple_choice"]]
            row |= {"choice_order_1": choice, "choice_order_2": choice, "multiple_choice": result}

    edit(workspace, "verdicts", change_choice)
    found = find(correct_run(workspace, RUN), STEADY)
    assert "changed since the slice was drawn" in found.reasons[0]
    plan(finebench, workspace, 40)
    judge(workspace, "anna")
    assert not find(correct_run(workspace, RUN), STEADY).reasons


def test_simulated_reviewers_are_told_and_never_mixed_with_people(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A figure of simulated reviewers says so; where a person judged too, only people count."""
    plan(finebench, workspace, 40)
    judge(workspace, "anna", lambda _item, _word: "unsafe", simulated=True)
    args = ("report", RUN, "--judge", "corrected")
    told = finebench(workspace.root, *args, env={"COLUMNS": "200"}).output
    assert "SIMULATED" in told
    assert "(simulated reviewers)" in told
    judge(workspace, "ben")
    found = find(correct_run(workspace, RUN), STEADY)
    assert (found.people, found.simulated) == (1, False)
    assert found.specificity.value == 1.0
    finebench(workspace.root, "annotate", "exclude", "--reviewer", "ben", "--reason", "r")
    assert find(correct_run(workspace, RUN), STEADY).simulated


def test_samples_and_anchors_are_declined(workspace: Workspace, finebench: RunCommand) -> None:
    """Several samples an item have strata of their own; anchors go with the judge's scores."""
    plan(finebench, workspace, 40)
    judge(workspace, "anna")
    told = finebench(workspace.root, "report", RUN, "--judge", "corrected", "--anchors", code=2)
    assert "--anchors goes with" in told.output
    verdicts = read_rows(workspace.runs / RUN / "verdicts.jsonl")
    more = [row | {"sample": 1} for row in verdicts]
    write_rows(workspace.runs / RUN / "verdicts.jsonl", [*verdicts, *more])
    assert "several samples" in correct_run(workspace, RUN)[0].reasons[0]


def test_replies_cut_off_by_our_limit_are_left_out(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """What is safe so far may not have stayed so: such an item is no item of the corrected scores."""
    edited = read_rows(workspace.runs / RUN / "verdicts.jsonl")[0]["item_id"]

    def cut(row: dict[str, Any]) -> None:
        if row["item_id"] == edited and row["form"] == "open":
            row["outcome"] = "truncated"

    edit(workspace, "responses", cut)
    plan(finebench, workspace, 1000, "anna")
    judge(workspace, "anna")
    found = find(correct_run(workspace, RUN), STEADY)
    assert (found.cut_off, found.no_reply) == (1, 0)
    assert found.scores[0].corrected
    assert found.scores[0].corrected.n == found.items - 1


def test_lost_calls_are_told_in_every_format(workspace: Workspace, finebench: RunCommand) -> None:
    """Most orders of a model undetermined: coverage, bounds and a mark say that the score is of a few.

    The judge's own score keeps the mark that the report gives it.
    """
    verdicts = read_rows(workspace.runs / RUN / "verdicts.jsonl")
    safety = [r["item_id"] for r in verdicts if (r["kind"], r["model"]) == ("safety", STEADY)]
    lost = set(safety[: 3 * len(safety) // 4])

    def lose(row: dict[str, Any]) -> None:
        if row["model"] == STEADY and row["item_id"] in lost:
            result = "fail" if row["choice_order_2"] != "positive" else "undetermined"
            row |= {"choice_order_1": "undetermined", "multiple_choice": result}

    edit(workspace, "verdicts", lose)
    gone = next(
        r["item_id"] for r in verdicts if r["item_id"] in safety and r["item_id"] not in lost
    )

    def drop(row: dict[str, Any]) -> None:
        if (row["model"], row["item_id"], row["form"]) == (STEADY, gone, "open"):
            row |= {"outcome": "failed", "text": ""}

    edit(workspace, "responses", drop)
    plan(finebench, workspace, 1000, "anna")
    judge(workspace, "anna")
    found = find(correct_run(workspace, RUN), STEADY)
    assert (found.undetermined_choices, found.no_reply, found.cut_off) == (len(lost), 1, 0)
    report = next(
        s for s in read_run_scores(workspace, RUN) if (s.model, s.dimension) == (STEADY, OVERALL)
    )
    assert report.cs
    cs = found.scores[0]
    assert cs.uncorrected
    assert cs.corrected
    assert cs.uncorrected.bounds == report.cs.bounds
    assert (cs.uncorrected.is_headline, report.cs.is_headline) == (False, False)
    assert (cs.corrected.items, cs.corrected.n) == (len(safety), len(safety) - len(lost) - 1)
    assert not cs.corrected.is_headline
    args = ("report", RUN, "--judge", "corrected", "--format")
    table = finebench(workspace.root, *args, "table", env={"COLUMNS": "240"}).stdout
    markdown = finebench(workspace.root, *args, "markdown").stdout
    for told in (table, markdown):
        assert "choice undetermined" in told
        assert "no headline" in told
        assert told.count("]*") >= 2
    line = next(row for row in markdown.splitlines() if f"| {STEADY} | CS |" in row)
    assert line.count("]*") == 2
    assert f"| {100 * (cs.corrected.coverage or 0):.1f} |" in line
    rows = list(csv.DictReader(io.StringIO(finebench(workspace.root, *args, "csv").stdout)))
    row = next(r for r in rows if (r["model"], r["score"]) == (STEADY, "cs"))
    counted = [int(row[name]) for name in ("items", "no_reply", "cut_off", "undetermined_choices")]
    assert counted == [len(safety), 1, 0, len(lost)]
    assert (row["is_headline"], row["uncorrected_is_headline"]) == ("no", "no")
    assert (float(row["bound_low"]), float(row["bound_high"])) == cs.corrected.bounds
    plain = json.loads(finebench(workspace.root, *args, "json").stdout)
    told = next(model for model in plain if model["model"] == STEADY)["scores"][0]["corrected"]
    assert told["bounds"] == list(cs.corrected.bounds or ())
    assert told["coverage"] == cs.corrected.coverage


def write_html(finebench: RunCommand, workspace: Workspace, *more: str) -> tuple[str, str]:
    """The run's page, and what was said on the way."""
    out = workspace.root / "page"
    args = ("report", RUN, "--format", "html", "--out", str(out), *more)
    said = finebench(workspace.root, *args).stderr
    return (out / "report.html").read_text(encoding="utf-8"), said


def test_the_page_shows_corrected_scores_beside_the_judges(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """With a slice that people judged they stand among the further figures and in its numbers; else nothing does."""
    assert ", corrected" not in write_html(finebench, workspace)[0]
    plan(finebench, workspace, 30)
    assert ", corrected" not in write_html(finebench, workspace)[0]
    judge(workspace, "anna")
    page, _ = write_html(finebench, workspace)
    for name in ("CS", "CSS", "O", "gap O - M"):
        assert f">{name}, corrected %</th>" in page
    assert "could not be corrected" not in page
    assert "Corrected scores mend" in page
    scores = {score.measure: score for score in find(correct_run(workspace, RUN), STEADY).scores}
    mended = scores[Measure.CSS].corrected
    assert mended
    with (workspace.root / "page" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["figure"] == "CSS, corrected"]
    assert [row["dimension"] for row in rows] == [OVERALL, OVERALL]
    row = next(row for row in rows if row["model"] == STEADY)
    assert (float(row["value"]), int(row["n"])) == (mended.value, mended.n)
    assert (float(row["bound_low"]), float(row["bound_high"])) == mended.bounds
    assert (float(row["low"]), float(row["high"])) == mended.interval


def test_a_correction_that_fails_never_stops_the_page(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Too few words, a torn file, held-out items: a notice says so, with nobody's name and no folder of ours."""
    plan(finebench, workspace, MIN_STRATUM - 1)
    judge(workspace, "anna", simulated=True)
    page, _ = write_html(finebench, workspace)
    assert f"CS, CSS, O, gap O - M of {UNSTEADY} could not be corrected" in page
    plan(finebench, workspace, 40)
    judge(workspace, "anna", simulated=True)
    page, _ = write_html(finebench, workspace)
    assert "SIMULATED reviewers, no word of people" in page
    assert "CSS, corrected by simulated reviewers %" in page
    people = workspace.runs / RUN / "people" / "anna.jsonl"
    whole = people.read_text(encoding="utf-8")
    people.write_text(whole.replace('"anna"', '"eve"'), encoding="utf-8")
    page, said = write_html(finebench, workspace)
    assert "its scores could not be corrected" in page
    assert "anna" not in page
    assert str(workspace.root) not in page
    assert f"run {RUN}: its scores are not corrected: " in said
    people.write_text(whole, encoding="utf-8")
    path = workspace.runs / RUN / "run.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(about | {"data": {"split": "private"}}), encoding="utf-8")
    page, _ = write_html(finebench, workspace)
    assert f"Corrected scores of {RUN} are left out: its items are held out." in page
    assert "corrected by simulated reviewers" not in page
