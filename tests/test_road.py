"""The main job end to end on the offline model: stages account for every row, and repeat to the byte."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from workspaces import RunCommand, hash_tree, read_release

from builder.llm.offline.transport import REQUEST_LOG_VARIABLE
from builder.workspace import Stage, Workspace
from schemas.labels import REFUSING_ARMS
from schemas.storage import read_rows


def test_every_stage_accounts_for_every_row(released_unchanged: Path) -> None:
    """In = out + rejected, stage by stage: no row vanishes silently."""
    entered = None
    for stage in ("01_questions", "02_options", "03_checked", "05_adjudicated"):
        record = json.loads((released_unchanged / f"{stage}.meta.json").read_text())
        counts = record["counts"]
        assert counts["in"] == counts["out"] + counts["rejected"]
        assert len(read_rows(released_unchanged / f"{stage}.jsonl")) == counts["out"]
        assert entered in (None, counts["in"]), f"{stage} lost rows of the stage before"
        entered = counts["out"]


def test_road_walked_twice_makes_no_call_and_the_same_bytes(
    released: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing paid for is asked again, and a diff of two builds shows nothing."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-unsteady")
    before = hash_tree(released)
    monkeypatch.setenv(REQUEST_LOG_VARIABLE, str(tmp_path / "requests"))
    for command in ("generate", "derive", "check", "adjudicate"):
        finebench(released, command)
    finebench(released, "annotate", "simulate")
    finebench(released, "annotate", "simulate", "--round", "2")
    finebench(released, "annotate", "merge")
    finebench(released, "export", "1.0.0")
    finebench(released, "evaluate", "1.0.0", "--model", "offline-unsteady")
    assert not (tmp_path / "requests").exists(), "a call was made"
    assert hash_tree(released) == before


def test_simulated_answers_are_marked_in_every_row(released_unchanged: Path) -> None:
    """A row must say by itself that no person stands behind it."""
    rows = read_rows(released_unchanged / "04_annotations.jsonl")
    assert rows
    assert all(row["simulated"] and row["reviewer"].startswith("simulated-") for row in rows)


def test_arms_are_crossed(released_unchanged: Path) -> None:
    """Refusing is as frequent among positive as among negative options: "pick the refusal" earns 50%."""
    rows = [
        r for r in read_rows(released_unchanged / "02_options.jsonl") if r["dimension"] != "control"
    ]
    positive = sum(row["positive_arm"] in REFUSING_ARMS for row in rows)
    negative = sum(row["negative_arm"] in REFUSING_ARMS for row in rows)
    assert positive == negative == len(rows) / 2


def test_build_stops_where_people_are_needed(tmp_path: Path, finebench: RunCommand) -> None:
    """The machine's part never decides what people should: it says what comes next."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    result = finebench(path, "build")
    assert "Next: finebench review" in result.stderr
    assert not (path / "04_annotations.jsonl").exists()
    again = finebench(path, "build")
    assert "03_checked: up to date" in again.stderr


def test_raising_a_quota_keeps_the_questions_there_are(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """People may have reviewed them: a larger benchmark holds the smaller one."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "3")
    finebench(path, "generate")
    before = {row["item_id"]: row for row in read_rows(path / "01_questions.jsonl")}
    text = (path / "dimensions.toml").read_text()
    (path / "dimensions.toml").write_text(text.replace("quota = 3", "quota = 8"))
    finebench(path, "generate")
    after = {row["item_id"]: row for row in read_rows(path / "01_questions.jsonl")}
    assert before.items() <= after.items()
    assert len(after) == 48


def test_a_dimension_that_is_dropped_leaves_its_questions_among_the_rejected(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """No row vanishes silently, even when the curator changes their mind about a dimension."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    finebench(path, "generate")
    text = (path / "dimensions.toml").read_text()
    (path / "dimensions.toml").write_text(text[: text.rindex("[[dimension]]")])
    finebench(path, "generate")
    rejected = read_rows(path / "01_questions.rejected.jsonl")
    assert len(rejected) == 2
    assert all("no longer has control" in row["reasons"] for row in rejected)
    finebench(path, "validate")


def test_fine_items_go_the_same_road(
    fine_file: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """The authors' 90 items: imported, checked, released under three waivers, evaluated."""
    path = tmp_path / "fine"
    finebench(path, "new", str(path), "--quota", "0")
    finebench(path, "import", str(fine_file), "--format", "fine")
    check = finebench(path, "check", code=1)
    assert "held-out form" in check.stdout
    finebench(path, "adjudicate")
    waivers = ("undecided-items=not reviewed", "option-leak=as released", "agreement=not reviewed")
    finebench(path, "export", "1.0.0", *(f"--waive={waiver}" for waiver in waivers))
    _, rows, manifest = read_release(path)
    assert len(rows) == 90
    assert set(manifest["waivers"]) == {"undecided-items", "option-leak", "agreement"}
    result = finebench(path, "evaluate", "1.0.0", "--model", "offline", "--json")
    overall = {s["model"]: s for s in json.loads(result.stdout) if s["dimension"] == "overall"}
    assert overall["simulator:offline-aligned"]["css"]["value"] == 1.0
    assert overall["simulator:offline-unaligned"]["css"]["value"] == 0.0
    assert {s["n"] for s in overall.values()} == {90}


def test_import_into_a_generated_benchmark_counts_towards_the_quota(
    fine_file: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Imported items join the generated ones, whose options are asked for only where missing."""
    path = tmp_path / "mixed"
    finebench(path, "new", str(path), "--quota", "20")
    finebench(path, "import", str(fine_file), "--format", "fine")
    finebench(path, "build")
    rows = Workspace(path).read_stage(Stage.OPTIONS)
    counts = Counter((row["dimension"], row["origin"]) for row in rows)
    assert counts["fairness", "imported"] == 18
    assert counts["fairness", "generated"] == 2
    assert counts["control", "generated"] == 20
    shutil.rmtree(path / "journal")
    again = finebench(path, "import", str(fine_file), "--format", "fine")
    assert "Next: finebench generate" in again.stderr
    assert not (path / "journal").exists(), "an import asks nobody"
    after = Workspace(path).read_stage(Stage.QUESTIONS)
    assert {row["item_id"] for row in after} == {row["item_id"] for row in rows}


def test_twins_walk_the_road_and_leak_nothing(tmp_path: Path, finebench: RunCommand) -> None:
    """Each two options stand once in either role: every reader of the options alone earns a half."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "24")
    config = path / "bench.toml"
    config.write_text(
        config.read_text().replace("batch_size = 10", "batch_size = 10\ntwins = true")
    )
    finebench(path, "build")
    items = {row["item_id"]: row for row in read_rows(path / "03_checked.jsonl")}
    twins = [row for row in items.values() if row["twin"]]
    assert len(twins) == 5 * 24
    for row in twins:
        other = items[row["twin"]]
        assert (other["positive_option"], other["negative_option"]) == (
            row["negative_option"],
            row["positive_option"],
        )
    report = json.loads(finebench(path, "check", "--json").stdout)
    measured = [g["accuracy"] for g in report["leak"]["gauges"] if g["accuracy"] is not None]
    assert measured
    assert set(measured) == {0.5}
