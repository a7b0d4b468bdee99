"""The power of the exact McNemar test, summed and not approximated: items and a difference enter.

Of n items D are discordant, a binomial number with chance ψ; on X of these the worse model is the one that
passes, binomial among D with chance (ψ − δ)/2ψ. The two-sided exact test at level α finds for the better
model where 2 P(B ≤ X) ≤ α with B binomial among D with chance ½. The power is the chance of that, summed
over D. A finding for the worse model does not count: it is no power to show the difference.

The number of discordant items is summed over 9 standard deviations on either side, beyond which less than
1e-12 is left.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from builder.planning.mcnemar import solve_by_connor
from builder.planning.request import MOST_ITEMS

__all__ = ["find_exact_items", "find_exact_power", "find_shown_difference"]

_REACH = 9.0
# Where the discordant items spread less than this, the power is no smooth function of the items.
_SMOOTH_VARIANCE = 100.0
# Differences are told to a hundredth of a percentage point.
_GRAIN = 10_000


def find_exact_power(n: int, difference: float, discordance: float, alpha: float) -> float:
    """Return the chance that the exact test on ``n`` items shows the difference in its true direction.

    >>> round(find_exact_power(6, 1.0, 1.0, 0.05), 3)
    1.0
    """
    mean, spread = n * discordance, sqrt(n * discordance * (1 - discordance))
    low = max(0, floor(mean - _REACH * spread - _REACH))
    high = min(n, ceil(mean + _REACH * spread + _REACH))
    discordant = np.arange(low, high + 1, dtype=np.int64)
    most = _find_critical(low, high, alpha)
    worse = max(0.0, (discordance - difference) / (2 * discordance))
    shown = np.where(most >= 0, special.bdtr(np.maximum(most, 0), discordant, worse), 0.0)
    weights = _weigh(discordant, n, discordance)
    return float(min(1.0, (weights @ shown) / weights.sum()))


@lru_cache(maxsize=16)
def _find_critical(low: int, high: int, alpha: float) -> NDArray[np.float64]:
    """Return for each number of discordant items the most that may go the other way; -1 where none may."""
    discordant = np.arange(low, high + 1, dtype=np.int64)
    z = -special.ndtri(alpha / 2)
    # By the normal distribution first, which is off by one here and there, then one by one to the exact.
    most: NDArray[np.float64] = np.floor((discordant - z * np.sqrt(discordant) - 1) / 2).clip(-1)
    for step, wanted in ((1.0, True), (0.0, False)):
        left = np.arange(len(most))
        while len(left):
            tried = most[left] + step
            tails = special.bdtr(np.maximum(tried, 0), discordant[left], 0.5)
            is_shown = (tails <= alpha / 2) | (tried < 0)
            left = left[is_shown == wanted]
            most[left] += 1.0 if wanted else -1.0
    return most


def _weigh(discordant: NDArray[np.int64], n: int, discordance: float) -> NDArray[np.float64]:
    """Return the binomial chances of the numbers of discordant items."""
    ways = (
        special.gammaln(n + 1)
        - special.gammaln(discordant + 1)
        - special.gammaln(n - discordant + 1)
    )
    chances = special.xlogy(discordant, discordance) + special.xlog1py(n - discordant, -discordance)
    weights: NDArray[np.float64] = np.exp(ways + chances)
    return weights


def find_exact_items(
    difference: float, discordance: float, alpha: float, power: float
) -> int | None:
    """Return the fewest items from which on the exact test has that power; None beyond `MOST_ITEMS`.

    The power rises in small teeth and not evenly, as the test's level can only be kept from below. So after
    the first number that is enough, those a little above it are tried too, and where one falls short the
    count goes on from there.
    """

    def is_enough(n: int) -> bool:
        return find_exact_power(n, difference, discordance, alpha) >= power

    high = max(1, ceil(solve_by_connor(difference, discordance, alpha, power)))
    low = 0
    while high <= MOST_ITEMS and not is_enough(high):
        low, high = high, 2 * high
    if high > 2 * MOST_ITEMS:
        return None
    found = _halve(low, high, is_enough)
    if found * discordance * (1 - discordance) < _SMOOTH_VARIANCE:
        # A tooth is as high as the power rises within 4 / difference items.
        stride = max(1, int(0.25 / discordance))
        tried = range(found, found + ceil(4 / difference) + stride, stride)
        short = max((n for n in tried if not is_enough(n)), default=None)
        found = found if short is None else _halve(short, short + stride, is_enough)
    return found if found <= MOST_ITEMS else None


def _halve(low: int, high: int, is_enough: Callable[[int], bool]) -> int:
    """Return the number right above one that is not enough, between ``low``, which is not, and ``high``."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def find_shown_difference(
    n: int,
    alpha: float,
    power: float,
    find_discordance: Callable[[float], float],
    most: float,
) -> float | None:
    """Return the smallest difference that ``n`` items show with that power; None where no one up to ``most``.

    ``find_discordance`` tells the discordance that goes with a difference. The answer is rounded up to a
    hundredth of a percentage point.
    """

    def is_enough(grains: int) -> bool:
        difference = min(grains / _GRAIN, most)
        return find_exact_power(n, difference, find_discordance(difference), alpha) >= power

    top = ceil(most * _GRAIN - 1e-9)
    if not is_enough(top):
        return None
    return min(_halve(0, top, is_enough) / _GRAIN, most)
