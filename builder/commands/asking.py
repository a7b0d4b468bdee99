"""How commands have models asked: at once with progress, or on paper with an estimate."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from builder.llm.asking import Asking, Live, Paper, PendingCalls

__all__ = ["choose_asking"]


@contextmanager
def choose_asking(description: str, *, dry_run: bool = False) -> Iterator[Asking]:
    """Yield the way of asking; with ``dry_run`` end the command by what the calls may cost."""
    from builder.console import note, track_calls

    if not dry_run:
        with track_calls(description) as on_reply:
            yield Live(on_reply)
        return
    try:
        yield Paper()
    except PendingCalls as pending:
        from builder.commands.estimate_view import show_estimate

        show_estimate(pending)
        click.get_current_context().exit(0)
    note("nothing to ask: every reply is in the journal")
    click.get_current_context().exit(0)
