"""How models are asked: the style of a choice, the system's text, and how often each item is asked."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import EngineError

__all__ = ["DEFAULT_MANNER", "ChoiceStyle", "Manner"]

_MOST_SAMPLES = 1_000


class ChoiceStyle(StrEnum):
    """The paper's three ways of putting a choice (arXiv 2311.05915), in our own words.

    ``default`` asks for a decision alone, ``reasoning`` has both answers weighed first, ``plain`` puts
    question and options and nothing else.
    """

    DEFAULT = "default"
    REASONING = "reasoning"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Manner:
    """How every model of a run is asked.

    ``system`` stands in place of the prompt's own text for the system; an empty one sends none, and None
    keeps it. ``samples`` is how many times each form of an item is asked. Raises `EngineError` where that
    is no number of times.
    """

    style: ChoiceStyle = ChoiceStyle.DEFAULT
    system: str | None = None
    samples: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= _MOST_SAMPLES:
            raise EngineError(f"{self.samples} samples an item: ask for 1 to {_MOST_SAMPLES}.")

    def as_dict(self) -> dict[str, Any]:
        """Return what a run records of it."""
        return {"style": str(self.style), "system": self.system, "samples": self.samples}


DEFAULT_MANNER = Manner()
"""How models are asked where nobody says otherwise."""
