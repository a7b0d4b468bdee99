"""The command that looks into the journal of calls."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from builder.commands.shared import json_option, open_here
from schemas.labels import Outcome
from schemas.texts import make_printable

if TYPE_CHECKING:
    from builder.llm.call_log import CallFilter
    from builder.workspace import Workspace

__all__ = ["COMMANDS"]

_LAST = 20
# Stages by the names that `requests export` has for them too.
_STAGES = {"questions": "01_questions", "options": "02_options", "checks": "03_checked"}
_DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command()
@click.option("--role", default="", help="Such as question_writer, positive_writer, judge, target.")
@click.option("--stage", default="", help="Such as 01_questions, 02_options, evaluation.")
@click.option("--model", default="", help="A model's name in bench.toml, or the provider's.")
@click.option(
    "--outcome", type=click.Choice([str(outcome) for outcome in Outcome]), help="How they ended."
)
@click.option("--since", type=_DATE, help="Made at that time (UTC) or later.")
@click.option("--before", type=_DATE, help="Made before that time (UTC).")
@click.option("--last", type=click.IntRange(1), help="How many to list; 20 without it.")
@click.option("--show", "key", default="", help="Show one call whole, by the beginning of its key.")
@click.option(
    "--sum", "as_sums", is_flag=True, help="Sum tokens and money by stage, role and model."
)
@click.option("--purge", is_flag=True, help="Take the texts of these calls out of the journal.")
@click.option("--yes", is_flag=True, help="Purge without asking.")
@json_option
def calls(
    role: str,
    stage: str,
    model: str,
    outcome: str | None,
    since: datetime | None,
    before: datetime | None,
    last: int | None,
    key: str,
    as_sums: bool,
    purge: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """List, show, sum or purge the model calls in the journal.

    Example: finebench calls --role judge --outcome failed
    """
    from builder.llm.call_log import CallFilter, find_unknown
    from schemas.errors import UsageError

    if sum((bool(key), as_sums, purge)) > 1:
        raise UsageError("choose one of --show, --sum and --purge.")
    if purge and (last or as_json):
        raise UsageError(
            "--purge takes all calls that the filters name: leave out --last and --json."
        )
    workspace = open_here()
    stage = _STAGES.get(stage, stage)
    wanted = CallFilter(role, stage, model, outcome or "", _place(since), _place(before))
    unknown = find_unknown(workspace.journal, wanted)
    if unknown:
        raise UsageError("; ".join(unknown) + ".")
    if key:
        _show_one(workspace, key, as_json=as_json)
    elif as_sums:
        _show_sums(workspace, wanted, as_json=as_json)
    elif purge:
        _purge(workspace, wanted, yes=yes)
    else:
        _list(workspace, wanted, last or _LAST, as_json=as_json)


def _place(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None


def _show_one(workspace: "Workspace", key: str, *, as_json: bool) -> None:
    from builder.console import note, print_json
    from builder.llm.call_log import find_call

    record = find_call(workspace.journal, key)
    if as_json:
        print_json(record)
        return
    about = ("key", "at", "stage", "role", "endpoint", "model", "parameters", "sample", "prompt",
             "outcome", "status", "prompt_tokens", "completion_tokens", "cost", "error")  # fmt: skip
    for name in about:
        if record.get(name) not in (None, "", {}):
            note(f"{name}: {record[name]}")
    if record.get("purged"):
        note("its texts were purged")
    for role, text in [*record.get("messages", ()), ["reply", record.get("text", "")]]:
        click.echo(f"--- {role}")
        click.echo(make_printable(text, keep="\n\t", instead=" "))


def _list(workspace: "Workspace", wanted: "CallFilter", last: int, *, as_json: bool) -> None:
    from collections import deque

    from builder.console import make_table, note, print_json, print_table
    from builder.llm.call_log import read_calls

    count = 0
    newest: deque[dict[str, Any]] = deque(maxlen=last)
    for record in read_calls(workspace.journal, wanted):
        newest.append(record)
        count += 1
    if as_json:
        print_json(list(newest))
        return
    rows = [
        (
            record["key"][:12],
            record.get("at", "") or "-",
            record.get("stage", "") or "-",
            record["role"],
            record["endpoint"],
            record["outcome"],
            "-" if record["prompt_tokens"] is None else record["prompt_tokens"],
            "-" if record["completion_tokens"] is None else record["completion_tokens"],
            _format_cost(record.get("cost")),
        )
        for record in newest
    ]
    columns = ("key", "at (UTC)", "stage", "role", "model", "outcome", "in", "out", "cost")
    if rows:
        print_table(make_table("Calls, the newest last", columns, rows))
    note(f"{len(newest)} of {count} calls. Next: finebench calls --show KEY, or --sum")


def _format_cost(cost: float | None) -> str:
    return "-" if cost is None else f"${cost:,.6f}"


def _show_sums(workspace: "Workspace", wanted: "CallFilter", *, as_json: bool) -> None:
    from dataclasses import asdict

    from builder.console import make_table, note, print_json, print_table
    from builder.llm.call_log import sum_calls
    from builder.llm.journal import find_prices

    sums = sum_calls(workspace.journal, wanted, find_prices(workspace.config))
    if as_json:
        names = ("stage", "role", "model")
        print_json([dict(zip(names, key, strict=True)) | asdict(s) for key, s in sums.items()])
        return
    rows = [
        (
            stage or "-",
            role,
            model,
            found.calls,
            found.calls - found.replies,
            f"{found.prompt_tokens:,}",
            f"{found.completion_tokens:,}",
            f"${found.cost:,.4f}",
        )
        for (stage, role, model), found in sums.items()
    ]
    columns = ("stage", "role", "model", "calls", "failed", "tokens in", "tokens out", "cost")
    print_table(make_table("Calls by stage, role and model", columns, rows))
    total = sum(found.cost for found in sums.values())
    unpriced = sum(found.unpriced for found in sums.values())
    told = f", without {unpriced} replies whose price is not known" if unpriced else ""
    budget = workspace.config.budget
    of = "" if budget is None else f" of the budget of ${budget:,.2f}"
    note(f"${total:,.4f} in all{of}{told}")


def _purge(workspace: "Workspace", wanted: "CallFilter", *, yes: bool) -> None:
    from builder.console import note
    from builder.llm.call_log import purge_calls

    found = purge_calls(workspace, wanted, pretend=True)
    roles = ", ".join(f"{count} {role}" for role, count in found.by_role.items())
    note(f"{found.purged} calls{': ' if roles else ''}{roles}")
    if not found.purged:
        return
    for name, count in found.rows.items():
        note(f"{name}: {count} rows can then no longer be traced to the reply they came from")
    note("A stage or evaluation that needs one of these replies again asks, and pays, anew.")
    if not yes:
        click.confirm("Take their texts out of the journal?", abort=True, err=True)
    purge_calls(workspace, wanted)
    note("purged: what the calls cost stays in the account")


COMMANDS = (calls,)
