"""The verdicts of a finished run: its name enters, rows leave."""

from pathlib import Path

from builder.bundle.engine.items import read_items
from builder.bundle.engine.verdicts import TargetKind, make_verdicts
from builder.run_records import find_run_items, read_run_record
from builder.workspace import Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.storage import Row, read_rows
from schemas.tables import TABLES, TableName

__all__ = ["read_run_verdicts"]


def read_run_verdicts(workspace: Workspace, run: str) -> list[Row]:
    """Return the verdict rows of a run; those of an earlier finebench are made anew from its replies.

    Raises `UsageError` where no finished run has that name or its rows are another's, and `StageError` where the verdicts lack columns and
    the release that was asked is not here.
    """
    about, folder = read_run_record(workspace, run), workspace.runs / run
    if _is_earlier(folder):
        rows = _make_anew(workspace, run, about)
    else:
        rows = read_table(folder / "verdicts.jsonl", TableName.VERDICT)
    if others := sorted({str(row["run"]) for row in rows} - {run}):
        raise UsageError(
            f"runs/{run} holds rows of run {', '.join(others)}: the folder was renamed or copied. Give it the name "
            "of its run, or move it away."
        )
    return rows


def _is_earlier(folder: Path) -> bool:
    """Tell whether an earlier finebench wrote the verdicts, when they had fewer columns."""
    path = folder / "verdicts.jsonl"
    rows = read_rows(path) if path.exists() else []
    return bool(rows) and not set(TABLES[TableName.VERDICT].columns) <= rows[0].keys()


def _make_anew(workspace: Workspace, run: str, about: Row) -> list[Row]:
    folder, path = workspace.runs / run, find_run_items(workspace, about)
    if path is None:
        raise StageError(
            f"run {run} was made by an earlier finebench, and its release is not here to read its replies by. "
            "Put the release back, or move the run away."
        )
    responses, judgements = (
        read_table(folder / f"{table}s.jsonl", table)
        for table in (TableName.RESPONSE, TableName.JUDGEMENT)
    )
    told = about.get("target_kind")
    kind = TargetKind(told) if told in list(TargetKind) else TargetKind.MODEL
    return make_verdicts(read_items(path), responses, judgements, kind)
