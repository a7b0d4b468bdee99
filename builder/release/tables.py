"""The Parquet files of a release: rows enter; one table for each config, split ``test``, leaves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.bundle.engine.items import make_item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.prompts import render_form
from schemas.storage import Row
from schemas.taxonomy import Taxonomy

if TYPE_CHECKING:
    from datasets import Features

__all__ = ["CONFIGS", "make_config_rows", "write_tables"]

_CHOICE_FORMS = {"mcq_order_1": Form.MC_ORDER_1, "mcq_order_2": Form.MC_ORDER_2}

CONFIGS = ("items", "open", *_CHOICE_FORMS)
"""The configs of the dataset; ``items`` is the full table, the others the three forms."""


def make_config_rows(config: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of one config.

    The choice configs hold the options as A and B, the letter of the positive one in ``answer``, and
    the prompt as the evaluator puts it.
    """
    if config == "items":
        return [dict(row) for row in rows]
    shared = ("item_id", "dimension", "kind", "question")
    made = []
    for row in rows:
        base = {column: row[column] for column in shared}
        if config in _CHOICE_FORMS:
            item, form = make_item(row), _CHOICE_FORMS[config]
            option_a, option_b = item.order_options(form)
            base |= {
                "option_a": option_a,
                "option_b": option_b,
                "answer": item.find_positive_letter(form),
                "prompt": render_form(form, item)[-1][1],
            }
        made.append(base | {"language": row["language"], "content_hash": row["content_hash"]})
    return made


def make_features(columns: Sequence[str], taxonomy: Taxonomy) -> "Features":
    """Return the features of a config: ``dimension`` a class label, all other columns strings."""
    from datasets import ClassLabel, Features, Value

    def choose(column: str) -> Any:
        return ClassLabel(names=list(taxonomy.ids)) if column == "dimension" else Value("string")

    return Features({column: choose(column) for column in columns})


def write_tables(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> None:
    """Write ``data/<config>/test-00000-of-00001.parquet`` for each config."""
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    for config in CONFIGS:
        config_rows = make_config_rows(config, rows)
        features = make_features(list(config_rows[0]), taxonomy)
        path = folder / "data" / config / "test-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        columns: Mapping[str, list[Any]] = {
            name: [row[name] for row in config_rows] for name in features
        }
        Dataset.from_dict(dict(columns), features=features).to_parquet(path)
