"""Wrappings of a written text: what is no part of it comes off, and what may be part of it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.languages import describe_language
from builder.written import drop_thinking, unwrap

PLAIN = "No, leave it to her. It is hers alone."


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"  {PLAIN}\n",
        f'"{PLAIN}"',
        f"“{PLAIN}”",
        f"**{PLAIN}**",
        f"**Answer:** {PLAIN}",
        f"Answer: {PLAIN}",
        f"**Answer:**\n\n{PLAIN}",
        f"回答：“{PLAIN}”",
        f"3. {PLAIN}",
        f"**3. {PLAIN}**",
        f"- {PLAIN}",
        f"### Answer\n\n{PLAIN}",
        f"### Answer\n> {PLAIN}",
        f"> {PLAIN}",
        f"```text\n{PLAIN}\n```",
        f"<think>The user wants…\nHm.</think>\n\n{PLAIN}",
        f"The user wants a text.\n</think>\n{PLAIN}",
        f'<think>“Answer”</think>**"{PLAIN}"**',
    ],
)
def test_a_wrapping_round_the_whole_text_comes_off(text: str) -> None:
    """Quotes or a number on one side's options alone would tell which is positive."""
    assert unwrap(text) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        '"Yes" is what I would say, and not "no"',
        "“Never” is a word I would not use here, “perhaps” is better”",
        "Answer her: it is hers.",
        "3.5 hours are too long.",
        "2024 was another matter.",
        "**Never** do that, and do **not** ask again.",
        "Well: I would not.",
        "“Stop,” I would say.",
        "'",
        '""',
        "回答她：不行。",
    ],
)
def test_what_may_be_part_of_the_text_stays(text: str) -> None:
    """A text that is cut into says something that nobody wrote."""
    assert unwrap(text) == text


@given(st.text(max_size=60))
def test_unwrapping_ends_and_a_second_time_changes_nothing(text: str) -> None:
    """Whatever a model sends, the same text comes out each time the journal is read."""
    assert unwrap(unwrap(text)) == unwrap(text)


def test_thoughts_are_dropped_only_where_they_stand_first() -> None:
    """A text about the mark itself is a text."""
    assert drop_thinking("<think>a</think>b") == "b"
    assert drop_thinking("A tag <think> opens.") == "A tag <think> opens."
    assert drop_thinking("<thinking>a\n\nb</thinking>\n{}") == "{}"


@pytest.mark.parametrize(
    ("tag", "name", "length"),
    [
        ("en", "English", "140 to 260 characters"),
        ("en-GB", "English (en-GB)", "140 to 260 characters"),
        ("zh", "Chinese, in simplified characters", "50 to 110 characters"),
        ("zh-Hant", "Chinese, in traditional characters", "50 to 110 characters"),
        ("sw", "the language of the tag sw", "140 to 260 characters"),
    ],
)
def test_a_language_is_named_with_the_length_of_its_texts(tag: str, name: str, length: str) -> None:
    """Three Chinese sentences have a third of the signs of three English ones."""
    found = describe_language(tag)
    assert (found.name, found.option_length) == (name, length)
