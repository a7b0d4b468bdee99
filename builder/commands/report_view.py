"""Writing and printing reports on the command line: names of runs or a file of counts enter."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.report.collecting import RunRows
    from builder.report.data import Report
    from builder.workspace import Workspace

__all__ = ["find_flags", "print_summary", "read_runs", "report_published", "write_run_page"]


def read_runs(
    workspace: "Workspace", runs: Sequence[str], *, people: bool, anchors: bool
) -> "list[RunRows]":
    """Return finished runs, judged by people where ``people``, on their common items where ``anchors``."""
    from dataclasses import replace

    from builder.anchor_scores import keep_anchors
    from builder.report.collecting import read_run_rows
    from builder.reporting import read_people_rows
    from builder.run_versions import PEOPLE
    from schemas.errors import UsageError

    if people and anchors:
        raise UsageError("--anchors goes with the model judge's scores, not with --judge people.")
    if anchors and len(runs) < 2:
        raise UsageError("--anchors compares runs: name two or more.")
    read = [read_run_rows(workspace, run) for run in runs]
    if people:
        judged = [(run, *read_people_rows(workspace, run.run)) for run in read]
        read = [
            replace(run, verdicts=verdicts, judgements=rows, judge=PEOPLE)
            for run, verdicts, rows in judged
        ]
    if anchors:
        kept = keep_anchors(runs, [run.verdicts for run in read])
        read = [replace(run, verdicts=rows) for run, rows in zip(read, kept, strict=True)]
    return read


def find_flags(
    workspace: "Workspace", read: "Sequence[RunRows]", *, rank_kin: bool
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return for each run and model why it is left out of the ranking, where it is.

    Advisers on items always are; kin of a writer or a judge unless ``rank_kin``.
    """
    from builder.advisers import list_advisers
    from builder.bundle.engine.provenance import find_mapping

    advisers = list_advisers(workspace)
    flags: dict[tuple[str, str], tuple[str, ...]] = {}
    for run in read:
        kin = {} if rank_kin else find_mapping(run.about, "kin")
        for model in sorted({str(row["model"]) for row in run.verdicts}):
            reasons = [str(reason) for reason in kin.get(model, ())]
            reasons += ["its results were used to choose items"] if model in advisers else []
            if reasons:
                flags[run.run, model] = tuple(reasons)
    return flags


def write_run_page(
    workspace: "Workspace",
    read: "Sequence[RunRows]",
    out: Path,
    flags: Mapping[tuple[str, str], Sequence[str]],
    *,
    corrects: bool = True,
) -> None:
    """Write the page, figures and tables of runs into a folder, and tell where.

    Scores corrected by people's words stand beside the judge's where ``corrects`` and there are any.
    """
    from builder.console import note, track_count
    from builder.report.collecting import collect_report, read_asked_items
    from builder.report.corrected import add_corrections, read_corrections
    from builder.report.items import pack_items
    from builder.report.writing import write_report

    corrections = read_corrections(workspace, read if corrects else ())
    report = add_corrections(
        collect_report(_make_title(workspace, read), read, flags=flags), corrections
    )
    for told in corrections.failures:
        note(told)
    items = {run.run: read_asked_items(workspace, run) for run in read}
    for run, known in items.items():
        if not known:
            note(
                f"run {run}: its release is not here as it was, so that the page lacks its questions"
            )
    with track_count("screening replies") as on_row:
        pack = pack_items(read, items, on_row)
    public = [row for run in read if not run.is_held_out for row in run.verdicts]
    path = write_report(out, report, pack, public)
    if pack.withheld:
        note(f"{pack.withheld} texts are withheld from the page: nobody is shown them")
    _tell(path, report)


def _make_title(workspace: "Workspace", read: "Sequence[RunRows]") -> str:
    names = ", ".join(run.run for run in read)
    return f"{workspace.config.title}: {'run' if len(read) == 1 else 'runs'} {names}"


def _tell(path: Path, report: "Report") -> None:
    from builder.console import note

    if report.simulated:
        note(f"SIMULATED, no finding about a real model: {', '.join(report.simulated)}")
    note(f"wrote {path} and, beside it, its figures and numbers")
    note(f"Next: open {path} in a browser")


def print_summary(report: "Report", format_: str) -> None:
    """Print a report's table on stdout: as ``table``, ``markdown``, ``latex``, ``csv`` or ``json``."""
    import sys
    from dataclasses import asdict

    from builder.console import make_table, note, print_json, print_table
    from builder.report import tables

    if format_ == "json":
        print_json(asdict(report))
    elif format_ == "table":
        rows = tables.list_summary(report)
        print_table(make_table("Ranking", tables.SUMMARY_COLUMNS, rows))
        for finding in report.findings:
            note(f"{finding.name}: {finding.describe()}")
        note(report.compared)
    else:
        write = {
            "markdown": tables.write_markdown,
            "latex": tables.write_latex,
            "csv": tables.write_scores_csv,
        }[format_]
        sys.stdout.write(write(report))


def report_published(path: Path, format_: str, out: Path | None) -> None:
    """Report published counts: print their table, or write the page into a folder."""
    from builder.report.published import read_published_counts, report_counts
    from builder.report.writing import write_report

    report = report_counts(path, read_published_counts(path))
    if out is None:
        print_summary(report, format_)
    else:
        _tell(write_report(out, report), report)
