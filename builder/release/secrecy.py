"""Whether a public folder tells of what is held out: folder and held-out rows enter; nothing, or an error, leaves.

The rows of the two folders are parted by construction. This is the last look, at what people wrote (reasons
of withdrawals and waivers, limits, guidelines) and at whatever code might do wrong.
"""

import re
from collections.abc import Collection, Sequence
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
    texts = _list_texts(rows)
    for path in paths:
        content = path.read_text(encoding="utf-8", errors="replace")
        is_table = path.name == "items.jsonl"
        found = _find_name(content, named if is_table else named | families)
        found = found or ("" if is_table else _find_text(content, texts))
        if found:
            raise StageError(
                f"{path.name} of the public folder would tell of the held-out item {found}. Take that out of "
                "reasons, limits and guidelines (bench.toml, guidelines.md, --waive), then export again."
            )


def _list_texts(rows: Sequence[Row]) -> list[tuple[str, tuple[str, str]]]:
    """Return each text with its item's id: as it is compared, plain and as it stands in JSON."""
    texts = []
    for row in rows:
        for column in _TEXTS:
            plain = normalise_for_comparison(row[column])
            if len(plain) >= _SHORTEST:
                escaped = normalise_for_comparison(canonical_json(row[column])[1:-1])
                texts.append((row["item_id"], (plain, escaped)))
    return texts


def _find_name(content: str, names: Collection[str]) -> str:
    """Return the first of ``names`` that stands in a text; an empty text where none does."""
    found = (name for name in sorted(names) if name in content and _stands_alone(name, content))
    return next(found, "")


def _find_text(content: str, texts: Sequence[tuple[str, tuple[str, str]]]) -> str:
    """Return the id of the first item of which a text stands in the content; an empty text where none does."""
    flat = normalise_for_comparison(content)
    return next((item_id for item_id, forms in texts if any(form in flat for form in forms)), "")


def _stands_alone(name: str, content: str) -> bool:
    """Tell whether a name stands in a text as it is, and not as the beginning or end of another."""
    return re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w/-]|\.\w)", content) is not None
