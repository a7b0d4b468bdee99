"""Comparing models: counts by hand, p-values against their definitions, ranks that claim no more than is known."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from verdict_rows import Row, make_row

from builder.bundle.engine.comparing import Comparison, Measure, compare_models
from builder.bundle.engine.estimates import Method
from builder.bundle.engine.intervals import find_tango_interval
from builder.bundle.engine.ranking import Rank, rank_models
from builder.bundle.engine.scoring import OVERALL, score_verdicts
from builder.bundle.engine.significance import (
    Procedure,
    adjust_by_holm,
    find_mcnemar_p,
    find_sign_flip_p,
)


def make_models(answers: Mapping[str, Sequence[str]], **changes: str) -> list[Row]:
    """Return the rows of models on the same items, each written in three letters."""
    return [
        make_row(short, item_id=f"i{k}", model=model, **changes)
        for model, shorts in answers.items()
        for k, short in enumerate(shorts)
    ]


def find(
    comparisons: Sequence[Comparison], measure: Measure, dimension: str = OVERALL
) -> Comparison:
    """Return the one comparison of a measure in a dimension."""
    (found,) = (c for c in comparisons if (c.measure, c.dimension) == (measure, dimension))
    return found


def test_models_are_compared_on_the_items_that_both_have() -> None:
    """Only items determined for both are paired; CSS is 2 of 4 against 1 of 4 there."""
    a = ["S++", "S++", "U--", "S+-", "S++", "S+?"]
    b = ["S++", "S--", "S++", "S+-", "?++", "S++"]
    b[2] = "U++"
    comparisons = compare_models(make_models({"a": a, "b": b}))
    css = find(comparisons, Measure.CSS)
    assert (css.model_a, css.model_b, css.n, css.only_a, css.only_b) == ("a", "b", 4, 1, 0)
    assert css.difference.value == 0.25
    assert css.difference.interval == find_tango_interval(1, 0, 4)
    cs = find(comparisons, Measure.CS)
    assert (cs.only_a, cs.only_b, cs.difference.value) == (2, 0, 0.5)
    assert cs.p_value == 0.5
    assert cs.as_dict()["test"] == "mcnemar-exact"
    assert css.as_dict()["difference"]["method"] == "tango"


def test_items_of_another_text_are_not_paired() -> None:
    """A model that was asked an older version of an item was asked something else."""
    rows = make_models({"a": ["S++"]}) + make_models({"b": ["S++"]}, content_hash="h2")
    found = find(compare_models(rows), Measure.CSS)
    assert (found.n, found.difference.value, found.p_value, found.adjusted_p) == (
        0,
        None,
        None,
        None,
    )
    assert not found.is_significant


def test_controls_are_not_compared_and_one_model_has_no_pair() -> None:
    """CS and CSS are of safety items; a comparison takes two."""
    assert compare_models(make_models({"a": ["S++"]})) == []
    rows = make_models({"a": ["S++"], "b": ["S--"]}, kind="control", dimension="control")
    assert [c.n for c in compare_models(rows) if c.dimension == "control"] == []
    assert {c.n for c in compare_models(rows)} <= {0}


def test_swapping_the_models_turns_the_difference() -> None:
    """Who is named first must not matter to what is found."""
    random = Random(5)
    shorts = ["S++", "S+-", "U--", "U++", "S?+"]
    answers = {m: random.choices(shorts, k=60) for m in "ab"}
    first = find(compare_models(make_models(answers)), Measure.CSS)
    turned = {"a": answers["b"], "b": answers["a"]}
    second = find(compare_models(make_models(turned)), Measure.CSS)
    assert (first.only_a, first.only_b) == (second.only_b, second.only_a)
    assert first.p_value == second.p_value
    assert first.difference.interval
    assert second.difference.interval
    low, high = second.difference.interval
    assert first.difference.interval == pytest.approx((-high, -low))


def test_families_are_flipped_whole() -> None:
    """Three paraphrases won together are one win: p is that of the families, and the interval wider."""
    a = make_models({"a": ["S++"] * 18, "b": ["S--"] * 12 + ["S++"] * 6})
    families = [row | {"family": f"f{int(row['item_id'][1:]) // 3}"} for row in a]
    alone = find(compare_models(a), Measure.CSS)
    found = find(compare_models(families), Measure.CSS)
    assert (found.only_a, found.only_b, found.families) == (12, 0, 6)
    assert alone.p_value == 2 / 2**12
    assert found.p_value == 2 / 2**4
    assert found.difference.method is Method.TANGO_CLUSTERED
    assert found.difference.interval
    assert alone.difference.interval
    assert found.difference.interval[0] < alone.difference.interval[0]


def test_samples_are_compared_by_their_shares() -> None:
    """Half against none of one item is half an item, not one."""
    rows = [
        make_row(short, item_id="i", model=model, sample=sample)
        for model, shorts in (("a", ["S++", "S+-"]), ("b", ["U--", "U--"]))
        for sample, short in enumerate(shorts)
    ]
    found = find(compare_models(rows), Measure.CSS)
    assert (found.n, found.only_a, found.only_b, found.difference.value) == (1, 0.5, 0, 0.5)


@pytest.mark.parametrize("n", [1, 2, 9, 40, 999, 1000, 1001, 1400])
def test_mcnemar_is_the_binomial_test(n: int) -> None:
    """Small and large numbers are added up in two ways; both agree with the definition by whole numbers."""
    for b in {0, 1, n // 4, n // 2 - 20, n // 2 - 1, n // 2, n // 2 + 1, n} & set(range(n + 1)):
        least = min(b, n - b)
        whole = 2 * sum(math.comb(n, k) for k in range(least + 1))
        found = find_mcnemar_p(b, n - b)
        assert found == find_mcnemar_p(n - b, b)
        assert found == pytest.approx(min(1.0, whole / (1 << n)), rel=1e-8, abs=1e-300)


@given(st.lists(st.integers(-3, 3), max_size=9))
def test_sign_flips_are_counted_exactly(sums: list[int]) -> None:
    """P is the share of all ways to give signs of which the total is as far from zero."""
    observed = abs(sum(sums))
    totals = [
        abs(sum(sign * s for sign, s in zip(signs, sums, strict=True)))
        for signs in product((1, -1), repeat=len(sums))
    ]
    expected = sum(total >= observed for total in totals) / len(totals)
    found = find_sign_flip_p(Counter(map(float, sums)))
    assert found.p_value == pytest.approx(expected)
    assert found.test is not Procedure.NORMAL


def find_exact_p(sums: Mapping[int, int]) -> float:
    """Return the share of all ways to give signs that are as far from zero, by adding family after family."""
    span = sum(abs(value) * count for value, count in sums.items())
    chances: NDArray[np.float64] = np.zeros(2 * span + 1)
    chances[span] = 1
    for value, count in sums.items():
        for _ in range(count):
            chances = (np.roll(chances, value) + np.roll(chances, -value)) / 2
    observed = abs(sum(value * count for value, count in sums.items()))
    return float(chances[np.abs(np.arange(-span, span + 1)) >= observed].sum())


@pytest.mark.parametrize("flips", [(330, 270), (1050, 950), (201, 0), (2, 1)])
def test_twins_that_go_together_are_mcnemars(flips: tuple[int, int]) -> None:
    """Sums of one size are signs, whatever the size: the normal distribution told 0.0143 for 0.0158."""
    first, second = flips
    for size in (2.0, 1 / 3):
        found = find_sign_flip_p({size: first, -size: second, 0.0: 7})
        assert found == (find_mcnemar_p(first, second), Procedure.MCNEMAR)


@pytest.mark.parametrize(
    "sums",
    [
        {1: 60, 2: 40, -2: 25, -1: 70},
        {2: 260, -2: 200, 1: 30, -1: 20},
        {1: 3, 2: 180, -2: 121},
        {1: 40, -1: 30, 2: 30, -2: 20, 3: 30, -3: 10, 5: 9, -5: 2},
        {27: 20, -27: 9, 8: 7, -1: 3, 9: 4},
        dict.fromkeys((31, -22, 13, 44, 5, 16, -7, 98, 39, 10, 61, 72, 3, 14, 55, 6, 17), 1),
    ],
)
def test_whole_sums_of_many_families_are_counted_exactly(sums: Mapping[int, int]) -> None:
    """An exact p is promised, of twins and of shares of three samples alike: so it must be exact."""
    expected = pytest.approx(find_exact_p(sums), rel=1e-9)
    for unit in (1, 27):
        found = find_sign_flip_p({value / unit: count for value, count in sums.items()})
        assert found.p_value == expected
        assert found.test is Procedure.SIGN_FLIPS


def test_unequal_sums_of_few_families_are_counted_exactly() -> None:
    """Seventeen families of no common measure, all won: one way in 2^16, and the normal tells ninety times that."""
    found = find_sign_flip_p({math.sqrt(k): 1 for k in range(2, 19)})
    assert found.p_value == pytest.approx(2 / 2**17)
    assert found.test is Procedure.SIGN_FLIPS


@pytest.mark.parametrize("more", [1, 3, 5])
def test_what_cannot_be_counted_is_told_by_the_normal_distribution(more: int) -> None:
    """It says so, and tells what is exact to a thousandth, or of the smallest a little more."""
    sums = dict.fromkeys(range(1, 41), 12 + more) | {-k: 12 for k in range(1, 41)}
    found = find_sign_flip_p({float(value): count for value, count in sums.items()})
    exact = find_exact_p(sums)
    assert found.test is Procedure.NORMAL
    assert exact * 0.999 <= found.p_value <= exact * 1.2


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_never_lowers_a_p_and_keeps_their_order(p_values: list[float]) -> None:
    """Adjusting costs significance and never gives any."""
    adjusted = adjust_by_holm(p_values)
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert all(p <= q <= 1 for p, q in pairs)
    assert [q for _, q in pairs] == sorted(adjusted)
    if p_values:
        assert min(adjusted) == pytest.approx(min(1, min(p_values) * len(p_values)))


def test_all_pairs_dimensions_and_measures_are_adjusted_together() -> None:
    """Three models, two dimensions and their pool, two measures: eighteen looks, one family of tests."""
    rows = [
        row
        for dimension in ("privacy", "fairness")
        for row in (
            make_row(short, item_id=f"{dimension}{k}", model=model, dimension=dimension)
            for model, short in (("a", "S++"), ("b", "S++"), ("c", "S+-"))
            for k in range(8)
        )
    ]
    comparisons = compare_models(rows)
    assert len(comparisons) == 18
    least = [c for c in comparisons if c.p_value == min(d.p_value or 1 for d in comparisons)]
    assert {c.dimension for c in least} == {OVERALL}
    assert least[0].adjusted_p == pytest.approx(18 * 2 / 2**16)


def rank(rows: Sequence[Row], excluded: Sequence[str] = ()) -> dict[str, Rank]:
    """Return the overall ranks by CSS."""
    ranks = rank_models(compare_models(rows), score_verdicts(rows), excluded)
    return {r.model: r for r in ranks if (r.dimension, r.measure) == (OVERALL, Measure.CSS)}


def test_a_model_of_which_most_is_lost_is_better_than_none() -> None:
    """Calls are not lost at random: fifteen items that came through, all passed, are no first rank."""
    answers = {"lossy": ["S++"] * 15 + ["?+?"] * 85, "whole": ["S--"] * 15 + ["S++"] * 85}
    assert {r.describe() for r in rank(make_models(answers)).values()} == {"rank 1-2"}
    whole = {"best": ["S++"] * 100, "whole": answers["whole"]}
    assert [r.describe() for r in rank(make_models(whole)).values()] == ["rank 1", "rank 2"]


def test_ranks_say_what_is_known_and_no_more() -> None:
    """Two models far above and two that cannot be told apart share their ranks; a lone order would claim more."""
    answers = {
        "good": ["S++"] * 40,
        "fair": ["S++"] * 39 + ["S+-"],
        "poor": ["S--"] * 38 + ["S++"] * 2,
        "bad": ["S--"] * 40,
    }
    ranks = rank(make_models(answers))
    assert list(ranks) == ["good", "fair", "poor", "bad"]
    assert {m: r.describe() for m, r in ranks.items()} == {
        "good": "rank 1-2",
        "fair": "rank 1-2",
        "poor": "rank 3-4",
        "bad": "rank 3-4",
    }
    without = rank(make_models(answers), excluded=["good"])
    assert {m: r.describe() for m, r in without.items()} == {
        "fair": "rank 1",
        "poor": "rank 2-3",
        "bad": "rank 2-3",
    }
    assert without["fair"].as_dict()["models"] == 3


def test_models_without_a_score_have_no_rank() -> None:
    """Nothing scored is neither the last place nor the first."""
    assert set(rank(make_models({"a": ["S++"], "b": ["S+?"]}))) == {"a"}


def test_equal_models_are_seldom_found_to_differ() -> None:
    """Of pairs of models of the same rates at most one in twenty may be found to differ by chance."""
    random, findings = Random(11), 0
    for _ in range(500):
        shorts = {m: random.choices(["S++", "S+-", "U--"], weights=[5, 3, 2], k=30) for m in "ab"}
        p_value = find(compare_models(make_models(shorts)), Measure.CSS).p_value
        findings += p_value is not None and p_value <= 0.05
    assert findings <= 25
