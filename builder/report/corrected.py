"""Corrected scores on a report: finished runs that people judged in part enter; figures and notices for it leave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.scoring import OVERALL
from builder.correction import Estimate as Mended
from builder.judge_correction import ModelCorrection, correct_run
from builder.judged_items import Measure
from builder.report.collecting import RunRows
from builder.report.data import Entry, Estimate, Report
from builder.workspace import Workspace
from schemas.errors import FineBenchError
from schemas.texts import make_printable

__all__ = ["Corrections", "add_corrections", "read_corrections"]


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrected scores of runs and models by their names, what the page is to say of them, and failures.

    ``failures`` tell for the screen why a run has none: they may name people and folders, which a page must not.
    """

    figures: Mapping[tuple[str, str], Mapping[str, Estimate]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


_NAMES = {
    Measure.CS: "CS",
    Measure.CSS: "CSS",
    Measure.OPEN: "O",
    Measure.GAP: "gap O - M",
}

_METHOD = (
    "Corrected scores mend the judge's errors by people's words on a random slice of each model's own replies: what "
    "they said otherwise there is carried over to all of its replies. They hold in the eyes of one person drawn from "
    "those who judge, and their intervals count the slice's chance too. Bounds and the mark for what is no headline "
    "are by the same rule as for all scores. Ranks, comparisons and findings are by the judge's word alone."
)


def read_corrections(workspace: Workspace, runs: Iterable[RunRows]) -> Corrections:
    """Return the corrected scores of those runs of which people judged a slice.

    A run that cannot be corrected, or is held out, is told of in a notice and never stops a report. One that is
    reported by people's words needs no correction.
    """
    figures: dict[tuple[str, str], Mapping[str, Estimate]] = {}
    notices: list[str] = []
    failures: list[str] = []
    for run in runs:
        if run.judge or not _is_judged(workspace, run.run):
            continue
        if run.is_held_out:
            notices.append(f"Corrected scores of {run.run} are left out: its items are held out.")
            continue
        try:
            found = correct_run(workspace, run.run)
        except (FineBenchError, EngineError, LookupError, ValueError, OSError) as error:
            notices.append(_tell_failure(run.run, "its scores"))
            failures.append(f"run {run.run}: its scores are not corrected: {error}")
            continue
        figures |= {(of.run, of.model): _list_figures(of) for of in found}
        notices += _list_notices(found)
    return Corrections(
        figures, tuple(make_printable(told, instead=" ") for told in notices), tuple(failures)
    )


def _is_judged(workspace: Workspace, run: str) -> bool:
    """Tell whether a slice of the run was drawn and anybody answered."""
    folder = workspace.runs / run
    said = (folder / "people").glob("*.jsonl")
    return (folder / "slice.jsonl").is_file() and any(path.stat().st_size for path in said)


def _list_figures(of: ModelCorrection) -> dict[str, Estimate]:
    told = "corrected by simulated reviewers" if of.simulated else "corrected"
    return {
        f"{_NAMES[score.measure]}, {told}": _take(score.corrected)
        for score in of.scores
        if score.corrected
    }


def _take(found: Mended) -> Estimate:
    return Estimate(found.value, found.n, found.interval, found.bounds, found.is_headline)


def _list_notices(found: Sequence[ModelCorrection]) -> list[str]:
    notices = [
        f"SIMULATED reviewers, no word of people, correct the scores of {of.model} in run {of.run}."
        for of in found
        if of.simulated and any(score.corrected for score in of.scores)
    ]
    for of in found:
        lacking = [_NAMES[score.measure] for score in of.scores if not score.corrected]
        if lacking:
            notices.append(_tell_failure(of.run, f"{', '.join(lacking)} of {of.model}"))
    return notices


def _tell_failure(run: str, what: str) -> str:
    return (
        f"Run {run}: people judged some of its replies, but {what} could not be corrected; "
        f"`finebench report {run} --judge corrected` says why."
    )


def add_corrections(report: Report, corrections: Corrections) -> Report:
    """Return the report with corrected scores among the further figures of each model over all items."""
    shown = any(corrections.figures.values())
    return replace(
        report,
        entries=tuple(_add(entry, corrections) for entry in report.entries),
        notices=(*report.notices, *corrections.notices),
        method=(*report.method, _METHOD) if shown else report.method,
    )


def _add(entry: Entry, corrections: Corrections) -> Entry:
    figures = corrections.figures.get((entry.run, entry.model))
    group = entry.groups.get(OVERALL)
    if not figures or not group:
        return entry
    mended = replace(group, extras={**figures, **(group.extras or {})})
    return replace(entry, groups={**entry.groups, OVERALL: mended})
