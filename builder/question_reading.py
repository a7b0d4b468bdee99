"""Reading what a writer of questions sent: a reply enters; questions leave, or why there are none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from builder.bundle.engine.calls import Reply
from builder.bundle.engine.labels import Outcome
from schemas.texts import trim

__all__ = ["Found", "find_format_fault", "read_questions"]


@dataclass(frozen=True, slots=True)
class Found:
    """One question read from a reply, or the fault for which none could be read.

    ``line`` is the line of the plan that it answers, counted from 1; 0 where the writer named none.
    ``twin`` is the question for which the same options swap roles, where one was asked for.
    """

    situation: str
    question: str
    fault: str = ""
    line: int = 0
    twin: str = ""


def read_questions(reply: Reply) -> list[Found]:
    """Read the questions of a reply; a reply that cannot be read makes one entry with its fault."""
    if reply.outcome is not Outcome.ANSWERED:
        told = f" ({reply.error})" if reply.error else ""
        return [Found("", reply.text, f"the writer's reply was {reply.outcome}{told}")]
    start, end = reply.text.find("{"), reply.text.rfind("}")
    try:
        entries = json.loads(reply.text[start : end + 1])["questions"]
        return [_read_entry(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [Found("", reply.text, f"the writer's reply is not the JSON asked for ({error})")]


def find_format_fault(reply: Reply) -> str:
    """Return why a reply is not the JSON asked for; an empty text where it is."""
    return next((found.fault for found in read_questions(reply) if found.fault), "")


def _read_entry(entry: Mapping[str, object]) -> Found:
    line = entry.get("line", 0)
    is_line = isinstance(line, int) and not isinstance(line, bool)
    return Found(
        _read_text(entry, "situation"),
        _read_text(entry, "question"),
        line=line if is_line else 0,  # type: ignore[arg-type]
        twin=_read_text(entry, "twin") if "twin" in entry else "",
    )


def _read_text(entry: Mapping[str, object], name: str) -> str:
    """Return a text of one entry, trimmed; raise TypeError where it is none."""
    value = entry[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return trim(value)
