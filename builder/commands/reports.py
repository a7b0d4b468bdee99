"""The command report: finished runs, or published counts, enter; tables, pages and files leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from builder.commands.shared import open_here

__all__ = ["COMMANDS"]

_FORMATS = ("table", "markdown", "latex", "csv", "json", "html", "eval-results")
_INTO_FOLDER = ("html", "eval-results")
_JUDGES = ("people", "corrected")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be reported of runs, and how."""

    format: str
    out: Path | None
    judge: str | None
    anchors: bool
    compatibility: bool
    rank_kin: bool
    hub: str


@click.command()
@click.argument("runs", nargs=-1)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="table",
    show_default=True,
    help="How to print the scores. Into --out: html, a page with figures; eval-results, for model pages on the Hub.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for html and eval-results; its files of a report are replaced.",
)
@click.option(
    "--counts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Report a CSV of published counts (model, n, consistent, consistent_safe) in place of runs.",
)
@click.option(
    "--judge",
    type=click.Choice(_JUDGES),
    help="people: their word in place of the model judge's. corrected: the model judge's, mended by a slice.",
)
@click.option("--anchors", is_flag=True, help="Score only the items that all runs asked unchanged.")
@click.option(
    "--compatibility",
    is_flag=True,
    help="Read the replies by the rules of FINE's own script, which are wrong in places.",
)
@click.option(
    "--rank-kin",
    is_flag=True,
    help="Rank models too that share a family with a writer of the items or a judge.",
)
@click.option(
    "--hub", default="", help="For eval-results: OWNER/NAME[@REVISION] of the published release."
)
def report(
    runs: tuple[str, ...],
    format_: str,
    out: Path | None,
    counts: Path | None,
    **told: Any,
) -> None:
    """Print the scores of finished runs, by default of all, or write them as a page.

    Example: finebench report 1.0.0 --format html --out report
    """
    from builder.commands.report_view import report_published
    from schemas.errors import UsageError

    if (format_ in _INTO_FOLDER) != (out is not None):
        raise UsageError(
            f"--format {' or '.join(_INTO_FOLDER)} goes with --out FOLDER: give both or neither."
        )
    wish = _Wish(format_, out, **told)
    if counts is None:
        _report_runs(runs, wish)
    elif runs or any(told.values()) or format_ == "eval-results":
        raise UsageError("--counts stands alone with --format and --out: leave out all else.")
    else:
        report_published(counts, format_, out)


def _report_runs(runs: Sequence[str], wish: _Wish) -> None:
    from builder.reporting import list_runs

    workspace = open_here()
    named = list(dict.fromkeys(runs or list_runs(workspace)))
    _require_sense(wish)
    if wish.compatibility:
        _show_compatibility(named, wish.format)
    elif wish.format == "eval-results":
        _write_eval_results(named, wish)
    elif wish.judge == "corrected":
        _show_corrections(named, wish.format)
    else:
        _show_runs(named, wish)


def _require_sense(wish: _Wish) -> None:
    """Raise `UsageError` where two wishes do not go together."""
    from schemas.errors import UsageError

    special = wish.compatibility or wish.format == "eval-results" or wish.judge == "corrected"
    if wish.anchors and (special or wish.judge):
        raise UsageError("--anchors goes with the model judge's scores as they are.")
    if wish.compatibility and (wish.judge or wish.format not in ("table", "json")):
        raise UsageError("--compatibility is printed as a table or as JSON, by the recorded judge.")
    if wish.format == "eval-results" and wish.judge:
        raise UsageError("--format eval-results tells the scores by the model judge.")
    if wish.judge == "corrected" and wish.format in ("latex", "html"):
        raise UsageError("--judge corrected prints a table, Markdown, CSV or JSON.")
    if wish.hub and wish.format != "eval-results":
        raise UsageError("--hub goes with --format eval-results.")


def _show_runs(named: list[str], wish: _Wish) -> None:
    from builder.bundle.engine.scoring import score_verdicts
    from builder.commands.report_view import find_flags, print_summary, read_runs, write_run_page
    from builder.report.collecting import collect_report
    from builder.reporting import print_report
    from builder.run_versions import read_run_versions

    workspace = open_here()
    read = read_runs(workspace, named, people=bool(wish.judge), anchors=wish.anchors)
    if wish.anchors:
        _tell_differences(named)
    flags = find_flags(workspace, read, rank_kin=wish.rank_kin)
    if wish.out is not None:
        # Corrected scores are over all items of a run, and not over those in common alone.
        write_run_page(workspace, read, wish.out, flags, corrects=not wish.anchors)
        return
    if wish.format in ("table", "markdown", "latex"):
        print_summary(collect_report(workspace.config.title, read, flags=flags), wish.format)
    if wish.format in ("table", "csv", "json"):
        versions = {run: read_run_versions(workspace, run, judge=wish.judge or "") for run in named}
        scores = [score for run in read for score in score_verdicts(run.verdicts)]
        print_report(scores, versions, wish.format)


def _show_compatibility(runs: list[str], format_: str) -> None:
    from builder.bundle.engine.fine_rules import format_fine_table, make_fine_verdicts, score_fine
    from builder.console import note, print_json
    from builder.reply_plans import read_judged_run
    from builder.report.collecting import read_run_rows
    from builder.run_versions import read_run_versions

    workspace = open_here()
    found = {}
    for run in runs:
        rows, items = read_run_rows(workspace, run), read_judged_run(workspace, run).items
        verdicts = make_fine_verdicts(list(items.values()), rows.responses, rows.judgements)
        found[run] = score_fine(verdicts)
    if format_ == "json":
        print_json([score.as_dict() for scores in found.values() for score in scores])
    else:
        for run, scores in found.items():
            click.echo(f"run {run}, {read_run_versions(workspace, run).describe()}")
            click.echo(format_fine_table(scores))
    note(
        "By the rules of FINE's script, to compare with its figures; what they misread: "
        "docs/compatibility.md"
    )


def _write_eval_results(runs: list[str], wish: _Wish) -> None:
    from builder.console import note
    from builder.eval_results import write_eval_results
    from schemas.errors import UsageError

    if len(runs) != 1 or wish.out is None:
        raise UsageError("name one run for --format eval-results.")
    made = write_eval_results(open_here(), runs[0], wish.out, hub=wish.hub)
    for path in made.paths:
        click.echo(str(path))
    for told in made.withheld:
        note(f"withheld: {told}")
    note("Next: put each folder .eval_results into the repository of its model on the Hub")


def _show_corrections(runs: list[str], format_: str) -> None:
    from builder.correction_view import print_corrections
    from builder.judge_correction import correct_run
    from builder.run_versions import read_run_versions

    workspace = open_here()
    found = [model for run in runs for model in correct_run(workspace, run)]
    print_corrections(found, {run: read_run_versions(workspace, run) for run in runs}, format_)
    if not any(score.corrected for model in found for score in model.scores):
        raise SystemExit(1)


def _tell_differences(runs: list[str]) -> None:
    from builder.anchor_scores import list_differences
    from builder.console import note

    if differing := list_differences(open_here(), runs):
        note(f"not to be compared even so: the runs have {' and '.join(differing)}")


COMMANDS = (report,)
