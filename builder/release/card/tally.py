"""The rows of a release, counted once for all texts that are made from them: rows enter; a tally leaves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from schemas.storage import Row

__all__ = ["Tally", "make_tally"]

_COUNTED = (
    "kind",
    "language",
    "order_1_positive",
    "origin",
    "question_source",
    "question_prompt",
    "positive_source",
    "positive_prompt",
    "positive_arm",
    "positive_verdict",
    "negative_source",
    "negative_prompt",
    "negative_arm",
    "negative_verdict",
    "negative_rung",
    "decision",
    "decision_method",
    "decided_by",
)
"""Columns of few values. Many rows were made in the same way, and each way is looked at once."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What texts about a release say of its rows.

    ``groups`` are the different rows, cut down to the columns that are counted, each with how many there are
    of it; ``columns`` are those of the full table. Lengths are in characters, a value for each item.
    """

    items: int
    families: int
    twins: int
    columns: Sequence[str]
    groups: Sequence[tuple[Mapping[str, str], int]]
    positive_lengths: Sequence[int]
    negative_lengths: Sequence[int]

    def count(self, column: str) -> Counter[str]:
        """Return how many rows have each value of a counted column."""
        counts: Counter[str] = Counter()
        for row, number in self.groups:
            counts[row[column]] += number
        return counts

    def list_values(self, *columns: str) -> set[str]:
        """Return the values that stand in any of these counted columns."""
        return {row[column] for row, _ in self.groups for column in columns}


def make_tally(rows: Sequence[Row]) -> Tally:
    """Return the tally of rows of a release, one at least."""
    counts = Counter(map(itemgetter(*_COUNTED), rows))
    return Tally(
        items=len(rows),
        families=len(set(map(itemgetter("family"), rows))),
        twins=sum(map(bool, map(itemgetter("twin"), rows))),
        columns=tuple(rows[0]),
        groups=tuple((dict(zip(_COUNTED, key, strict=True)), n) for key, n in counts.items()),
        positive_lengths=[len(row["positive_option"]) for row in rows],
        negative_lengths=[len(row["negative_option"]) for row in rows],
    )
