"""What an audit of option leak says: closed sets of labels, pairs of options, gauges with verdicts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.bundle.engine.intervals import find_wilson_interval

__all__ = [
    "Gauge",
    "LeakKind",
    "LeakVerdict",
    "OptionPair",
    "Role",
    "count_wins",
    "find_effective_size",
    "make_gauge",
]

# Twins mirror each other to the last digit but one: rounding must not make a win of a tie.
_TIE = 1e-6


class LeakKind(StrEnum):
    """What an auditor looks at: the form of the options, or what they say."""

    SURFACE = "surface"
    CONTENT = "content"


class Role(StrEnum):
    """What an auditor's word is for.

    What options are written and mended by must not be what they are measured by: auditors of `REPAIR`
    explain and may be used to mend, the one of `GATE` decides and explains nothing, those of `REPORT`
    are told beside.
    """

    REPAIR = "repair"
    GATE = "gate"
    REPORT = "report"


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
    item_id: str = ""
    dimension: str = ""
    positive_arm: str = ""
    negative_arm: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """What one auditor earned on ``pairs`` pairs of ``families`` families.

    ``accuracy`` is the within-pair accuracy, ties counted half; 0.5 means no leak. ``interval`` is its
    two-sided 95% Wilson interval with families as the sample (`find_effective_size`); ``lower`` and ``upper`` are one-sided 95%
    bounds of the leak. Below 0.5 an auditor has only been unlucky, so that ``upper`` is the bound of
    0.5 there: a few items on which it lost do not show that nothing leaks. ``auc`` is the chance that a
    positive option scores above a negative one of any item; ``across_dimensions`` the accuracy on each
    dimension of an auditor fitted on the others; ``p_value`` the share of relabellings in which the
    best auditor of all earned at least as much. None stands where there was too little to measure.
    """

    auditor: str
    kind: LeakKind
    role: Role
    pairs: int
    families: int
    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    lower: float | None = None
    upper: float | None = None
    auc: float | None = None
    across_dimensions: float | None = None
    p_value: float | None = None

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


def count_wins(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 for each margin above zero, 0 below and a half for a tie, in the shape of ``margins``."""
    return np.where(np.abs(margins) < _TIE, 0.5, (margins > 0).astype(float))


def find_effective_size(sizes: Iterable[int]) -> float:
    """Return how many independent pairs families of such ``sizes`` are worth: (Σm)² / Σm².

    That is Kish's effective sample size with all pairs of a family taken to win or lose together: k
    families of one size are worth k, and one of 100 beside 150 of one pair is worth 6.

    >>> find_effective_size([2, 2, 2])
    3.0
    """
    counted = list(sizes)
    return sum(counted) ** 2 / sum(size * size for size in counted)


def make_gauge(
    auditor: str,
    kind: LeakKind,
    role: Role,
    pairs: Sequence[OptionPair],
    margins: NDArray[np.float64] | None,
    **more: float | None,
) -> Gauge:
    """Return the gauge of an auditor that gave each pair a margin, positive less negative, shape (n,).

    ``margins`` is None where the auditor could not be fitted.
    """
    sizes = Counter(pair.family for pair in pairs)
    families = len(sizes)
    if margins is None or not len(pairs):
        return Gauge(auditor, kind, role, len(pairs), families)
    accuracy = float(count_wins(margins).mean())
    sample = find_effective_size(sizes.values())
    # The ends of a two-sided 90% interval are one-sided 95% bounds.
    lower, _ = find_wilson_interval(accuracy * sample, sample, level=0.90)
    _, upper = find_wilson_interval(max(accuracy, 0.5) * sample, sample, level=0.90)
    interval = find_wilson_interval(accuracy * sample, sample)
    return Gauge(
        auditor, kind, role, len(pairs), families, accuracy, interval, lower, upper, **more
    )
