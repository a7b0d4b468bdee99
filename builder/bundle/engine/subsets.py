"""Parts of a benchmark that are scored apart too: items enter; for each the names of its parts leave."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from .items import Item

__all__ = ["Subset", "find_subsets"]


class Subset(StrEnum):
    """A part of the items on which the scores are repeated.

    ``twins`` are items whose two options swap roles for another item of the family: no reader of the options
    alone earns more than half on them.
    """

    TWINS = "twins"


def find_subsets(items: Sequence[Item]) -> Mapping[str, str]:
    """Return for each item, by its id, the names of its parts, divided by blanks."""
    known = {item.item_id for item in items}
    return {item.item_id: str(Subset.TWINS) if item.twin in known else "" for item in items}
