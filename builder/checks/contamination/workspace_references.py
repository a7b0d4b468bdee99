"""The references of a workspace: sources are added and dropped; items are compared with all of them."""

import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from builder.checks.contamination.compare import find_contacts, make_findings
from builder.checks.contamination.references import (
    fingerprint,
    parse_reference,
    read_reference,
)
from builder.workspace import Workspace
from schemas.errors import DataError, FineBenchError, UsageError
from schemas.storage import Row, read_json, write_text

__all__ = [
    "Comparison",
    "change_references",
    "compare_with_references",
    "find_reference_files",
    "list_references",
    "try_references",
]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Findings on items that stand elsewhere, and for each source what was read of it."""

    findings: list[Row]
    sources: list[dict[str, Any]]


def list_references(workspace: Workspace) -> list[str]:
    """Return the sources that the workspace's items are compared with, sorted.

    Raises `DataError` where the file that holds them was changed to something else.
    """
    path = workspace.references
    if not path.exists():
        return []
    sources = read_json(path).get("sources")
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise DataError(
            f"{path}: holds no list of sources. Remove it, and name each again with --against."
        )
    return sources


def find_reference_files(workspace: Workspace) -> tuple[Path, ...]:
    """Return the files that the sources in force are read from; one that is not there is left out.

    Datasets of the Hub have none: whether one moved on is asked when items are compared with it.
    Raises `DataError` as `list_references` does.
    """
    files = []
    for source in list_references(workspace):
        with suppress(UsageError):
            path = parse_reference(source, root=workspace.root).locate(workspace.root)
            files += [path] if path else []
    return tuple(files)


def change_references(
    workspace: Workspace, against: Sequence[str], forget: Sequence[str], *, here: Path
) -> None:
    """Add and drop sources; from then on every check compares with those that are left.

    Paths are taken relative to ``here`` where a file is there, else to the workspace, and kept relative
    to the workspace. Raises `UsageError`, `DataError` or `StorageError` for a source that cannot be
    read, and `UsageError` for one to forget that is not there; nothing is changed then.
    """
    with workspace.hold(workspace.references.name):
        known = list_references(workspace)
        added = [_place(source, workspace.root, here) for source in against]
        for source in added:
            # Its first passage is read: a column that is not there is told before the source is kept.
            reference = parse_reference(source, root=workspace.root)
            next(iter(read_reference(reference, root=workspace.root)), None)
        dropped = set()
        for written in forget:
            placed = _place(written, workspace.root, here)
            source = placed if placed in known else written
            dropped.add(source)
            if source not in known:
                listed = ", ".join(known) or "none"
                raise UsageError(
                    f"{written} is no reference of this workspace (there are: {listed})."
                )
        left = sorted({*known, *added} - dropped)
        _write_references(workspace, left)


@contextmanager
def try_references(
    workspace: Workspace, against: Sequence[str], forget: Sequence[str], *, here: Path
) -> Iterator[None]:
    """Change the references for a check, and take that back where the check cannot be made with them."""
    before = list_references(workspace)
    existed = workspace.references.exists()
    if against or forget:
        change_references(workspace, against, forget, here=here)
    try:
        yield
    except FineBenchError:
        if existed:
            _write_references(workspace, before)
        else:
            workspace.references.unlink(missing_ok=True)
        raise


def _write_references(workspace: Workspace, sources: Sequence[str]) -> None:
    text = json.dumps({"sources": sources}, ensure_ascii=False, indent=1) + "\n"
    if sources or workspace.references.exists():
        write_text(workspace.references, text)


def _place(source: str, root: Path, here: Path) -> str:
    """Return a source with its path relative to the workspace."""
    location, mark, columns = source.rpartition("#")
    for path, rest in ((source, ""), (location, mark + columns)):
        if path and not Path(path).is_absolute() and not path.startswith("hub:"):
            found = here / path
            if found.exists():
                return os.path.relpath(found.resolve(), root.resolve()) + rest
    return source


def compare_with_references(
    workspace: Workspace,
    items: Sequence[Row],
    on_passages: Callable[[str, int], None],
    families: Mapping[str, str] | None = None,
) -> Comparison:
    """Return what of ``items`` stands in the workspace's references, their ``families`` left out.

    Raises `UsageError`, `DataError` or `StorageError` where a source cannot be read: a check that left
    one out in silence would pass what it should have found.
    """
    checks = workspace.config.checks
    findings: list[Row] = []
    sources: list[dict[str, Any]] = []
    for source in list_references(workspace):
        with _offer_to_forget(source):
            reference = parse_reference(source, root=workspace.root)
            reading = read_reference(reference, root=workspace.root)
            contacts = find_contacts(
                items,
                reading,
                checks.near_duplicate_ratio,
                memory_mb=checks.memory_mb,
                families=families,
                on_passages=partial(on_passages, source),
            )
            read_from = fingerprint(reference, root=workspace.root)
        findings += make_findings(items, contacts, source)
        sources.append(
            {
                "source": source,
                "fingerprint": read_from,
                "passages": reading.passages,
                "skipped": reading.skipped,
                "altered": reading.altered,
                "first_skipped": [[n.place, n.reason] for n in reading.first_skipped],
                "first_altered": [[n.place, n.reason] for n in reading.first_altered],
                "items_found": len({contact.item for contact in contacts}),
            }
        )
    return Comparison(findings, sources)


@contextmanager
def _offer_to_forget(source: str) -> Iterator[None]:
    """Add to an error the way out for whoever did not name the source and cannot mend it."""
    try:
        yield
    except FineBenchError as error:
        told = f"{error} To check without it: finebench check --forget {shlex.quote(source)}"
        error.args = (told, *error.args[1:])
        raise
