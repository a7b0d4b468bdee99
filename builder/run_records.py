"""What a finished run recorded of itself: its name enters; its record, and the items that it asked, leave."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.release.reading import ITEMS
from builder.workspace import Workspace
from schemas.errors import UsageError
from schemas.storage import Row, hash_file, read_json

__all__ = ["find_run_items", "read_run_record"]


def read_run_record(workspace: Workspace, run: str) -> Row:
    """Return the record of a finished run; raise `UsageError` where none has that name."""
    path = workspace.runs / run / "run.json"
    if not path.exists():
        raise UsageError(f"no finished run is named {run}. `finebench report` lists all.")
    return read_json(path)


def find_run_items(workspace: Workspace, about: Mapping[str, Any]) -> Path | None:
    """Return the items that a run asked, by its record; None where their release is not here as it was."""
    path = workspace.releases / str(about.get("release", "")) / ITEMS
    return path if path.is_file() and hash_file(path) == about.get("items") else None
