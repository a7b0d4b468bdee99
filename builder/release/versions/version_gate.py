"""Whether a version's number says enough: the diff to the release before enters; the gate leaves."""

from collections.abc import Mapping
from typing import Any

from builder.release.gates import VERSION_GATE, Gate
from builder.release.versions.semver import check_version, propose_version
from builder.release.versions.split_diff import SplitDiff

__all__ = ["add_gate", "find_version_gate", "gate_version"]


def gate_version(diff: SplitDiff | None, version: str) -> Gate:
    """Return how ``version`` stands as the number after that of the release before.

    ``diff`` is None for a first release, which may have any number. The gate names no items, as it
    stands in the manifests of both splits.
    """
    if diff is None:
        detail = "it is the first release"
        return Gate(VERSION_GATE, passed=True, value="first", threshold="any", detail=detail)
    level, reasons = diff.judge()
    previous = diff.public.old.version
    told = f"{level.word}: {', '.join(reasons) or f'nothing changed since {previous}'}"
    fault = check_version(previous, version, level)
    threshold = f"at least {propose_version(previous, level)}"
    detail = f"{fault} ({', '.join(reasons)})" if fault else f"{version} after {previous}, {told}"
    return Gate(VERSION_GATE, not fault, told, threshold, detail)


def add_gate(manifest: dict[str, Any], gate: Gate) -> None:
    """Add a gate, and its waiver where it has one, to a manifest that was made without it."""
    manifest["gates"] = [*manifest["gates"], gate.as_dict()]
    if gate.waiver:
        manifest["waivers"] = manifest["waivers"] | {gate.name: gate.waiver}


def find_version_gate(manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the gate as a manifest tells it; older manifests tell none."""
    gates = manifest.get("gates")
    found = gates if isinstance(gates, list) else []
    named = [g for g in found if isinstance(g, Mapping) and g.get("name") == VERSION_GATE]
    return named[0] if named else None
