"""Which answers count, agreement by question, and what is said of each reviewer: by hand, on small rounds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.agreement.measures import ScoreState
from annotations.agreement.questions import measure_questions
from annotations.quality.pace import measure_pace
from annotations.quality.position import measure_position
from annotations.quality.reviewers import ReviewerQuality, measure_reviewers
from annotations.quality.shares import Drift, Share, find_wilson_interval
from annotations.rounds import make_annotation
from annotations.selection import LeftOut, Reviewers, select_answers
from builder.bundle.engine.intervals import find_wilson_interval as find_wilson_of_bundle

Row = dict[str, Any]

ANSWERS = {
    "in_dimension": "yes",
    "safer": "positive",
    "operational_detail": "no",
    "natural": "yes",
    "recommendation": "accept",
    "lead_time_s": 20.0,
}


def make_item(number: int, dimension: str = "fairness") -> Row:
    """Return an item as far as agreement and quality read it."""
    return {
        "item_id": f"{dimension}-{number:03}",
        "content_hash": f"{number:064x}",
        "dimension": dimension,
        "family": f"{dimension}-{number:03}",
    }


def answer(item: Row, reviewer: str, **more: Any) -> Row:
    """Return a reviewer's answer; ``round``, ``simulated`` and ``positive_first`` as told."""
    return make_annotation(
        item,
        ANSWERS | {k: v for k, v in more.items() if k not in {"round", "positive_first"}},
        reviewer=reviewer,
        round_number=more.get("round", 1),
        guidelines_hash="0" * 64,
        positive_first=more.get("positive_first", True),
        simulated=reviewer.startswith("simulated-"),
    )


def skip(item: Row, reviewer: str) -> Row:
    """Return a reviewer's skip."""
    return make_annotation(
        item,
        {"skipped": True, "skip_reason": "tired"},
        reviewer=reviewer,
        round_number=1,
        guidelines_hash="0" * 64,
        positive_first=True,
        simulated=False,
    )


def measure_one(rows: list[Row], items: list[Row], name: str, **more: Any) -> ReviewerQuality:
    """Return the quality of one reviewer."""
    found = measure_reviewers(rows, items, gold=more.pop("gold", {}), **more)
    return next(one for one in found.reviewers if one.reviewer == name)


ITEMS = [make_item(n) for n in range(4)]


def test_only_present_versions_and_latest_rounds_count() -> None:
    """An answer on a text that is gone, or since given anew, is no answer on what will be released."""
    old = ITEMS[0] | {"content_hash": "f" * 64}
    rows = [
        answer(ITEMS[0], "anna", natural="no", round=2),
        answer(ITEMS[0], "anna"),
        answer(old, "ben", round=3),
        skip(ITEMS[1], "ben"),
    ]
    chosen = select_answers(rows, ITEMS)
    assert [(row["reviewer"], row["natural"]) for row in chosen.answered] == [("anna", "no")]
    assert len(chosen.skipped) == 1
    assert chosen.left_out[LeftOut.OTHER_VERSION] == chosen.left_out[LeftOut.EARLIER_ROUND] == 1
    assert select_answers([*rows, *rows], ITEMS).answered == chosen.answered


def test_simulated_reviewers_are_never_mixed_with_people() -> None:
    """A trial run must not make people look more of one mind than they are, nor stand in for them."""
    simulated = [answer(item, f"simulated-{n}") for item in ITEMS for n in (1, 2)]
    alone = measure_questions(simulated, ITEMS)
    assert alone.selection.reviewers is Reviewers.SIMULATED
    assert "say nothing about people" in alone.selection.note
    both = measure_questions([*simulated, answer(ITEMS[0], "anna")], ITEMS)
    assert both.selection.note == "People's answers only; 8 of simulated reviewers are left out."
    assert both.questions["natural"].overall.basis.ratings == 1
    excluded = measure_questions([*simulated, answer(ITEMS[0], "anna")], ITEMS, excluded={"anna"})
    assert excluded.questions["natural"].overall.alpha.state is ScoreState.NO_PAIRS
    assert select_answers([], ITEMS).reviewers is Reviewers.NOBODY


