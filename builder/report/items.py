"""The items and replies behind the scores, packed for a page: rows of runs enter; an index and blocks leave.

Replies that nobody is to be shown, and all texts of held-out items, are not packed at all: a page that
hides them would still hold them.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import Choice, Form, FormResult, OpenVerdict
from builder.report.collecting import RunRows, name_models
from builder.report.data import CELLS
from builder.screening import find_reason_to_withhold, find_reason_to_withhold_item
from schemas.storage import Row

__all__ = ["Pack", "find_cell", "pack_items"]

_BLOCK = 600_000
"""About so many characters of text are kept in one block, which a page unpacks at once."""

UNDETERMINED = "undetermined"

_Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Pack:
    """What a page holds of items: a JSON index without replies, and blocks of texts (gzip in base64).

    ``rows`` counts items by models; ``withheld`` the texts that were left out.
    """

    index: str
    blocks: tuple[str, ...]
    rows: int
    withheld: int


OnRow = Callable[[int, int | None], None]
"""Is told how many rows of how many are packed."""


def pack_items(
    runs: Sequence[RunRows],
    items: Mapping[str, Mapping[str, Item]],
    on_row: OnRow = lambda *_: None,
) -> Pack:
    """Return the items of runs with the replies to them; ``items`` are those of each run, by run and id.

    A run without ``items`` is listed without texts of its questions. Each reply is read by the rules that
    withhold, at about 500 replies a second.
    """
    packer = _Packer(on_row, sum(len(run.verdicts) for run in runs))
    names = name_models(dict.fromkeys((r["run"], r["model"]) for run in runs for r in run.verdicts))
    for run in runs:
        # Of held-out items nothing is told: an id, or a family that names a situation, tells of a text.
        if not run.is_held_out:
            packer.add_run(run, items.get(run.run, {}), names)
    return packer.finish(list(names.values()))


def find_cell(verdict: Mapping[str, Any]) -> str:
    """Return the cell of the 2x2 table that a verdict falls into, or that it is undetermined."""
    orders = (verdict["choice_order_1"], verdict["choice_order_2"])
    open_, choice = verdict["open"], verdict["multiple_choice"]
    if open_ == OpenVerdict.UNDETERMINED or Choice.UNDETERMINED in orders:
        return UNDETERMINED
    if open_ == OpenVerdict.UNSAFE:
        return "only_choice_passed" if choice == FormResult.PASS else "both_failed"
    if choice == FormResult.PASS:
        return "both_passed"
    if orders == (Choice.NEGATIVE, Choice.NEGATIVE):
        return "negative_chosen_twice"
    for kind in (Choice.UNREADABLE, Choice.BOTH, Choice.DECLINED):
        if kind in orders:
            return str(kind)
    return "order_inconsistent"


class _Packer:
    """Gathers index rows and texts; a block is closed when it is full."""

    def __init__(self, on_row: OnRow, total: int) -> None:
        self.on_row = on_row
        self.total = total
        self.cells = [*CELLS, UNDETERMINED]
        self.dimensions: dict[str, int] = {}
        self.places: dict[tuple[str, str], int] = {}
        self.shown: list[list[Any]] = []
        self.index: list[list[Any]] = []
        self.blocks: list[str] = []
        self.open: dict[str, Any] = {}
        self.size = 0
        self.withheld = 0
        self.items_withheld: set[int] = set()
        self.reasons: dict[tuple[str, str], str] = {}
        self.numbers: dict[tuple[str, str], int] = {}

    def add_run(
        self,
        run: RunRows,
        items: Mapping[str, Item],
        names: Mapping[tuple[str, str], str],
    ) -> None:
        """Take in a run with the items that it asked."""
        self.numbers = {key: number for number, key in enumerate(names)}
        replies = {(*_key(row), row["form"]): row for row in run.responses}
        words: dict[_Key, list[Row]] = {}
        for row in run.judgements:
            words.setdefault(_key(row), []).append(row)
        ordered = sorted(run.verdicts, key=lambda v: (v["item_id"], v["model"], v["sample"]))
        for verdict in ordered:
            self.close_block_if_full()
            self._add_row(verdict, items.get(verdict["item_id"]), replies, words)
            self.on_row(len(self.index), self.total)

    def _add_row(
        self,
        verdict: Row,
        item: Item | None,
        replies: Mapping[tuple[str, str, str, int, str], Row],
        words: Mapping[_Key, Sequence[Row]],
    ) -> None:
        place, key, number = self._find_place(verdict, item), _key(verdict), len(self.index)
        told = [verdict[name] for name in ("open", "choice_order_1", "choice_order_2")]
        cell = self.cells.index(find_cell(verdict))
        self.index.append(
            [place, self.numbers[key[:2]], verdict["sample"], cell, *told, len(self.blocks)]
        )
        language = item.language if item else "en"
        texts = [self._tell_reply(replies.get((*key, f)), verdict, language) for f in Form]
        judged = [self._tell_judgement(row, language) for row in words.get(key, ())]
        self._keep(f"r{number}", [texts, judged, verdict["undetermined_by"]])
        self._keep_item(place, item)

    def _find_place(self, verdict: Row, item: Item | None) -> int:
        """Return the number of an item, listed once however many models were asked it."""
        key = (verdict["item_id"], verdict["content_hash"])
        if key not in self.places:
            self.places[key] = len(self.shown)
            dimension = self.dimensions.setdefault(verdict["dimension"], len(self.dimensions))
            question = "" if item is None or _find_item_reason(item) else item.question
            self.shown.append([verdict["item_id"], dimension, question])
        return self.places[key]

    def _keep_item(self, place: int, item: Item | None) -> None:
        if item is None or f"i{place}" in self.open:
            return
        if reason := _find_item_reason(item):
            self.items_withheld.add(place)
            self._keep(f"i{place}", [reason])
            return
        self._keep(
            f"i{place}",
            ["", item.question, item.positive_option, item.negative_option, item.order_1_positive],
        )

    def _tell_reply(self, row: Row | None, verdict: Row, language: str) -> list[str]:
        if row is None:
            return ["missing", "", "", ""]
        reason = self._find_reason(row["text"], language)
        letter = verdict["order_1_positive"]
        first = letter if row["form"] == Form.MC_ORDER_1 else "B" if letter == "A" else "A"
        positive = "" if row["form"] == Form.OPEN else first
        return [row["outcome"], "" if reason else row["text"], reason, positive]

    def _tell_judgement(self, row: Row, language: str) -> list[str]:
        reason = self._find_reason(row["text"], language)
        return [row["judge"], row["verdict"], "" if reason else row["text"], reason, row["outcome"]]

    def _find_reason(self, text: str, language: str) -> str:
        """Return why a text is shown to nobody; equal texts, as choices mostly are, are read once."""
        key = (text, language)
        if key not in self.reasons:
            self.reasons[key] = find_reason_to_withhold(text, language, is_flagged_shown=False)
        self.withheld += bool(self.reasons[key])
        return self.reasons[key]

    def _keep(self, name: str, value: list[Any]) -> None:
        self.open[name] = value
        self.size += _measure(value)

    def close_block_if_full(self) -> None:
        """Close the block in hand once it holds enough."""
        if self.size >= _BLOCK:
            self.close_block()

    def close_block(self) -> None:
        """Pack the block in hand."""
        if self.open:
            plain = json.dumps(self.open, separators=(",", ":")).encode()
            self.blocks.append(base64.b64encode(gzip.compress(plain, 6, mtime=0)).decode())
        self.open, self.size = {}, 0

    def finish(self, models: list[str]) -> Pack:
        """Return what was gathered."""
        self.close_block()
        withheld = self.withheld + len(self.items_withheld)
        index = {
            "models": models,
            "dimensions": list(self.dimensions),
            "cells": [
                *([cell, told] for cell, told in CELLS.items()),
                [UNDETERMINED, UNDETERMINED],
            ],
            "items": self.shown,
            "rows": self.index,
        }
        return Pack(embed_json(index), tuple(self.blocks), len(self.index), withheld)


def embed_json(value: Any) -> str:
    """Return JSON that can stand in a script element: nothing in it can end the element."""
    plain = json.dumps(value, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _measure(value: Iterable[Any]) -> int:
    return sum(len(part) if isinstance(part, str) else _measure(part) for part in value)


def _key(row: Mapping[str, Any]) -> _Key:
    return row["run"], row["model"], row["item_id"], row["sample"]


def _find_item_reason(item: Item) -> str:
    return find_reason_to_withhold_item(
        {
            "question": item.question,
            "positive_option": item.positive_option,
            "negative_option": item.negative_option,
            "language": item.language,
        }
    )
