"""Effective sizes: families that are alike count for less, also where failures are too rare to show it."""

from collections import Counter
from random import Random

import pytest

from builder.bundle.engine.clusters import find_effective_size, sum_families
from builder.bundle.engine.intervals import find_wilson_interval

Sizes = tuple[int, ...]


def draw_family(size: int, samples: int, rate: float, alike: float, random: Random) -> float:
    """Return how many items of a family pass, each sample taking the family's result with chance ``alike``."""
    common = random.random() < rate
    results = [
        common if random.random() < alike else random.random() < rate for _ in range(size * samples)
    ]
    return sum(results) / samples


def find_coverage(sizes: Sizes, samples: int, rate: float, alike: float) -> float:
    """Return how often Wilson's interval on the effective size holds the rate."""
    random, held, draws = Random(3), 0, 600
    for _ in range(draws):
        kinds = Counter(
            (draw_family(size, samples, rate, alike, random), float(size)) for size in sizes
        )
        sums = sum_families(kinds)
        size = find_effective_size(sums, sums.y / sums.x, sum(sizes) * samples)
        low, high = find_wilson_interval(sums.y / sums.x * size, size)
        held += low <= rate <= high
    return held / draws


@pytest.mark.parametrize(
    ("sizes", "samples", "rate", "alike"),
    [
        ((3,) * 30, 3, 0.95, 0.8),
        ((3,) * 30, 3, 0.05, 0.8),
        ((6,) * 15, 1, 0.9, 0.9),
        ((15,) * 6, 1, 0.9, 0.9),
        ((10,) * 50, 1, 0.95, 0.9),
        ((25,) * 20, 1, 0.95, 0.9),
        ((3,) * 30, 3, 0.5, 0.8),
        ((1, 1, 1, 1, 20) * 9, 1, 0.9, 0.8),
        ((1,) * 60 + (30,), 1, 0.5, 0.8),
    ],
)
def test_intervals_of_alike_families_hold_rare_failures(
    sizes: Sizes, samples: int, rate: float, alike: float
) -> None:
    """Families that pass or fail as one, seldom: of these the intervals once held 64% to 89%, not 95%."""
    assert find_coverage(sizes, samples, rate, alike) > 0.925


def test_independent_items_of_families_are_worth_about_what_they_are() -> None:
    """What is made up for the variance must not cost the width of families that are not alike."""
    random = Random(4)
    kinds = Counter((draw_family(3, 1, 0.7, 0.0, random), 3.0) for _ in range(400))
    sums = sum_families(kinds)
    assert 1000 < find_effective_size(sums, sums.y / sums.x, 1200) <= 1200


def test_one_odd_failure_does_not_make_families_independent() -> None:
    """Twenty-nine families that pass whole and one that fails in part: nearer to 30 items than to 90."""
    sums = sum_families(Counter({(3.0, 3.0): 29, (2.0, 3.0): 1}))
    assert find_effective_size(sums, sums.y / sums.x, 90) < 45


def test_families_all_alike_count_as_one_item_each() -> None:
    """Where each passes or fails as a whole, there are as many items as families, less what is uncertain."""
    sums = sum_families(Counter({(3.0, 3.0): 20, (0.0, 3.0): 10}))
    assert 25 < find_effective_size(sums, sums.y / sums.x, 90) < 30
    assert find_effective_size(sum_families(Counter({(4.0, 4.0): 1})), 1.0, 4) == 1


def test_differences_have_two_ends() -> None:
    """A family that one model wins whole and one that the other does are as far apart as can be."""
    sums = sum_families(Counter({(3.0, 3.0): 8, (-3.0, 3.0): 4, (0.0, 3.0): 18}))
    assert 25 < find_effective_size(sums, 12 / 30, 90, ends=(-1, 1)) < 30
