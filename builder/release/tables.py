"""The Parquet files of a release: rows enter; one table for each config leaves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from builder.bundle.engine.items import Item, make_item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.prompts import render_form
from schemas.storage import Row

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features

__all__ = [
    "CONFIGS",
    "TableWriter",
    "list_columns",
    "make_choice_columns",
    "make_columns",
    "make_features",
    "name_table",
]

_CHOICE_FORMS = {"mcq_order_1": Form.MC_ORDER_1, "mcq_order_2": Form.MC_ORDER_2}

CONFIGS = ("items", "open", *_CHOICE_FORMS)
"""The configs of the dataset; ``items`` is the full table, the others the three forms."""


_ROWS_CONVERTED = 1_000
"""So few that what was made of a row is still in the processor's cache when it is needed again."""

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


def make_choice_columns(config: str, items: Sequence[Item]) -> dict[str, list[str]]:
    """Return the columns that a config has beside those of the full table: none where it is no choice form.

    They are the options as A and B, the letter of the positive one in ``answer``, and the prompt as the
    evaluator puts it. ``items`` are the rows as the evaluator reads them (`make_item`).
    """
    if config not in _CHOICE_FORMS:
        return {}
    form = _CHOICE_FORMS[config]
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
        self._full = self._writers["items"].schema

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows to the table of each config, as one row group."""
        import pyarrow as pa

        made = [
            self._convert(rows[start : start + _ROWS_CONVERTED])
            for start in range(0, len(rows), _ROWS_CONVERTED)
        ]
        for config, writer in self._writers.items():
            writer.write_table(pa.concat_tables(tables[config] for tables in made))

    def _convert(self, rows: Sequence[Row]) -> dict[str, "pa.Table"]:
        import pyarrow as pa

        columns = make_columns(rows) | {
            "dimension": [self._labels[row["dimension"]] for row in rows]
        }
        items = [make_item(row) for row in rows]
        # Most columns stand in several tables, and are converted once.
        shared = {field.name: pa.array(columns[field.name], field.type) for field in self._full}
        tables = {}
        for config, writer in self._writers.items():
            own = make_choice_columns(config, items)
            arrays = [
                pa.array(own[name], pa.string()) if name in own else shared[name]
                for name in writer.schema.names
            ]
            tables[config] = pa.Table.from_arrays(arrays, schema=writer.schema)
        return tables
