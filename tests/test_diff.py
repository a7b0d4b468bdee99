"""What changed between two releases: told to the letter, so that it can be applied, and word by word."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_edits import EDITS, Edit, Made, apply_edits, make_manifest, make_release, make_row

from builder.release.reading import ReleaseData
from builder.release.versions.changes import Change, Subject
from builder.release.versions.comparability import describe_comparability, list_obstacles
from builder.release.versions.diff_facts import describe_diff
from builder.release.versions.diffing import NO_REASON, apply_diff, compare_releases
from builder.release.versions.split_diff import SplitDiff
from builder.release.versions.word_diff import (
    Fate,
    compare_texts,
    count_words,
    join_new,
    join_old,
    mark_pieces,
    split_words,
)
from schemas.errors import DataError
from schemas.storage import Row

BASES = st.sets(st.integers(0, 9), max_size=8).map(
    lambda numbers: Made({f"item-{n}": make_row(f"item-{n}") for n in numbers})
)


def compare_rows(old: list[Row], new: list[Row], **told: Any) -> Any:
    """Return the diff of two releases with the same manifest but for what is told of the new one."""
    return compare_releases(make_release(old), make_release(new, make_manifest("1.1.0") | told))


@settings(max_examples=300, deadline=None)
@given(BASES, st.lists(EDITS, max_size=12))
def test_any_sequence_of_edits_is_given_back_by_its_diff(base: Made, edits: list[Edit]) -> None:
    """A diff that leaves something out, or invents it, would hide what a version is."""
    old, new = base.finish(), apply_edits(base, edits).finish()
    diff = compare_releases(old, new)
    assert apply_diff(old.rows, diff) == new.rows
    back = compare_releases(new, old)
    assert apply_diff(new.rows, back) == old.rows
    assert len(diff.anchors) <= min(len(old.rows), len(new.rows))
    touched = {edit.item_id for edit in diff.edited}
    unchanged = {row["item_id"] for row in old.rows if row in new.rows}
    assert touched.isdisjoint(unchanged)
    assert unchanged <= {anchor.item_id for anchor in diff.anchors}


@settings(max_examples=100, deadline=None)
@given(BASES, st.lists(EDITS, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_is_no_change(base: Made, edits: list[Edit], random: Any) -> None:
    """Files are sorted, but whoever hands rows over in another order must be told the same."""
    old, new = base.finish(), apply_edits(base, edits).finish()
    mixed = list(new.rows)
    random.shuffle(mixed)
    other = compare_releases(old, ReleaseData(new.path, new.manifest, mixed))
    assert other == compare_releases(old, new)


@settings(max_examples=100, deadline=None)
@given(BASES, st.lists(EDITS, max_size=8))
def test_the_json_of_a_diff_is_complete_and_the_same_each_time(
    base: Made, edits: list[Edit]
) -> None:
    """Programs rebuild the new rows from it: added rows, ids that went, and fields with new values."""
    old, new = base.finish(), apply_edits(base, edits).finish()
    found = SplitDiff(compare_releases(old, new))
    text = json.dumps(describe_diff(found), sort_keys=True)
    plain = json.loads(text)
    assert text == json.dumps(describe_diff(SplitDiff(compare_releases(old, new))), sort_keys=True)
    rows = {row["item_id"]: dict(row) for row in old.rows}
    for retired in plain["retired"]:
        del rows[retired["row"]["item_id"]]
    for edit in plain["edited"]:
        for field in edit["fields"]:
            rows[edit["item_id"]].pop(field["column"], None)
            if field["change"] != "removed":
                rows[edit["item_id"]][field["column"]] = field["new"]
    rows |= {row["item_id"]: row for row in plain["added"]}
    assert sorted(rows.values(), key=lambda row: row["item_id"]) == new.rows


def test_a_diff_is_not_applied_to_other_rows() -> None:
    """Half a patch on the wrong base would look like a release."""
    diff = compare_rows([make_row("a")], [make_row("a"), make_row("b")])
    with pytest.raises(DataError, match=r"not the rows of bench 1\.0\.0"):
        apply_diff([make_row("c")], diff)


def test_retired_items_are_told_with_version_and_reason_of_the_manifest() -> None:
    """Ids stay taken: who meets one in an old paper must find out what became of it."""
    retired = [{"item_id": "a", "version": "1.0.5", "reason": "withdrawn: wrong"}]
    diff = compare_rows([make_row("a"), make_row("b")], [make_row("c")], retired=retired)
    told = {r.item_id: (r.version, r.reason) for r in diff.retired}
    assert told == {"a": ("1.0.5", "withdrawn: wrong"), "b": ("1.1.0", NO_REASON)}


def test_an_item_that_comes_back_is_told_apart_from_a_new_one() -> None:
    """An id is one item's for life: the same id after a retirement is the same item."""
    old = make_release([], make_manifest() | {"retired": [{"item_id": "a", "reason": "undecided"}]})
    diff = compare_releases(old, make_release([make_row("a"), make_row("b")]))
    assert [row["item_id"] for row in diff.added] == ["a", "b"]
    assert diff.returned == ("a",)


def test_an_edit_names_texts_metadata_and_letter_apart() -> None:
    """Each of them means something else for the number and for scores."""
    new = make_row("a", question="Should I?", family="other") | {"order_1_positive": "B"}
    (edit,) = compare_rows([make_row("a")], [new]).edited
    assert [field.column for field in edit.texts] == ["question"]
    assert [field.column for field in edit.metadata] == ["family"]
    assert edit.is_letter_changed
    assert edit.is_reworded
    assert not edit.is_moved
    assert not compare_rows([make_row("a")], [new]).anchors