def test_agreement_is_told_by_question_dimension_and_pair() -> None:
    """Two dimensions, three reviewers: each part stands on its own items, and says how many."""
    items = [*ITEMS, make_item(9, "privacy")]
    rows = [answer(item, name) for item in items for name in ("anna", "ben")]
    rows += [answer(items[4], "cleo", recommendation="reject", positive_first=False)]
    found = measure_questions(rows, items, rng=np.random.default_rng(1), least_shared=5)
    asked = found.questions["recommendation"]
    assert list(asked.dimensions) == ["fairness", "privacy"]
    assert asked.dimensions["fairness"].percent.value == 1.0
    assert asked.dimensions["privacy"].percent.value == pytest.approx(1 / 3)
    assert asked.overall.percent.value == pytest.approx((4 + 1 / 3) / 5)
    shared = {pair: part.basis.pairable_units for pair, part in asked.pairs.items()}
    assert shared == {("anna", "ben"): 5, ("anna", "cleo"): 1, ("ben", "cleo"): 1}
    assert asked.pairs["anna", "cleo"].percent.value == 0.0
    assert asked.pairs["anna", "cleo"].ac1.state is ScoreState.TOO_FEW
    assert asked.pairs["anna", "ben"].ac1.value == 1.0
    # By role: cleo was shown the options the other way round, and chose the same one.
    assert found.questions["safer"].overall.percent.value == 1.0
    assert found.as_dict()["questions"]["safer"]["overall"]["percent"]["value"] == 1.0


def test_an_excluded_reviewer_enters_into_nothing() -> None:
    """To exclude is to compute as if the answers had not been given."""
    rows = [answer(item, name) for item in ITEMS for name in ("anna", "ben")]
    bad = [answer(item, "mal", natural="no", recommendation="reject") for item in ITEMS]
    gold = {ITEMS[0]["item_id"]: {"natural": "yes"}}
    without = measure_reviewers(rows, ITEMS, gold=gold)
    excluded = measure_reviewers([*rows, *bad], ITEMS, gold=gold, excluded={"mal"})
    assert excluded.reviewers == without.reviewers
    assert excluded.selection.left_out[LeftOut.EXCLUDED] == 4
    natural = measure_questions([*rows, *bad], ITEMS, excluded={"mal"}).questions["natural"]
    assert natural.overall == measure_questions(rows, ITEMS).questions["natural"].overall


def test_gold_counts_what_is_known_and_no_more() -> None:
    """Unknown answers are outside the denominator; an item is right when all that is known of it is."""
    gold = {
        ITEMS[0]["item_id"]: {"natural": "yes", "safer": "not_answered"},
        ITEMS[1]["item_id"]: {"natural": "no", "safer": "positive"},
    }
    found = measure_one([answer(item, "anna") for item in ITEMS], ITEMS, "anna", gold=gold)
    assert (found.questions["natural"].gold.count, found.questions["natural"].gold.n) == (1, 2)
    assert (found.questions["safer"].gold.count, found.questions["safer"].gold.n) == (1, 1)
    assert found.questions["in_dimension"].gold.value is None
    assert (found.gold_items.count, found.gold_items.n) == (1, 2)


def test_the_majority_is_of_the_others_and_ties_are_told() -> None:
    """A reviewer's own vote must not help to be right."""
    rows = [
        *(answer(ITEMS[0], name, natural="no") for name in ("ben", "cleo")),
        *(answer(ITEMS[1], "ben", natural=word) for word in ("yes",)),
        answer(ITEMS[1], "cleo", natural="no"),
        *(answer(item, "anna") for item in ITEMS[:3]),
        skip(ITEMS[3], "anna"),
    ]
    found = measure_one(rows, ITEMS, "anna")
    natural = found.questions["natural"]
    assert (natural.others.count, natural.others.n) == (0, 1)
    assert (natural.ties, natural.alone) == (1, 1)
    assert (found.answers, found.skips) == (3, 1)
    assert measure_one([skip(ITEMS[0], "ben")], ITEMS, "ben").questions == {}


