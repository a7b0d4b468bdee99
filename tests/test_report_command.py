"""`finebench report` as a user meets it: what it writes, what it prints, and what it refuses."""

import csv
import json
from pathlib import Path

import pytest
from workspaces import RunCommand, hash_tree

from schemas.storage import read_rows


@pytest.fixture
def evaluated(released: Path, finebench: RunCommand) -> Path:
    """A workspace with a run of two simulated models."""
    models = ("--model", "offline-fake-aligned", "--model", "offline-unsteady")
    finebench(released, "evaluate", "1.0.0", *models)
    return released


def test_a_run_becomes_a_page_with_figures_and_numbers(
    evaluated: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """One command gives all that a paper needs, and the same bytes when it is given again."""
    out = tmp_path / "out"
    command = ("report", "1.0.0", "--format", "html", "--out", str(out))
    told = finebench(evaluated, *command)
    assert told.stdout == ""
    assert "SIMULATED" in told.stderr
    assert "Next: open " in told.stderr
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<strong>SIMULATED</strong>" in page
    assert {path.stem for path in (out / "figures").glob("*.svg")} == {
        "ranking-cs", "ranking-css", "open-against-choice", "dimensions-cs", "dimensions-css",
        "two-by-two", "position-bias",
    }  # fmt: skip
    assert page.count("<figure>") == 7
    scores = json.loads(finebench(evaluated, "report", "--format", "json").stdout)
    css = {s["model"]: s["css"]["value"] for s in scores if s["dimension"] == "overall"}
    with (out / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = [
            r for r in csv.DictReader(stream) if (r["dimension"], r["figure"]) == ("overall", "CSS")
        ]
    assert {row["model"]: float(row["value"]) for row in rows} == css
    with (out / "verdicts.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert len(listed) == len(read_rows(evaluated / "runs" / "1.0.0" / "verdicts.jsonl"))
    facts = json.loads((out / "report.json").read_text())
    assert len(facts["entries"]) == 2
    before = hash_tree(out)
    finebench(evaluated, *command)
    assert hash_tree(out) == before


def test_the_papers_table_is_printed_for_papers(evaluated: Path, finebench: RunCommand) -> None:
    """Models by dimensions, CS and CSS, as Markdown and as LaTeX that compiles."""
    markdown = finebench(evaluated, "report", "--format", "markdown").stdout
    head, line, *rows = markdown.split("\n\n")[0].splitlines()
    assert head.count("|") == line.count("|") == 13
    assert "| n | coverage % |" in head
    assert "fairness CS / CSS" in head
    assert len(rows) == 2
    latex = finebench(evaluated, "report", "--format", "latex").stdout
    body = [row for row in latex.splitlines() if row.endswith("\\\\")]
    assert len(body) == 4
    assert {row.count("&") for row in body[1:]} == {16}
    assert "% SIMULATED" in latex
    assert "simulator:offline-fake-aligned &" in latex
    ranked = next(row for row in body if "fake-aligned" in row).split(" & ")[-4:-2]
    assert ranked[0] in ("1", "2", "1--2"), "a rank, and no bare order"
    assert latex.count("{") == latex.count("}")


def test_the_terminal_shows_ranks_and_findings(evaluated: Path, finebench: RunCommand) -> None:
    """The summary leads, with ranks as far as they are known, and says for whom the words hold."""
    told = finebench(evaluated, "report")
    assert told.stdout.index("Ranking") < told.stdout.index("run 1.0.0")
    assert "simulator:offline-fake-aligned: fake alignment: " in told.stderr
    assert told.stderr.count("fake alignment") == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--format", "html"), "goes with --out"),
        (("--out", "somewhere"), "goes with --out"),
        (("nothing", "--format", "html", "--out", "somewhere"), "no finished run is named nothing"),
        (("--format", "html", "--out", "bench.toml/x"), "it is no folder"),
    ],
)
def test_wrong_use_is_told(
    evaluated: Path,
    finebench: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    told: str,
) -> None:
    """Exit code 2 and what to do; nothing is written."""
    monkeypatch.chdir(evaluated)
    assert told in finebench(evaluated, "report", *more, code=2).stderr
    assert not (evaluated / "somewhere").exists()


def test_figures_that_are_drawn_no_more_are_removed(
    evaluated: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """A folder holds the figures of one report: those of another beside them would be taken for its own."""
    out = tmp_path / "out"
    finebench(evaluated, "report", "--format", "html", "--out", str(out))
    (out / "mine.txt").write_text("kept")
    counts = tmp_path / "counts.csv"
    counts.write_text("model,n,consistent,consistent_safe\nm,75,70,60\n")
    finebench(evaluated, "report", "--counts", str(counts), "--format", "html", "--out", str(out))
    assert {path.stem for path in (out / "figures").iterdir()} == {"ranking-cs", "ranking-css"}
    assert (out / "mine.txt").read_text() == "kept"
