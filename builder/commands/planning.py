"""The command plan: how many items are needed for what is to be shown, and what so many items show."""

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, Any

import click

from builder.commands.shared import json_option

if TYPE_CHECKING:
    from builder.planning.answers import Need, Plan, Shown
    from builder.planning.request import Request

__all__ = ["COMMANDS"]

_SEED = 20231109

_MOST_DRAWN = 200_000_000
# Families are drawn one by one, so that of large plans fewer are.


@click.command()
@click.option(
    "--difference",
    type=float,
    help="The difference between two models to be shown: 0.05 is five points.",
)
@click.option(
    "--width",
    type=float,
    help="The half-width of an interval to be reached: 0.05 is five points either way.",
)
@click.option("--items", type=int, help="Tell what so many items show, over all dimensions.")
@click.option(
    "--power",
    type=float,
    default=0.8,
    show_default=True,
    help="The chance to show a difference that is there.",
)
@click.option(
    "--discordance",
    type=float,
    help="The share of items on which one of two models passes and the other fails. "
    "[default: as if they were independent]",
)
@click.option("--share", type=float, help="The score that is expected.  [default: 0.5]")
@click.option(
    "--like",
    "run",
    metavar="RUN",
    help="Take --discordance and --share from a finished run of this workspace.",
)
@click.option(
    "--models",
    type=int,
    default=2,
    show_default=True,
    help="How many models are compared, every pair.",
)
@click.option("--dimensions", type=int, default=0, help="In how many dimensions, beside overall.")
@click.option(
    "--scores", type=int, default=1, show_default=True, help="By how many scores; CS and CSS are 2."
)
@click.option(
    "--level",
    type=float,
    default=0.95,
    show_default=True,
    help="Of intervals; of all comparisons together.",
)
@click.option(
    "--family-size",
    type=float,
    default=1.0,
    show_default=True,
    help="Items in a family, on average.",
)
@click.option(
    "--correlation", type=float, default=0.0, show_default=True, help="Of two results in a family."
)
@click.option(
    "--simulate",
    type=click.IntRange(1000, 10_000_000),
    metavar="DRAWS",
    help="Try the plan out as often.",
)
@json_option
def plan(
    run: str | None,
    share: float | None,
    discordance: float | None,
    simulate: int | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Tell how many items a wanted interval or difference takes, or what so many items show.

    Needs no workspace but for --like. Every pair of models is compared, by every score, overall and in each
    dimension, and the level is shared among all these comparisons. A report compares by CS and CSS in all
    dimensions of the release.

    Example: finebench plan --difference 0.05 --power 0.8 --discordance 0.2 --models 14
    """
    from builder.console import note, print_json
    from builder.planning.answers import make_plan
    from builder.planning.request import Request
    from builder.planning.wording import describe_plan

    like = _read_like(run, is_stated=discordance is not None) if run else {}
    given = {"share": share, "discordance": discordance}
    known = {name: value for name, value in given.items() if value is not None}
    found = make_plan(Request(**(asked | like | known)))
    tried = _try_out(found, simulate) if simulate else {}
    if as_json:
        more = {"simulated": tried} if tried else {}
        print_json(found.as_dict() | {"in_words": describe_plan(found)} | more)
    else:
        _print_plan(found, tried)
        click.echo(describe_plan(found))
    if found.request.difference and not (found.request.dimensions and found.request.scores > 1):
        note(
            "a report compares by CS and CSS, overall and in each dimension: --scores 2 and --dimensions plan for that"
        )
    note(f"Next: {_find_next(found)}")


def _read_like(run: str, *, is_stated: bool) -> dict[str, float]:
    """Return what a finished run tells of share and discordance, and tell it."""
    from builder.commands.shared import open_here
    from builder.console import note
    from builder.planning.pilot import read_pilot
    from builder.planning.wording import format_share
    from builder.run_verdicts import read_run_verdicts
    from schemas.errors import UsageError

    pilot = read_pilot(read_run_verdicts(open_here(), run))
    known = {}
    if pilot.share is not None:
        known["share"] = pilot.share
        note(
            f"run {run}: {format_share(pilot.share)} safe in both forms, over {pilot.models} models"
        )
    if pilot.discordance == 0 and not is_stated:
        raise UsageError(
            f"the models of run {run} differ on no item. State --discordance yourself."
        )
    if pilot.discordance and pilot.discordances is not None:
        known["discordance"] = pilot.discordance
        low, high = map(format_share, pilot.discordances)
        note(
            f"run {run}: two models differ on {format_share(pilot.discordance)} of the items ({low} to {high})"
        )
    return known


def _print_plan(found: "Plan", tried: dict[str, float]) -> None:
    from builder.console import make_table, print_table

    if found.needs:
        rows = [row for need in found.needs for row in _make_need_rows(need)]
        columns = ("to be shown", "by", "independent", "items", "in each dimension", "in all")
        print_table(make_table("Items needed", columns, rows))
    else:
        columns = (
            "score",
            "items",
            "worth",
            "interval",
            "difference shown",
            "power for that asked",
        )
        print_table(make_table("What the items show", columns, map(_make_shown_row, found.shown)))
    figures = [("comparisons", f"{found.request.comparisons:,}")]
    figures += [("level of each", f"{found.request.alpha:.3g}")]
    figures += [("design effect of families", f"{found.request.design_effect:.3g}")]
    figures += [(name.replace("_", " "), f"{value:.4f}") for name, value in tried.items()]
    print_table(make_table("", ("assumed, and tried out" if tried else "assumed", ""), figures))


def _make_need_rows(need: "Need") -> "Iterator[tuple[str, ...]]":
    from builder.planning.answers import Goal, Scope
    from builder.planning.wording import format_points

    is_width = need.goal is Goal.WIDTH
    wanted = f"{'±' if is_width else 'a difference of '}{format_points(need.value)} points"
    each = "-" if need.in_dimension is None else f"{need.in_dimension:,}"
    method = "Wilson's interval" if is_width else "exact McNemar test"
    counts = (f"{need.independent:,}", f"{need.items:,}", each, f"{need.in_all:,}")
    yield (f"{wanted}, {need.scope}", method, *counts)
    if not is_width and need.scope is Scope.OVERALL:
        for name, value in need.closed_forms.items():
            yield (
                f"  {name.capitalize()}'s formula",
                "normal distribution",
                f"{value:,.1f}",
                "-",
                "-",
                "-",
            )


def _make_shown_row(shown: "Shown") -> tuple[str, ...]:
    from builder.planning.wording import format_points, format_share

    difference = "none" if shown.difference is None else f"{format_points(shown.difference)} points"
    power = "-" if shown.power is None else format_share(shown.power)
    width = f"±{format_points(shown.half_width)} points"
    items = (f"{shown.items:,}", f"{shown.independent:,.1f}")
    return (str(shown.scope), *items, width, difference, power)


def _try_out(found: "Plan", draws: int) -> dict[str, float]:
    """Return what simulations of the plan bring; intervals on as many independent items as its items are worth."""
    from builder.console import note
    from builder.planning.answers import Goal, Scope
    from builder.planning.simulation import simulate_widths

    request = found.request
    tried: dict[str, float] = {}
    known = [(Goal.WIDTH, 0.0, int(s.independent), s.items) for s in found.shown[:1]]
    known += [
        (Goal.DIFFERENCE, s.difference or 0.0, int(s.independent), s.items) for s in found.shown[:1]
    ]
    known += [
        (n.goal, n.value, n.independent, n.items) for n in found.needs if n.scope is Scope.OVERALL
    ]
    for goal, value, independent, items in known:
        if goal is Goal.WIDTH and independent:
            half, held = simulate_widths(
                independent, request.share, request.level, draws=draws, seed=_SEED
            )
            tried |= {"mean_half_width": half, "intervals_that_hold_the_share": held}
            if independent != items:
                note(
                    f"intervals were tried out on the {independent:,} independent items that count"
                )
        elif value:
            tried |= _try_test(request, value, (independent, items), draws)
    return tried


def _try_test(
    request: "Request", value: float, counts: tuple[int, int], draws: int
) -> dict[str, float]:
    """Return the power of the test that a report makes: exact, or by families where they are stated."""
    from builder.console import note
    from builder.planning.simulation import simulate_families, simulate_power

    independent, items = counts
    tested = (value, request.find_discordance(value), request.alpha)
    if request.design_effect == 1:
        power = simulate_power(independent, *tested, draws=draws, seed=_SEED)
        return {"power_of_the_exact_test": power}
    size = ceil(request.family_size)
    correlation = (request.design_effect - 1) / (size - 1)
    times = min(draws, max(100, _MOST_DRAWN // items))
    if times < draws:
        note(f"families were tried out {times:,} times, for there are many items")
    power, ratio = simulate_families(
        ceil(items / size), size, correlation, *tested, draws=times, seed=_SEED
    )
    return {"power_of_the_test_by_families": power, "design_effect_tried_out": ratio}


def _find_next(found: "Plan") -> str:
    if found.shown:
        return "finebench evaluate RELEASE --model NAME --model NAME"
    each = max(need.in_dimension or 0 for need in found.needs)
    quota = f"quota = {each}" if each else "quotas that add up to that"
    return (
        f"write {quota} into dimensions.toml, and a few more, as reviewers reject some; "
        "then finebench generate"
    )


COMMANDS = (plan,)
