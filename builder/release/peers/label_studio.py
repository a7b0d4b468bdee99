"""Label Studio: released items enter; tasks for reviewing them once more leave, with no role in any.

Tasks are those of a review round: which option is A is tossed by hash, and neither the item's id nor
anything that was said of it is in a task. The key, by which answers are read, goes into a file of its own.
"""

import json
from collections.abc import Sequence
from typing import Any

from annotations.label_config import load_label_config
from annotations.label_studio.ledger import make_data
from annotations.routing import is_positive_shown_first
from annotations.tasks import ReviewTask, make_task
from schemas.errors import UsageError
from schemas.labels import ShownOrder
from schemas.storage import Row
from schemas.taxonomy import Taxonomy
from schemas.texts import canonical_rows

__all__ = ["make_label_studio_files"]

_NO_ROUND = 0


def make_label_studio_files(
    rows: Sequence[Row], taxonomy: Taxonomy, *, version: str, seed: int
) -> dict[str, str]:
    """Return the files of a release for Label Studio: name of the file to its text.

    ``tasks.json`` is imported into a project whose labelling interface is ``label_config.xml``;
    ``key.private.jsonl`` says of each task which item it is and which option was shown as A, and is for
    nobody who answers. Raises `UsageError` where a dimension is no longer described.
    """
    gone = sorted({row["dimension"] for row in rows} - set(taxonomy.ids))
    if gone:
        raise UsageError(
            f"release {version} has items of {', '.join(gone)}, which dimensions.toml no longer describes: "
            "reviewers need the definition. Describe it there again."
        )
    keyed = sorted(
        (_make_keyed_task(row, taxonomy, version, seed) for row in rows),
        key=lambda pair: pair[0].task_id,  # hashes: an order that says nothing
    )
    tasks: list[dict[str, Any]] = [{"data": make_data(task)} for task, _ in keyed]
    return {
        "tasks.json": json.dumps(tasks, ensure_ascii=False, indent=1) + "\n",
        "label_config.xml": load_label_config(),
        "key.private.jsonl": canonical_rows(key for _, key in keyed),
    }


def _make_keyed_task(
    row: Row, taxonomy: Taxonomy, version: str, seed: int
) -> tuple[ReviewTask, Row]:
    reviewer = f"release-{version}"
    is_first = is_positive_shown_first(row["item_id"], reviewer, seed)
    order = ShownOrder.POSITIVE_FIRST if is_first else ShownOrder.NEGATIVE_FIRST
    task = make_task(
        row,
        taxonomy[row["dimension"]],
        reviewer=reviewer,
        round_number=_NO_ROUND,
        shown_order=order,
    )
    return task, {
        "ext_id": task.task_id,
        "item_id": row["item_id"],
        "content_hash": row["content_hash"],
        "shown_order": str(order),
    }
