"""What a reviewer's answers are held against: known answers, and the majority of the others."""

from collections import Counter
from collections.abc import Mapping, Sequence

from annotations.agreement.counts import Ratings
from annotations.dawid_skene import TIE
from schemas.labels import YesNo
from schemas.storage import Row

__all__ = ["Gold", "compare_with_gold", "compare_with_others", "find_majority"]

Gold = Mapping[str, Mapping[str, str]]
"""What is known to be right, by item and question; what is not known is left out or not answered."""


def find_majority(labels: Sequence[str]) -> str:
    """Return the label of more than half of ``labels``, or `TIE` where there is none.

    >>> find_majority(["yes", "yes", "no"]), find_majority(["yes", "no"])
    ('yes', 'tie')
    """
    if not labels:
        return TIE
    label, most = Counter(labels).most_common(1)[0]
    return label if 2 * most > len(labels) else TIE


def compare_with_gold(rows: Sequence[Row], gold: Gold, question: str) -> list[bool | None]:
    """Return of each answer whether it is as known; None where nothing is known of it."""
    told = []
    for row in rows:
        known = gold.get(row["item_id"], {}).get(question, str(YesNo.NOT_ANSWERED))
        told.append(None if known == YesNo.NOT_ANSWERED else str(row[question]) == known)
    return told


def compare_with_others(
    rows: Sequence[Row], ratings: Ratings, question: str
) -> list[bool | str | None]:
    """Return of each answer whether it is that of more than half of the other reviewers of its item.

    `TIE` stands where no label has more than half of the others; None where there are no others.
    """
    told: list[bool | str | None] = []
    for row in rows:
        given = ratings[row["item_id"]]
        others = [label for rater, label in given.items() if rater != row["reviewer"]]
        majority = find_majority(others)
        if not others:
            told.append(None)
        else:
            told.append(TIE if majority == TIE else str(row[question]) == majority)
    return told
