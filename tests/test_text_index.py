"""An index of texts: saved, loaded, extended; damaged ones are told and never half used."""

import json
from pathlib import Path

import pytest
from rapidfuzz import fuzz
from test_similarity import make_questions

from builder.checks.similarity.index import TextIndex, estimate_memory
from builder.checks.similarity.join import Pair, find_matches
from builder.checks.similarity.segment import Order
from schemas.errors import FineBenchError
from schemas.texts import normalise_for_comparison

OLD, NEW, LATER = make_questions(300, 1), make_questions(120, 1)[60:], make_questions(80, 3)


def _compare(new: list[str], old: list[str]) -> list[Pair]:
    plain = [normalise_for_comparison(text) for text in old]
    pairs = []
    for i, text in enumerate(new):
        for j, other in enumerate(plain):
            ratio = fuzz.ratio(normalise_for_comparison(text), other)
            if ratio >= 90:
                pairs.append(Pair(i, j, ratio))
    return pairs


def test_matches_in_an_extended_and_reloaded_index_are_those_of_a_double_loop(
    tmp_path: Path,
) -> None:
    """Ten thousand candidates against a million are compared so: nothing may be lost on the way."""
    index = TextIndex.build(OLD)
    index.save(tmp_path / "index")
    index = TextIndex.load(tmp_path / "index").extend(LATER)
    index.save(tmp_path / "index")
    loaded = TextIndex.load(tmp_path / "index")
    assert (len(loaded), len(loaded.segments)) == (380, 2)
    found = list(find_matches(loaded, NEW + LATER[:5], 90).list_pairs())
    assert found == _compare(NEW + LATER[:5], OLD + LATER)
    assert len(found) > 60


def test_extending_leaves_what_was_saved_untouched(tmp_path: Path) -> None:
    """A million texts are not written again for ten thousand new ones."""
    index = TextIndex.build(OLD)
    index.save(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    index.extend(LATER).save(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(tmp_path.rglob("*.npy"))) == 2 * len(before)


def test_another_index_saved_in_the_same_folder_does_not_mix_with_the_first(
    tmp_path: Path,
) -> None:
    """Segments go by their content: an old one under a new manifest would give foreign matches."""
    TextIndex.build(OLD).save(tmp_path)
    TextIndex.build(LATER, order=Order.WORDS_SORTED).save(tmp_path)
    loaded = TextIndex.load(tmp_path)
    assert (len(loaded), loaded.order) == (80, Order.WORDS_SORTED)
    assert [p.second for p in find_matches(loaded, [LATER[7]], 100).list_pairs()] == [7]


@pytest.mark.parametrize("damage", ["missing", "cut", "manifest", "version", "texts"])
def test_a_damaged_index_is_told_and_how_to_mend_it(tmp_path: Path, damage: str) -> None:
    """Half an index would miss pairs in silence."""
    TextIndex.build(OLD).save(tmp_path)
    array = next(tmp_path.rglob("wide.npy"))
    manifest = tmp_path / "index.json"
    content = json.loads(manifest.read_text())
    if damage == "missing":
        array.unlink()
    elif damage == "cut":
        array.write_bytes(array.read_bytes()[:200])
    elif damage == "manifest":
        manifest.write_text("{")
    else:
        key = {"version": "format", "texts": "texts"}[damage]
        manifest.write_text(json.dumps(content | {key: 7}))
    with pytest.raises(FineBenchError, match=r"(Remove the folder|Restore it)"):
        TextIndex.load(tmp_path)


def test_memory_is_told_to_grow_linearly() -> None:
    """Whoever plans for ten million texts multiplies by ten."""
    assert estimate_memory(10_000_000, 950_000_000) == 10 * estimate_memory(1_000_000, 95_000_000)
    index = TextIndex.build(OLD)
    (segment,) = index.segments
    held = sum(getattr(segment, name).nbytes for name in segment.__slots__)
    assert held <= 1.1 * estimate_memory(len(OLD), int(segment.offsets[-1]))
