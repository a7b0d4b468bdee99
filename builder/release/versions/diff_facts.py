"""A diff as plain data: the diffs of both splits enter; JSON values, complete for the public one, leave."""

from typing import Any

from builder.release.versions.comparability import describe_comparability, list_obstacles
from builder.release.versions.compared_figures import AGREEMENT, LEAK
from builder.release.versions.diffing import ReleaseDiff
from builder.release.versions.split_diff import SplitDiff

__all__ = ["describe_diff"]


def describe_diff(found: SplitDiff) -> dict[str, Any]:
    """Return all of a diff, texts included; of a held-out split counts alone, as it is private."""
    diff = found.public
    level, reasons = found.judge()
    return {
        "old": _describe_side(diff, "old"),
        "new": _describe_side(diff, "new"),
        "level": level.word,
        "reasons": list(reasons),
        "added": list(diff.added),
        "returned": list(diff.returned),
        "retired": [retirement.as_dict() for retirement in diff.retired],
        "edited": [edit.as_dict() for edit in diff.edited],
        "manifest": [change.as_dict() for change in diff.manifest],
        "dimensions": [count.as_dict() for count in diff.dimensions],
        "agreement": [f.as_dict() for f in diff.figures if f.subject == AGREEMENT],
        "option_leak": [f.as_dict() for f in diff.figures if f.subject == LEAK],
        "anchors": [anchor.as_dict() for anchor in diff.anchors],
        "comparability": {
            "obstacles": list_obstacles(diff),
            "told": describe_comparability(diff),
        },
        "held_out": _count(found.held_out) if found.held_out else None,
    }


def _describe_side(diff: ReleaseDiff, name: str) -> dict[str, Any]:
    side = diff.old if name == "old" else diff.new
    return {
        "name": side.name,
        "version": side.version,
        "split": side.split,
        "items": side.items,
        "row_hash": side.row_hash,
    }


def _count(diff: ReleaseDiff) -> dict[str, int]:
    return {
        "old": diff.old.items,
        "new": diff.new.items,
        "added": len(diff.added),
        "retired": len(diff.retired),
        "edited": len(diff.reworded),
        "anchors": len(diff.anchors),
    }
