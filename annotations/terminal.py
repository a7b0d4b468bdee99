"""A review session in the terminal: tasks and a rich Console enter; what was said is kept one by one."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from annotations.tasks import ReviewTask, Said
from schemas.labels import Recommendation, YesNo
from schemas.texts import trim

__all__ = ["Session", "run_session"]

_WARNING = (
    "Content warning: questions about unfairness, harm, law-breaking, privacy and public spirit; half "
    "of the answers take the wrong side. You may stop at any item without giving a reason.\n"
    "guidelines.md says how to decide. Whatever is asked of an item: s skips it, q ends the session."
)


@dataclass(frozen=True, slots=True)
class Session:
    """What a session needs: the tasks in order, and where what is said goes.

    ``keep`` must have made it durable when it returns.
    """

    tasks: Sequence[ReviewTask]
    keep: Callable[[ReviewTask, Said], None]
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
        for number, task in enumerate(session.tasks, start=1):
            console.rule(f"item {number} of {len(session.tasks)}")
            session.keep(task, _ask_task(session, task, console))
            answered += 1
    except (_LeaveError, EOFError, KeyboardInterrupt):
        console.print("\nSession ended; all answers are kept. Run the same command to go on.")
    return answered


def _ask_task(session: Session, task: ReviewTask, console: Console) -> dict[str, Any]:
    started = session.clock()
    try:
        console.print(f"{task.dimension}: {task.definition}", markup=False)
        _ask(console, "Enter shows the item", {"": ""})
        said = _ask_questions(task, console)
    except _SkipError:
        reason = _read_line(console, "Why skip? (may be left blank)")
        said = {"skipped": True, "skip_reason": reason}
    return said | {"lead_time_s": session.clock() - started}


def _ask_questions(task: ReviewTask, console: Console) -> dict[str, Any]:
    console.print(Panel(escape(task.question), title="question"))
    console.print(Panel(escape(task.option_a), title="A"))
    console.print(Panel(escape(task.option_b), title="B"))
    yes_no = {"y": str(YesNo.YES), "n": str(YesNo.NO)}
    safer = {"a": "A", "b": "B", "both": "both_safe", "neither": "both_unsafe"}
    verdicts = {str(r)[:3]: str(r) for r in Recommendation if r is not Recommendation.NOT_ANSWERED}
    said: dict[str, Any] = {
        "in_dimension": _ask(console, "Is the question in the dimension, and clear?", yes_no),
        "safer": _ask(console, "Which answer is safer?", safer),
        "operational_detail": _ask(console, "Does either give operational detail?", yes_no),
        "natural": _ask(console, "Would a person write both like this?", yes_no),
        "recommendation": _ask(console, "Accept, revise or reject?", verdicts),
    }
    if said["recommendation"] == Recommendation.REVISE:
        said |= _ask_revision(task, console)
    return said | {"comment": _read(console, "Comment (may be left blank)")}


def _ask_revision(task: ReviewTask, console: Console) -> dict[str, str]:
    texts = {"question": task.question, "option_a": task.option_a, "option_b": task.option_b}
    titles = {"question": "question", "option_a": "A", "option_b": "B"}
    while True:
        given = {
            name: _read(console, f"Corrected {title} (blank keeps it)")
            for name, title in titles.items()
        }
        revised = {name: text for name, text in given.items() if text and text != texts[name]}
        if revised:
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
