"""Option leak: pairs of options enter; how often a reader that sees no question finds the positive one.

A reader of the two options alone should earn 50%. Within-pair accuracy counts ties half and is
cross-validated by family: a reader is fitted on some families and tested on the others, with all its
fitting inside the folds. Definition: `docs/definitions.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from builder.checks.leak.auditors import GATE, FittedAuditor, list_fitted, list_rules
from builder.checks.leak.fitting import Features, Margins, Matrix, Split, measure_margins
from builder.checks.leak.gauges import (
    Gauge,
    OptionPair,
    Role,
    count_wins,
    make_gauge,
)

__all__ = [
    "FEWEST_FAMILIES",
    "Audit",
    "Null",
    "audit_options",
    "gauge_form",
    "measure_accuracy",
    "measure_pair_margins",
    "split_by",
]

_FOLDS = 5
FEWEST_FAMILIES = 2 * _FOLDS
"""With fewer families no auditor is fitted."""

_MOST_FOR_NULL = 1000


@dataclass(frozen=True, slots=True)
class Null:
    """What the best auditor earns where there is no leak: the labels of families flipped at random.

    ``accuracies`` (permutations,) are the greatest of all auditors' in each relabelling; ``observed``
    is the greatest under the true labels, on the same ``pairs`` pairs (a sample of whole families
    where there are very many).
    """

    observed: float
    accuracies: NDArray[np.float64]
    pairs: int

    @property
    def p_value(self) -> float:
        """The share of labellings, the true one included, whose best auditor earned as much."""
        return self.find_p_value(self.observed)

    def find_quantile(self, share: float) -> float:
        """Return the accuracy that the best auditor stays at or below in a ``share`` of relabellings."""
        return float(np.quantile(self.accuracies, share))

    def find_p_value(self, accuracy: float) -> float:
        """Return the share of labellings, the true one included, whose best auditor earned ``accuracy``."""
        reached = int((self.accuracies >= accuracy - 1e-12).sum())
        return (1 + reached) / (1 + len(self.accuracies))


@dataclass(frozen=True)
class Audit:
    """All gauges, and the margins on held-out pairs by auditor, each of shape (n,)."""

    pairs: tuple[OptionPair, ...]
    gauges: tuple[Gauge, ...]
    margins: Mapping[str, Matrix]
    null: Null | None

    @cached_property
    def gate(self) -> Gauge | None:
        """The gauge that gates a release; None where there are no pairs."""
        return next((gauge for gauge in self.gauges if gauge.role is Role.GATE), None)


def audit_options(pairs: Sequence[OptionPair], *, permutations: int = 200, seed: int = 0) -> Audit:
    """Return what each auditor earns on ``pairs``, and what the best would earn without a leak.

    What cannot be measured, as with fewer families than `FEWEST_FAMILIES`, is None in the gauges.
    """
    signs = _draw_labellings(pairs, permutations if len(pairs) <= _MOST_FOR_NULL else 0, seed)
    rules = _apply_rules(pairs)
    features = _prepare_all(pairs)
    fitted = {name: _fit(found, pairs, signs) for name, found in features.items()}
    gauges = [
        make_gauge(rule.name, rule.kind, rule.role, pairs, rules.get(rule.name))
        for rule in list_rules()
    ]
    gauges += [
        _gauge(auditor, pairs, features.get(auditor.name), fitted.get(auditor.name))
        for auditor in list_fitted()
    ]
    null = None
    if permutations and fitted:
        null = (
            _find_null(rules, fitted, signs)
            if signs.shape[1] > 1
            else _draw_null_of_sample(pairs, permutations, seed)
        )
        gauges = [_add_p_value(gauge, null) for gauge in gauges]
    margins = rules | {name: found.differences[:, 0] for name, found in fitted.items()}
    return Audit(tuple(pairs), tuple(gauges), margins, null)


def _add_p_value(gauge: Gauge, null: Null) -> Gauge:
    if gauge.accuracy is None:
        return gauge
    return replace(gauge, p_value=null.find_p_value(gauge.accuracy))


def gauge_form(pairs: Sequence[OptionPair]) -> Gauge:
    """Return the gauge of the auditor that gates, and of no other."""
    (auditor,) = (auditor for auditor in list_fitted() if auditor.name == GATE)
    margins = None
    if _count_families(pairs) >= FEWEST_FAMILIES:
        found = _fit(auditor.prepare(pairs), pairs, np.ones((len(pairs), 1)))
        margins = found.differences[:, 0]
    return make_gauge(auditor.name, auditor.kind, auditor.role, pairs, margins)


def measure_pair_margins(pairs: Sequence[OptionPair], features: Features) -> Matrix:
    """Return the cross-validated margin of each pair, positive less negative, shape (n,)."""
    return _fit(features, pairs, np.ones((len(pairs), 1))).differences[:, 0]


def measure_accuracy(pairs: Sequence[OptionPair], features: Features) -> float:
    """Return the cross-validated within-pair accuracy that ``features`` earn on ``pairs``."""
    found = _fit(features, pairs, np.ones((len(pairs), 1)))
    return float(count_wins(found.differences).mean())


def split_by(groups: Sequence[str], folds: int | None = None) -> list[Split]:
    """Return splits that never part a group: one a group, or ``folds`` of about equally many groups."""
    names = sorted(set(groups))
    fold_of = {name: n if folds is None else n % folds for n, name in enumerate(names)}
    fold = np.array([fold_of[group] for group in groups], dtype=np.int64)
    return [
        (np.flatnonzero(fold != n), np.flatnonzero(fold == n)) for n in sorted(set(fold.tolist()))
    ]


def _count_families(pairs: Sequence[OptionPair]) -> int:
    return len({pair.family for pair in pairs})


def _apply_rules(pairs: Sequence[OptionPair]) -> dict[str, Matrix]:
    """Return each rule's margins; a rule that can say something of no pair is left out."""
    margins = {}
    for rule in list_rules():
        weights = [rule.weigh(pair) for pair in pairs]
        if any(weight is not None for weight in weights):
            margins[rule.name] = np.array([weight or 0.0 for weight in weights], dtype=float)
    return margins


