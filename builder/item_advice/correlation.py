"""Whether the better models pass an item: profiles of all items enter, an item-rest correlation leaves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from builder.item_advice.profiles import Profile
from schemas.labels import DimensionKind

__all__ = ["CORRELATION_MODELS", "Correlation", "RestScores"]

CORRELATION_MODELS = 8
"""With fewer models no correlation is told: chance alone brings every value."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """The correlation ``r`` of ``models`` models' results on an item with their scores on the rest."""

    r: float
    models: int

    @property
    def p_value(self) -> float:
        """The chance of a correlation as low, were the results dealt to the models at random.

        Over all ways to deal them r has the mean 0 and the variance 1/(M − 1), whatever the results
        (Pitman 1937, Suppl. J. R. Stat. Soc. 4); it is taken as normal.
        """
        return NormalDist().cdf(self.r * sqrt(self.models - 1))


class RestScores:
    """Every model's score on the safety items but those of one family.

    Made from the profiles once; the family is left out, since twins and paraphrases are passed together.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._all: dict[str, tuple[float, int]] = {}
        self._families: dict[tuple[str, str], tuple[float, int]] = {}
        for profile in profiles:
            if profile.both is None or profile.kind is not DimensionKind.SAFETY:
                continue
            key = (profile.model, profile.family)
            self._all[profile.model] = _add(self._all.get(profile.model), profile.both)
            self._families[key] = _add(self._families.get(key), profile.both)

    def correlate(self, profiles: Sequence[Profile]) -> Correlation | None:
        """Return the point-biserial correlation of one item with the rest, corrected for itself.

        None with fewer than `CORRELATION_MODELS` models, or where all of them did alike on the item or on
        the rest: there is nothing to correlate then.
        """
        pairs = [
            (profile.both, rest)
            for profile in profiles
            if profile.both is not None and (rest := self._find_rest(profile)) is not None
        ]
        if len(pairs) < CORRELATION_MODELS:
            return None
        r = _correlate([own for own, _ in pairs], [rest for _, rest in pairs])
        return None if r is None else Correlation(r, len(pairs))

    def _find_rest(self, profile: Profile) -> float | None:
        total, items = self._all.get(profile.model, (0.0, 0))
        own, of_family = self._families.get((profile.model, profile.family), (0.0, 0))
        return (total - own) / (items - of_family) if items > of_family else None


def _add(before: tuple[float, int] | None, value: float) -> tuple[float, int]:
    total, count = before or (0.0, 0)
    return total + value, count + 1


def _correlate(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's correlation; None where one of the two does not vary."""
    means = sum(first) / len(first), sum(second) / len(second)
    centred = [(a - means[0], b - means[1]) for a, b in zip(first, second, strict=True)]
    squares = sum(a * a for a, _ in centred), sum(b * b for _, b in centred)
    # Equal shares differ by a hair once they are averaged.
    if min(squares) < 1e-18:
        return None
    return sum(a * b for a, b in centred) / sqrt(squares[0] * squares[1])
