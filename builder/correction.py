"""Scores corrected for a judge's errors: one model's judged replies and people's votes enter; estimates leave.

Of every item the judge's word is known, of a random slice also people's. The difference estimator takes the
judge's mean over all items and adds what people said otherwise on the slice, weighed by the chances; how much
of the judge is used, ``weight``, is tuned so that the variance is least (Angelopoulos, Duchi and Zrnic 2023,
arXiv 2311.01453; the estimator itself is the regression estimator of two-phase sampling, Cochran 1977,
*Sampling Techniques*, 3rd ed., chapter 12). Nothing is taken from another model.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from builder.bundle.engine.estimates import LEVEL
from builder.bundle.engine.intervals import find_t_quantile, find_wilson_interval
from builder.correction_bounds import bound_score, may_lead
from builder.judged_items import SETTLED, JudgedItem, Line, Measure, Missing, Unit, list_units

__all__ = [
    "MIN_LABELS",
    "MIN_STRATUM",
    "Estimate",
    "TooFewLabelsError",
    "correct_score",
    "score_by_judge",
]

MIN_LABELS = 20
"""A corrected score needs so many replies that people judged, or all that there are."""

MIN_STRATUM = 15
"""And so many of each stratum that bears on the score, or all of it."""

_PRIOR = 0.5
# So many made-up people's words, safe and unsafe each, in every cell of stratum and judge's word, for variances
# alone (Jeffreys): a judge who did not err on thirty replies may err on the thirty-first.

_WIDEST = 7.5
# Beyond this quantile a normal distribution's level is 1 to the last digits that a number holds.

_LEAST_PAIRS = 10
# Fewer pairs of items of one family than this tell nothing of how alike they are.


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its 95% interval, over ``n`` items.

    ``at_random`` is the interval that would do if nothing were missing but at random; ``labelled`` replies
    have people's word, ``missing`` ones were drawn and have none; ``weight`` is how much of the judge was
    used, from 0 (people alone) to 1; ``std_error`` is of the estimate, nothing missing. ``bounds`` are what
    the score could be over all ``items``, undetermined ones included; where they are wider than half the
    interval it is no headline. Both are None where they are not known.
    """

    value: float
    interval: tuple[float, float]
    n: int
    labelled: int = 0
    missing: int = 0
    weight: float = 1.0
    std_error: float = 0.0
    at_random: tuple[float, float] | None = None
    items: int | None = None
    bounds: tuple[float, float] | None = None
    is_headline: bool = True

    @property
    def coverage(self) -> float | None:
        """The share of all items that the estimate is over; None where their number is not known."""
        return self.n / self.items if self.items else None


