"""Imbalance, boilerplate and what trimming took away: findings on the items as a whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.checks.balance import find_imbalances
from builder.checks.boilerplate import find_boilerplate
from builder.checks.trimming import find_trimmed_edges
from builder.workspace import Workspace, create_workspace
from schemas.storage import Row


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace, whose five safety dimensions and control are used here."""
    return create_workspace(tmp_path / "bench")


def _make(number: int, **more: Any) -> Row:
    row: Row = {"item_id": f"i{number}", "family": f"f{number}", "dimension": "privacy"}
    row |= {"polarity": "act", "positive_arm": "refuse", "negative_arm": "comply"}
    row |= {"positive_option": f"No, {number}.", "negative_option": f"Yes, {number}."}
    return row | {"source_record": ""} | more


def _spread(workspace: Workspace, **more: Any) -> list[Row]:
    """Return forty balanced items over all safety dimensions."""
    dimensions = [d.id for d in workspace.taxonomy if d.kind == "safety"]
    arms = (("refuse", "comply"), ("help", "refuse_unjustly"))
    return [
        _make(
            n,
            dimension=dimensions[n % len(dimensions)],
            polarity=("act", "refrain")[n % 2],
            positive_arm=arms[n % 2][0],
            negative_arm=arms[n % 2][1],
            **more,
        )
        for n in range(40)
    ]


def _list_rules(workspace: Workspace, items: list[Row]) -> list[str]:
    return [row["rule"] for row in find_imbalances(items, workspace.taxonomy)]


def test_a_balanced_set_raises_no_alarm(workspace: Workspace) -> None:
    """A warning that is always there is read by nobody."""
    assert _list_rules(workspace, _spread(workspace)) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"dimension": "privacy"}, "balance:dimensions"),
        ({"positive_arm": "refuse", "negative_arm": "comply"}, "balance:arms"),
        ({"polarity": "act"}, "balance:polarity"),
    ],
)
def test_each_imbalance_is_told_with_its_counts(
    workspace: Workspace, changes: dict[str, str], rule: str
) -> None:
    """Always refusing, or always saying no, must not be the safe answer."""
    items = [item | changes for item in _spread(workspace)]
    assert _list_rules(workspace, items) == [rule]
    (finding,) = find_imbalances(items, workspace.taxonomy)
    assert "40" in finding["evidence"]
    assert finding["item_id"] == ""


def test_a_handful_is_no_imbalance_and_undeclared_arms_are_left_out(workspace: Workspace) -> None:
    """Ten heads in a row come once in a thousand throws of ten: eight are no finding."""
    items = _spread(workspace)
    for item in items[8:]:
        item |= {"positive_arm": "unknown", "negative_arm": "unknown", "polarity": "unknown"}
    for item in items[:8]:
        item |= {"positive_arm": "refuse", "negative_arm": "comply", "polarity": "act"}
    assert _list_rules(workspace, items) == []


def test_a_sentence_in_many_options_is_told_with_its_sides() -> None:
    """Worked by hand: a formula in 4 positive and 1 negative options of 20; families count once."""
    items = [_make(n) for n in range(20)]
    for n in (0, 1, 2, 3):
        items[n]["positive_option"] += " I cannot help with that."
    items[3]["family"] = "f2"
    items[9]["negative_option"] += " I CANNOT help with that!"
    (finding,) = find_boilerplate(items)
    assert "positive options of 3 families and the negative options of 1" in finding["evidence"]
    assert find_boilerplate(items[2:]) == [], "twice in a family is once"


def test_what_trimming_took_away_is_told_where_it_parted_the_sides() -> None:
    """The source as released leaks by its line breaks, whatever we made of it."""
    items = []
    for n in range(10):
        record = {"Positive Option": "No." + "\n" * (n < 8), "Negative Option": "Yes."}
        items.append(_make(n, source_record=json.dumps(record)))
    (finding,) = find_trimmed_edges(items)
    assert "80% of the positive and 0% of the negative" in finding["evidence"]
    assert find_trimmed_edges([_make(1)]) == []


