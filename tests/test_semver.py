"""Which number a release gets: by rule, and never less than what changed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_edits import EDITS, Edit, Made, apply_edits, make_manifest, make_release, make_row

from builder.release.versions.diffing import compare_releases
from builder.release.versions.semver import Level, check_version, judge_level, propose_version
from builder.release.versions.split_diff import SplitDiff, Splits, compare_splits
from builder.release.versions.version_gate import gate_version
from builder.workspace import parse_version

BASES = st.sets(st.integers(0, 9), max_size=8).map(
    lambda numbers: Made({f"item-{n}": make_row(f"item-{n}") for n in numbers})
)
NUMBERS = st.integers(0, 12)
VERSIONS = st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda parts: ".".join(map(str, parts)))


def judge(old: Any, new: Any) -> tuple[Level, list[str]]:
    """Return the level and reasons of a change."""
    return judge_level(compare_releases(old, new))


@settings(max_examples=500, deadline=None)
@given(BASES, st.lists(EDITS, max_size=10))
def test_the_level_is_never_less_than_that_of_an_edit_that_is_there_to_see(
    base: Made, edits: list[Edit]
) -> None:
    """Whoever reads a patch number goes on comparing scores: it must not hide an edited text."""
    new = apply_edits(base, edits)
    level, reasons = judge(base.finish(), new.finish())
    surviving = [edit for edit in edits if edit.survives(base, new)]
    assert level >= max((edit.level for edit in surviving), default=Level.NONE)
    assert bool(reasons) == (level is not Level.NONE)
    is_alike = base.rows == new.rows and strip(base.manifest) == strip(new.manifest)
    assert (level is Level.NONE) == is_alike


def strip(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest without what differs in every version, or follows from the items."""
    left_out = {"version", "date", "files", "retired"}
    return {name: value for name, value in manifest.items() if name not in left_out}


@settings(max_examples=300, deadline=None)
@given(BASES, EDITS)
def test_one_edit_alone_has_its_own_level_and_no_higher_one(base: Made, edit: Edit) -> None:
    """A number that cries wolf is no longer read."""
    new = apply_edits(base, [edit])
    level, _ = judge(base.finish(), new.finish())
    expected = edit.level if edit.survives(base, new) else Level.NONE
    # A column that comes or goes is more than a value of it that changes.
    assert level is expected or (level is Level.MINOR and "a_new_column" in edit.told)


@given(VERSIONS, VERSIONS, st.sampled_from(Level))
def test_a_proposed_number_is_the_least_that_passes(
    previous: str, other: str, level: Level
) -> None:
    """The curator confirms a number; a smaller one is held back, a larger one is theirs to choose."""
    proposed = propose_version(previous, level)
    assert check_version(previous, proposed, level) == ""
    passes = check_version(previous, other, level) == ""
    assert passes == (parse_version(other) >= parse_version(proposed))


@pytest.mark.parametrize(
    ("level", "proposed"),
    [(0, "0.2.9"), (1, "0.2.10"), (2, "0.3.0"), (3, "1.0.0")],
)
def test_before_1_0_0_the_rule_is_the_same(level: int, proposed: str) -> None:
    """A zero in front is no licence to change texts under a small number."""
    assert propose_version("0.2.9", Level(level)) == proposed


@pytest.mark.parametrize(
    ("told", "level", "reason"),
    [
        ({"license": "MIT"}, Level.PATCH, "the license changed"),
        ({"title": "Other"}, Level.PATCH, "metadata changed (title)"),
        ({"schema": "4"}, Level.MINOR, "the table's schema changed"),
        ({"date": "later", "files": {}, "gates": [1]}, Level.NONE, ""),
        ({"waivers": {"version": "a trial"}}, Level.NONE, ""),
        ({"waivers": {"option-leak": "few items"}}, Level.NONE, ""),
        (
            {"evaluator": {"version": "1.0.1", "hash": "x", "scoring_hash": "f"}},
            Level.PATCH,
            "code of the evaluator changed that shapes no score",
        ),
        (
            {"evaluator": {"version": "2.0.0", "hash": "x", "scoring_hash": "f"}},
            Level.MAJOR,
            "the evaluator's scoring changed",
        ),
        (
            {"evaluator": {"version": "1.0.0", "hash": "x"}},
            Level.MAJOR,
            "the evaluator's scoring changed",
        ),
        (
            {"sibling": {"items": 2, "row_hash": "x"}},
            Level.MINOR,
            "the held-out split changed",
        ),
        ({"dimensions": []}, Level.MAJOR, "dimensions changed (control"),
    ],
)
def test_each_change_of_a_manifest_has_its_level_and_reason(
    told: dict[str, Any], level: Level, reason: str
) -> None:
    """The reasons are what the curator confirms, and what the changelog says."""
    old, new = (make_release([make_row("a")], make_manifest() | more) for more in ({}, told))
    found, reasons = judge(old, new)
    assert found is level
    assert ", ".join(reasons).startswith(reason)


