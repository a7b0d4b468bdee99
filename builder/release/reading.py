"""Reading a release: its folder enters; its manifest and rows leave, as they stand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.workspace import read_table
from schemas.errors import StorageError, UsageError
from schemas.storage import Row, read_json
from schemas.tables import TableName

__all__ = ["ITEMS", "MANIFEST", "ReleaseData", "read_release"]

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


def read_release(path: Path) -> ReleaseData:
    """Return the release in a folder, unverified (`builder.release.verifying`).

    Raises `UsageError` where the folder is no release, and `DataError` where its table is damaged.
    """
    if not (path / MANIFEST).is_file() or not (path / ITEMS).is_file():
        raise UsageError(f"{path} is no release: it has no {MANIFEST} or no {ITEMS}.")
    manifest = read_json(path / MANIFEST)
    for name in ("name", "version"):
        if not isinstance(manifest.get(name), str):
            raise StorageError(f"{path / MANIFEST} tells no {name}. Get the release anew.")
    return ReleaseData(path, manifest, read_table(path / ITEMS, TableName.RELEASE))
