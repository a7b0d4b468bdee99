"""Comparing models: verdict rows enter, one `Comparison` for each pair, dimension and measure leaves."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from math import fsum
from typing import Any, NamedTuple

from .clusters import sum_families
from .estimates import Estimate
from .figures import as_whole, estimate_difference
from .groups import OVERALL
from .labels import DimensionKind
from .readings import Reading
from .significance import Procedure, adjust_by_holm, find_sign_flip_p
from .tally import Tally, Verdicts, tally_verdicts

__all__ = ["Comparison", "Measure", "compare_models"]


_Pairs = Counter[tuple[tuple[int, int], ...]]


class _Shown(NamedTuple):
    """What one model shows of one determined item."""

    cs: float
    css: float
    samples: int


class Measure(StrEnum):
    """What models are compared by."""

    CS = "cs"
    CSS = "css"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the ``n`` items that are determined for both.

    ``only_a`` and ``only_b`` count the items that only one of the two gets right (with several samples an
    item, how many that is to be expected of). ``difference`` is that of the measure, a less b. ``p_value``
    is two-sided: McNemar's, or, where families hold several items or items several samples, that of flipping
    the signs of whole families; ``test`` tells which, and whether it is exact. ``adjusted_p`` is Holm's over
    all comparisons made at once.
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
    test: Procedure | None = None

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
            "test": str(self.test) if self.test else None,
            "adjusted_p": self.adjusted_p,
            "is_significant": self.is_significant,
        }


def compare_models(verdicts: Verdicts) -> list[Comparison]:
    """Return the comparisons of all pairs of models, by CS and CSS, in each safety dimension and overall.

    A model is named by its run too. Items are paired that both were asked with the same texts. The rows are
    read once. Raises `EngineError`, naming the row, where one is not as it should be.
    """
    tally = tally_verdicts(verdicts)
    layout = _Layout(tally)
    found = [
        comparison
        for first, second in combinations(sorted(tally.models), 2)
        for comparison in _compare_pair(layout, first, second)
    ]
    tested = [place for place, comparison in enumerate(found) if comparison.p_value is not None]
    adjusted = adjust_by_holm([found[place].p_value or 0.0 for place in tested])
    for place, p_value in zip(tested, adjusted, strict=True):
        found[place] = replace(found[place], adjusted_p=p_value)
    return found


class _Layout:
    """Where the items of each dimension lie, and what each model shows of them, as small numbers.

    ``singles`` and ``families`` give for each dimension the items whose family is theirs alone, and the others
    by family. A class is what a comparison needs of a state: CS and CSS, or that it does not count.
    """

    def __init__(self, tally: Tally) -> None:
        self.singles: dict[str, list[int]] = {}
        self.families: dict[str, dict[str, list[int]]] = {}
        for place, asked in enumerate(tally.items):
            if asked.kind != DimensionKind.SAFETY:
                continue
            if tally.families[asked.family] == 1:
                self.singles.setdefault(asked.dimension, []).append(place)
            else:
                of_dimension = self.families.setdefault(asked.dimension, {})
                of_dimension.setdefault(asked.family, []).append(place)
        self.dimensions = sorted({*self.singles, *self.families})
        pooled = self.families.setdefault(OVERALL, {})
        for dimension in self.dimensions:
            for family, places in self.families.get(dimension, {}).items():
                pooled.setdefault(family, []).extend(places)
        classes: dict[_Shown | None, int] = {None: 0}
        of_states = [classes.setdefault(_show(r), len(classes)) for r in tally.readings]
        self.classes = list(classes)
        self.shown: dict[tuple[str, str], array[int]] = {}
        for model, states in tally.models.items():
            shown = array("I", [0]) * len(tally.items)
            for item, state in states.items():
                shown[item] = of_states[state]
            self.shown[model] = shown

    def pair(self, first: tuple[str, str], second: tuple[str, str]) -> dict[str, _Pairs]:
        """Return for each dimension, and overall, how many families show each pairs of classes."""
        a, b = self.shown[first], self.shown[second]
        found: dict[str, _Pairs] = {OVERALL: Counter()}
        for dimension, places in sorted(self.singles.items()):
            single = Counter(
                zip(map(a.__getitem__, places), map(b.__getitem__, places), strict=True)
            )
            found[dimension] = Counter({(pair,): count for pair, count in single.items()})
            found[OVERALL].update(found[dimension])
        for dimension, families in self.families.items():
            of_dimension = found.setdefault(dimension, Counter())
            of_dimension.update(
                tuple(sorted((a[place], b[place]) for place in places))
                for places in families.values()
            )
        return {name: found[name] for name in (*self.dimensions, OVERALL)}


def _show(reading: Reading) -> _Shown | None:
    return (
        _Shown(reading.cs.value, reading.css.value, reading.samples) if reading.determined else None
    )


def _compare_pair(
    layout: _Layout, first: tuple[str, str], second: tuple[str, str]
) -> Iterator[Comparison]:
    for dimension, pairs in layout.pair(first, second).items():
        known = [
            ([(layout.classes[a], layout.classes[b]) for a, b in family], count)
            for family, count in sorted(pairs.items())
        ]
        counted = [
            ([(a, b) for a, b in family if a and b], count)
            for family, count in known
            if any(a and b for a, b in family)
        ]
        for measure in Measure:
            yield _compare(first, second, dimension, measure, counted)


def _compare(
    first: tuple[str, str],
    second: tuple[str, str],
    dimension: str,
    measure: Measure,
    families: Sequence[tuple[Sequence[tuple[_Shown, _Shown]], int]],
) -> Comparison:
    """Compare two models on the items that are determined for both, given by family."""
    kinds: Counter[tuple[float, float]] = Counter()
    only_a, only_b, n, most = [0.0], [0.0], 0, 0
    for family, count in families:
        values = [(getattr(a, measure), getattr(b, measure)) for a, b in family]
        kinds[fsum(a - b for a, b in values), len(values)] += count
        only_a += [count * a * (1 - b) for a, b in values]
        only_b += [count * (1 - a) * b for a, b in values]
        n += count * len(family)
        most += count * sum(min(a.samples, b.samples) ** 3 for a, b in family)
    sums = sum_families(kinds)
    told = f"{measure} of {first[1]} less that of {second[1]}, on the same items"
    totals = (fsum(only_a), fsum(only_b))
    differences: Counter[float] = Counter()
    for (difference, _), count in kinds.items():
        differences[difference] += count
    tested = find_sign_flip_p(differences) if n else None
    return Comparison(
        *first,
        *second,
        dimension=dimension,
        measure=measure,
        n=n,
        families=sums.families,
        only_a=as_whole(totals[0]),
        only_b=as_whole(totals[1]),
        difference=estimate_difference(*totals, sums, n, told, most),
        p_value=tested.p_value if tested else None,
        adjusted_p=None,
        test=tested.test if tested else None,
    )
