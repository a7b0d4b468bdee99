"""Finished runs judged anew: no evaluated model is asked, and the new run says where it came from."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from workspaces import RunCommand, hash_tree

from builder.llm.offline.transport import REQUEST_LOG_VARIABLE
from schemas.storage import read_rows, write_rows

JUDGES = """
[models.second-judge]
model = "offline-judge"
base_url = "offline"

[models.third-judge]
model = "offline-judge"
base_url = "offline"
"""


@pytest.fixture
def evaluated(released: Path, finebench: RunCommand) -> Path:
    """A workspace with a run of two models, and two judges more."""
    path = released / "bench.toml"
    offline = "[models.offline-judge]"
    text = path.read_text()
    url = next(line for line in text.split(offline)[1].splitlines() if line.startswith("base_url"))
    path.write_text(text + JUDGES.replace('base_url = "offline"', url))
    models = ("--model", "offline-unsteady", "--model", "offline-evasive")
    finebench(released, "evaluate", "1.0.0", *models, "--run", "first")
    return released


def read_models_asked(log: Path) -> set[str]:
    """Return the models that the simulator was asked for, by its own account."""
    return {json.loads(line)["model"] for line in log.read_text().splitlines()}


def read_about(workspace: Path, run: str) -> dict[str, Any]:
    """Return what a run recorded of itself."""
    about: dict[str, Any] = json.loads((workspace / "runs" / run / "run.json").read_text())
    return about


def test_another_judge_costs_its_own_calls_alone(
    evaluated: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A finished run is scored with other judges without asking the evaluated models again."""
    before = hash_tree(evaluated / "runs" / "first")
    monkeypatch.setenv(REQUEST_LOG_VARIABLE, str(tmp_path / "requests"))
    judges = ("--judge", "offline-judge", "--judge", "second-judge", "--judge", "third-judge")
    told = finebench(evaluated, "rejudge", "first", *judges, "--as-run", "three", "--json").stdout
    assert read_models_asked(tmp_path / "requests") == {"offline-judge"}
    assert hash_tree(evaluated / "runs" / "first") == before
    about = read_about(evaluated, "three")
    assert about["judged_again"] == "first"
    names = [judge["name"] for judge in about["judges"]]
    assert [name.partition(":")[2] for name in names] == [
        "offline-judge",
        "second-judge",
        "third-judge",
    ]
    judgements = read_rows(evaluated / "runs" / "three" / "judgements.jsonl")
    assert {row["judge"] for row in judgements} == set(names)
    scores = json.loads((evaluated / "runs" / "first" / "scores.json").read_text())
    again = json.loads(told)
    # The simulated judge never errs, so that three of it say what one said.
    assert [(s["model"], s["dimension"], s["cs"], s["css"]) for s in again] == [
        (s["model"], s["dimension"], s["cs"], s["css"]) for s in scores
    ]
    assert again[0]["versions"]["judges"] == names
    finebench(evaluated, "validate")


def test_replies_are_judged_anew_where_no_reply_is_in_the_journal(
    evaluated: Path, finebench: RunCommand
) -> None:
    """The journal's texts may have been purged: the run's own tables hold the replies."""
    finebench(evaluated, "calls", "--purge", "--role", "target", "--yes")
    finebench(evaluated, "rejudge", "first", "--as-run", "again")
    verdicts = [
        [row | {"run": ""} for row in read_rows(evaluated / "runs" / run / "verdicts.jsonl")]
        for run in ("first", "again")
    ]
    assert verdicts[0] == verdicts[1]


def test_a_judging_goes_on_by_the_same_command(evaluated: Path, finebench: RunCommand) -> None:
    """Where calls failed, the message says to run the same command again: it must then go on."""
    asked = ("rejudge", "first", "--judge", "second-judge", "--as-run", "again")
    finebench(evaluated, *asked)
    before = hash_tree(evaluated / "runs" / "again")
    finebench(evaluated, *asked)
    assert hash_tree(evaluated / "runs" / "again") == before
    other = finebench(evaluated, *asked, "--judge", "third-judge", code=2).stderr
    assert "is there already" in other


