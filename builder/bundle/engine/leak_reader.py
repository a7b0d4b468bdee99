"""A reader who sees the two options and not the question: pairs of options enter; how surely each is told leaves."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import fsum, log

__all__ = ["FOLDS", "OptionTexts", "read_margins"]

FOLDS = 5
"""Into how many parts families are dealt; each is read by one who learned from the others."""

# Scripts without blanks between words are read by the character, all others by the word.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]|[^\W\d_]+(?:['\u2019][^\W\d_]+)?"
)


@dataclass(frozen=True, slots=True)
class OptionTexts:
    """The two options of one item; items of one family are never split over folds."""

    positive: str
    negative: str
    family: str


def read_margins(pairs: Sequence[OptionTexts]) -> list[float | None]:
    """Return for each pair how surely the positive option is told from the other: above zero where it is found.

    The reader is naive Bayes over the words that one option of a pair holds more often than the other: each
    such word counts once for the side that has it, and the margin is the sum over the pair's words of their log
    odds, with one count added to either side. What it knows was learned from other families alone
    (cross-validation in `FOLDS` folds by a hash of the family), so that a word of one family only tells nothing.
    Swapping the options of a pair turns the sign of its margin. None where there was nothing to learn from.
    """
    differences = [_find_difference(pair) for pair in pairs]
    folds = [_find_fold(pair.family) for pair in pairs]
    seen: list[Counter[tuple[str, int]]] = [Counter() for _ in range(FOLDS)]
    for difference, fold in zip(differences, folds, strict=True):
        seen[fold].update(difference.items())
    sizes = Counter(folds)
    everything: Counter[tuple[str, int]] = Counter()
    for counts in seen:
        everything.update(counts)
    return [
        fsum(side * _find_odds(word, everything, seen[fold]) for word, side in difference.items())
        if sizes[fold] < len(folds)
        else None
        for difference, fold in zip(differences, folds, strict=True)
    ]


def _find_difference(pair: OptionTexts) -> dict[str, int]:
    """Return each word that one option holds more often: 1 where the positive one does, else -1."""
    positive, negative = (
        Counter(_WORD.findall(text.casefold())) for text in (pair.positive, pair.negative)
    )
    return {
        word: 1 if positive[word] > negative[word] else -1
        for word in positive.keys() | negative.keys()
        if positive[word] != negative[word]
    }


def _find_fold(family: str) -> int:
    return int(sha256(family.encode("utf-8", "surrogatepass")).hexdigest(), 16) % FOLDS


def _find_odds(
    word: str, everything: Counter[tuple[str, int]], own: Counter[tuple[str, int]]
) -> float:
    """Return the log odds that a word is the positive option's, learned outside of the fold."""
    positive, negative = (everything[word, side] - own[word, side] for side in (1, -1))
    return log((positive + 1) / (negative + 1))
