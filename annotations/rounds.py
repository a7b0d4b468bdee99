"""Reviewers' answers on disk: one append-only file a reviewer and round, merged by item and version."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import DataError, UsageError
from schemas.labels import Recommendation, Safer, ShownOrder, YesNo
from schemas.storage import Row, append_row, read_log
from schemas.tables import TableName
from schemas.validation import validate_rows

__all__ = ["Answers", "append_annotations", "check_reviewer", "make_annotation", "merge_rounds"]

Answers = Mapping[str, Any]
"""A reviewer's answers by column of the annotation table; columns left out are not answered."""

_UNANSWERED: Row = {
    "in_dimension": str(YesNo.NOT_ANSWERED),
    "safer": str(Safer.NOT_ANSWERED),
    "operational_detail": str(YesNo.NOT_ANSWERED),
    "natural": str(YesNo.NOT_ANSWERED),
    "recommendation": str(Recommendation.NOT_ANSWERED),
    "revised_question": "",
    "revised_positive_option": "",
    "revised_negative_option": "",
    "comment": "",
    "skipped": False,
    "skip_reason": "",
    "lead_time_s": 0.0,
}


def check_reviewer(name: str) -> str:
    """Return a reviewer's pseudonym; raise `UsageError` where it cannot name a file."""
    if not name or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 40:
        raise UsageError(
            f"{name!r} is no pseudonym. Use up to 40 letters, digits, hyphens and underscores."
        )
    return name


def make_annotation(
    item: Mapping[str, Any],
    answers: Answers,
    *,
    reviewer: str,
    round_number: int,
    guidelines_hash: str,
    positive_first: bool,
    simulated: bool,
) -> Row:
    """Return the annotation row of one reviewer's answers on one version of one item."""
    order = ShownOrder.POSITIVE_FIRST if positive_first else ShownOrder.NEGATIVE_FIRST
    return (
        {
            "item_id": item["item_id"],
            "content_hash": item["content_hash"],
            "round": round_number,
            "reviewer": reviewer,
            "simulated": simulated,
            "guidelines_hash": guidelines_hash,
            "shown_order": str(order),
        }
        | _UNANSWERED
        | dict(answers)
    )


def append_annotations(path: Path, rows: Sequence[Row]) -> None:
    """Append answers to a reviewer's file; raise `DataError`, and append none, where one breaks a rule."""
    problems = validate_rows(rows, TableName.ANNOTATION, file=path.name)
    if problems:
        raise DataError("the answer was not recorded.", problems)
    for row in rows:
        append_row(path, row)


def merge_rounds(paths: Iterable[Path]) -> list[Row]:
    """Return all answers of all rounds; where a reviewer answered again, the last answer stands.

    Raises `DataError` with every breach where a row does not hold, or stands in another's file.
    """
    merged: dict[tuple[Any, ...], Row] = {}
    problems = []
    for path in paths:
        rows = read_log(path)
        latest = {_get_key(row): row for row in rows if _has_key(row)}
        problems += validate_rows(
            [row for row in rows if not _has_key(row) or latest[_get_key(row)] is row],
            TableName.ANNOTATION,
            file=f"{path.parent.name}/{path.name}",
        )
        merged |= latest
    if problems:
        raise DataError(f"{len(problems)} breaches in reviewers' answers.", problems)
    return list(merged.values())


_KEY = ("item_id", "content_hash", "round", "reviewer")


def _has_key(row: Row) -> bool:
    return all(column in row for column in _KEY)


def _get_key(row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in _KEY)
