"""What changed from one release to another: both enter, as they lie in their folders; their diff leaves.

Applied to the old rows the diff gives the new ones, exactly: what it does not name stayed as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from builder.release.reading import ReleaseData
from builder.release.versions.changes import (
    HASH,
    LETTER,
    PLACE,
    SHOWN,
    Anchor,
    Change,
    ItemEdit,
    ManifestChange,
    Retirement,
    Side,
    compare_fields,
    is_same,
)
from builder.release.versions.compared_figures import Figure, compare_figures
from builder.release.versions.manifest_diff import compare_manifests, list_mappings
from schemas.errors import DataError
from schemas.storage import Row, index_rows
from schemas.texts import canonical_rows, hash_text

__all__ = ["NO_REASON", "DimensionCount", "ReleaseDiff", "apply_diff", "compare_releases"]

NO_REASON = "no reason told"


@dataclass(frozen=True, slots=True)
class DimensionCount:
    """How many items of a dimension each release holds, and what became of them."""

    dimension: str
    old: int
    new: int
    added: int
    retired: int
    edited: int
    anchors: int

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return {
            "dimension": self.dimension,
            "old": self.old,
            "new": self.new,
            "added": self.added,
            "retired": self.retired,
            "edited": self.edited,
            "anchors": self.anchors,
        }


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """All that differs between two releases; items are sorted by id.

    ``returned`` are the added items that the old release named as retired. ``anchors`` are the items on
    which scores of both can be compared.
    """

    old: Side
    new: Side
    added: tuple[Row, ...]
    returned: tuple[str, ...]
    retired: tuple[Retirement, ...]
    edited: tuple[ItemEdit, ...]
    manifest: tuple[ManifestChange, ...]
    anchors: tuple[Anchor, ...]
    dimensions: tuple[DimensionCount, ...]
    figures: tuple[Figure, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs but what differs in every release."""
        return not (self.added or self.retired or self.edited or self.manifest)

    @property
    def reworded(self) -> tuple[ItemEdit, ...]:
        """The items of which a shown text changed."""
        return tuple(edit for edit in self.edited if edit.is_reworded)


def compare_releases(old: ReleaseData, new: ReleaseData) -> ReleaseDiff:
    """Return what changed from ``old`` to ``new``, one folder of each.

    A held-out split lies in a folder of its own, and is compared with that of the other release.
    """
    before, after = index_rows(old.rows), index_rows(new.rows)
    known = {str(row.get("item_id")) for row in list_mappings(old.manifest, "retired")}
    added = tuple(row for item_id, row in sorted(after.items()) if item_id not in before)
    gone = [row for item_id, row in sorted(before.items()) if item_id not in after]
    shared = [(before[item_id], after[item_id]) for item_id in sorted(before.keys() & after.keys())]
    edited = tuple(_compare_items(shared))
    anchors = tuple(_make_anchor(*pair) for pair in shared if _is_anchor(*pair))
    return ReleaseDiff(
        old=_describe(old),
        new=_describe(new),
        added=added,
        returned=tuple(row["item_id"] for row in added if row["item_id"] in known),
        retired=_list_retired(gone, new),
        edited=edited,
        manifest=compare_manifests(old.manifest, new.manifest),
        anchors=anchors,
        dimensions=_count_dimensions(old.rows, new.rows, edited, anchors),
        figures=compare_figures(old.manifest, new.manifest),
    )


def _describe(release: ReleaseData) -> Side:
    return Side(
        release.name,
        release.version,
        str(release.manifest.get("split", "test")),
        len(release.rows),
        _hash_rows(release.rows),
    )


def _hash_rows(rows: Iterable[Row]) -> str:
    return hash_text(canonical_rows(sorted(rows, key=lambda row: str(row["item_id"]))))


def _list_retired(gone: Iterable[Row], new: ReleaseData) -> tuple[Retirement, ...]:
    told = {str(row.get("item_id")): row for row in list_mappings(new.manifest, "retired")}
    retired = []
    for row in gone:
        found = told.get(row["item_id"], {})
        version = str(found.get("version") or new.version)
        retired.append(Retirement(row, version, str(found.get("reason") or NO_REASON)))
    return tuple(retired)


def _compare_items(shared: Iterable[tuple[Row, Row]]) -> Iterable[ItemEdit]:
    for before, after in shared:
        if fields := compare_fields(before, after):
            yield ItemEdit(after["item_id"], str(after["dimension"]), fields)


def _is_anchor(before: Row, after: Row) -> bool:
    same = (*SHOWN, *PLACE, HASH, "language")
    return all(is_same(before.get(column), after.get(column)) for column in same)


def _make_anchor(before: Row, after: Row) -> Anchor:
    is_same_letter = is_same(before.get(LETTER), after.get(LETTER))
    return Anchor(after["item_id"], str(after["dimension"]), is_same_letter)


def _count_dimensions(
    old: Sequence[Row], new: Sequence[Row], edited: Sequence[ItemEdit], anchors: Sequence[Anchor]
) -> tuple[DimensionCount, ...]:
    """Return the counts of every dimension; an edit counts where its item stands now."""
    before, after = ({row["item_id"]: str(row["dimension"]) for row in rows} for rows in (old, new))
    places = {
        "old": list(before.values()),
        "new": list(after.values()),
        "added": [dimension for item_id, dimension in after.items() if item_id not in before],
        "retired": [dimension for item_id, dimension in before.items() if item_id not in after],
        "edited": [edit.dimension for edit in edited],
        "anchors": [anchor.dimension for anchor in anchors],
    }
    names = sorted({*places["old"], *places["new"]})
    return tuple(
        DimensionCount(name, **{column: found.count(name) for column, found in places.items()})
        for name in names
    )


def apply_diff(old_rows: Sequence[Row], diff: ReleaseDiff) -> list[Row]:
    """Return the new release's rows, sorted by id.

    Raises `DataError` where ``old_rows`` are not those that the diff was made from.
    """
    if _hash_rows(old_rows) != diff.old.row_hash:
        raise DataError(f"these are not the rows of {diff.old.name} {diff.old.version}.")
    rows = {row["item_id"]: dict(row) for row in old_rows}
    for retirement in diff.retired:
        del rows[retirement.item_id]
    for edit in diff.edited:
        row = rows[edit.item_id]
        for field in edit.fields:
            if field.change is Change.REMOVED:
                del row[field.column]
            else:
                row[field.column] = field.new
    rows |= {row["item_id"]: dict(row) for row in diff.added}
    return [row for _, row in sorted(rows.items())]
