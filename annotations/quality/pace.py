"""How fast a reviewer works: rows with lead times enter; median, items an hour and fast answers leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from annotations.quality.shares import Share
from schemas.storage import Row

__all__ = ["FAST_S", "Pace", "measure_pace"]

FAST_S = 5.0
"""An answer within so many seconds is called fast: a question and two options take longer to read."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of a reviewer's answers; ``timed`` counts those that tell one, and skips are left out.

    ``median_s`` and ``items_an_hour`` are None where no answer is timed. ``fast`` is the share of timed
    answers given within ``fast_s`` seconds.
    """

    timed: int
    median_s: float | None
    items_an_hour: float | None
    fast: Share
    fast_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "timed": self.timed,
            "median_s": self.median_s,
            "items_an_hour": self.items_an_hour,
            "fast": self.fast.as_dict(),
            "fast_s": self.fast_s,
        }


def measure_pace(answered: Sequence[Row], *, fast_s: float = FAST_S) -> Pace:
    """Return the pace of ``answered`` rows, by ``lead_time_s``; 0 means that no time was told.

    Items an hour are 3600 n / Σ t over the n timed answers: an item left open over lunch counts in
    full there, and hardly moves the median. Answers of 10, 20 and 60 s make a median of 20 s and
    3600 · 3 / 90 = 120 items an hour.
    """
    times = [float(row["lead_time_s"]) for row in answered if row["lead_time_s"] > 0]
    fast = Share(sum(time < fast_s for time in times), len(times))
    if not times:
        return Pace(0, None, None, fast, fast_s)
    return Pace(len(times), median(times), 3600 * len(times) / sum(times), fast, fast_s)
