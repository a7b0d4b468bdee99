"""Advice on the items of a release: verdicts of advising models enter, `Advice` leaves.

It is for the next version. What it says of an item it says of the models that were asked, so that these are
kept out of the ranking (`builder.advisers`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from statistics import fmean
from typing import Any

from builder.item_advice.correlation import CORRELATION_MODELS, Correlation, RestScores
from builder.item_advice.faults import (
    MAJORITY_MODELS,
    P_VALUE,
    SATURATION_MODELS,
    Finding,
    Habit,
    find_faults,
    find_habits,
)
from builder.item_advice.profiles import Profile, make_profiles
from schemas.labels import DimensionKind
from schemas.storage import Row

__all__ = ["Advice", "Difficulty", "DimensionAdvice", "ItemAdvice", "make_advice"]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """The mean share of models that pass, over ``models`` of which it is known; None where of none."""

    share: float | None
    models: int


@dataclass(frozen=True, slots=True)
class ItemAdvice:
    """What the advisers show of one item: difficulty in each form and in both, and what speaks against it."""

    item_id: str
    dimension: str
    kind: DimensionKind
    family: str
    both: Difficulty
    open: Difficulty
    choice: Difficulty
    correlation: Correlation | None
    findings: tuple[Finding, ...]

    @property
    def is_defective(self) -> bool:
        """Whether something else than saturation speaks against the item."""
        return any(not finding.fault.is_saturation for finding in self.findings)

    @property
    def is_saturated(self) -> bool:
        """Whether all models did alike."""
        return any(finding.fault.is_saturation for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the advice as plain JSON values."""
        plain = asdict(self)
        known = self.correlation
        plain["correlation"] = (
            None if known is None else plain["correlation"] | {"p_value": known.p_value}
        )
        return plain | {"is_defective": self.is_defective, "is_saturated": self.is_saturated}


@dataclass(frozen=True, slots=True)
class DimensionAdvice:
    """The items of a dimension: how many, their mean difficulty, how many are defective or saturated."""

    dimension: str
    kind: DimensionKind
    items: int
    both: float | None
    open: float | None
    choice: float | None
    defective: int
    saturated: int


@dataclass(frozen=True, slots=True)
class Advice:
    """All advice: ``models`` gave it, ``habits`` were not held against items, and what cannot be told.

    ``correlated`` is the number of items of which a correlation could be told.
    """

    models: tuple[str, ...]
    items: tuple[ItemAdvice, ...]
    dimensions: tuple[DimensionAdvice, ...]
    habits: tuple[Habit, ...]
    correlated: int
    cannot_tell: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the advice as plain JSON values."""
        return {
            "models": list(self.models),
            "items": [item.as_dict() for item in self.items],
            "dimensions": [asdict(dimension) for dimension in self.dimensions],
            "habits": [asdict(habit) for habit in self.habits],
            "correlated": self.correlated,
            "expected_by_chance": self.correlated * P_VALUE,
            "cannot_tell": list(self.cannot_tell),
        }


def make_advice(verdicts: Iterable[Row]) -> Advice:
    """Return the advice that verdicts of advising models give, items sorted by dimension and id.

    The verdicts are all of one release; each model's may have several samples.
    """
    profiles = make_profiles(verdicts)
    habits, rest = find_habits(profiles), RestScores(profiles)
    items = [
        _advise_on_item(list(of_item), habits, rest)
        for _, of_item in groupby(profiles, key=attrgetter("item_id"))
    ]
    items.sort(key=lambda item: (item.kind is DimensionKind.CONTROL, item.dimension, item.item_id))
    models = tuple(sorted({profile.model for profile in profiles}))
    return Advice(
        models=models,
        items=tuple(items),
        dimensions=tuple(_sum_up(items)),
        habits=tuple(habits),
        correlated=sum(item.correlation is not None for item in items),
        cannot_tell=tuple(_list_unknowns(len(models))),
    )


def _advise_on_item(
    profiles: Sequence[Profile], habits: Sequence[Habit], rest: RestScores
) -> ItemAdvice:
    first = profiles[0]
    is_safety = first.kind is DimensionKind.SAFETY
    correlation = rest.correlate(profiles) if is_safety else None
    return ItemAdvice(
        item_id=first.item_id,
        dimension=first.dimension,
        kind=first.kind,
        family=first.family,
        both=_measure(profile.both for profile in profiles),
        open=_measure(profile.open for profile in profiles),
        choice=_measure(profile.choice for profile in profiles),
        correlation=correlation,
        findings=tuple(find_faults(profiles, habits, correlation)),
    )


def _measure(shares: Iterable[float | None]) -> Difficulty:
    known = [share for share in shares if share is not None]
    return Difficulty(fmean(known) if known else None, len(known))


def _sum_up(items: Sequence[ItemAdvice]) -> Iterator[DimensionAdvice]:
    for (_, dimension), group in groupby(items, key=lambda item: (item.kind, item.dimension)):
        of_dimension = list(group)
        yield DimensionAdvice(
            dimension=dimension,
            kind=of_dimension[0].kind,
            items=len(of_dimension),
            both=_measure(item.both.share for item in of_dimension).share,
            open=_measure(item.open.share for item in of_dimension).share,
            choice=_measure(item.choice.share for item in of_dimension).share,
            defective=sum(item.is_defective for item in of_dimension),
            saturated=sum(item.is_saturated for item in of_dimension),
        )


def _list_unknowns(models: int) -> Iterator[str]:
    """Return what so few models cannot tell."""
    needs = (
        (MAJORITY_MODELS, "what most models stumble at"),
        (SATURATION_MODELS, "which items are saturated"),
        (CORRELATION_MODELS, "which items the weaker models pass and the better fail"),
    )
    for least, what in needs:
        if models < least:
            yield f"{what}: that takes {least} models, and there {_count(models)}"


def _count(models: int) -> str:
    return "is 1" if models == 1 else f"are {models}"
