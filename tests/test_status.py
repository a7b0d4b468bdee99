"""Status: what stands where, what is stale and why, and what comes next."""

import json
from pathlib import Path

from workspaces import RunCommand

from schemas.storage import read_rows


def test_status_counts_each_item_once(released_unchanged: Path, finebench: RunCommand) -> None:
    """What stands where adds up to what was written, and nothing is stale after the road."""
    result = finebench(released_unchanged, "status", "--json")
    status = json.loads(result.stdout)
    total = sum(sum(counts.values()) for counts in status["items"].values())
    assert total == len(read_rows(released_unchanged / "01_questions.jsonl"))
    assert status["stale"] == {}
    assert status["next"] == "finebench evaluate 1.0.0 --model NAME"


def test_status_names_stale_files_and_why(released: Path, finebench: RunCommand) -> None:
    """A curator who changed a threshold sees which files no longer follow from their inputs."""
    text = (released / "bench.toml").read_text()
    (released / "bench.toml").write_text(text.replace("ratio = 90", "ratio = 80"))
    status = json.loads(finebench(released, "status", "--json").stdout)
    assert status["stale"] == {"03_checked": ["parameter near_duplicate_ratio changed"]}
    assert status["next"] == "finebench check"


def test_a_file_changed_by_hand_is_noticed(released: Path, finebench: RunCommand) -> None:
    """Stage files are results; who edits one is told of the command that keeps a history."""
    path = released / "03_checked.jsonl"
    path.write_text(path.read_text().replace('"question":"', '"question":"Now: ', 1))
    status = json.loads(finebench(released, "status", "--json").stdout)
    assert "changed by hand" in status["stale"]["03_checked"][0]
    assert "finebench edit" in status["stale"]["03_checked"][0]
    assert "hash matches content" in finebench(released, "validate", str(path), code=1).stderr