def test_dawid_skene_tells_the_careless_from_the_careful() -> None:
    """Three of one mind and one at odds with them: the odd one is found less accurate."""
    items = [make_item(n) for n in range(40)]
    rows = [
        answer(item, name, natural="no" if (n % 2) ^ (name == "mal" and n % 3 == 0) else "yes")
        for n, item in enumerate(items)
        for name in ("anna", "ben", "mal")
    ]
    accuracy = {
        one.reviewer: one.questions["natural"].accuracy
        for one in measure_reviewers(rows, items, gold={}).reviewers
    }
    assert accuracy["anna"] > 0.95
    assert accuracy["mal"] == pytest.approx(26 / 40, abs=0.04)


def test_drift_compares_the_halves_in_the_order_shown() -> None:
    """A reviewer who grows careless is right early and wrong late; positions say what was early."""
    items = [make_item(n) for n in range(20)]
    gold = {item["item_id"]: {"natural": "yes"} for item in items}
    rows = [answer(item, "anna", natural="yes" if n < 10 else "no") for n, item in enumerate(items)]
    positions = {(1, "anna", item["item_id"]): n for n, item in enumerate(items, start=1)}
    found = measure_one(rows[::-1], items, "anna", gold=gold, positions=positions)
    drift = found.questions["natural"].gold_drift
    assert drift.difference == -1.0
    assert drift.interval is not None
    assert drift.interval[1] < -0.5
    assert found.questions["natural"].others_drift.difference is None
    turned = measure_one(rows[::-1], items, "anna", gold=gold)
    assert turned.questions["natural"].gold_drift.difference == 1.0


def test_the_difference_of_shares_has_the_published_interval() -> None:
    """Newcombe (1998), table II, method 10: 56/70 − 48/80 is 0.2, from 0.0524 to 0.3339."""
    drift = Drift(first=Share(48, 80), second=Share(56, 70))
    assert drift.difference == pytest.approx(0.2)
    assert drift.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_pace_leaves_out_what_was_not_timed() -> None:
    """A lead time of 0 means that none was told; it is not an answer within no time."""
    rows = [answer(ITEMS[0], "anna", lead_time_s=t) for t in (10.0, 0.0, 60.0, 20.0)]
    pace = measure_pace(rows, fast_s=15.0)
    assert (pace.timed, pace.median_s, pace.items_an_hour) == (3, 20.0, 120.0)
    assert (pace.fast.count, pace.fast.n) == (1, 3)
    untimed = measure_pace(rows[1:2])
    assert (untimed.timed, untimed.median_s, untimed.fast.value) == (0, None, None)


def test_position_bias_counts_letters_and_not_roles() -> None:
    """A reviewer who always takes A is found out, however often A was right."""
    rows = [
        answer(
            make_item(n),
            "anna",
            safer="positive" if n % 2 else "negative",
            positive_first=bool(n % 2),
        )
        for n in range(9)
    ]
    rows += [
        answer(make_item(10), "anna", safer="positive", positive_first=False),
        answer(make_item(11), "anna", safer="both_safe"),
    ]
    found = measure_position(rows)
    assert (found.first.count, found.first.n) == (9, 10)
    assert found.p_value == pytest.approx(22 / 1024)
    assert measure_position(rows[-1:]).p_value is None


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_intervals_are_those_of_the_evaluator(count: int, n: int) -> None:
    """The evaluator's folder imports nothing of ours; its formula and this one must not part."""
    count = min(count, n)
    assert find_wilson_interval(count, n) == find_wilson_of_bundle(count, n)


def test_an_empty_share_is_no_score() -> None:
    """Nothing of nothing is neither 0% nor 100%."""
    assert Share(0, 0).as_dict() == {"value": None, "count": 0, "n": 0, "interval_95": None}
    with pytest.raises(ValueError, match="0 of 0 is not a share"):
        find_wilson_interval(0, 0)
