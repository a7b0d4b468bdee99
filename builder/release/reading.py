"""Reading a release: its folder enters; its manifest and rows leave, as they stand."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.workspace import is_version, read_table
from schemas.errors import DataError, StorageError, UsageError
from schemas.storage import Row, hash_file, read_json
from schemas.tables import TableName

__all__ = ["ITEMS", "MANIFEST", "ReleaseData", "find_main_language", "make_tag", "read_release"]

MANIFEST = "manifest.json"
"""The file that names every other one of a release, with its hash."""

ITEMS = "evaluator/items.jsonl"
"""The full table of a release, as the evaluator reads it."""


@dataclass(frozen=True, slots=True)
class ReleaseData:
    """A release as it lies in a folder: its manifest, and its rows sorted by id."""

    path: Path
    manifest: dict[str, Any]
    rows: list[Row]

    @property
    def name(self) -> str:
        """The benchmark's name."""
        return str(self.manifest.get("name", ""))

    @property
    def version(self) -> str:
        """The version, three numbers."""
        return str(self.manifest.get("version", ""))

    @property
    def split(self) -> str:
        """The name of the one split of every config."""
        return str(self.manifest.get("split", "test"))

    @property
    def language(self) -> str:
        """The language of most items."""
        return find_main_language(Counter(row["language"] for row in self.rows))


def find_main_language(counts: Mapping[str, int]) -> str:
    """Return the most frequent language, the first by name of those that are as frequent."""
    return min(counts, key=lambda language: (-counts[language], language))


def read_release(path: Path) -> ReleaseData:
    """Return the release in a folder; all but its table is unverified (`builder.release.verifying`).

    Raises `UsageError` where the folder is no release, and `DataError` where its table was changed.
    """
    if not (path / MANIFEST).is_file() or not (path / ITEMS).is_file():
        raise UsageError(f"{path} is no release: it has no {MANIFEST} or no {ITEMS}.")
    manifest = read_json(path / MANIFEST)
    for name in ("name", "version"):
        if not isinstance(manifest.get(name), str):
            raise StorageError(f"{path / MANIFEST} tells no {name}. Get the release anew.")
    if not is_version(manifest["version"]):
        raise StorageError(f"{path / MANIFEST} tells no version. Get the release anew.")
    if manifest.get("row_hash") != hash_file(path / ITEMS):
        raise DataError(f"{path / ITEMS} was changed after its release. Get the release anew.")
    return ReleaseData(path, manifest, read_table(path / ITEMS, TableName.RELEASE))


def make_tag(version: str) -> str:
    """Return the tag under which a release stands on the Hub."""
    return f"v{version}"
