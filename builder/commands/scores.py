"""Commands of scores: evaluate, rejudge, report."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.commands.shared import batch_option, dry_run_option, json_option, open_here

if TYPE_CHECKING:
    from builder.evaluation import How, Run

__all__ = ["COMMANDS"]


def how_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say who judges and by what prompt."""
    for option in (
        click.option(
            "--judge-prompt",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="A judge prompt of your own, with {question}, {reply}, {code} and {rubric}.",
        ),
        click.option(
            "--judge", "judges", multiple=True,
            help="A judge; several decide by majority. Default: the role in bench.toml.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@click.argument("release")
@click.option(
    "--model", "models", multiple=True, required=True,
    help="A model of bench.toml or an offline persona; repeatable. offline: all personas.",
)  # fmt: skip
@how_options
@click.option("--run", default="", help="The run's name; default: the release's version.")
@click.option(
    "--as",
    "target_kind",
    type=click.Choice(["model", "system"]),
    default="model",
    show_default=True,
    help="What is evaluated: decides what a provider's filter means.",
)
@click.option(
    "--style",
    type=click.Choice(["default", "reasoning", "plain"]),
    default="default",
    show_default=True,
    help="How a choice is put: a decision alone, both answers weighed first, or the bare options.",
)
@click.option("--system", help='Text for the system in place of the prompt\'s own; "" sends none.')
@click.option(
    "--samples", type=click.IntRange(1, 1000), default=1, show_default=True,
    help="How many times each form of an item is asked.",
)  # fmt: skip
@dry_run_option
@batch_option
@json_option
def evaluate(
    release: str,
    models: tuple[str, ...],
    run: str,
    dry_run: bool,
    batch: bool,
    as_json: bool,
    **told: Any,
) -> None:
    """Score models on a release: a version here, or a folder.

    Example: finebench evaluate 1.0.0 --model gpt
    """
    from builder.commands.asking import choose_asking
    from builder.evaluation import evaluate_release, list_personas
    from builder.release.sources import find_release

    workspace = open_here()
    path = find_release(release, workspace)
    names = [n for model in models for n in (list_personas() if model == "offline" else [model])]
    how = _read_how(**told)
    with choose_asking("calls", dry_run=dry_run, batch=batch) as asking:
        result = evaluate_release(workspace, path, names, run=run, how=how, asking=asking)
    _show_run(result, as_json=as_json)


def _read_how(
    judges: tuple[str, ...],
    judge_prompt: Path | None,
    target_kind: str = "model",
    style: str = "default",
    system: str | None = None,
    samples: int = 1,
) -> "How":
    from builder.bundle.engine.manner import ChoiceStyle, Manner
    from builder.bundle.engine.verdicts import TargetKind
    from builder.evaluation import How

    manner = Manner(ChoiceStyle(style), system, samples)
    return How(judges, judge_prompt, manner, TargetKind(target_kind))


@click.command()
@click.argument("run")
@click.option("--as-run", "new_run", required=True, help="The name of the run that this makes.")
@how_options
@dry_run_option
@batch_option
@json_option
def rejudge(run: str, new_run: str, dry_run: bool, batch: bool, as_json: bool, **told: Any) -> None:
    """Have the replies of a finished run judged anew, asking no evaluated model.

    Example: finebench rejudge 1.0.0 --judge gpt --judge claude --as-run two-judges
    """
    from builder.commands.asking import choose_asking
    from builder.evaluation import judge_run

    workspace = open_here()
    how = _read_how(**told)
    with choose_asking("calls", dry_run=dry_run, batch=batch) as asking:
        result = judge_run(workspace, run, new_run, how=how, asking=asking)
    _show_run(result, as_json=as_json)


def _show_run(result: "Run", *, as_json: bool) -> None:
    from builder.console import make_score_table, note, print_json, print_table

    if as_json:
        versions = result.versions.as_dict()
        print_json([score.as_dict() | {"versions": versions} for score in result.scores])
    else:
        print_table(make_score_table(result.scores))
        click.echo(result.versions.describe())
        if result.simulated:
            note(f"SIMULATED, no finding about a real model: {', '.join(result.simulated)}")
    for name, found in result.kin.items():
        note(f"{name} {'; '.join(found)}: it is left out of the ranking")
    note(f"wrote {result.folder}")
    for reason, count in result.failures[:5]:
        note(f"{count} calls brought no reply: {reason}")
    if result.failures:
        note("Next: mend that, and run the same command again: it asks these calls only")
        raise SystemExit(1)
    note(f"Next: finebench report {result.folder.name} --format markdown")


@click.command()
@click.argument("runs", nargs=-1)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "markdown", "latex", "csv", "json", "html"]),
    default="table",
    show_default=True,
    help="How to print the scores; html writes a page with figures into --out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for --format html; its files of a report are replaced.",
)
@click.option(
    "--counts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Report a CSV of published counts (model, n, consistent, consistent_safe) in place of runs.",
)
@click.option(
    "--judge",
    type=click.Choice(["people", "corrected"]),
    help="people: their word in place of the model judge's. corrected: the model judge's, mended by a slice.",
)
@click.option("--anchors", is_flag=True, help="Score only the items that all runs asked unchanged.")
def report(
    runs: tuple[str, ...],
    format_: str,
    out: Path | None,
    counts: Path | None,
    judge: str | None,
    anchors: bool,
) -> None:
    """Print the scores of finished runs, by default of all, or write them as a page.

    Example: finebench report 1.0.0 --format html --out report
    """
    from builder.commands.report_view import report_published
    from schemas.errors import UsageError

    if (format_ == "html") != (out is not None):
        raise UsageError("--format html and --out FOLDER go together: give both or neither.")
    if counts is None:
        _report_runs(runs, format_, out, judge=judge, anchors=anchors)
    elif runs or judge or anchors:
        raise UsageError("--counts stands alone: leave out runs, --judge and --anchors.")
    else:
        report_published(counts, format_, out)


def _report_runs(
    runs: tuple[str, ...], format_: str, out: Path | None, *, judge: str | None, anchors: bool
) -> None:
    from builder.bundle.engine.scoring import score_verdicts
    from builder.commands.report_view import print_summary, read_runs, write_run_page
    from builder.report.collecting import collect_report
    from builder.reporting import list_runs, print_report
    from builder.run_versions import read_run_versions

    workspace = open_here()
    named = list(dict.fromkeys(runs or list_runs(workspace)))
    if judge == "corrected" and not anchors:
        _show_corrections(named, format_)
        return
    read = read_runs(workspace, named, people=bool(judge), anchors=anchors)
    if anchors:
        _tell_differences(named)
    if out is not None:
        write_run_page(workspace, read, out)
        return
    if format_ in ("table", "markdown", "latex"):
        print_summary(collect_report(workspace.config.title, read), format_)
    if format_ in ("table", "csv", "json"):
        versions = {run: read_run_versions(workspace, run, judge=judge or "") for run in named}
        print_report(
            [score for run in read for score in score_verdicts(run.verdicts)], versions, format_
        )


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


COMMANDS = (evaluate, rejudge, report)
