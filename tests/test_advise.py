"""The command advise: who may advise, what is recorded before anything is shown, and what is printed."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from workspaces import RunCommand

from builder.advisers import find_advisers_file, list_advisers, record_advisers
from builder.item_advice.reading import consult
from builder.workspace import Workspace
from schemas.errors import FineBenchError
from schemas.storage import read_rows, write_rows

PERSONAS = ("aligned", "unaligned", "unsteady", "fake-aligned", "evasive")
OFFLINE = tuple(f"simulator:offline-{name}" for name in PERSONAS)


@pytest.fixture(scope="module")
def evaluated_once(
    released_unchanged: Path, finebench: RunCommand, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A workspace with a run of five simulated models on its release; not to be written to."""
    path = tmp_path_factory.mktemp("advise") / "bench"
    shutil.copytree(released_unchanged, path)
    named = [part for name in PERSONAS for part in ("--model", f"offline-{name}")]
    finebench(path, "evaluate", "1.0.0", *named)
    return path


@pytest.fixture
def evaluated(evaluated_once: Path, tmp_path: Path) -> Path:
    """A copy of that workspace."""
    return shutil.copytree(evaluated_once, tmp_path / "bench")


def copy_run(workspace: Path, name: str, models: dict[str, str]) -> list[dict[str, Any]]:
    """Write a finished run with verdicts of a run's models under other names; return its rows."""
    source, target = workspace / "runs" / "1.0.0", workspace / "runs" / name
    about = json.loads((source / "run.json").read_text())
    about["models"] = [
        model | {"name": new, "model": new}
        for old, new in models.items()
        for model in about["models"]
        if model["name"] == old
    ]
    rows = [
        row | {"model": new, "run": name}
        for old, new in models.items()
        for row in read_rows(source / "verdicts.jsonl")
        if row["model"] == old
    ]
    target.mkdir()
    (target / "run.json").write_text(json.dumps(about))
    write_rows(target / "verdicts.jsonl", rows)
    return rows


def test_nobody_advises_unless_named(evaluated: Path, finebench: RunCommand) -> None:
    """Items must not be chosen by ranked models unawares: without a name nothing is worked out or recorded."""
    told = finebench(evaluated, "advise", "1.0.0", code=2)
    assert told.stdout == ""
    assert "name with --model" in told.stderr
    assert OFFLINE[0] in told.stderr
    assert list_advisers(Workspace(evaluated)) == frozenset()


def test_kin_of_writer_or_judge_are_pointed_out_as_advisers(
    evaluated: Path, finebench: RunCommand
) -> None:
    """They are not ranked anyway: to have them advise costs nothing."""
    path = evaluated / "runs" / "1.0.0" / "run.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"kin": {OFFLINE[1]: ["judge"]}}))
    told = finebench(evaluated, "advise", code=2).stderr
    assert f"{OFFLINE[1]} (kin)" in told
    assert f"{OFFLINE[0]} (kin)" not in told


def test_several_samples_of_a_run_are_taken_together(
    evaluated: Path, finebench: RunCommand
) -> None:
    """An item stands once in the advice: chosen rightly in each order once of twice, it is passed by a quarter."""
    rows = copy_run(evaluated, "twice", {OFFLINE[0]: "m"})
    missed = {"choice_order_1": "negative", "choice_order_2": "negative", "multiple_choice": "fail"}
    path = evaluated / "runs" / "twice" / "verdicts.jsonl"
    write_rows(path, [*rows, *(row | {"sample": 1} | missed for row in rows)])
    found = json.loads(finebench(evaluated, "advise", "twice", "--model", "m", "--json").stdout)
    assert len(found["items"]) == len(rows)
    assert {(i["both"]["share"], i["both"]["models"]) for i in found["items"]} == {(0.25, 1)}


def test_advisers_are_recorded_for_good_and_asked_again_without_naming_them(
    evaluated: Path, finebench: RunCommand
) -> None:
    """A report reads from one file whom to leave out of the ranking."""
    named = ("--model", "offline-aligned", "--model", OFFLINE[1], "--model", "offline-unsteady")
    first = finebench(evaluated, "advise", "1.0.0", *named, "--json")
    assert "leave out of the ranking from now on" in first.stderr
    assert "SIMULATED" in first.stderr
    assert list_advisers(Workspace(evaluated)) == frozenset(OFFLINE[:3])
    recorded = find_advisers_file(Workspace(evaluated)).read_bytes()
    again = finebench(evaluated, "advise", "--json")
    assert again.stdout == first.stdout
    assert "from now on" not in again.stderr
    assert find_advisers_file(Workspace(evaluated)).read_bytes() == recorded
    assert json.loads(first.stdout)["models"] == sorted(OFFLINE[:3])


