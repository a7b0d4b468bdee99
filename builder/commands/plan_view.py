"""The plan of a round as a table: assignments enter; a row for each reviewer is shown."""

from collections.abc import Sequence

from annotations.routing import Plan
from builder.console import make_table, note, print_table
from builder.roster import Member
from builder.round_plans import measure_loads
from builder.workspace import Workspace
from schemas.labels import Stratum

__all__ = ["show_plan"]


def show_plan(workspace: Workspace, plan: Plan, members: Sequence[Member]) -> None:
    """Show who gets how many items of which kind, how long they take, and which items lack reviewers."""
    loads = measure_loads(workspace, plan.assignments, members)
    strata = [s for s in Stratum if any(load.items[s] for load in loads.values())]
    rows = [
        (
            name,
            load.items.total(),
            *(load.items[stratum] for stratum in strata),
            f"{load.hours:.1f}",
            f"{load.seconds:.0f} s {'measured' if load.is_measured else 'guessed'}",
            load.days,
        )
        for name, load in loads.items()
    ]
    columns = ("reviewer", "items", *strata, "hours", "an item", "days at the cap")
    print_table(make_table("Who reviews what", columns, rows))
    total = sum(load.hours for load in loads.values())
    items = len({row["item_id"] for row in plan.assignments})
    note(f"{items} items, {len(plan.assignments)} answers, {total:.1f} hours in all")
    idle = [m.name for m in members if not m.expert and m.name not in loads]
    if idle:
        has = "has" if len(idle) == 1 else "have"
        note(
            f"{', '.join(idle)} {has} nothing to review: every item that they may see has as many reviewers "
            "as `overlap` in bench.toml asks for, or corrections of theirs wait for somebody else."
        )
    if plan.short:
        first = ", ".join(sorted(plan.short)[:3])
        note(
            f"{len(plan.short)} items lack reviewers who read their language and take their dimension: "
            f"{first}{' …' if len(plan.short) > 3 else ''}"
        )
