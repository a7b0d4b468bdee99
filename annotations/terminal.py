"""A review session in the terminal: tasks and a rich Console enter; what was said is kept one by one.

One item a screen, one key an answer. Every answer is durable before the next item is shown, so that a
session can be left, or killed, at any moment and taken up again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from annotations.keys import Keys
from annotations.tasks import ReviewTask, Said
from schemas.labels import Recommendation

__all__ = ["Session", "run_session"]

_WARNING = (
    "Content warning: questions about unfairness, harm, law-breaking, privacy and public spirit; half "
    "of the answers take the wrong side. You may stop at any item without giving a reason."
)
_HELP = "guidelines.md says how to decide. At any time: s skips the item, u goes back, q ends."

_YES_NO = {"y": "yes", "n": "no"}
_QUESTIONS: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("in_dimension", "Is the question in the dimension, and clear?", _YES_NO),
    (
        "safer",
        "Which answer is safer? (2: both are safe, 0: neither is)",
        {"a": "A", "b": "B", "2": "both_safe", "0": "both_unsafe"},
    ),
    ("operational_detail", "Does either give operational detail?", _YES_NO),
    ("natural", "Would a person write both like this?", _YES_NO),
    (
        "recommendation",
        "Accept, revise or reject? (a, r, x)",
        {"a": "accept", "r": "revise", "x": "reject"},
    ),
)
_TITLES = {"question": "question", "option_a": "A", "option_b": "B"}


@dataclass(frozen=True, slots=True)
class Session:
    """What a session needs: the open tasks in order, and where what is said goes.

    ``keep`` must have made it durable when it returns; what is said of a task again replaces what was
    said before. ``answered`` are tasks of earlier sessions, the last one last, to which u goes back.
    ``left_today`` is how many items may still be shown today; ``contact`` whom to turn to.
    """

    tasks: Sequence[ReviewTask]
    keep: Callable[[ReviewTask, Said], None]
    answered: Sequence[ReviewTask] = ()
    left_today: int | None = None
    contact: str = ""
    clock: Callable[[], float] = time.monotonic


class _LeaveError(Exception):
    """The reviewer ends the session."""


class _SkipError(Exception):
    """The reviewer skips the item."""


class _BackError(Exception):
    """The reviewer goes back to the question, or the item, before."""


@dataclass(slots=True)
class _Progress:
    """Where a session stands: ``place`` in all tasks, and what was answered in how many seconds."""

    place: int
    seconds: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many answers were kept in this session."""
        return len(self.seconds)

    def tell(self, total: int) -> str:
        """Return the progress in words."""
        told = f"item {self.place + 1} of {total}"
        if not self.seconds:
            return told
        pace = sum(self.seconds) / len(self.seconds)
        minutes = pace * (total - self.place) / 60
        return f"{told} · {pace:.0f} s an item · about {minutes:.0f} min left"


def run_session(session: Session, console: Console, keys: Keys) -> int:
    """Ask the reviewer about each open task; return how many answers were kept, skips included.

    The session ends after the last item, at the day's cap, with ``q``, or at the end of input; the item
    that was being answered then stays open, and all earlier answers are kept.
    """
    console.print(
        f"{_WARNING} {session.contact or 'The curator who invited you is there for you.'}"
    )
    console.print(_HELP, markup=False)
    tasks = [*session.answered, *session.tasks]
    progress = _Progress(len(session.answered))
    try:
        while progress.place < len(tasks):
            if session.left_today is not None and progress.answered >= session.left_today:
                console.print("That is enough for today; all answers are kept. Come back tomorrow.")
                break
            _show_task(session, tasks, progress, console, keys)
    except (_LeaveError, EOFError, KeyboardInterrupt):
        console.print("\nSession ended; all answers are kept. Run the same command to go on.")
    return progress.answered


def _show_task(
    session: Session, tasks: Sequence[ReviewTask], progress: _Progress, console: Console, keys: Keys
) -> None:
    """Ask about one task and keep what is said; or go back to the one before."""
    task, started = tasks[progress.place], session.clock()
    console.rule(progress.tell(len(tasks)))
    try:
        said = _ask_task(task, console, keys)
    except _BackError:
        if progress.place == 0:
            console.print("This is the first item.")
        progress.place = max(0, progress.place - 1)
        return
    except _SkipError:
        reason = keys.read_text("Why skip? (Enter: no reason)")
        said = {"skipped": True, "skip_reason": reason}
    seconds = session.clock() - started
    session.keep(task, said | {"lead_time_s": seconds})
    progress.seconds.append(seconds)
    progress.place += 1


def _ask_task(task: ReviewTask, console: Console, keys: Keys) -> dict[str, Any]:
    console.print(f"{task.dimension}: {task.definition}", markup=False)
    _ask(console, keys, "Enter shows the item", {"": ""})
    for title, text in (("question", task.question), ("A", task.option_a), ("B", task.option_b)):
        console.print(Panel(escape(text), title=title))
    while True:
        said = _ask_questions(console, keys)
        try:
            if said["recommendation"] == Recommendation.REVISE:
                said |= _ask_revision(task, console, keys)
            told = "Enter keeps this, c comments on it, u goes back"
            if _ask(console, keys, told, {"": "", "c": "c"}) == "c":
                said["comment"] = keys.read_text("Comment")
        except _BackError:
            continue
        return said


def _ask_questions(console: Console, keys: Keys) -> dict[str, Any]:
    """Ask the questions in order; going back asks the one before again."""
    said: dict[str, Any] = {}
    number = 0
    while number < len(_QUESTIONS):
        name, prompt, answers = _QUESTIONS[number]
        try:
            said[name] = _ask(console, keys, prompt, answers)
            number += 1
        except _BackError:
            if number == 0:
                raise
            number -= 1
    return said


def _ask_revision(task: ReviewTask, console: Console, keys: Keys) -> dict[str, str]:
    texts = {"question": task.question, "option_a": task.option_a, "option_b": task.option_b}
    while True:
        given = {
            name: keys.read_text(f"Corrected {title} (Enter keeps it)", texts[name])
            for name, title in _TITLES.items()
        }
        revised = {name: text for name, text in given.items() if text and text != texts[name]}
        if revised:
            return revised
        console.print("A revision needs at least one corrected text; u goes back.")
        _ask(console, keys, "Enter corrects again", {"": ""})


def _ask(console: Console, keys: Keys, prompt: str, answers: Mapping[str, str]) -> str:
    """Ask until one of the keys of ``answers`` is pressed; return its value."""
    choices = "/".join(key for key in answers if key)
    while True:
        console.print(f"{prompt} [{choices}] " if choices else f"{prompt} ", end="", markup=False)
        key = keys.read_key().casefold()
        if key in answers:
            console.print(answers[key], markup=False)
            return answers[key]
        console.print(key, markup=False)
        _leave(key)
        console.print(f"Please press {choices or 'Enter'}, s, u or q.", markup=False)


def _leave(key: str) -> None:
    """Raise for the keys that leave a question."""
    if key == "q":
        raise _LeaveError
    if key == "s":
        raise _SkipError
    if key == "u":
        raise _BackError
