"""What each stage's files were made from: recorded with them, and compared to tell which is stale."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from builder.workspace import Stage, Workspace
from schemas.errors import StageError, StorageError
from schemas.storage import (
    Row,
    get_prepared_path,
    hash_file,
    prepare_text,
    read_json,
    sort_rows,
    write_text,
)
from schemas.tables import SCHEMA_VERSION, TableName
from schemas.texts import canonical_json, canonical_rows
from schemas.validation import require_valid

__all__ = [
    "Counts",
    "MadeFrom",
    "StageInputs",
    "describe_inputs",
    "find_staleness",
    "finish_writing",
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


MadeFrom = Mapping[str, Any]
"""Hashes of a stage's input files and its parameters, as they were when the stage began to read."""


def make_rejection(row: Mapping[str, Any], stage: Stage, reasons: Iterable[str]) -> Row:
    """Return the rejection row of a row that a stage does not let through.

    The row is kept as JSON in ASCII, whatever characters it was rejected for.
    """
    return {
        "item_id": row["item_id"],
        "dimension": row.get("dimension", ""),
        "stage": str(stage),
        "reasons": "; ".join(reasons),
        "row": json.dumps(row, sort_keys=True),
    }


def describe_inputs(workspace: Workspace, inputs: StageInputs) -> MadeFrom:
    """Return what a stage is made from.

    A stage calls this before it reads anything: what changes while it runs then makes it stale.
    """
    files = {
        Path(os.path.relpath(path, workspace.root)).as_posix(): hash_file(path)
        for path in inputs.files
        if path.exists()
    }
    return {"inputs": files, "parameters": json.loads(canonical_json(inputs.parameters))}


def write_stage(
    workspace: Workspace,
    stage: Stage,
    rows: Sequence[Row],
    rejected: Sequence[Row],
    made_from: MadeFrom,
    *,
    entered: int,
    sort_by: Sequence[str] = ("item_id",),
    more: Mapping[Path, str] | None = None,
) -> Counts:
    """Validate and write a stage's rows, its rejections, ``more`` files, and the record of all.

    The files change together: they are written beside, then the record names their hashes, and only
    then they are put in place. A run that is killed before the record leaves all as it was; one that
    is killed after it is finished by `finish_writing`. Raises `DataError` where rows break the rules
    of their table, before anything is written.
    """
    counts = Counts(entered, len(rows), len(rejected))
    path, rejected_path = workspace.get_path(stage), workspace.get_rejected_path(stage)
    require_valid(rows, stage.table, file=path.name, dimensions=workspace.taxonomy)
    require_valid(rejected, TableName.REJECTION, file=rejected_path.name)
    texts = {
        path: canonical_rows(sort_rows(rows, *sort_by)),
        rejected_path: canonical_rows(sort_rows(rejected, "item_id", "row")),
        **(more or {}),
    }
    for target, text in texts.items():
        prepare_text(target, text)
    record = dict(made_from) | {
        "stage": str(stage),
        "table": str(stage.table),
        "schema": SCHEMA_VERSION,
        "files": {target.name: _hash(text.encode("utf-8")) for target, text in texts.items()},
        "counts": {"in": counts.entered, "out": counts.left, "rejected": counts.rejected},
        "versions": list_versions(),
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_text(workspace.get_record_path(stage), text)
    finish_writing(workspace, stage)
    return counts


def finish_writing(workspace: Workspace, stage: Stage) -> None:
    """Put in place what a stage wrote beside and recorded; the caller holds the stage's lock."""
    for name, digest in read_record(workspace, stage).get("files", {}).items():
        path = workspace.root / name
        prepared = get_prepared_path(path)
        if prepared.exists() and hash_file(prepared) == digest:
            prepared.replace(path)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_record(workspace: Workspace, stage: Stage) -> dict[str, Any]:
    """Return the record beside a stage's file; empty where the stage has not run yet.

    A record that cannot be read is as good as none: its stage is run again.
    """
    path = workspace.get_record_path(stage)
    try:
        return read_json(path) if path.exists() else {}
    except StorageError:
        return {}


def find_staleness(
    workspace: Workspace, stage: Stage, find_inputs: Callable[[Workspace], StageInputs]
) -> tuple[str, ...]:
    """Return the reasons for which a stage's file is not what its inputs would give now.

    An empty tuple means that it is up to date.
    """
    record = read_record(workspace, stage)
    if not record or not workspace.get_path(stage).exists():
        return ("has not run yet",)
    now = describe_inputs(workspace, find_inputs(workspace))
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
    for name, digest in record.get("files", {}).items():
        path = workspace.root / name
        if not path.exists():
            reasons.append(f"{name} is missing")
        elif hash_file(path) != digest:
            reasons.append(f"{name} was changed by hand (use `finebench edit ITEM` instead)")
    return tuple(reasons)


@cache
def list_versions() -> Mapping[str, str]:
    """Return the versions of finebench and of the libraries that shape its output."""
    return {name: metadata.version(name) for name in ("finebench", *_LIBRARIES)}
