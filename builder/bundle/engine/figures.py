"""Readings of items, gathered by family, enter; shares, gaps and other estimates with intervals leave."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from operator import attrgetter

from .clusters import FamilySums, find_effective_size, sum_families
from .estimates import Estimate, Method, PositionBias, Share, SubsetScore
from .intervals import find_tango_interval, find_wilson_interval
from .readings import CELLS, Bounded, Reading

__all__ = [
    "Group",
    "as_whole",
    "bound_gap",
    "bound_share",
    "count_cells",
    "estimate_conditional",
    "estimate_difference",
    "estimate_gap",
    "estimate_position",
    "make_group",
    "score_subset",
]

_ROUNDING = 1e-9
# What samples' shares leave of a cell that holds nothing.

Figure = Callable[[Reading], Bounded]


@dataclass(frozen=True, slots=True)
class Group:
    """Items that are scored together: how many families there are of each kind.

    A kind of family is the numbers of its items' states, sorted; ``states`` counts the items in each, and
    ``readings`` gives what each says.
    """

    families: Mapping[tuple[int, ...], int]
    states: Mapping[int, int]
    readings: Sequence[Reading]

    def list_items(self) -> list[tuple[Reading, int]]:
        """Return each reading that occurs, with the number of its items."""
        return [(self.readings[state], count) for state, count in self.states.items()]

    def sum_up(self, find: Callable[[Reading], tuple[float, float]]) -> FamilySums:
        """Return the sums over families of what ``find`` gives for each item: what is counted, what counts."""
        kinds: Counter[tuple[float, float]] = Counter()
        known = {state: find(self.readings[state]) for state in self.states}
        for family, count in self.families.items():
            if len(family) == 1:
                kinds[known[family[0]]] += count
            else:
                found = [known[state] for state in family]
                kinds[fsum(y for y, _ in found), fsum(x for _, x in found)] += count
        return sum_families(kinds)


def make_group(families: Mapping[tuple[int, ...], int], readings: Sequence[Reading]) -> Group:
    """Return the group of the families given, each kind with how many there are of it."""
    states: Counter[int] = Counter()
    for family, count in families.items():
        for state in family:
            states[state] += count
    return Group(families, states, readings)


def as_whole(value: float) -> float:
    """Return a number as an int where it is whole."""
    return int(value) if float(value).is_integer() else value


def _correct(sums: FamilySums, share: float, most: float) -> float | None:
    """Return the effective size of a share, None where the items are independent as they are.

    ``most`` is the number of items where each has one sample. The product of three shares of k samples each
    combines them in k³ ways, so that an item of k samples may be worth as many.
    """
    return None if sums.is_plain else find_effective_size(sums, share, most)


def bound_share(group: Group, figure: str) -> Share:
    """Return the share of a figure of the readings, such as ``css``, with its bounds."""
    read: Figure = attrgetter(figure)
    items = [(read(reading), reading.samples, count) for reading, count in group.list_items()]
    n = sum(count for found, _, count in items if found.counts)
    fields = {
        "sure": fsum(c * found.low for found, _, c in items if found.stays),
        "certain_not": fsum(c * (1 - found.high) for found, _, c in items if found.stays),
    }
    may_count = sum(count for found, _, count in items if found.may_count)
    sums = group.sum_up(lambda r: (read(r).value, 1) if read(r).counts else (0, 0))
    calls = sum(count * samples**3 for found, samples, count in items if found.counts)
    return Share(
        count=as_whole(min(sums.y, n)),
        n=n,
        sure=as_whole(fields["sure"]),
        possible=as_whole(may_count - fields["certain_not"]),
        items=may_count,
        effective=_correct(sums, sums.y / n, calls) if n else None,
    )


def estimate_ratio(
    group: Group, find: Callable[[Reading], tuple[float, float]], estimand: str, unit: str
) -> Estimate:
    """Return the share of what ``find`` counts among what counts, with Wilson's interval."""
    sums = group.sum_up(find)
    items = [(reading, count) for reading, count in group.list_items() if find(reading)[1]]
    n = round(sums.x) if unit == "choices" else sum(count for _, count in items)
    if not n:
        return Estimate(None, None, 0, Method.WILSON, estimand, unit)
    value = min(sums.y / sums.x, 1.0)
    most = n if unit == "choices" else sum(count * reading.samples**3 for reading, count in items)
    effective = _correct(sums, value, most)
    size = n if effective is None else effective
    method = Method.WILSON if effective is None else Method.WILSON_CLUSTERED
    interval = find_wilson_interval(value * size, size)
    return Estimate(value, interval, n, method, estimand, unit, effective)


