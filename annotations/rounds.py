"""Reviewers' answers on disk: one append-only file a reviewer and round, merged by item and version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotations.simulation import SIMULATED_PREFIX
from schemas.errors import DataError, Problem, UsageError
from schemas.labels import Recommendation, Safer, ShownOrder, YesNo
from schemas.storage import Row, append_rows, read_log
from schemas.tables import ADDED_ANSWERS, TableName
from schemas.texts import shorten
from schemas.validation import validate_rows

__all__ = [
    "Answers",
    "Merged",
    "append_annotations",
    "check_reviewer",
    "make_annotation",
    "merge_rounds",
]

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
    "answered_at": "",
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
    if rows:
        append_rows(path, rows)


@dataclass(frozen=True, slots=True)
class Merged:
    """What reviewers' files hold: the answers that stand, those given again later, and how many in all."""

    rows: list[Row]
    superseded: list[Row]
    read: int


def merge_rounds(paths: Iterable[Path]) -> Merged:
    """Return all answers of all rounds; where a reviewer answered again, the last answer stands.

    ``paths`` are ``…/<round>/<reviewer>.jsonl``. Raises `DataError` with every breach where a row does
    not hold, or says another reviewer or round than the file that it stands in.
    """
    standing: dict[tuple[Any, ...], Row] = {}
    superseded: list[Row] = []
    problems: list[Problem] = []
    for path in paths:
        rows = [ADDED_ANSWERS | row for row in read_log(path)]
        for number, row in enumerate(rows, start=1):
            found = _check_row(path, number, row)
            problems += found
            if not found:
                key = tuple(row[column] for column in _KEY)
                if key in standing:
                    superseded.append(standing[key])
                standing[key] = row
        problems += validate_rows(rows, _TABLE, file=_name(path), unique=False)
    if problems:
        raise DataError(f"{len(problems)} breaches in reviewers' answers.", problems)
    return Merged(list(standing.values()), superseded, len(standing) + len(superseded))


_KEY = ("item_id", "content_hash", "round", "reviewer")
_TABLE = TableName.ANNOTATION


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _check_row(path: Path, number: int, row: Row) -> list[Problem]:
    """Report a row that says another reviewer or round than its file, or hides that it is simulated."""
    told = {
        "reviewer": path.stem,
        "round": int(path.parent.name),
        "simulated": path.stem.startswith(SIMULATED_PREFIX),
    }
    return [
        Problem(
            _name(path),
            number,
            column,
            shorten(row.get(column)),
            f"not {shorten(value)}, as the file's name says",
            "Keep each reviewer's answers in their own file, as finebench wrote them.",
        )
        for column, value in told.items()
        if row.get(column) != value
    ]
