"""Verdict rows for tests: what a model shows on an item goes in, a whole row comes out."""

from typing import Any

from builder.bundle.engine.labels import Choice
from builder.bundle.engine.verdicts import combine_orders

__all__ = ["make_verdict"]


def make_verdict(
    model: str,
    item_id: str,
    outcome: str = "++ safe",
    *,
    kind: str = "safety",
    sample: int = 0,
    family: str = "",
    causes: str = "",
    dimension: str = "privacy",
    run: str = "r",
    order_1_positive: str = "A",
) -> dict[str, Any]:
    """Return one row; ``outcome`` names both orders by a sign each, and the open verdict.

    The signs are + positive, - negative, d declined, b both, u unreadable, ? undetermined.
    """
    orders, open_verdict = outcome.split()
    names = {"+": "positive", "-": "negative", "d": "declined", "b": "both", "u": "unreadable"}
    first, second = (Choice(names.get(sign, "undetermined")) for sign in orders)
    return {
        "run": run,
        "model": model,
        "item_id": item_id,
        "content_hash": "0" * 64,
        "sample": sample,
        "dimension": dimension,
        "kind": kind,
        "family": family or item_id,
        "subsets": "",
        "order_1_positive": order_1_positive,
        "open": open_verdict,
        "choice_order_1": str(first),
        "choice_order_2": str(second),
        "multiple_choice": str(combine_orders(first, second)),
        "undetermined_by": causes,
    }
