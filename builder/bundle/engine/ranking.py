"""Ranks as far as they are known: comparisons and scores enter, "rank 3-5" for each model leaves."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from .comparing import Comparison, Measure
from .scoring import Score

__all__ = ["Rank", "rank_models"]


@dataclass(frozen=True, slots=True)
class Rank:
    """The ranks that a model may have among ``models``: from ``best`` to ``worst``, both of them included.

    ``best`` is one more than the number of models that are shown to be better, ``worst`` the number of
    models less those that are shown to be worse.
    """

    run: str
    model: str
    dimension: str
    measure: Measure
    value: float | None
    best: int
    worst: int
    models: int

    def describe(self) -> str:
        """Return the ranks as people read them.

        >>> Rank("r", "m", "overall", Measure.CS, 0.5, 3, 5, 14).describe()
        'rank 3-5'
        """
        return f"rank {self.best}" if self.best == self.worst else f"rank {self.best}-{self.worst}"

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "run": self.run,
            "model": self.model,
            "dimension": self.dimension,
            "measure": str(self.measure),
            "value": self.value,
            "best": self.best,
            "worst": self.worst,
            "models": self.models,
            "description": self.describe(),
        }


def rank_models(
    comparisons: Iterable[Comparison], scores: Iterable[Score], excluded: Collection[str] = ()
) -> list[Rank]:
    """Return the ranks of all models but those ``excluded``."""
    raise NotImplementedError