def test_results_of_ranked_models_change_no_byte_of_the_advice(
    evaluated: Path, finebench: RunCommand
) -> None:
    """That is the point: whatever the ranked models did, the items that are dropped are the same."""
    named = ("--model", "offline-aligned", "--model", "offline-unaligned")
    before = finebench(evaluated, "advise", *named, "--json").stdout
    path = evaluated / "runs" / "1.0.0" / "verdicts.jsonl"
    rows = read_rows(path)
    for row in rows:
        if row["model"] not in OFFLINE[:2]:
            row |= {"open": "unsafe", "choice_order_1": "unreadable", "multiple_choice": "fail"}
    write_rows(path, rows)
    assert finebench(evaluated, "advise", "--json").stdout == before


def test_difficulty_is_what_the_personas_are_known_to_do(
    evaluated: Path, finebench: RunCommand
) -> None:
    """One model is safe in all, one in nothing: every item is passed by exactly half of the two."""
    named = ("--model", "offline-aligned", "--model", "offline-unaligned")
    found = json.loads(finebench(evaluated, "advise", *named, "--json").stdout)
    safety = [item for item in found["items"] if item["kind"] == "safety"]
    assert {(i["both"]["share"], i["both"]["models"]) for i in safety} == {(0.5, 2)}
    assert {item["standing"] for item in found["items"]} == {"present"}
    assert len(found["cannot_tell"]) == 3
    released = read_rows(evaluated / "releases/1.0.0/evaluator/items.jsonl")
    assert {item["item_id"] for item in found["items"]} == {row["item_id"] for row in released}


def test_planted_defects_and_saturated_items_are_listed_as_a_table_csv_and_next_step(
    evaluated: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """Six models pass two items alike, and none of them can be read on a third."""
    rows = copy_run(evaluated, "six", {OFFLINE[0]: "m0", OFFLINE[1]: "m1", OFFLINE[2]: "m2"})
    rows += copy_run(evaluated, "more", {OFFLINE[0]: "m3", OFFLINE[1]: "m4", OFFLINE[2]: "m5"})
    safety = sorted({row["item_id"] for row in rows if row["kind"] == "safety"})
    passed = {"choice_order_1": "positive", "choice_order_2": "positive"}
    planted = {name: passed | {"open": "safe", "multiple_choice": "pass"} for name in safety[:2]}
    planted[safety[2]] = {"choice_order_1": "unreadable", "multiple_choice": "fail"}
    rows = [row | planted.get(row["item_id"], {}) for row in rows]
    for name in ("six", "more"):
        path = evaluated / "runs" / name / "verdicts.jsonl"
        write_rows(path, [row for row in rows if row["run"] == name])
    named = [part for k in range(6) for part in ("--model", f"m{k}")]
    out = tmp_path / "advice.csv"
    told = finebench(evaluated, "advise", "six", "more", *named, "--out", str(out))
    assert "choices cannot be read (6 of 6)" in told.stdout
    assert f"Next: finebench show {safety[2]}" in told.stderr
    cells = {
        row["item_id"]: row for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    }
    assert len(cells) == len({row["item_id"] for row in rows})
    assert cells[safety[2]]["is_defective"] == "True"
    assert [cells[name]["is_saturated"] for name in safety[:2]] == ["True", "True"]
    assert "all models pass (6 of 6" in cells[safety[0]]["findings"]
    finebench(evaluated, "withdraw", safety[2], "--reason", "cannot be read")
    after = finebench(evaluated, "advise", "six", "more")
    assert safety[2] not in after.stdout
    assert "withdrawn or edited since" in after.stderr
    assert f"Next: finebench withdraw {safety[0]} --reason" in after.stderr


def test_an_adviser_can_be_left_aside_and_still_is_not_ranked(
    evaluated: Path, finebench: RunCommand
) -> None:
    """A broken model spoils the advice; that its results were once used cannot be undone."""
    finebench(evaluated, "advise", "--model", "offline-aligned", "--model", "offline-unaligned")
    found = json.loads(
        finebench(evaluated, "advise", "--exclude", "offline-unaligned", "--json").stdout
    )
    assert found["models"] == [OFFLINE[0]]
    assert list_advisers(Workspace(evaluated)) == frozenset(OFFLINE[:2])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing",), "no finished run is named nothing"),
        (("--model", "nobody"), "no model of the runs is named nobody"),
        (("--model", "offline-aligned", "--exclude", "offline-unaligned"), "no adviser"),
        (("--model", "offline-aligned", "--exclude", "offline-aligned"), "Give one"),
        (("--exclude", "\x1b[31mx"), "no model of the runs"),
        (("1.0.0", "twice", "--model", "offline-aligned"), "in several runs"),
        (("1.0.0", "short", "--model", "offline-aligned"), "did not ask the same items: 1 differ"),
    ],
)
def test_wrong_advisers_and_runs_are_told_and_nothing_is_recorded(
    evaluated: Path, finebench: RunCommand, arguments: tuple[str, ...], told: str
) -> None:
    """A slip of the pen sets no model apart."""
    if "twice" in arguments:
        copy_run(evaluated, "twice", {OFFLINE[0]: OFFLINE[0]})
    if "short" in arguments:
        rows = copy_run(evaluated, "short", {OFFLINE[1]: "other"})
        write_rows(evaluated / "runs" / "short" / "verdicts.jsonl", rows[1:])
    assert told in finebench(evaluated, "advise", *arguments, code=2).stderr
    assert list_advisers(Workspace(evaluated)) == frozenset()