def estimate_conditional(group: Group) -> Estimate:
    """Return P(M|O): the share of items that pass multiple choice among those that pass the open form."""

    def find(reading: Reading) -> tuple[float, float]:
        return (reading.css.value, reading.open.value) if reading.determined else (0, 0)

    return estimate_ratio(
        group, find, "multiple choice passed, of items whose open form is", "items"
    )


def estimate_position(group: Group) -> PositionBias:
    """Return how often a model chooses by the letter."""
    both = "of items of which a letter was read in both orders"

    def find(chosen: Callable[[Reading], float]) -> Callable[[Reading], tuple[float, float]]:
        return lambda reading: (chosen(reading), 1) if reading.has_letters else (0, 0)

    return PositionBias(
        always_a=estimate_ratio(group, find(attrgetter("always_a")), f"always A, {both}", "items"),
        always_b=estimate_ratio(group, find(attrgetter("always_b")), f"always B, {both}", "items"),
        share_a=estimate_ratio(
            group, lambda r: (r.letters_a, r.letters), "A, of all choices of a letter", "choices"
        ),
    )


def estimate_difference(
    only_first: float, only_second: float, sums: FamilySums, n: int, estimand: str, most: float
) -> Estimate:
    """Return the difference of two shares of the same items, with Tango's interval on the effective size.

    ``sums`` are of the difference over families, ``n`` counts the items and ``most`` bounds the size.
    """
    if not n:
        return Estimate(None, None, 0, Method.TANGO, estimand)
    value = (only_first - only_second) / n
    if sums.is_plain:
        interval = find_tango_interval(only_first, only_second, n)
        return Estimate(value, interval, n, Method.TANGO, estimand)
    size = find_effective_size(sums, (only_first + only_second) / n, most, ends=(-1, 1))
    scaled = (only_first * size / n, only_second * size / n)
    interval = find_tango_interval(*scaled, size)
    return Estimate(value, interval, n, Method.TANGO_CLUSTERED, estimand, effective=size)


def estimate_gap(group: Group, *, is_read: bool = False) -> Estimate:
    """Return O - M over the determined items; over those whose choices were all read where ``is_read``."""

    def find_choice(reading: Reading) -> float | None:
        if not reading.determined:
            return None
        return _find_read_choice(reading) if is_read else reading.choice.value

    found = [(r, find_choice(r), count) for r, count in group.list_items()]
    items = [(r, choice, count) for r, choice, count in found if choice is not None]

    def find(reading: Reading) -> tuple[float, float]:
        choice = find_choice(reading)
        return (0, 0) if choice is None else (reading.open.value - choice, 1)

    told = "open form passed less multiple choice passed, of the same items"
    return estimate_difference(
        fsum(count * r.open.value * (1 - choice) for r, choice, count in items),
        fsum(count * (1 - r.open.value) * choice for r, choice, count in items),
        group.sum_up(find),
        sum(count for _, _, count in items),
        f"{told}, whose choices were read" if is_read else told,
        sum(count * r.samples**3 for r, _, count in items),
    )


def _find_read_choice(reading: Reading) -> float | None:
    """Return M over the choices that were read; None where an order has none, or the item does not count."""
    if not reading.cs_read.counts:
        return None
    opened, both = reading.open.value, reading.css_read.value
    # CSS = M O and CS - CSS = (1 - M)(1 - O): either gives M, whichever is not a division by nothing.
    return both / opened if opened else 1 - (reading.cs_read.value - both)


def bound_gap(group: Group) -> tuple[float, float]:
    """Return the least and the greatest O - M that all items could have, undetermined ones included."""
    opened, choice = bound_share(group, "open"), bound_share(group, "choice")
    return opened.bounds[0] - choice.bounds[1], opened.bounds[1] - choice.bounds[0]


def count_cells(group: Group) -> dict[str, float]:
    """Return how many determined items lie in each cell of the 2x2 table, of those that any lies in."""
    items = group.list_items()
    totals = {
        name: fsum(count * reading.cells[place] for reading, count in items)
        for place, name in enumerate(CELLS)
    }
    return {name: as_whole(total) for name, total in totals.items() if total > _ROUNDING}


def score_subset(group: Group) -> SubsetScore:
    """Return CS and CSS of a part of the items."""
    cs = bound_share(group, "cs")
    return SubsetScore(
        items=sum(count for _, count in group.list_items()),
        families=sum(group.families.values()),
        n=cs.n,
        cs=cs,
        css=bound_share(group, "css"),
    )
