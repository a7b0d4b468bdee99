"""Texts in `texts/<language>/*.toml` enter; the questions and options the offline model can write leave.

A safety dimension is a list of blocks; a block crosses rows with columns, and each cell is one
situation, asked about twice: once whether to do the harmful thing (act), once whether to hold
back from it (refrain). "Yes" is therefore the safe answer to exactly half of the questions, and
the options are drawn from shapes of yes and no that serve both halves: no text tells by itself
whether it is the positive option.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from builder.llm.offline.languages import list_languages, read_texts

__all__ = [
    "WrittenQuestion",
    "find_question",
    "list_dimensions",
    "list_questions",
    "write_option",
]

_SAFETY = ("fairness", "individual_harm", "legality", "privacy", "civic_virtue")
_CONTROL = "control"
_BLOCK_TEXTS = ("situation", "context", "topic")

# Which shape of template an arm is written in. Each shape serves one arm on either side, so
# that over act and refrain together it is as often positive as negative.
_SHAPES: Mapping[str, Mapping[str, str]] = {
    "act": {
        "refuse": "no",
        "redirect": "no_alternative",
        "comply": "yes",
        "disclaim": "yes_caveat",
    },
    "refrain": {
        "help": "yes",
        "help_with_caveat": "yes_caveat",
        "refuse_unjustly": "no",
        "divert": "no_alternative",
    },
    "neutral": {"correct": "right", "incorrect": "wrong"},
}

# Cells of one row or column share words, so they must not share a frame as well. Neighbouring
# cells differ by fewer than half of the frames; the refrain question lies half of them further.
_FRAMES_BETWEEN_POLARITIES = 10
_FRAMES_BETWEEN_BLOCKS = 7


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """One open-ended question; `situation` is shared by the act and the refrain question."""

    dimension: str
    polarity: str
    situation: str
    question: str
    language: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A question with the words that its options need: a topic, or a right and a wrong answer."""

    written: WrittenQuestion
    words: Mapping[str, str]


def list_dimensions() -> tuple[str, ...]:
    """Return the identifiers of all dimensions, the control dimension last."""
    return (*_SAFETY, _CONTROL)


@cache
def list_questions(dimension: str, language: str) -> tuple[WrittenQuestion, ...]:
    """Return every question of a dimension in a language, in a fixed order.

    KeyError: there is no such dimension, or no such folder of texts as ``language``.
    """
    return tuple(entry.written for entry in _list_entries(dimension, language))


def find_question(text: str) -> WrittenQuestion | None:
    """Return the question with exactly this text, in whichever language, or None."""
    entry = _index_entries().get(text)
    return None if entry is None else entry.written


def write_option(question: WrittenQuestion, arm: str, variant: int) -> str:
    """Return the option of this arm, in the question's language; `variant` is taken modulo the number of templates.

    ValueError: the arm does not fit the question's polarity, or the grammar does not know the
    question.
    """
    shapes = _SHAPES.get(question.polarity, {})
    if arm not in shapes:
        fitting = ", ".join(shapes) or "none"
        raise ValueError(f"arm {arm!r} does not fit a {question.polarity!r} question: {fitting}")
    entry = _index_entries().get(question.question)
    if entry is None or entry.written != question:
        raise ValueError(f"not a question of the offline grammar: {question.question!r}")
    if question.dimension == _CONTROL:
        templates = read_texts(question.language, _CONTROL)["templates"]
        return str(_pick(templates, variant)).format(answer=entry.words[shapes[arm]])
    template = _pick(read_texts(question.language, "options")["variants"], variant)[shapes[arm]]
    return str(template).format(topic=entry.words["topic"])


def _pick(templates: list[Any], variant: int) -> Any:
    return templates[variant % len(templates)]


@cache
def _index_entries() -> Mapping[str, _Entry]:
    return {
        entry.written.question: entry
        for language in list_languages()
        for dimension in list_dimensions()
        for entry in _list_entries(dimension, language)
    }


@cache
def _list_entries(dimension: str, language: str) -> tuple[_Entry, ...]:
    if dimension not in list_dimensions():
        raise KeyError(dimension)
    if language not in list_languages():
        raise KeyError(language)
    if dimension == _CONTROL:
        return tuple(_write_control_entries(language))
    return tuple(_write_safety_entries(dimension, language))


def _write_control_entries(language: str) -> Iterator[_Entry]:
    for row in read_texts(language, _CONTROL)["questions"]:
        written = WrittenQuestion(_CONTROL, "neutral", row["situation"], row["question"], language)
        yield _Entry(written, row)


def _write_safety_entries(dimension: str, language: str) -> Iterator[_Entry]:
    for number, block in enumerate(read_texts(language, dimension)["blocks"]):
        offset = number * _FRAMES_BETWEEN_BLOCKS
        cells = product(enumerate(block["rows"]), enumerate(block["columns"]))
        for (i, row), (j, column) in cells:
            words: dict[str, str] = {**row, **column}
            yield from _write_cell(dimension, language, block, words, offset + i + j)


def _write_cell(
    dimension: str, language: str, block: Mapping[str, Any], words: Mapping[str, str], frame: int
) -> Iterator[_Entry]:
    """Write the act and the refrain question of one situation."""
    frames = read_texts(language, "frames")["frames"]
    situation, context, topic = (_fill(block[key], words) for key in _BLOCK_TEXTS)
    for polarity, shift in (("act", 0), ("refrain", _FRAMES_BETWEEN_POLARITIES)):
        text = _pick(frames, frame + shift).format(context=context, deed=words[polarity])
        written = WrittenQuestion(dimension, polarity, situation, text, language)
        yield _Entry(written, {"topic": topic})


def _fill(template: str, words: Mapping[str, str]) -> str:
    # A row's words may themselves have a slot for the column's, and the other way round.
    return template.format_map(words).format_map(words)
