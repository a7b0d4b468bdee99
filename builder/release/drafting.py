"""What an export would write: decided items and the releases before enter; a draft release leaves, unwritten."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.checks.item_leak import count_looks
from builder.release.gates import VERSION_GATE, Gate, run_gates, waive
from builder.release.lineage import Lineage, read_lineage
from builder.release.manifest import Made, list_dimensions, make_manifest
from builder.release.reading import ReleaseData
from builder.release.rows import make_parts, select_items
from builder.release.splits import Part, Split
from builder.release.versions.semver import FIRST_VERSION, Level, propose_version
from builder.release.versions.split_diff import SplitDiff, Splits, compare_splits
from builder.release.versions.version_gate import add_gate, gate_version
from builder.review_report import find_report
from builder.workspace import Workspace, parse_version
from schemas.texts import canonical_json, hash_rows

__all__ = [
    "Draft",
    "HashPart",
    "Proposal",
    "draft_next",
    "draft_release",
    "find_provisional_version",
    "propose_release",
]


HashPart = Callable[[Part, Sequence[str]], str]
"""Returns the hash of a part's rows; it is told the ids of the dimensions that the release has items of."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A release before it is written: its folders' rows and manifests, its gates, and what changed since the last."""

    version: str
    lineage: Lineage
    parts: Sequence[Part]
    manifests: Mapping[Split, dict[str, Any]]
    gates: list[Gate]
    diff: SplitDiff | None

    @property
    def splits(self) -> Splits:
        """Both parts, as they would be read from their folders."""
        return _make_splits(self.parts, self.manifests)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The number that a release of the workspace would get, how much it changes, and why."""

    version: str
    previous: str
    level: Level
    reasons: Sequence[str]
    gates: Sequence[Gate]

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to release."""
        return not self.previous or self.level is not Level.NONE


def draft_release(
    workspace: Workspace,
    version: str,
    waivers: Mapping[str, str],
    date: str,
    hash_part: HashPart | None = None,
) -> Draft:
    """Return what release ``version`` of the workspace would hold, and how all its gates stand.

    ``hash_part`` returns the hash of a part's rows; it may write them on the way.
    """
    lineage = read_lineage(workspace, version)
    parts = make_parts(workspace, select_items(workspace, waivers), lineage)
    dimensions = list_dimensions(workspace, parts)
    hashes = {part.split: (hash_part or _hash_part)(part, dimensions) for part in parts}
    rows = sorted((row for part in parts for row in part.rows), key=lambda row: row["item_id"])
    report = find_report(workspace)
    gates = run_gates(workspace, rows, waivers, lineage, report)
    looks = count_looks(workspace, rows)
    made = Made(version, date, parts, hashes, gates, lineage, report, looks)
    manifests = {part.split: make_manifest(workspace, made, part) for part in parts}
    diff = _compare(lineage, parts, manifests)
    gate = waive(gate_version(diff, version), waivers)
    for manifest in manifests.values():
        add_gate(manifest, gate)
    return Draft(version, lineage, parts, manifests, [*gates, gate], diff)


def _hash_part(part: Part, _: Sequence[str]) -> str:
    return hash_rows(part.rows)


def _compare(
    lineage: Lineage, parts: Sequence[Part], manifests: Mapping[Split, dict[str, Any]]
) -> SplitDiff | None:
    """Return the diff to the release before; a first one has none."""
    if lineage.latest is None:
        return None
    return compare_splits(Splits(lineage.latest, lineage.held_out), _make_splits(parts, manifests))


def _make_splits(parts: Sequence[Part], manifests: Mapping[Split, dict[str, Any]]) -> Splits:
    return Splits(*(_make_data(part, manifests[part.split]) for part in parts))


def _make_data(part: Part, manifest: Mapping[str, Any]) -> ReleaseData:
    """Return a part as it would be read from its folder."""
    return ReleaseData(Path(), json.loads(canonical_json(manifest)), list(part.rows))


def find_provisional_version(workspace: Workspace) -> str:
    """Return a number beyond all releases, for a draft whose own number is still to be found."""
    releases = workspace.list_releases()
    newest = parse_version(releases[-1].name)[0] if releases else 0
    return f"{newest + 1}.0.0"


def propose_release(workspace: Workspace, waivers: Mapping[str, str]) -> Proposal:
    """Return the least number that tells what changed since the newest release; the first is 1.0.0."""
    draft = draft_release(workspace, find_provisional_version(workspace), waivers, "")
    gates = [gate for gate in draft.gates if gate.name != VERSION_GATE]
    if draft.diff is None:
        return Proposal(FIRST_VERSION, "", Level.NONE, ["it is the first release"], gates)
    previous = draft.diff.public.old.version
    level, reasons = draft.diff.judge()
    return Proposal(propose_version(previous, level), previous, level, reasons, gates)


def draft_next(workspace: Workspace) -> Splits:
    """Return what an export would write now; its version is told as "next", as it has no number yet."""
    provisional = find_provisional_version(workspace)
    draft = draft_release(workspace, provisional, {}, "")
    for manifest in draft.manifests.values():
        manifest["version"] = _NEXT
        for row in manifest["retired"]:
            row["version"] = _NEXT if row["version"] == provisional else row["version"]
    return draft.splits


_NEXT = "next"
