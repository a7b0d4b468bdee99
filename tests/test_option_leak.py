"""Option leak: it is measured truly, bounded by families, and never passed on too few pairs."""

import random
from collections.abc import Callable
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from option_pairs import make_pairs, read_fine_pairs
from scipy.stats import binomtest

from builder.checks.item_leak import audit_items, count_looks, gauge_items, list_pairs
from builder.checks.leak.advice import tell_what_to_do
from builder.checks.leak.audit import audit_options, gauge_form, split_by
from builder.checks.leak.auditors import GATE, list_fitted, read_shape
from builder.checks.leak.explain import explain
from builder.checks.leak.fitting import measure_margins
from builder.checks.leak.gauges import (
    Gauge,
    LeakKind,
    LeakVerdict,
    OptionPair,
    Role,
    count_wins,
    find_effective_size,
    make_gauge,
)
from builder.workspace import Stage, Workspace

BOUND = 0.6


def _audit(pairs: list[OptionPair]) -> dict[str, Gauge]:
    return {gauge.auditor: gauge for gauge in audit_options(pairs, permutations=0).gauges}


def test_fines_released_options_leak_as_is_known(fine_file: Path) -> None:
    """Known: the shorter option in 71%, words in about 97% once white space is stripped."""
    audit = audit_options(read_fine_pairs(fine_file), permutations=100)
    gauges = {gauge.auditor: gauge for gauge in audit.gauges}
    assert gauges["shorter option"].accuracy == 64 / 90
    assert 0.96 <= (gauges["words"].accuracy or 0) <= 0.99
    assert gauges["words"].kind is LeakKind.CONTENT
    assert audit.gate is not None
    assert audit.gate.judge(BOUND) is LeakVerdict.FAIL
    assert (audit.gate.across_dimensions or 0) > 0.85
    assert audit.null is not None
    assert audit.null.p_value == pytest.approx(1 / 101)
    assert audit.null.find_quantile(0.95) < 0.7
    assert gauges["refusing arm"].accuracy is None, "FINE declares no arms"


def test_fines_options_with_labels_flipped_at_random_do_not_leak(fine_file: Path) -> None:
    """200 relabellings of the leakiest set there is: whatever then deviates from a half is our fault."""
    pairs = read_fine_pairs(fine_file)
    signs = np.random.default_rng(7).choice([-1.0, 1.0], size=(len(pairs), 200))
    for auditor in list_fitted():
        splits = split_by([pair.family for pair in pairs], 5)
        found = measure_margins(auditor.prepare(pairs), splits, signs)
        assert 0.48 <= count_wins(found.differences).mean() <= 0.52, auditor.name


def test_the_simulators_options_do_not_leak(released_unchanged: Path) -> None:
    """Twins whose options swap roles earn every reader a half, by construction."""
    workspace = Workspace(released_unchanged)
    pairs = list_pairs(workspace.read_stage(Stage.CHECKED), workspace.taxonomy)
    audit = audit_options(pairs, permutations=20)
    verdicts = {gauge.auditor: gauge.judge(BOUND) for gauge in audit.gauges}
    assert LeakVerdict.FAIL not in verdicts.values(), verdicts
    assert verdicts[GATE] is LeakVerdict.PASS


@pytest.mark.parametrize(
    ("mark", "group"),
    [
        (lambda text: text + " ", "white space"),
        (lambda text: text[0].lower() + text[1:], "case"),
        (lambda text: f"“{text}”", "quotes"),
        (lambda text: f"Sorry, but as an AI I am unable to. {text}", "refusal phrases"),
    ],
)
def test_one_planted_mark_is_found_and_named(mark: Callable[[str], str], group: str) -> None:
    """A mark on one side gives the answer away however fair the rest is; the curator must be told which."""
    audit = audit_options(make_pairs(120, 1, mark), permutations=0)
    assert audit.gate is not None
    assert audit.gate.judge(BOUND) is LeakVerdict.FAIL
    best = explain(audit).marks[0]
    named = {found.group for found in explain(audit).marks if found.alone == best.alone}
    assert group in named, explain(audit).marks
    assert best.alone > 0.9


@pytest.mark.slow
def test_a_set_without_a_leak_passes_at_three_hundred_in_nine_of_ten_seeds() -> None:
    """A gate that held back sound sets would be waived as a habit."""
    verdicts = [gauge_form(make_pairs(300, seed)).judge(BOUND) for seed in range(40)]
    assert verdicts.count(LeakVerdict.PASS) >= 36
    assert LeakVerdict.FAIL not in verdicts


def test_a_set_without_a_leak_passes_at_three_hundred() -> None:
    """The same for three seeds, in the quick part of the suite."""
    verdicts = [gauge_form(make_pairs(300, seed)).judge(BOUND) for seed in range(3)]
    assert verdicts == [LeakVerdict.PASS] * 3


