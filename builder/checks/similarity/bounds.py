"""How far apart two near-duplicates can be: lengths and a cut-off enter, greatest distances leave."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WEAK_BELOW", "Bound"]

WEAK_BELOW = 88.0
"""Below this cut-off signatures rule out too few pairs to be worth reading, and lengths alone do it."""

# A ratio is a rounded quotient; a pair at the very cut-off must not be lost to a last binary digit.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Bound:
    """What ``ratio >= cutoff`` means for two texts of lengths a and b.

    The indel distance is at most ``(1 - cutoff / 100) * (a + b)``, and it is at least ``|a - b|``;
    so at 90 the longer text is at most 11/9 as long as the shorter.
    """

    cutoff: float

    @property
    def loose(self) -> float:
        """The cut-off to hand to `rapidfuzz`, whose own is now and then above the ratio that it returns.

        Seven different characters in a hundred give 93.0, and not with 93 as its cut-off.
        """
        return max(0.0, self.cutoff - 100 * _SLACK)

    def limit_distances(
        self, a: int | NDArray[np.int32], b: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Return the greatest distance of texts of lengths ``a`` from texts of lengths ``b``."""
        total = np.asarray(a, dtype=np.int64) + b
        limits: NDArray[np.int64] = np.floor((1 - self.cutoff / 100) * total + _SLACK).astype(int)
        return limits

    def find_window(
        self, shortest: int, longest: int, lengths: NDArray[np.int32]
    ) -> tuple[int, int]:
        """Return where in sorted ``lengths`` those begin and end that texts of such lengths can match."""
        share = (100 - self.cutoff) / 100
        least = shortest * (1 - share) / (1 + share) - _SLACK
        # At a cut-off of 0 nothing is too long.
        most = longest * (1 + share) / (1 - share) + _SLACK if share < 1 else np.inf
        start = int(np.searchsorted(lengths, least, side="left"))
        return start, int(np.searchsorted(lengths, most, side="right"))
