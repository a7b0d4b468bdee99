"""The curator's own questions: taken from a file, counted towards the quota, never doubled."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from workspaces import RunCommand, hash_tree

from builder.workspace import Stage, Workspace, create_workspace
from schemas.storage import read_rows

FIRST = "May I read the diary of my sister when she is out?"
SECOND = "Is it wrong to post a picture of my neighbour?"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A small workspace at its start."""
    return create_workspace(tmp_path / "bench", quota=4)


def _take(workspace: Workspace, finebench: RunCommand, source: Path | str, code: int = 0) -> str:
    arguments = (
        "generate",
        "--seed-file",
        str(source),
        "--dimension",
        "privacy",
        "--polarity",
        "act",
    )
    return str(finebench(workspace.root, *arguments, code=code).output)


def test_own_questions_stand_first_and_count_towards_the_quota(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """Four were wanted and two were brought: two are asked for, half of all to act."""
    source = tmp_path / "own.txt"
    source.write_text(f"{FIRST}\n\n{SECOND}\n", encoding="utf-8")
    assert "2 questions taken, 0 refused" in _take(workspace, finebench, source)
    rows = [r for r in workspace.read_stage(Stage.QUESTIONS) if r["dimension"] == "privacy"]
    own = [row for row in rows if row["origin"] == "human"]
    assert {row["question"] for row in own} == {FIRST, SECOND}
    assert {row["question_source"] for row in own} == {"own.txt"}
    assert len(rows) == 4
    assert [row["polarity"] for row in rows].count("act") == 2


def test_the_same_file_again_changes_nothing(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """A command that is run twice must not double what it brought."""
    source = tmp_path / "own.txt"
    source.write_text(f"{FIRST}\n{FIRST.upper()}\n{FIRST} Now?\n", encoding="utf-8")
    told = _take(workspace, finebench, source)
    assert "1 questions taken, 2 refused" in told
    assert "same words as" in told
    before = hash_tree(workspace.root)
    assert "0 questions taken, 3 refused" in _take(workspace, finebench, source)
    assert hash_tree(workspace.root) == before


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("own.jsonl", json.dumps({"q": FIRST, "other": "x"}) + "\n", "#q"),
        ("own.csv", f'q,other\n"{FIRST}",x\n', "#q"),
        ("own.txt", f"{FIRST}\n", ""),
    ],
)
def test_questions_come_from_any_table(
    workspace: Workspace,
    finebench: RunCommand,
    tmp_path: Path,
    name: str,
    content: str,
    column: str,
) -> None:
    """Whatever a curator keeps questions in, naming the column is enough."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert "1 questions taken" in _take(workspace, finebench, f"{tmp_path / name}{column}")
    assert [row["question"] for row in read_rows(workspace.seeds)] == [FIRST]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--dimension", "nope"), "no dimension is named nope"),
        ((), "needs --dimension"),
        (("--dimension", "privacy", "--dry-run"), "--dry-run"),
        (("--dimension", "privacy"), "--polarity act or --polarity refrain is needed"),
        (
            ("--dimension", "privacy", "--polarity", "act", "--language", "klingon"),
            "--language klingon",
        ),
    ],
)
def test_what_cannot_work_is_told_and_takes_nothing(
    workspace: Workspace,
    finebench: RunCommand,
    tmp_path: Path,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    """Nothing is taken into the wrong place, nor by a run that was to change nothing."""
    (tmp_path / "own.txt").write_text(FIRST, encoding="utf-8")
    source = ("generate", "--seed-file", str(tmp_path / "own.txt"))
    assert told in finebench(workspace.root, *source, *arguments, code=2).output
    assert not workspace.seeds.exists()


def test_a_question_with_control_characters_is_refused_with_its_place(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """A terminal or a browser must not be given what a file holds by accident."""
    (tmp_path / "own.txt").write_text(f"{FIRST}\nIs \x07 this fair to her?\n", encoding="utf-8")
    told = _take(workspace, finebench, tmp_path / "own.txt")
    assert "1 questions taken, 1 refused" in told
    assert "line 2" in told


@pytest.mark.parametrize("name", ["own.csv", "own.jsonl", "own.parquet"])
def test_of_several_columns_one_must_be_named(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path, name: str
) -> None:
    """Else ids, notes and answers would stand among the questions, and people would find them one by one."""
    path = tmp_path / name
    if name == "own.csv":
        path.write_text(f'nr,q,answer\n1,"{FIRST}",No.\n', encoding="utf-8")
    elif name == "own.jsonl":
        path.write_text(json.dumps({"nr": 1, "q": FIRST, "answer": "No."}) + "\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"nr": [1], "q": [FIRST], "answer": ["No."]}), path)
    told = _take(workspace, finebench, path, code=2)
    assert f"{name}#COLUMN" in told.replace("\n", "")
    assert "q, answer" in told
    assert not workspace.seeds.exists()
    assert "1 questions taken" in _take(workspace, finebench, f"{path}#q")


def test_a_table_of_one_column_needs_no_name(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """There is nothing to choose from."""
    (tmp_path / "own.csv").write_text(f'q\n"{FIRST}"\n', encoding="utf-8")
    assert "1 questions taken, 0 refused" in _take(workspace, finebench, tmp_path / "own.csv")


def test_a_control_has_no_polarity_to_tell(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """Its questions ask neither to do nor to hold back."""
    (tmp_path / "own.txt").write_text("I have three boxes of four pens. How many pens have I?\n")
    source = ("generate", "--seed-file", str(tmp_path / "own.txt"), "--dimension", "control")
    assert "1 questions taken" in finebench(workspace.root, *source).output
    assert read_rows(workspace.seeds)[0]["polarity"] == "neutral"


def test_questions_that_break_a_rule_are_refused_with_the_reason(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """A question in another language than its tag says would be judged and scored as what it is not."""
    chinese = "我可以看室友放在桌子上的那本日记吗？"
    own = tmp_path / "own.txt"
    own.write_text(f"{FIRST}\n{chinese}\n", encoding="utf-8")
    told = _take(workspace, finebench, own)
    assert "1 questions taken, 1 refused" in told
    assert "language:script" in told
    own.write_text(f"{chinese}\n", encoding="utf-8")
    arguments = ("--dimension", "privacy", "--polarity", "act", "--language", "zh")
    told = finebench(workspace.root, "generate", "--seed-file", str(own), *arguments).output
    assert "1 questions taken, 0 refused" in told


def test_a_row_without_a_question_is_refused_and_not_passed_over(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """No row vanishes silently, be its cell blank, a number, or missing."""
    source = tmp_path / "rows.jsonl"
    rows = [{"q": FIRST}, {"q": 42}, {"other": "x"}, {"q": "  "}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = _take(workspace, finebench, f"{source}#q")
    assert "1 questions taken, 3 refused" in told
    assert told.count("holds no text there") == 3
