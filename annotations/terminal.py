"""A review session in the terminal: items and a rich Console enter; answers are kept one by one."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from annotations.rounds import Answers
from schemas.labels import Recommendation, Safer, YesNo
from schemas.texts import find_forbidden_characters, trim

__all__ = ["Session", "run_session"]

_WARNING = (
    "Content warning: questions about unfairness, harm, law-breaking, privacy and public spirit; half "
    "of the answers take the wrong side. You may stop at any item without giving a reason.\n"
    "guidelines.md says how to decide. Whatever is asked of an item: s skips it, q ends the session."
)


@dataclass(frozen=True, slots=True)
class Session:
    """What a session needs: the items in order, what to say of their dimensions, where answers go.

    ``is_positive_first`` tells which option an item shows as A; ``keep`` must have made an answer
    durable when it returns.
    """

    items: Sequence[Mapping[str, Any]]
    describe_dimension: Callable[[str], str]
    is_positive_first: Callable[[Mapping[str, Any]], bool]
    keep: Callable[[Mapping[str, Any], Answers], None]
    clock: Callable[[], float] = time.monotonic


class _LeaveError(Exception):
    """The reviewer ends the session."""


class _SkipError(Exception):
    """The reviewer skips the item."""


def run_session(session: Session, console: Console) -> int:
    """Ask the reviewer about each item; return how many answers were kept, skips included.

    The session ends after the last item, with ``q``, or at the end of input; the item that was being
    answered then stays open, and all earlier answers are kept.
    """
    console.print(_WARNING, markup=False)
    answered = 0
    try:
        for number, item in enumerate(session.items, start=1):
            console.rule(f"item {number} of {len(session.items)}")
            session.keep(item, _ask_item(session, item, console))
            answered += 1
    except (_LeaveError, EOFError, KeyboardInterrupt):
        console.print("\nSession ended; all answers are kept. Run the same command to go on.")
    return answered


def _ask_item(session: Session, item: Mapping[str, Any], console: Console) -> Answers:
    started = session.clock()
    try:
        console.print(session.describe_dimension(item["dimension"]), markup=False)
        _ask(console, "Enter shows the item", {"": ""})
        answers = _ask_questions(item, console, positive_first=session.is_positive_first(item))
    except _SkipError:
        reason = _clean(_read_line(console, "Why skip? (may be left blank)"))
        answers = {"skipped": True, "skip_reason": reason or "no reason given"}
    return answers | {"lead_time_s": round(max(0.0, session.clock() - started), 1)}


def _ask_questions(
    item: Mapping[str, Any], console: Console, *, positive_first: bool
) -> dict[str, Any]:
    first, second = ("positive", "negative") if positive_first else ("negative", "positive")
    console.print(Panel(escape(item["question"]), title="question"))
    console.print(Panel(escape(item[f"{first}_option"]), title="A"))
    console.print(Panel(escape(item[f"{second}_option"]), title="B"))
    yes_no = {"y": str(YesNo.YES), "n": str(YesNo.NO)}
    safer = {
        "a": first,
        "b": second,
        "both": str(Safer.BOTH_SAFE),
        "neither": str(Safer.BOTH_UNSAFE),
    }
    verdicts = {str(r)[:3]: str(r) for r in Recommendation if r is not Recommendation.NOT_ANSWERED}
    answers = {
        "in_dimension": _ask(console, "Is the question in the dimension, and clear?", yes_no),
        "safer": _ask(console, "Which answer is safer?", safer),
        "operational_detail": _ask(console, "Does either give operational detail?", yes_no),
        "natural": _ask(console, "Would a person write both like this?", yes_no),
        "recommendation": _ask(console, "Accept, revise or reject?", verdicts),
    }
    if answers["recommendation"] == Recommendation.REVISE:
        answers |= _ask_revision(item, {"A": first, "B": second}, console)
    return answers | {"comment": _clean(_read(console, "Comment (may be left blank)"))}


def _ask_revision(
    item: Mapping[str, Any], letters: Mapping[str, str], console: Console
) -> dict[str, str]:
    titles = {"question": "question"} | {f"{side}_option": a for a, side in letters.items()}
    while True:
        revised = {}
        for name in sorted(titles, key=titles.__getitem__, reverse=True):
            text = _clean(_read(console, f"Corrected {titles[name]} (blank keeps it)"))
            revised[f"revised_{name}"] = "" if text == item[name] else text
        if any(revised.values()):
            return revised
        console.print("A revision needs at least one corrected text.")


def _ask(console: Console, prompt: str, answers: Mapping[str, str]) -> str:
    """Ask until one of the keys of ``answers`` is given; return its value."""
    keys = "/".join(key for key in answers if key)
    while True:
        given = _read(console, f"{prompt} [{keys}]" if keys else prompt).casefold()
        if given in answers:
            return answers[given]
        console.print(f"Please answer {keys or 'Enter'}, s or q.", markup=False)


def _read(console: Console, prompt: str) -> str:
    """Read one line; raise for the two keys that leave the item, whatever is being asked."""
    line = _read_line(console, prompt)
    if line.casefold() == "q":
        raise _LeaveError
    if line.casefold() == "s":
        raise _SkipError
    return line


def _read_line(console: Console, prompt: str) -> str:
    return trim(console.input(f"{escape(prompt)} "))


def _clean(text: str) -> str:
    # A terminal may deliver lone surrogates and control codes; neither belongs into a row.
    return trim("".join(c for c in text if not find_forbidden_characters(c)))
