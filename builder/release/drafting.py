"""What an export would write: decided items and the releases before enter; a draft release leaves, unwritten."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.release.diffing import ReleaseDiff, compare_releases
from builder.release.gates import VERSION_GATE, Gate, run_gates, waive
from builder.release.lineage import Lineage, read_lineage
from builder.release.manifest import make_manifest
from builder.release.reading import ReleaseData
from builder.release.rows import make_parts, select_items
from builder.release.semver import FIRST_VERSION, Level, judge_level, propose_version
from builder.release.splits import Part, Split
from builder.release.version_gate import add_gate, gate_version
from builder.workspace import Workspace, parse_version
from schemas.texts import canonical_json

__all__ = ["Draft", "Proposal", "draft_release", "find_provisional_version", "propose_release"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A release before it is written: its folders' rows and manifests, its gates, its diffs to the last."""

    version: str
    lineage: Lineage
    parts: Sequence[Part]
    manifests: Mapping[Split, dict[str, Any]]
    gates: list[Gate]
    diffs: Mapping[Split, ReleaseDiff]

    @property
    def public(self) -> ReleaseData:
        """The public part, as it would be read from its folder."""
        return _make_data(self.parts[0], self.manifests[Split.TEST])


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
    workspace: Workspace, version: str, waivers: Mapping[str, str], date: str
) -> Draft:
    """Return what release ``version`` of the workspace would hold, and how all its gates stand."""
    lineage = read_lineage(workspace, version)
    parts = make_parts(workspace, select_items(workspace, waivers), lineage)
    rows = sorted((row for part in parts for row in part.rows), key=lambda row: row["item_id"])
    gates = run_gates(workspace, rows, waivers)
    manifests = {
        part.split: make_manifest(workspace, version, part, gates, lineage, date) for part in parts
    }
    diffs = _compare_parts(lineage, parts, manifests)
    previous = lineage.latest.version if lineage.latest else ""
    gate = waive(gate_version(previous, diffs, version), waivers)
    for manifest in manifests.values():
        add_gate(manifest, gate)
    return Draft(version, lineage, parts, manifests, [*gates, gate], diffs)


def _compare_parts(
    lineage: Lineage, parts: Sequence[Part], manifests: Mapping[Split, dict[str, Any]]
) -> dict[Split, ReleaseDiff]:
    """Return the diff of each folder to that of the release before; a folder that is not there is empty."""
    if lineage.latest is None:
        return {}
    drafts = {part.split: _make_data(part, manifests[part.split]) for part in parts}
    diffs = {Split.TEST: compare_releases(lineage.latest, drafts[Split.TEST])}
    held_out = lineage.held_out, drafts.get(Split.HELD_OUT)
    if any(held_out):
        # Of a folder that only one release has, the manifest tells nothing that the public one does not.
        old, new = (part or ReleaseData(Path(), {}, []) for part in held_out)
        old = old if old.manifest else ReleaseData(Path(), new.manifest, [])
        new = new if new.manifest else ReleaseData(Path(), old.manifest, [])
        diffs[Split.HELD_OUT] = compare_releases(old, new)
    return diffs


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
    if draft.lineage.latest is None:
        return Proposal(FIRST_VERSION, "", Level.NONE, ["it is the first release"], gates)
    previous = draft.lineage.latest.version
    diffs = draft.diffs
    level, reasons = judge_level(diffs[Split.TEST], held_out=diffs.get(Split.HELD_OUT))
    return Proposal(propose_version(previous, level), previous, level, reasons, gates)
