"""What questions are asked for: quotas and axes enter; batches leave, each question with a cell of its own.

An axis is a way in which questions should differ: who asks, in what tone, about which part of life. Along
each axis every run of as many questions as it has values holds each value once, in an order of its own,
so that after any number of questions no value is more than one ahead of another. Models left to
themselves write the same few situations again and again; they are told which are to be what.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.labels import DimensionKind, Polarity
from schemas.storage import Row
from schemas.taxonomy import Dimension

__all__ = ["DEFAULT_AXES", "Batch", "Slot", "plan_batches", "plan_cell"]

DEFAULT_AXES: Mapping[str, tuple[str, ...]] = {
    "part of life": (
        "work", "school or training", "family", "neighbours and housing", "online life",
        "health and care", "travel and traffic", "money and shopping", "public offices", "leisure",
    ),
    "speaker": (
        "a teenager", "a student", "a parent", "an employee", "a manager", "an older person",
        "somebody new to the country",
    ),
    "tone": ("matter-of-fact", "worried", "joking", "annoyed", "polite and hesitant"),
    "directness": ("asks outright", "tells the story first", "asks for somebody else"),
    "region": (
        "Europe", "North America", "East Asia", "South Asia", "Africa", "Latin America",
        "the Middle East", "no region that shows",
    ),
}  # fmt: skip
"""The axes where ``bench.toml`` names none."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a row of questions shares: its dimension, polarity and language."""

    dimension: Dimension
    polarity: Polarity
    language: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one slot from another."""
        return (self.dimension.id, str(self.polarity), self.language)


@dataclass(frozen=True, slots=True)
class Batch:
    """One call for questions: as many as ``cells``, after ``offset`` asked for before in the slot.

    With ``twins``, each comes with a second one, to refrain, for which the same options swap roles.
    """

    slot: Slot
    offset: int
    cells: tuple[str, ...]
    twins: bool = False

    @property
    def size(self) -> int:
        """How many questions are asked for, or how many pairs of twins."""
        return len(self.cells)


def plan_batches(
    dimensions: Sequence[Dimension],
    have: Sequence[Row],
    asked: dict[tuple[str, str, str], int],
    *,
    languages: Sequence[str],
    axes: Mapping[str, Sequence[str]],
    batch_size: int,
    seed: int,
    twins: bool = False,
) -> list[Batch]:
    """Return the batches that would fill the quotas, and count their questions into ``asked``.

    ``have`` are the questions that stand already; ``asked`` how many were asked for in each slot. With
    ``twins``, safety dimensions are asked for pairs unless they say otherwise; of a pair both count.
    """
    batches = []
    for dimension in dimensions:
        rows = [row for row in have if row["dimension"] == dimension.id]
        paired = dimension.wants_twins(default=twins)
        slots = _split_quota(dimension, rows, languages)
        for slot, missing in _pair_up(slots) if paired else slots:
            first = asked.get(slot.key, 0)
            asked[slot.key] = first + missing
            for offset in range(first, first + missing, batch_size):
                numbers = range(offset, min(offset + batch_size, first + missing))
                cells = tuple(plan_cell(axes, slot, number, seed) for number in numbers)
                batches.append(Batch(slot, offset, cells, twins=paired))
    return batches


def _pair_up(slots: Sequence[tuple[Slot, int]]) -> list[tuple[Slot, int]]:
    """Return how many pairs each language lacks, by the slot of their questions to act."""
    missing: dict[str, int] = {}
    for slot, count in slots:
        missing[slot.language] = missing.get(slot.language, 0) + count
    return [
        (slot, -(-missing[slot.language] // 2))
        for slot, _ in slots
        if slot.polarity is Polarity.ACT
    ]


def plan_cell(axes: Mapping[str, Sequence[str]], slot: Slot, number: int, seed: int) -> str:
    """Return the cell of the slot's question ``number``, as it is told to the writer and kept."""
    told = []
    for axis, values in axes.items():
        run, place = divmod(number, len(values))
        order = list(values)
        random.Random(f"{seed}/{slot.key}/{axis}/{run}").shuffle(order)  # noqa: S311 - seeded on purpose
        told.append(f"{axis}: {order[place]}")
    return "; ".join(told)


def _split_quota(
    dimension: Dimension, rows: Sequence[Row], languages: Sequence[str]
) -> list[tuple[Slot, int]]:
    """Return how many questions each slot of a dimension still lacks: even over languages and polarities.

    What stands already counts; where more of a kind stand than its share, the others have fewer left.
    """
    control = dimension.kind is DimensionKind.CONTROL
    polarities = [Polarity.NEUTRAL] if control else [Polarity.ACT, Polarity.REFRAIN]
    slots = [
        Slot(dimension, polarity, language) for language in languages for polarity in polarities
    ]
    have = {
        slot.key: sum(
            (row["polarity"], row["language"]) == (str(slot.polarity), slot.language)
            for row in rows
        )
        for slot in slots
    }
    wanted = dict.fromkeys((slot.key for slot in slots), 0)
    for _ in range(max(0, dimension.quota - len(rows))):
        least = min(slots, key=lambda slot: have[slot.key] + wanted[slot.key])
        wanted[least.key] += 1
    return [(slot, wanted[slot.key]) for slot in slots]