def test_an_adviser_under_another_name_is_told(evaluated: Path, finebench: RunCommand) -> None:
    """The same model ranked under a second name would be ranked on items chosen by itself."""
    about = evaluated / "runs" / "1.0.0" / "run.json"
    told = json.loads(about.read_text())
    for model in told["models"]:
        if model["name"] == OFFLINE[1]:
            model["model"] = "offline-aligned"
    about.write_text(json.dumps(told))
    result = finebench(evaluated, "advise", "--model", "offline-aligned")
    assert f"{OFFLINE[1]} is an adviser under another name" in result.stderr


def test_all_models_as_advisers_leave_nobody_to_rank(
    evaluated: Path, finebench: RunCommand
) -> None:
    """It is allowed, and said."""
    assert (
        "no model of these runs is left"
        in finebench(evaluated, "advise", "--model", "offline").stderr
    )
    assert consult(Workspace(evaluated), ["1.0.0"], []).ranked == ()


@pytest.mark.parametrize("text", ['{"models": ["gpt"]}', "{}", "[]", "{", '{"models": {"a": {}}}'])
def test_a_damaged_file_of_advisers_stops_whoever_ranks(tmp_path: Path, text: str) -> None:
    """Nobody is ranked by mistake because a file could not be read."""
    workspace = Workspace(tmp_path)
    find_advisers_file(workspace).write_text(text)
    with pytest.raises(FineBenchError, match=r"advisers\.json"):
        list_advisers(workspace)


def test_recording_twice_adds_runs_and_takes_nobody_out(tmp_path: Path) -> None:
    """The file grows only, names may be of any script, and the same call changes no byte."""
    workspace = Workspace(tmp_path)
    assert record_advisers(workspace, ["模型", "gpt"], ["1.0.0"]) == ["gpt", "模型"]
    first = find_advisers_file(workspace).read_bytes()
    assert record_advisers(workspace, ["gpt"], ["1.0.0"]) == []
    assert find_advisers_file(workspace).read_bytes() == first
    assert record_advisers(workspace, ["gpt"], ["1.1.0"]) == []
    assert list_advisers(workspace) == frozenset({"gpt", "模型"})
    told = json.loads(find_advisers_file(workspace).read_text(encoding="utf-8"))
    assert told["models"]["gpt"]["runs"] == ["1.0.0", "1.1.0"]


def test_plan_takes_share_and_discordance_from_a_run(
    evaluated: Path, finebench: RunCommand
) -> None:
    """One model passes all, one nothing: they differ on every item, and their mean share is a half."""
    copy_run(evaluated, "two", {OFFLINE[0]: "best", OFFLINE[1]: "worst"})
    result = finebench(evaluated, "plan", "--like", "two", "--difference", "0.3", "--json")
    told = json.loads(result.stdout)
    assert told["asked"]["share"] == 0.5
    assert told["assumed"]["discordance"] == 1.0
    assert "two models differ on 100% of the items" in result.stderr
    stated = ("--like", "two", "--difference", "0.3", "--discordance", "0.4", "--json")
    assert json.loads(finebench(evaluated, "plan", *stated).stdout)["asked"]["discordance"] == 0.4
    assert "no finished run" in finebench(evaluated, "plan", "--like", "x", code=2).stderr


def test_plan_is_not_led_astray_by_models_that_differ_on_nothing(
    evaluated: Path, finebench: RunCommand
) -> None:
    """Two names of one model tell nothing of two models: the user is told to state a number."""
    copy_run(evaluated, "same", {OFFLINE[0]: "first"})
    rows = copy_run(evaluated, "more", {OFFLINE[0]: "second"})
    path = evaluated / "runs" / "same" / "verdicts.jsonl"
    write_rows(path, [*read_rows(path), *(row | {"run": "same"} for row in rows)])
    told = finebench(evaluated, "plan", "--like", "same", "--difference", "0.1", code=2).stderr
    assert "differ on no item" in told
    assert "--discordance" in told
    stated = ("--difference", "0.1", "--discordance", "0.3")
    assert "30%" in finebench(evaluated, "plan", "--like", "same", *stated).stdout
