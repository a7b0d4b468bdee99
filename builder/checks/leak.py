"""Option leak: pairs of options enter; how often a reader that sees no question finds the positive one.

A reader of the two options alone should earn 50%. Within-pair accuracy counts ties half and is
cross-validated by family: a reader is fitted on some families and tested on the others, with all its
fitting inside the folds. Kinds are *surface* (length, marks, openings, form) and *content* (words).
Definition: `docs/definitions.md`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.bundle.engine.intervals import find_wilson_interval
from builder.checks.surface import measure_surface

__all__ = ["Gauge", "LeakKind", "LeakVerdict", "OptionPair", "audit_options"]

_FOLDS = 5
Matrix = NDArray[np.float64]


class LeakKind(StrEnum):
    """What an auditor looks at."""

    SURFACE = "surface"
    CONTENT = "content"


class LeakVerdict(StrEnum):
    """Whether the leak is shown to be within the bound, beyond it, or neither."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class OptionPair:
    """The options of one item; pairs of one family are never split over folds."""

    positive: str
    negative: str
    family: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """What one auditor earned on ``pairs`` pairs of ``families`` families.

    ``accuracy`` is the within-pair accuracy, 0.5 meaning no leak; ``lower`` and ``upper`` are the
    one-sided 95% Wilson bounds of the leak with families as the sample, or None where there are too
    few families to cross-validate. Below 0.5 an auditor has only been unlucky, so that ``upper`` is
    the bound of 0.5 there: a few items on which it lost do not show that nothing leaks.
    """

    auditor: str
    kind: LeakKind
    pairs: int
    families: int
    accuracy: float | None
    lower: float | None
    upper: float | None

    def judge(self, bound: float) -> LeakVerdict:
        """Return whether the leak is at most ``bound``: pass, fail, or too few items to tell."""
        if self.upper is None or self.lower is None:
            return LeakVerdict.INCONCLUSIVE
        if self.upper <= bound:
            return LeakVerdict.PASS
        return LeakVerdict.FAIL if self.lower > bound else LeakVerdict.INCONCLUSIVE

    def as_dict(self) -> dict[str, Any]:
        """Return the gauge as plain JSON values."""
        return asdict(self)


def audit_options(pairs: Sequence[OptionPair]) -> list[Gauge]:
    """Return what each auditor earns on ``pairs``: two naive rules, surface features, words.

    The surface auditor is the one that gates a release; it takes no part in writing options.
    """
    return [
        _gauge_rule("shorter option", LeakKind.SURFACE, pairs, lambda text: -float(len(text))),
        _gauge_rule("longer option", LeakKind.SURFACE, pairs, lambda text: float(len(text))),
        _gauge_fitted("surface features", LeakKind.SURFACE, pairs, _weigh_surface),
        _gauge_fitted("words", LeakKind.CONTENT, pairs, _weigh_words),
    ]


def _gauge_rule(
    name: str, kind: LeakKind, pairs: Sequence[OptionPair], weigh: Callable[[str], float]
) -> Gauge:
    margins = np.array([weigh(p.positive) - weigh(p.negative) for p in pairs], dtype=float)
    return _make_gauge(name, kind, pairs, margins)


Weigh = Callable[[Sequence[OptionPair], Sequence[OptionPair]], Matrix]
"""Fits on the first pairs and returns the margins (positive less negative) on the second."""


def _gauge_fitted(name: str, kind: LeakKind, pairs: Sequence[OptionPair], weigh: Weigh) -> Gauge:
    families = sorted({pair.family for pair in pairs})
    if len(families) < 2 * _FOLDS:
        return _make_gauge(name, kind, pairs, None)
    fold_of = {family: i % _FOLDS for i, family in enumerate(families)}
    margins = np.zeros(len(pairs))
    for fold in range(_FOLDS):
        tested = [i for i, pair in enumerate(pairs) if fold_of[pair.family] == fold]
        fitted = [pair for pair in pairs if fold_of[pair.family] != fold]
        margins[tested] = weigh(fitted, [pairs[i] for i in tested])
    return _make_gauge(name, kind, pairs, margins)


def _make_gauge(
    name: str, kind: LeakKind, pairs: Sequence[OptionPair], margins: Matrix | None
) -> Gauge:
    families = len({pair.family for pair in pairs})
    if margins is None or not len(pairs):
        return Gauge(name, kind, len(pairs), families, None, None, None)
    # Twins mirror each other to the last digit but one: rounding must not make a win of a tie.
    won = np.where(np.abs(margins) < 1e-9, 0.5, (margins > 0).astype(float))
    accuracy = float(won.mean())
    # The ends of a two-sided 90% interval are one-sided 95% bounds.
    lower, _ = find_wilson_interval(accuracy * families, families, level=0.90)
    _, upper = find_wilson_interval(max(accuracy, 0.5) * families, families, level=0.90)
    return Gauge(name, kind, len(pairs), families, accuracy, lower, upper)


def _weigh_surface(fitted: Sequence[OptionPair], tested: Sequence[OptionPair]) -> Matrix:
    train, test = (_subtract_features(pairs) for pairs in (fitted, tested))
    scale = train.std(axis=0)
    scale[scale == 0] = 1.0
    return _fit_margins(train / scale, test / scale)


def _subtract_features(pairs: Sequence[OptionPair]) -> Matrix:
    def measure(text: str) -> list[float]:
        features: Mapping[str, float] = measure_surface(text)
        return list(features.values())

    rows = [np.subtract(measure(p.positive), measure(p.negative)) for p in pairs]
    return np.array(rows, dtype=float)


def _weigh_words(fitted: Sequence[OptionPair], tested: Sequence[OptionPair]) -> Matrix:
    from sklearn.feature_extraction.text import CountVectorizer

    # Single characters count too: a Chinese character is a word, and so is "I".
    counter = CountVectorizer(
        ngram_range=(1, 2), binary=True, token_pattern=r"[^\W_\u4e00-\u9fff]+|[\u4e00-\u9fff]"
    )
    counter.fit([text for pair in fitted for text in (pair.positive, pair.negative)])

    def subtract(pairs: Sequence[OptionPair]) -> Any:
        positive = counter.transform([pair.positive for pair in pairs])
        negative = counter.transform([pair.negative for pair in pairs])
        return (positive - negative).astype(float)

    return _fit_margins(subtract(fitted), subtract(tested))


def _fit_margins(train: Any, test: Any) -> Matrix:
    """Fit a logistic regression on differences and their mirror images; return test margins."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    stack = sparse.vstack if sparse.issparse(train) else np.vstack
    features = stack([train, -train])
    labels = np.repeat([1, 0], train.shape[0])
    model = LogisticRegression(fit_intercept=False, max_iter=1000)
    margins: Matrix = model.fit(features, labels).decision_function(test)
    return margins
