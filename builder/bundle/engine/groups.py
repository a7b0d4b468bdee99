"""A tally enters; the groups of items that are scored together leave, for each run and model."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import EngineError
from .figures import Group, make_group
from .labels import DimensionKind
from .tally import Asked, Tally

__all__ = [
    "CONTROLS",
    "OVERALL",
    "Key",
    "gather_families",
    "group_items",
    "list_keys",
]

OVERALL = "overall"
"""The name of the group that pools all items of the safety dimensions."""

CONTROLS = ""
"""The name of the group that pools all items of the control dimensions."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a group is: a kind, a dimension or a pool of all, and a part of the items (`Subset`) or all."""

    kind: DimensionKind
    dimension: str
    subset: str = ""

    def pool(self) -> "Key":
        """Return the group of all dimensions of this one's kind."""
        name = OVERALL if self.kind is DimensionKind.SAFETY else CONTROLS
        return Key(self.kind, name, self.subset)


def list_keys(items: Sequence[Asked]) -> list[tuple[Key, ...]]:
    """Return for each item the groups of one dimension that it belongs to."""
    known: dict[tuple[str, str, str], tuple[Key, ...]] = {}
    found = []
    for asked in items:
        named = (asked.kind, asked.dimension, asked.subsets)
        if named not in known:
            known[named] = _make_keys(*named)
        found.append(known[named])
    return found


def _make_keys(kind: str, dimension: str, subsets: str) -> tuple[Key, ...]:
    if kind == DimensionKind.SAFETY and dimension == OVERALL:
        raise EngineError(
            f"a dimension is named {OVERALL!r}, as is the pool of all. Give it another name."
        )
    parts = ("", *sorted(set(subsets.split()))) if kind == DimensionKind.SAFETY else ("",)
    return tuple(Key(DimensionKind(kind), dimension, part) for part in parts)


def group_items(
    tally: Tally, keys: Sequence[tuple[Key, ...]], states: dict[int, int]
) -> dict[Key, Group]:
    """Return all groups of one model: each dimension, the pools of all, and their parts."""
    members: dict[tuple[Key, ...], list[int]] = {}
    for item in states:
        members.setdefault(keys[item], []).append(item)
    pools: dict[Key, list[list[int]]] = {}
    for named, items in members.items():
        for key in named:
            pools.setdefault(key, []).append(items)
            pools.setdefault(key.pool(), []).append(items)
    return {
        key: make_group(gather_families(tally, lists, states), tally.readings)
        for key, lists in pools.items()
    }


def gather_families(
    tally: Tally, lists: Iterable[Sequence[int]], states: dict[int, int]
) -> Counter[tuple[int, ...]]:
    """Return how many families there are of each kind, each known by the states of its items."""
    single: Counter[int] = Counter()
    several: dict[str, list[int]] = {}
    items, sizes = tally.items, tally.families
    for numbers in lists:
        alone = [states[n] for n in numbers if sizes[items[n].family] == 1]
        single.update(alone)
        if len(alone) < len(numbers):
            for n in numbers:
                if sizes[items[n].family] > 1:
                    several.setdefault(items[n].family, []).append(states[n])
    kinds: Counter[tuple[int, ...]] = Counter({(state,): n for state, n in single.items()})
    kinds.update(tuple(sorted(family)) for family in several.values())
    return kinds
