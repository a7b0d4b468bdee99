"""Routing: overlap, load, wishes and draws are kept, and a plan that stands is not turned over."""

from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.routing import (
    Candidate,
    Plan,
    Reviewer,
    Sampling,
    is_positive_shown_first,
    plan_round,
)
from schemas.labels import Stratum
from schemas.tables import TableName
from schemas.validation import validate_rows

HASH = "a" * 64
COUNTS = st.integers(0, 40)
NAMES = st.lists(st.sampled_from("klmnopqr"), unique=True, min_size=1)


def make_candidates(count: int, prefix: str = "item", **more: Any) -> list[Candidate]:
    """Return so many candidates, every second one in Chinese."""
    given_ = {"dimension": "privacy"} | more
    return [
        Candidate(f"{prefix}-{n}", HASH, language="zh-Hans" if n % 2 else "en", **given_)
        for n in range(count)
    ]


def make_reviewers(names: str | list[str], **more: Any) -> list[Reviewer]:
    """Return reviewers of these names."""
    return [Reviewer(name, **more) for name in names]


def plan(
    candidates: list[Candidate], reviewers: list[Reviewer], seed: int = 1, **more: Any
) -> Plan:
    """Plan a first round."""
    sampling = more.pop("sampling", None) or Sampling(more.pop("overlap", 2))
    return plan_round(candidates, reviewers, sampling, round_number=1, seed=seed, **more)


def count_by_item(found: Plan) -> Counter[str]:
    """Return how many reviewers each item has."""
    return Counter(row["item_id"] for row in found.assignments)


def count_by_reviewer(found: Plan) -> Counter[str]:
    """Return how many items each reviewer has."""
    return Counter(row["reviewer"] for row in found.assignments)


