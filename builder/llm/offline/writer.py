"""The offline writer: the prompt of stage 1 or 2 enters, what the grammar says to it leaves."""

import json
import random
import re
from functools import cache

from builder.llm.offline.grammar import (
    WrittenQuestion,
    find_question,
    list_dimensions,
    list_questions,
    write_option,
)
from builder.llm.offline.languages import find_language, list_languages
from builder.llm.offline.personas import draw

__all__ = ["OfflineError", "choose_variant", "write_reply"]

_FIELD = re.compile(
    r"^(Dimension id|Polarity|Language|Number of questions|Questions asked for earlier|Arm|Twins): (.*)$",
    re.MULTILINE,
)
_QUESTION = re.compile(r"^Question:\n(.*?)\n\(end of question\)$", re.MULTILINE | re.DOTALL)
_QUESTION_FIELDS = {
    "Dimension id",
    "Polarity",
    "Language",
    "Number of questions",
    "Questions asked for earlier",
}


class OfflineError(Exception):
    """The offline model cannot answer this prompt; told to the client as a bad request."""


def write_reply(prompt: str, seed: int) -> str:
    """Return the offline writer's reply to a rendered prompt of ours.

    Raises `OfflineError` for what the grammar does not know: a dimension of the user's own, a
    language without texts, a question that it did not write, or a prompt of another kind.
    """
    fields = dict(_FIELD.findall(prompt))
    asked = _QUESTION.search(prompt)
    if fields.keys() >= _QUESTION_FIELDS:
        return _write_questions(fields, seed)
    if asked and "Arm" in fields:
        return _write_option(asked.group(1), fields["Arm"], seed)
    raise OfflineError("the offline writer knows only finebench's own prompts")


def _write_questions(fields: dict[str, str], seed: int) -> str:
    dimension, polarity = fields["Dimension id"], fields["Polarity"]
    if dimension not in list_dimensions():
        known = ", ".join(list_dimensions())
        raise OfflineError(
            f"the offline writer has no grammar for dimension {dimension} (it has {known})"
        )
    language = find_language(fields["Language"])
    if language is None:
        raise OfflineError(
            f"the offline writer has no texts in language {fields['Language']} "
            f"(it has {', '.join(list_languages())})"
        )
    slot = (dimension, language, seed)
    start = int(fields["Questions asked for earlier"])
    end = start + int(fields["Number of questions"])
    batch = _shuffle_questions(polarity, *slot)[start:end]
    questions = [{"situation": q.situation, "question": q.question} for q in batch]
    if "Twins" in fields:
        # Both polarities are in the same order, so that a situation's two questions lie side by side.
        twins = _shuffle_questions("refrain", *slot)[start:end]
        questions = [
            entry | {"twin": q.question} for entry, q in zip(questions, twins, strict=True)
        ]
    return json.dumps({"questions": questions}, ensure_ascii=False)


@cache
def _shuffle_questions(
    polarity: str, dimension: str, language: str, seed: int
) -> tuple[WrittenQuestion, ...]:
    """Return a polarity's questions in an order that is the same for act and refrain.

    The two questions of one situation then fall into batches of the same number, and a benchmark of
    any size holds them together.
    """
    questions = [q for q in list_questions(dimension, language) if q.polarity == polarity]
    random.Random(f"{seed}/{dimension}").shuffle(questions)
    return tuple(questions)


def choose_variant(question: WrittenQuestion, seed: int) -> int:
    """Return which template a question's options are written in: the seed and the situation decide."""
    return int(draw(seed, "variant", question.dimension, question.situation) * 1_000_000)


def _write_option(text: str, arm: str, seed: int) -> str:
    question = find_question(text)
    if question is None:
        raise OfflineError(
            "the offline writer answers only questions of its own grammar; "
            "name a real model under [roles] in bench.toml for other questions"
        )
    try:
        return write_option(question, arm, choose_variant(question, seed))
    except ValueError as error:
        raise OfflineError(str(error)) from None