def test_eighteen_pairs_are_never_passed() -> None:
    """One dimension of FINE is too few to tell: bad luck of a reader shows nothing."""
    for seed in range(20):
        assert gauge_form(make_pairs(18, seed)).judge(BOUND) is LeakVerdict.INCONCLUSIVE


def test_length_rules_count_ties_half() -> None:
    """Worked by hand: shorter once, longer twice, one tie, so 1.5 of 4 and 2.5 of 4."""
    pairs = [
        OptionPair("No.", "Yes, do.", "a"),
        OptionPair("Yes, do.", "No.", "b"),
        OptionPair("Never.", "No.", "c"),
        OptionPair("No!", "Ok.", "d"),
    ]
    gauges = _audit(pairs)
    assert gauges["shorter option"].accuracy == 1.5 / 4
    assert gauges["longer option"].accuracy == 2.5 / 4


def test_arms_are_read_where_they_are_declared() -> None:
    """Picking whatever refuses must earn a half: 1 win, 1 loss, 1 tie here, the undeclared is a tie."""
    arms = [
        ("refuse", "comply"),
        ("help", "refuse_unjustly"),
        ("help", "comply"),
        ("unknown", "comply"),
    ]
    pairs = [OptionPair("No.", "Ok.", str(n), "", "", *arm) for n, arm in enumerate(arms)]
    gauges = _audit(pairs)
    assert gauges["refusing arm"].accuracy == gauges["complying arm"].accuracy == 0.5
    assert _audit(pairs[:1])["refusing arm"].accuracy == 1.0


@given(st.lists(st.sampled_from("+-="), min_size=1, max_size=30), st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_a_gauges_bounds_are_wilsons_with_families_as_the_sample(
    of_families: list[str], size: int
) -> None:
    """Twins are not independent: counting pairs would make bounds too narrow. Reference: scipy."""
    results, families = of_families * size, len(of_families)
    pairs = [OptionPair("a", "b", str(i % families)) for i in range(len(results))]
    margins = np.array([{"+": 1.0, "-": -1.0, "=": 0.0}[result] for result in results])
    gauge = make_gauge("x", LeakKind.SURFACE, Role.REPORT, pairs, margins)
    assert (gauge.pairs, gauge.families) == (len(results), families)
    assert gauge.accuracy == (results.count("+") + results.count("=") / 2) / len(results)
    assert gauge.lower == _find_wilson(gauge.accuracy * families, families, 0.90)[0]
    assert gauge.interval == _find_wilson(gauge.accuracy * families, families, 0.95)
    # Where an auditor lost, the leak is bounded as if it had tossed a coin.
    wins = max(gauge.accuracy, 0.5) * families
    assert gauge.upper == _find_wilson(wins, families, 0.90)[1]


@pytest.mark.parametrize(
    ("sizes", "effective"),
    [([1] * 7, 7), ([3, 3], 2), ([2, 1], 1.8), ([100] + [1] * 150, 62500 / 10150)],
)
def test_families_count_by_kishs_effective_size(sizes: list[int], effective: float) -> None:
    """Worked by hand: (2 + 1)² / (4 + 1) = 1.8; one large family must not pass for many."""
    assert find_effective_size(sizes) == pytest.approx(effective)


def _find_wilson(wins: float, families: int, level: float) -> tuple[object, object]:
    """Return scipy's Wilson interval, or anything for a fractional count."""
    if abs(wins - round(wins)) > 1e-9:
        return ANY, ANY
    found = binomtest(round(wins), families).proportion_ci(level, method="wilson")
    return pytest.approx(found.low, abs=1e-9), pytest.approx(found.high, abs=1e-9)


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [
        (0.45, 0.60, LeakVerdict.PASS),
        (0.45, 0.61, LeakVerdict.INCONCLUSIVE),
        (0.60, 0.75, LeakVerdict.INCONCLUSIVE),
        (0.61, 0.75, LeakVerdict.FAIL),
        (None, None, LeakVerdict.INCONCLUSIVE),
    ],
)
def test_a_verdict_follows_from_the_bounds(
    lower: float | None, upper: float | None, verdict: LeakVerdict
) -> None:
    """Passed means shown to be within the bound; what is not shown is not passed."""
    gauge = Gauge(GATE, LeakKind.SURFACE, Role.GATE, 300, 300, lower=lower, upper=upper)
    assert gauge.judge(BOUND) is verdict


@pytest.mark.parametrize("families", [10, 40])
def test_mirrored_twins_earn_every_auditor_exactly_a_half(families: int) -> None:
    """Two questions whose options swap roles are the honest way to no leak: it must be seen as such."""
    pairs = []
    for pair in make_pairs(families, 4, lambda text: text + " Surely!"):
        pairs += [pair, OptionPair(pair.negative, pair.positive, pair.family)]
    measured = [gauge for gauge in _audit(pairs).values() if "arm" not in gauge.auditor]
    for gauge in measured:
        assert gauge.accuracy == 0.5, gauge
        assert (gauge.pairs, gauge.families) == (2 * families, families)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_families_are_measured_by_no_fitted_auditor(count: int) -> None:
    """A reader fitted on a handful is no measure: it has no accuracy, rather than one of zero."""
    audit = audit_options(make_pairs(count, 5) * 2)
    for auditor in list_fitted():
        (gauge,) = (gauge for gauge in audit.gauges if gauge.auditor == auditor.name)
        assert (gauge.accuracy, gauge.upper, gauge.p_value) == (None, None, None)
        assert gauge.judge(BOUND) is LeakVerdict.INCONCLUSIVE
    assert audit.null is None
    assert explain(audit).marks == ()


