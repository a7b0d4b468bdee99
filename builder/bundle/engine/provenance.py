"""What a score names beside its figures: items and records enter; versions of data, evaluator and judge leave."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EngineError
from .kinship import Relative
from .version import EVALUATOR_VERSION

__all__ = [
    "UNKNOWN",
    "Versions",
    "find_mapping",
    "list_judges",
    "list_writers",
    "read_manifest",
    "read_versions",
]

UNKNOWN = "not told"

_PUBLIC = "test"
_REMOTE = ("http://", "https://")
_SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Versions:
    """Which data were scored, with which evaluator, and whose word on the open replies counted.

    ``data`` is the benchmark's name and ``release`` its version, both empty where no release is known;
    ``row_hash`` is that of the items as they were read; ``is_unchanged`` is False where the release has
    others. ``scoring_hash`` is that of the evaluator's code that shapes scores, where it is known.
    """

    data: str
    release: str
    split: str
    row_hash: str
    evaluator: str
    judges: tuple[str, ...]
    scoring_hash: str = ""
    is_unchanged: bool = True

    def describe(self) -> str:
        """Return all of it in one line."""
        name = f"{self.data} {self.release}".strip() or "of no known release"
        split = "" if self.split == _PUBLIC else f" {self.split}"
        row_hash = f"row hash {self.row_hash[:_SHOWN_DIGITS]}" if self.row_hash else ""
        changed = "" if self.is_unchanged else "CHANGED since the release"
        told = ", ".join(part for part in (row_hash, changed) if part)
        judges = ", ".join(self.judges) or UNKNOWN
        line = f"data {name}{split} ({told or UNKNOWN}), evaluator {self.evaluator}, judge {judges}"
        return "".join(character if character.isprintable() else " " for character in line)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON values."""
        return {
            "data": self.data,
            "release": self.release,
            "split": self.split,
            "row_hash": self.row_hash,
            "is_unchanged": self.is_unchanged,
            "evaluator": self.evaluator,
            "scoring_hash": self.scoring_hash,
            "judges": list(self.judges),
        }


def list_judges(judgements: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the judges of records, sorted."""
    return tuple(
        sorted({str(row.get("judge", UNKNOWN)).removeprefix("judge:") for row in judgements})
    )


def find_mapping(values: object, *names: str) -> dict[str, Any]:
    """Return what stands under names within names; nothing where it is no mapping, or not there."""
    for name in names:
        values = values.get(name) if isinstance(values, Mapping) else None
    return dict(values) if isinstance(values, Mapping) else {}


def list_writers(manifest: Mapping[str, Any]) -> list[Relative]:
    """Return the models that wrote a release's texts, as its manifest names them; simulators are none."""
    return [
        Relative(role.replace("_", " "), str(about.get("model", "")), str(about.get("family", "")))
        for role, about in sorted(find_mapping(manifest, "models").items())
        if role.endswith("_writer")
        and isinstance(about, dict)
        and str(about.get("base_url", "")).startswith(_REMOTE)
    ]


def read_versions(items: Path, judges: Iterable[str]) -> Versions:
    """Return what scores of an ``items.jsonl`` name; its release is known where its manifest lies beside.

    Raises `EngineError` where the items cannot be read.
    """
    try:
        row_hash = hashlib.sha256(items.read_bytes()).hexdigest()
    except OSError as error:
        raise EngineError(f"{items}: cannot be read ({error}).") from error
    manifest = read_manifest(items)
    evaluator = find_mapping(manifest, "evaluator")
    return Versions(
        data=str(manifest.get("name", "")),
        release=str(manifest.get("version", "")),
        split=str(manifest.get("split", _PUBLIC)),
        row_hash=row_hash,
        evaluator=EVALUATOR_VERSION,
        judges=tuple(judges),
        scoring_hash=str(evaluator.get("scoring_hash", "")),
        is_unchanged=manifest.get("row_hash", row_hash) == row_hash,
    )


def read_manifest(items: Path) -> dict[str, Any]:
    """Return the manifest of the release that an ``items.jsonl`` is of.

    It is empty where there is none beside, or something else of that name.
    """
    path = items.resolve().parent.parent / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    names = ("name", "version", "row_hash")
    is_ours = isinstance(manifest, dict) and all(isinstance(manifest.get(n), str) for n in names)
    return manifest if is_ours else {}
