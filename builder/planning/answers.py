"""A plan: a request enters; items needed, or what so many items show, leave, overall and by dimension."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import ceil
from typing import Any

from builder.planning.exact_power import (
    find_exact_items,
    find_exact_power,
    find_shown_difference,
)
from builder.planning.mcnemar import solve_by_connor, solve_by_miettinen
from builder.planning.request import MOST_ITEMS, Request, check_request
from builder.planning.widths import find_half_width, solve_width
from schemas.errors import UsageError

__all__ = ["Goal", "Need", "Plan", "Scope", "Shown", "make_plan"]


_TOO_MANY = (
    f"--{{goal}} {{value:g}}: that takes more than {MOST_ITEMS:,} items. Ask for a greater one."
)


class Scope(StrEnum):
    """Which score a figure is about: the one over all items, or that of each dimension alone."""

    OVERALL = "overall"
    DIMENSION = "each dimension"


class Goal(StrEnum):
    """What items are needed for: an interval no wider than wanted, or a difference between two models."""

    WIDTH = "width"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Need:
    """Items needed: ``independent`` ones, ``items`` after clustering by family, and so many ``in_all``.

    ``value`` is the width or difference wanted. ``in_dimension`` is the number for
    each dimension, None where no dimensions were named. ``closed_forms`` are the numbers by formula.
    """

    goal: Goal
    value: float
    scope: Scope
    independent: int
    items: int
    in_all: int
    in_dimension: int | None
    closed_forms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``items`` show: an interval's half-width, and the smallest difference, None where there is none.

    ``power`` is that for the difference asked about, None where none was.
    """

    scope: Scope
    items: int
    independent: float
    half_width: float
    difference: float | None
    power: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The answers to a request: ``needs`` where items were asked for, ``shown`` where they were given."""

    request: Request
    needs: tuple[Need, ...]
    shown: tuple[Shown, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return request, assumptions and answers as plain JSON values."""
        request = self.request
        asked = request.difference
        assumed = request.discordance if asked is None else request.find_discordance(asked)
        return {
            "asked": asdict(request),
            "assumed": {
                "alpha": request.alpha,
                "comparisons": request.comparisons,
                "design_effect": request.design_effect,
                "discordance": assumed,
                "pairs": request.pairs,
            },
            "needs": [asdict(need) for need in self.needs],
            "shown": [asdict(shown) for shown in self.shown],
        }


def make_plan(request: Request) -> Plan:
    """Return the plan for a request; raise `UsageError` with all that is wrong with it.

    A plan for dimensions has two parts. Overall, so many items are needed over all dimensions together;
    to show the same in each dimension alone, each needs as many.
    """
    check_request(request)
    if request.items is not None:
        return Plan(request, (), tuple(_show(request, request.items)))
    needs: list[Need] = []
    if request.width is not None:
        exact = solve_width(request.width, request.share, request.level)
        forms = {"wilson": exact}
        needs += _spread(request, Goal.WIDTH, request.width, max(1, _round_up(exact)), forms)
    if request.difference is not None:
        needs += _plan_difference(request, request.difference)
    return Plan(request, tuple(needs), ())


def _plan_difference(request: Request, difference: float) -> Iterator[Need]:
    """Return the items needed for a difference."""
    discordance = request.find_discordance(difference)
    asked = (difference, discordance, request.alpha, request.power)
    independent = find_exact_items(*asked)
    if independent is None:
        raise UsageError(_TOO_MANY.format(goal=Goal.DIFFERENCE, value=difference))
    forms = {"connor": solve_by_connor(*asked), "miettinen": solve_by_miettinen(*asked)}
    yield from _spread(request, Goal.DIFFERENCE, difference, independent, forms)


def _spread(
    request: Request, goal: Goal, value: float, independent: int, forms: dict[str, float]
) -> Iterator[Need]:
    """Return what is needed overall and, where there are dimensions, for each."""
    items, count = _round_up(independent * request.design_effect), request.dimensions
    if items > MOST_ITEMS:
        raise UsageError(_TOO_MANY.format(goal=goal, value=value))
    share = ceil(items / count) if count else None
    in_all = share * count if share else items
    yield Need(goal, value, Scope.OVERALL, independent, items, in_all, share, forms)
    if count:
        yield Need(
            goal, value, Scope.DIMENSION, independent, items, items * count, items, dict(forms)
        )


def _show(request: Request, items: int) -> Iterator[Shown]:
    """Return what so many items show overall and, where there are dimensions, an even part of them."""
    yield _show_one(request, Scope.OVERALL, items)
    if request.dimensions:
        yield _show_one(request, Scope.DIMENSION, items // request.dimensions)


def _show_one(request: Request, scope: Scope, items: int) -> Shown:
    independent = items / request.design_effect
    whole = int(independent + 1e-9)
    difference = find_shown_difference(
        whole,
        request.alpha,
        request.power,
        request.find_discordance,
        request.greatest_difference,
    )
    power = None
    if request.difference is not None:
        discordance = request.find_discordance(request.difference)
        power = find_exact_power(whole, request.difference, discordance, request.alpha)
    half_width = find_half_width(independent, request.share, request.level)
    return Shown(scope, items, independent, half_width, difference, power)


def _round_up(number: float) -> int:
    """Return the number rounded up; what is a hair above a whole one came from rounding."""
    return ceil(number - 1e-9)