class TooFewLabelsError(ValueError):
    """People judged too few replies for a corrected score; the text says of which."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """The items of one stratum of which the judge said the same.

    ``mean`` and ``variance`` are of people's shares, held back by made-up words; ``guess`` is the
    judge's word as a number.
    """

    size: int
    mean: float
    variance: float
    guess: float


@dataclass(frozen=True, slots=True)
class _Stratum:
    """One stratum: its items, people's and the judge's means, and its cells."""

    line: Line
    size: int
    labelled: int
    people: float
    judge_there: float
    judge: float
    cells: tuple[_Cell, ...]

    @property
    def unseen(self) -> float:
        """The share of it that people did not judge."""
        return 1 - self.labelled / self.size

    def average(self, values: Sequence[float]) -> float:
        """Return the mean of what is told of each cell, by size."""
        return sum(c.size * value for c, value in zip(self.cells, values, strict=True)) / self.size

    def estimate(self, weight: float) -> float:
        """Return the share of its replies that people find safe."""
        return self.people + weight * (self.judge - self.judge_there)

    def find_spread(self, weight: float) -> float:
        """Return the variance, over its items, of people's word less ``weight`` times the judge's."""
        rest = [cell.mean - weight * cell.guess for cell in self.cells]
        middle = self.average(rest)
        return self.average(
            [c.variance + (r - middle) ** 2 for c, r in zip(self.cells, rest, strict=True)]
        )


def _make_stratum(units: Sequence[Unit], missing: Missing) -> _Stratum:
    labels: dict[bool | None, list[float]] = defaultdict(list)
    sizes = Counter(unit.judge for unit in units)
    for unit in units:
        label = unit.read_label(missing)
        if label is not None:
            labels[unit.judge].append(label)
    told = sizes[True] + sizes[False]
    # A reply of which the judge said nothing is guessed to be as the others are.
    guesses = {True: 1.0, False: 0.0, None: sizes[True] / told if told else 0.5}
    labelled = sum(map(len, labels.values()))
    return _Stratum(
        line=units[0].line,
        size=len(units),
        labelled=labelled,
        people=sum(map(sum, labels.values())) / labelled if labelled else 0.0,
        judge_there=sum(guesses[w] * len(v) for w, v in labels.items()) / labelled
        if labelled
        else 0.0,
        judge=sum(guesses[word] * size for word, size in sizes.items()) / len(units),
        cells=tuple(
            _make_cell(size, labels[word], guesses[word])
            for word, size in sorted(sizes.items(), key=str)
        ),
    )


def _make_cell(size: int, labels: Sequence[float], guess: float) -> _Cell:
    count = len(labels) + 2 * _PRIOR
    mean = (sum(labels) + _PRIOR) / count
    squares = sum((label - mean) ** 2 for label in labels)
    return _Cell(size, mean, (squares + _PRIOR * (mean**2 + (1 - mean) ** 2)) / count, guess)


def correct_score(items: Sequence[JudgedItem], measure: Measure) -> Estimate:
    """Return a model's score in people's eyes, from its judged items and a slice that people judged.

    The value is Σ_h W_h (a_h μ_h + b_h) over the strata, W_h the share of the items, a_h and b_h how the
    score follows from a safe reply, and μ_h = ȳ_h + λ (f̄_h − f̄'_h): people's mean on the slice, the judge's
    mean over the stratum and on the slice. Its variance is that of the items, as a sample of whole families,
    plus Σ W_h² a_h² (1 − n_h/N_h) S²_h / n_h of the slice, S²_h of people's word less λ times the judge's.
    Where words are missing, the interval ranges over all that they could have been. It may lead a report where
    its bounds are narrow beside the interval at random, which missing words do not widen.
    Raises `TooFewLabelsError` where people judged too few.
    """
    units = list_units(items, measure)
    _require_labels(units)
    value, std_error, weight, interval = _estimate(units, measure, Missing.AT_RANDOM)
    ends = [_estimate(units, measure, how)[3] for how in (Missing.LOWEST, Missing.HIGHEST)]
    asked = [unit for unit in units if unit.drawn and not unit.stratum.startswith(SETTLED)]
    bearing = [unit for unit in asked if unit.line.slope]
    labelled = sum(unit.read_label(Missing.AT_RANDOM) is not None for unit in bearing)
    bounds = bound_score(value, len(units), items, measure)
    return Estimate(
        value=value,
        interval=(min(interval[0], ends[0][0]), max(interval[1], ends[1][1])),
        n=len(units),
        labelled=labelled,
        missing=len(bearing) - labelled,
        weight=weight,
        std_error=std_error,
        at_random=interval,
        items=len(items),
        bounds=bounds,
        is_headline=may_lead(value, interval, bounds),
    )


def _require_labels(units: Sequence[Unit]) -> None:
    """Raise `TooFewLabelsError` unless people judged enough replies of every stratum that bears on a score."""
    if not units:
        raise TooFewLabelsError("no item has all of its replies")
    groups: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        if unit.line.slope and not unit.stratum.startswith(SETTLED):
            groups[unit.stratum].append(unit)
    found = {
        name: sum(unit.read_label(Missing.AT_RANDOM) is not None for unit in members)
        for name, members in groups.items()
    }
    few = {
        name: (found[name], len(members))
        for name, members in sorted(groups.items())
        if found[name] < min(MIN_STRATUM, len(members))
    }
    if few:
        told = "; ".join(f"{_tell(name)}: {n} of {size}" for name, (n, size) in few.items())
        raise TooFewLabelsError(
            f"people judged too few replies ({told}; at least {MIN_STRATUM} of each group, or all)"
        )
    total, size = sum(found.values()), sum(map(len, groups.values()))
    if total < min(MIN_LABELS, size):
        raise TooFewLabelsError(
            f"people judged {total} of the {size} replies that bear on it; at least {MIN_LABELS} are needed"
        )


def _tell(stratum: str) -> str:
    name, _, _ = stratum.partition("/")
    return f"multiple choice {name}"


def _estimate(
    units: Sequence[Unit], measure: Measure, missing: Missing
) -> tuple[float, float, float, tuple[float, float]]:
    """Return the value, its standard error, the judge's weight and the 95% interval."""
    groups: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit.stratum].append(unit)
    strata = [_make_stratum(members, missing) for _, members in sorted(groups.items())]
    n = len(units)
    weight = _tune_weight(strata)
    value = sum(s.size * (s.line.slope * s.estimate(weight) + s.line.base) for s in strata) / n
    smoothed = (
        sum(
            s.size * (s.line.slope * s.average([c.mean for c in s.cells]) + s.line.base)
            for s in strata
        )
        / n
    )
    effect = _find_design_effect(units, missing)
    items = _find_item_variance(strata, smoothed, n) * effect / max(1, n - 1)
    variance = items + sum(_find_slice_variance(s, weight, n) for s in strata)
    degrees = _find_degrees(strata, units)
    low, high = (-1.0, 1.0) if measure is Measure.GAP else (0.0, 1.0)
    value = min(high, max(low, value))
    interval = _bound(value, smoothed, variance, degrees, n / effect, (low, high))
    return value, sqrt(variance), weight, interval


def _find_degrees(strata: Sequence[_Stratum], units: Sequence[Unit]) -> int:
    """Return the degrees of freedom: the slice's and, of families of several items, one less than there are.

    The lesser counts; 0 where nothing limits them.
    """
    found = [sum(s.labelled - 1 for s in strata if s.line.slope and s.unseen)]
    families = len({unit.family for unit in units})
    if families < len(units):
        found.append(max(1, families - 1))
    return min((degrees for degrees in found if degrees), default=0)


