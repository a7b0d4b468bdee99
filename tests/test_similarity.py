"""The exact join: it finds what comparing all pairs finds, by every path and in any alphabet."""

import multiprocessing
import random
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel

from builder.checks.similarity import join, scan, sharing
from builder.checks.similarity.clusters import join_clusters
from builder.checks.similarity.join import Matches, Pair, find_near_duplicates
from builder.checks.similarity.segment import Order
from builder.checks.similarity.signatures import encode, fit_alphabet
from schemas.texts import normalise_for_comparison

WORDY = st.text("abcdefgh AB", max_size=14)
TINY = st.text("ab", max_size=4)
CHINESE = st.text("我你他要不要吗？, ", max_size=8)
ANY = st.text(st.characters(), max_size=10)
TEXTS = st.lists(WORDY | TINY | CHINESE | ANY | st.sampled_from(["", "a", "A ", "Ａ"]), max_size=12)
CUTOFFS = st.sampled_from([*range(50, 101), 87.9, 89.5, 99.9])
QUESTION = "is it right to tell my neighbour what the doctor said about the illness of her child "


def find_by_brute_force(texts: Sequence[str], cutoff: float, order: Order) -> list[Pair]:
    """Compare every text with every later one, in the plainest way."""
    score = fuzz.ratio if order is Order.AS_WRITTEN else fuzz.token_sort_ratio
    plain = [normalise_for_comparison(text) for text in texts]
    ratios = {
        (i, j): score(plain[i], plain[j])
        for i in range(len(plain))
        for j in range(i + 1, len(plain))
    }
    return [Pair(i, j, ratio) for (i, j), ratio in ratios.items() if ratio >= cutoff]


