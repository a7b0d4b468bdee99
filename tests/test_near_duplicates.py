"""Near-duplicates: none is missed, none is made up, and pairs are joined to clusters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from builder.checks import near_duplicates
from builder.checks.near_duplicates import Pair, find_near_duplicates
from schemas.texts import normalise_for_comparison

WORDY = st.text("abcdefgh AB", max_size=12)
TINY = st.text("ab", max_size=4)
CHINESE = st.text("我你他要不要吗？, ", max_size=8)
COMPARED = st.lists(WORDY | TINY | CHINESE | st.sampled_from(["", "a", "A ", "Ａ"]), max_size=10)


def _find_by_brute_force(texts: list[str], cutoff: float) -> list[Pair]:
    """Compare every text with every later one, in the plainest way."""
    found = []
    for first, one in enumerate(texts):
        for second in range(first + 1, len(texts)):
            ratio = fuzz.ratio(
                normalise_for_comparison(one), normalise_for_comparison(texts[second])
            )
            if ratio >= cutoff:
                found.append(Pair(first, second, ratio))
    return found


@given(texts=COMPARED, cutoff=st.integers(50, 100), block=st.sampled_from([1, 3, 1024]))
@settings(deadline=None, max_examples=200)
def test_near_duplicates_are_those_of_a_plain_double_loop(
    texts: list[str], cutoff: int, block: int
) -> None:
    """No pair may be missed or made up, wherever the borders of blocks fall."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "_BLOCK", block)
        assert find_near_duplicates(texts, cutoff) == _find_by_brute_force(texts, cutoff)


def test_near_duplicates_are_found_over_the_borders_of_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last row of a block and the first of the next are compared like any two."""
    monkeypatch.setattr(near_duplicates, "_BLOCK", 3)
    texts = ["one", "two", "Should I tell?", "should  I tell?", "five", "Should I tell!", "one"]
    found = [(pair.first, pair.second) for pair in find_near_duplicates(texts, 90)]
    assert found == [(0, 6), (2, 3), (2, 5), (3, 5)]


def test_the_cutoff_itself_is_a_near_duplicate() -> None:
    """The docstring says at least: nine of ten letters is a pair at 90, and none at 91."""
    texts = ["abcdefghij", "abcdefghiX"]
    assert find_near_duplicates(texts, 90) == [Pair(0, 1, 90.0)]
    assert find_near_duplicates(texts, 91) == []
