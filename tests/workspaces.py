"""Reading a workspace that commands have filled: its folder goes in, releases, items and hashes come out."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

from schemas.storage import read_rows

__all__ = ["RunCommand", "first_item", "hash_tree", "read_release"]

RunCommand = Callable[..., Result]


def read_release(workspace: Path) -> tuple[Path, list[dict[str, Any]], dict[str, Any]]:
    """Return the folder, rows and manifest of release 1.0.0."""
    folder = workspace / "releases" / "1.0.0"
    rows = read_rows(folder / "evaluator" / "items.jsonl")
    return folder, rows, json.loads((folder / "manifest.json").read_text())


def hash_tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a workspace keeps, locks aside."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".locks" not in path.parts and "__pycache__" not in path.parts
    }


def first_item(workspace: Path) -> dict[str, Any]:
    """Return the first checked item."""
    return read_rows(workspace / "03_checked.jsonl")[0]
