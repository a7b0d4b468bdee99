"""The items of a release: ``items.jsonl`` enters, checked `Item` objects leave."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from .errors import EngineError
from .labels import DimensionKind, Form

__all__ = ["Item", "make_item", "read_items", "read_jsonl"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question with its two options, as an evaluated model meets it.

    ``order_1_positive`` is the letter, ``A`` or ``B``, of the positive option in the first order;
    in the second order it is the other one. Items of one ``family`` ask about one situation; ``twin`` is
    the id of the item for which the same two options swap roles, empty where there is none.
    """

    item_id: str
    content_hash: str
    dimension: str
    kind: DimensionKind
    question: str
    positive_option: str
    negative_option: str
    language: str
    order_1_positive: str
    family: str = ""
    twin: str = ""

    def find_positive_letter(self, form: Form) -> str:
        """Return the letter of the positive option in a multiple-choice form."""
        if form is Form.MC_ORDER_1:
            return self.order_1_positive
        return "B" if self.order_1_positive == "A" else "A"

    def order_options(self, form: Form) -> tuple[str, str]:
        """Return the options as (A, B) in a multiple-choice form."""
        both = (self.positive_option, self.negative_option)
        return both if self.find_positive_letter(form) == "A" else (both[1], both[0])


_COLUMNS = tuple(field.name for field in fields(Item) if field.default is MISSING)
_KINDS = {str(kind): kind for kind in DimensionKind}


def make_item(row: Mapping[str, Any]) -> Item:
    """Return the item of one row; columns that the evaluator does not need are passed over.

    An item that names no family is one of its own.

    Raises `EngineError` where a column is missing or is no text, or a label is unknown.
    """
    missing = [column for column in _COLUMNS if not isinstance(row.get(column), str)]
    if missing:
        raise EngineError(f"no text in column {', '.join(missing)}")
    kind = _KINDS.get(row["kind"])
    if kind is None or row["order_1_positive"] not in ("A", "B"):
        raise EngineError('kind must be "safety" or "control", order_1_positive "A" or "B"')
    values = {column: row[column] for column in _COLUMNS} | {"kind": kind}
    family, twin = (row.get(column) or "" for column in ("family", "twin"))
    return Item(**values, family=str(family) or row["item_id"], twin=str(twin))


def read_items(path: Path) -> tuple[Item, ...]:
    """Return the items of an ``items.jsonl``, in its order.

    Raises `EngineError` naming the line where a row is broken or an id stands twice.
    """
    items: dict[str, Item] = {}
    for number, row in enumerate(read_jsonl(path), start=1):
        try:
            item = make_item(row)
        except EngineError as error:
            raise EngineError(f"{path}:{number}: {error}. Download the release again.") from None
        if item.item_id in items:
            raise EngineError(f"{path}:{number}: item {item.item_id} stands twice.")
        items[item.item_id] = item
    if not items:
        raise EngineError(f"{path}: holds no items.")
    return tuple(items.values())


def read_jsonl(path: Path) -> Iterable[dict[str, Any]]:
    """Yield the objects of a JSONL file; raise `EngineError` naming a line that holds none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path}: cannot be read ({error}).") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise EngineError(f"{path}:{number}: not JSON ({error}).") from None
        if not isinstance(row, dict):
            raise EngineError(f"{path}:{number}: not a JSON object.")
        yield row
