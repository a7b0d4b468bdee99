"""What was found, judged: pairs of positions enter; recall and precision leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from corpus import CUTOFF
from measuring import Measurement
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from schemas.texts import normalise_for_comparison

__all__ = ["Judge", "Judged"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A measurement with its quality; None where there is nothing to judge.

    ``recall`` is of the true pairs known, ``precision`` of the pairs returned.
    """

    measurement: Measurement
    pairs: int | None
    recall: float | None
    precision: float | None

    def describe(self) -> dict[str, Any]:
        """Return the row for the JSON line."""
        m = self.measurement
        return {
            "method": m.label,
            "texts": m.size,
            "seconds": round(m.seconds, 4),
            "runs": m.runs,
            "estimated": m.estimated,
            "peak_mb": round(m.peak_mb),
            "pairs": self.pairs,
            "recall": self.recall,
            "precision": self.precision,
            "candidates": m.candidates,
            **{name: round(value, 3) for name, value in m.details.items()},
        }


class Judge:
    """Judges pairs between ``left`` and ``right`` texts (the same ones, but for an index).

    ``truth`` holds all true pairs where they are known. Elsewhere recall is of those known to be true:
    the ``planted`` pairs and the ``sampled`` ones (all true pairs of some rows).
    """

    def __init__(
        self,
        left: Sequence[str],
        right: Sequence[str],
        truth: NDArray[np.int64] | None,
        planted: Sequence[tuple[int, int]],
        sampled: NDArray[np.int64] | None,
    ) -> None:
        self._left, self._right = left, right
        known: NDArray[np.int64] = np.array(planted, np.int64).reshape(-1, 2)
        if truth is not None:
            _require_all(self._encode(known), self._encode(truth))
            known = truth
        elif sampled is not None:
            known = np.concatenate([known, sampled])
        self._known = np.unique(self._encode(known))

    def judge(self, measurement: Measurement) -> Judged:
        """Return the measurement with recall and precision; an estimate has neither."""
        if measurement.estimated:
            return Judged(measurement, pairs=None, recall=None, precision=None)
        found = measurement.positions
        keys = self._encode(found)
        recall = float(np.isin(self._known, keys).mean()) if len(self._known) else None
        precision = float(self._verify(found).mean()) if len(found) else None
        return Judged(measurement, len(np.unique(keys)), recall, precision)

    def _encode(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        return pairs[:, 0] * len(self._right) + pairs[:, 1]

    def _verify(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        ratios = process.cpdist(
            [normalise_for_comparison(self._left[i]) for i in pairs[:, 0]],
            [normalise_for_comparison(self._right[i]) for i in pairs[:, 1]],
            scorer=fuzz.ratio,
            dtype=np.float64,
        )
        return np.asarray(ratios >= CUTOFF)


def _require_all(planted: NDArray[np.int64], truth: NDArray[np.int64]) -> None:
    missed = int((~np.isin(planted, truth)).sum())
    if missed:
        raise SystemExit(f"Brute force missed {missed} planted pairs: the length window is wrong.")
