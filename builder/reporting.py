"""Printing finished runs: their scores enter, a table in the wanted format leaves."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from builder.console import make_table, print_json, print_table
from builder.workspace import Workspace
from schemas.errors import UsageError
from schemas.storage import read_bytes

__all__ = ["format_report", "list_runs", "read_run_scores"]

PlainScore = Mapping[str, Any]
"""A score as `Score.as_dict` gives it."""

_COLUMNS = ("run", "model", "dimension", "items", "n", "coverage %", "CS % [95%]", "CSS % [95%]")


def list_runs(workspace: Workspace) -> list[str]:
    """Return the names of the finished runs; raise `UsageError` where there are none."""
    names = sorted(path.parent.name for path in workspace.runs.glob("*/scores.json"))
    if not names:
        raise UsageError("no run is finished. Run `finebench evaluate RELEASE --model NAME` first.")
    return names


def read_run_scores(workspace: Workspace, run: str) -> list[PlainScore]:
    """Return the scores of a run; raise `UsageError` where there is no such run."""
    path = workspace.runs / run / "scores.json"
    if not path.exists():
        raise UsageError(f"no finished run is named {run}. `finebench report` lists all.")
    scores: list[PlainScore] = json.loads(read_bytes(path))
    return scores


def format_report(scores: Sequence[PlainScore], format_: str) -> None:
    """Print scores on stdout as ``table``, ``markdown``, ``csv`` or ``json``."""
    if format_ == "json":
        print_json(scores)
    elif format_ == "csv":
        _print_csv(scores)
    elif format_ == "markdown":
        rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_make_row, scores)]
        sys.stdout.write("".join(f"| {' | '.join(map(str, row))} |\n" for row in rows))
    else:
        print_table(make_table("", _COLUMNS, map(_make_row, scores)))


def _make_row(score: PlainScore) -> tuple[object, ...]:
    return (
        score["run"],
        score["model"],
        score["dimension"],
        score["items"],
        score["n"],
        f"{100 * score['coverage']:.1f}",
        _format_share(score["cs"]),
        _format_share(score["css"]),
    )


def _format_share(share: Mapping[str, Any] | None) -> str:
    if share is None or share["value"] is None:
        return "-"
    low, high = share["interval_95"]
    mark = "" if share["is_headline"] else "*"
    return f"{100 * share['value']:.1f} [{100 * low:.1f}, {100 * high:.1f}]{mark}"


def _print_csv(scores: Sequence[PlainScore]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        [
            *("run", "model", "dimension", "kind", "items", "n"),
            *(f"{score}{part}" for score in ("cs", "css") for part in ("", "_low", "_high")),
        ]
    )
    for score in scores:
        ends = [score[column] for column in ("run", "model", "dimension", "kind", "items", "n")]
        for share in (score["cs"], score["css"]):
            interval = (share or {}).get("interval_95") or ["", ""]
            ends += ["" if share is None or share["value"] is None else share["value"], *interval]
        writer.writerow(ends)
