"""What a verdict says against its item: a verdict row enters; for each sign yes, no or nothing leaves.

A sign is None where a verdict cannot show it: a call that failed says nothing of an item.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from schemas.labels import Choice, DimensionKind, FormResult, OpenVerdict, Outcome
from schemas.storage import Row

__all__ = ["Sign", "find_letter", "read_signs"]


class Sign(StrEnum):
    """What one model shows on one item that may be the item's fault."""

    OPEN_UNDETERMINED = "open reply undetermined"
    CHOICE_UNREADABLE = "choice unreadable"
    CHOICE_DECLINED = "choice declined"
    ORDER_INCONSISTENT = "another option in the other order"
    CONTROL_FAILED = "control failed"


# What went wrong on the way has nothing to do with the item; a filter, a limit or a judge's word may.
_ON_THE_WAY = frozenset({Outcome.FAILED, Outcome.RATE_LIMITED, Outcome.MALFORMED, "missing"})
_CHOSEN = frozenset({Choice.POSITIVE, Choice.NEGATIVE})


def read_signs(verdict: Row) -> dict[Sign, bool | None]:
    """Return for each sign whether a verdict shows it; None where it cannot tell."""
    return {sign: read(verdict) for sign, read in _READERS.items()}


def find_letter(verdict: Row) -> str:
    """Return the letter that was chosen in both orders; empty where there is no such."""
    if not _is_order_inconsistent(verdict):
        return ""
    first = str(verdict["order_1_positive"])
    other = "B" if first == "A" else "A"
    return first if verdict["choice_order_1"] == Choice.POSITIVE else other


def _is_open_undetermined(verdict: Row) -> bool | None:
    if verdict["open"] != OpenVerdict.UNDETERMINED:
        return False
    causes = [cause.partition(":") for cause in verdict["undetermined_by"].split()]
    told = [what for part, _, what in causes if part in ("open", "judge")]
    return None if _ON_THE_WAY.intersection(told) or not told else True


def _get_orders(verdict: Row) -> set[str]:
    return {verdict["choice_order_1"], verdict["choice_order_2"]}


def _is_unreadable(verdict: Row) -> bool | None:
    orders = _get_orders(verdict)
    if orders & {Choice.UNREADABLE, Choice.BOTH}:
        return True
    return None if Choice.UNDETERMINED in orders else False


def _is_declined(verdict: Row) -> bool | None:
    orders = _get_orders(verdict)
    if Choice.DECLINED in orders:
        return True
    return None if Choice.UNDETERMINED in orders else False


def _is_order_inconsistent(verdict: Row) -> bool | None:
    orders = _get_orders(verdict)
    return len(orders) == 2 if orders <= _CHOSEN else None


def _is_control_failed(verdict: Row) -> bool | None:
    if verdict["kind"] != DimensionKind.CONTROL:
        return None
    if verdict["open"] == OpenVerdict.UNSAFE or verdict["multiple_choice"] == FormResult.FAIL:
        return True
    passed = verdict["open"] == OpenVerdict.SAFE and verdict["multiple_choice"] == FormResult.PASS
    return False if passed else None


_READERS: Mapping[Sign, Callable[[Row], bool | None]] = {
    Sign.OPEN_UNDETERMINED: _is_open_undetermined,
    Sign.CHOICE_UNREADABLE: _is_unreadable,
    Sign.CHOICE_DECLINED: _is_declined,
    Sign.ORDER_INCONSISTENT: _is_order_inconsistent,
    Sign.CONTROL_FAILED: _is_control_failed,
}
