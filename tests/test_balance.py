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
    """Known of FINE: 89% of positive options end in a line break, and no negative one."""
    from builder.fine_format import import_fine

    found = find_trimmed_edges(import_fine(workspace, fine_file).items)
    assert any("89% of the positive and 0% of the negative" in row["evidence"] for row in found)
