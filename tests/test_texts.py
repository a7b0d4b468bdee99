"""Texts: what is trimmed, what is forbidden, and what hashes and ids are made of."""

import hashlib
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.texts import (
    allocate_item_id,
    canonical_json,
    canonical_rows,
    find_forbidden_characters,
    hash_content,
    hash_text,
    is_language_tag,
    normalise_for_comparison,
    shorten,
    trim,
)

ZERO_WIDTH_SPACE, BYTE_ORDER_MARK, NO_BREAK_SPACE = "\u200b", "\ufeff", "\u00a0"
EDGES = " \n\t\r\u00a0\u3000\u200b\u200e\u2060\ufeff\x00\x1f"
ANY_TEXT = st.text(st.characters(exclude_categories=[]))
JSON_KEYS = st.text(max_size=5)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_KEYS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "edge",
    [ZERO_WIDTH_SPACE, BYTE_ORDER_MARK, NO_BREAK_SPACE, "\n\u200b", "\u3000", "\u200e\t ", "\x00"],
)
def test_trim_removes_white_space_and_invisible_characters_at_both_ends(edge: str) -> None:
    """FINE's options end in such characters, and those of one role more often: they give it away."""
    assert trim(f"{edge}No.{edge}") == "No."


@pytest.mark.parametrize("inner", ["a b", "a\n\nb", "a\u200bb", "a\ufeffb", "a\u00a0b", "न\u200dम"])
def test_trim_keeps_what_stands_inside(inner: str) -> None:
    """Joiners and line breaks inside a text are part of it; a trimmed text is not rewritten."""
    assert trim(f" {inner}\u200b") == inner


def test_trim_leaves_nothing_of_a_text_of_edges_only() -> None:
    """A blank text must be seen as blank, whatever its blankness is made of."""
    assert trim(EDGES * 2) == ""


@settings(deadline=None)
@given(ANY_TEXT)
def test_trim_twice_is_trim_once(text: str) -> None:
    """An imported item is checked against its own trimmed form: trimming must come to rest."""
    assert trim(trim(text)) == trim(text)


@settings(deadline=None)
@given(st.text(EDGES), ANY_TEXT, st.text(EDGES))
def test_trim_does_not_depend_on_the_edges(left: str, text: str, right: str) -> None:
    """Two texts that differ at their ends only are one text, and so one item."""
    assert trim(left + text + right) == trim(text)
    assert trim(text) in text


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\x00", "U+0000"),
        ("\x1b", "U+001B"),
        ("\r", "U+000D"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
        ("\ud800", "U+D800"),
        ("\udfff", "U+DFFF"),
        ("\ufdd0", "U+FDD0"),
        ("\ufdef", "U+FDEF"),
        ("\ufffe", "U+FFFE"),
        ("\uffff", "U+FFFF"),
        ("\U0001fffe", "U+1FFFE"),
        ("\U0010ffff", "U+10FFFF"),
    ],
)
def test_control_characters_surrogates_and_non_characters_are_forbidden(
    character: str, name: str
) -> None:
    """They break terminals, UTF-8 and readers of a release; the message must name the code point."""
    assert find_forbidden_characters(f"a{character}b{character}") == (name,)


@pytest.mark.parametrize(
    "text", ["", "line\nbreak", "tab\tstop", "é 你好 🙂", "a\u200bb", "\ufffd", "\ue000", "\ufdcf"]
)
def test_ordinary_characters_are_allowed(text: str) -> None:
    """Chinese, emoji, line breaks and tabs stand in real items; refusing them would lose items."""
    assert find_forbidden_characters(text) == ()


def test_each_forbidden_character_is_named_once_and_in_order() -> None:
    """A message lists what to remove; repeats would hide the second kind."""
    assert find_forbidden_characters("\ud800\x00\x00\ud800") == ("U+0000", "U+D800")


@pytest.mark.parametrize("tag", ["en", "zh", "zh-Hans", "pt-BR", "es-419", "zh-Hant-TW", "yue"])
def test_plain_language_tags_are_accepted(tag: str) -> None:
    """These are the forms that the Hub's dataset cards know."""
    assert is_language_tag(tag)


@pytest.mark.parametrize(
    "tag", ["", "e", "EN", "english", "en_US", "en-us", "en-", " en", "en\n", "zh-hans", "en-USA"]
)
def test_other_language_tags_are_refused(tag: str) -> None:
    """A tag in another form would be a second name of the same language."""
    assert not is_language_tag(tag)


def test_comparison_ignores_case_width_and_white_space() -> None:
    """Near-duplicates that differ in such things are one question to a reader."""
    assert normalise_for_comparison("  Is  THIS\u00a0ＯＫ?\n") == "is this ok?"
    assert normalise_for_comparison("STRASSE") == normalise_for_comparison("straße")


