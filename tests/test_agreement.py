"""Agreement of labels: by hand, as published, as other programs compute it, and by its properties."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.agreement.measures import (
    Agreement,
    IntervalState,
    ScoreState,
    measure_agreement,
)
from annotations.agreement.skew import explain_skew

Ratings = dict[str, dict[str, str]]

# Krippendorff (2011), section C: four observers, twelve units; a point is a value that is missing.
KRIPPENDORFF = "11.1 2232 3333 3333 2222 1234 4444 1121 2222 .555 ..11 .3.."

SKEWED = (
    ".aa aab .aa bba aaa aa. aaa aca aac a.. .aa ca. a.a a.. caa a.. aa. ba. aaa aaa aa. a.a "
    "aaa aaa baa aa. ca. ccc ... aaa"
)

# Units, labels that could be given, and alpha, AC1 and percent agreement as computed by krippendorff
# 0.9.0 (alpha) and irrCAC 0.4.4 (the other two) on the same ratings.
ORACLES = [
    (KRIPPENDORFF, "12345", 0.743421052631579, 0.775444068126995, 0.818181818181818),
    (
        "bbbba .aaaa aa.ab ababa .b.bb bb.bb baabb aa.ba",
        "ab",
        0.3125,
        0.353635798632691,
        0.675,
    ),
    ("..a .a. .ba b.a ... ..b ... ..a", "ab", -0.5, -0.8, 0.0),
    (
        "caa aca bbb bbc aab abb ccc ccc",
        "abc",
        0.39790575916230375,
        0.376623376623376,
        0.583333333333333,
    ),
    ("a. aa ab aa aa bb aa b.", "abcd", 0.5925925925925926, 0.805471124620061, 0.833333333333333),
    ("ba. aaa dd. .cc a.a ..a baa dbd", "abcd", 0.5102040816326531, 0.574750830564784, 2 / 3),
    (
        SKEWED,
        "abc",
        0.19753086419753085,
        0.684952237110858,
        0.730769230769231,
    ),
]


def read_ratings(text: str) -> Ratings:
    """Return the ratings of units written side by side, a letter for each rater."""
    return {
        f"unit-{u}": {f"rater-{r}": label for r, label in enumerate(unit) if label != "."}
        for u, unit in enumerate(text.split())
    }


def list_values(agreement: Agreement) -> list[float | None]:
    """Return the values of the three measures."""
    return [agreement.percent.value, agreement.alpha.value, agreement.ac1.value]


def make_units(labels: str = "abc") -> st.SearchStrategy[list[str]]:
    """Return a strategy of units with three raters, some of them missing."""
    return st.lists(st.text(f"{labels}.", min_size=3, max_size=3), max_size=12)


def test_measures_worked_by_hand() -> None:
    """The examples of the docstrings hold, so that a reader can follow each formula."""
    assert measure_agreement(read_ratings("yyn nnn")).percent.value == pytest.approx(2 / 3)
    assert measure_agreement(read_ratings("aa bb ab")).alpha.value == pytest.approx(4 / 9)
    skewed = measure_agreement(read_ratings("yy yy yy yn"))
    assert skewed.ac1.value == pytest.approx(0.68)
    assert skewed.alpha.value == pytest.approx(0.0)


def test_krippendorffs_example_gives_the_published_alpha() -> None:
    """0.743 is what Krippendorff (2011) works out step by step; 0.77544 is Gwet's AC1 of his data."""
    found = measure_agreement(read_ratings(KRIPPENDORFF), categories="12345")
    assert found.alpha.value == pytest.approx(0.743, abs=5e-4)
    assert found.ac1.value == pytest.approx(0.77544, abs=5e-6)
    basis = found.basis
    assert (basis.units, basis.ratings) == (12, 41)
    assert (basis.pairable_units, basis.pairable_ratings) == (11, 40)