def test_a_letter_alone_keeps_the_anchor_and_is_told() -> None:
    """Both orders are asked, so that the letter moves no score, but a single order's files differ."""
    new = [make_row("a") | {"order_1_positive": "B"}, make_row("b")]
    anchors = compare_rows([make_row("a"), make_row("b")], new).anchors
    assert [(anchor.item_id, anchor.is_same_letter) for anchor in anchors] == [
        ("a", False),
        ("b", True),
    ]


def test_texts_that_differ_under_one_hash_are_no_anchor() -> None:
    """A hash that was not made anew must not pass an edited text for unchanged."""
    forged = make_row("a") | {"question": "Something else?"}
    diff = compare_rows([make_row("a")], [forged])
    assert not diff.anchors
    assert diff.reworded


def test_values_of_other_types_are_other_values() -> None:
    """In JSON 1, 1.0 and true differ, and so would the bytes."""
    diff = compare_rows([make_row("a") | {"x": 1}], [make_row("a") | {"x": True}])
    (edit,) = diff.edited
    (field,) = edit.fields
    assert (field.column, field.change) == ("x", Change.CHANGED)


def test_comparability_names_the_anchors_and_what_stands_in_the_way() -> None:
    """Two scores beside each other are read as a comparison, whether they bear one or not."""
    old = [make_row("a"), make_row("b", question="B?")]
    diff = compare_rows(old, [make_row("a"), make_row("c", question="C?")])
    told = " ".join(describe_comparability(diff))
    assert told.startswith("1 items are anchors: shared unchanged, of 2 of 1.0.0 and 2 of 1.1.0")
    assert "privacy 1 of 2 and 2" in told
    assert "on the anchors alone, where the same judge judged both" in told
    other = compare_rows(old, old, evaluator={"version": "2.0.0", "hash": "x", "scoring_hash": "y"})
    assert list_obstacles(other) == ["the evaluator scores otherwise"]
    assert "cannot be compared as they stand, even on the anchors" in " ".join(
        describe_comparability(other)
    )
    assert "cannot be compared: no item" in " ".join(
        describe_comparability(compare_rows(old, [make_row("z", question="Z?")]))
    )


FIRST_FORMAT = {"name": "bench", "version": "0.9.0", "evaluator": "e", "configuration": "c"}


def test_a_manifest_of_the_first_format_is_compared_without_failing() -> None:
    """Releases never change, and so old ones never learn to tell more."""
    old = make_release([make_row("a")], dict(FIRST_FORMAT))
    diff = compare_releases(old, make_release([make_row("a")]))
    # The hash of the evaluator is told by both, and is the same: so are its prompts and scoring.
    subjects = {change.subject for change in diff.manifest}
    assert Subject.SCORING not in subjects
    assert Subject.PROMPT not in subjects
    other = make_release([make_row("a")], FIRST_FORMAT | {"evaluator": "another"})
    untold = {change.subject for change in compare_releases(other, make_release([])).manifest}
    assert {Subject.SCORING, Subject.PROMPT} <= untold
    assert {c.subject for c in compare_releases(old, other).manifest} == {
        Subject.EVALUATOR,
        Subject.SCORING,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(make_manifest())), JSON, st.sampled_from(sorted(make_manifest())))
def test_manifests_with_nonsense_in_them_are_compared_all_the_same(
    name: str, nonsense: Any, other: str
) -> None:
    """A diff is made of what people downloaded; a damaged part is a difference and no traceback."""
    damaged = make_manifest() | {name: nonsense}
    del damaged[other]
    for pair in ((make_manifest(), damaged), (damaged, make_manifest()), (damaged, damaged)):
        old, new = (make_release([make_row("a")], manifest) for manifest in pair)
        describe_diff(SplitDiff(compare_releases(old, new)))


TEXT = st.text(alphabet=st.sampled_from("ab ,.\n\t我你é가ー　'‍😀"), max_size=40) | st.text(
    max_size=40
)


@settings(max_examples=500, deadline=None)
@given(TEXT, TEXT)
def test_pieces_give_both_texts_back(old: str, new: str) -> None:
    """What is shown of a change is all of both texts, whatever the script."""
    pieces = compare_texts(old, new)
    assert join_old(pieces) == old
    assert join_new(pieces) == new
    assert all(piece.text for piece in pieces)
    assert "".join(split_words(old)) == old
    if old == new:
        assert {piece.fate for piece in pieces} <= {Fate.STAYED}


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("Should I read it?", "Should I never read it?", "Should I {+never +}read it?"),
        ("我可以读日记吗？", "我应该读日记吗？", "我[-可以-]{+应该+}读日记吗？"),
        ("Yes do it.", "No leave it.", "[-Yes do-]{+No leave+} it."),
        ("", "new", "{+new+}"),
        ("same", "same", "same"),
        ("gone", "", "[-gone-]"),
    ],
)
def test_words_and_chinese_characters_are_told_one_by_one(old: str, new: str, shown: str) -> None:
    """A curator confirms a number by what changed, and should not have to search for it."""
    assert mark_pieces(compare_texts(old, new)) == shown


def test_sizes_count_words_and_not_spaces() -> None:
    """The size of a change is shown in place of its words, which may be harmful."""
    pieces = compare_texts("one two three", "one four")
    assert (count_words(pieces, Fate.GONE), count_words(pieces, Fate.NEW)) == (2, 1)


def test_very_long_texts_are_replaced_whole_where_they_differ() -> None:
    """A text of a million words must not take the memory of the machine."""
    old = "start " + "a b " * 30_000 + "end"
    new = "start " + "c d e " * 20_000 + "end"
    pieces = compare_texts(old, new)
    assert [piece.fate for piece in pieces] == [Fate.STAYED, Fate.GONE, Fate.NEW, Fate.STAYED]
    assert (join_old(pieces), join_new(pieces)) == (old, new)
