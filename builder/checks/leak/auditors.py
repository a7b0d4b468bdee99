"""The auditors of option leak: readers that see two options and no question, and pick one.

Rules are fixed readings ("pick the shorter"). Fitted auditors learn from other families what positive
options look like. Repair and gate are split by what they may see: the repair auditors measure features
that we thought of (`surface`); the gate reads the bare shape of a text, letters replaced by their kind,
with the words that it opens with, so that a mark nobody thought of shows too.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.checks.leak.fitting import Features, Matrix
from builder.checks.leak.gauges import LeakKind, OptionPair, Role
from builder.checks.leak.surface import GROUPS, measure_surface
from schemas.labels import HEDGING_ARMS, REFUSING_ARMS, Arm
from schemas.texts import normalise_for_comparison

__all__ = [
    "GATE",
    "WORD",
    "FittedAuditor",
    "RuleAuditor",
    "list_fitted",
    "list_rules",
    "list_words",
    "measure_groups",
    "read_shape",
    "read_words",
]

GATE = "held-out form"
"""The auditor that gates a release; nothing that writes or mends options may use it."""

WORD = r"[^\W_\u3400-\u9fff]+|[\u3400-\u9fff]"
"""A word: letters and digits together, or one Chinese character, which stands without spaces."""


@dataclass(frozen=True, slots=True)
class RuleAuditor:
    """A fixed reading: the option that weighs more is picked; None where it cannot say anything."""

    name: str
    kind: LeakKind
    weigh: Callable[[OptionPair], float | None]
    role: Role = Role.REPAIR


@dataclass(frozen=True, slots=True)
class FittedAuditor:
    """A reader that learns: ``prepare`` reads all pairs once, and returns the features of a fit."""

    name: str
    kind: LeakKind
    role: Role
    prepare: Callable[[Sequence[OptionPair]], Features]


def list_rules() -> tuple[RuleAuditor, ...]:
    """Return the fixed readings, each with its opposite."""
    return (
        RuleAuditor(
            "shorter option", LeakKind.SURFACE, lambda p: len(p.negative) - len(p.positive)
        ),
        RuleAuditor("longer option", LeakKind.SURFACE, lambda p: len(p.positive) - len(p.negative)),
        RuleAuditor("words of refusal", LeakKind.SURFACE, _weigh_phrases),
        RuleAuditor("no words of refusal", LeakKind.SURFACE, lambda p: -_weigh_phrases(p)),
        RuleAuditor("refusing arm", LeakKind.SURFACE, lambda p: _weigh_arms(p, REFUSING_ARMS)),
        RuleAuditor(
            "complying arm", LeakKind.SURFACE, lambda p: _flip(_weigh_arms(p, REFUSING_ARMS))
        ),
        RuleAuditor("hedging arm", LeakKind.SURFACE, lambda p: _weigh_arms(p, HEDGING_ARMS)),
    )


def list_fitted() -> tuple[FittedAuditor, ...]:
    """Return the readers that learn; exactly one of them gates."""
    surface = LeakKind.SURFACE
    return (
        FittedAuditor("length", surface, Role.REPAIR, lambda p: measure_groups(p, ("length",))),
        FittedAuditor(
            "marks",
            surface,
            Role.REPAIR,
            lambda p: measure_groups(p, [group for group in GROUPS if group != "length"]),
        ),
        FittedAuditor(
            "length and marks", surface, Role.REPAIR, lambda p: measure_groups(p, GROUPS)
        ),
        FittedAuditor(GATE, surface, Role.GATE, _read_shapes),
        FittedAuditor("words", LeakKind.CONTENT, Role.REPORT, read_words),
        FittedAuditor("characters", LeakKind.CONTENT, Role.REPORT, _read_characters),
    )


def _weigh_phrases(pair: OptionPair) -> float:
    counts = [measure_surface(text)["refusal_phrases"] for text in (pair.positive, pair.negative)]
    return counts[0] - counts[1]


def _weigh_arms(pair: OptionPair, arms: frozenset[Arm]) -> float | None:
    """Return who is of ``arms``; None where an arm is not declared, as in imported items."""
    declared = (pair.positive_arm, pair.negative_arm)
    if not all(declared) or Arm.UNKNOWN in declared:
        return None
    return float(pair.positive_arm in arms) - float(pair.negative_arm in arms)


def _flip(weight: float | None) -> float | None:
    return None if weight is None else -weight


def measure_groups(pairs: Sequence[OptionPair], groups: Iterable[str]) -> Features:
    """Return the surface features of the named groups, scaled by their spread in the fitted pairs."""
    names = [name for group in groups for name in GROUPS[group]]
    sides = [
        np.array([[measure_surface(text)[name] for name in names] for text in texts], dtype=float)
        for texts in _list_sides(pairs)
    ]

    def scale(fitted: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        spread = _find_spread((sides[0] - sides[1])[fitted])
        return sides[0] / spread, sides[1] / spread

    return scale


def _find_spread(differences: Matrix) -> Matrix:
    """Return the root mean square of each column; 1 where nothing differs but by rounding.

    Around zero, not around the mean: the mean would tell the labels, and a flipped label change the scale.
    """
    spread: Matrix = np.sqrt((differences**2).mean(axis=0))
    return np.where(spread < 1e-9, 1.0, spread)


def _list_sides(pairs: Sequence[OptionPair]) -> tuple[list[str], list[str]]:
    return [pair.positive for pair in pairs], [pair.negative for pair in pairs]


def read_words(pairs: Sequence[OptionPair], without: frozenset[str] = frozenset()) -> Features:
    """Return single words and pairs of neighbouring words as terms, but for those ``without``."""
    return _weigh_terms(
        pairs, str, analyzer=lambda text: [w for w in list_words(text) if w not in without]
    )


def list_words(text: str) -> list[str]:
    """Return the words of a text in its normalised form, and its pairs of neighbouring words."""
    words = re.findall(WORD, normalise_for_comparison(text))
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def _read_characters(pairs: Sequence[OptionPair]) -> Features:
    return _weigh_terms(pairs, normalise_for_comparison, analyzer="char", ngram_range=(2, 4))


def _read_shapes(pairs: Sequence[OptionPair]) -> Features:
    """Return shapes and openings as terms, and the logarithms of characters and words."""
    from scipy import sparse

    shapes = _weigh_terms(pairs, read_shape, analyzer=_list_shape_terms)
    openings = _weigh_terms(pairs, normalise_for_comparison, analyzer=_list_opening_terms)
    sizes = [
        np.log1p([[len(text), len(text.split())] for text in side]) for side in _list_sides(pairs)
    ]

    def join(fitted: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        spread = _find_spread((sizes[0] - sizes[1])[fitted])
        parts = zip(shapes(fitted), openings(fitted), sizes, strict=True)
        return tuple(
            sparse.hstack([shape, opening, sparse.csr_matrix(size / spread)], format="csr")
            for shape, opening, size in parts
        )

    return join


def _list_opening_terms(text: str) -> list[str]:
    """Return the first word and the first two words of a text."""
    words = re.findall(WORD, text[:200])
    return [" ".join(words[:count]) for count in (1, 2) if len(words) >= count]


def read_shape(text: str) -> str:
    r"""Return a text with runs of letters and digits replaced by their kind, all else as it is.

    >>> read_shape("No, 12 people can't.\n")
    "Aa, 9 a a'a.\n"
    """
    return re.sub(r"(a|A|9|w)\1+", r"\1", text.translate(_KINDS))


class _Kinds(dict[int, str]):
    """The kind of each character, found once."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        kind = character
        if character.isdigit():
            kind = "9"
        elif character.isalpha():
            kind = "A" if character.isupper() else "a" if character.islower() else "w"
        self[point] = kind
        return kind


