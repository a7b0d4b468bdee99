"""A share of n answers with its interval, and the difference of two shares with its own."""

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any

__all__ = ["Drift", "Share", "find_wilson_interval"]


def find_wilson_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for ``count`` of ``n``; raise ValueError for an empty sample.

    With z the normal quantile of (1 + level) / 2 and p = count / n, it is
    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n). Source: E. B. Wilson (1927), J. Am. Stat. Assoc.
    22, 209-212. The evaluator has the same formula in its own folder, which imports nothing of ours.

    >>> low, high = find_wilson_interval(9, 18)
    >>> round(low, 3), round(high, 3)
    (0.29, 0.71)
    """
    if not 0 <= count <= n or n == 0:
        raise ValueError(f"{count} of {n} is not a share")
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, shrink = count / n, 1 + z * z / n
    middle = (p + z * z / (2 * n)) / shrink
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    return (0.0 if count == 0 else middle - half, 1.0 if count == n else middle + half)


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``n``; without a value where ``n`` is 0, for that is not a score."""

    count: int
    n: int

    @property
    def value(self) -> float | None:
        """The share; None where nothing was counted."""
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% Wilson interval; None where nothing was counted."""
        return find_wilson_interval(self.count, self.n) if self.n else None

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        interval = list(self.interval) if self.interval else None
        return {"value": self.value, "count": self.count, "n": self.n, "interval_95": interval}


@dataclass(frozen=True, slots=True)
class Drift:
    """A share in the first half of a reviewer's answers, and in the second."""

    first: Share
    second: Share

    @property
    def difference(self) -> float | None:
        """The second share less the first; None where either half is empty."""
        if self.first.value is None or self.second.value is None:
            return None
        return self.second.value - self.first.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the difference; None where either half is empty.

        With p₁, p₂ the shares and (l, u) their Wilson intervals, d = p₂ − p₁ and the ends are
        d − √((p₂−l₂)² + (u₁−p₁)²) and d + √((u₂−p₂)² + (p₁−l₁)²). Source: R. G. Newcombe (1998),
        Statistics in Medicine 17, 873-890, method 10; there 56/70 − 48/80 = 0.2 (0.0524 to 0.3339).
        """
        p1, p2, first, second = (
            self.first.value,
            self.second.value,
            self.first.interval,
            self.second.interval,
        )
        if p1 is None or p2 is None or first is None or second is None:
            return None
        low = p2 - p1 - hypot(p2 - second[0], first[1] - p1)
        return low, p2 - p1 + hypot(second[1] - p2, p1 - first[0])

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "first": self.first.as_dict(),
            "second": self.second.as_dict(),
            "difference": self.difference,
            "interval_95": list(self.interval) if self.interval else None,
        }