def test_fines_trailing_line_breaks_are_told(workspace: Workspace, fine_file: Path) -> None:
    """Known of FINE: 89% of positive options end in a line break, and one negative one (before a U+200B)."""
    from builder.fine_format import import_fine

    found = find_trimmed_edges(import_fine(workspace, fine_file).items)
    assert any("89% of the positive and 1% of the negative" in row["evidence"] for row in found)


@pytest.mark.parametrize(("one", "other", "told"), [(10, 0, False), (11, 0, True), (0, 11, True)])
def test_a_split_is_told_from_one_in_a_thousand_on(
    workspace: Workspace, one: int, other: int, told: bool
) -> None:
    """Ten of ten come in 2 of 1,000 sets by chance, eleven of eleven in 1: worked by hand, 2 / 2^n."""
    arms = {"positive_arm": "comply", "negative_arm": "comply"}
    polarities = ["act"] * one + ["refrain"] * other
    items = [_make(n, **arms, polarity=polarity) for n, polarity in enumerate(polarities)]
    rules = set(_list_rules(workspace, items)) - {"balance:dimensions"}
    assert rules == ({"balance:polarity"} if told else set())
    sides = [("refuse", "comply")] * one + [("help", "refuse_unjustly")] * other
    items = [
        _make(n, positive_arm=first, negative_arm=second, polarity="unknown")
        for n, (first, second) in enumerate(sides)
    ]
    rules = set(_list_rules(workspace, items)) - {"balance:dimensions"}
    assert rules == ({"balance:arms"} if told else set())


@pytest.mark.parametrize(
    ("most", "least", "told"), [(3, 1, False), (4, 1, True), (3, 0, False), (4, 0, True)]
)
def test_a_dimension_is_too_large_beyond_three_times_another(
    workspace: Workspace, most: int, least: int, told: bool
) -> None:
    """Overall scores pool all items: one dimension must not be the score; controls do not count."""
    ids = [d.id for d in workspace.taxonomy if d.kind == "safety"]
    sizes = {ids[0]: least} | dict.fromkeys(ids[1:], most)
    items = [
        _make(n, dimension=dimension, polarity="unknown", positive_arm="unknown")
        for dimension, size in sizes.items()
        for n in range(size)
    ]
    items += [_make(n, dimension="control") for n in range(40)]
    found = find_imbalances(items, workspace.taxonomy)
    assert [row["rule"] for row in found] == ["balance:dimensions"] * told
    if told:
        assert f"has {most} items and {ids[0]} has {least}" in found[0]["evidence"]


@pytest.mark.parametrize("controls", [0, 1, 30])
def test_without_safety_items_that_alone_is_told(workspace: Workspace, controls: int) -> None:
    """No item, and controls only, are one finding on what is missing: no other share can be taken."""
    items = [_make(n, dimension="control") for n in range(controls)]
    assert _list_rules(workspace, items) == ["balance:safety"]


def test_controls_neither_make_nor_hide_an_imbalance(workspace: Workspace) -> None:
    """A control has a right answer, not a stance: its arms say nothing of the safety items."""
    controls = [_make(n, dimension="control") for n in range(100)]
    assert _list_rules(workspace, _spread(workspace) + controls) == []
    refusing = [item | {"positive_arm": "refuse"} for item in _spread(workspace)]
    refusing = [item | {"negative_arm": "comply"} for item in refusing]
    helping = [c | {"positive_arm": "help", "negative_arm": "refuse_unjustly"} for c in controls]
    assert _list_rules(workspace, refusing + helping) == ["balance:arms"]


def test_items_that_refuse_on_both_sides_hide_no_imbalance(workspace: Workspace) -> None:
    """Twenty to nothing is an imbalance, whatever a hundred items do that tell nothing."""
    items = [_make(n) for n in range(20)]
    items += [_make(n, negative_arm="refuse_unjustly") for n in range(20, 120)]
    assert "balance:arms" in _list_rules(workspace, items)
