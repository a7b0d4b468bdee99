"""What a release takes over from those before it: letters, splits, retired items.

An id follows from the first texts of its item and stays with it for life, through edits; that of a retired
item is kept with the reason, so that no other item ever has it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from builder.release.manifest_shape import find_misshapen, hash_facts
from builder.release.reading import ReleaseData, read_release
from builder.workspace import (
    HELD_OUT_SUFFIX,
    Stage,
    Workspace,
    is_version,
    parse_version,
    read_table,
)
from schemas.errors import DataError, StageError, UsageError
from schemas.storage import Row, read_bytes
from schemas.tables import TableName

__all__ = ["Lineage", "Seen", "list_retired", "name_release", "read_lineage"]


_DECISION = ("decision", "decision_method", "decided_by")


def name_release(release: ReleaseData) -> str:
    """Return how a release is named where it decided something: its name and version."""
    return f"{release.name} {release.version}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The ids and families of items that stood in releases."""

    ids: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()

    @classmethod
    def of(cls, parts: Iterable[ReleaseData]) -> Self:
        """Return the items of releases, or of their held-out parts."""
        rows = [row for part in parts for row in part.rows]
        ids = frozenset(row["item_id"] for row in rows)
        return cls(ids, frozenset(row["family"] for row in rows))


@dataclass(frozen=True)
class Lineage:
    """The latest release before a version, its held-out part, and what was ever retired.

    ``shown`` and ``hidden`` are the public and the held-out items of all releases, ``names`` how these are
    named where they decided something.
    """

    latest: ReleaseData | None = None
    held_out: ReleaseData | None = None
    shown: Seen = field(default_factory=Seen)
    hidden: Seen = field(default_factory=Seen)
    retired: tuple[Row, ...] = field(default=())
    names: frozenset[str] = frozenset()

    @property
    def rows(self) -> list[Row]:
        """The rows of the latest release, held-out ones included."""
        return [row for part in (self.latest, self.held_out) if part for row in part.rows]

    @property
    def letters(self) -> dict[str, str]:
        """The letter of the positive option in the first order, by item id."""
        return {row["item_id"]: row["order_1_positive"] for row in self.rows}

    def take_decision(self, row: Row) -> Row:
        """Return a row with the decision of the release that it was taken up from, where it was.

        A workspace that was started from a release (`builder.release.restart`) knows what was decided there
        as a ruling in that release's name; how and by whom it was decided stands in the release.
        """
        if row["decided_by"] not in self.names:
            return row
        before = self._decided.get((row["item_id"], row["content_hash"]))
        return row | {column: before[column] for column in _DECISION} if before else row

    def holds_unchanged(self, rows: Iterable[Row]) -> bool:
        """Whether every row stands in the latest release with the same texts."""
        return all((row["item_id"], row["content_hash"]) in self._decided for row in rows)

    @cached_property
    def _decided(self) -> dict[tuple[str, str], Row]:
        return {(row["item_id"], row["content_hash"]): row for row in self.rows}


def read_lineage(workspace: Workspace, version: str) -> Lineage:
    """Return what release ``version`` follows: the releases with smaller numbers.

    What was shown and what was held out is known of all releases, whatever their numbers. Raises
    `UsageError` where a new version would go before the newest, and `StageError` where a held-out folder
    is not where it was: its items could become public then.
    """
    releases = [_read_sound(path) for path in workspace.list_releases()]
    _require_order(releases, version)
    # Whatever lies there is secret, also where its public folder was moved, or was never put in place.
    hidden = {path: _read_sound(path) for path in workspace.list_held_out()}
    for release in releases:
        _require_held_out(workspace, release, hidden)
    before = [r for r in releases if parse_version(r.version) < parse_version(version)]
    latest = before[-1] if before else None
    beside = [p for p in hidden.values() if latest and p.version == latest.version]
    return Lineage(
        latest,
        beside[0] if beside else None,
        Seen.of(releases),
        Seen.of(hidden.values()),
        tuple(
            row
            for part in ((latest, *beside) if latest else ())
            for row in part.manifest.get("retired", ())
        ),
        frozenset(map(name_release, releases)),
    )


