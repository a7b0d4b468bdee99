"""What a file is and whether it holds: a path enters, its kind and problems leave."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from builder.config import load_config
from builder.release.verifying import list_files, verify_release
from builder.workspace import Stage, Workspace
from schemas.errors import DataError, Problem, UsageError
from schemas.storage import parse_lines, read_bytes
from schemas.tables import SCHEMA_VERSION, TableName
from schemas.taxonomy import load_taxonomy
from schemas.validation import guess_table, validate_rows

_CALL_FIELDS = {"key", "endpoint", "messages", "outcome"}
_FINE_FIELDS = {"id", "category", "question", "Positive Option", "Negative Option"}

# Answers given again stand beside those that they replace.
_LOGS = (TableName.ANNOTATION, TableName.REPLY_ANSWER)

__all__ = ["Inspection", "inspect_file", "list_workspace_files"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, in words, how many rows it has, and everything wrong with it."""

    kind: str
    rows: int
    problems: tuple[Problem, ...]


def inspect_file(path: Path, table: str = "") -> Inspection:
    """Return what ``path`` is and every problem in it.

    ``table`` names the table that it should be; without it, that is told from its columns. Raises
    `UsageError` where the file is of no kind that finebench knows.
    """
    if path.is_dir():
        return _inspect_release(path)
    if path.suffix == ".toml":
        return _inspect_toml(path)
    if path.suffix not in (".jsonl", ".log"):
        raise UsageError(f"{path}: finebench validates .jsonl and .toml files and release folders.")
    lines, problems = parse_lines(read_bytes(path), path.name)
    if not lines:
        return Inspection(table or "empty", 0, tuple(problems))
    columns = Counter(column for line in lines for column in line.row)
    common = [column for column, count in columns.items() if 2 * count > len(lines)]
    if not table and set(common) >= _FINE_FIELDS:
        return Inspection("FINE's items, to be imported", len(lines), tuple(problems))
    if not table and set(common) >= _CALL_FIELDS:
        return Inspection("journal of calls", len(lines), tuple(problems))
    name = _find_table(table) if table else guess_table(common)
    if name is None:
        known = ", ".join(TableName)
        raise UsageError(f"{path}: its columns fit no table. Name one with --as ({known}).")
    problems += validate_rows(
        [line.row for line in lines],
        name,
        file=path.name,
        dimensions=_find_dimensions(path),
        lines=[line.number for line in lines],
        unique=name not in _LOGS,
    )
    problems.sort(key=lambda problem: problem.row)
    return Inspection(f"{name} table, schema {SCHEMA_VERSION}", len(lines), tuple(problems))


def _inspect_release(folder: Path) -> Inspection:
    """Hold a release against its manifest."""
    problems = verify_release(folder)
    files = len(list_files(folder))
    return Inspection(f"release of {files} files", files, tuple(problems))


def _find_table(name: str) -> TableName:
    if name not in list(TableName):
        raise UsageError(f"no table is named {name} (there are: {', '.join(TableName)}).")
    return TableName(name)


def _find_dimensions(path: Path) -> Container[str] | None:
    """Return the dimensions of the workspace that a file lies in, where it lies in one."""
    for folder in path.resolve().parents:
        if (folder / "dimensions.toml").is_file():
            return load_taxonomy(folder / "dimensions.toml").ids
    return None


def _inspect_toml(path: Path) -> Inspection:
    kind = "configuration" if path.name == "bench.toml" else "dimension table"
    try:
        if path.name == "bench.toml":
            load_config(path)
            return Inspection(kind, 1, ())
        return Inspection(kind, len(load_taxonomy(path).dimensions), ())
    except DataError as error:
        general = Problem(path.name, 0, "", "", str(error), "")
        return Inspection(kind, 0, error.problems or (general,))


def list_workspace_files(workspace: Workspace) -> list[Path]:
    """Return all files of a workspace that hold a table or configuration."""
    paths = [workspace.root / "bench.toml", workspace.dimensions]
    for items in workspace.list_imports():
        paths += [items, items.with_name("rejected.jsonl")]
    for stage in Stage:
        paths += [workspace.get_path(stage), workspace.get_rejected_path(stage)]
    paths += [workspace.seeds, workspace.options_by_hand, workspace.findings]
    paths += [workspace.edits, workspace.withdrawals, workspace.rulings, workspace.exclusions]
    paths += workspace.list_rounds()
    for table in (TableName.RESPONSE, TableName.JUDGEMENT, TableName.VERDICT):
        paths += sorted(workspace.runs.glob(f"*/{table}s.jsonl"))
    for name in ("slice.jsonl", "votes.jsonl", "people.*.jsonl", "people/*.jsonl"):
        paths += sorted(workspace.runs.glob(f"*/{name}"))
    for release in workspace.list_releases():
        paths += [release, release / "evaluator" / "items.jsonl"]
    return [path for path in paths if path.exists()]
