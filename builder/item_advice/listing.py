"""Advice as it is read: rows for tables, CSV and JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.csv_cells import write_csv
from builder.item_advice.advice import Advice, Difficulty, DimensionAdvice, ItemAdvice
from builder.item_advice.reading import Standing

__all__ = [
    "DIMENSION_COLUMNS",
    "ITEM_COLUMNS",
    "describe_advice",
    "format_dimension",
    "format_item",
    "list_advised",
    "write_advice_csv",
]

DIMENSION_COLUMNS = (
    "dimension",
    "items",
    "safe in both %",
    "open %",
    "choice %",
    "look defective",
    "saturated",
)

ITEM_COLUMNS = ("item", "dimension", "both", "open", "choice", "r", "advice")

_CSV_COLUMNS = (
    *("item_id", "dimension", "kind", "family", "standing"),
    *("both", "both_models", "open", "open_models", "choice", "choice_models"),
    *("correlation", "p_value", "is_defective", "is_saturated", "findings"),
)

_GONE = frozenset({Standing.WITHDRAWN, Standing.EDITED})


def list_advised(advice: Advice, standings: Mapping[str, Standing]) -> list[ItemAdvice]:
    """Return the items that something speaks against and that still stand, defective ones first."""
    found = [i for i in advice.items if i.findings and standings[i.item_id] not in _GONE]
    return sorted(found, key=lambda item: not item.is_defective)


def format_dimension(dimension: DimensionAdvice) -> tuple[str, ...]:
    """Return a dimension's row of the table."""
    shares = (dimension.both, dimension.open, dimension.choice)
    told = ["-" if share is None else f"{100 * share:.1f}" for share in shares]
    counts = (str(dimension.defective), str(dimension.saturated))
    return (dimension.dimension, str(dimension.items), *told, *counts)


def format_item(item: ItemAdvice, standing: Standing) -> tuple[str, ...]:
    """Return an item's row of the table."""
    r = "-" if item.correlation is None else f"{item.correlation.r:.2f}"
    shares = tuple(map(_format_difficulty, (item.both, item.open, item.choice)))
    told = "; ".join(map(str, item.findings)) or "-"
    more = f" [{standing}]" if standing is not Standing.PRESENT else ""
    return (item.item_id, item.dimension, *shares, r, told + more)


def _format_difficulty(difficulty: Difficulty) -> str:
    if difficulty.share is None:
        return "-"
    passed = f"{difficulty.share * difficulty.models:.1f}".removesuffix(".0")
    return f"{passed} of {difficulty.models}"


def write_advice_csv(advice: Advice, standings: Mapping[str, Standing]) -> str:
    """Return all items as CSV; a cell is empty where nothing is known."""
    return write_csv(_CSV_COLUMNS, (_list_cells(i, standings[i.item_id]) for i in advice.items))


def _list_cells(item: ItemAdvice, standing: Standing) -> list[object]:
    known = item.correlation
    return [
        *(item.item_id, item.dimension, item.kind, item.family, standing),
        *(cell for d in (item.both, item.open, item.choice) for cell in (_get(d.share), d.models)),
        *(("", "") if known is None else (known.r, known.p_value)),
        *(item.is_defective, item.is_saturated, "; ".join(map(str, item.findings))),
    ]


def _get(share: float | None) -> float | str:
    return "" if share is None else share


def describe_advice(
    advice: Advice, standings: Mapping[str, Standing], runs: Sequence[str]
) -> dict[str, Any]:
    """Return the advice as plain JSON values, with the runs and what became of each item."""
    plain = advice.as_dict()
    for item in plain["items"]:
        item["standing"] = str(standings[item["item_id"]])
    return plain | {"runs": list(runs)}
