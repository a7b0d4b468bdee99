"""What a release takes over from those before it: letters, splits, retired items.

An id follows from the first texts of its item and stays with it for life, through edits; that of a retired
item is kept with the reason, so that no other item ever has it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from builder.release.reading import ReleaseData, read_release
from builder.workspace import Stage, Workspace, parse_version, read_table
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["Lineage", "list_retired", "name_release", "read_lineage"]


_DECISION = ("decision", "decision_method", "decided_by")


def name_release(release: ReleaseData) -> str:
    """Return how a release is named where it decided something: its name and version."""
    return f"{release.name} {release.version}"


@dataclass(frozen=True)
class Lineage:
    """The latest release before a version, its held-out part, and what was ever retired.

    ``shown`` and ``hidden`` are the ids of the public and of the held-out items of all releases before.
    """

    latest: ReleaseData | None = None
    held_out: ReleaseData | None = None
    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    retired: tuple[Row, ...] = field(default=())

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
        if self.latest is None or row["decided_by"] != name_release(self.latest):
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
    """Return what release ``version`` follows: the releases with smaller numbers."""
    before = [
        path
        for path in workspace.list_releases()
        if parse_version(path.name) < parse_version(version)
    ]
    if not before:
        return Lineage()
    releases = [read_release(path) for path in before]
    hidden = [
        read_release(path)
        for path in map(workspace.get_held_out, (p.name for p in before))
        if path.exists()
    ]
    latest = releases[-1]
    beside = [part for part in hidden if part.version == latest.version]
    return Lineage(
        latest,
        beside[0] if beside else None,
        frozenset(row["item_id"] for part in releases for row in part.rows),
        frozenset(row["item_id"] for part in hidden for row in part.rows),
        tuple(row for part in (latest, *beside) for row in part.manifest.get("retired", ())),
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
