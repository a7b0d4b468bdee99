"""What calls may cost, as a table: pending calls enter; a row for each model and role is shown."""

from builder.console import make_table, note, print_table
from builder.llm.asking import PendingCalls
from builder.llm.estimates import estimate_calls

__all__ = ["show_estimate"]


def show_estimate(pending: PendingCalls) -> None:
    """Show the calls that a stage would make, their tokens and their price, and what was spent before."""
    estimates = estimate_calls(pending)
    rows = [
        (
            e.model,
            e.role,
            f"{e.certain:,}",
            f"{e.expected:,}",
            f"{e.prompt_tokens:,}",
            f"{e.completion_tokens:,}",
            "price unknown" if e.cost is None else f"${e.cost:,.4f}",
            "measured" if e.is_measured else "guessed",
        )
        for e in estimates
    ]
    columns = (
        "model",
        "role",
        "calls",
        "and likely",
        "≈ tokens in",
        "≈ tokens out",
        "≈ cost",
        "sizes",
    )
    print_table(make_table(f"{pending.stage}: what would be asked", columns, rows))
    known = sum(e.cost for e in estimates if e.cost is not None)
    unknown = sorted({e.model for e in estimates if e.cost is None})
    without = f", without {', '.join(unknown)}, whose price is not in bench.toml" if unknown else ""
    note(
        f"≈ ${known:,.4f} in all{without}; spent before: ${pending.ledger.spent:,.4f}. Nobody was asked."
    )
