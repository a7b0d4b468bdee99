"""Whether a public folder tells of what is held out: folder and held-out rows enter; nothing, or an error, leaves.

The rows of the two folders are parted by construction. This is the last look, at what people wrote (reasons
of withdrawals and waivers, limits, guidelines) and at whatever code might do wrong.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from schemas.errors import StageError
from schemas.storage import Row
from schemas.texts import canonical_json, normalise_for_comparison

__all__ = ["require_no_trace"]

_TEXTS = ("question", "positive_option", "negative_option")
_TABLES = (".parquet", ".py")
_SHORTEST = 20  # a shorter text may stand anywhere by chance


def require_no_trace(folder: Path, rows: Sequence[Row], ids: Collection[str]) -> None:
    """Raise `StageError` where a file of a public folder names a held-out item or its family, or holds a text of one.

    ``rows`` are held out now, ``ids`` ever were. The table itself is looked through for ids alone, as options
    of two items may be alike.
    """
    if not rows and not ids:
        return
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix not in _TABLES]
    named = {*ids, *(row["item_id"] for row in rows)}
    families = {row["family"] for row in rows}
    for path in paths:
        content = path.read_text(encoding="utf-8", errors="replace")
        is_table = path.name == "items.jsonl"
        found_here = _find(
            content, named if is_table else named | families, () if is_table else rows
        )
        for found in found_here:
            raise StageError(
                f"{path.name} of the public folder would tell of the held-out item {found}. Take that out of "
                "reasons, limits and guidelines (bench.toml, guidelines.md, --waive), then export again."
            )


def _find(content: str, ids: Collection[str], rows: Sequence[Row]) -> Iterator[str]:
    yield from (name for name in sorted(ids) if name in content and _stands_alone(name, content))
    flat = normalise_for_comparison(content)
    for row in rows:
        for column in _TEXTS:
            text = normalise_for_comparison(row[column])
            escaped = normalise_for_comparison(canonical_json(row[column])[1:-1])
            if len(text) >= _SHORTEST and (text in flat or escaped in flat):
                yield row["item_id"]


def _stands_alone(name: str, content: str) -> bool:
    """Tell whether a name stands in a text as it is, and not as the beginning or end of another."""
    return re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w/-]|\.\w)", content) is not None
