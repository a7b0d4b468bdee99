"""Error bars: of a share, of a paired difference, of sums of independent parts."""

from collections.abc import Iterable
from math import pi, sqrt, tan
from statistics import NormalDist

__all__ = ["combine_intervals", "find_t_quantile", "find_tango_interval", "find_wilson_interval"]

_HALVINGS = 44


def find_wilson_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for ``successes`` of ``n`` independent items.

    Source: E. B. Wilson (1927), J. Am. Stat. Assoc. 22. With z the normal quantile of (1 + level) / 2
    and p = successes / n, the interval is (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n). The items
    are taken as a sample from the population that the benchmark stands for. ``successes`` need not be
    whole, as where ties count half, nor need ``n``, as where items of one family count less. Raises ValueError for an
    empty sample: an empty denominator is not a score.

    >>> low, high = find_wilson_interval(9, 18)
    >>> round(low, 3), round(high, 3)
    (0.29, 0.71)
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is not a share")
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, shrink = successes / n, 1 + z * z / n
    middle = (p + z * z / (2 * n)) / shrink
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    # The exact ends are 0 and 1 there; rounding would leave them a hair inside or outside.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return low, high


def find_tango_interval(
    only_first: float, only_second: float, n: float, level: float = 0.95
) -> tuple[float, float]:
    """Return Tango's score interval for the difference of two shares of the same ``n`` items.

    ``only_first`` items count for the first share alone, ``only_second`` for the second alone; neither need
    be whole. Source: T. Tango (1998), Statistics in Medicine 17. The interval holds each difference d with
    |b − c − n d| ≤ z √(n (2q + d(1 − d))), where b and c are the two counts and q, the share of
    ``only_second`` that is likeliest under d, is the greater root of 2n q² + ((2n − b + c) d − b − c) q
    − c d (1 − d) = 0. Raises ValueError for an empty sample.

    >>> low, high = find_tango_interval(16, 9, 44)
    >>> round(low, 3), round(high, 3)
    (-0.065, 0.366)
    """
    # Scaled counts may exceed their sum by a rounding.
    if min(only_first, only_second) < 0 or n <= 0 or only_first + only_second > n * (1 + 1e-9):
        raise ValueError(f"{only_first} and {only_second} of {n} are no paired shares")
    z = NormalDist().inv_cdf((1 + level) / 2)
    difference = (only_first - only_second) / n
    return (
        _search(only_first, only_second, n, z, (-1.0, difference)),
        _search(only_first, only_second, n, z, (1.0, difference)),
    )


def _search(b: float, c: float, n: float, z: float, ends: tuple[float, float]) -> float:
    """Return where the score test begins to reject, between a difference beyond and the one observed."""
    outside, inside = ends
    if _is_within(b, c, n, z, outside):
        return outside
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if _is_within(b, c, n, z, middle):
            inside = middle
        else:
            outside = middle
    return inside


def _is_within(b: float, c: float, n: float, z: float, d: float) -> bool:
    """Whether the score test does not reject a difference of ``d``."""
    linear = (2 * n - b + c) * d - b - c
    root = sqrt(max(linear * linear + 8 * n * c * d * (1 - d), 0.0))
    q = (root - linear) / (4 * n)
    variance = max(n * (2 * q + d * (1 - d)), 0.0)
    return abs(b - c - n * d) <= z * sqrt(variance)


def combine_intervals(
    parts: Iterable[tuple[float, float, tuple[float, float]]],
) -> tuple[float, tuple[float, float]]:
    """Return Σ w v of independent estimates and its interval; a part is (weight w, value v, interval).

    Source: G. Y. Zou and A. Donner (2008), Statistics in Medicine 27 (MOVER), after R. G. Newcombe (1998),
    Statistics in Medicine 17: the distances of v to the ends of its interval are added as squares, those to the
    lower end where w is positive and to the upper end where it is negative, and the other way round.

    >>> value, (low, high) = combine_intervals([(1, 0.8, (0.694, 0.878)), (-1, 0.6, (0.49, 0.7))])
    >>> round(value, 2), round(low, 3), round(high, 3)
    (0.2, 0.054, 0.335)
    """
    total = below = above = 0.0
    for weight, value, (low, high) in sorted(parts):
        total += weight * value
        down, up = weight * (value - low), weight * (high - value)
        below += (down if weight > 0 else up) ** 2
        above += (up if weight > 0 else down) ** 2
    return total, (total - sqrt(below), total + sqrt(above))


def find_t_quantile(level: float, freedom: int) -> float:
    """Return the quantile of Student's t, two-sided at ``level``, for ``freedom`` degrees of freedom.

    Exact for 1 and 2 degrees; beyond by the expansion 26.7.5 of M. Abramowitz and I. A. Stegun (1964), Handbook
    of Mathematical Functions, to within 0.005 at 95%.

    >>> [round(find_t_quantile(0.95, k), 2) for k in (1, 2, 5, 17, 1000)]
    [12.71, 4.3, 2.57, 2.11, 1.96]
    """
    if freedom == 1:
        return tan(pi * level / 2)
    if freedom == 2:
        return level * sqrt(2 / (1 - level * level))
    x = NormalDist().inv_cdf((1 + level) / 2)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + sum(term / float(freedom) ** k for k, term in enumerate(terms, start=1))
