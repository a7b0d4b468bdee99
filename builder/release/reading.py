"""A release that stands: its folder enters; its manifest and its rows leave, unchanged since it was made."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.workspace import read_table
from schemas.errors import DataError, UsageError
from schemas.storage import Row, hash_file, read_json
from schemas.tables import TableName

__all__ = ["SPLIT", "ReleasedItems", "read_release"]

SPLIT = "test"
"""The one split of every config of a release."""


@dataclass(frozen=True, slots=True)
class ReleasedItems:
    """A release as read: its folder, its manifest, its rows as in the table of releases."""

    path: Path
    manifest: Mapping[str, Any]
    rows: list[Row]

    @property
    def name(self) -> str:
        """The benchmark's name."""
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        """The release's version."""
        return str(self.manifest["version"])

    @property
    def language(self) -> str:
        """The language of most items, the first by name of those that are as frequent."""
        counts: Counter[str] = Counter(row["language"] for row in self.rows)
        return min(counts, key=lambda language: (-counts[language], language))


def read_release(path: Path) -> ReleasedItems:
    """Return the release in a folder.

    Raises `UsageError` for a folder that is none, `DataError` where its items were changed.
    """
    items = path / "evaluator" / "items.jsonl"
    if not items.is_file():
        raise UsageError(
            f"{path} is not a release: it has no evaluator/items.jsonl. Write one with `finebench export`."
        )
    manifest = read_json(path / "manifest.json")
    if manifest.get("row_hash") != hash_file(items):
        raise DataError(f"{items} was changed after its release. Get the release anew.")
    return ReleasedItems(path, manifest, read_table(items, TableName.RELEASE))