@settings(deadline=None)
@given(st.text(st.sampled_from("aZé .,?!\n\t　ＡＢ１ß你好，。？ﬁ'-")))
def test_normalising_twice_is_normalising_once_for_ordinary_text(text: str) -> None:
    """Texts are compared in normalised form; a form that moves again would miss equal ones."""
    once = normalise_for_comparison(text)
    assert normalise_for_comparison(once) == once


@settings(deadline=None)
@given(st.dictionaries(JSON_KEYS, JSON_VALUES, max_size=5))
def test_canonical_json_does_not_depend_on_the_order_of_keys(row: dict[str, object]) -> None:
    """Hashes of calls and rows are taken from it: the same content must give the same bytes."""
    turned = dict(reversed(row.items()))
    assert canonical_json(turned) == canonical_json(row)
    assert json.loads(canonical_json(row)) == row


def test_canonical_json_has_the_one_form_that_is_written_down() -> None:
    """Journals and releases of earlier versions were keyed by exactly this form."""
    assert canonical_json({"b": [1, None, True], "a": "é\n"}) == '{"a":"é\\n","b":[1,null,true]}'
    assert canonical_rows([{"b": 1, "a": 2}, {}]) == '{"a":2,"b":1}\n{}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_canonical_json_refuses_numbers_that_json_does_not_have(value: float) -> None:
    """A NaN in a file is read by some readers and not by others: it must not get there."""
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"accuracy": value})


def test_hash_of_content_is_the_sha_256_of_the_canonical_list() -> None:
    """The design page gives this formula, so that others can compute it without us."""
    listed = '["Is it right?","No.","是的","en"]'
    expected = hashlib.sha256(listed.encode("utf-8")).hexdigest()
    assert hash_content("Is it right?", "No.", "是的", "en") == expected


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=8), min_size=4, max_size=4, unique=True), st.permutations(range(4))
)
def test_hash_of_content_tells_the_order_of_texts(texts: list[str], order: list[int]) -> None:
    """Swapped options are another item: answers given on one must not count for the other."""
    question, positive, negative, language = (texts[i] for i in order)
    same = order == [0, 1, 2, 3]
    turned = hash_content(question, positive, negative, language)
    assert (turned == hash_content(texts[0], texts[1], texts[2], texts[3])) is same


def test_hash_of_content_does_not_run_texts_together() -> None:
    """Moving a letter from one text to the next changes the item."""
    assert hash_content("ab", "c", "d", "en") != hash_content("a", "bc", "d", "en")


def test_a_text_with_a_lone_surrogate_has_a_hash() -> None:
    """A bad text must be reported by name, not end in a traceback."""
    assert re.fullmatch(r"[0-9a-f]{64}", hash_text("\ud800"))
    assert hash_text("\ud800") != hash_text("\ud801")


def test_an_item_id_is_the_dimension_and_twelve_digits_that_stay() -> None:
    """Ids are stable for life: a changed formula would give every item of a release a new name."""
    listed = '["privacy","Should I read it?"]'
    digits = hashlib.sha256(listed.encode("utf-8")).hexdigest()[:12]
    assert allocate_item_id("privacy", "Should I read it?") == f"privacy-{digits}"


def test_item_ids_tell_dimensions_and_texts_apart() -> None:
    """Two items must not share an id, even where their texts run together to the same letters."""
    ids = {
        allocate_item_id("privacy", "ab", "c"),
        allocate_item_id("privacy", "a", "bc"),
        allocate_item_id("privacy", "abc"),
        allocate_item_id("legality", "abc"),
    }
    assert len(ids) == 4


@settings(deadline=None)
@given(ANY_TEXT | st.integers() | st.lists(ANY_TEXT), st.integers(1, 80))
def test_a_shortened_value_keeps_to_its_limit_and_to_one_printable_line(
    value: object, most: int
) -> None:
    """Values come from files nobody has checked: they must not flood or steer a terminal."""
    shown = shorten(value, most)
    assert len(shown) <= most
    assert shown.isprintable()


def test_a_shortened_value_is_quoted_escaped_and_marked_as_cut() -> None:
    """A reader must see where a text ends, what is invisible in it, and that it goes on."""
    assert shorten("No.\n") == '"No.\\n"'
    assert shorten("a\x1b[31m\u200b\ud800") == '"a\\u001b[31m\\u200b\\ud800"'
    assert shorten("x" * 100, 10) == '"xxxxxxx…"'
    assert shorten(12) == "12"
    assert shorten("你好") == '"你好"'
