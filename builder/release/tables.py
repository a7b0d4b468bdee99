"""The Parquet files of a release: rows enter; one table for each config leaves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.bundle.engine.items import make_item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.prompts import render_form
from schemas.storage import Row
from schemas.taxonomy import Taxonomy

if TYPE_CHECKING:
    from datasets import Features

__all__ = ["CONFIGS", "make_config_columns", "make_features", "write_tables"]

_CHOICE_FORMS = {"mcq_order_1": Form.MC_ORDER_1, "mcq_order_2": Form.MC_ORDER_2}

CONFIGS = ("items", "open", *_CHOICE_FORMS)
"""The configs of the dataset; ``items`` is the full table, the others the three forms."""


_SHARED = ("item_id", "dimension", "kind", "question")


def make_config_columns(config: str, rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the columns of one config, each with a value for every row.

    The choice configs hold the options as A and B, the letter of the positive one in ``answer``, and
    the prompt as the evaluator puts it.
    """
    if config == "items":
        return {column: [row[column] for row in rows] for column in (rows[0] if rows else ())}
    columns = {column: [row[column] for row in rows] for column in _SHARED}
    if config in _CHOICE_FORMS:
        columns |= _make_choices(rows, _CHOICE_FORMS[config])
    return columns | {
        column: [row[column] for row in rows] for column in ("language", "content_hash")
    }


def _make_choices(rows: Sequence[Row], form: Form) -> dict[str, list[Any]]:
    items = [make_item(row) for row in rows]
    options = [item.order_options(form) for item in items]
    return {
        "option_a": [option_a for option_a, _ in options],
        "option_b": [option_b for _, option_b in options],
        "answer": [item.find_positive_letter(form) for item in items],
        "prompt": [render_form(form, item)[-1][1] for item in items],
    }


def make_features(columns: Sequence[str], taxonomy: Taxonomy) -> "Features":
    """Return the features of a config: ``dimension`` a class label, all other columns strings."""
    from datasets import ClassLabel, Features, Value

    def choose(column: str) -> Any:
        return ClassLabel(names=list(taxonomy.ids)) if column == "dimension" else Value("string")

    return Features({column: choose(column) for column in columns})


def write_tables(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy, *, split: str) -> None:
    """Write ``data/<config>/<split>-00000-of-00001.parquet`` for each config."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = {name: number for number, name in enumerate(taxonomy.ids)}
    for config in CONFIGS:
        columns = make_config_columns(config, rows)
        # The schema carries the features in its metadata, so that `datasets` knows the class labels.
        schema = make_features(list(columns), taxonomy).arrow_schema
        columns["dimension"] = [labels[name] for name in columns["dimension"]]
        path = folder / "data" / config / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns, schema=schema), path)