@given(COUNTS, NAMES, st.integers(1, 4), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_each_item_goes_to_as_many_different_reviewers_as_asked(
    count: int, names: list[str], overlap: int, seed: int
) -> None:
    """Or to all there are; what is missing is told, and rows hold the rules of their table."""
    found = plan(make_candidates(count), make_reviewers(names), seed, overlap=overlap)
    asked = min(overlap, len(names))
    assert count_by_item(found) == Counter({f"item-{n}": asked for n in range(count)})
    pairs = [(row["item_id"], row["reviewer"]) for row in found.assignments]
    assert len(pairs) == len(set(pairs))
    assert found.short == {f"item-{n}": overlap - asked for n in range(count) if overlap > asked}
    assert validate_rows(found.assignments, TableName.ASSIGNMENT) == []


@given(st.integers(1, 60), NAMES, st.integers(1, 3), st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_loads_differ_by_one_at_most_where_everybody_takes_everything(
    count: int, names: list[str], overlap: int, seed: int
) -> None:
    """Three reviewers who share a round end it at the same time."""
    found = plan(make_candidates(count), make_reviewers(names), seed, overlap=overlap)
    loads = [count_by_reviewer(found)[name] for name in names]
    assert max(loads) - min(loads) <= 1
    assert sum(loads) == count * min(overlap, len(names))


def test_loads_are_even_at_the_size_of_a_real_round() -> None:
    """2,000 items, three of seven each: everybody has the even share, and meets everybody as often."""
    found = plan(make_candidates(2000), make_reviewers("abcdefg"), overlap=3)
    loads = count_by_reviewer(found)
    assert set(loads.values()) <= {6000 // 7, 6000 // 7 + 1}
    holders: dict[str, list[str]] = {}
    for row in found.assignments:
        holders.setdefault(row["item_id"], []).append(row["reviewer"])
    pairs = Counter(pair for held in holders.values() for pair in combinations(sorted(held), 2))
    even = 2000 * 3 / 21
    assert len(pairs) == 21
    assert all(0.5 * even < count < 1.5 * even for count in pairs.values()), pairs


def test_wishes_and_languages_are_obeyed() -> None:
    """Nobody is shown a dimension that they opted out of, nor a language that they do not read."""
    reviewers = [
        Reviewer("anna", frozenset({"en"})),
        Reviewer("ben", frozenset({"zh"})),
        Reviewer("cleo", opted_out=frozenset({"privacy"})),
    ]
    candidates = make_candidates(10) + make_candidates(10, "fair", dimension="fairness")
    found = plan(candidates, reviewers)
    by_id = {candidate.item_id: candidate for candidate in candidates}
    names = {reviewer.name: reviewer for reviewer in reviewers}
    for row in found.assignments:
        assert names[row["reviewer"]].takes(by_id[row["item_id"]])
    # Of each private item one reviewer is left: it is told, and not forced on somebody else.
    assert found.short == {f"item-{n}": 1 for n in range(10)}


@given(COUNTS, NAMES, st.integers(1, 4), st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_what_was_planned_stands_when_items_and_reviewers_come(
    count: int, names: list[str], overlap: int, seed: int
) -> None:
    """A round under way is not turned over; the newcomers are planned in addition."""
    candidates = make_candidates(count)
    before = plan(candidates, make_reviewers(names), seed, overlap=overlap)
    grown = [*candidates, *make_candidates(3, "new")]
    after = plan(
        grown,
        make_reviewers([*names, "z"]),
        seed,
        overlap=overlap,
        earlier=before.assignments,
    )
    assert after.assignments[: len(before.assignments)] == before.assignments
    assert {row["item_id"] for row in after.assignments[len(before.assignments) :]} <= {
        "new-0", "new-1", "new-2", *before.short,
    }  # fmt: skip
    positions = Counter((row["reviewer"], row["position"]) for row in after.assignments)
    assert set(positions.values()) <= {1}


def test_the_same_plan_is_made_everywhere() -> None:
    """Order of items and of reviewers is no matter of chance: two curators get one plan."""
    candidates, reviewers = make_candidates(50), make_reviewers("abcd")
    first = plan(candidates, reviewers)
    second = plan(candidates[::-1], reviewers[::-1])
    key = ("reviewer", "position")
    assert sorted(first.assignments, key=lambda r: [r[k] for k in key]) == sorted(
        second.assignments, key=lambda r: [r[k] for k in key]
    )
    assert plan(candidates, reviewers, seed=2) != first


def test_a_round_that_is_too_small_for_all_is_drawn_and_then_filled_by_value() -> None:
    """The random part keeps estimates valid; the rest goes where most is to be learned."""
    candidates = [
        Candidate(f"item-{n}", HASH, "privacy", "en", float(n % 50 == 0)) for n in range(1000)
    ]
    sampling = Sampling(1, most=100, random_share=0.3)
    found = plan(candidates, make_reviewers("ab"), sampling=sampling)
    strata = Counter(row["stratum"] for row in found.assignments)
    assert strata == {Stratum.RANDOM: 30, Stratum.VALUE: 70}
    chances = {(row["stratum"], row["probability"]) for row in found.assignments}
    assert chances == {(Stratum.RANDOM, 0.03), (Stratum.VALUE, 1.0)}
    valued = {c.item_id for c in candidates if c.value}
    assert valued <= {row["item_id"] for row in found.assignments}


def test_a_random_draw_is_one() -> None:
    """Each item is drawn as often as its probability says, within five standard deviations."""
    candidates = make_candidates(20)
    sampling = Sampling(1, most=5, random_share=1.0)
    drawn = Counter[str]()
    for seed in range(2000):
        found = plan(candidates, make_reviewers("a"), seed, sampling=sampling)
        drawn.update(row["item_id"] for row in found.assignments)
    spread = (2000 * 0.25 * 0.75) ** 0.5
    assert all(abs(drawn[c.item_id] - 500) < 5 * spread for c in candidates)


def test_rejected_items_are_sampled_with_their_chance() -> None:
    """How often the filters were wrong can be told only from a draw of what they turned down."""
    found = plan(
        make_candidates(10),
        make_reviewers("abc"),
        sampling=Sampling(2, rejected=4),
        rejected=make_candidates(16, "bad"),
    )
    rows = [row for row in found.assignments if row["stratum"] == Stratum.REJECTED]
    assert len({row["item_id"] for row in rows}) == 4
    assert len(rows) == 8
    assert {row["probability"] for row in rows} == {0.25}


def test_gold_items_are_mixed_in_for_each_reviewer() -> None:
    """Known answers tell how careful a reviewer is, as long as nobody knows which they are."""
    found = plan(
        make_candidates(60),
        make_reviewers("abc"),
        sampling=Sampling(2, gold=5),
        gold=make_candidates(8, "gold"),
    )
    for name in "abc":
        rows = sorted(
            (r for r in found.assignments if r["reviewer"] == name), key=lambda r: r["position"]
        )
        places = [n for n, row in enumerate(rows) if row["stratum"] == Stratum.GOLD]
        assert len(places) == 5
        assert places != list(range(places[0], places[0] + 5)), "in a block they would be seen"
        assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))


def test_gold_and_other_items_look_alike_in_a_plan_shown_to_nobody() -> None:
    """The order of options is tossed for gold as for all others."""
    first = sum(is_positive_shown_first(f"item-{i}", "anna", 1) for i in range(2000))
    assert abs(first - 1000) < 5 * (2000 * 0.25) ** 0.5


@pytest.mark.parametrize("stratum", [Stratum.CONFIRM, Stratum.EXPERT])
def test_a_round_for_a_purpose_names_it(stratum: Stratum) -> None:
    """A confirmation is no draw: an estimate must not take it for one."""
    found = plan(make_candidates(3), make_reviewers("a"), overlap=1, stratum=stratum)
    assert {(row["stratum"], row["probability"]) for row in found.assignments} == {(stratum, 1.0)}


def test_authors_are_asked_about_their_own_words_only_where_nobody_else_may() -> None:
    """Whoever wrote a correction would confirm it; where there is nobody else, that is better than none."""
    written = make_candidates(20, authors=frozenset("a"))
    found = plan(written, make_reviewers("ab"), overlap=1)
    assert count_by_reviewer(found) == {"b": 20}
    assert count_by_reviewer(plan(written, make_reviewers("a"), overlap=1)) == {"a": 20}