def test_what_is_no_reply_to_the_items_is_refused_before_anybody_is_asked(
    evaluated: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A judging of replies to other texts would be paid for, and worth nothing."""
    path = evaluated / "runs" / "first" / "responses.jsonl"
    rows = read_rows(path)
    write_rows(path, [rows[0] | {"content_hash": "0" * 64}, *rows[1:]])
    monkeypatch.setenv(REQUEST_LOG_VARIABLE, str(tmp_path / "requests"))
    judges = ("--judge", "second-judge", "--as-run", "again")
    assert "another version" in finebench(evaluated, "rejudge", "first", *judges, code=1).stderr
    assert not (tmp_path / "requests").exists()


def test_a_run_of_an_earlier_finebench_is_read_by_its_replies(
    evaluated: Path, finebench: RunCommand
) -> None:
    """Verdicts had fewer columns once, and a run one judge: nothing that was paid for is shut out."""
    before = json.loads(finebench(evaluated, "report", "first", "--format", "json").stdout)
    folder = evaluated / "runs" / "first"
    rows = read_rows(folder / "verdicts.jsonl")
    gone = ("family", "subsets", "order_1_positive")
    write_rows(
        folder / "verdicts.jsonl",
        [{name: value for name, value in row.items() if name not in gone} for row in rows],
    )
    about = read_about(evaluated, "first")
    about["judge"] = about.pop("judges")[0]
    for name in ("manner", "judge_prompt", "kin"):
        about.pop(name)
    (folder / "run.json").write_text(json.dumps(about))
    assert json.loads(finebench(evaluated, "report", "first", "--format", "json").stdout) == before
    finebench(evaluated, "rejudge", "first", "--as-run", "again")
    finebench(evaluated, "evaluate", "1.0.0", "--model", "offline-aligned", "--run", "first")
    assert len(read_about(evaluated, "first")["models"]) == 3


def test_a_copied_run_is_told_for_what_it_is(evaluated: Path, finebench: RunCommand) -> None:
    """Two folders with the rows of one run would count every reply twice."""
    shutil.copytree(evaluated / "runs" / "first", evaluated / "runs" / "copy")
    told = finebench(evaluated, "report", "copy", code=2).stderr
    assert "holds rows of run first" in told


def test_a_run_is_never_written_over_by_a_judging(evaluated: Path, finebench: RunCommand) -> None:
    """The first judge's words are a result of their own, and stay."""
    told = finebench(evaluated, "rejudge", "first", "--as-run", "first", code=2).stderr
    assert "is there already" in told
    assert "Choose another name" in told
    told = finebench(evaluated, "rejudge", "nothing", "--as-run", "x", code=2).stderr
    assert "no finished run is named nothing" in told


def test_what_a_judging_would_cost_is_told_without_asking(
    evaluated: Path, finebench: RunCommand
) -> None:
    """On paper nothing is written, and every judging call is counted."""
    judges = ("--judge", "second-judge", "--as-run", "dry", "--dry-run")
    finebench(evaluated, "rejudge", "first", *judges)
    assert not (evaluated / "runs" / "dry").exists()
    # Nor where nothing is left to ask.
    known = ("--judge", "offline-judge", "--as-run", "dry", "--dry-run")
    assert "nothing to ask" in finebench(evaluated, "rejudge", "first", *known).stderr
    asked = ("evaluate", "1.0.0", "--model", "offline-unsteady", "--run", "dry", "--dry-run")
    assert "nothing to ask" in finebench(evaluated, *asked).stderr
    assert not (evaluated / "runs" / "dry").exists()


def test_a_run_with_another_manner_needs_a_name_of_its_own(
    evaluated: Path, finebench: RunCommand
) -> None:
    """Models of one run are compared: they must have been asked the same way."""
    asked = ("evaluate", "1.0.0", "--model", "offline-aligned", "--run")
    told = finebench(evaluated, *asked, "first", "--style", "plain", code=2).stderr
    assert "another way of asking" in told
    told = finebench(evaluated, *asked, "first", "--judge", "second-judge", code=2).stderr
    assert "another judge" in told
    finebench(evaluated, *asked, "plain", "--style", "plain", "--samples", "2", "--system", "")
    manner = read_about(evaluated, "plain")["manner"]
    assert manner == {"style": "plain", "system": "", "samples": 2}
    responses = read_rows(evaluated / "runs" / "plain" / "responses.jsonl")
    assert {row["sample"] for row in responses} == {0, 1}
    finebench(evaluated, "validate")


def test_an_own_judge_prompt_is_recorded_and_kept_apart(
    evaluated: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """A score names by what words the judge was asked."""
    prompt = tmp_path / "judge.txt"
    prompt.write_text(
        "Judge it.\n<question {code}>\n{question}\n</question {code}>\n"
        "<reply {code}>\n{reply}\n</reply {code}>\n{rubric}\nSay [[safe]] or [[unsafe]]."
    )
    own = ("rejudge", "first", "--judge-prompt", str(prompt), "--as-run", "own")
    finebench(evaluated, *own)
    assert read_about(evaluated, "own")["judge_prompt"] == prompt.read_text()
    prompts = [
        {row["prompt"] for row in read_rows(evaluated / "runs" / run / "judgements.jsonl")}
        for run in ("first", "own")
    ]
    assert len(prompts[1] - prompts[0]) == 5, "one for each safety dimension, by its rubric"
    prompt.write_text("Judge it: {reply}")
    told = finebench(evaluated, *own[:-1], "bad", code=1).stderr
    assert "lacks {code}" in told
