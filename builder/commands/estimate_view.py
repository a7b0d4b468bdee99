"""What calls may cost, as tables: pending calls enter; a row for each model and role is shown, and the sum."""

from collections.abc import Sequence

from builder.console import make_table, note, print_table
from builder.llm.asking import PendingCalls
from builder.llm.estimates import Estimate, estimate_calls

__all__ = ["show_estimates"]

_COLUMNS = (
    "model",
    "role",
    "calls",
    "and likely",
    "≈ tokens in",
    "≈ tokens out",
    "≈ cost",
    "sizes",
)


def show_estimates(
    stages: Sequence[PendingCalls], budget: float | None, *, batch: bool = False
) -> bool:
    """Show the calls that stages would make, their tokens and price, and whether the budget bears them.

    Returns whether it does, as far as prices are known; True where there is none.
    """
    estimates = []
    for pending in stages:
        of_stage = estimate_calls(pending, batch=batch)
        rows = map(_make_row, of_stage)
        print_table(make_table(f"{pending.stage}: what would be asked", _COLUMNS, rows))
        estimates += of_stage
    known = sum(e.cost for e in estimates if e.cost is not None)
    unknown = sorted({e.model for e in estimates if e.cost is None})
    spent = stages[0].ledger.spent if stages else 0.0
    without = f", without {', '.join(unknown)}, whose price is not in bench.toml" if unknown else ""
    priced = " at batch prices" if batch else ""
    note(f"≈ ${known:,.4f} in all{priced}{without}; spent before: ${spent:,.4f}. Nobody was asked.")
    note("Not in it: what is asked anew for texts that are rejected.")
    return _tell_budget(known, spent, budget)


def _make_row(estimate: Estimate) -> tuple[str, ...]:
    return (
        estimate.model,
        estimate.role,
        f"{estimate.certain:,}",
        f"{estimate.expected:,}",
        f"{estimate.prompt_tokens:,}",
        f"{estimate.completion_tokens:,}",
        "price unknown" if estimate.cost is None else f"${estimate.cost:,.4f}",
        "measured" if estimate.is_measured else "guessed",
    )


def _tell_budget(known: float, spent: float, budget: float | None) -> bool:
    """Say whether what is left of the budget is enough for ``known`` dollars, and return it."""
    if budget is None:
        return True
    left = max(0.0, budget - spent)
    if known <= left:
        note(f"The budget of ${budget:,.6g} has ${left:,.4f} left: enough.")
        return True
    note(
        f"The budget of ${budget:,.6g} has ${left:,.4f} left: enough for about {left / known:.0%} of it. "
        "The run would stop there, and go on once `budget` in bench.toml is raised."
    )
    return False
