"""The changelog of a release: what the earlier one said, a diff and a manifest enter; Markdown leaves.

It is public and lies beside the items: it names ids, columns and reasons, and no text of an item.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from builder.release.versions.changes import ItemEdit, ManifestChange, Subject
from builder.release.versions.diffing import ReleaseDiff
from builder.release.versions.manifest_diff import list_mappings
from builder.release.versions.semver import judge_level
from builder.release.versions.version_gate import find_version_gate

__all__ = ["CHANGELOG", "write_changelog"]

CHANGELOG = "CHANGELOG.md"

_HEAD = "# Changelog\n"


def write_changelog(earlier: str, diff: ReleaseDiff | None, manifest: Mapping[str, Any]) -> str:
    """Return the changelog with the release of ``manifest`` on top, and ``earlier`` below as it was.

    ``diff`` is None for a first release.
    """
    lines = _tell_first(manifest) if diff is None else _tell_changes(diff, manifest)
    head = f"{_HEAD}\n## {manifest['version']}, {manifest['date']}\n\n"
    rest = earlier.removeprefix(_HEAD)
    return head + "".join(f"{line}\n" for line in lines) + rest


def _tell_first(manifest: Mapping[str, Any]) -> list[str]:
    dimensions = [d for d in list_mappings(manifest, "dimensions") if d.get("items")]
    items, count = manifest["items"], len(dimensions)
    return [
        f"First release, {items} item{'s' * (items != 1)} in {count} dimension{'s' * (count != 1)}."
    ]


def _tell_changes(diff: ReleaseDiff, manifest: Mapping[str, Any]) -> list[str]:
    old, new = diff.old, diff.new
    counts = (
        f"{len(diff.added)} added, {len(diff.retired)} retired, {len(diff.reworded)} edited; "
        f"{len(diff.anchors)} shared unchanged"
    )
    lines = [f"{_tell_level(diff, manifest)}.", ""]
    lines.append(f"- {new.items} items, {old.items} in {old.version}: {counts}")
    lines += _tell_dimensions(diff)
    lines += _tell_added(diff)
    lines += [f"- retired {r.item_id}: {_flatten(r.reason)}" for r in diff.retired]
    lines += _tell_edits(diff.edited)
    return lines + _tell_manifest(diff.manifest)


def _tell_level(diff: ReleaseDiff, manifest: Mapping[str, Any]) -> str:
    """Return level and reasons as the gate found them over both splits, or else those of the diff."""
    gate = find_version_gate(manifest)
    if gate is None:
        level, reasons = judge_level(diff)
        told = f"{level.word}: {', '.join(reasons) or 'nothing changed'}"
    else:
        told = str(gate.get("value", ""))
    if manifest.get("split", "test") != "test":
        return _flatten(f"The release as a whole, both splits: {told}")
    return _flatten(told[:1].upper() + told[1:])


def _tell_dimensions(diff: ReleaseDiff) -> list[str]:
    return [
        f"- {count.dimension}: {count.old} to {count.new} items"
        for count in diff.dimensions
        if count.old != count.new
    ]


def _tell_added(diff: ReleaseDiff) -> list[str]:
    new = [row["item_id"] for row in diff.added if row["item_id"] not in diff.returned]
    lines = [f"- added {', '.join(new)}"] if new else []
    if diff.returned:
        lines.append(f"- back after they were retired: {', '.join(diff.returned)}")
    return lines


def _tell_edits(edits: Iterable[ItemEdit]) -> list[str]:
    """Return a line for each item whose texts or place changed, and one for each other set of columns."""
    lines = []
    others: dict[str, list[str]] = {}
    for edit in edits:
        columns = ", ".join(edit.columns)
        if edit.is_reworded or edit.is_moved:
            lines.append(f"- edited {edit.item_id}: {columns}")
        else:
            others.setdefault(columns, []).append(edit.item_id)
    return lines + [
        f"- changed {columns} of {', '.join(ids)}" for columns, ids in sorted(others.items())
    ]


def _tell_manifest(changes: Iterable[ManifestChange]) -> list[str]:
    """Return a line for each subject; what was counted or measured anew follows from the items."""
    paths: dict[Subject, list[str]] = {}
    for change in changes:
        told = _tell_path(change)
        if told not in _MEASURED and told not in paths.setdefault(change.subject, []):
            paths[change.subject].append(told)
    return [f"- {subject}: {_flatten(', '.join(told))}" for subject, told in paths.items() if told]


_MEASURED = frozenset({"checks", "funnel", "review", "stages"})


def _tell_path(change: ManifestChange) -> str:
    if change.subject is Subject.METADATA:
        return change.path.partition(".")[0]
    if change.subject is Subject.HELD_OUT:
        return f"{change.new} items in the other split, {change.old} before"
    return f"{change.path} {change.change}" if change.subject is Subject.DIMENSION else change.path


def _flatten(text: str) -> str:
    """Return a text as one line."""
    return " ".join(text.split())
