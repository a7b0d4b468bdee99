"""Which answers count: annotation rows and present items enter; answers and skips that stand leave.

Of each reviewer the answer of the latest round on an item's present version stands; a skip only where
there is none. Simulated
reviewers are never mixed with people: where both reviewed, only people's answers count.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schemas.labels import Recommendation, Safer, YesNo
from schemas.storage import Row

__all__ = ["QUESTIONS", "LeftOut", "Reviewers", "Selection", "select_answers"]

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    column: tuple(str(label) for label in labels if label != YesNo.NOT_ANSWERED)
    for column, labels in (
        ("in_dimension", YesNo),
        ("safer", Safer),
        ("operational_detail", YesNo),
        ("natural", YesNo),
        ("recommendation", Recommendation),
    )
}
"""What reviewers are asked, as columns of the annotation table, each with all labels they can give."""


class Reviewers(StrEnum):
    """Whose answers a selection holds."""

    PEOPLE = "people"
    SIMULATED = "simulated"
    NOBODY = "nobody"


class LeftOut(StrEnum):
    """Why a row does not count."""

    OTHER_VERSION = "other_version"
    EARLIER_ROUND = "earlier_round"
    SIMULATED = "simulated"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows that stand, in the order given within a round, and how many were left out, by reason."""

    answered: tuple[Row, ...]
    skipped: tuple[Row, ...]
    reviewers: Reviewers
    left_out: Mapping[LeftOut, int]

    @property
    def note(self) -> str:
        """What to say of whose answers these are; empty where there is nothing to say."""
        if self.reviewers is Reviewers.SIMULATED:
            return "Simulated reviewers only: these figures say nothing about people."
        if n := self.left_out[LeftOut.SIMULATED]:
            return f"People's answers only; {n} of simulated reviewers are left out."
        return ""

    def collect(self, question: str) -> dict[str, dict[str, str]]:
        """Return the label that each reviewer gave each item in answer to one question."""
        ratings: dict[str, dict[str, str]] = {}
        for row in self.answered:
            ratings.setdefault(row["item_id"], {})[row["reviewer"]] = str(row[question])
        return ratings


def select_answers(
    rows: Iterable[Row], items: Iterable[Mapping[str, Any]], *, excluded: Collection[str] = ()
) -> Selection:
    """Return the annotation rows that stand on the present versions of ``items``.

    ``items`` are rows with ``item_id`` and ``content_hash``. Nothing of ``excluded`` reviewers counts;
    that a person is excluded does not bring simulated answers back.
    """
    versions = {(item["item_id"], item["content_hash"]) for item in items}
    left_out: Counter[LeftOut] = Counter(dict.fromkeys(LeftOut, 0))
    latest: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: (not row["skipped"], int(row["round"]))):
        if (row["item_id"], row["content_hash"]) not in versions:
            left_out[LeftOut.OTHER_VERSION] += 1
            continue
        key = (row["item_id"], row["reviewer"])
        # Taken out first, so that an answer given again stands where it was given last.
        left_out[LeftOut.EARLIER_ROUND] += latest.pop(key, None) is not None
        latest[key] = row
    has_people = not all(row["simulated"] for row in latest.values())
    standing = []
    for row in latest.values():
        if row["simulated"] and has_people:
            left_out[LeftOut.SIMULATED] += 1
        elif row["reviewer"] in excluded:
            left_out[LeftOut.EXCLUDED] += 1
        else:
            standing.append(row)
    answered = tuple(row for row in standing if not row["skipped"])
    skipped = tuple(row for row in standing if row["skipped"])
    return Selection(answered, skipped, _name(latest, has_people=has_people), dict(left_out))


def _name(latest: Mapping[Any, Row], *, has_people: bool) -> Reviewers:
    if not latest:
        return Reviewers.NOBODY
    return Reviewers.PEOPLE if has_people else Reviewers.SIMULATED
