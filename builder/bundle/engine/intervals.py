"""Error bars for a share."""

from math import sqrt
from statistics import NormalDist

__all__ = ["find_wilson_interval"]


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