def _read_sound(path: Path) -> ReleaseData:
    """Return a release to build on; raise `DataError` where its manifest is not what an export writes."""
    release = read_release(path)
    manifest = release.manifest
    # The first format had no word of a sibling: a manifest that has one, and no format, was edited.
    is_old = "format" not in manifest and "sibling" not in manifest
    misshapen = [] if is_old else _find_edits(path, manifest)
    named = path.name.removesuffix(HELD_OUT_SUFFIX)
    if misshapen or (is_version(named) and release.version != named):
        place, rule = misshapen[0] if misshapen else ("version", f"is {release.version}")
        raise DataError(
            f"{path} was changed after its release ({place} {rule}). Get it anew: the next version follows it."
        )
    return release


def _find_edits(path: Path, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what shows that somebody wrote into a manifest: its shape, or the card that names its hash."""
    if misshapen := find_misshapen(manifest):
        return misshapen
    card = read_bytes(path / "README.md").decode("utf-8", "replace")
    return [] if hash_facts(manifest) in card else [("manifest.json", "is not the card's")]


def _require_order(releases: Sequence[ReleaseData], version: str) -> None:
    known = {release.version for release in releases}
    if not releases or version in known:
        return
    newest = releases[-1].version
    if parse_version(version) < parse_version(newest):
        raise UsageError(
            f"{version} would go before {newest}, which is released already. Choose a greater number: "
            "`finebench export` proposes one."
        )


def _require_held_out(
    workspace: Workspace, release: ReleaseData, hidden: Mapping[Path, ReleaseData]
) -> None:
    """Raise `StageError` where the held-out part of a release is not there, or is another one."""
    told = release.manifest.get("sibling", {})
    path = workspace.get_held_out(release.version)
    if not told.get("items") or told.get("elsewhere"):
        return
    part = hidden.get(path)
    if part is None:
        if workspace.get_elsewhere(release.version).exists():
            return
        raise StageError(
            f"{path} is missing: {release.version} held {told['items']} items out, and without that folder they "
            "could become public. Put it back, then run again."
        )
    if part.manifest["row_hash"] != told.get("row_hash"):
        raise StageError(
            f"{path} is not the held-out split that {release.version} names. Put that one back, then run again."
        )


def list_retired(
    workspace: Workspace, lineage: Lineage, present: Collection[str], version: str
) -> list[dict[str, Any]]:
    """Return every item that an earlier release held and that is not ``present``, with version and reason.

    ``version`` is the release that the item is missing from first. An item that comes back, as one that
    was undecided for a while, is no longer retired.
    """
    retired = {row["item_id"]: dict(row) for row in lineage.retired}
    reasons = _find_reasons(workspace)
    for row in lineage.rows:
        retired.setdefault(
            row["item_id"],
            {
                "item_id": row["item_id"],
                "content_hash": row["content_hash"],
                "dimension": row["dimension"],
                "version": version,
                "reason": reasons.get(row["item_id"], "no longer in the workspace"),
            },
        )
    return [row for item_id, row in sorted(retired.items()) if item_id not in present]


def _find_reasons(workspace: Workspace) -> dict[str, str]:
    """Return why items that were released are no longer, in words that hold nobody's texts."""
    reasons: dict[str, str] = {}
    for stage in (Stage.QUESTIONS, Stage.OPTIONS, Stage.CHECKED, Stage.ADJUDICATED):
        for row in workspace.read_rejected(stage):
            reasons[row["item_id"]] = row["reasons"].split("; ")[0].partition(" (")[0]
    for row in workspace.read_stage(Stage.ADJUDICATED):
        reasons[row["item_id"]] = "undecided since"
    for row in read_table(workspace.withdrawals, TableName.WITHDRAWAL):
        reasons[row["item_id"]] = f"withdrawn: {row['reason']}"
    return reasons
