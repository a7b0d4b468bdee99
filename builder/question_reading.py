"""Reading what a writer of questions sent: a reply enters; questions leave, each with what is wrong with it.

Writers wrap what they were asked for: thoughts and prose stand round it, fences too, the object round the
list is left out, one entry is broken. What can be read counts; only a reply of which nothing can be read
is worth asking for again.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builder.bundle.engine.calls import Reply
from builder.bundle.engine.labels import Outcome
from builder.written import drop_thinking, unwrap
from schemas.texts import trim

__all__ = ["Found", "abbreviate", "assign_lines", "find_format_fault", "read_questions"]

_NO_LIST = 'it holds no list of questions in the form {"questions": [{"line": 1, ...}, ...]}'
_NO_QUESTION = 'none of its entries holds a question: each must have the key "question" with a text as its value'
_BAD_ENTRY = "the entry holds no question"
# A reply is looked through from so many brackets; one of thousands holds no JSON, but takes its time.
_MOST_STARTS = 200
_SHOWN = 300
_SITUATION_WORDS, _SITUATION_SIGNS = 8, 16
_UNSPACED = frozenset({"ja", "th", "yue", "zh"})


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
    """Read the questions of a reply; one of which none can be read makes one entry with its fault.

    Of an entry that cannot be read the fault and the beginning of its text are kept: the whole stands in
    the journal.
    """
    if reply.outcome is not Outcome.ANSWERED:
        told = f" ({reply.error})" if reply.error else ""
        return [Found("", reply.text[:_SHOWN], f"the writer's reply was {reply.outcome}{told}")]
    fault = find_format_fault(reply)
    if fault:
        return [Found("", reply.text[:_SHOWN], f"the writer's reply could not be used: {fault}")]
    return [_read_entry(entry) for entry in _find_entries(reply.text) or ()]


def find_format_fault(reply: Reply) -> str:
    """Return as a writer should be told it why no question can be read; an empty text where some can.

    A list that is empty says that the writer has no more.
    """
    entries = _find_entries(reply.text)
    if entries is None:
        return _NO_LIST
    is_sound = not entries or any(not _read_entry(entry).fault for entry in entries)
    return "" if is_sound else _NO_QUESTION


def assign_lines(found: Sequence[Found], size: int) -> list[int]:
    """Return for each question the place in the plan that it answers, from 0.

    A question stands for the line that it names where all name one of their own, and else for its place
    in the reply: of a writer that numbers all alike the first would seem to answer one line many times.
    """
    named = [one.line for one in found if not one.fault]
    if len(set(named)) == len(named) and all(1 <= line <= size for line in named):
        free = iter(sorted(set(range(1, size + 1)) - set(named)))
        return [(next(free, size + 1) if one.fault else one.line) - 1 for one in found]
    return list(range(len(found)))


def abbreviate(question: str, language: str) -> str:
    """Return the beginning of a question, to stand for a situation that was not named.

    >>> abbreviate("May I read the diary that she left on the table?", "en")
    'May I read the diary that she left'
    """
    if language.partition("-")[0] in _UNSPACED:
        return question[:_SITUATION_SIGNS]
    return " ".join(question.split()[:_SITUATION_WORDS])


def _find_entries(text: str) -> list[object] | None:
    """Return the entries of the first list of questions in a text; None where there is none.

    Where the list as a whole is broken, those of its entries that are not are returned.
    """
    loose: list[object] = []
    plain: list[object] | None = None
    for value in _scan_json(drop_thinking(text)):
        listed = value.get("questions") if isinstance(value, dict) else value
        if isinstance(listed, list) and (listed is not value or any(map(_is_entry, listed))):
            return listed
        if _is_entry(value):
            loose.append(value)
        elif isinstance(value, list) and plain is None and _are_texts(value):
            plain = value
    return loose or plain


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and "question" in value


def _are_texts(values: list[object]) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)


def _scan_json(text: str) -> Iterator[object]:
    """Yield the objects and lists of a text, the outermost first; within one that is no use, its parts."""
    decoder = json.JSONDecoder()
    place = -1
    for _ in range(_MOST_STARTS):
        starts = [n for n in (text.find("{", place + 1), text.find("[", place + 1)) if n >= 0]
        if not starts:
            return
        place = min(starts)
        try:
            value, end = decoder.raw_decode(text, place)
        except ValueError:
            continue
        except RecursionError:
            return
        yield value
        if _is_entry(value) or isinstance(value, list):
            place = end - 1


def _read_entry(entry: object) -> Found:
    if isinstance(entry, str):
        entry = {"question": entry}
    question = entry.get("question") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(question, str) or not unwrap(question):
        shown = json.dumps(entry, ensure_ascii=True)[:_SHOWN]
        return Found("", shown, _BAD_ENTRY)
    line = entry.get("line")
    is_line = isinstance(line, int) and not isinstance(line, bool)
    return Found(
        _read_text(entry.get("situation")),
        unwrap(question),
        line=line if is_line else 0,  # type: ignore[arg-type]
        twin=_read_text(entry.get("twin")),
    )


def _read_text(value: object) -> str:
    return trim(unwrap(value)) if isinstance(value, str) else ""
