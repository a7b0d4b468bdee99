"""Commands of review on Label Studio: annotate up, push, status, pull, down."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import json_option, open_here

if TYPE_CHECKING:
    from annotations.label_studio.connection import Server
    from builder.label_studio.fetching import Fetched
    from builder.label_studio.progress import Progress
    from builder.label_studio.sending import Outgoing, Sent
    from builder.workspace import Workspace

__all__ = ["COMMANDS"]

url_option = click.option(
    "--url", default="", help="The server; default: the one started here, else that of bench.toml."
)

_MOST_REFUSED = 10


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option(
    "--program",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A label-studio that is installed already, to be used in place of one of our own.",
)
@click.option("--show-logins", is_flag=True, help="Print all logins, those of earlier starts too.")
@click.option(
    "--reset-login", "reset", multiple=True, metavar="NAME",
    help="Give this person another password; repeatable.",
)  # fmt: skip
def up(
    host: str, port: int, program: Path | None, show_logins: bool, reset: tuple[str, ...]
) -> None:
    """Start a Label Studio server for this workspace, with a login for each member of the roster.

    Installs it first where it is not: 1 GB, some minutes, once for all workspaces.

    Example: finebench annotate up
    """
    from builder.console import make_table, note, print_table
    from builder.label_studio.access import list_members_online, start_server

    workspace = open_here()
    started = start_server(
        workspace,
        host=host,
        port=port,
        program=program,
        is_all_shown=show_logins,
        reset=reset,
        tell=note,
    )
    note(
        f"Label Studio runs at {started.server.url} ({'started now' if started.is_new else 'it ran before'})"
    )
    if started.logins:
        print_table(make_table("Logins", ("who", "e-mail", "password"), started.logins))
        note(
            "They are shown this once; --show-logins shows them again. Give each person their own."
        )
    else:
        note(
            "No login is new. --show-logins shows them all, --reset-login NAME makes another password"
        )
    if host not in ("127.0.0.1", "localhost", "::1") and started.is_new:
        note(
            f"It listens on {host}: whoever reaches this machine at port {started.server.port} sees its login "
            "page, and passwords travel unencrypted unless something before it encrypts them."
        )
    if not list_members_online(workspace):
        note(
            "Nobody in private/roster.toml has an `email`: add one for each reviewer, and run this again"
        )
        return
    note("Next: finebench annotate plan, then finebench annotate push")


@click.command()
def down() -> None:
    """Stop the Label Studio server of this workspace; what it holds stays.

    Example: finebench annotate down
    """
    from builder.console import note
    from builder.label_studio.access import stop_server

    if stop_server(open_here()):
        note(
            "Label Studio is stopped; projects and answers stay. `finebench annotate up` starts it again"
        )
    else:
        note("no Label Studio server of this workspace runs")


@click.command()
@click.option(
    "--round", "round_number", type=click.IntRange(1), default=1, show_default=True, help="Round."
)
@click.option(
    "--reviewer", "names", multiple=True, help="Only for this person; repeatable. Default: all."
)
@click.option(
    "--responses", "run", default="", metavar="RUN", help="The replies of models in this run."
)
@click.option("--expert", default="", help="The cases that wait for an expert, for this one.")
@click.option("--dry-run", is_flag=True, help="Tell what would be sent, and send nothing.")
@url_option
def push(
    round_number: int, names: tuple[str, ...], run: str, expert: str, dry_run: bool, url: str
) -> None:
    """Put what was planned on Label Studio: one project a person; run again, it adds what is missing.

    Example: finebench annotate push --round 1
    """
    from builder.console import note, track_count
    from builder.label_studio.sending import collect_cases, collect_items, collect_replies, send
    from builder.workspace import Stage
    from schemas.errors import UsageError

    if run and expert:
        raise UsageError("give --responses or --expert, not both.")
    workspace = open_here()
    if run:
        outgoing = collect_replies(workspace, run, names)
    elif expert:
        outgoing = collect_cases(workspace, expert)
    else:
        outgoing = collect_items(workspace, round_number, names)
    if expert and expert in {row["reviewer"] for row in workspace.read_stage(Stage.ANNOTATIONS)}:
        note(f"{expert} is one of those whose votes differ, and would rule on their own")
    if dry_run:
        _show_outgoing(outgoing)
        return
    with _reach(workspace, url) as server, track_count("tasks") as tell:
        sent = send(workspace, server, outgoing, tell)
    _show_sent(outgoing, sent)
    note("Next: finebench annotate status, and finebench annotate pull whenever you like")


@contextmanager
def _reach(workspace: "Workspace", url: str) -> "Iterator[Server]":
    """Yield the connection to the workspace's server."""
    from annotations.label_studio.connection import connect
    from builder.label_studio.access import find_access

    access = find_access(workspace, url)
    with connect(access.url, access.token) as server:
        yield server


def _show_outgoing(outgoing: "Outgoing") -> None:
    from builder.console import make_table, note, print_table

    rows = [(name, len(tasks)) for name, tasks in outgoing.tasks.items()]
    print_table(make_table("What would be on the server", ("who", "tasks"), rows))
    _tell_left_out(outgoing)
    note("Nothing was sent.")


def _tell_left_out(outgoing: "Outgoing") -> None:
    from builder.console import note

    if outgoing.left_out:
        note(
            f"{', '.join(outgoing.left_out)}: no `email` in private/roster.toml, so they answer in the terminal"
        )


