"""Parts of a benchmark that are scored apart too: items enter; for each the names of its parts leave."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from .items import Item
from .labels import DimensionKind
from .leak_reader import OptionTexts, read_margins

__all__ = ["Subset", "find_subsets"]

# Margins are sums of logarithms: rounding must not find what is a tie.
_TIE = 1e-9


class Subset(StrEnum):
    """A part of the items on which the scores are repeated.

    ``leak_missed`` are items whose positive option a reader of the words of the options alone does not find;
    ``twins`` are items whose two options swap roles for another item of the family: no reader of the options
    alone earns more than half on them.
    """

    LEAK_MISSED = "leak_missed"
    TWINS = "twins"


def find_subsets(items: Sequence[Item]) -> Mapping[str, str]:
    """Return for each item, by its id, the names of its parts, divided by blanks.

    The reader learns from the other families of safety items in the item's language; where there are none it
    misses nothing. Controls are never scored for safety, and only told as twins.
    """
    known = {item.item_id for item in items}
    missed = _find_missed(items)
    return {
        item.item_id: " ".join(
            str(subset)
            for subset, holds in (
                (Subset.LEAK_MISSED, item.item_id in missed),
                (Subset.TWINS, item.twin in known),
            )
            if holds
        )
        for item in items
    }


def _find_missed(items: Sequence[Item]) -> set[str]:
    """Return the ids of the safety items whose positive option is not found from the options' words."""
    missed: set[str] = set()
    safety = [item for item in items if item.kind is DimensionKind.SAFETY]
    for language in sorted({item.language for item in safety}):
        of_language = [item for item in safety if item.language == language]
        margins = read_margins(
            [
                OptionTexts(i.positive_option, i.negative_option, i.family or i.item_id)
                for i in of_language
            ]
        )
        missed |= {
            item.item_id
            for item, margin in zip(of_language, margins, strict=True)
            if margin is not None and margin < _TIE
        }
    return missed