_KINDS = _Kinds()


def _list_shape_terms(shape: str) -> list[str]:
    """Return all runs of one to four signs of a shape, its ends marked."""
    marked = f"\x02{shape}\x03"
    return [
        marked[start : start + size]
        for size in (1, 2, 3, 4)
        for start in range(len(marked) - size + 1)
    ]


def _weigh_terms(
    pairs: Sequence[OptionPair], read: Callable[[str], str], **counting: Any
) -> Features:
    """Return the TF-IDF of terms, rows of length 1; terms and their weights come from the fitted pairs.

    Terms are counted once for all pairs; those that no fitted pair has are left out of a fit, which is
    the same as counting anew in each.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    texts = [read(text) for side in _list_sides(pairs) for text in side]
    try:
        counts = CountVectorizer(lowercase=False, **counting).fit_transform(texts)
    except ValueError:  # no text has a single term
        counts = sparse.csr_matrix((len(texts), 1))
    n = len(pairs)

    def weigh(fitted: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        learnt = counts[np.concatenate([fitted, fitted + n])]
        known = np.flatnonzero(np.asarray(learnt.sum(axis=0)).ravel())
        weights = TfidfTransformer(sublinear_tf=True).fit(learnt[:, known])
        weighed = weights.transform(counts[:, known])
        return weighed[:n], weighed[n:]

    return weigh
