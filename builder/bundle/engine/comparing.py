"""Comparing models: verdict rows enter, one `Comparison` for each pair, dimension and measure leaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .estimates import Estimate

__all__ = ["Comparison", "Measure", "compare_models"]


class Measure(StrEnum):
    """What models are compared by."""

    CS = "cs"
    CSS = "css"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the ``n`` items that are determined for both.

    ``only_a`` and ``only_b`` count the items that only one of the two gets right (with several samples an
    item, how many that is to be expected of). ``difference`` is that of the measure, a less b. ``p_value``
    is exact and two-sided: McNemar's, or, where families hold several items or items several samples,
    that of flipping the signs of whole families. ``adjusted_p`` is Holm's over all comparisons made at once.
    """

    run_a: str
    model_a: str
    run_b: str
    model_b: str
    dimension: str
    measure: Measure
    n: int
    families: int
    only_a: float
    only_b: float
    difference: Estimate
    p_value: float | None
    adjusted_p: float | None

    @property
    def is_significant(self) -> bool:
        """Whether the two differ, with at most a 5% chance of any false finding among all comparisons."""
        return self.adjusted_p is not None and self.adjusted_p <= 0.05

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "run_a": self.run_a,
            "model_a": self.model_a,
            "run_b": self.run_b,
            "model_b": self.model_b,
            "dimension": self.dimension,
            "measure": str(self.measure),
            "n": self.n,
            "families": self.families,
            "only_a": self.only_a,
            "only_b": self.only_b,
            "difference": self.difference.as_dict(),
            "p_value": self.p_value,
            "adjusted_p": self.adjusted_p,
            "is_significant": self.is_significant,
        }


def compare_models(verdicts: Iterable[Mapping[str, Any]]) -> list[Comparison]:
    """Return the comparisons of all pairs of models."""
    raise NotImplementedError