@pytest.mark.parametrize(("text", "labels", "alpha", "ac1", "percent"), ORACLES)
def test_values_equal_those_of_other_programs(
    text: str, labels: str, alpha: float, ac1: float, percent: float
) -> None:
    """What others compute on the same ratings is what we compute, to 1e-9."""
    found = measure_agreement(read_ratings(text), categories=labels)
    assert found.alpha.value == pytest.approx(alpha, abs=1e-9)
    assert found.ac1.value == pytest.approx(ac1, abs=1e-9)
    assert found.percent.value == pytest.approx(percent, abs=1e-9)


@pytest.mark.parametrize("text", ["", "...", "a.. .b. ..a"])
def test_nothing_to_pair_is_no_score(text: str) -> None:
    """An empty denominator is not a score of 0, nor of 1."""
    found = measure_agreement(read_ratings(text), rng=np.random.default_rng(1))
    assert list_values(found) == [None, None, None]
    assert found.alpha.state is ScoreState.NO_PAIRS
    assert found.alpha.interval_state is IntervalState.NO_SCORE


def test_one_category_leaves_alpha_undefined() -> None:
    """Where no disagreement was possible, alpha says nothing; AC1 knows what else could be said."""
    found = measure_agreement(read_ratings("yy yyy y."), categories=["n", "y"])
    assert found.alpha.value is None
    assert found.alpha.state is ScoreState.ONE_CATEGORY
    assert found.percent.value == found.ac1.value == 1.0
    assert measure_agreement(read_ratings("yy")).ac1.state is ScoreState.ONE_CATEGORY


def test_few_shared_units_have_percent_alone() -> None:
    """A coefficient of three items would be read as if it meant something."""
    found = measure_agreement(read_ratings("ab aa bb"), least_units=4)
    assert found.percent.value == pytest.approx(2 / 3)
    assert {found.alpha.state, found.ac1.state} == {ScoreState.TOO_FEW}


def test_a_label_out_of_place_is_an_error() -> None:
    """A label that could not be given points to a fault upstream, not to disagreement."""
    with pytest.raises(ValueError, match="c: not among a, b"):
        measure_agreement(read_ratings("ac"), categories="ab")


@given(make_units(), st.permutations("abc"))
def test_names_and_order_do_not_matter(units: list[str], names: list[str]) -> None:
    """Raters and units in another order, or labels under other names, agree as before."""
    renamed = dict(zip("abc", names, strict=True))
    ratings = read_ratings(" ".join(units))
    turned = {
        unit: {rater: renamed[label] for rater, label in reversed(given.items())}
        for unit, given in sorted(ratings.items(), reverse=True)
    }
    before = list_values(measure_agreement(ratings, categories="abc"))
    after = list_values(measure_agreement(turned, categories="abc"))
    assert after == pytest.approx(before)


@given(make_units())
def test_values_stay_within_their_range(units: list[str]) -> None:
    """Percent is a share, alpha and AC1 are at most 1, and at 1 exactly where percent is."""
    found = measure_agreement(read_ratings(" ".join(units)), categories="abc")
    percent, alpha, ac1 = list_values(found)
    assert percent is None or 0 <= percent <= 1
    for value in (alpha, ac1):
        assert value is None or -1 <= value <= 1
        assert value is None or (value == 1) == (percent == 1)


@given(make_units())
def test_units_twice_agree_as_once(units: list[str]) -> None:
    """Means over units do not know how many there are; alpha corrects for few and comes nearer to AC1's way."""
    once = measure_agreement(read_ratings(" ".join(units)), categories="abc")
    twice = measure_agreement(read_ratings(" ".join([*units, *units])), categories="abc")
    assert twice.percent.value == pytest.approx(once.percent.value)
    assert twice.ac1.value == pytest.approx(once.ac1.value)


