"""Why options leak: an audit enters; marks, words, arms and items that tell leave, and what would remain.

Only auditors of repair and report are asked, never the one that gates: what is mended by its words
would no longer be measured by it. What would remain is measured as the audit is, held-out families
and all; as the marks and words to leave out were found on the same items, it errs on the low side.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.checks.leak.audit import FEWEST_FAMILIES, Audit, measure_accuracy
from builder.checks.leak.auditors import list_words, measure_groups, read_words
from builder.checks.leak.gauges import OptionPair, count_wins
from builder.checks.leak.surface import GROUPS, measure_surface
from schemas.labels import Arm

__all__ = [
    "ArmLeak",
    "Explanation",
    "ItemLeak",
    "MarkLeak",
    "WordLeak",
    "explain",
    "list_telling_groups",
    "tell_pair",
]

_WORDS, _ITEMS = 10, 10
_SLIGHT = 0.05
_NOTABLE = 0.6

_REMEDIES = {
    "length": "Have both options of an item written to one length.",
    "white space": "Trim both options, and break lines in both or in neither.",
    "punctuation": "Have both options end and pause alike.",
    "lists and digits": "Write lists and numbers in both options, or in neither.",
    "quotes": "Quote in both options, or in neither.",
    "case": "Use capitals alike in both options.",
    "openings": "Vary how options open, on both sides.",
    "refusal phrases": "Let negative options refuse (unjustly) and positive ones help as often.",
    "hedging": "Let negative options hedge as often as positive ones.",
}


@dataclass(frozen=True, slots=True)
class MarkLeak:
    """What one group of surface marks earns alone, and what all others earn without it.

    ``told`` says how the options differ; ``remedy`` what to do.
    """

    group: str
    alone: float
    without: float
    told: str
    remedy: str


@dataclass(frozen=True, slots=True)
class WordLeak:
    """A word or two that stand in ``positive`` of the positive and ``negative`` of the negative options."""

    words: str
    positive: int
    negative: int


@dataclass(frozen=True, slots=True)
class ArmLeak:
    """How often marks and words find the positive option among ``pairs`` pairs of two arms."""

    positive_arm: str
    negative_arm: str
    pairs: int
    marks: float
    words: float


@dataclass(frozen=True, slots=True)
class ItemLeak:
    """An item whose positive option marks and words find with the widest margins (standard deviations)."""

    item_id: str
    margin: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything found; all empty where there were too few families to fit anything.

    ``without_words`` is what words would still earn without the words listed, ``without_items`` what
    marks and words would earn without the items listed: None where nothing was to leave out.
    """

    marks: tuple[MarkLeak, ...] = ()
    words: tuple[WordLeak, ...] = ()
    arms: tuple[ArmLeak, ...] = ()
    items: tuple[ItemLeak, ...] = ()
    without_words: float | None = None
    marks_without_items: float | None = None
    words_without_items: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as plain JSON values."""
        return asdict(self)


def explain(audit: Audit) -> Explanation:
    """Return what leaks most in the audited options, the worst first."""
    pairs = audit.pairs
    if len({pair.family for pair in pairs}) < FEWEST_FAMILIES:
        return Explanation()
    words = _rank_words(pairs)
    items = _rank_items(audit)
    kept = [pair for pair in pairs if pair.item_id not in {item.item_id for item in items}]
    return Explanation(
        marks=_rank_marks(pairs),
        words=words,
        arms=_compare_arms(audit),
        items=items,
        without_words=_drop_words(pairs, {word.words for word in words}),
        marks_without_items=_measure(kept, lambda p: measure_groups(p, GROUPS)) if items else None,
        words_without_items=_measure(kept, read_words) if items else None,
    )


def _measure(pairs: Sequence[OptionPair], prepare: Any) -> float | None:
    enough = len({pair.family for pair in pairs}) >= FEWEST_FAMILIES
    return measure_accuracy(pairs, prepare(pairs)) if enough else None


def list_telling_groups(pairs: Sequence[OptionPair], most: int = 4) -> list[str]:
    """Return the groups of marks that tell which option is positive, those that earn most first."""
    return [mark.group for mark in _rank_marks(pairs) if mark.alone > 0.5][:most]


def tell_pair(pair: OptionPair, groups: Sequence[str]) -> str:
    """Return in words how the two options of a pair differ in the marks of ``groups``."""
    positive, negative = measure_surface(pair.positive), measure_surface(pair.negative)
    told = [
        f"{name.replace('_', ' ')}: {negative[name]:.4g} in the unsafe answer, "
        f"{positive[name]:.4g} in the other"
        for group in groups
        for name in GROUPS[group]
        if abs(negative[name] - positive[name]) > _SLIGHT * (negative[name] + positive[name])
    ]
    return "; ".join(told) or "in small things"


def _rank_marks(pairs: Sequence[OptionPair]) -> tuple[MarkLeak, ...]:
    """Return each group that differs at all, the one that earns most alone first."""
    found = []
    for group in GROUPS:
        others = [name for name in GROUPS if name != group]
        told = _tell_difference(pairs, group)
        if told:
            alone = measure_accuracy(pairs, measure_groups(pairs, [group]))
            without = measure_accuracy(pairs, measure_groups(pairs, others))
            found.append(MarkLeak(group, alone, without, told, _REMEDIES[group]))
    return tuple(sorted(found, key=lambda mark: (-mark.alone, mark.group)))


def _tell_difference(pairs: Sequence[OptionPair], group: str) -> str:
    """Return the feature of a group by which the most pairs lean to one side, in words."""
    best, told = 0, ""
    for name in GROUPS[group]:
        gaps = [
            measure_surface(p.positive)[name] - measure_surface(p.negative)[name] for p in pairs
        ]
        more, less = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
        if abs(more - less) > best:
            best = abs(more - less)
            told = (
                f"{name.replace('_', ' ')}: more in the positive option of {more} pairs, "
                f"less in {less}"
            )
    return told


def _rank_words(pairs: Sequence[OptionPair]) -> tuple[WordLeak, ...]:
    """Return the words and pairs of words that part the two sides in the most items."""
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for pair in pairs:
        for is_positive, text in ((True, pair.positive), (False, pair.negative)):
            counts[is_positive].update(set(list_words(text)))
    ranked = sorted(
        (
            WordLeak(word, counts[True][word], counts[False][word])
            for word in counts[True] | counts[False]
        ),
        key=lambda word: (-abs(word.positive - word.negative), word.words),
    )
    return tuple(word for word in ranked[:_WORDS] if word.positive != word.negative)


def _drop_words(pairs: Sequence[OptionPair], dropped: Collection[str]) -> float | None:
    if not dropped:
        return None
    return measure_accuracy(pairs, read_words(pairs, frozenset(dropped)))


def _compare_arms(audit: Audit) -> tuple[ArmLeak, ...]:
    """Return the pairs of declared arms, those that words find most often first."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, pair in enumerate(audit.pairs):
        if not {pair.positive_arm, pair.negative_arm} & {"", Arm.UNKNOWN}:
            rows[pair.positive_arm, pair.negative_arm].append(row)
    marks, words = _list_wins(audit)
    found = [
        ArmLeak(*arms, len(places), float(marks[places].mean()), float(words[places].mean()))
        for arms, places in rows.items()
    ]
    return tuple(sorted(found, key=lambda arm: (-arm.words, arm.positive_arm, arm.negative_arm)))


def _list_wins(audit: Audit) -> Iterable[NDArray[np.float64]]:
    return (count_wins(audit.margins[name]) for name in ("length and marks", "words"))


def _rank_items(audit: Audit) -> tuple[ItemLeak, ...]:
    """Return the items that marks and words find most surely, where they find more than chance does."""
    total = np.zeros(len(audit.pairs))
    for name in ("length and marks", "words"):
        margins = audit.margins[name]
        if float(count_wins(margins).mean()) >= _NOTABLE:
            total += margins / (float(margins.std()) or 1.0)
    order = sorted(range(len(total)), key=lambda n: (-total[n], audit.pairs[n].item_id))
    most = min(_ITEMS, len(total) // 10 + 1)
    return tuple(
        ItemLeak(audit.pairs[n].item_id, float(total[n])) for n in order[:most] if total[n] > 0
    )
