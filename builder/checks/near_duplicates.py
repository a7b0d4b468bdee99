"""Near-duplicates: texts enter; pairs with a similarity ratio at or above a cut-off leave.

Two texts are near-duplicates when ``rapidfuzz.fuzz.ratio`` of their normalised forms (NFKC, case
folded, white space collapsed) reaches the cut-off. All pairs are compared, block by block, so that
none is missed; time grows with the square of the number of texts (10,000 take some seconds).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from schemas.texts import normalise_for_comparison

__all__ = ["Pair", "find_near_duplicates"]

_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Pair:
    """Two positions in the sequence compared, ``first < second``, and their ratio from 0 to 100."""

    first: int
    second: int
    ratio: float


def find_near_duplicates(texts: Sequence[str], cutoff: float = 90.0) -> list[Pair]:
    """Return every pair of ``texts`` whose ratio is at least ``cutoff``, sorted by position."""
    normalised = [normalise_for_comparison(text) for text in texts]
    pairs: list[Pair] = []
    for start in range(0, len(texts), _BLOCK):
        rows = normalised[start : start + _BLOCK]
        # Only pairs to the right of the block's first row: the ratio is symmetric.
        ratios = process.cdist(
            rows, normalised[start:], scorer=fuzz.ratio, score_cutoff=cutoff, dtype=np.float64
        )
        for i, j in zip(*np.nonzero(ratios), strict=True):
            if i < j:
                pairs.append(Pair(start + int(i), start + int(j), float(ratios[i, j])))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))
