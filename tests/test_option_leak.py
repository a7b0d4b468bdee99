"""Option leak: it is measured truly, bounded by families, and never passed on too few pairs."""

import random
from collections.abc import Callable
from pathlib import Path
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from builder.checks.leak import Gauge, LeakKind, LeakVerdict, OptionPair, audit_options
from builder.checks.stage import audit_items
from builder.fine_format import import_fine
from builder.workspace import Workspace, create_workspace

REAL = Path(__file__).parents[2] / "shared" / "data" / "safety.jsonl"
AUDITORS = ("shorter option", "longer option", "surface features", "words")
BOUND = 0.6
WORDS = [
    "yes",
    "no",
    "maybe",
    "I",
    "you",
    "it",
    "is",
    "was",
    "fine",
    "good",
    "wrong",
    "fair",
    "tell",
    "keep",
    "ask",
    "them",
    "her",
    "his",
    "the",
    "a",
    "book",
    "money",
    "friend",
    "never",
    "always",
    "rather",
    "however",
    "but",
    "think",
    "know",
    "sorry",
    "please",
]
Audited = dict[str, Gauge]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a new workspace."""
    return create_workspace(tmp_path / "bench")


def _write_option(rng: random.Random) -> str:
    words = [rng.choice(WORDS) for _ in range(rng.randint(3, 25))]
    marks = [rng.choice(["", "", "", ",", ";", " -", "?"]) for _ in words[1:]]
    text = words[0] + "".join(f"{mark} {word}" for mark, word in zip(marks, words[1:], strict=True))
    return text.capitalize() + rng.choice([".", ".", "!", ""])


def _make_pairs(count: int, seed: int, mark: Callable[[str], str] = str) -> list[OptionPair]:
    """Return pairs of options of one kind whose roles a coin decides; ``mark`` changes positives."""
    rng = random.Random(seed)
    pairs = []
    for number in range(count):
        options = [_write_option(rng), _write_option(rng)]
        if rng.random() < 0.5:
            options.reverse()
        pairs.append(OptionPair(mark(options[0]), options[1], f"family {number}"))
    return pairs


def _audit(pairs: list[OptionPair]) -> Audited:
    gauges = audit_options(pairs)
    assert [gauge.auditor for gauge in gauges] == list(AUDITORS)
    return {gauge.auditor: gauge for gauge in gauges}


@pytest.mark.parametrize("seed", range(5))
def test_pairs_without_a_leak_never_fail(seed: int) -> None:
    """A gate that cries leak over coin flips would hold back sound releases."""
    for gauge in _audit(_make_pairs(300, seed)).values():
        assert gauge.judge(BOUND) is not LeakVerdict.FAIL, gauge
        assert gauge.accuracy is not None
        assert 0.4 < gauge.accuracy < 0.6


def test_a_mark_on_positive_options_alone_is_found() -> None:
    """One habit of the positive writer is enough to pass the test without reading the question."""

    def plant(text: str) -> str:
        return text.rstrip(".!") + "!"

    pairs = [
        OptionPair(pair.positive, pair.negative.rstrip(".!") + ".", pair.family)
        for pair in _make_pairs(300, 1, plant)
    ]
    gauge = _audit(pairs)["surface features"]
    assert gauge.accuracy is not None
    assert gauge.accuracy > 0.95
    assert gauge.judge(BOUND) is LeakVerdict.FAIL


def test_a_word_in_positive_options_alone_is_found_by_words_and_not_by_surface() -> None:
    """Content leak is told apart from surface leak: only the latter is gated."""

    def plant(text: str) -> str:
        return text.replace(" ", " kind ", 1)

    pairs = [
        OptionPair(pair.positive, pair.negative.replace(" ", " sand ", 1), pair.family)
        for pair in _make_pairs(300, 2, plant)
    ]
    gauges = _audit(pairs)
    assert (gauges["words"].accuracy or 0) > 0.95
    assert gauges["words"].kind is LeakKind.CONTENT
    assert gauges["surface features"].judge(BOUND) is not LeakVerdict.FAIL


def test_a_chinese_character_in_positive_options_alone_is_found_by_words() -> None:
    """Chinese has no spaces between words: its characters must be read one by one."""
    rng = random.Random(3)
    pairs = [
        OptionPair(
            "".join(rng.sample("我你他她它们天地人", 5)) + "好。",
            "".join(rng.sample("我你他她它们天地人", 5)) + "坏。",
            str(number),
        )
        for number in range(60)
    ]
    assert (_audit(pairs)["words"].accuracy or 0) > 0.95


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


@given(st.lists(st.sampled_from("+-="), min_size=1, max_size=30), st.integers(1, 30))
@settings(deadline=None, max_examples=50)
def test_a_gauges_bounds_are_wilsons_with_families_as_the_sample(
    results: list[str], most_families: int
) -> None:
    """Twins are not independent: counting pairs would make bounds too narrow. Reference: scipy."""
    texts = {"+": ("No.", "Never."), "-": ("Never.", "No."), "=": ("No.", "Ok.")}
    pairs = [OptionPair(*texts[r], str(i % most_families)) for i, r in enumerate(results)]
    gauge = audit_options(pairs)[0]
    families = min(most_families, len(results))
    assert (gauge.pairs, gauge.families) == (len(results), families)
    assert gauge.accuracy == (results.count("+") + results.count("=") / 2) / len(results)
    assert gauge.lower is not None
    assert gauge.upper is not None
    # At the ends of the scale the bound is the share itself, but for rounding.
    assert 0 <= gauge.lower <= gauge.accuracy <= gauge.upper + 1e-12 <= 1 + 1e-12
    assert gauge.lower == _find_wilson(gauge.accuracy * families, families, "low")
    # Where an auditor lost, the leak is bounded as if it had tossed a coin.
    wins = max(gauge.accuracy, 0.5) * families
    assert gauge.upper == _find_wilson(wins, families, "high")


def _find_wilson(wins: float, families: int, end: str) -> object:
    """Return scipy's end of the two-sided 90% Wilson interval, or anything for a fractional count."""
    if abs(wins - round(wins)) > 1e-9:
        return ANY
    interval = binomtest(round(wins), families).proportion_ci(0.90, method="wilson")
    return pytest.approx(getattr(interval, end), abs=1e-9)


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
    gauge = Gauge("surface features", LeakKind.SURFACE, 300, 300, 0.53, lower, upper)
    assert gauge.judge(BOUND) is verdict


