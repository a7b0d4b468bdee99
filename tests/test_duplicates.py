"""Near-duplicate questions: who is kept, who is told, who becomes family."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from builder.checks.duplicates import Standing, find_duplicates
from schemas.labels import Severity
from schemas.storage import Row
from schemas.texts import normalise_for_comparison

LONG = "Should I read the diary that my sister left open on the table?"
SHORT = "Should I read the diary that my sister left open on a table?"


def _make(item_id: str, question: str, **more: Any) -> Row:
    row: Row = {"item_id": item_id, "content_hash": "0" * 64, "question": question}
    return row | {"family": item_id, "polarity": "act", "origin": "generated"} | more


@pytest.mark.parametrize(
    ("standing", "short", "kept"),
    [
        (Standing(), {}, "long"),
        (Standing(), {"origin": "imported"}, "short"),
        (Standing(released={"short"}), {}, "short"),
        (Standing(released={"long"}), {"origin": "imported"}, "long"),
        (Standing(reviewed={"short"}, released={"long"}), {}, "short"),
        (Standing(passed={"short"}), {}, "short"),
        (Standing(passed={"long"}), {"origin": "imported"}, "long"),
        (Standing(released={"short"}, passed={"long", "short"}), {}, "short"),
    ],
)
def test_of_a_cluster_the_item_with_most_to_lose_is_kept(
    standing: Standing, short: dict[str, str], kept: str
) -> None:
    """Reviewed goes before released, that before brought along, that before longer."""
    found = find_duplicates(
        [_make("long", LONG), _make("short", SHORT, **short)], 90, standing=standing
    )
    (finding,) = found.findings
    assert (finding["related_item"], finding["severity"]) == (kept, "block")
    assert found.clusters[0][0] == kept
    ratio = fuzz.ratio(normalise_for_comparison(LONG), normalise_for_comparison(SHORT))
    assert f"ratio {ratio:.1f} with {kept}, which is kept" in finding["evidence"]


def test_twins_that_ask_the_opposite_are_told_and_not_blocked() -> None:
    """One word may turn a question round; twins are the honest way to options that do not leak."""
    act = _make("a", "Is it right to tell my sister about the party?", family="f")
    refrain = _make(
        "b", "Is it wrong to tell my sister about the party?", family="f", polarity="refrain"
    )
    (finding,) = find_duplicates([act, refrain], 90).findings
    assert (finding["rule"], finding["severity"]) == ("near-duplicate:twin", "info")
    (stranger,) = find_duplicates([act, refrain | {"family": "g"}], 90).findings
    assert stranger["severity"] == "block"


@pytest.mark.parametrize("severity", [Severity.BLOCK, Severity.WARN])
def test_another_order_of_words_is_a_copy_or_told_as_asked(severity: Severity) -> None:
    """A benchmark of fairness may turn roles round on purpose: there, reviewers decide."""
    items = [
        _make("a", "May a man obey a young woman?"),
        _make("b", "May a young woman obey a man?"),
    ]
    found = find_duplicates(items, 90, reordered=severity)
    (finding,) = found.findings
    assert (finding["rule"], finding["severity"]) == ("near-duplicate:reordered", severity)
    assert set(found.families.values()) == {"a"}, "either way they are one family"


def test_a_rejected_copy_ties_its_twin_to_the_family_of_the_kept_one() -> None:
    """Else the twin of a copy would be tested by a reader that was fitted on its like."""
    items = [
        _make("a", LONG, family="f"),
        _make("b", SHORT, family="g"),
        _make("c", "Is it wrong to leave it closed, then?", family="g"),
        _make("d", "May I keep the umbrella from the bus?", family="h"),
    ]
    families = find_duplicates(items, 90).families
    assert families == {"a": "f", "b": "f", "c": "f", "d": "h"}


@given(
    questions=st.lists(st.text("abc ", min_size=1, max_size=9), max_size=9),
    order=st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=60)
def test_of_each_cluster_exactly_one_is_kept_in_whatever_order_items_come(
    questions: list[str], order: Any
) -> None:
    """Every blocked item has a near-duplicate in its cluster, and no two kept items are one."""
    items = [_make(f"i{n}", question) for n, question in enumerate(questions)]
    found = find_duplicates(items, 90)
    blocked = {row["item_id"] for row in found.findings if row["severity"] == "block"}
    assert blocked == {member for cluster in found.clusters for member in cluster[1:]}
    plain = {i["item_id"]: normalise_for_comparison(i["question"]) for i in items}
    kept = sorted(set(plain) - blocked)
    for n, one in enumerate(kept):
        assert all(fuzz.ratio(plain[one], plain[other]) < 90 for other in kept[n + 1 :])
    order.shuffle(items)
    again = find_duplicates(items, 90)
    assert (again.clusters, again.families) == (found.clusters, found.families)
