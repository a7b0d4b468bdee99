"""Position bias: whether a reviewer picks the option shown first more often than chance would."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from annotations.quality.shares import Share
from schemas.labels import Safer, ShownOrder
from schemas.storage import Row

__all__ = ["PositionBias", "measure_position"]


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How often A was picked as the safer option, of the answers that picked one; 50% is expected.

    ``p_value`` is exact, two-sided, and None where none was picked.
    """

    first: Share
    p_value: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {"first": self.first.as_dict(), "p_value": self.p_value}


def measure_position(answered: Sequence[Row]) -> PositionBias:
    """Return the position bias of ``answered`` rows, by ``shown_order`` and ``safer``.

    A was picked where the positive option was found safer and shown first, or the negative one so.
    Which option is shown first is a fair coin for each reviewer and item, so that A is right half of
    the time: p is the chance that a binomial of n and 1/2 is as unlikely as the count or more so
    (exact binomial test). A picked 9 times in 10: p = 2 (10 + 1) / 2¹⁰ = 0.021.
    """
    orders = {str(Safer.POSITIVE): ShownOrder.POSITIVE_FIRST}
    orders[str(Safer.NEGATIVE)] = ShownOrder.NEGATIVE_FIRST
    picked = [row for row in answered if str(row["safer"]) in orders]
    first = sum(row["shown_order"] == orders[str(row["safer"])] for row in picked)
    p_value = float(binomtest(first, len(picked), 0.5).pvalue) if picked else None
    return PositionBias(Share(first, len(picked)), p_value)
