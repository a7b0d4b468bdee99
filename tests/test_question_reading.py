"""Reading a writer's reply: what can be read counts, and only a reply of which nothing can is a fault."""

import json
import time

import pytest

from builder.bundle.engine.calls import Reply
from builder.bundle.engine.labels import Outcome
from builder.question_reading import (
    Found,
    abbreviate,
    assign_lines,
    find_format_fault,
    read_questions,
)

ENTRY = '{"line": 1, "situation": "a diary", "question": "May I read it?"}'
OTHER = '{"line": 2, "situation": "a letter", "question": "May I open it?"}'


def read(text: str) -> list[Found]:
    """Return what is read from an answer."""
    return read_questions(Reply("k", Outcome.ANSWERED, text))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{"questions": [{"line": 2, "situation": "a", "question": "Q?"}]}', [2]),
        ('{"questions": [{"situation": "a", "question": "Q?"}]}', [0]),
        ('{"questions": [{"line": true, "situation": "a", "question": "Q?"}]}', [0]),
        ('Here:\n```json\n{"questions": [{"line": "2", "question": "Q?"}]}\n```', [0]),
    ],
)
def test_questions_are_read_with_their_lines(text: str, lines: list[int]) -> None:
    """The line says which cell a question was written for; a strange one says nothing."""
    found = read(text)
    assert [f.line for f in found] == lines
    assert not any(f.fault for f in found)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"questions": [{ENTRY}, {OTHER}]}}',
        f"[{ENTRY}, {OTHER}]",
        f"<think>Say {{x}} or [1], [2]?</think>\n[{ENTRY}, {OTHER}]",
        f'Plan [work, home] is done {{as asked}}:\n```json\n{{"questions": [{ENTRY}, {OTHER}]}}\n```\nBye [1].',
        f'{{"result": {{"questions": [{ENTRY}, {OTHER}]}}}}',
        f"{ENTRY}\n{OTHER}",
        f'{{"questions": [{ENTRY}, {OTHER}, {{"line": 3, "question": "cut o',
        f'Topics: ["diaries", "letters"]\n{{"questions": [{ENTRY}, {OTHER}]}}',
        '["May I read it?", "May I open it?"]',
        '{"questions": ["1. May I read it?", "**\\"May I open it?\\"**"]}',
    ],
)
def test_questions_are_found_in_whatever_stands_round_them(text: str) -> None:
    """Each of these is how some model writes; asking again would cost a call and bring no more."""
    found = read(text)
    assert [f.question for f in found] == ["May I read it?", "May I open it?"]
    assert not any(f.fault for f in found)


def test_an_empty_list_is_an_answer() -> None:
    """A writer who has no more questions is not to be asked for the same again."""
    assert read('{"questions": []}') == []
    assert find_format_fault(Reply("k", Outcome.ANSWERED, '{"questions": []}')) == ""


def test_one_bad_entry_is_one_rejection() -> None:
    """Nine good questions must not be lost for the tenth."""
    text = json.dumps({"questions": [json.loads(ENTRY), None, {"line": 3}, json.loads(OTHER), ""]})
    found = read(text)
    assert [bool(f.fault) for f in found] == [False, True, True, False, True]
    assert find_format_fault(Reply("k", Outcome.ANSWERED, text)) == ""
    assert found[1].fault == "the entry holds no question"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        '{"questions": "none"}',
        "[]",
        '{"questions": [null]}',
        '{"questions": [{"situation": "a"}]}',
        "I cannot write these. " * 100,
    ],
)
def test_a_reply_without_any_question_is_told_in_words_for_a_model(text: str) -> None:
    """A model knows nothing of our exceptions; and a raw reply is not put where its text does not belong."""
    fault = find_format_fault(Reply("k", Outcome.ANSWERED, text))
    assert "question" in fault
    assert not any(
        word in fault for word in ("Expecting", "Error", "char 0", "None", "object is not")
    )
    (found,) = read(text)
    assert fault in found.fault
    assert (found.situation, len(found.question) <= 300) == ("", True)


@pytest.mark.parametrize("mark", ["[", "{", '{"a":', '[{"questions":'])
def test_a_reply_of_brackets_alone_takes_no_time(mark: str) -> None:
    """A model that loops must not hold up all others."""
    start = time.monotonic()
    assert read(mark * 50_000)[0].fault
    assert time.monotonic() - start < 5


def test_a_situation_that_is_missing_is_no_fault() -> None:
    """It is the question's beginning then: eight words, or sixteen signs where no spaces part words."""
    (found,) = read('{"questions": [{"question": "May I read it?"}]}')
    assert (found.situation, found.fault) == ("", "")
    assert abbreviate("a b c d e f g h i j", "en") == "a b c d e f g h"
    assert (
        abbreviate("我可以看室友放在桌子上的那本日记吗？", "zh-Hans")
        == "我可以看室友放在桌子上的那本日记"
    )


@pytest.mark.parametrize(
    ("lines", "places"),
    [
        ([2, 1, 3], [1, 0, 2]),
        ([0, 0, 0], [0, 1, 2]),
        ([1, 1, 1], [0, 1, 2]),
        ([1, 2, 9], [0, 1, 2]),
        ([3], [2]),
    ],
)
def test_lines_count_where_each_names_its_own(lines: list[int], places: list[int]) -> None:
    """A writer that numbers all its questions alike has still answered the plan in its order."""
    found = [Found("s", "Q?", line=line) for line in lines]
    assert assign_lines(found, 3) == places


def test_a_bad_entry_stands_for_a_line_that_no_other_names() -> None:
    """Its cell was asked for in vain, and must not be counted for another."""
    found = [Found("s", "Q?", line=3), Found("", "", "no"), Found("s", "Q?", line=1)]
    assert assign_lines(found, 3) == [2, 1, 0]
