"""Labels of raters enter; the three measures of their agreement, with bootstrap intervals, leave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from annotations.agreement.ac1 import find_ac1
from annotations.agreement.alpha import find_alpha
from annotations.agreement.counts import (
    Basis,
    Clusters,
    Floats,
    Ratings,
    Sums,
    UnitFigures,
    count_ratings,
)
from annotations.agreement.percent import find_percent

__all__ = [
    "RESAMPLES",
    "Agreement",
    "Estimate",
    "IntervalState",
    "Measure",
    "ScoreState",
    "measure_agreement",
]

RESAMPLES = 1000
"""How often units are drawn anew for an interval."""

_LEAST_DEFINED = 0.95
"""The share of resamples on which a measure must be defined for its interval to be told."""


class Measure(StrEnum):
    """The measures of agreement."""

    PERCENT = "percent"
    ALPHA = "alpha"
    AC1 = "ac1"


class ScoreState(StrEnum):
    """Whether there is a score; if not, why."""

    SCORED = "scored"
    NO_PAIRS = "no_pairs"
    ONE_CATEGORY = "one_category"
    TOO_FEW = "too_few"


class IntervalState(StrEnum):
    """Whether there is an interval; if not, why.

    ``no_variation``: all units (or clusters) are alike, so that drawing them anew shows nothing.
    ``often_undefined``: on more than one resample in twenty the measure is undefined, and an interval
    of the others would leave out those with the least disagreement.
    """

    GIVEN = "given"
    NOT_ASKED = "not_asked"
    NO_SCORE = "no_score"
    NO_VARIATION = "no_variation"
    OFTEN_UNDEFINED = "often_undefined"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One measure: its value, or None with ``state`` saying why; its 95% interval likewise."""

    measure: Measure
    value: float | None
    state: ScoreState
    interval: tuple[float, float] | None
    interval_state: IntervalState
    basis: Basis


@dataclass(frozen=True, slots=True)
class Agreement:
    """The three measures on the same ratings; ``counts`` has the ratings in each category."""

    percent: Estimate
    alpha: Estimate
    ac1: Estimate
    counts: Mapping[str, int]

    @property
    def basis(self) -> Basis:
        """How many units and ratings there are, and how many can be paired."""
        return self.percent.basis

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return asdict(self)


def measure_agreement(
    ratings: Ratings,
    *,
    categories: Sequence[str] | None = None,
    clusters: Clusters | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
    least_units: int = 1,
) -> Agreement:
    """Return percent agreement, alpha and AC1 of ``ratings``, with intervals where ``rng`` is given.

    ``categories`` are all labels that could have been given, those that occur by default. Intervals
    are the 2.5% and 97.5% quantiles over ``resamples`` samples of as many units, drawn with
    replacement (B. Efron (1979), Annals of Statistics 7, 1-26); with ``clusters``, of as many whole
    clusters. Alpha and AC1 are too few to tell below ``least_units`` pairable units; percent never is.
    """
    counted = count_ratings(ratings, categories=categories, clusters=clusters)
    drawn = None
    if rng is not None and len(counted.multiplicity) > 1:
        drawn = _resample(counted, rng, resamples)
    estimates = {
        measure: _estimate(measure, counted, drawn, has_rng=rng is not None, least=least)
        for measure, least in (
            (Measure.PERCENT, 1),
            (Measure.ALPHA, least_units),
            (Measure.AC1, least_units),
        )
    }
    return Agreement(
        estimates[Measure.PERCENT],
        estimates[Measure.ALPHA],
        estimates[Measure.AC1],
        counted.rating_counts,
    )


_FORMULAS: dict[Measure, Callable[[Sums], tuple[Floats, Floats]]] = {
    Measure.PERCENT: find_percent,
    Measure.ALPHA: find_alpha,
    Measure.AC1: find_ac1,
}


def _resample(counted: UnitFigures, rng: np.random.Generator, resamples: int) -> Sums:
    # Units that are alike are exchangeable: to draw n units is to draw how many of each kind come.
    n = int(counted.multiplicity.sum())
    return counted.sum_up(rng.multinomial(n, counted.multiplicity / n, size=resamples))


def _estimate(
    measure: Measure, counted: UnitFigures, drawn: Sums | None, *, has_rng: bool, least: int
) -> Estimate:
    numerator, denominator = _FORMULAS[measure](counted.sum_up())
    state = ScoreState.SCORED
    if not counted.basis.pairable_units:
        state = ScoreState.NO_PAIRS
    elif counted.basis.pairable_units < least:
        state = ScoreState.TOO_FEW
    elif denominator[0] == 0:
        state = ScoreState.ONE_CATEGORY
    if state is not ScoreState.SCORED:
        return Estimate(measure, None, state, None, IntervalState.NO_SCORE, counted.basis)
    value = float(numerator[0] / denominator[0])
    interval, interval_state = _find_interval(measure, drawn, has_rng=has_rng)
    return Estimate(measure, value, state, interval, interval_state, counted.basis)


def _find_interval(
    measure: Measure, drawn: Sums | None, *, has_rng: bool
) -> tuple[tuple[float, float] | None, IntervalState]:
    if drawn is None:
        return None, IntervalState.NO_VARIATION if has_rng else IntervalState.NOT_ASKED
    numerator, denominator = _FORMULAS[measure](drawn)
    is_defined = denominator > 0
    if is_defined.mean() < _LEAST_DEFINED:
        return None, IntervalState.OFTEN_UNDEFINED
    low, high = np.quantile(numerator[is_defined] / denominator[is_defined], [0.025, 0.975])
    if low == high:
        return None, IntervalState.NO_VARIATION
    return (float(low), float(high)), IntervalState.GIVEN
