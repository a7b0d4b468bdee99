"""The verdicts of a finished run: its name enters, rows leave."""

from builder.workspace import Workspace, read_table
from schemas.errors import UsageError
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["read_run_verdicts"]


def read_run_verdicts(workspace: Workspace, run: str) -> list[Row]:
    """Return the verdict rows of a run; raise `UsageError` where no finished run has that name."""
    folder = workspace.runs / run
    if not (folder / "run.json").exists():
        raise UsageError(f"no finished run is named {run}. `finebench report` lists all.")
    return read_table(folder / "verdicts.jsonl", TableName.VERDICT)
