"""What questions are asked for: quotas and axes enter; batches leave, each question with a cell of its own.

An axis is a way in which questions should differ: who asks, in what tone, about which part of life. Along
each axis every run of as many questions as it has values holds each value once, in an order of its own,
so that after any number of questions no value is more than one ahead of another. Models left to
themselves write the same few situations again and again; they are told which are to be what. A cell of
which no question was kept is asked for again before any later one, so that those kept are balanced too.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from schemas.labels import DimensionKind, Polarity
from schemas.storage import Row
from schemas.taxonomy import Dimension

__all__ = [
    "DEFAULT_AXES",
    "Batch",
    "Lack",
    "Past",
    "Slot",
    "SlotKey",
    "choose_cells",
    "list_lacks",
    "plan_batches",
    "plan_cell",
]

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


SlotKey = tuple[str, str, str]
"""Dimension, polarity and language."""

_MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Slot:
    """What a row of questions shares: its dimension, polarity and language."""

    dimension: Dimension
    polarity: Polarity
    language: str

    @property
    def key(self) -> SlotKey:
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

    @property
    def sides(self) -> tuple[Slot, ...]:
        """The slots that its questions belong to: its own, of twins the other polarity's too."""
        if not self.twins:
            return (self.slot,)
        return (self.slot, replace(self.slot, polarity=Polarity.REFRAIN))


@dataclass(frozen=True, slots=True)
class Lack:
    """What a slot holds, and how many questions it still lacks; both are pairs where ``twins`` are."""

    slot: Slot
    have: int
    missing: int
    twins: bool = False

    def size_wave(self, batch_size: int) -> int:
        """Return how many are asked for at once: half of what stands, in whole batches, one at least.

        Batches that are asked side by side know nothing of each other. Few to begin with, and more the
        more there is to be told, keep the same few situations from coming again and again.
        """
        most = max(1, self.have // 2 // batch_size) * batch_size
        return min(self.missing, most)

    def count_waves(self, batch_size: int) -> int:
        """Return after how many waves nothing would be missing, if every question counted."""
        count, lack = 0, self
        while lack.missing:
            size = lack.size_wave(batch_size)
            lack = replace(lack, have=lack.have + size, missing=lack.missing - size)
            count += 1
        return count


@dataclass(frozen=True, slots=True)
class Past:
    """What became of a slot so far: questions asked for, cells asked for, and cells of questions kept."""

    asked: int
    tried: Counter[str]
    kept: Counter[str]

    def list_dry_cells(self) -> list[str]:
        """Return the cells that were asked for three times or more, and no question was kept."""
        return sorted(
            cell
            for cell, tries in self.tried.items()
            if cell and tries >= _MOST_TRIES and not self.kept[cell]
        )


def list_lacks(
    dimensions: Sequence[Dimension], have: Sequence[Row], languages: Sequence[str], *, twins: bool
) -> list[Lack]:
    """Return what each slot holds and lacks; of a dimension asked for in pairs, its slots to act.

    With ``twins``, safety dimensions are asked for pairs unless they say otherwise; of a pair both
    questions count.
    """
    lacks = []
    for dimension in dimensions:
        rows = [row for row in have if row["dimension"] == dimension.id]
        slots = _split_quota(dimension, rows, languages)
        lacks += _pair_up(slots) if dimension.wants_twins(default=twins) else slots
    return lacks


def plan_batches(
    lack: Lack, past: Past, *, axes: Mapping[str, Sequence[str]], batch_size: int, seed: int
) -> list[Batch]:
    """Return the batches that would bring all that a slot lacks, the lowest cells of its plan first."""
    cells = choose_cells(axes, lack.slot, past, lack.missing, seed)
    return [
        Batch(lack.slot, past.asked + n, tuple(cells[n : n + batch_size]), lack.twins)
        for n in range(0, len(cells), batch_size)
    ]


def choose_cells(
    axes: Mapping[str, Sequence[str]], slot: Slot, past: Past, count: int, seed: int
) -> list[str]:
    """Return the first ``count`` cells of a slot's plan of which no question is kept.

    A cell that was asked for three times in vain is passed over once for each three times.
    """
    kept = Counter(past.kept)
    passed = {c: max(0, n - past.kept[c]) // _MOST_TRIES for c, n in past.tried.items()}
    chosen: list[str] = []
    number = 0
    while len(chosen) < count:
        cell = plan_cell(axes, slot, number, seed)
        number += 1
        if kept[cell]:
            kept[cell] -= 1
        elif passed.get(cell):
            passed[cell] -= 1
        else:
            chosen.append(cell)
    return chosen


def plan_cell(axes: Mapping[str, Sequence[str]], slot: Slot, number: int, seed: int) -> str:
    """Return the cell of the slot's question ``number``, as it is told to the writer and kept."""
    told = []
    for axis, values in axes.items():
        run, place = divmod(number, len(values))
        order = _shuffle(f"{seed}/{slot.key}/{axis}/{run}", tuple(values))
        told.append(f"{axis}: {order[place]}")
    return "; ".join(told)


@lru_cache(maxsize=4096)
def _shuffle(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    order = list(values)
    random.Random(name).shuffle(order)  # noqa: S311 - seeded on purpose
    return tuple(order)


def _pair_up(lacks: Sequence[Lack]) -> list[Lack]:
    """Return how many pairs each language holds and lacks, by the slot of their questions to act."""
    missing: Counter[str] = Counter()
    for lack in lacks:
        missing[lack.slot.language] += lack.missing
    return [
        Lack(lack.slot, lack.have, -(-missing[lack.slot.language] // 2), twins=True)
        for lack in lacks
        if lack.slot.polarity is Polarity.ACT
    ]


def _split_quota(dimension: Dimension, rows: Sequence[Row], languages: Sequence[str]) -> list[Lack]:
    """Return what each slot of a dimension holds and lacks: even over languages and polarities.

    What stands already counts; where more of a kind stand than its share, the others have fewer left.
    """
    control = dimension.kind is DimensionKind.CONTROL
    polarities = [Polarity.NEUTRAL] if control else [Polarity.ACT, Polarity.REFRAIN]
    slots = [
        Slot(dimension, polarity, language) for language in languages for polarity in polarities
    ]
    have = Counter((row["dimension"], row["polarity"], row["language"]) for row in rows)
    wanted: Counter[SlotKey] = Counter()
    for _ in range(max(0, dimension.quota - len(rows))):
        least = min(slots, key=lambda slot: have[slot.key] + wanted[slot.key])
        wanted[least.key] += 1
    return [Lack(slot, have[slot.key], wanted[slot.key]) for slot in slots]