def test_prompts_of_a_language_that_comes_with_its_items_are_no_change_of_the_others() -> None:
    """Adding a language adds items; scores on those that were there stay comparable."""
    manifest = make_manifest()
    manifest["prompts"]["asking"]["open:de"] = "z"
    new = make_release([make_row("a"), make_row("b", language="de")], manifest)
    assert judge(make_release([make_row("a")]), new) == (Level.MINOR, ["1 item added"])


def test_counts_of_dimensions_are_nothing_and_their_order_is_minor() -> None:
    """Counts follow from the items; the order numbers the dimensions in the tables."""
    manifest = make_manifest()
    manifest["dimensions"] = [d | {"items": 9} for d in manifest["dimensions"]]
    assert judge(make_release([]), make_release([], manifest)) == (Level.NONE, [])
    manifest["dimensions"].reverse()
    assert judge(make_release([]), make_release([], manifest))[0] is Level.MINOR


def make_splits(public: list[str], private: list[str], question: str = "Held?") -> Splits:
    """Return a release with public and held-out items."""
    parts = [
        make_release(
            [make_row(i, question=question) if i in private else make_row(i) for i in own],
            make_manifest()
            | {
                "split": split,
                "sibling": {"items": len(other), "row_hash": question * bool(other)},
            },
        )
        for split, own, other in (("test", public, private), ("held_out", private, public))
        if own
    ]
    return Splits(*parts)


def test_an_edit_of_a_held_out_item_is_major_though_the_public_part_shows_none() -> None:
    """Scores on the private split would change under a number that says they did not."""
    old, new = make_splits(["a"], ["b"]), make_splits(["a"], ["b"], question="Edited?")
    assert compare_splits(old, new).judge() == (Level.MAJOR, ["1 held-out item edited"])
    # From the public folder alone nobody can tell how, but that it changed is seen.
    level, reasons = SplitDiff(compare_releases(old.public, new.public)).judge()
    assert level is Level.MINOR
    assert "compare its own folders" in reasons[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((["a", "b"], []), (["a"], ["b"])),
        ((["a"], ["b"]), (["a", "b"], [])),
        ((["a", "c"], ["b"]), (["a", "b"], ["c"])),
        ((["a"], ["b"]), (["a"], [])),
        ((["a"], []), (["a"], ["b"])),
    ],
)
def test_an_item_that_is_moved_to_or_from_the_held_out_split_is_at_least_minor(
    before: tuple[list[str], list[str]], after: tuple[list[str], list[str]]
) -> None:
    """Each split is scored alone, so that either has other items then."""
    found = compare_splits(make_splits(*before), make_splits(*after))
    assert found.judge()[0] >= Level.MINOR
    assert not found.is_empty


def test_the_gate_holds_an_understating_number_back_and_says_the_least_one() -> None:
    """What is confirmed and what is found stand side by side in the manifest."""
    old = Splits(make_release([make_row("a")]))
    new = Splits(make_release([make_row("a"), make_row("b")]))
    found = compare_splits(old, new)
    held = gate_version(found, "1.0.1")
    assert not held.passed
    assert (held.value, held.threshold) == ("minor: 1 item added", "at least 1.1.0")
    assert "1.0.1 says less than minor after 1.0.0" in held.detail
    assert held.items == ()
    assert gate_version(found, "1.1.0").passed
    assert gate_version(found, "2.0.0").passed
    assert gate_version(None, "0.0.1").passed
