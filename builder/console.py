"""What people see: tables, progress and notes; data goes to stdout, everything else to stderr."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from builder.bundle.engine.display import COLUMNS, NOTE, format_row
from schemas.errors import Problem
from schemas.texts import make_printable

if TYPE_CHECKING:
    from rich.progress import TaskID

    from builder.bundle.engine.fan_out import OnReply, Progress
    from builder.bundle.engine.scoring import Score
    from builder.release.gates import Gate
    from builder.stage_records import Counts

__all__ = [
    "describe_progress",
    "make_console",
    "make_gate_table",
    "make_score_table",
    "make_standings_table",
    "make_table",
    "note",
    "print_json",
    "print_problems",
    "print_table",
    "show_counts",
    "track_calls",
    "track_count",
    "track_work",
]

_LOG_EVERY_S = 60.0


def make_console(*, stderr: bool = False) -> Console:
    """Return a console; where the output is no terminal, lines are wide enough not to wrap."""
    console = Console(stderr=stderr, highlight=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=stderr, highlight=False, emoji=False, width=160)
    )


def note(text: str) -> None:
    """Tell the user something that is not data; control codes in it do not reach the terminal."""
    make_console(stderr=True).print(escape(make_printable(text, instead=" ")), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print data as JSON on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def print_table(table: Table) -> None:
    """Print a table on stdout."""
    make_console().print(table)


def show_counts(stage: str, counts: "Counts") -> None:
    """Tell a stage's account."""
    note(f"{stage}: {counts.entered} in = {counts.left} out + {counts.rejected} rejected")


def print_problems(problems: Sequence[Problem]) -> None:
    """Print all problems on stderr, one a line."""
    for problem in problems:
        note(str(problem))


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; every column but the first is right-aligned where it holds numbers only."""
    cells = [[make_printable(str(cell)) for cell in row] for row in rows]
    table = Table(title=title or None, title_justify="left")
    for i, column in enumerate(columns):
        numeric = all(row[i][:1].isdigit() or row[i] == "-" for row in cells)
        table.add_column(column, justify="right" if numeric and i else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(escape, row))
    return table


@contextmanager
def track_calls(description: str) -> "Iterator[OnReply]":
    """Yield a callback that shows the progress of calls: a bar on a terminal, else a line a minute."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
    )
    shown = _ShownCalls(description)
    is_terminal = console.is_terminal
    with (
        _repeat(shown.log, _LOG_EVERY_S, wanted=not is_terminal),
        Bar(*columns, console=console, transient=True, disable=not is_terminal) as bar,
    ):
        task = bar.add_task(description, total=None, told="")

        def show(progress: "Progress") -> None:
            shown.take(progress)
            if is_terminal:
                total, done = progress.planned, progress.done
                bar.update(task, total=total, completed=done, told=shown.describe())

        yield show


class _ShownCalls:
    """What is told of calls: the latest progress, and once that an interruption waits for replies."""

    def __init__(self, description: str) -> None:
        self.description = description
        self.started = time.monotonic()
        self.progress: Progress | None = None
        self.is_drain_told = False

    def take(self, progress: "Progress") -> None:
        """Take in the latest progress."""
        self.progress = progress
        if progress.is_draining and not self.is_drain_told:
            self.is_drain_told = True
            note(
                "interrupted: waiting up to 30 s for replies on their way, which are paid for; "
                "Ctrl-C ends that too"
            )

    def describe(self) -> str:
        """Return the latest progress in words."""
        seconds = time.monotonic() - self.started
        return describe_progress(self.progress, seconds) if self.progress else "no reply yet"

    def log(self) -> None:
        """Tell the latest progress in a line."""
        done = f"{self.progress.done} of {self.progress.planned}, " if self.progress else ""
        note(f"{self.description}: {done}{self.describe()}")


@contextmanager
def _repeat(action: "Callable[[], None]", seconds: float, *, wanted: bool) -> Iterator[None]:
    """Do something every so many seconds while the context lasts, however long nothing else happens."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            action()

    if wanted:
        threading.Thread(target=run, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def describe_progress(progress: "Progress", seconds: float) -> str:
    """Return rate, tokens, money, time left and failures by kind, in words."""
    rate = progress.asked / max(seconds, 1e-9)
    parts = [f"{rate:.1f}/s"]
    left = progress.planned - progress.done
    if progress.asked and left:
        parts.append(f"{_format_seconds(left / rate)} left")
    if progress.tokens:
        parts.append(f"{progress.tokens:,} tokens")
    if progress.cost:
        parts.append(f"${progress.cost:,.2f}")
    parts += [
        f"{count} {outcome}"
        for outcome, count in sorted(progress.outcomes.items())
        if outcome != "answered"
    ]
    return ", ".join(parts)


def _format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


@contextmanager
def track_work() -> "Iterator[Callable[[str, int, int | None], None]]":
    """Yield a callback that shows how far a comparison is: a bar on a terminal, else a line a minute."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} compared"),
        TimeRemainingColumn(),
    )
    last = time.monotonic()
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def show(subject: str, done: int, total: int | None) -> None:
            nonlocal last
            if subject not in tasks:
                tasks[subject] = bar.add_task(escape(subject), total=total)
            bar.update(tasks[subject], total=total, completed=done)
            if not console.is_terminal and time.monotonic() - last >= _LOG_EVERY_S:
                last = time.monotonic()
                of = f" of {total:,}" if total else ""
                note(f"{subject}: {done:,}{of} compared")

        yield show


@contextmanager
def track_count(description: str) -> "Iterator[Callable[[int, int | None], None]]":
    """Yield a callback that shows how many of how many, if known, are done; nothing without a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    console = make_console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, total=total, completed=done)


def make_gate_table(gates: Sequence["Gate"]) -> Table:
    """Return the gates of a release as a table."""
    rows = [
        (
            gate.name,
            gate.value,
            gate.threshold,
            gate.result,
        )
        for gate in gates
    ]
    return make_table("Gates", ("gate", "value", "asked", "result"), rows)


def make_standings_table(standings: Mapping[str, Mapping[str, int]]) -> Table:
    """Return how many items stand where, a row a dimension and one for all."""
    columns = list(next(iter(standings.values())))
    rows = [(name, *counts.values()) for name, counts in standings.items()]
    total = [sum(counts[c] for counts in standings.values()) for c in columns]
    table = make_table("", ("dimension", *columns), rows)
    table.add_section()
    table.add_row("all", *map(str, total))
    return table


def make_score_table(scores: Sequence["Score"], title: str = "CS and CSS") -> Table:
    """Return CS and CSS by model and dimension, with intervals, n and coverage."""
    table = make_table(title, COLUMNS, map(format_row, scores))
    table.caption = NOTE
    return table
