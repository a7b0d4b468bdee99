"""A diff as people read it, whatever it is printed on: diffs enter; sections of plain cells leave.

No section holds a text of an item. Texts, which may be harmful, are apart (`list_text_changes`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from builder.release.versions.changes import SHOWN, FieldChange, ManifestChange, Subject
from builder.release.versions.diffing import ReleaseDiff
from builder.release.versions.split_diff import SplitDiff
from builder.release.versions.word_diff import Fate, Piece
from schemas.storage import Row
from schemas.texts import shorten

__all__ = ["Section", "TextChange", "list_sections", "list_text_changes", "write_title"]

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a diff: its title, its heads, and rows of cells."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TextChange:
    """One shown text of an item: what became of the item, and the words that stayed, went and came."""

    item_id: str
    fate: str
    column: str
    pieces: tuple[Piece, ...]


def write_title(found: SplitDiff) -> str:
    """Return what is compared and how much changed, in one line."""
    old, new = found.public.old, found.public.new
    name = old.name if old.name == new.name else f"{old.name} and {new.name}"
    level, reasons = found.judge()
    told = f"{level.word}: {', '.join(reasons)}" if reasons else "no difference"
    return f"{name}, {old.version} to {new.version}: {told}"


def list_sections(found: SplitDiff) -> list[Section]:
    """Return the sections that have anything to tell."""
    diff = found.public
    sections = [
        Section("Items", _COUNTED, list(_list_counts(found))),
        Section("What changed", ("item", "dimension", "change", "told"), list(_list_items(diff))),
        Section("Beside the items", ("subject", "what", "old", "new"), list(_list_manifest(diff))),
        Section(
            "Agreement and option leak",
            ("figure", "measured", diff.old.version, diff.new.version),
            list(_list_figures(diff)),
        ),
    ]
    return [section for section in sections if section.rows]


_COUNTED = ("dimension", "old", "new", "difference", "added", "retired", "edited", "anchors")


def _list_counts(found: SplitDiff) -> Iterator[tuple[str, ...]]:
    """Yield the counts of each dimension, of all, and of the held-out split as a whole."""
    diff = found.public
    for d in diff.dimensions:
        counts = d.old, d.new, d.added, d.retired, d.edited, d.anchors
        yield (d.dimension, *_sign(*counts))
    for name, whole in (("all", diff), ("held out", found.held_out)):
        if whole:
            changed = len(whole.added), len(whole.retired), len(whole.edited), len(whole.anchors)
            yield (name, *_sign(whole.old.items, whole.new.items, *changed))


def _sign(old: int, new: int, *others: int) -> tuple[str, ...]:
    difference = f"{new - old:+}" if new != old else "0"
    return (str(old), str(new), difference, *map(str, others))


def _list_items(diff: ReleaseDiff) -> Iterator[tuple[str, ...]]:
    for retirement in diff.retired:
        told = f"{retirement.reason} (since {retirement.version})"
        yield retirement.item_id, str(retirement.row["dimension"]), "retired", told
    for row in diff.added:
        told = "was retired before" if row["item_id"] in diff.returned else ""
        yield row["item_id"], str(row["dimension"]), "added", told
    for edit in diff.edited:
        told = ", ".join(_tell_field(field) for field in edit.fields)
        change = "edited" if edit.is_reworded else "moved" if edit.is_moved else "changed"
        yield edit.item_id, edit.dimension, change, told


def _tell_field(field: FieldChange) -> str:
    """Return which column changed and, of a shown text, by how many words."""
    if field.column not in SHOWN:
        return field.column
    gone, new = field.size
    return f"{field.column} (-{gone} +{new} words)"


def _list_manifest(diff: ReleaseDiff) -> Iterator[tuple[str, ...]]:
    metadata = [c for c in diff.manifest if c.subject is Subject.METADATA]
    for change in diff.manifest:
        if change.subject is not Subject.METADATA:
            yield str(change.subject), change.path, *_tell_values(change)
    counts = Counter(change.path.partition(".")[0] for change in metadata)
    single = {change.path.partition(".")[0]: change for change in metadata}
    for name, count in counts.items():
        if count == 1:
            yield str(Subject.METADATA), single[name].path, *_tell_values(single[name])
        else:
            yield str(Subject.METADATA), name, f"{count} values differ", ""


def _tell_values(change: ManifestChange) -> tuple[str, str]:
    return _shorten(change.old), _shorten(change.new)


def _shorten(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{len(value)} values"
    return "-" if value is None else shorten(value, _LONGEST)


def _list_figures(diff: ReleaseDiff) -> Iterator[tuple[str, ...]]:
    for figure in diff.figures:
        told = [side.describe() if side else "-" for side in (figure.old, figure.new)]
        yield figure.subject, figure.name, *told


def list_text_changes(diff: ReleaseDiff) -> list[TextChange]:
    """Return the shown texts that went, came or changed, word by word, in the order of the sections."""
    changes: list[TextChange] = []
    for retirement in diff.retired:
        changes += _list_whole(retirement.row, "retired", Fate.GONE)
    for row in diff.added:
        changes += _list_whole(row, "added", Fate.NEW)
    for edit in diff.edited:
        changes += [TextChange(edit.item_id, "edited", f.column, f.pieces) for f in edit.texts]
    return changes


def _list_whole(row: Row, fate: str, of_words: Fate) -> list[TextChange]:
    return [
        TextChange(row["item_id"], fate, column, (Piece(of_words, str(row[column])),))
        for column in SHOWN
    ]
