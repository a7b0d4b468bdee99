"""What each stage's file was made from: written beside it, and compared to tell which is stale."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from builder.workspace import Stage, Workspace
from schemas.errors import StageError
from schemas.storage import Row, hash_file, read_bytes, sort_rows, write_rows, write_text
from schemas.tables import SCHEMA_VERSION, TableName
from schemas.texts import canonical_json
from schemas.validation import require_valid

__all__ = [
    "Counts",
    "StageInputs",
    "find_staleness",
    "list_versions",
    "make_rejection",
    "read_record",
    "write_stage",
]

_LIBRARIES = ("datasets", "openai", "pandera", "pyarrow", "rapidfuzz", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Counts:
    """The account of a stage: every row that entered either left or was rejected."""

    entered: int
    left: int
    rejected: int

    def __post_init__(self) -> None:
        if self.entered != self.left + self.rejected:
            raise StageError(
                f"{self.entered} rows entered, but {self.left} left and {self.rejected} were "
                "rejected. This is a fault of finebench: please report it."
            )


@dataclass(frozen=True, slots=True)
class StageInputs:
    """All that a stage's result depends on: files, and parameters in force."""

    files: tuple[Path, ...]
    parameters: Mapping[str, Any]


def make_rejection(row: Mapping[str, Any], stage: Stage, reasons: Iterable[str]) -> Row:
    """Return the rejection row of a row that a stage does not let through."""
    return {
        "item_id": row["item_id"],
        "dimension": row.get("dimension", ""),
        "stage": str(stage),
        "reasons": "; ".join(reasons),
        "row": canonical_json(row),
    }


def write_stage(
    workspace: Workspace,
    stage: Stage,
    rows: Sequence[Row],
    rejected: Sequence[Row],
    inputs: StageInputs,
    *,
    entered: int,
    sort_by: Sequence[str] = ("item_id",),
) -> Counts:
    """Validate and write a stage's rows, its rejections and, last of all, its record.

    A run that is killed in between leaves a record that does not match, and so a stale stage.
    Raises `DataError` where rows break the rules of their table, before anything is written.
    """
    counts = Counts(entered, len(rows), len(rejected))
    path = workspace.get_path(stage)
    require_valid(rows, stage.table, file=path.name, dimensions=workspace.taxonomy)
    require_valid(rejected, TableName.REJECTION, file=workspace.get_rejected_path(stage).name)
    write_rows(path, sort_rows(rows, *sort_by))
    write_rows(workspace.get_rejected_path(stage), sort_rows(rejected, "item_id", "row"))
    record = _describe(workspace, inputs) | {
        "stage": str(stage),
        "table": str(stage.table),
        "schema": SCHEMA_VERSION,
        "output": hash_file(path),
        "counts": {"in": counts.entered, "out": counts.left, "rejected": counts.rejected},
        "versions": list_versions(),
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_text(workspace.get_record_path(stage), text)
    return counts


def _describe(workspace: Workspace, inputs: StageInputs) -> dict[str, Any]:
    files = {
        path.relative_to(workspace.root).as_posix(): hash_file(path)
        for path in inputs.files
        if path.exists()
    }
    return {"inputs": files, "parameters": json.loads(canonical_json(inputs.parameters))}


def read_record(workspace: Workspace, stage: Stage) -> dict[str, Any]:
    """Return the record beside a stage's file; empty where the stage has not run yet.

    A record that cannot be read is as good as none: its stage is run again.
    """
    path = workspace.get_record_path(stage)
    try:
        record = json.loads(read_bytes(path)) if path.exists() else {}
    except ValueError:
        record = {}
    return record if isinstance(record, dict) else {}


def find_staleness(
    workspace: Workspace, stage: Stage, find_inputs: Callable[[Workspace], StageInputs]
) -> tuple[str, ...]:
    """Return the reasons for which a stage's file is not what its inputs would give now.

    An empty tuple means that it is up to date.
    """
    record = read_record(workspace, stage)
    path = workspace.get_path(stage)
    if not record or not path.exists():
        return ("has not run yet",)
    now = _describe(workspace, find_inputs(workspace))
    then: dict[str, str] = record.get("inputs", {})
    reasons = [
        f"{name} changed"
        for name in sorted(set(now["inputs"]) | set(then))
        if now["inputs"].get(name) != then.get(name)
    ]
    reasons += [
        f"parameter {name} changed"
        for name in sorted(set(now["parameters"]) | set(record.get("parameters", {})))
        if now["parameters"].get(name) != record.get("parameters", {}).get(name)
    ]
    if record.get("schema") != SCHEMA_VERSION:
        reasons.append("the table's schema changed")
    if record.get("output") != hash_file(path):
        reasons.append(f"{path.name} was changed by hand (use `finebench edit ITEM` instead)")
    return tuple(reasons)


@cache
def list_versions() -> Mapping[str, str]:
    """Return the versions of finebench and of the libraries that shape its output."""
    return {name: metadata.version(name) for name in ("finebench", *_LIBRARIES)}
