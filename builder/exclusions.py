"""Reviewers whose answers do not count: exclusions with their reasons enter a log; who is excluded leaves."""

from builder.workspace import Workspace, read_table
from schemas.errors import DataError, UsageError
from schemas.storage import append_row
from schemas.tables import TableName
from schemas.texts import trim
from schemas.validation import validate_rows

__all__ = ["read_exclusions", "record_exclusion"]


def read_exclusions(workspace: Workspace) -> dict[str, str]:
    """Return who is excluded, with the reason; of several words on one reviewer the last stands."""
    standing = {
        row["reviewer"]: row for row in read_table(workspace.exclusions, TableName.EXCLUSION)
    }
    return {name: row["reason"] for name, row in sorted(standing.items()) if row["excluded"]}


def record_exclusion(
    workspace: Workspace, reviewer: str, *, excluded: bool, by: str, reason: str
) -> None:
    """Append to the log that a reviewer's answers no longer count, or count again.

    Raises `UsageError` where the reviewer has answered nothing and is in no plan, or stands so already.
    """
    answered = {path.stem for path in workspace.list_rounds()}
    answered |= {path.stem for path in workspace.list_reply_answers()}
    for plan in workspace.list_plans().values():
        answered |= {row["reviewer"] for row in read_table(plan, TableName.ASSIGNMENT)}
    if reviewer not in answered:
        names = ", ".join(sorted(answered)) or "nobody"
        raise UsageError(f"{reviewer} has answered nothing and is in no plan (there are: {names}).")
    if (reviewer in read_exclusions(workspace)) is excluded:
        raise UsageError(f"{reviewer} is {'excluded' if excluded else 'not excluded'} already.")
    row = {"reviewer": reviewer, "excluded": excluded, "by": by, "reason": trim(reason)}
    problems = validate_rows([row], TableName.EXCLUSION, file="exclusion")
    if problems:
        raise DataError(f"{reviewer}: the exclusion was not recorded.", problems)
    with workspace.hold(workspace.exclusions.name):
        append_row(workspace.exclusions, row)
