"""A session of judging in the terminal: tasks and a rich Console enter; what was said is kept one by one.

One task a screen, one key an answer. Every answer is durable before the next task is shown, so that a
session can be left, or killed, at any moment and taken up again. What a task looks like and what is
asked of it is its screen's affair (`annotations.item_screen`, `annotations.reply_screen`).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from rich.console import Console

from annotations.keys import Keys
from annotations.tasks import Said

__all__ = [
    "YES_NO",
    "BackError",
    "Question",
    "Screen",
    "Session",
    "ask",
    "ask_until_kept",
    "run_session",
]

_Task = TypeVar("_Task")

Screen = Callable[[_Task, Console, Keys], dict[str, Any]]
"""Shows a task and asks all about it; returns what was said, but for the time it took.

A screen leaves by what `ask` raises: the session knows what to do.
"""

Question = tuple[str, str, Mapping[str, str]]
"""The name of an answer, what is asked, and the answer that each key stands for."""

YES_NO = {"y": "yes", "n": "no"}
_HELP = "guidelines.md says how to decide. At any time: s skips the {}, u goes back, q ends."


@dataclass(frozen=True, slots=True)
class Session(Generic[_Task]):
    """What a session needs: the open tasks in order, their screen, and where what is said goes.

    ``keep`` must have made it durable when it returns; what is said of a task again replaces what was
    said before. ``answered`` are tasks of earlier sessions, the last one last, to which u goes back.
    ``left_today`` is how many tasks may still be shown today; ``contact`` whom to turn to; ``noun`` what
    a task is called.
    """

    tasks: Sequence[_Task]
    keep: Callable[[_Task, Said], None]
    screen: Screen[_Task]
    warning: str
    answered: Sequence[_Task] = ()
    left_today: int | None = None
    contact: str = ""
    noun: str = "item"
    clock: Callable[[], float] = time.monotonic


class _LeaveError(Exception):
    """The reviewer ends the session."""


class _SkipError(Exception):
    """The reviewer skips the task."""


class BackError(Exception):
    """The reviewer goes back to the question, or the task, before."""


@dataclass(slots=True)
class _Progress:
    """Where a session stands: ``place`` in all tasks, and what was answered in how many seconds."""

    place: int
    seconds: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many answers were kept in this session."""
        return len(self.seconds)

    def tell(self, total: int, noun: str) -> str:
        """Return the progress in words."""
        told = f"{noun} {self.place + 1} of {total}"
        if not self.seconds:
            return told
        pace = sum(self.seconds) / len(self.seconds)
        minutes = pace * (total - self.place) / 60
        return f"{told} · {pace:.0f} s each · about {minutes:.0f} min left"


def run_session(session: Session[_Task], console: Console, keys: Keys) -> int:
    """Ask the reviewer about each open task; return how many answers were kept, skips included.

    The session ends after the last task, at the day's cap, with ``q``, or at the end of input; the task
    that was being answered then stays open, and all earlier answers are kept.
    """
    console.print(
        f"{session.warning} {session.contact or 'The curator who invited you is there for you.'}"
    )
    console.print(_HELP.format(session.noun), markup=False)
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
    session: Session[_Task],
    tasks: Sequence[_Task],
    progress: _Progress,
    console: Console,
    keys: Keys,
) -> None:
    """Ask about one task and keep what is said; or go back to the one before."""
    task, started = tasks[progress.place], session.clock()
    console.rule(progress.tell(len(tasks), session.noun))
    try:
        said = session.screen(task, console, keys)
    except BackError:
        if progress.place == 0:
            console.print(f"This is the first {session.noun}.")
        progress.place = max(0, progress.place - 1)
        return
    except _SkipError:
        reason = keys.read_text("Why skip? (Enter: no reason)")
        said = {"skipped": True, "skip_reason": reason}
    seconds = session.clock() - started
    session.keep(task, said | {"lead_time_s": seconds})
    progress.seconds.append(seconds)
    progress.place += 1


def ask_until_kept(
    questions: Sequence[Question],
    console: Console,
    keys: Keys,
    ask_more: Callable[[dict[str, Any]], Mapping[str, Any]] = lambda _: {},
) -> dict[str, Any]:
    """Ask questions, what their answers make necessary, and whether to keep it all or comment on it.

    ``ask_more`` is given the answers by name, and returns further ones. Going back from what follows the
    questions asks these again; raises `BackError` where the first one is gone back from.
    """
    while True:
        said = _ask_in_turn(questions, console, keys)
        try:
            said |= ask_more(said)
            told = "Enter keeps this, c comments on it, u goes back"
            if ask(console, keys, told, {"": "", "c": "c"}) == "c":
                said["comment"] = keys.read_text("Comment")
        except BackError:
            continue
        return said


def _ask_in_turn(questions: Sequence[Question], console: Console, keys: Keys) -> dict[str, Any]:
    """Ask questions in order, and return the answers by name; going back asks the one before again.

    Raises `BackError` where the first one is gone back from.
    """
    said: dict[str, Any] = {}
    number = 0
    while number < len(questions):
        name, prompt, answers = questions[number]
        try:
            said[name] = ask(console, keys, prompt, answers)
            number += 1
        except BackError:
            if number == 0:
                raise
            number -= 1
    return said


def ask(console: Console, keys: Keys, prompt: str, answers: Mapping[str, str]) -> str:
    """Ask until one of the keys of ``answers`` is pressed; return its value."""
    choices = "/".join(key for key in answers if key)
    while True:
        console.print(f"{prompt} [{choices}] " if choices else f"{prompt} ", end="", markup=False)
        key = keys.read_key().casefold()
        if key in answers:
            console.print(answers[key], markup=False)
            return answers[key]
        console.print(key if key.isprintable() else "", markup=False)
        _leave(key)
        console.print(f"Please press {choices or 'Enter'}, s, u or q.", markup=False)


def _leave(key: str) -> None:
    """Raise for the keys that leave a question."""
    if key == "q":
        raise _LeaveError
    if key == "s":
        raise _SkipError
    if key == "u":
        raise BackError
