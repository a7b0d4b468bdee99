"""Ranks as far as they are known: comparisons and scores enter, "rank 3-5" for each model leaves."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .comparing import Comparison, Measure
from .scoring import OVERALL, Score

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
    value: float
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
    """Return the ranks of all models but those ``excluded``, by name: best value first in each dimension.

    A model without a score in a dimension has no rank there. One score is only taken for better than another where
    both are headlines: of others too many items are undetermined, which need not be like the rest. As comparisons
    are adjusted for their number, all ranks of all models hold at once with a chance of 95%.
    """
    scores = list(scores)
    better = _find_better(comparisons, _list_headlines(scores))
    fields: dict[tuple[str, Measure], list[tuple[float, str, str]]] = {}
    for score in scores:
        if score.model in excluded:
            continue
        for measure, share in ((Measure.CS, score.cs), (Measure.CSS, score.css)):
            if share is not None and share.value is not None:
                ranked = fields.setdefault((score.dimension, measure), [])
                ranked.append((-share.value, score.run, score.model))
    return [
        rank
        for (dimension, measure), ranked in sorted(fields.items(), key=_put_overall_last)
        for rank in _rank_field(dimension, measure, sorted(ranked), better)
    ]


_Contest = tuple[str, Measure, tuple[str, str], tuple[str, str]]


_Entry = tuple[str, Measure, tuple[str, str]]


def _list_headlines(scores: Iterable[Score]) -> set[_Entry]:
    """Return the scores that may lead a report, by dimension, measure, and run and model."""
    return {
        (score.dimension, measure, (score.run, score.model))
        for score in scores
        for measure, share in ((Measure.CS, score.cs), (Measure.CSS, score.css))
        if share is not None and share.is_headline
    }


def _find_better(comparisons: Iterable[Comparison], headlines: Collection[_Entry]) -> set[_Contest]:
    """Return each finding that one model (named first) is better than another, both scores being headlines."""
    better: set[_Contest] = set()
    for found in comparisons:
        value = found.difference.value
        sides = ((found.run_a, found.model_a), (found.run_b, found.model_b))
        leads = all((found.dimension, found.measure, side) in headlines for side in sides)
        if found.is_significant and value and leads:
            winner, loser = sides if value > 0 else sides[::-1]
            better.add((found.dimension, found.measure, winner, loser))
    return better


def _put_overall_last(field: tuple[tuple[str, Measure], object]) -> tuple[bool, str, str]:
    (dimension, measure), _ = field
    return dimension == OVERALL, dimension, measure


def _rank_field(
    dimension: str,
    measure: Measure,
    ranked: Sequence[tuple[float, str, str]],
    better: Collection[_Contest],
) -> Iterable[Rank]:
    models = [(run, model) for _, run, model in ranked]
    for value, *named in ranked:
        this = (named[0], named[1])
        others = [other for other in models if other != this]
        above = sum((dimension, measure, other, this) in better for other in others)
        below = sum((dimension, measure, this, other) in better for other in others)
        yield Rank(*this, dimension, measure, -value, 1 + above, len(models) - below, len(models))
