"""Long runs in common: found whatever stands around them, never by chance, as a plain search finds them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builder.checks.contamination.overlap import RunFinder, _hash_windows, keep_letters

# As the documents name them, not as the code has them: a changed threshold must fail here.
RUN, LEAST = 40, 20
DENSE_RUN, DENSE_LEAST = 16, 8

# Three alphabets that share no letter: what is around a run on either side cannot make it longer.
RUN_LETTERS = "abcdefghijklmnopqrst"
MARKS = " .,!?-—'\"()\n\t\u200b\u202e\ud800😀"
AROUND_TEXT = st.text("uvw" + MARKS, max_size=40)
AROUND_PASSAGE = st.text("xyz0123456789" + MARKS, max_size=40)
CHINESE = st.characters(min_codepoint=0x4E00, max_codepoint=0x4FFF)
ANY_CHARACTER = st.characters(exclude_categories=())
HOSTILE = settings(deadline=None, max_examples=100)


def _find(texts: list[str], passages: list[str]) -> list[tuple[int, int, str]]:
    return [(o.text, o.passage, o.run) for o in RunFinder(texts).find(passages)]


def _disguise(run: str, marks: str) -> str:
    """Return a run with a mark after each letter and its case turned."""
    return "".join(f"{c.upper()}{marks[n % len(marks)]}" for n, c in enumerate(run))


@given(
    run=st.text(RUN_LETTERS, min_size=RUN, max_size=RUN + 20),
    around=st.tuples(AROUND_TEXT, AROUND_TEXT, AROUND_PASSAGE, AROUND_PASSAGE),
    marks=st.text(MARKS, min_size=1),
)
@HOSTILE
def test_a_run_of_forty_letters_is_found_behind_any_marks(
    run: str, around: tuple[str, str, str, str], marks: str
) -> None:
    """Whoever copies a question changes case and punctuation first: that must hide nothing."""
    text = around[0] + run + around[1]
    passage = around[2] + _disguise(run, marks) + around[3]
    assert _find([text], ["", "nothing of it", passage]) == [(0, 2, run)]


@given(
    run=st.text(RUN_LETTERS, min_size=RUN - 1, max_size=RUN - 1),
    around=st.tuples(AROUND_TEXT, AROUND_TEXT, AROUND_PASSAGE, AROUND_PASSAGE),
)
@HOSTILE
def test_a_run_of_one_letter_less_is_none(run: str, around: tuple[str, str, str, str]) -> None:
    """A threshold that gives way by one is not the one that the documents name."""
    text = f"{around[0]}u{run}w{around[1]}"
    assert _find([text], [around[2] + run + around[3]]) == []


@given(
    run=st.text(CHINESE, min_size=DENSE_RUN, max_size=DENSE_RUN + 10),
    before=st.text("uvw", max_size=7),
    after=st.text("uvw", max_size=7),
    around=st.tuples(AROUND_PASSAGE, AROUND_PASSAGE),
)
@HOSTILE
def test_sixteen_chinese_characters_are_a_run_and_fifteen_are_none(
    run: str, before: str, after: str, around: tuple[str, str]
) -> None:
    """A word is one or two characters there: forty would be a paragraph and let questions through."""
    passage = around[0] + _disguise(run, "，。 ") + around[1]
    assert _find([before + run + after], [passage]) == [(0, 0, run)]
    short = run[: DENSE_RUN - 1]
    assert _find([f"u{short}{after}"], [around[0] + short + around[1]]) == []


@pytest.mark.parametrize(
    ("letters", "size", "found"),
    [
        (RUN_LETTERS * 2, LEAST, True),
        (RUN_LETTERS * 2, LEAST - 1, False),
        ("天地玄黄宇宙洪荒日月盈昃", DENSE_LEAST, True),
        ("天地玄黄宇宙洪荒日月盈昃", DENSE_LEAST - 1, False),
        ("かなでかくにほんごのもじ", DENSE_LEAST, True),
        ("가나다라마바사아자차카타", DENSE_LEAST, True),
    ],
)
def test_a_short_text_must_stand_whole_and_not_be_too_short(
    letters: str, size: int, found: bool
) -> None:
    """Below the least length anything stands anywhere by chance; above it a whole text is a copy."""
    text = letters[:size]
    assert bool(_find([text], [f"xyz {text} 123"])) is found
    assert _find([text], [f"xyz {text[:-1]} 123"]) == [], "all but its last letter is not whole"


@given(
    texts=st.lists(st.text(ANY_CHARACTER, max_size=60), max_size=6),
    size=st.integers(DENSE_LEAST, RUN),
)
@HOSTILE
def test_windows_of_many_texts_are_those_of_each_alone(texts: list[str], size: int) -> None:
    """Texts are hashed in one array: a window over the border of two would be a copy of neither."""
    codes, owners = _hash_windows(texts, size)
    alone = [_hash_windows([text], size)[0].tolist() for text in texts]
    assert codes.tolist() == [code for part in alone for code in part]
    assert owners.tolist() == [n for n, part in enumerate(alone) for _ in part]
    assert [len(part) for part in alone] == [max(0, len(text) - size + 1) for text in texts]


@given(text=st.text("ab", min_size=RUN, max_size=200), size=st.integers(1, RUN))
@HOSTILE
def test_windows_have_equal_hashes_just_where_they_are_equal(text: str, size: int) -> None:
    """An equal window with another hash is a copy that is missed, wherever in the text it stands."""
    codes, _ = _hash_windows([text], size)
    windows = [text[n : n + size] for n in range(len(text) - size + 1)]
    assert len(codes) == len(windows)
    assert len(set(zip(windows, codes.tolist(), strict=True))) == len(set(windows))
    assert len(np.unique(codes)) == len(set(windows))


@given(
    text=st.text("ab", min_size=RUN, max_size=90),
    passage=st.text("ab", max_size=60),
    start=st.integers(0, 60),
    length=st.integers(0, 90),
)
@HOSTILE
def test_what_is_found_is_what_a_plain_search_finds(
    text: str, passage: str, start: int, length: int
) -> None:
    """The hashes are for speed alone: the longest run is the same as that of trying every one."""
    passage = f"{passage}{text[start : start + length]}{passage}"
    longest = max(
        (
            stop - begin
            for begin in range(len(text))
            for stop in range(begin + RUN, len(text) + 1)
            if text[begin:stop] in passage
        ),
        default=0,
    )
    found = _find([text], [passage])
    assert [len(run) for _, _, run in found] == ([longest] if longest else [])
    assert all(run in text and run in passage for _, _, run in found)


@given(first=st.text(RUN_LETTERS, min_size=RUN, max_size=60), cut=st.integers(1, 59))
@HOSTILE
def test_two_passages_side_by_side_do_not_make_a_run(first: str, cut: int) -> None:
    """Neighbouring lines of a reference stand together by chance."""
    assume(cut < RUN and len(first) - cut < RUN)
    assert _find([first], [first[:cut], first[cut:]]) == []
    assert _find([first], [first[:cut], first, first[cut:]]) == [(0, 1, first)]


def test_every_text_and_passage_is_told_by_its_own_number() -> None:
    """A wrong number blocks the wrong item; equal texts and equal passages are all told."""
    one, two = "abcdefghij" * 4, "qrstuvwxyz" * 4
    found = _find([one, "?", two, one], [two, "", f"{one} {two}", one])
    pairs = sorted((text, passage) for text, passage, _ in found)
    assert pairs == [(0, 2), (0, 3), (2, 0), (2, 2), (3, 2), (3, 3)]


@pytest.mark.parametrize("text", ["", " ", "?!…—。", "\ud800\udfff", "\u200b\u202e", "😀" * 50])
def test_a_text_without_letters_is_found_nowhere(text: str) -> None:
    """No letters in common are no copy: the empty run stands in every text."""
    assert keep_letters(text) == ""
    letters = RUN_LETTERS * 3
    assert _find([text], [text, letters, ""]) == []
    assert _find([text, letters], [text, letters]) == [(1, 1, letters)], (
        "others are found beside it"
    )
    assert _find([], [letters]) == []
    assert _find([letters], []) == []


@given(text=st.text(ANY_CHARACTER, max_size=80))
@HOSTILE
def test_only_letters_and_digits_are_kept_and_case_and_marks_do_not_count(text: str) -> None:
    """Two ways to write one question must come down to the same letters."""
    letters = keep_letters(text)
    assert letters == "" or letters.isalnum()
    assert keep_letters(f" {text}\n?!") == letters
    assert keep_letters(text.replace(" ", " - ")) == letters


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("ＡＢ１２", "ab12"),
        ("Straße STRASSE", "strassestrasse"),
        ("ΣΑΣ σας", "σασσασ"),
        ("ﬁne Ⅷ ½", "fineviii12"),
        ("e\u0301 é", "éé"),
        ("ｶﾞ ガ", "ガガ"),
        ("a\u200bb\u00adc\ud800d", "abcd"),
    ],
)
def test_what_reads_the_same_is_the_same(text: str, letters: str) -> None:
    """Full width, ligatures, accents in two parts and unseen marks are the oldest ways to hide a copy."""
    assert keep_letters(text) == letters
