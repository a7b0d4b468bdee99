"""Items for an interval of a wanted width: a share and a half-width enter, a number of items leaves.

Source: the half-width of Wilson's score interval (E. B. Wilson 1927, J. Am. Stat. Assoc. 22), solved
for the number of items. With z the normal quantile and p the share, the half-width at n items is

    h = z √(p(1−p)/n + z²/4n²) / (1 + z²/n),

a quadratic equation in n whose positive root is

    n = z²/2h² · (pq − 2h² + √(p²q² + h²(1 − 4pq))),   q = 1 − p,

which for p = ½ is z²(1 − 4h²)/4h².
"""

from math import sqrt
from statistics import NormalDist

from builder.bundle.engine.intervals import find_wilson_interval

__all__ = ["find_half_width", "solve_width"]


def find_half_width(n: float, share: float, level: float = 0.95) -> float:
    """Return half the width of Wilson's interval where ``share`` of ``n`` items show something.

    >>> round(find_half_width(381, 0.5), 4)
    0.05
    """
    low, high = find_wilson_interval(share * n, n, level)
    return (high - low) / 2


def solve_width(half_width: float, share: float = 0.5, level: float = 0.95) -> float:
    """Return at how many items Wilson's interval has that half-width; the number need not be whole.

    ``half_width`` lies between 0 and ½, both left out: an interval of a share is never wider than that.

    >>> round(solve_width(0.05), 1)
    380.3
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    spread, square = share * (1 - share), half_width * half_width
    root = sqrt(spread * spread + square * (1 - 4 * spread))
    return z * z / (2 * square) * (spread - 2 * square + root)
