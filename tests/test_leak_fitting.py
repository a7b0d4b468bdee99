"""How auditors are fitted, what they would earn without a leak, and what explains a leak."""

import random

import numpy as np
import pytest
from option_pairs import make_pairs
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from builder.checks.leak.audit import audit_options
from builder.checks.leak.auditors import GATE, list_fitted, list_words
from builder.checks.leak.explain import explain
from builder.checks.leak.fitting import Matrix, measure_margins
from builder.checks.leak.gauges import OptionPair, count_wins


@pytest.mark.parametrize("name", [auditor.name for auditor in list_fitted()])
def test_margins_are_those_of_scikit_learns_logistic_regression(name: str) -> None:
    """All relabellings are fitted at once by our own steps: each must be the fit that it stands for."""
    pairs = make_pairs(60, 3)
    (auditor,) = (auditor for auditor in list_fitted() if auditor.name == name)
    features = auditor.prepare(pairs)
    fitted, tested = np.arange(40), np.arange(40, 60)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=(60, 4))
    signs[:, 0] = 1
    found = measure_margins(features, [(fitted, tested)], signs)
    positive, negative = features(fitted)
    differences = sparse.csr_matrix(positive - negative)
    for column in range(4):
        signed = differences[fitted].multiply(signs[fitted, column][:, None]).tocsr()
        model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=10_000, tol=1e-9)
        model.fit(sparse.vstack([signed, -signed]), np.repeat([1, 0], 40))
        expected = signs[tested, column] * model.decision_function(differences[tested])
        assert found.differences[tested, column] == pytest.approx(expected, abs=2e-3)
    assert not found.differences[fitted].any(), "what no split tests has no margin"


def test_nothing_is_learnt_from_tested_pairs() -> None:
    """A word that only tested pairs have must change no other margin."""
    pairs = make_pairs(40, 5)
    changed = [*pairs[:39], OptionPair("Zebra quagga!", "Okapi; okapi", pairs[39].family)]
    splits = [(np.arange(30), np.arange(30, 40))]
    for auditor in list_fitted():
        margins = [
            measure_margins(auditor.prepare(p), splits, np.ones((40, 1))).differences[30:39]
            for p in (pairs, changed)
        ]
        assert margins[0] == pytest.approx(margins[1], abs=1e-9), auditor.name


def _swap(pairs: list[OptionPair], signs: Matrix) -> list[OptionPair]:
    return [
        pair if sign > 0 else OptionPair(pair.negative, pair.positive, pair.family)
        for pair, sign in zip(pairs, signs, strict=True)
    ]


def test_flipping_a_label_is_swapping_the_options() -> None:
    """The null must be what auditors would earn had the options been written the other way round."""
    pairs = make_pairs(50, 6, lambda text: text + "!")
    signs = np.random.default_rng(2).choice([-1.0, 1.0], size=50)
    splits = [(np.arange(0, 40), np.arange(40, 50)), (np.arange(10, 50), np.arange(0, 10))]
    for auditor in list_fitted():
        flipped = measure_margins(auditor.prepare(pairs), splits, signs[:, None]).differences
        swapped = measure_margins(auditor.prepare(_swap(pairs, signs)), splits, np.ones((50, 1)))
        assert flipped == pytest.approx(swapped.differences, abs=2e-3), auditor.name


def test_the_null_is_the_best_of_all_auditors_and_the_same_for_the_same_seed() -> None:
    """Looking at thirteen auditors and telling the best would make a finding of nothing."""
    pairs = make_pairs(60, 7)
    one, other = (audit_options(pairs, permutations=50, seed=3) for _ in range(2))
    assert one.null is not None
    assert other.null is not None
    assert list(one.null.accuracies) == list(other.null.accuracies)
    assert one.null.observed == max(gauge.accuracy or 0 for gauge in one.gauges)
    assert one.null.accuracies.mean() > 0.55, "the best of many earns more than a half by luck"
    assert 1 / 51 <= one.null.p_value <= 1


@pytest.mark.slow
def test_p_values_of_sets_without_a_leak_are_not_small_too_often() -> None:
    """A null that were too narrow would cry leak at every set."""
    values = []
    for seed in range(12):
        null = audit_options(make_pairs(40, 100 + seed), permutations=40, seed=seed).null
        assert null is not None
        values.append(null.p_value)
    assert sum(value <= 0.1 for value in values) <= 4
    assert np.mean(values) > 0.25


def test_of_very_many_pairs_the_null_takes_whole_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """The null of a thousand pairs tells enough; half a family would make it too narrow."""
    monkeypatch.setattr("builder.checks.leak.audit._MOST_FOR_NULL", 60)
    pairs = []
    for pair in make_pairs(80, 8):
        pairs += [pair, OptionPair(pair.negative, pair.positive, pair.family)]
    null = audit_options(pairs, permutations=20).null
    assert null is not None
    assert null.pairs == 60
    assert set(null.accuracies) == {0.5}, "mirrored twins are a half in every labelling"


def test_words_that_leak_are_counted_as_they_stand() -> None:
    """Worked by hand: what a curator reads must be true of the options."""
    rng = random.Random(1)
    pairs = [
        OptionPair(
            f"{'Surely' if n % 4 else 'Now'} {rng.choice('abcdef')} x{n}.", f"Then y{n}.", str(n)
        )
        for n in range(40)
    ]
    found = explain(audit_options(pairs, permutations=0))
    counted = {word.words: (word.positive, word.negative) for word in found.words}
    assert counted["then"] == (0, 40)
    assert counted["surely"] == (30, 0)
    assert counted["now"] == (10, 0)
    assert found.without_words is not None
    assert found.without_words < 0.9


def test_explanations_never_ask_the_auditor_that_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is mended by the gate's own words would no longer be measured by it."""
    audit = audit_options(make_pairs(60, 9, lambda text: text + " "), permutations=0)
    margins = {name: found for name, found in audit.margins.items() if name != GATE}
    blind = type(audit)(audit.pairs, audit.gauges, margins, audit.null)
    monkeypatch.setattr("builder.checks.leak.auditors._read_shapes", None)
    assert explain(blind) == explain(audit)


def test_arms_and_items_that_leak_are_named() -> None:
    """Leaks sit in some arms and items more than in others: these are what to rewrite first."""
    pairs = []
    for number, pair in enumerate(make_pairs(60, 10)):
        leaky = number % 3 == 0
        text = f"Honestly never, {pair.positive}" if leaky else pair.positive
        arms = ("refuse", "comply") if leaky else ("help", "refuse_unjustly")
        pairs.append(OptionPair(text, pair.negative, pair.family, pair.item_id, "d", *arms))
    audit = audit_options(pairs, permutations=0)
    found = explain(audit)
    assert (found.arms[0].positive_arm, found.arms[0].pairs) == ("refuse", 20)
    assert found.arms[0].words > found.arms[1].words
    leaky_items = {pair.item_id for pair in pairs if pair.positive_arm == "refuse"}
    assert len({item.item_id for item in found.items} & leaky_items) >= 4
    assert found.words_without_items is not None


def test_list_words_reads_latin_words_and_chinese_characters() -> None:
    """A Chinese character is a word; neighbours make pairs."""
    assert list_words("Ok, 不行!") == ["ok", "不", "行", "ok 不", "不 行"]
    assert count_wins(np.array([1e-9, -2.0, 3.0])).tolist() == [0.5, 0.0, 1.0]
