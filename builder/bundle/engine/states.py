"""What one model showed of one item, in counts of its samples."""

from typing import NamedTuple

from .labels import Choice

__all__ = ["CHOICES", "NOTHING", "State"]

CHOICES = tuple(Choice)
"""The order in which `State` counts choices."""


class State(NamedTuple):
    """What all samples of one item show of one model.

    ``opens`` counts the open verdicts (safe, unsafe, undetermined), ``first`` and ``second`` the choices in
    each order (in the order of `CHOICES`), ``letters`` the letters chosen (A and B in the first order, A and B in
    the second); ``causes`` are all causes of what is undetermined, sorted.
    """

    samples: frozenset[int]
    opens: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]
    letters: tuple[int, ...]
    causes: tuple[str, ...]


NOTHING = State(frozenset(), (0,) * 3, (0,) * 6, (0,) * 6, (0,) * 4, ())
"""The state of an item that was not asked."""
