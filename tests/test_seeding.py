"""The curator's own questions: taken from a file, counted towards the quota, never doubled."""

import json
from pathlib import Path

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