def test_a_family_is_never_split_between_fitting_and_testing() -> None:
    """A reader that has seen a twin knows the answer: equal pairs of one family must not help it."""
    rng = random.Random(6)
    pairs = []
    for number in range(40):
        options = ["".join(rng.sample("abcdefghijklmnop", 8)) for _ in "pn"]
        pairs += [OptionPair(options[0], options[1], f"family {number}")] * 4
    assert _audit(pairs)["words"].accuracy == 0.5


def test_a_chinese_character_in_positive_options_alone_is_found_by_words() -> None:
    """Chinese has no spaces between words: its characters must be read one by one."""
    rng = random.Random(3)
    signs = "我你他她它们天地人"
    pairs = [
        OptionPair(
            "".join(rng.sample(signs, 5)) + "好。", "".join(rng.sample(signs, 5)) + "坏。", str(n)
        )
        for n in range(60)
    ]
    assert (_audit(pairs)["words"].accuracy or 0) > 0.95


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("No, 12 people can't.\n", "Aa, 9 a a'a.\n"),
        ("不行。 OK!", "w。 A!"),
        ("", ""),
        ("\ud800", "\ud800"),
    ],
)
def test_a_shape_keeps_marks_and_drops_words(text: str, shape: str) -> None:
    """The gate must see every mark, and none of what is said."""
    assert read_shape(text) == shape


def test_each_set_of_options_is_one_look_at_the_gate(released: Path) -> None:
    """Whoever mends until the gate passes has fitted the gate: each version seen is counted, once."""
    workspace = Workspace(released)
    workspace.looks.unlink(missing_ok=True)
    items = workspace.read_stage(Stage.CHECKED)
    audit_items(workspace, items)
    gauge_items(workspace, items)
    assert count_looks(workspace) == 1
    gauge_items(workspace, [items[0] | {"positive_option": "Another one."}, *items[1:]])
    assert count_looks(workspace) == 2
    assert gauge_items(workspace, []) is None


def test_families_of_unequal_size_keep_the_promise_of_the_bounds() -> None:
    """A bound that calls a hundred siblings a hundred items passes what leaks: true rate 62%, 2,000 sets.

    One-sided 95% bounds may miss in 5% of sets; Wilson's, on so few effective families, in somewhat more.
    """
    rng = np.random.default_rng(5)
    for sizes in ([1] * 200, [20] * 5 + [1] * 100, [100] + [1] * 150):
        pairs = [OptionPair("p", "n", str(f)) for f, size in enumerate(sizes) for _ in range(size)]
        missed = np.zeros(2)
        for _ in range(2_000):
            wins = rng.random(len(sizes)) < 0.62
            margins = np.repeat(np.where(wins, 1.0, -1.0), sizes)
            gauge = make_gauge("a", LeakKind.SURFACE, Role.GATE, pairs, margins)
            assert gauge.lower is not None
            assert gauge.upper is not None
            missed += [gauge.lower > 0.62, gauge.upper < 0.62]
        assert (missed / 2_000 <= [0.09, 0.09]).all(), (sizes[0], missed / 2_000)


def test_what_only_the_gate_sees_is_said_and_what_marks_explain_is_named() -> None:
    """A curator whose gate fails must be told where to look, or that no mark explains it."""
    gate = {"auditor": GATE, "role": "gate", "verdict": "fail", "accuracy": 1.0}
    nothing: dict[str, list[object]] = {"marks": [], "words": [], "arms": [], "items": []}
    (told,) = tell_what_to_do({"gauges": [gate], "explanation": nothing})
    assert "no mark we name" in told
    mark = {"group": "quotes", "alone": 0.9, "remedy": "Quote in both."}
    (told,) = tell_what_to_do({"gauges": [gate], "explanation": nothing | {"marks": [mark]}})
    assert told.startswith("To mend first: quotes. Quote in both.")
    passed = gate | {"verdict": "pass"}
    assert tell_what_to_do({"gauges": [passed], "explanation": nothing}) == []


def test_an_odd_space_is_a_mark_with_a_name() -> None:
    """A no-break space looks like any other: the explanation must name what no reviewer can see."""
    audit = audit_options(make_pairs(60, 3, lambda text: text.replace(" ", "\u00a0", 1)))
    best = explain(audit).marks[0]
    assert best.group == "white space"
    assert best.alone == 1.0
