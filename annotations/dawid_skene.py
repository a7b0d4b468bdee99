"""Dawid-Skene: labels of raters enter; what each unit is and how each rater errs, both estimated, leave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.agreement.counts import Floats, Ratings

__all__ = [
    "TIE",
    "DawidSkene",
    "Rating",
    "describe_accuracy",
    "fit_dawid_skene",
    "fit_ratings",
    "list_ratings",
]

TIE = "tie"
"""Stands in place of a label where two or more are equally likely."""

Rating = tuple[str, str, str]
"""A unit, a rater and the label given."""

_TINY = 1e-300
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """The fitted model.

    ``posteriors`` is, by unit, the probability of each label to be the true one; ``confusion`` by
    rater and true label the probability of each label given; ``prior`` how frequent each label truly
    is; ``answers`` how many ratings each rater gave. ``objective`` is the logarithm of the likelihood
    times the smoothing prior, after each iteration; it never falls.
    """

    labels: tuple[str, ...]
    posteriors: Mapping[str, Mapping[str, float]]
    confusion: Mapping[str, Mapping[str, Mapping[str, float]]]
    prior: Mapping[str, float]
    answers: Mapping[str, int]
    objective: tuple[float, ...]
    is_converged: bool

    def find_labels(self) -> dict[str, str]:
        """Return the most probable label of each unit, or `TIE` where several are equally so."""
        found = {}
        for unit, chances in self.posteriors.items():
            best = max(chances.values())
            likely = [label for label, chance in chances.items() if chance >= best - _EQUAL]
            found[unit] = likely[0] if len(likely) == 1 else TIE
        return found

    def find_accuracy(self, rater: str) -> float:
        """Return the chance that a rater labels a unit right: Σₖ p(k) π(k given k)."""
        return sum(self.prior[label] * self.confusion[rater][label][label] for label in self.labels)


def describe_accuracy(fitted: DawidSkene, rater: str) -> str:
    """Return one line on a rater's accuracy, with the number of answers that it stands on."""
    accuracy, n = fitted.find_accuracy(rater), fitted.answers[rater]
    return f"{rater}: right with probability {accuracy:.2f}, by Dawid-Skene on {n} answers"


def fit_dawid_skene(
    ratings: Ratings,
    *,
    categories: Sequence[str] | None = None,
    smoothing: float = 2.0,
    tolerance: float = 1e-8,
    max_iterations: int = 2000,
) -> DawidSkene | None:
    """Return the model fitted to the label that each rater gave each unit; None where there is none.

    See `fit_ratings`.
    """
    return fit_ratings(
        list_ratings(ratings),
        categories=categories,
        smoothing=smoothing,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )


def list_ratings(ratings: Ratings) -> list[Rating]:
    """Return ratings one by one, in order of unit and rater."""
    return [
        (unit, rater, label)
        for unit, given in sorted(ratings.items())
        for rater, label in sorted(given.items())
    ]


def fit_ratings(
    ratings: Iterable[Rating],
    *,
    categories: Sequence[str] | None = None,
    smoothing: float = 2.0,
    tolerance: float = 1e-8,
    max_iterations: int = 2000,
) -> DawidSkene | None:
    """Return the model fitted by expectation and maximisation; None where there is no rating.

    Unit u is truly k with probability p(k); rater r then says l with probability π_r(l given k), the
    raters independently of each other. E: T(u, k) ∝ p(k) Π π_r(l given k) over the ratings of u. M:
    p(k) ∝ Σᵤ T(u, k) and π_r(l given k) ∝ Σ T(u, k) over the ratings l of r. It starts from the shares
    of votes, and stops when the objective rises by less than ``tolerance``. A rater may rate a unit
    several times. Nothing is drawn: the same ratings give the same model, in whatever order.

    Smoothing is a prior in the form of ratings made up: ``smoothing`` of them for each rater and true
    label, half of them right and half spread evenly over all labels, and half as many units spread
    evenly over p. It says which label is which, and holds back a rater of few answers; with one rater,
    or all agreeing, the labels given win. 0 is maximum likelihood, the published method. In
    simulations with three answers a unit, 2 recovered as many labels as less, and more under skew.
    ``categories`` are all labels that could have been given, those that occur by default.

    Source: A. P. Dawid and A. M. Skene (1979), Applied Statistics 28, 20-28.

    With raters x and y always of one mind and z, who differs from them on some units, x and y are
    found right everywhere, and each unit is what they say.
    """
    listed = sorted(ratings)
    if not listed:
        return None
    units, raters, given = ([*map(str, column)] for column in zip(*listed, strict=True))
    labels = sorted(set(given) if categories is None else set(categories))
    if unknown := sorted(set(given) - set(labels)):
        raise ValueError(f"{', '.join(unknown)}: not among {', '.join(labels)}")
    coded = _Coded(_code(units), _code(raters), np.array([labels.index(one) for one in given]))
    fitted = _iterate(coded, len(labels), smoothing, tolerance, max_iterations)
    rater_names = sorted(set(raters))
    return DawidSkene(
        labels=tuple(labels),
        posteriors={
            unit: dict(zip(labels, row, strict=True))
            for unit, row in zip(sorted(set(units)), fitted.posteriors.tolist(), strict=True)
        },
        confusion={
            rater: {
                true: dict(zip(labels, row, strict=True))
                for true, row in zip(labels, matrix, strict=True)
            }
            for rater, matrix in zip(rater_names, fitted.confusion.tolist(), strict=True)
        },
        prior=dict(zip(labels, fitted.prior.tolist(), strict=True)),
        answers={rater: raters.count(rater) for rater in rater_names},
        objective=tuple(fitted.objective),
        is_converged=fitted.is_converged,
    )


