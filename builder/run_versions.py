"""What the scores of a run name: its record enters; versions of data, evaluator and judge leave."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.bundle.engine.provenance import UNKNOWN, Versions, find_mapping, read_versions
from builder.release.manifest import describe_evaluator
from builder.run_records import read_run_record
from builder.workspace import Workspace
from schemas.storage import Row

__all__ = [
    "PEOPLE",
    "describe_versions",
    "list_judge_records",
    "list_run_judges",
    "read_run_versions",
    "record_versions",
]

PEOPLE = "people"
"""Who judged, where people's majority stands in place of a model."""


def record_versions(items: Path) -> Row:
    """Return what a run records of its data and of the evaluator that asks and scores."""
    found = read_versions(items, ())
    data = {"name": found.data, "version": found.release, "split": found.split}
    return {"data": data | {"row_hash": found.row_hash}, "evaluator": describe_evaluator()}


def describe_versions(about: Mapping[str, Any], *, judge: str = "") -> Versions:
    """Return what the scores of a run name, from its record; older records tell less.

    ``judge`` stands for the recorded one where somebody else's word was counted.
    """
    data, evaluator = find_mapping(about, "data"), find_mapping(about, "evaluator")
    return Versions(
        data=str(data.get("name", "")),
        release=str(data.get("version", about.get("release", ""))),
        split=str(data.get("split", "test")),
        row_hash=str(about.get("items", "")),
        evaluator=str(evaluator.get("version", UNKNOWN)),
        judges=(judge,) if judge else list_run_judges(about),
        scoring_hash=str(evaluator.get("scoring_hash", "")),
    )


def list_run_judges(about: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a run's judges, from its record; one that does not tell them has none that is known."""
    return tuple(str(row.get("name", UNKNOWN)) for row in list_judge_records(about)) or (UNKNOWN,)


def list_judge_records(about: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a run recorded of its judges; runs of before had one."""
    judges = about.get("judges")
    rows = judges if isinstance(judges, list) else [about.get("judge")]
    return [row for row in rows if isinstance(row, dict)]


def read_run_versions(workspace: Workspace, run: str, *, judge: str = "") -> Versions:
    """Return what the scores of a finished run name."""
    return describe_versions(read_run_record(workspace, run), judge=judge)
