"""The command advise: what models that are kept out of the ranking tell of the items."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import json_option, open_here

if TYPE_CHECKING:
    from builder.item_advice.advice import Advice
    from builder.item_advice.reading import Consultation, Standing

__all__ = ["COMMANDS"]

_SHOWN = 40
"""So many items are printed unless all are asked for."""


@click.command()
@click.argument("runs", nargs=-1)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="A model that is to advise, and that reports leave out of the ranking for good; repeatable. "
    "offline: all simulated ones.",
)
@click.option(
    "--exclude",
    multiple=True,
    help="An adviser whose results are left aside this time; repeatable.",
)
@click.option(
    "--all", "show_all", is_flag=True, help="Print every item, not only those advised against."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all items to this CSV file too.",
)
@json_option
def advise(
    runs: tuple[str, ...],
    models: tuple[str, ...],
    exclude: tuple[str, ...],
    show_all: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """List items that are saturated or look defective, as advice for the next version.

    Worked out on the models named with --model, now or earlier, and on no others: an item that was chosen by
    how a model does on it no longer tells how good that model is.

    Example: finebench advise 1.0.0 --model gpt --model local
    """
    from builder.console import note, print_json
    from builder.item_advice.advice import make_advice
    from builder.item_advice.listing import describe_advice, write_advice_csv
    from builder.item_advice.reading import consult, find_standings
    from builder.reporting import list_runs
    from schemas.storage import write_text

    workspace = open_here()
    asked = consult(workspace, runs or list_runs(workspace), models, exclude)
    _tell_advisers(asked)
    found = make_advice(asked.verdicts)
    standings = find_standings(workspace, asked.verdicts)
    if out is not None:
        write_text(out, write_advice_csv(found, standings))
        note(f"wrote {out}")
    if as_json:
        print_json(describe_advice(found, standings, asked.runs))
    else:
        _print_advice(found, standings, show_all=show_all)
    _tell_limits(found)
    note(f"Next: {_find_next(found, standings)}")


def _tell_advisers(asked: "Consultation") -> None:
    from builder.console import note

    if asked.new:
        note(f"reports leave out of the ranking from now on: {', '.join(asked.new)}")
    if asked.simulated:
        note(f"SIMULATED, no finding about a real item: {', '.join(asked.simulated)}")
    for name in asked.aliases:
        note(
            f"{name} is an adviser under another name: name it with --model too, or leave it unranked"
        )
    if not asked.ranked:
        note("no model of these runs is left to be ranked")


def _print_advice(found: "Advice", standings: "dict[str, Standing]", *, show_all: bool) -> None:
    from builder.console import make_table, note, print_table
    from builder.item_advice.listing import (
        DIMENSION_COLUMNS,
        ITEM_COLUMNS,
        format_dimension,
        format_item,
        list_advised,
    )

    title = f"Difficulty over {len(found.models)} advising models"
    print_table(make_table(title, DIMENSION_COLUMNS, map(format_dimension, found.dimensions)))
    listed = list(found.items) if show_all else list_advised(found, standings)
    shown = listed if show_all else listed[:_SHOWN]
    if shown:
        rows = [format_item(item, standings[item.item_id]) for item in shown]
        print_table(make_table("Items" if show_all else "Advised against", ITEM_COLUMNS, rows))
    if len(listed) > len(shown):
        note(f"and {len(listed) - len(shown)} more: --all shows, --out FILE writes them")
    gone = sum(item.findings != () for item in found.items) - len(list_advised(found, standings))
    if gone and not show_all:
        note(f"{gone} more were withdrawn or edited since")


def _tell_limits(found: "Advice") -> None:
    from builder.console import note
    from builder.item_advice.faults import P_VALUE

    for told in found.cannot_tell:
        note(f"cannot be told: {told}")
    for habit in found.habits:
        note(
            f"not held against items: {habit.model}, {habit.sign} on {habit.items} of {habit.of} items"
        )
    if found.correlated:
        note(
            f"of {found.correlated} correlations about {found.correlated * P_VALUE:.0f} look bad by chance alone"
        )


def _find_next(found: "Advice", standings: "dict[str, Standing]") -> str:
    from builder.item_advice.listing import list_advised

    advised = list_advised(found, standings)
    if not advised:
        return "finebench report"
    first = advised[0]
    if first.is_defective:
        return f"finebench show {first.item_id}; then finebench edit or finebench withdraw it"
    return f'finebench withdraw {first.item_id} --reason "{first.findings[0].fault}"'


COMMANDS = (advise,)
