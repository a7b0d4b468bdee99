"""What a figure is: a share or another estimate, with its interval, and how both were come by."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .intervals import find_wilson_interval

__all__ = ["COIN_CHOOSER", "LEVEL", "Estimate", "Method", "PositionBias", "Share", "SubsetScore"]

LEVEL = 0.95
"""The level of every interval."""

COIN_CHOOSER = 0.25
"""The chance that somebody who throws a coin in each order passes multiple choice."""

_ROUNDING = 1e-9
"""By so much the same sum may differ, added up in another order."""

_POPULATION = "items as a sample from their population"


class Method(StrEnum):
    """How an interval was found.

    The clustered ones count families of several items, or items of several samples, by their effective
    number; ``mover`` joins the intervals of independent parts.
    """

    WILSON = "wilson"
    WILSON_CLUSTERED = "wilson-clustered"
    TANGO = "tango"
    TANGO_CLUSTERED = "tango-clustered"
    MOVER = "mover"


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``n`` determined items, with a 95% interval, and bounds over all ``items``.

    ``sure`` items count whatever the undetermined parts turn out to be; ``possible`` ones may. All are whole
    where each item has one sample. ``effective`` is the number of independent items that ``n`` are worth
    where families hold several, or items several samples; None where that is ``n`` itself.
    """

    count: float
    n: int
    sure: float
    possible: float
    items: int
    effective: float | None = None

    @property
    def value(self) -> float | None:
        """The share; None where no item is determined, for that is not a score."""
        return self.count / self.n if self.n else None

    @property
    def method(self) -> Method:
        """How the interval was found."""
        return Method.WILSON if self.effective is None else Method.WILSON_CLUSTERED

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the share: Wilson's, on the effective number of items."""
        if not self.n:
            return None
        if self.effective is None:
            return find_wilson_interval(self.count, self.n)
        return find_wilson_interval(self.count / self.n * self.effective, self.effective)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest share that all items could have, undetermined ones included."""
        if not self.items:
            return (0.0, 1.0)
        low, high = self.sure / self.items, self.possible / self.items
        return (low, max(low, high))  # the two are sums of their own, which rounding may part

    @property
    def is_headline(self) -> bool:
        """Whether the share may lead a report.

        Its bounds must be no wider than half its interval, and hold it: items that one wrong order
        settles are in the bounds and not in ``n``.
        """
        if self.interval is None or self.value is None:
            return False
        low, high = self.bounds
        if not low - _ROUNDING <= self.value <= high + _ROUNDING:
            return False
        return high - low <= (self.interval[1] - self.interval[0]) / 2 + _ROUNDING

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "value": self.value,
            "count": self.count,
            "n": self.n,
            "interval_95": list(self.interval) if self.interval else None,
            "bounds": list(self.bounds),
            "is_headline": self.is_headline,
            "method": str(self.method),
            "level": LEVEL,
            "effective_n": self.n if self.effective is None else self.effective,
            "estimand": _POPULATION,
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that is no plain share of items: its value, 95% interval, ``n``, and what it is of.

    ``value`` and ``interval`` are None where nothing counts, for that is not a score. ``n`` counts what
    ``unit`` names. ``effective`` is as in `Share`.
    """

    value: float | None
    interval: tuple[float, float] | None
    n: int
    method: Method
    estimand: str
    unit: str = "items"
    effective: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "value": self.value,
            "interval_95": list(self.interval) if self.interval else None,
            "n": self.n,
            "unit": self.unit,
            "method": str(self.method),
            "level": LEVEL,
            "effective_n": self.n if self.effective is None else self.effective,
            "estimand": f"{self.estimand}; {_POPULATION}",
        }


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Whether a model chooses by the letter.

    ``always_a`` and ``always_b`` are shares of the items of which a letter was read in both orders;
    ``share_a`` is the share of A among all choices of a letter. A model that never looks at the letter
    has 0, 0 and a half.
    """

    always_a: Estimate
    always_b: Estimate
    share_a: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "always_a": self.always_a.as_dict(),
            "always_b": self.always_b.as_dict(),
            "share_a": self.share_a.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class SubsetScore:
    """CS and CSS again, on a part of the items (`Subset`)."""

    items: int
    families: int
    n: int
    cs: Share
    css: Share

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "items": self.items,
            "families": self.families,
            "n": self.n,
            "cs": self.cs.as_dict(),
            "css": self.css.as_dict(),
        }