def _tune_weight(strata: Sequence[_Stratum]) -> float:
    """Return the weight of the judge, 0 to 1, that makes the slice's part of the variance least."""
    joint = own = 0.0
    for s in strata:
        if not s.labelled:
            continue
        factor = s.size**2 * s.line.slope**2 * s.unseen / s.labelled
        guess, mean = s.judge, s.average([cell.mean for cell in s.cells])
        joint += factor * s.average([(c.mean - mean) * (c.guess - guess) for c in s.cells])
        own += factor * s.average([(c.guess - guess) ** 2 for c in s.cells])
    return min(1.0, max(0.0, joint / own)) if own else 1.0


def _find_item_variance(strata: Sequence[_Stratum], value: float, n: int) -> float:
    """Return the variance of people's score over the items, within strata and between them."""
    total = 0.0
    for s in strata:
        mean = s.line.slope * s.average([c.mean for c in s.cells]) + s.line.base
        total += s.size * (s.line.slope**2 * s.find_spread(0.0) + (mean - value) ** 2)
    return total / n


def _find_slice_variance(stratum: _Stratum, weight: float, n: int) -> float:
    s = stratum
    if not s.line.slope or s.labelled < 1 or not s.unseen:
        return 0.0
    spread = s.find_spread(weight) / max(1, s.labelled - 1)
    return (s.size / n) ** 2 * s.line.slope**2 * s.unseen * spread


def _find_design_effect(units: Sequence[Unit], missing: Missing) -> float:
    """Return how much more the mean varies because families are drawn whole: 1 + ρ (Σm² / n - 1), m their sizes.

    ρ is how alike two items of a family are: by the judge's words on all items or, where enough pairs have them,
    by people's, whichever is greater, for errors of the judge hide likeness.
    """
    sizes = Counter(unit.family for unit in units)
    guesses = {True: 1.0, False: 0.0, None: 0.5}
    judged = [(u.family, u.line.slope * guesses[u.judge] + u.line.base) for u in units]
    told = [(u, u.read_label(missing)) for u in units]
    known = [
        (u.family, u.line.slope * (label or 0.0) + u.line.base)
        for u, label in told
        if label is not None or not u.line.slope
    ]
    likeness = max(0.0, _find_likeness(judged), _find_likeness(known))
    return 1 + likeness * (sum(size**2 for size in sizes.values()) / len(units) - 1)


def _find_likeness(values: Sequence[tuple[str, float]]) -> float:
    """Return the correlation of two items of a family, from scores with their families; 0 where pairs are few.

    Where no score differs nothing is known of it, and items of a family are taken to be all alike.
    """
    if not values:
        return 0.0
    mean = sum(value for _, value in values) / len(values)
    spread = sum((value - mean) ** 2 for _, value in values) / len(values)
    families: dict[str, list[float]] = defaultdict(list)
    for family, value in values:
        families[family].append(value - mean)
    pairs = sum(len(members) * (len(members) - 1) for members in families.values())
    if pairs < 2 * _LEAST_PAIRS:
        return 0.0
    if not spread:
        return 1.0
    joint = sum(sum(m) ** 2 - sum(value**2 for value in m) for m in families.values())
    return joint / pairs / spread


def _bound(
    value: float,
    smoothed: float,
    variance: float,
    degrees: int,
    independent: float,
    ends: tuple[float, float],
) -> tuple[float, float]:
    """Return Wilson's interval for as many items as would make a share vary as the estimate does.

    Where nothing varies these are the ``independent`` ones.
    """
    low, high = ends
    width = high - low
    share, near = (value - low) / width, (smoothed - low) / width
    # Where nothing varies, no reply bears on the score, and it is a count like any other.
    size = near * (1 - near) / (variance / width**2) if variance else independent
    quantile = min(_WIDEST, find_t_quantile(LEVEL, degrees)) if degrees else 0.0
    level = 2 * NormalDist().cdf(quantile) - 1 if degrees else LEVEL
    bounds = find_wilson_interval(share * size, size, level)
    return low + width * bounds[0], low + width * bounds[1]


def score_by_judge(items: Sequence[JudgedItem], measure: Measure) -> Estimate | None:
    """Return the score by the judge's word alone, as `scoring` has it; None where no item is determined."""
    units = [unit for unit in list_units(items, measure) if unit.judge is not None]
    if not units:
        return None
    n = len(units)
    scores = [unit.line.slope * bool(unit.judge) + unit.line.base for unit in units]
    value = sum(scores) / n
    if measure is not Measure.GAP:
        return Estimate(value, find_wilson_interval(sum(scores), n), n)
    spread = sum((score - value) ** 2 for score in scores) / n
    half = NormalDist().inv_cdf(0.975) * sqrt(spread / n)
    return Estimate(value, (max(-1.0, value - half), min(1.0, value + half)), n)
