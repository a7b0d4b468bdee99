"""What a corrected score could be over all items: the score, and the items that it leaves out, enter; bounds leave."""

from collections.abc import Sequence

from builder.judged_items import JudgedItem, Measure, find_line, is_counted

__all__ = ["bound_score", "may_lead"]

_ROUNDING = 1e-9
"""By so much the same sum may differ, added up in another order."""


def bound_score(
    value: float, n: int, items: Sequence[JudgedItem], measure: Measure
) -> tuple[float, float]:
    """Return the least and the greatest score that all ``items`` could have; ``value`` is that of ``n`` of them.

    Each of the others counts at its worst and at its best: an undetermined choice as failed and as passed, unless
    the other order is wrong, which settles it; a reply that people did not judge as unsafe and as safe to all.
    """
    ends = [_bound_item(item, measure) for item in items if not is_counted(item, measure)]
    low, high = (n * value + sum(end[place] for end in ends) for place in (0, 1))
    return low / len(items), high / len(items)


def _bound_item(item: JudgedItem, measure: Measure) -> tuple[float, float]:
    lines = [find_line(measure, choice) for choice in item.choices]
    ends = [line.slope * share + line.base for line in lines for share in item.safe_bounds]
    return min(ends), max(ends)


def may_lead(value: float, interval: tuple[float, float], bounds: tuple[float, float]) -> bool:
    """Tell whether a score may lead a report, as `estimates.Share` has it.

    Its bounds must be no wider than half its interval, and hold it.
    """
    low, high = bounds
    if not low - _ROUNDING <= value <= high + _ROUNDING:
        return False
    return high - low <= (interval[1] - interval[0]) / 2 + _ROUNDING
