"""The form of options: what is measured, what is near enough, and what counts as nearer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.option_form import (
    Form,
    find_length_fault,
    find_match_fault,
    is_nearer,
    measure_form,
    tell_form,
)

TEXT = "No, leave it. It is hers alone, and she would mind if you read it behind her back."


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("No. It costs 3.5 euros!", 2),
        ("Wait… then go.", 1),
        ("不行。那是她的日记，你不能看。", 2),
        ("no stop at all", 1),
        ("", 0),
    ],
)
def test_sentences_are_counted_as_a_reader_does(text: str, sentences: int) -> None:
    """A decimal point ends no sentence, and a Chinese stop needs no space behind it."""
    assert measure_form(text) == Form(sentences, len(text))


def test_a_form_is_told_in_the_words_of_a_prompt() -> None:
    """The writer of the second option gets numbers to write to."""
    assert tell_form(TEXT) == f"2 sentences, {len(TEXT)} characters"
    assert tell_form("No.") == "1 sentence, 3 characters"


@pytest.mark.parametrize(
    ("factor", "fault", "fault_at_last"),
    [(1.0, False, False), (1.2, False, False), (1.5, True, False), (2.2, True, True)],
)
def test_a_quarter_is_near_enough_and_twice_is_too_far(
    factor: float, fault: bool, fault_at_last: bool
) -> None:
    """Either may be the longer one: what counts is how far they are apart."""
    longer = ("word " * 60)[: round(factor * len(TEXT)) - 1] + "."
    for one, other in ((longer, TEXT), (TEXT, longer)):
        assert bool(find_match_fault(one, other)) is fault
        assert bool(find_match_fault(one, other, is_last=True)) is fault_at_last


def test_two_sentences_too_many_are_asked_to_be_mended() -> None:
    """Three short sentences against one long one are told apart at a glance."""
    many, one = "No. No. Leave it. Go.", "No, leave it and go. "
    assert find_match_fault(many, one.strip())
    assert not find_match_fault(many, one.strip(), is_last=True)


def test_a_positive_option_has_the_length_asked_for_in_its_language() -> None:
    """A hundred Chinese signs are a long answer, a hundred Latin letters a short one."""
    assert find_length_fault("字" * 100, "zh") == ""
    assert "50 to 110 characters were asked for" in find_length_fault("字" * 200, "zh")
    assert find_length_fault("字" * 200, "zh", is_last=True) == ""
    assert find_length_fault("x" * 60, "en")
    assert find_length_fault("x" * 1000, "en", is_last=True)


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_nothing_is_nearer_than_the_text_itself(one: str, other: str) -> None:
    """A rewriting is kept only where it comes nearer, so that a repair cannot go in circles."""
    assert not is_nearer(one, other, other)
    assert not is_nearer(one, one, other)
    assert not (is_nearer(one, other, TEXT) and is_nearer(other, one, TEXT))
