"""The Parquet files of a release: rows enter; one table for each config leaves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from builder.bundle.engine.items import Item, make_item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.prompts import render_form
from schemas.storage import Row

if TYPE_CHECKING:
    from datasets import Features

__all__ = [
    "CONFIGS",
    "TableWriter",
    "list_columns",
    "make_columns",
    "make_config_columns",
    "make_features",
    "name_table",
]

_CHOICE_FORMS = {"mcq_order_1": Form.MC_ORDER_1, "mcq_order_2": Form.MC_ORDER_2}

CONFIGS = ("items", "open", *_CHOICE_FORMS)
"""The configs of the dataset; ``items`` is the full table, the others the three forms."""


_FIRST = ("item_id", "dimension", "kind", "question")
_CHOICE = ("option_a", "option_b", "answer", "prompt")
_LAST = ("language", "content_hash")


def name_table(config: str, split: str) -> str:
    """Return where the table of a config lies in a release."""
    return f"data/{config}/{split}-00000-of-00001.parquet"


def list_columns(config: str, columns: Sequence[str]) -> list[str]:
    """Return the columns of a config; ``columns`` are those of the full table."""
    if config == "items":
        return list(columns)
    return [*_FIRST, *(_CHOICE if config in _CHOICE_FORMS else ()), *_LAST]


def make_columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the columns of the full table, each with a value for every one of ``rows``, one at least."""
    return {column: [row[column] for row in rows] for column in rows[0]}


def make_config_columns(
    config: str, full: Mapping[str, list[Any]], items: Sequence[Item]
) -> dict[str, list[Any]]:
    """Return the columns of one config from those of the ``full`` table (`make_columns`).

    ``items`` are its rows as the evaluator reads them (`make_item`).

    The choice configs hold the options as A and B, the letter of the positive one in ``answer``, and
    the prompt as the evaluator puts it.
    """
    made = _make_choices(items, _CHOICE_FORMS[config]) if config in _CHOICE_FORMS else {}
    return {
        column: made[column] if column in made else full[column]
        for column in list_columns(config, list(full))
    }


def _make_choices(items: Sequence[Item], form: Form) -> dict[str, list[Any]]:
    options = [item.order_options(form) for item in items]
    return {
        "option_a": [option_a for option_a, _ in options],
        "option_b": [option_b for _, option_b in options],
        "answer": [item.find_positive_letter(form) for item in items],
        "prompt": [render_form(form, item)[-1][1] for item in items],
    }


def make_features(columns: Sequence[str], dimensions: Sequence[str]) -> "Features":
    """Return the features of a config: ``dimension`` a label of ``dimensions``, all else strings."""
    from datasets import ClassLabel, Features, Value

    def choose(column: str) -> Any:
        return ClassLabel(names=list(dimensions)) if column == "dimension" else Value("string")

    return Features({column: choose(column) for column in columns})


class TableWriter:
    """Writes the table of each config (`name_table`), some rows at a time.

    No more than the rows given at once are held as tables. Used in a ``with`` statement.
    """

    def __init__(
        self, folder: Path, columns: Sequence[str], dimensions: Sequence[str], split: str
    ) -> None:
        import pyarrow.parquet as pq

        self._labels = {name: number for number, name in enumerate(dimensions)}
        self._writers = {}
        for config in CONFIGS:
            # The schema carries the features in its metadata, so that `datasets` knows the labels.
            features = make_features(list_columns(config, columns), dimensions)
            path = folder / name_table(config, split)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[config] = pq.ParquetWriter(path, features.arrow_schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows to the table of each config, as one row group."""
        import pyarrow as pa

        full, items = make_columns(rows), [make_item(row) for row in rows]
        labels = [self._labels[name] for name in full["dimension"]]
        for config, writer in self._writers.items():
            columns = make_config_columns(config, full, items) | {"dimension": labels}
            writer.write_table(pa.table(columns, schema=writer.schema))