def _prepare_all(pairs: Sequence[OptionPair]) -> dict[str, Features]:
    if _count_families(pairs) < FEWEST_FAMILIES:
        return {}
    return {auditor.name: auditor.prepare(pairs) for auditor in list_fitted()}


def _fit(features: Features, pairs: Sequence[OptionPair], signs: Matrix) -> Margins:
    return measure_margins(features, split_by([pair.family for pair in pairs], _FOLDS), signs)


def _gauge(
    auditor: FittedAuditor,
    pairs: Sequence[OptionPair],
    features: Features | None,
    found: Margins | None,
) -> Gauge:
    if features is None or found is None:
        return make_gauge(auditor.name, auditor.kind, auditor.role, pairs, None)
    return make_gauge(
        auditor.name,
        auditor.kind,
        auditor.role,
        pairs,
        found.differences[:, 0],
        auc=_find_auc(found),
        across_dimensions=_test_across_dimensions(features, pairs),
    )


def _find_auc(found: Margins) -> float:
    """Return how often a positive option scores above a negative one of any item, ties half."""
    from scipy.stats import mannwhitneyu

    statistic = mannwhitneyu(found.positive, found.negative).statistic
    return float(statistic) / (len(found.positive) * len(found.negative))


def _test_across_dimensions(features: Features, pairs: Sequence[OptionPair]) -> float | None:
    """Return the accuracy on each dimension of a fit to the others; None where there is one dimension."""
    dimensions = [pair.dimension for pair in pairs]
    if len(set(dimensions)) < 2:
        return None
    families = np.array([pair.family for pair in pairs])
    # A family may reach over dimensions: what is tested on was not fitted to through a sibling either.
    splits = [
        (fitted[~np.isin(families[fitted], families[tested])], tested)
        for fitted, tested in split_by(dimensions)
    ]
    if any(len(fitted) < FEWEST_FAMILIES for fitted, _ in splits):
        return None
    margins = measure_margins(features, splits, np.ones((len(pairs), 1)))
    return float(count_wins(margins.differences).mean())


def _draw_labellings(pairs: Sequence[OptionPair], permutations: int, seed: int) -> Matrix:
    """Return the true labelling and random ones that flip whole families, shape (n, 1 + permutations)."""
    families = sorted({pair.family for pair in pairs})
    row = {family: n for n, family in enumerate(families)}
    flips = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(families), permutations))
    labellings = np.hstack([np.ones((len(families), 1)), flips])
    return labellings[[row[pair.family] for pair in pairs]]


def _find_null(rules: Mapping[str, Matrix], fitted: Mapping[str, Margins], signs: Matrix) -> Null:
    """Return the best auditor's accuracy in each labelling, all fits made anew in each."""
    best = np.zeros(signs.shape[1])
    for margins in rules.values():
        best = np.maximum(best, count_wins(margins[:, None] * signs).mean(axis=0))
    for found in fitted.values():
        best = np.maximum(best, count_wins(found.differences).mean(axis=0))
    return Null(float(best[0]), best[1:], len(signs))


def _draw_null_of_sample(pairs: Sequence[OptionPair], permutations: int, seed: int) -> Null:
    """Return the null of as many whole families, drawn at random, as keep it quick to draw."""
    families = sorted({pair.family for pair in pairs})
    most = max(FEWEST_FAMILIES, _MOST_FOR_NULL * len(families) // len(pairs))
    kept = {families[n] for n in np.random.default_rng(seed).permutation(len(families))[:most]}
    sample = [pair for pair in pairs if pair.family in kept]
    signs = _draw_labellings(sample, permutations, seed)
    fitted = {name: _fit(found, sample, signs) for name, found in _prepare_all(sample).items()}
    return _find_null(_apply_rules(sample), fitted, signs)
