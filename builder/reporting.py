"""Printing finished runs: their verdicts enter, scores in the wanted format leave."""

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from builder.bundle.engine.provenance import Versions
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.bundle.engine.verdicts import TargetKind, make_verdicts
from builder.console import make_score_table, print_json, print_table
from builder.csv_cells import write_csv
from builder.reply_plans import read_judged_run
from builder.run_records import read_run_record
from builder.run_verdicts import read_run_verdicts
from builder.workspace import Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.labels import DimensionKind
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["list_runs", "print_report", "read_people_rows", "read_run_scores"]

_VERSIONS = ("data", "row_hash", "evaluator", "judge")

_KEY = ("run", "model", "dimension", "kind", "items", "n", "coverage")

_SHARE = ("", "_low", "_high", "_least", "_greatest", "_is_headline")
_MORE = ("open_passed", "choice_passed", "gap")


def list_runs(workspace: Workspace) -> list[str]:
    """Return the names of the finished runs; raise `UsageError` where there are none."""
    names = sorted(path.parent.name for path in workspace.runs.glob("*/run.json"))
    if not names:
        raise UsageError("no run is finished. Run `finebench evaluate RELEASE --model NAME` first.")
    return names


def read_run_scores(workspace: Workspace, run: str) -> list[Score]:
    """Return the scores of a run's verdicts; raise `UsageError` where there is no such run."""
    return score_verdicts(read_run_verdicts(workspace, run))


def read_people_rows(workspace: Workspace, run: str) -> tuple[list[Row], list[Row]]:
    """Return the verdicts of a run with people's majority in place of its judge, and those judgements.

    Raises `StageError` unless people judged every reply: a slice is drawn unevenly, and scores of the
    slice alone would not be those of the model.
    """
    read = read_judged_run(workspace, run)
    rows = read_table(read.folder / "people.judgements.jsonl", TableName.JUDGEMENT)
    judged = {(row["model"], row["item_id"], row["sample"]) for row in rows}
    missing = sum((r.model, r.item_id, r.sample) not in judged for r in read.replies)
    if missing:
        raise StageError(
            f"people have not judged {missing} of {len(read.replies)} replies of run {run}, and what they "
            "judged is a slice drawn unevenly: its scores are not the models'. Draw all with `finebench "
            f"annotate plan --responses {run} --per-stratum {len(read.replies)}`, have them judged, and "
            f"merge with `finebench annotate merge --responses {run}`."
        )
    about = read_run_record(workspace, run)
    controls = {i.item_id for i in read.items.values() if str(i.kind) == str(DimensionKind.CONTROL)}
    recorded = read_table(read.folder / "judgements.jsonl", TableName.JUDGEMENT)
    rows += [row for row in recorded if row["item_id"] in controls]
    responses = read_table(read.folder / "responses.jsonl", TableName.RESPONSE)
    kind = TargetKind(about["target_kind"])
    return make_verdicts(list(read.items.values()), responses, rows, kind), rows


def print_report(scores: Sequence[Score], versions: Mapping[str, Versions], format_: str) -> None:
    """Print scores on stdout as ``table``, ``csv`` or ``json``.

    ``versions`` tells for each run what its scores were made with, which stands beside them.
    """
    if format_ == "json":
        told = {run: found.as_dict() for run, found in versions.items()}
        print_json([score.as_dict() | {"versions": told[score.run]} for score in scores])
    elif format_ == "csv":
        _print_csv(scores, versions)
    else:
        for run, of_run in groupby(scores, key=attrgetter("run")):
            print_table(make_score_table(list(of_run), title=f"run {run}"))
            sys.stdout.write(f"{versions[run].describe()}\n")


def _print_csv(scores: Sequence[Score], versions: Mapping[str, Versions]) -> None:
    """Print numbers as they are; an empty cell where there is no score."""
    ends = (f"{name}{part}" for name in ("cs", "css") for part in _SHARE)
    more = (f"{name}{part}" for name in _MORE for part in ("", "_low", "_high"))
    rows = []
    for score in scores:
        plain = score.as_dict()
        cells = [plain[column] for column in _KEY]
        for share in (score.cs, score.css):
            told = share if share and share.interval else None
            cells += (
                [told.value, *(told.interval or ()), *told.bounds, told.is_headline]
                if told
                else [""] * len(_SHARE)
            )
        for name in _MORE:
            figure = plain[name]
            known = figure and figure["interval_95"]
            cells += [figure["value"], *figure["interval_95"]] if known else [""] * 3
        found = versions[score.run]
        cells += [f"{found.data} {found.release}".strip(), found.row_hash, found.evaluator]
        rows.append([*cells, ", ".join(found.judges)])
    sys.stdout.write(write_csv([*_KEY, *ends, *more, *_VERSIONS], rows))
