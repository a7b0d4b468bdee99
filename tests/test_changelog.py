"""The changelog of a release: written from its diff, newest first, and without a text of an item."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from release_edits import EDITS, Edit, Made, apply_edits, make_manifest, make_release, make_row

from builder.release.versions.changelog import write_changelog
from builder.release.versions.diffing import compare_releases
from builder.release.versions.split_diff import SplitDiff
from builder.release.versions.version_gate import add_gate, gate_version

SECRET = "zyxwv"


def write_first(items: int = 2) -> str:
    """Return the changelog of a first release."""
    dimensions = [{"id": "privacy", "items": items}, {"id": "fairness", "items": 0}]
    told = {"version": "1.0.0", "date": "2026-01-02", "items": items, "dimensions": dimensions}
    return write_changelog("", None, told)


def write_second(old: Any, new: Any, **told: Any) -> str:
    """Return the changelog of a second release, with its gate in the manifest."""
    diff = compare_releases(old, new)
    manifest = new.manifest | {"version": "1.1.0", "date": "2026-03-04"} | told
    add_gate(manifest, gate_version(SplitDiff(diff), "1.1.0"))
    return write_changelog(write_first(), diff, manifest)


def test_a_first_release_tells_its_size() -> None:
    """There is nothing before it that it could differ from."""
    assert write_first() == (
        "# Changelog\n\n## 1.0.0, 2026-01-02\n\nFirst release, 2 items in 1 dimension.\n"
    )


def test_the_newest_release_stands_first_and_the_earlier_text_stays_as_it_was() -> None:
    """What was said of a released version does not change either."""
    retired = [{"item_id": "a", "version": "1.1.0", "reason": "withdrawn: a real\n# person"}]
    old = make_release([make_row("a"), make_row("b"), make_row("c"), make_row("d")])
    edited = make_row("b", question=f"{SECRET}?")
    moved = make_row("c") | {"order_1_positive": "B"}
    manifest = make_manifest("1.1.0") | {"retired": retired, "license": "MIT"}
    new = make_release([edited, moved, make_row("d"), make_row("e")], manifest)
    text = write_second(old, new)
    assert text == (
        "# Changelog\n"
        "\n"
        "## 1.1.0, 2026-03-04\n"
        "\n"
        "Major: 1 item edited.\n"
        "\n"
        "- 4 items, 4 in 1.0.0: 1 added, 1 retired, 1 edited; 2 shared unchanged\n"
        "- added e\n"
        "- retired a: withdrawn: a real # person\n"
        "- edited b: content_hash, question\n"
        "- changed order_1_positive of c\n"
        "- license: license\n"
        "\n"
        "## 1.0.0, 2026-01-02\n"
        "\n"
        "First release, 2 items in 1 dimension.\n"
    )


BASES = st.sets(st.integers(0, 9), max_size=6).map(
    lambda numbers: Made(
        {f"item-{n}": make_row(f"item-{n}", question=f"{SECRET} {n}?") for n in numbers}
    )
)


@settings(max_examples=150, deadline=None)
@given(BASES, st.lists(EDITS, max_size=8))
def test_no_text_of_an_item_is_in_it_and_it_is_the_same_each_time(
    base: Made, edits: list[Edit]
) -> None:
    """It is public, and the texts may be harmful or held out."""
    old, new = base.finish(), apply_edits(base, edits).finish()
    text = write_second(old, new)
    assert SECRET not in text
    assert "her diary" not in text
    assert text == write_second(old, new)
    for row in new.rows:
        if row["item_id"] not in base.rows:
            assert row["item_id"] in text


def test_what_came_back_is_told() -> None:
    """An id that was retired and is there again is no new item."""
    manifest = make_manifest() | {"retired": [{"item_id": "a", "reason": "undecided since"}]}
    text = write_second(make_release([], manifest), make_release([make_row("a")]))
    assert "- back after they were retired: a\n" in text
    assert "- added" not in text


def test_the_level_is_that_of_the_gate_which_saw_both_splits() -> None:
    """The public folder's changelog must not call a release minor whose held-out items were edited."""
    release = make_release([make_row("a")])
    gates = [{"name": "version", "value": "major: 1 held-out item edited"}]
    manifest = make_manifest("2.0.0") | {"gates": gates}
    text = write_changelog("", compare_releases(release, release), manifest)
    assert "Major: 1 held-out item edited." in text
