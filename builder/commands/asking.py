"""How commands have models asked: at once with progress, or on paper with an estimate."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import click

from builder.llm.asking import Asking, Live, Paper, PendingCalls

__all__ = ["POLL_VARIABLE", "choose_asking", "show_forecast"]

POLL_VARIABLE = "FINEBENCH_BATCH_POLL_SECONDS"
"""Names how often the state of a batch is asked for, in seconds; 30 without it."""


def _refuse_open_jobs() -> None:
    """Raise where calls of the workspace are with a batch service: asked live, they would be paid twice."""
    from builder.commands.shared import open_here
    from builder.llm.batch_jobs import list_open_jobs
    from schemas.errors import UsageError

    workspace = open_here()
    jobs = list(list_open_jobs(workspace).values())
    if jobs:
        count = sum(len(job["keys"]) for job in jobs)
        raise UsageError(
            f"{count} calls are with a batch service ({', '.join(job['batch'] for job in jobs)}, stage "
            f"{', '.join(sorted({job['stage'] for job in jobs}))}). Collect them with --batch; to give "
            f"them up, remove {workspace.batches}."
        )


def _read_poll_seconds(text: str) -> float:
    """Return how often a batch is looked at; raise `UsageError` for what is no such number."""
    from schemas.errors import UsageError

    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise UsageError(f"{POLL_VARIABLE}={text} is no number of seconds above 0.")
    return seconds


def show_forecast(stages: Sequence[PendingCalls], *, batch: bool) -> NoReturn:
    """Show what stages would ask, and end the command: with exit code 1 where the budget is too small."""
    from builder.commands.estimate_view import show_estimates
    from builder.commands.shared import open_here

    is_enough = show_estimates(stages, open_here().config.budget, batch=batch)
    click.get_current_context().exit(0 if is_enough else 1)


@contextmanager
def choose_asking(
    description: str, *, dry_run: bool = False, batch: bool = False
) -> Iterator[Asking]:
    """Yield the way of asking; with ``dry_run`` end the command by what the calls may cost."""
    from builder.console import note, track_calls
    from builder.llm.batches import Batch

    if batch and not dry_run:
        yield Batch(note, _read_poll_seconds(os.environ.get(POLL_VARIABLE, "30")))
        return
    if not dry_run:
        _refuse_open_jobs()
        with track_calls(description) as on_reply:
            yield Live(on_reply)
        return
    try:
        yield Paper()
    except PendingCalls as pending:
        show_forecast([pending], batch=batch)
    note("nothing to ask: every reply is in the journal")
    click.get_current_context().exit(0)
