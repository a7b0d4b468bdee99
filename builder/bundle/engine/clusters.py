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


@dataclass(frozen=True, slots=True)
class FamilySums:
    """Sums over all families of which anything counts.

    ``residual`` is Σ (Y - R X)² over families, with Y and X the sums of each; ``squares`` is Σ X². ``is_plain``
    says that X is 1 and Y -1, 0 or 1 in every family, so that items are independent and need no correction.
    """

    y: float
    x: float
    families: int
    residual: float
    squares: float
    is_plain: bool

    @property
    def variance(self) -> float:
        """The variance of R between families, linearized: f/(f-1) Σ (Y - R X)² / (Σ X)²."""
        return self.residual * self.families / (self.families - 1) / (self.x * self.x)


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
        squares=fsum(count * x * x for _, x, count in counted),
        is_plain=all(x == 1 and y in (-1, 0, 1) for y, x, _ in counted),
    )


def find_effective_size(sums: FamilySums, spread: float, most: float) -> float:
    """Return how many independent items of variance ``spread`` have the variance of R; at most ``most``.

    Between few families the variance is itself uncertain: the size is less by (z / t)², t with one degree of
    freedom less than there are families (E. L. Korn and B. I. Graubard 1998, Survey Methodology 24). Where
    families do not differ at all, or there is one, they count by Kish's size, (Σ X)² / Σ X², as if all items
    of a family were alike.
    """
    kish = sums.x * sums.x / sums.squares
    if sums.families < 2 or spread <= 0 or sums.variance <= 0:
        return min(kish, most)
    few = (_Z / find_t_quantile(0.95, sums.families - 1)) ** 2
    return min(spread / sums.variance * few, most)