def simulate(rng: np.random.Generator, units: int, *, family: int = 1) -> Ratings:
    """Return three raters' labels, each right with 85%; units of a family are all alike."""
    truth = rng.integers(0, 2, units // family).repeat(family)
    wrong = (rng.random((units // family, 3)) > 0.85).repeat(family, axis=0)
    labels = np.where(wrong, 1 - truth[:, None], truth[:, None])
    return {
        f"u{u:05}": {f"r{r}": "ab"[label] for r, label in enumerate(row)}
        for u, row in enumerate(labels.tolist())
    }


def test_intervals_are_seeded_and_hold_the_value() -> None:
    """The same seed gives the same interval, in whatever order the ratings come."""
    ratings = simulate(np.random.default_rng(7), 100)
    turned = dict(reversed(ratings.items()))
    one = measure_agreement(ratings, rng=np.random.default_rng(3))
    two = measure_agreement(turned, rng=np.random.default_rng(3))
    assert one == two
    for estimate in (one.percent, one.alpha, one.ac1):
        assert estimate.interval is not None
        assert estimate.value is not None
        assert estimate.interval[0] < estimate.value < estimate.interval[1]
    assert measure_agreement(ratings).alpha.interval_state is IntervalState.NOT_ASKED


def test_intervals_that_would_mislead_are_not_told() -> None:
    """Units that are all alike, or a rare disagreement that many resamples miss, give no interval."""
    rng = np.random.default_rng(1)
    alike = measure_agreement(read_ratings("aa aa aa"), categories="ab", rng=rng)
    assert alike.percent.interval_state is IntervalState.NO_VARIATION
    rare = measure_agreement(read_ratings("ab " + "aa " * 50), rng=rng)
    assert rare.alpha.interval_state is IntervalState.OFTEN_UNDEFINED
    assert rare.percent.interval_state is IntervalState.GIVEN


def test_families_resampled_whole_widen_the_interval() -> None:
    """Ten copies of one item say no more than the item."""
    ratings = simulate(np.random.default_rng(5), 400, family=10)
    clusters = {unit: unit[:-1] for unit in ratings}
    widths = []
    for groups in (None, clusters):
        found = measure_agreement(ratings, clusters=groups, rng=np.random.default_rng(2))
        assert found.alpha.interval is not None
        widths.append(found.alpha.interval[1] - found.alpha.interval[0])
    assert widths[1] > 2 * widths[0]


def test_intervals_cover_the_true_value() -> None:
    """Of 200 simulated rounds about 95% hold the true agreement: 1 − 2·0.85·0.15 = 74.5%, alpha 0.49."""
    rng = np.random.default_rng(11)
    held = {"percent": 0, "alpha": 0}
    for _ in range(200):
        found = measure_agreement(simulate(rng, 150), rng=rng, resamples=500)
        for name, estimate, true in (
            ("percent", found.percent, 0.745),
            ("alpha", found.alpha, 0.49),
        ):
            assert estimate.interval is not None
            held[name] += estimate.interval[0] <= true <= estimate.interval[1]
    assert all(180 <= n <= 199 for n in held.values()), held


def test_thousands_of_items_are_resampled_at_once() -> None:
    """Equal units are drawn together, so that a large round costs what a small one does."""
    ratings = simulate(np.random.default_rng(1), 2000)
    start = time.process_time()
    measure_agreement(ratings, rng=np.random.default_rng(1))
    print(f"2,000 units x 3 raters x 1,000 resamples: {time.process_time() - start:.3f} s")
    clusters = {unit: unit[:-1] for unit in ratings}
    assert measure_agreement(
        ratings, clusters=clusters, rng=np.random.default_rng(1)
    ).alpha.interval


def test_skew_is_said_plainly() -> None:
    """A low alpha under skew must not be read as careless review, nor a high AC1 as proof."""
    skewed = explain_skew(measure_agreement(read_ratings("yy " * 46 + "yn yn yn ny")))
    assert skewed.startswith(
        '96 of 100 ratings are "y": agreement is 92% and AC1 0.91, while alpha'
    )
    assert "does not show careless reviewers" in skewed
    one = explain_skew(measure_agreement(read_ratings("yy yy"), categories="ny"))
    assert "alpha is not defined" in one
    assert explain_skew(measure_agreement(read_ratings(KRIPPENDORFF))) == ""
    assert explain_skew(measure_agreement({})) == ""
