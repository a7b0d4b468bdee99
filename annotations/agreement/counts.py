"""Labels enter by unit and rater; sums over units, all that a measure of agreement needs, leave."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Basis", "Clusters", "Floats", "Ratings", "Sums", "UnitFigures", "count_ratings"]

Floats = NDArray[np.float64]

Ratings = Mapping[str, Mapping[str, str]]
"""The label that each rater gave each unit; a rater who is not named under a unit gave none."""

Clusters = Mapping[str, str]
"""The cluster (family) of each unit, for resampling whole clusters; a unit not named is its own."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a measure stands on: units with a rating or more, ratings, and those that can be paired.

    A unit can be paired when it has two ratings or more, and so can all ratings of such a unit.
    """

    units: int
    ratings: int
    pairable_units: int
    pairable_ratings: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the units of one or more samples; arrays of shape (s,), with categories (s, q).

    With nᵤₖ ratings of unit u in category k and mᵤ = Σₖ nᵤₖ: ``rated`` counts units with mᵤ ≥ 1,
    ``pairable`` those with mᵤ ≥ 2; ``agreeing`` is Σ Σₖ nᵤₖ(nᵤₖ−1) / mᵤ(mᵤ−1) and ``disagreeing``
    Σ Σₖ nᵤₖ(mᵤ−nᵤₖ) / (mᵤ−1) over pairable units; ``values`` is Σ nᵤₖ over pairable units, and
    ``shares`` is Σ nᵤₖ/mᵤ over rated ones.
    """

    rated: Floats
    pairable: Floats
    agreeing: Floats
    disagreeing: Floats
    values: Floats
    shares: Floats


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """The counts of all units, equal units joined.

    ``figures`` has a row for each kind of unit (or of cluster), with the six figures of `Sums` side by
    side; ``multiplicity`` says how many units (or clusters) are of each kind.
    """

    categories: tuple[str, ...]
    basis: Basis
    rating_counts: dict[str, int]
    figures: Floats
    multiplicity: NDArray[np.int64]

    def sum_up(self, multiplicity: NDArray[np.int64] | None = None) -> Sums:
        """Return the sums of each sample, a row of ``multiplicity`` of shape (s, kinds); of all units without."""
        drawn = self.multiplicity[None, :] if multiplicity is None else multiplicity
        sums, q = drawn.astype(np.float64) @ self.figures, len(self.categories)
        return Sums(
            sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3], sums[:, 4 : 4 + q], sums[:, 4 + q :]
        )


def count_ratings(
    ratings: Ratings, *, categories: Sequence[str] | None = None, clusters: Clusters | None = None
) -> UnitFigures:
    """Return the counts of ``ratings``.

    ``categories`` are all labels that could have been given, those that occur by default. Raises
    ValueError for a label that is none of them.
    """
    rated = {unit: Counter(given.values()) for unit, given in sorted(ratings.items()) if given}
    total = sum(rated.values(), Counter[str]())
    known = tuple(sorted(total if categories is None else set(categories)))
    if unknown := sorted(set(total) - set(known)):
        raise ValueError(f"{', '.join(unknown)}: not among {', '.join(known)}")
    counts = np.array([[given[c] for c in known] for given in rated.values()], dtype=np.float64)
    counts = counts.reshape(len(rated), len(known))
    figures = _find_figures(counts)
    if clusters is not None:
        figures = _join(figures, [clusters.get(unit, f"\0{unit}") for unit in rated])
    kinds, multiplicity = np.unique(figures, axis=0, return_counts=True)
    sizes = counts.sum(axis=1)
    pairable = sizes[sizes >= 2]
    basis = Basis(len(sizes), int(sizes.sum()), len(pairable), int(pairable.sum()))
    return UnitFigures(known, basis, {c: total[c] for c in known}, kinds, multiplicity)


def _find_figures(counts: Floats) -> Floats:
    """Return the figures of each unit, shape (units, 4 + 2q), of its counts, shape (units, q)."""
    sizes = counts.sum(axis=1, keepdims=True)
    is_pairable = (sizes >= 2).astype(np.float64)
    others = np.maximum(sizes - 1, 1)
    agreeing = (counts * (counts - 1)).sum(axis=1, keepdims=True) / (sizes * others)
    disagreeing = (counts * (sizes - counts)).sum(axis=1, keepdims=True) / others
    return np.hstack(
        [
            np.ones_like(sizes),
            is_pairable,
            agreeing * is_pairable,
            disagreeing * is_pairable,
            counts * is_pairable,
            counts / sizes,
        ]
    )


def _join(figures: Floats, names: Sequence[str]) -> Floats:
    """Return the sums of the figures of each cluster."""
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    joined = np.zeros((len(places), figures.shape[1]))
    np.add.at(joined, np.array([places[name] for name in names], dtype=np.intp), figures)
    return joined
