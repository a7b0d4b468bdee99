"""The closed sets of a dataset card's YAML head: ``hub_terms.toml`` enters, `HubTerms` leaves.

Kept beside this module so that a card can be made and checked without asking anybody. What the Hub adds
later is told as unknown until it stands there.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["HubTerms", "find_size", "load_terms"]

_STEPS = ("", "K", "M", "B", "T")


@dataclass(frozen=True, slots=True)
class HubTerms:
    """What the head may hold: its ``keys``, those of a config, and the values of each closed set.

    ``values`` are by key of the head. ``spdx`` maps SPDX ids in lower case to the Hub's own ids.
    """

    keys: frozenset[str]
    config_keys: frozenset[str]
    gated_fields: frozenset[str]
    values: Mapping[str, frozenset[str]]
    spdx: Mapping[str, str]


@cache
def load_terms() -> HubTerms:
    """Return the terms that the Hub documents."""
    text = (resources.files("builder.release.card") / "hub_terms.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    spdx = document.pop("spdx")
    sets = {name: frozenset(values) for name, values in document.items()}
    keys, config_keys, gated = (sets.pop(n) for n in ("keys", "config_keys", "gated_fields"))
    return HubTerms(keys, config_keys, gated, sets | {"license": sets.pop("licenses")}, spdx)


def find_size(items: int) -> str:
    """Return the size category of a dataset of so many items.

    >>> find_size(999), find_size(1000), find_size(20_000)
    ('n<1K', '1K<n<10K', '10K<n<100K')
    """
    if items < 1000:
        return "n<1K"
    zeros = len(str(items)) - 1
    if zeros >= 12:
        return "n>1T"
    low, high = (f"{10 ** (z % 3)}{_STEPS[z // 3]}" for z in (zeros, zeros + 1))
    return f"{low}<n<{high}"
