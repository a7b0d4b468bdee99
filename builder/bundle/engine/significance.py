"""Whether two models differ: paired differences enter, exact p-values, adjusted for their number, leave."""

from collections.abc import Mapping, Sequence
from math import comb, erfc, exp, fsum, lgamma, log, sqrt

__all__ = ["adjust_by_holm", "find_mcnemar_p", "find_sign_flip_p"]

_MOST_COMBINED = 1000
# Up to so many items binomial coefficients are added as whole numbers.

_MOST_SUMS, _MOST_FAMILIES = 20_000, 200
# Beyond, ways to give signs are too many to count.

_UNITS, _ROUNDING = 10**9, 1000
# Sums of shares are counted in billionths, and two that differ by a millionth are the same.


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


def find_sign_flip_p(differences: Mapping[float, int]) -> float:
    """Return the two-sided p of families' summed differences, each as likely of either sign.

    ``differences`` tells how many families there are of each sum. It is the share of all ways to give signs
    to the sums of which the total is as far from zero as the one observed: McNemar's exact p where all are -1,
    0 or 1. Counted exactly while the totals that can occur are few, else by the normal distribution of the
    total, with variance Σ d². Source: R. A. Fisher (1935), The Design of Experiments, section 21.

    >>> find_sign_flip_p({1: 8, -1: 1})
    0.0390625
    >>> find_sign_flip_p({2: 3})
    0.25
    """
    sizes: dict[int, int] = {}
    for value, count in differences.items():
        if value:
            size = round(abs(value) * _UNITS)
            sizes[size] = sizes.get(size, 0) + count
    if not set(sizes) - {_UNITS}:
        return find_mcnemar_p(_count(differences, 1), _count(differences, -1))
    observed = abs(fsum(value * count for value, count in differences.items())) * _UNITS
    chances = _spread(sizes)
    if chances is None:
        spread = sqrt(fsum(size * size * count for size, count in sizes.items()))
        return erfc(observed / spread / sqrt(2))
    far = observed - _ROUNDING
    return min(1.0, fsum(chance for total, chance in chances.items() if abs(total) >= far))


def _count(differences: Mapping[float, int], sign: int) -> int:
    return sum(count for value, count in differences.items() if value * sign > 0)


def _spread(sizes: Mapping[int, int]) -> dict[int, float] | None:
    """Return the chance of each total under random signs; None where too many totals can occur."""
    families = sum(sizes.values())
    if families > _MOST_FAMILIES:
        return None
    chances = {0: 1.0}
    for size, count in sorted(sizes.items()):
        for _ in range(count):
            further: dict[int, float] = {}
            for total, chance in chances.items():
                further[total + size] = further.get(total + size, 0.0) + chance / 2
                further[total - size] = further.get(total - size, 0.0) + chance / 2
            chances = further
            if len(chances) * families > _MOST_SUMS:
                return None
    return chances


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
