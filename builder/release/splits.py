"""Which items stay private: the rows of a release enter; the ids of the held-out split leave.

A held-out split is only worth something while nobody outside has seen it, so families move one way:
what was public stays public, and what was held out stays held out. Twins and paraphrases are one family,
and go together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.storage import Row
from schemas.texts import hash_text

__all__ = ["Part", "Split", "choose_held_out"]


class Split(StrEnum):
    """The splits of a release: the public one, and the one that stays in a folder of its own."""

    TEST = "test"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of a release: which split it holds, and its rows, sorted by id."""

    split: Split
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Family:
    """The items of one family, and the dimension of the first."""

    name: str
    dimension: str
    item_ids: tuple[str, ...]


def choose_held_out(
    rows: Sequence[Row],
    share: float,
    seed: int,
    *,
    public: Collection[str] = (),
    private: Collection[str] = (),
    private_families: Collection[str] = (),
) -> frozenset[str]:
    """Return the ids of the items that are held out: about ``share`` of each dimension's.

    ``public`` and ``private`` are the ids of earlier releases, ``private_families`` the families that had
    items held out, though they may all be withdrawn since. Families are drawn by a hash of ``seed``
    and their name, so that the same rows give the same split.
    """
    shown, hidden = set(public), set(private)
    held: set[str] = set()
    waiting: dict[str, list[_Family]] = {}
    sizes: dict[str, int] = {}
    for family in _group(rows):
        sizes[family.dimension] = sizes.get(family.dimension, 0) + len(family.item_ids)
        if shown.intersection(family.item_ids):
            held.update(hidden.intersection(family.item_ids))
        elif family.name in private_families or hidden.intersection(family.item_ids):
            held.update(family.item_ids)
        else:
            waiting.setdefault(family.dimension, []).append(family)
    dimensions = {row["item_id"]: row["dimension"] for row in rows}
    for dimension, families in sorted(waiting.items()):
        have = sum(dimensions[item_id] == dimension for item_id in held)
        families.sort(key=lambda family: hash_text(f"{seed}/{family.name}"))
        for family in families:
            if have + len(family.item_ids) > share * sizes[dimension]:
                continue
            held.update(family.item_ids)
            have += len(family.item_ids)
    return frozenset(held)


def _group(rows: Sequence[Row]) -> list[_Family]:
    members: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        members.setdefault(row["family"], []).append(row)
    return [
        _Family(name, found[0]["dimension"], tuple(row["item_id"] for row in found))
        for name, found in sorted(members.items())
    ]
