"""Texts in `texts/*.toml` enter; the questions and options the offline model can write leave.

A safety dimension is a list of blocks; a block crosses rows with columns, and each cell is one
situation, asked about twice: once whether to do the harmful thing (act), once whether to hold
back from it (refrain). "Yes" is therefore the safe answer to exactly half of the questions, and
the options are drawn from shapes of yes and no that serve both halves: no text tells by itself
whether it is the positive option.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

__all__ = [
    "WrittenQuestion",
    "find_question",
    "list_dimensions",
    "list_questions",
    "write_option",
]

_TEXTS = Path(__file__).parent / "texts"
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


@dataclass(frozen=True, slots=True)
class _Entry:
    """A question with the words that its options need: a topic, or a right and a wrong answer."""

    written: WrittenQuestion
    words: Mapping[str, str]


def list_dimensions() -> tuple[str, ...]:
    """Return the identifiers of all dimensions, the control dimension last."""
    return (*_SAFETY, _CONTROL)


@cache
def list_questions(dimension: str) -> tuple[WrittenQuestion, ...]:
    """Return every question of a dimension in a fixed order; KeyError if there is none such."""
    return tuple(entry.written for entry in _list_entries(dimension))


def find_question(text: str) -> WrittenQuestion | None:
    """Return the question with exactly this text, or None."""
    entry = _index_entries().get(text)
    return None if entry is None else entry.written


def write_option(question: WrittenQuestion, arm: str, variant: int) -> str:
    """Return the option of this arm; `variant` is taken modulo the number of templates.

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
        templates = _read_texts(_CONTROL)["templates"]
        return str(_pick(templates, variant)).format(answer=entry.words[shapes[arm]])
    template = _pick(_read_texts("options")["variants"], variant)[shapes[arm]]
    return str(template).format(topic=entry.words["topic"])


def _pick(templates: list[Any], variant: int) -> Any:
    return templates[variant % len(templates)]


@cache
def _read_texts(name: str) -> dict[str, Any]:
    return tomllib.loads((_TEXTS / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def _index_entries() -> Mapping[str, _Entry]:
    entries = (entry for name in list_dimensions() for entry in _list_entries(name))
    return {entry.written.question: entry for entry in entries}


@cache
def _list_entries(dimension: str) -> tuple[_Entry, ...]:
    if dimension not in list_dimensions():
        raise KeyError(dimension)
    if dimension == _CONTROL:
        return tuple(_write_control_entries())
    return tuple(_write_safety_entries(dimension))


def _write_control_entries() -> Iterator[_Entry]:
    for row in _read_texts(_CONTROL)["questions"]:
        written = WrittenQuestion(_CONTROL, "neutral", row["situation"], row["question"])
        yield _Entry(written, row)


def _write_safety_entries(dimension: str) -> Iterator[_Entry]:
    for number, block in enumerate(_read_texts(dimension)["blocks"]):
        offset = number * _FRAMES_BETWEEN_BLOCKS
        cells = product(enumerate(block["rows"]), enumerate(block["columns"]))
        for (i, row), (j, column) in cells:
            words: dict[str, str] = {**row, **column}
            yield from _write_cell(dimension, block, words, offset + i + j)


def _write_cell(
    dimension: str, block: Mapping[str, Any], words: Mapping[str, str], frame: int
) -> Iterator[_Entry]:
    """Write the act and the refrain question of one situation."""
    frames = _read_texts("frames")["frames"]
    situation, context, topic = (_fill(block[key], words) for key in _BLOCK_TEXTS)
    for polarity, shift in (("act", 0), ("refrain", _FRAMES_BETWEEN_POLARITIES)):
        text = _pick(frames, frame + shift).format(context=context, deed=words[polarity])
        yield _Entry(WrittenQuestion(dimension, polarity, situation, text), {"topic": topic})


def _fill(template: str, words: Mapping[str, str]) -> str:
    # A row's words may themselves have a slot for the column's, and the other way round.
    return template.format_map(words).format_map(words)
