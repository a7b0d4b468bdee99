"""Printing finished runs: their verdicts enter, scores in the wanted format leave."""

import csv
import sys
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from builder.bundle.engine.display import COLUMNS, format_row
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.console import make_score_table, print_json, print_table
from builder.workspace import Workspace, read_table
from schemas.errors import UsageError
from schemas.tables import TableName

__all__ = ["list_runs", "print_report", "read_run_scores"]

_KEY = ("run", "model", "dimension", "kind", "items", "n")


def list_runs(workspace: Workspace) -> list[str]:
    """Return the names of the finished runs; raise `UsageError` where there are none."""
    names = sorted(path.parent.name for path in workspace.runs.glob("*/run.json"))
    if not names:
        raise UsageError("no run is finished. Run `finebench evaluate RELEASE --model NAME` first.")
    return names


def read_run_scores(workspace: Workspace, run: str) -> list[Score]:
    """Return the scores of a run's verdicts; raise `UsageError` where there is no such run."""
    path = workspace.runs / run / "verdicts.jsonl"
    if not (path.parent / "run.json").exists():
        raise UsageError(f"no finished run is named {run}. `finebench report` lists all.")
    return score_verdicts(read_table(path, TableName.VERDICT))


def print_report(scores: Sequence[Score], format_: str) -> None:
    """Print scores on stdout as ``table``, ``markdown``, ``csv`` or ``json``."""
    if format_ == "json":
        print_json([score.as_dict() for score in scores])
    elif format_ == "csv":
        _print_csv(scores)
    elif format_ == "markdown":
        rows = [("run", *COLUMNS), ("---",) * (len(COLUMNS) + 1)]
        rows += [(score.run, *format_row(score)) for score in scores]
        sys.stdout.write("".join(f"| {' | '.join(row)} |\n" for row in rows))
    else:
        for run, of_run in groupby(scores, key=attrgetter("run")):
            print_table(make_score_table(list(of_run), title=f"run {run}"))


def _print_csv(scores: Sequence[Score]) -> None:
    """Print numbers as they are; an empty cell where there is no score."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    ends = (f"{score}{part}" for score in ("cs", "css") for part in ("", "_low", "_high"))
    writer.writerow([*_KEY, *ends])
    for score in scores:
        plain = score.as_dict()
        cells = [plain[column] for column in _KEY]
        for share in (score.cs, score.css):
            interval = share.interval if share else None
            cells += ["", "", ""] if not share or not interval else [share.value, *interval]
        writer.writerow(cells)
