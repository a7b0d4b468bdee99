"""Comparing models of which only totals are known: counts enter, differences, p values and ranks leave.

Where it is not known which items each model passed, models can be compared as if they had met different
items. If they met the same ones, that is the cautious way where models tend to pass the same items: what items
have in common is not taken out. Where one passes what the other fails, it finds too much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import exp, lgamma

from builder.bundle.engine.intervals import combine_intervals, find_wilson_interval
from builder.bundle.engine.scoring import OVERALL
from builder.bundle.engine.significance import adjust_by_holm
from builder.report.data import Contrast, Measure, Standing

__all__ = ["UNPAIRED", "compare_counts", "find_fisher_p", "find_standings", "hold_family_error"]

UNPAIRED = (
    "Models were compared as if they had met different items, for only their totals are known: Fisher's exact "
    "test, two-sided, Holm's correction over all pairs of models and both scores, and Newcombe's interval for "
    "each difference (95%, uncorrected). If the items were the same, comparing item by item would tell more "
    "models apart where they tend to pass the same items, and fewer where one passes what the other fails. Ranks say at which places a model may stand: between models that this does not tell "
    "apart there is a tie."
)
"""How models are compared by their totals, in words."""

Count = tuple[int, int]


def find_fisher_p(first: Count, second: Count) -> float:
    """Return the two-sided p value of Fisher's exact test for two counts (passed, of).

    Source: R. A. Fisher (1935), J. R. Stat. Soc. 98. It is the chance, both margins given, of a table at most as likely as
    the one found.

    >>> round(find_fisher_p((8, 10), (1, 6)), 4)
    0.035
    """
    (a, n), (b, m) = first, second
    passed = a + b
    low, high = max(0, passed - m), min(n, passed)
    found = _log_weight(a, n, m, passed)
    # Tables as likely as the one found count, whatever rounding did to their weight.
    peak = max(low, min(high, (n + 1) * (passed + 1) // (n + m + 2)))
    top = _log_weight(peak, n, m, passed)
    total = extreme = 0.0
    for step, start in ((1, peak), (-1, peak - 1)):
        x = start
        while low <= x <= high:
            log = _log_weight(x, n, m, passed)
            weight = exp(log - top)
            total += weight
            extreme += weight if log <= found + 1e-7 else 0.0
            if log < min(found, top) - 45:
                break
            x += step
    return min(1.0, extreme / total)


def _log_weight(x: int, n: int, m: int, passed: int) -> float:
    return -(
        lgamma(x + 1) + lgamma(n - x + 1) + lgamma(passed - x + 1) + lgamma(m - passed + x + 1)
    )


def compare_counts(measure: Measure, counts: Mapping[str, Count]) -> list[Contrast]:
    """Return a comparison of each pair of models, p values not yet corrected."""
    return [
        _compare(measure, (one, counts[one]), (two, counts[two]))
        for one, two in combinations(counts, 2)
        if counts[one][1] and counts[two][1]
    ]


def _compare(measure: Measure, one: tuple[str, Count], two: tuple[str, Count]) -> Contrast:
    (first, (a, n)), (second, (b, m)) = one, two
    p = find_fisher_p((a, n), (b, m))
    difference = a / n - b / m
    interval = _find_newcombe_interval((a, n), (b, m))
    return Contrast(measure, OVERALL, first, second, difference, interval, p, p, min(n, m))


def _find_newcombe_interval(first: Count, second: Count) -> tuple[float, float]:
    """Return the 95% interval of a difference of two shares.

    Source: R. G. Newcombe (1998), Statistics in Medicine 17, method 10: Wilson's intervals of both, squared and added.
    """
    parts = [(1, first), (-1, second)]
    _, (low, high) = combine_intervals(
        [(sign, passed / n, find_wilson_interval(passed, n)) for sign, (passed, n) in parts]
    )
    return max(low, -1.0), min(high, 1.0)


def hold_family_error(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Return comparisons with p values corrected for their number, by Holm's procedure (`adjust_by_holm`)."""
    adjusted = adjust_by_holm([contrast.p for contrast in contrasts])
    return [replace(c, p_holm=p) for c, p in zip(contrasts, adjusted, strict=True)]


def find_standings(
    names: Sequence[str], contrasts: Sequence[Contrast], measure: Measure
) -> dict[str, Standing]:
    """Return the ranks that each model may have: one more than those surely better, to all but those surely worse."""
    better = dict.fromkeys(names, 0)
    worse = dict.fromkeys(names, 0)
    for contrast in contrasts:
        if contrast.measure is measure and contrast.is_significant:
            ahead = contrast.first if contrast.difference > 0 else contrast.second
            behind = contrast.second if contrast.difference > 0 else contrast.first
            better[behind] += 1
            worse[ahead] += 1
    return {name: Standing(1 + better[name], len(names) - worse[name]) for name in names}
