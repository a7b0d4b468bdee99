"""Dawid-Skene: the published data, another program's values, and reviewers whose accuracy is known."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.dawid_skene import (
    TIE,
    DawidSkene,
    describe_accuracy,
    fit_dawid_skene,
    fit_ratings,
)

# Dawid and Skene (1979), table 1: 45 patients, seen three times by anaesthetist 1, once by 2 to 5.
PATIENTS = [
    "1111111",
    "3334334",
    "1122122",
    "2223121",
    "2223222",
    "2223322",
    "1222111",
    "3333433",
    "2222223",
    "2322223",
    "4444444",
    "2223343",
    "1111111",
    "2223212",
    "1211111",
    "1112111",
    "1111111",
    "1111111",
    "2222221",
    "2221322",
    "2222222",
    "2222221",
    "2223222",
    "2212222",
    "1111111",
    "1111111",
    "2322222",
    "1111111",
    "1111111",
    "1121121",
    "1111111",
    "3333233",
    "1111111",
    "2222222",
    "2223232",
    "4334343",
    "2212232",
    "2323233",
    "3333432",
    "1111111",
    "1111111",
    "1212111",
    "2322222",
    "1211111",
    "2222222",
]

# Twelve units, four raters; probability of "a" after twelve steps of crowd-kit 1.4.2, whose floor
# under a probability, 1e-10, shows in the ninth digit.
UNITS = "aabb abab aaab bbb. bb.b aab. abbb .aab bbbb aaaa babb aa.a"
CROWD_KIT = [
    0.766009256609, 0.982155125567, 0.998584321533, 1.021e-09, 2.17e-09, 0.83208045926,
    0.203463867734, 0.994172388263, 6.75e-10, 1.0, 8.648e-09, 0.999999999995,
]  # fmt: skip


def read_ratings(text: str) -> dict[str, dict[str, str]]:
    """Return the ratings of units written side by side, a letter for each rater."""
    return {
        f"u{u:02}": {f"r{r}": label for r, label in enumerate(unit) if label != "."}
        for u, unit in enumerate(text.split())
    }


def fit(text: str, **options: float) -> DawidSkene:
    """Return the model fitted to units written side by side."""
    fitted = fit_dawid_skene(read_ratings(text), smoothing=options.get("smoothing", 2.0))
    assert fitted is not None
    return fitted


def test_the_published_data_give_the_published_estimates() -> None:
    """Marginals 0.40, 0.42, 0.11, 0.07 and the error rates of the first anaesthetist, by maximum likelihood."""
    ratings = [
        (f"{number:02}", str(max(1, place - 1)), label)
        for number, patient in enumerate(PATIENTS, start=1)
        for place, label in enumerate(patient)
    ]
    fitted = fit_ratings(ratings, smoothing=0)
    assert fitted is not None
    assert fitted.is_converged
    assert [round(p, 2) for p in fitted.prior.values()] == [0.40, 0.42, 0.11, 0.07]
    first = [[round(p, 2) for p in row.values()] for row in fitted.confusion["1"].values()]
    assert first == [
        [0.89, 0.11, 0.0, 0.0],
        [0.07, 0.88, 0.05, 0.0],
        [0.0, 0.34, 0.66, 0.0],
        [0.0, 0.0, 0.56, 0.44],
    ]
    assert fitted.answers["1"] == 3 * fitted.answers["5"] == 135


def test_posteriors_equal_those_of_another_program() -> None:
    """The same start and the same number of steps lead crowd-kit to the same probabilities."""
    fitted = fit_dawid_skene(
        read_ratings(UNITS), smoothing=0, tolerance=float("-inf"), max_iterations=12
    )
    assert fitted is not None
    assert len(fitted.objective) == 12
    found = [fitted.posteriors[unit]["a"] for unit in sorted(fitted.posteriors)]
    assert found == pytest.approx(CROWD_KIT, abs=1e-9)


def test_one_rater_is_believed() -> None:
    """With nothing to compare, the labels given are the best guess."""
    assert list(fit("a b b a").find_labels().values()) == ["a", "b", "b", "a"]


def test_raters_of_one_mind_are_right() -> None:
    """All agreeing is the plainest case, and must not break on what never occurred."""
    fitted = fit_dawid_skene(read_ratings("aaa aaa aaa"), categories="ab")
    assert fitted is not None
    assert set(fitted.find_labels().values()) == {"a"}
    assert fitted.find_accuracy("r0") > 0.8
    assert fit("aaa aaa", smoothing=0.0).prior == {"a": 1.0}


def test_no_ratings_are_no_model() -> None:
    """Nothing rated is no score, and unrated units are not part of it."""
    assert fit_dawid_skene({}) is None
    assert fit_dawid_skene({"u": {}}) is None


def test_a_draw_between_two_is_a_tie() -> None:
    """Two raters who never agree give no reason to prefer either, and no label is made up."""
    assert set(fit("ab ba").find_labels().values()) == {TIE}


def test_a_label_out_of_place_is_an_error() -> None:
    """A label that could not be given points to a fault upstream."""
    with pytest.raises(ValueError, match="c: not among a, b"):
        fit_dawid_skene(read_ratings("ac"), categories="ab")


def test_accuracy_is_told_in_one_line() -> None:
    """The line names its denominator."""
    assert describe_accuracy(fit("aab bba aaa bbb"), "r2").endswith("by Dawid-Skene on 4 answers")


@given(st.lists(st.text("abc.", min_size=3, max_size=3), min_size=1, max_size=10))
def test_the_objective_never_falls_and_order_does_not_matter(units: list[str]) -> None:
    """Expectation and maximisation climb; the same ratings give the same model in any order."""
    ratings = read_ratings(" ".join(units))
    fitted = fit_dawid_skene(ratings, categories="abc")
    turned = {unit: dict(reversed(given.items())) for unit, given in reversed(ratings.items())}
    assert fit_dawid_skene(turned, categories="abc") == fitted
    if fitted is None:
        return
    steps = zip(fitted.objective, fitted.objective[1:], strict=False)
    assert all(later >= earlier - 1e-9 for earlier, later in steps)
    for chances in fitted.posteriors.values():
        assert sum(chances.values()) == pytest.approx(1)


def simulate(
    seed: int, accuracies: list[float], units: int, share: float
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return true labels, "a" in ``share`` of units, and those of three raters drawn for each unit."""
    draw = random.Random(seed)
    truth, ratings = {}, {}
    for number in range(units):
        unit, label = f"u{number}", "a" if draw.random() < share else "b"
        other = "b" if label == "a" else "a"
        truth[unit] = label
        ratings[unit] = {
            f"r{rater}": label if draw.random() < accuracies[rater] else other
            for rater in draw.sample(range(len(accuracies)), 3)
        }
    return truth, ratings


