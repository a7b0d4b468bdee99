"""What makes runs comparable: their verdicts enter, those on items that all asked unchanged leave."""

from collections.abc import Sequence

from builder.run_versions import read_run_versions
from builder.workspace import Workspace
from schemas.errors import UsageError
from schemas.storage import Row

__all__ = ["find_anchors", "keep_anchors", "list_differences"]

Anchor = tuple[str, str, str, str]

_NAMED = ("item_id", "content_hash", "dimension", "kind")


def find_anchors(verdicts: Sequence[Sequence[Row]]) -> frozenset[Anchor]:
    """Return the items that the verdicts of every run hold with the same texts, dimension and kind."""
    asked = [frozenset(map(_name, rows)) for rows in verdicts]
    return frozenset.intersection(*asked) if asked else frozenset()


def _name(row: Row) -> Anchor:
    item_id, content_hash, dimension, kind = (str(row[column]) for column in _NAMED)
    return item_id, content_hash, dimension, kind


def keep_anchors(runs: Sequence[str], verdicts: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Return the verdicts of each run on the anchors of all; raise `UsageError` where they share no item."""
    anchors = find_anchors(verdicts)
    if not anchors:
        raise UsageError(f"{' and '.join(runs)} asked no item in common: nothing can be compared.")
    parts = _find_common_parts(verdicts)
    return [
        [row | {"subsets": parts[_name(row)]} for row in rows if _name(row) in anchors]
        for rows in verdicts
    ]


def _find_common_parts(verdicts: Sequence[Sequence[Row]]) -> dict[Anchor, str]:
    """Return for each item the parts that it belongs to in every run.

    Whether a reader of options finds the positive one, and whether a twin is there, follows from the other
    items of a release too.
    """
    common: dict[Anchor, set[str]] = {}
    for rows in verdicts:
        for row in rows:
            parts = set(row["subsets"].split())
            common[_name(row)] = common.get(_name(row), parts) & parts
    return {anchor: " ".join(sorted(parts)) for anchor, parts in common.items()}


def list_differences(workspace: Workspace, runs: Sequence[str]) -> list[str]:
    """Return what else than the items differs between runs, and keeps their scores from being compared."""
    found = [read_run_versions(workspace, run) for run in runs]
    names = {
        "judge": {", ".join(versions.judges) for versions in found},
        "evaluator": {versions.scoring_hash or versions.evaluator for versions in found},
    }
    return [f"another {name}" for name, told in names.items() if len(told) > 1]
