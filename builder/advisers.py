"""Models whose results may be used to better the items, and that are therefore not ranked: names enter a file.

Items that were chosen by how a model did on them say too little or too much of that model. So whoever wants
advice on items names models for it, before seeing any, and these stay out of every ranking from then on.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from builder.workspace import Workspace
from schemas.errors import DataError
from schemas.storage import read_json, write_text

__all__ = ["find_advisers_file", "list_advisers", "record_advisers"]


def find_advisers_file(workspace: Workspace) -> Path:
    """Return the file that names the advisers, each with the runs on which it gave advice."""
    return workspace.root / "advisers.json"


def list_advisers(workspace: Workspace) -> frozenset[str]:
    """Return the models that advise on items, by the names that verdicts have; a ranking leaves them out.

    Raises `DataError` where the file was changed to something else: nobody is ranked by mistake.
    """
    return frozenset(_read_advisers(workspace))


def record_advisers(workspace: Workspace, models: Iterable[str], runs: Iterable[str]) -> list[str]:
    """Record that models give advice on runs; return those that had not given any before, sorted.

    There is no way back: advice that was seen cannot be unseen.
    """
    path, asked = find_advisers_file(workspace), sorted(set(runs))
    with workspace.hold(path.name):
        before = _read_advisers(workspace)
        after = {name: set(known) for name, known in before.items()}
        for model in models:
            after.setdefault(model, set()).update(asked)
        told = {name: {"runs": sorted(known)} for name, known in after.items()}
        text = json.dumps({"models": told}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        if after != {name: set(known) for name, known in before.items()}:
            write_text(path, text)
    return sorted(after.keys() - before.keys())


def _read_advisers(workspace: Workspace) -> dict[str, list[str]]:
    path = find_advisers_file(workspace)
    if not path.exists():
        return {}
    models = read_json(path).get("models")
    if not isinstance(models, dict) or not all(_holds_runs(told) for told in models.values()):
        raise DataError(
            f"{path}: does not name models with their runs any more. Restore it from a copy: which models "
            "are ranked hangs on it."
        )
    return {str(name): told["runs"] for name, told in models.items()}


def _holds_runs(told: Any) -> bool:
    runs = told.get("runs") if isinstance(told, dict) else None
    return isinstance(runs, list) and all(isinstance(run, str) for run in runs)