@pytest.mark.parametrize(
    ("accuracies", "share", "error"),
    [
        ([0.95, 0.8, 0.65], 0.5, 0.05),
        ([0.97, 0.9, 0.6, 0.6, 0.6], 0.6, 0.05),
        # Where one label is rare, three reviewers tell little of how they err on it.
        ([0.95, 0.7, 0.7], 0.95, 0.1),
    ],
)
def test_unequal_reviewers_are_heard_better_than_by_majority(
    accuracies: list[float], share: float, error: float
) -> None:
    """Knowing who errs recovers labels that a plain vote loses; averaged over ten seeds."""
    gained, by_votes, errors = 0, 0, []
    for seed in range(10):
        truth, ratings = simulate(seed, accuracies, 300, share)
        fitted = fit_dawid_skene(ratings, categories="ab")
        assert fitted is not None
        found = fitted.find_labels()
        gained += sum(found[unit] == label for unit, label in truth.items())
        votes = {
            unit: Counter(given.values()).most_common(1)[0][0] for unit, given in ratings.items()
        }
        by_votes += sum(votes[unit] == label for unit, label in truth.items())
        errors.append(abs(fitted.find_accuracy("r0") - accuracies[0]))
    print(f"right of 3,000: Dawid-Skene {gained}, majority {by_votes}")
    assert gained > by_votes + 60
    assert sum(errors) / len(errors) < error