@dataclass(frozen=True, slots=True)
class _Coded:
    """Ratings as numbers, each array of shape (ratings,)."""

    units: NDArray[np.intp]
    raters: NDArray[np.intp]
    labels: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Posteriors (units, k), confusion (raters, true k, given k), prior (k,)."""

    posteriors: Floats
    confusion: Floats
    prior: Floats
    objective: list[float]
    is_converged: bool


def _code(names: Sequence[str]) -> NDArray[np.intp]:
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.array([places[name] for name in names], dtype=np.intp)


def _iterate(
    coded: _Coded, k: int, smoothing: float, tolerance: float, max_iterations: int
) -> _Fitted:
    made_up = smoothing * (np.eye(k) / 2 + 1 / (2 * k))
    spread = smoothing / (2 * k)
    posteriors: Floats = np.zeros((int(coded.units.max()) + 1, k))
    np.add.at(posteriors, (coded.units, coded.labels), 1.0)
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    objective: list[float] = []
    is_converged = False
    while not is_converged and len(objective) < max_iterations:
        prior, confusion = _maximise(coded, posteriors, made_up, spread)
        posteriors, likelihood = _expect(coded, prior, confusion)
        priors = (made_up * _log(confusion)).sum() + spread * _log(prior).sum()
        objective.append(likelihood + float(priors))
        is_converged = len(objective) > 1 and objective[-1] - objective[-2] < tolerance
    return _Fitted(posteriors, confusion, prior, objective, is_converged)


def _maximise(
    coded: _Coded, posteriors: Floats, made_up: Floats, spread: float
) -> tuple[Floats, Floats]:
    k = posteriors.shape[1]
    weights: Floats = np.zeros((int(coded.raters.max()) + 1, k, k))
    # Indexed by rater and label given, the true label last; then turned to true label, label given.
    np.add.at(weights, (coded.raters, coded.labels), posteriors[coded.units])
    weights = weights.transpose(0, 2, 1) + made_up
    sums = weights.sum(axis=2, keepdims=True)
    # Without smoothing a label may be true of nothing that a rater saw: any row fits, the even one is taken.
    confusion = np.where(sums > 0, weights / np.maximum(sums, _TINY), 1 / k)
    prior = posteriors.sum(axis=0) + spread
    return prior / prior.sum(), confusion


def _expect(coded: _Coded, prior: Floats, confusion: Floats) -> tuple[Floats, float]:
    """Return the posteriors, and the log-likelihood of the ratings."""
    logs = np.tile(_log(prior), (int(coded.units.max()) + 1, 1))
    np.add.at(logs, coded.units, _log(confusion)[coded.raters, :, coded.labels])
    highest = logs.max(axis=1, keepdims=True)
    scaled = np.exp(logs - highest)
    sums = scaled.sum(axis=1, keepdims=True)
    return scaled / sums, float((highest + np.log(sums)).sum())


def _log(chances: Floats) -> Floats:
    logs: Floats = np.log(np.maximum(chances, _TINY))
    return logs
