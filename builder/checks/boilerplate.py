"""Boilerplate: items enter; sentences that stand in the options of many of them leave as findings."""

import re
from collections import defaultdict
from collections.abc import Sequence
from math import comb

from builder.checks.findings import make_set_finding
from schemas.labels import Severity
from schemas.storage import Row
from schemas.texts import normalise_for_comparison, shorten

__all__ = ["find_boilerplate"]

_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_FEWEST_ITEMS, _SHARE = 3, 0.02
_LEAST_CHARACTERS = 12
_MOST_TOLD = 20
_ONE_SIDED = 0.05


def find_boilerplate(items: Sequence[Row]) -> list[Row]:
    """Return a finding for each sentence in the options of at least 3 items and 2% of all.

    One that stands on one side clearly more often than on the other (at least twice and three times
    more often, or so that a fair coin would give it in less than 5% of cases) is a leak of its own and
    a warning; one that stands on both alike gives nothing away and is told, no more. Twins share their options by
    design: a family counts once on each side.
    """
    stands: dict[str, dict[str, set[str]]] = defaultdict(
        lambda: {"positive_option": set(), "negative_option": set()}
    )
    for item in items:
        for side in ("positive_option", "negative_option"):
            for part in _SENTENCE.findall(normalise_for_comparison(item[side])):
                sentence = part.strip()
                if len(sentence) >= _LEAST_CHARACTERS or _is_dense(sentence):
                    stands[sentence][side].add(item["family"])
    least = max(_FEWEST_ITEMS, _SHARE * len({item["family"] for item in items}))
    counted = [
        (len(sides["positive_option"]), len(sides["negative_option"]), sentence)
        for sentence, sides in stands.items()
        if len(sides["positive_option"] | sides["negative_option"]) >= least
    ]
    counted.sort(key=lambda entry: (-abs(entry[0] - entry[1]), -entry[0] - entry[1], entry[2]))
    return [_make_finding(*entry) for entry in counted[:_MOST_TOLD]]


def _is_dense(sentence: str) -> bool:
    """Return whether a sentence is long enough for a writing that has a word in one or two signs."""
    return sum("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" for c in sentence) >= 6


def _tells_side(positive: int, negative: int) -> bool:
    more, less = max(positive, negative), min(positive, negative)
    if more >= 2 * less and more - less >= 3:
        return True
    # Twice the upper tail of a fair coin.
    both = more + less
    tail = sum(comb(both, k) for k in range(more, both + 1))
    return bool(2 * tail < _ONE_SIDED * 2**both)


def _make_finding(positive: int, negative: int, sentence: str) -> Row:
    told = (
        f"{shorten(sentence, 80)} stands in the positive options of {positive} families and the "
        f"negative options of {negative}"
    )
    if not _tells_side(positive, negative):
        remedy = "It gives neither side away; more of its kind make the options stale to read."
        return make_set_finding("boilerplate", Severity.INFO, told, remedy)
    remedy = "Have the options written anew, each in its own words."
    return make_set_finding("leak:boilerplate", Severity.WARN, told, remedy)