def test_eighteen_pairs_without_a_leak_at_half_are_inconclusive() -> None:
    """One dimension of FINE is too few to show that there is no leak."""
    texts = [("No.", "Never."), ("Never.", "No.")] * 9
    pairs = [OptionPair(*options, str(number)) for number, options in enumerate(texts)]
    gauge = _audit(pairs)["shorter option"]
    assert gauge.accuracy == 0.5
    assert gauge.judge(BOUND) is LeakVerdict.INCONCLUSIVE


def test_eighteen_pairs_are_never_passed() -> None:
    """Bad luck of a reader on few pairs shows nothing: below a half is not less leak than a half."""
    verdicts = {
        (seed, gauge.auditor): gauge.judge(BOUND)
        for seed in range(5)
        for gauge in audit_options(_make_pairs(18, seed))
    }
    assert [key for key, verdict in verdicts.items() if verdict is LeakVerdict.PASS] == []


@pytest.mark.parametrize("families", [10, 40])
def test_mirrored_twins_earn_every_auditor_exactly_a_half(families: int) -> None:
    """Two questions whose options swap roles are the honest way to no leak: it must be seen as such."""
    pairs = []
    for pair in _make_pairs(families, 4, lambda text: text + " Surely!"):
        pairs += [pair, OptionPair(pair.negative, pair.positive, pair.family)]
    for gauge in _audit(pairs).values():
        assert gauge.accuracy == 0.5, gauge
        assert (gauge.pairs, gauge.families) == (2 * families, families)


def test_fewer_than_ten_families_are_too_few_for_fitted_auditors() -> None:
    """A reader fitted on a handful is no measure: it has no accuracy, rather than one of zero."""
    pairs = [*_make_pairs(9, 5), *_make_pairs(9, 5)]
    gauges = _audit(pairs)
    for name in ("surface features", "words"):
        gauge = gauges[name]
        assert (gauge.pairs, gauge.families) == (18, 9)
        assert (gauge.accuracy, gauge.lower, gauge.upper) == (None, None, None)
        assert gauge.judge(BOUND) is LeakVerdict.INCONCLUSIVE
        assert gauge.as_dict()["accuracy"] is None
    assert gauges["shorter option"].accuracy is not None
    assert _audit(_make_pairs(10, 5))["words"].accuracy is not None


def test_a_family_is_never_split_between_fitting_and_testing() -> None:
    """A reader that has seen a twin knows the answer: equal pairs of one family must not help it."""
    rng = random.Random(6)
    pairs = []
    for number in range(40):
        options = ["".join(rng.sample("abcdefghijklmnop", 8)) for _ in "pn"]
        pairs += [OptionPair(options[0], options[1], f"family {number}")] * 4
    gauge = _audit(pairs)["words"]
    assert gauge.accuracy == 0.5


def test_no_pairs_make_no_accuracy() -> None:
    """Nothing measured is not a leak of zero."""
    for gauge in audit_options([]):
        assert (gauge.pairs, gauge.accuracy) == (0, None)
        assert gauge.judge(BOUND) is LeakVerdict.INCONCLUSIVE


@pytest.mark.skipif(not REAL.exists(), reason=f"FINE's data is not beside the project ({REAL})")
def test_the_leak_of_fines_own_items_is_found(workspace: Workspace) -> None:
    """The paper's released set leaks: the audit must say so, and by how much."""
    items = import_fine(workspace, REAL).items
    gauges = {gauge.auditor: gauge for gauge in audit_items(items, workspace.taxonomy)}
    assert {gauge.pairs for gauge in gauges.values()} == {90}
    assert 0.70 <= (gauges["shorter option"].accuracy or 0) <= 0.72
    assert (gauges["words"].accuracy or 0) > 0.90
    assert gauges["words"].judge(BOUND) is LeakVerdict.FAIL