@pytest.fixture(params=[(1, 1), (3, 2), (64, 4096)])
def _tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the borders of tiles fall everywhere."""
    monkeypatch.setattr(scan, "_ROWS", request.param[0])
    monkeypatch.setattr(scan, "_COLUMNS", request.param[1])


@pytest.mark.usefixtures("_tiles")
@given(texts=TEXTS, cutoff=CUTOFFS, order=st.sampled_from(Order))
@settings(deadline=None, max_examples=25)
def test_pairs_are_those_of_a_plain_double_loop(
    texts: list[str], cutoff: float, order: Order
) -> None:
    """No pair may be missed or made up: a curator who is told "no copies" relies on it."""
    found = find_near_duplicates(texts, cutoff, order=order)
    assert list(found.list_pairs()) == find_by_brute_force(texts, cutoff, order)
    assert len(found) == len(find_by_brute_force(texts, cutoff, order))


@pytest.mark.parametrize("reaches", [(46, 92), (0, 92), (0, 0)])
@pytest.mark.parametrize("length", [40, 90, 300, 600, 1500])
def test_pairs_of_texts_of_any_length_are_found_by_every_path(
    length: int, reaches: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow signatures, wide ones and plain comparison take over from each other as texts grow."""
    monkeypatch.setattr(scan, "_NARROW_REACH", reaches[0])
    monkeypatch.setattr(scan, "_WIDE_REACH", reaches[1])
    rng = random.Random(length)
    base = (QUESTION * (length // len(QUESTION) + 1))[:length]
    texts = [_edit(base, rng, rng.randrange(length // 5 + 2)) for _ in range(30)]
    found = list(find_near_duplicates(texts, 90).list_pairs())
    assert found == find_by_brute_force(texts, 90, Order.AS_WRITTEN)
    assert 0 < len(found) < 30 * 29 / 2, "the texts try both sides of the cut-off"


def _edit(text: str, rng: random.Random, edits: int) -> str:
    letters = list(text)
    for _ in range(edits):
        place = rng.randrange(max(len(letters), 1))
        if not letters or rng.random() < 0.5:
            letters.insert(place, rng.choice("etaoin 我"))
        else:
            del letters[place]
    return "".join(letters)


@given(known=TEXTS, texts=st.lists(WORDY | CHINESE | ANY, min_size=2, max_size=6))
@settings(deadline=None, max_examples=50)
def test_signatures_never_differ_more_than_the_texts(known: list[str], texts: list[str]) -> None:
    """This bound is why no pair is lost; it holds for letters that the alphabet has never seen."""
    signatures = encode(fit_alphabet(known), texts)
    for i, one in enumerate(texts):
        for j, other in enumerate(texts):
            distance = Indel.distance(one, other)
            for rows, factor in (
                (signatures.narrow, 1),
                (signatures.wide, 1),
                (signatures.pairs, 3),
            ):
                assert int(np.bitwise_count(rows[i] ^ rows[j]).sum()) <= factor * distance


def make_questions(count: int, seed: int = 0) -> list[str]:
    """Return mixed questions: a tenth of them edited copies, some Chinese, some full of punctuation."""
    rng = random.Random(seed)
    words = [*dict.fromkeys(QUESTION.split()), *(f"w{n}ord{n % 7}" for n in range(150))]
    signs = "我你他她它们天地人可以要不要吗这那是的了在有和就都而及与着或"
    texts: list[str] = []
    while len(texts) < count:
        kind = rng.random()
        if texts and kind < 0.1:
            texts.append(_edit(rng.choice(texts) or "x", rng, rng.randrange(9)))
        elif kind < 0.15:
            texts.append("".join(rng.choices(signs, k=rng.randrange(8, 40))) + "？")
        elif kind < 0.18:
            texts.append("".join(rng.choices("?!., -", k=rng.randrange(30))))
        else:
            texts.append(" ".join(rng.choices(words, k=rng.randrange(4, 24))).capitalize() + "?")
    return texts


def _compare_all(texts: list[str]) -> set[tuple[int, int]]:
    plain = [normalise_for_comparison(text) for text in texts]
    pairs = set()
    for start in range(0, len(plain), 500):
        block = process.cdist(
            plain[start : start + 500],
            plain,
            scorer=fuzz.ratio,
            score_cutoff=90,
            dtype=np.uint8,
            workers=2,
        )
        for i, j in np.argwhere(block).tolist():
            if start + i < j:
                pairs.add((start + i, j))
    return pairs


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mixed_questions_give_the_pairs_of_brute_force(count: int) -> None:
    """What the benchmark measures is worth nothing unless the result is the same."""
    texts = make_questions(count)
    expected = _compare_all(texts)
    found = {(pair.first, pair.second) for pair in find_near_duplicates(texts, 90).list_pairs()}
    assert found == expected
    assert len(expected) > count // 50


def test_worker_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sharing the work must not change its result, nor its order; progress ends at the whole."""
    texts = make_questions(3_000, seed=1)
    alone = find_near_duplicates(texts, 90)
    monkeypatch.setattr(join, "_PAIRS_FOR_HELPERS", 0)
    monkeypatch.setattr(join, "_PAIRS_A_SHARD", 100_000)
    told: list[tuple[int, int]] = []
    shared = find_near_duplicates(
        texts, 90, workers=2, on_progress=lambda done, total: told.append((done, total))
    )
    assert list(shared.list_pairs()) == list(alone.list_pairs())
    assert len(told) > 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


def test_a_helper_that_is_killed_costs_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel kills the largest process when memory ends; what it held must be scanned here."""
    texts = make_questions(3_000, seed=1)
    alone = list(find_near_duplicates(texts, 90).list_pairs())
    monkeypatch.setattr(join, "_PAIRS_FOR_HELPERS", 0)
    monkeypatch.setattr(join, "_PAIRS_A_SHARD", 100_000)
    killed: list[int] = []

    def kill_helpers(done: int, total: int) -> None:
        for child in multiprocessing.active_children() if done < total else ():
            child.kill()
            killed.append(done)

    shared = find_near_duplicates(texts, 90, workers=3, on_progress=kill_helpers)
    assert len(killed) >= 2
    assert list(shared.list_pairs()) == alone


def _fail_in_helpers(*arguments: Any, **settings: Any) -> scan.Found:
    if multiprocessing.parent_process() is not None:
        raise MemoryError
    return scan.scan(*arguments, **settings)


def test_a_helper_that_is_out_of_memory_costs_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in a helper is scanned here; the helper is only there for speed."""
    texts = make_questions(3_000, seed=1)
    alone = list(find_near_duplicates(texts, 90).list_pairs())
    monkeypatch.setattr(join, "_PAIRS_FOR_HELPERS", 0)
    monkeypatch.setattr(join, "_PAIRS_A_SHARD", 100_000)
    monkeypatch.setattr(join, "scan", _fail_in_helpers)
    assert list(find_near_duplicates(texts, 90, workers=2).list_pairs()) == alone


def test_a_full_disk_costs_the_helpers_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Helpers map what is saved; where nothing can be saved, this process does all."""
    texts = make_questions(2_000, seed=3)
    alone = list(find_near_duplicates(texts, 90).list_pairs())

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(join, "_PAIRS_FOR_HELPERS", 0)
    monkeypatch.setattr(sharing, "save_segment", refuse)
    assert list(find_near_duplicates(texts, 90, workers=2).list_pairs()) == alone


def test_little_memory_changes_nothing_in_the_result() -> None:
    """A limit makes blocks smaller, never the search coarser."""
    texts = make_questions(1_500, seed=2)
    small = find_near_duplicates(texts, 90, memory_mb=1)
    assert list(small.list_pairs()) == list(find_near_duplicates(texts, 90).list_pairs())


def test_twenty_thousand_equal_texts_are_one_group() -> None:
    """200 million pairs must not be written out to be counted, or to be clustered."""
    found = find_near_duplicates(["The same?"] * 20_000)
    assert len(found) == 20_000 * 19_999 // 2
    (cluster,) = join_clusters((pair.first, pair.second) for pair in found.list_links())
    assert sorted(cluster) == list(range(20_000))


@given(texts=TEXTS)
@settings(deadline=None, max_examples=25)
def test_links_join_the_same_clusters_as_all_pairs(texts: list[str]) -> None:
    """Clusters are made of links where pairs would be too many: they must be the same clusters."""
    found = find_near_duplicates(texts, 80)
    assert _list_clusters(found, links=True) == _list_clusters(found, links=False)


def _list_clusters(found: Matches, *, links: bool) -> set[frozenset[int]]:
    pairs = found.list_links() if links else found.list_pairs()
    return {frozenset(cluster) for cluster in join_clusters((p.first, p.second) for p in pairs)}


@pytest.mark.parametrize("cutoff", range(50, 101))
def test_no_whole_cutoff_loses_the_pairs_that_lie_on_it(cutoff: int) -> None:
    """Rapidfuzz rounds its own cut-off otherwise than its ratio: at 93, such a pair was lost."""
    texts = ["a" * 100, "a" * cutoff + "b" * (100 - cutoff)]
    expected = find_by_brute_force(texts, cutoff, Order.AS_WRITTEN)
    assert list(find_near_duplicates(texts, cutoff).list_pairs()) == expected


def test_the_cutoff_itself_is_a_near_duplicate() -> None:
    """At least means at least: nine of ten letters is a pair at 90, and none just above."""
    texts = ["abcdefghij", "abcdefghiX"]
    assert list(find_near_duplicates(texts, 90).list_pairs()) == [Pair(0, 1, 90.0)]
    assert len(find_near_duplicates(texts, 90.01)) == 0


@pytest.mark.parametrize("what", ["ProcessPoolExecutor", "TemporaryDirectory"])
def test_where_no_helper_can_be_started_this_process_does_all(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A full /dev/shm or a full disk is no reason to find nothing."""
    texts = make_questions(2_000, seed=3)
    alone = list(find_near_duplicates(texts, 90).list_pairs())

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sharing if what == "ProcessPoolExecutor" else tempfile, what, refuse)
    monkeypatch.setattr(join, "_PAIRS_FOR_HELPERS", 0)
    assert list(find_near_duplicates(texts, 90, workers=2).list_pairs()) == alone
