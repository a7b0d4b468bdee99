"""Whether two models differ: paired differences enter, p-values, adjusted for their number, leave."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from math import comb, erfc, exp, fsum, gcd, lgamma, log, sqrt
from typing import NamedTuple

__all__ = ["Procedure", "Significance", "adjust_by_holm", "find_mcnemar_p", "find_sign_flip_p"]

_MOST_COMBINED = 1000
# Up to so many items binomial coefficients are added as whole numbers.

_MOST_STEPS = 150_000
# Beyond, ways to give signs are too many to count.

_MOST_PARTS, _SAME = 1000, 1e-7
# Sums are multiples of one of the first thousand parts of one, to so much, where samples are few.

_UNITS, _ROUNDING = 10**9, 1000
# Other sums are counted in billionths, and two totals that differ by a millionth are the same.

_UNSEEN, _LEFT_OUT = 1e-20, 1e-17
# Sums of signs that are less likely than so, against the likeliest, are left out; all that are, less than so.


class Procedure(StrEnum):
    """How a p-value was found; only ``sign-flips-normal`` is not exact."""

    MCNEMAR = "mcnemar-exact"
    SIGN_FLIPS = "sign-flips-exact"
    NORMAL = "sign-flips-normal"


class Significance(NamedTuple):
    """A two-sided p-value and how it was found."""

    p_value: float
    test: Procedure


def find_mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test: the sign test on the items on which two models differ.

    Source: Q. McNemar (1947), Psychometrika 12; exact by the binomial distribution of the b + c discordant
    items with chance 1/2. p = min(1, 2 P(X <= min(b, c))).

    >>> find_mcnemar_p(1, 8)
    0.0390625
    """
    n, least = only_first + only_second, min(only_first, only_second)
    if 2 * least >= n:
        return 1.0
    if n <= _MOST_COMBINED:
        return 2 * sum(comb(n, k) for k in range(least + 1)) / (1 << n)
    # From the greatest term downwards, each from the one before, until what is left cannot be seen.
    first = lgamma(n + 1) - lgamma(least + 1) - lgamma(n - least + 1) - n * log(2)
    term = total = 1.0
    for k in range(least, 0, -1):
        term *= k / (n - k + 1)
        total += term
        if term < total * 1e-17:
            break
    return min(1.0, 2 * exp(first + log(total)))


def find_sign_flip_p(differences: Mapping[float, int]) -> Significance:
    """Return the two-sided p of families' summed differences, each as likely of either sign.

    ``differences`` tells how many families there are of each sum. It is the share of all ways to give signs
    to the sums of which the total is as far from zero as the one observed: McNemar's exact p where all sums are
    of one size. Else it is counted exactly (to 1e-17) while that takes few steps: where sums are whole, or
    shares of few samples, totals coincide, and else up to 17 families. Beyond, it is that of the normal
    distribution with variance Σ d², the total moved towards zero by half the step of the totals. Source:
    R. A. Fisher (1935), The Design of Experiments, section 21.

    >>> find_sign_flip_p({1: 8, -1: 1}).p_value
    0.0390625
    >>> find_sign_flip_p({2: 3, -1: 1}).p_value
    0.25
    """
    unit = _find_unit(differences)
    sums = Counter[int]()
    for value, count in differences.items():
        sums[round(value * unit)] += count
    step = gcd(*sums) or 1
    observed = abs(sum(value * count for value, count in sums.items()))
    sizes = Counter[int]()
    for value, count in sums.items():
        if value:
            sizes[abs(value) // step] += count
    if len(sizes) < 2:
        first = sum(count for value, count in sums.items() if value > 0)
        return Significance(find_mcnemar_p(first, sizes.total() - first), Procedure.MCNEMAR)
    slack = _ROUNDING if unit == _UNITS else 0
    p_value = _count_signs(sizes, (observed - slack) / step)
    if p_value is not None:
        return Significance(p_value, Procedure.SIGN_FLIPS)
    spread = sqrt(sum(size * size * count for size, count in sizes.items()))
    return Significance(erfc(max(observed / step - 1, 0.0) / spread / sqrt(2)), Procedure.NORMAL)


def _find_unit(values: Iterable[float]) -> int:
    """Return of which part of one all values are multiples; a billionth where that is none of the first."""
    for unit in range(1, _MOST_PARTS + 1):
        if all(abs(value * unit - round(value * unit)) < _SAME for value in values):
            return unit
    return _UNITS


def _count_signs(sizes: Mapping[int, int], far: float) -> float | None:
    """Return how likely a total at least so far from zero is under random signs; None where that takes too long."""
    if far <= 0:
        return 1.0
    parts = [(size, _list_nets(count)) for size, count in sizes.items()]
    parts.sort(key=lambda part: (len(part[1]), part[0]))
    if _count_steps(parts) > _MOST_STEPS:
        return None
    totals = {0: 1.0}
    for size, nets in parts[:-1]:
        further: dict[int, float] = {}
        for total, chance in totals.items():
            for net, weight in nets:
                place = total + net * size
                further[place] = further.get(place, 0.0) + chance * weight
        totals = further
    size, nets = parts[-1]
    places = sorted(totals)
    beyond = [0.0, *accumulate(totals[place] for place in reversed(places))]
    upper = fsum(
        weight * beyond[len(places) - bisect_left(places, far - net * size)] for net, weight in nets
    )
    is_whole = all(len(nets) == sizes[size] + 1 for size, nets in parts)
    return min(1.0, 2 * upper + (0.0 if is_whole else _LEFT_OUT))


def _list_nets(count: int) -> list[tuple[int, float]]:
    """Return the sums of ``count`` random signs and their chances; not those that cannot be seen."""
    weights, weight = [], 1.0
    for k in range(count // 2, -1, -1):
        weights.append((count - 2 * k, weight))
        weight *= k / (count - k + 1)
        if weight < _UNSEEN:
            break
    nets = [(-net, weight) for net, weight in reversed(weights) if net] + weights
    whole = fsum(weight for _, weight in nets)
    return [(net, weight / whole) for net, weight in nets]


def _count_steps(parts: Sequence[tuple[int, Sequence[tuple[int, float]]]]) -> int:
    """Return how many steps adding up takes at most, but for the last part, of which only tails are looked up."""
    steps, totals, span = 0, 1, 0
    for size, nets in parts[:-1]:
        steps += totals * len(nets)
        span += size * nets[-1][0]
        totals = min(totals * len(nets), span + 1)
    return steps + len(parts[-1][1])


def adjust_by_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that, at most α of them, any false finding among all has a chance of α.

    Source: S. Holm (1979), Scandinavian Journal of Statistics 6: with p₍₁₎ <= ... <= p₍ₘ₎, the i-th is the greatest
    of min(1, (m - j + 1) p₍ⱼ₎) over j <= i. It asks for nothing about how the tests depend on each other.

    >>> adjust_by_holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, greatest = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for rank, place in enumerate(order):
        greatest = max(greatest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = greatest
    return adjusted
