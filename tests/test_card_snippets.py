"""The code of the card runs as it stands in the folder of the release, every block of it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workspaces import read_release

from builder.bundle.engine.items import read_items
from builder.release.verifying import verify_release
from schemas.storage import read_rows

pytestmark = [pytest.mark.server, pytest.mark.slow]


def list_blocks(card: str) -> list[tuple[str, str]]:
    """Return the language and the text of every block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(released_unchanged: Path, tmp_path: Path) -> Path:
    """A copy of the release, away from its workspace, as somebody downloads it."""
    return shutil.copytree(read_release(released_unchanged)[0], tmp_path / "a download")


def run_block(language: str, text: str, folder: Path, **variables: str) -> str:
    """Run a block in a folder with nothing of this process but where its Python is."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent),
        "HF_HOME": str(folder.parent / "hf"),
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **variables,
    }
    command = {"python": [sys.executable, "-c", text], "sh": ["sh", "-eu", "-c", text]}[language]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{text}\n{result.stdout}{result.stderr}"
    return result.stdout


def test_every_block_is_of_a_kind_that_is_run_here(folder: Path) -> None:
    """A block in another language would be a promise that nobody keeps."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    kinds = [language for language, _ in list_blocks(card)]
    assert sorted(kinds) == ["bibtex", "python", "python", "sh"]


def test_the_blocks_in_python_run_in_the_folder(folder: Path) -> None:
    """One loads the items, the other proves every byte; a changed byte is found."""
    rows = read_rows(folder / "evaluator" / "items.jsonl")
    card = (folder / "README.md").read_text(encoding="utf-8")
    load, prove = (text for language, text in list_blocks(card) if language == "python")
    assert rows[0]["item_id"] in run_block("python", load, folder)
    run_block("python", prove, folder)
    with (folder / "guidelines.md").open("a", encoding="utf-8") as stream:
        stream.write(" ")
    with pytest.raises(AssertionError, match=r"guidelines\.md"):
        run_block("python", prove, folder)


def test_three_lines_score_a_model(
    folder: Path, offline_server: Callable[[list[Any]], Any]
) -> None:
    """The block on scoring asks a served model, and scores what was recorded to the same table."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    (score,) = (text for language, text in list_blocks(card) if language == "sh")
    assert score.count("\n") == 3
    items = list(read_items(folder / "evaluator" / "items.jsonl"))
    with offline_server(items) as base_url:
        told = run_block(
            "sh",
            score,
            folder,
            MODEL="offline-fake-aligned",
            JUDGE="offline-judge",
            BASE_URL=base_url,
            OPENAI_API_KEY="test",
        )
    tables = [line for line in told.splitlines() if " overall " in line]
    assert len(tables) == 2
    assert tables[0] == tables[1]
    assert (folder.parent / "results" / "responses.jsonl").is_file()
    assert verify_release(folder) == [], "scoring in the folder left something there"
