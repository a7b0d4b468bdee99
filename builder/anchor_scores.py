"""Scores of runs on the items that all of them asked unchanged: finished runs enter, comparable scores leave."""

from collections.abc import Sequence

from builder.bundle.engine.scoring import Score, score_verdicts
from builder.run_versions import read_run_versions
from builder.workspace import Workspace, read_table
from schemas.errors import UsageError
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["find_anchors", "list_differences", "score_anchors"]

Anchor = tuple[str, str, str, str]

_NAMED = ("item_id", "content_hash", "dimension", "kind")


def find_anchors(verdicts: Sequence[Sequence[Row]]) -> frozenset[Anchor]:
    """Return the items that the verdicts of every run hold with the same texts, dimension and kind."""
    asked = [frozenset(map(_name, rows)) for rows in verdicts]
    return frozenset.intersection(*asked) if asked else frozenset()


def _name(row: Row) -> Anchor:
    item_id, content_hash, dimension, kind = (str(row[column]) for column in _NAMED)
    return item_id, content_hash, dimension, kind


def score_anchors(workspace: Workspace, runs: Sequence[str]) -> list[Score]:
    """Return the scores of each run on the anchors of all, in the order of the runs.

    Raises `UsageError` where there are not two runs, one is not finished, or they share no item.
    """
    if len(runs) < 2:
        raise UsageError("--anchors compares runs: name two or more.")
    for run in runs:
        if not (workspace.runs / run / "run.json").exists():
            raise UsageError(f"no finished run is named {run}. `finebench report` lists all.")
    verdicts = [
        read_table(workspace.runs / run / "verdicts.jsonl", TableName.VERDICT) for run in runs
    ]
    anchors = find_anchors(verdicts)
    if not anchors:
        raise UsageError(f"{' and '.join(runs)} asked no item in common: nothing can be compared.")
    return [
        score
        for rows in verdicts
        for score in score_verdicts([row for row in rows if _name(row) in anchors])
    ]


def list_differences(workspace: Workspace, runs: Sequence[str]) -> list[str]:
    """Return what else than the items differs between runs, and keeps their scores from being compared."""
    found = [read_run_versions(workspace, run) for run in runs]
    names = {
        "judge": {", ".join(versions.judges) for versions in found},
        "evaluator": {versions.scoring_hash or versions.evaluator for versions in found},
    }
    return [f"another {name}" for name, told in names.items() if len(told) > 1]