def _show_sent(outgoing: "Outgoing", sent: "Sent") -> None:
    from builder.console import make_table, note, print_table

    pushed = sent.pushed
    note(f"{pushed.sent} tasks sent, {pushed.found + pushed.known} were there")
    if pushed.retired:
        note(
            f"{pushed.retired} outdated tasks retired, {pushed.removed} of them without an answer removed"
        )
    if sent.told_anew:
        note(
            f"guidelines.md changed: {', '.join(sent.told_anew)} are shown the new ones from now on"
        )
    if pushed.doubles:
        note(f"{pushed.doubles} doubles removed")
    rows = [
        (name, len(outgoing.tasks.get(name, ())), link) for name, link in sorted(sent.links.items())
    ]
    print_table(make_table("Where each person goes on", ("who", "to answer", "address"), rows))
    _tell_left_out(outgoing)
    note("The daily caps of the roster are not known to Label Studio: ask people to keep them")


@click.command()
@url_option
@json_option
def status(url: str, as_json: bool) -> None:
    """Show how far each reviewer is, on Label Studio and in the terminal.

    Example: finebench annotate status
    """
    from builder.console import make_table, note, print_json, print_table
    from builder.label_studio.access import Files
    from builder.label_studio.progress import find_progress
    from schemas.errors import LabelStudioError, UsageError

    workspace = open_here()
    try:
        if Files.of(workspace).items.exists():
            with _reach(workspace, url) as server:
                found = find_progress(workspace, server)
        else:
            found = find_progress(workspace, None)
    except (LabelStudioError, UsageError) as error:
        note(f"what stands on the server is not known: {error}")
        found = find_progress(workspace, None)
    if as_json:
        print_json([progress.as_dict() for progress in found])
        return
    columns = ("round", "reviewer", "planned", "answers here", "on the server", "answered", "skipped",
               "left", "lost", "last answer")  # fmt: skip
    print_table(make_table("How far reviewers are", columns, map(_format_progress, found)))
    _tell_caps_and_guidelines(workspace)
    if any(p.online and p.online.lost for p in found):
        note("lost tasks are no longer on the server: finebench annotate push puts them back")
    waiting = sum(
        max(0, p.online.answered + p.online.skipped - p.kept) for p in found if p.online is not None
    )
    if waiting:
        note(
            f"{waiting} answers on the server are not here. Next: finebench annotate pull, which fetches them "
            "or says why they cannot be taken"
        )


def _format_progress(progress: "Progress") -> tuple[object, ...]:
    begun = (progress.round_number, progress.reviewer, progress.planned, progress.kept)
    online = progress.online
    if online is None:
        return (*begun, *"------")
    last = online.last_activity[:16].replace("T", " ") or "-"
    return (*begun, online.tasks, online.answered, online.skipped, online.left, online.lost, last)


def _tell_caps_and_guidelines(workspace: "Workspace") -> None:
    from builder.console import note
    from builder.label_studio.progress import find_those_over_their_cap, list_told_otherwise

    if told := list_told_otherwise(workspace):
        note(
            f"guidelines.md changed since the last push: {', '.join(told)} still read the earlier ones, and "
            "their answers say so. finebench annotate push shows the new ones"
        )
    for name, day, count, cap in find_those_over_their_cap(workspace):
        note(f"{name} answered {count} items on {day}, more than their cap of {cap}")


@click.command()
@url_option
def pull(url: str) -> None:
    """Fetch answers from Label Studio into the workspace; exit 1 where some cannot be taken.

    Example: finebench annotate pull
    """
    from builder.console import note
    from builder.label_studio.access import Files
    from builder.label_studio.fetching import fetch
    from schemas.errors import StageError

    workspace = open_here()
    if not Files.of(workspace).list_ledgers():
        raise StageError(
            "nothing was sent to Label Studio yet. Run `finebench annotate push` first."
        )
    with _reach(workspace, url) as server:
        fetched = fetch(workspace, server)
    _show_fetched(fetched)
    _tell_caps_and_guidelines(workspace)
    note(f"Next: {_find_next(workspace, fetched)}")
    if fetched.refused:
        raise SystemExit(1)


def _show_fetched(fetched: "Fetched") -> None:
    from builder.console import note

    told = ", ".join(f"{name} {count}" for name, count in sorted(fetched.stored.items()) if count)
    note(f"{fetched.stored.total()} new answers{f' ({told})' if told else ''}")
    counts = (
        (fetched.rulings, "rulings of experts"),
        (fetched.unchanged, "answers were fetched before"),
        (
            fetched.replacing,
            "of them replace an earlier answer of the same person, given here or there",
        ),
        (fetched.older, "are older than the answer or ruling that stands, which stays"),
        (fetched.retired, "are on an outdated version of their item, and stay with that version"),
        (fetched.vanished, "were fetched before and are no longer on the server; they still count"),
    )
    for count, what in counts:
        if count:
            note(f"{count} {what}")
    for refused in fetched.refused[:_MOST_REFUSED]:
        note(f"not taken: {refused}")
    if len(fetched.refused) > _MOST_REFUSED:
        note(f"… and {len(fetched.refused) - _MOST_REFUSED} more not taken")
    if fetched.refused:
        note(
            "Mend these on the server (let the reviewer answer again), and pull again. An account that belongs "
            "to no reviewer: give its reviewer that address as `email` in private/roster.toml. The server's "
            "own exports are in private/label-studio/raw"
        )


def _find_next(workspace: "Workspace", fetched: "Fetched") -> str:
    from builder.pipeline import find_next_step

    if fetched.runs and not fetched.has_items:
        return f"finebench annotate merge --responses {min(fetched.runs)}"
    if fetched.rulings:
        return "finebench adjudicate"
    return find_next_step(workspace)


COMMANDS = (up, push, status, pull, down)
