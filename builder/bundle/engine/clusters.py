"""How many independent items a sample is worth: sums of whole families enter, an effective size leaves.

A figure is R = Σ y / Σ x over the items, x telling what counts and y what is counted. Families are the
sample. A kind of family is known by its (Σ y, Σ x) and how many there are of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum
from statistics import NormalDist

from .intervals import find_t_quantile

__all__ = ["FamilySums", "find_effective_size", "sum_families"]

_Z = NormalDist().inv_cdf(0.975)
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class FamilySums:
    """Sums over all families of which anything counts.

    ``residual`` is Σ (Y - R X)² over families, with Y and X the sums of each; ``tilt`` is Σ (Y - R X) X and
    ``squares`` Σ X². ``is_plain`` says that X is 1 and Y -1, 0 or 1 in every family, so that items are
    independent and need no correction.
    """

    y: float
    x: float
    families: int
    residual: float
    tilt: float
    squares: float
    is_plain: bool


def sum_families(kinds: Mapping[tuple[float, float], int]) -> FamilySums:
    """Return the sums over families, given how many there are of each (Y, X)."""
    counted = [(y, x, count) for (y, x), count in kinds.items() if x]
    y = fsum(count * y for y, _, count in counted)
    x = fsum(count * x for _, x, count in counted)
    share = y / x if x else 0.0
    return FamilySums(
        y=y,
        x=x,
        families=sum(count for *_, count in counted),
        residual=fsum(count * (y - share * x) ** 2 for y, x, count in counted),
        tilt=fsum(count * (y - share * x) * x for y, x, count in counted),
        squares=fsum(count * x * x for _, x, count in counted),
        is_plain=all(x == 1 and y in (-1, 0, 1) for y, x, _ in counted),
    )


def find_effective_size(
    sums: FamilySums, square: float, most: float, *, ends: tuple[int, int] = (0, 1)
) -> float:
    """Return how many independent items have the variance that R has between families; at most ``most``.

    Source: the variance is linearized, f/(f-1) Σ (Y - R X)² / (Σ X)² over f families. As it is uncertain where
    families are few, the size is less by (z / t)², t with one degree of freedom less than there are families
    (E. L. Korn and B. I. Graubard 1998, Survey Methodology 24); of unlike sizes they count by Kish's number,
    (Σ X)² / Σ X², for where one holds most items the variance is known as if there were few. An item is worth
    one of the two ``ends`` or, in a difference, nothing; ``square`` is the mean of its square.

    For the variance alone one family is made up, of the size that an item finds itself in on average,
    Σ X² / Σ X: half of it with all items at one end and half with all at the other, as Jeffreys' prior has half
    a success and half a failure. Where failures are rare it is chance whether any family that failed as a whole
    was met, and without it the few single failures that were met would show no likeness.
    """
    if sums.families < 2:
        return min(1.0, most)
    size, total = sums.squares / sums.x, sums.x + sums.squares / sums.x
    mean = (sums.y + size * sum(ends) / 2) / total
    moved = sums.y / sums.x - mean
    residual = sums.residual + 2 * moved * sums.tilt + moved * moved * sums.squares
    residual += size * size * fsum((end - mean) ** 2 for end in ends) / 2
    variance = residual * (sums.families + 1) / sums.families / (total * total)
    spread = (square * sums.x + size * fsum(end * end for end in ends) / 2) / total - mean * mean
    freedom = max(int(sums.x / size + _ROUNDING) - 1, 1)
    few = (_Z / find_t_quantile(0.95, freedom)) ** 2
    return min(spread / variance * few, most)
