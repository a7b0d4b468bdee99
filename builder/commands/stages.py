"""Commands of the machine's stages: generate, derive, check, build."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import batch_option, dry_run_option, json_option, open_here

if TYPE_CHECKING:
    from builder.pipeline import Run
    from builder.workspace import Stage, Workspace

__all__ = ["COMMANDS"]


@click.command()
@click.option(
    "--seed-file",
    default="",
    metavar="FILE[#COLUMN]",
    help="Take your own questions first, from text (one a line), JSONL, CSV or Parquet.",
)
@click.option("--dimension", default="", help="With --seed-file: their dimension.")
@click.option(
    "--polarity",
    type=click.Choice(["act", "refrain"]),
    help="With --seed-file: whether they ask to do the unsafe thing, or to hold back from it; a "
    "dimension of safety needs it.",
)
@click.option("--language", default="", help="With --seed-file: their language tag.")
@click.option(
    "--refill", is_flag=True, help="Replace questions whose options `finebench derive` rejected."
)
@dry_run_option
@batch_option
def generate(
    seed_file: str,
    dimension: str,
    polarity: str | None,
    language: str,
    refill: bool,
    dry_run: bool,
    batch: bool,
) -> None:
    """Have questions written until each dimension has its quota.

    Example: finebench generate
    """
    from builder.console import note
    from builder.questions import generate_questions, tell_shortfalls
    from builder.workspace import Stage
    from schemas.errors import UsageError

    if seed_file and dry_run:
        raise UsageError("--seed-file takes questions: run it without --dry-run first.")
    if seed_file:
        _take_seeds(seed_file, dimension, polarity or "unknown", language)
    _run_stage(
        Stage.QUESTIONS,
        "questions",
        lambda workspace, asking: generate_questions(workspace, asking, refill=refill),
        dry_run=dry_run,
        batch=batch,
    )
    workspace = open_here()
    shortfalls = tell_shortfalls(workspace, refill=refill)
    for told in shortfalls:
        note(told)
    if workspace.read_stage(Stage.QUESTIONS):
        note("Next: finebench derive")
    else:
        note(
            "There are no questions: mend what is told above, or raise the quotas, and run it again."
        )
    if shortfalls:
        raise SystemExit(1)


def _take_seeds(source: str, dimension: str, polarity: str, language: str) -> None:
    from builder.console import note, print_problems
    from builder.seeding import take_seeds
    from schemas.errors import UsageError
    from schemas.labels import Polarity

    if not dimension:
        raise UsageError("--seed-file needs --dimension: which do its questions belong to?")
    report = take_seeds(
        open_here(),
        source,
        dimension,
        polarity=Polarity(polarity),
        language=language,
        here=Path.cwd(),
    )
    print_problems(report.problems)
    note(f"{source}: {report.taken} questions taken, {len(report.problems)} refused")


@click.command()
@click.option(
    "--repair", is_flag=True, help="Then have options rewritten whose form gives them away."
)
@click.option(
    "--rounds", type=click.IntRange(1, 10), default=3, show_default=True, help="Of repair, at most."
)
@dry_run_option
@batch_option
def derive(repair: bool, rounds: int, dry_run: bool, batch: bool) -> None:
    """Have a positive and a negative option written for each question.

    Example: finebench derive
    """
    from builder.workspace import Stage

    if repair and dry_run:
        _forecast_repair()
        return
    _run_stage(Stage.OPTIONS, "options", dry_run=dry_run, batch=batch)
    if repair:
        _repair(rounds, batch=batch)
    _show_rungs()
    if not _show_missing_options():
        raise SystemExit(1)


def _show_missing_options() -> bool:
    """Tell which questions have no options, and what to do; return whether the road goes on."""
    from builder.console import note
    from builder.option_account import ASKED_AGAIN, BY_HAND, NOT_ASKED, count_unread, tell_reasons
    from builder.pipeline import find_next_step
    from builder.workspace import Stage

    workspace = open_here()
    rejected = workspace.read_rejected(Stage.OPTIONS)
    for told in tell_reasons(rejected):
        note(told)
    if unread := count_unread(rejected):
        note(
            f"On {unread} questions the judge's word could not be read: another judge (`roles.judge` in "
            "bench.toml) may say more of them, and generate --refill replaces them"
        )
    if any(BY_HAND in row["reasons"] for row in rejected):
        note(
            "To write one: finebench edit ID --negative-option TEXT (ids: 02_options.rejected.jsonl)"
        )
    if any(ASKED_AGAIN in row["reasons"] for row in rejected):
        note("Next: finebench derive")
        return False
    waiting = sorted({row["dimension"] for row in rejected if NOT_ASKED in row["reasons"]})
    if waiting:
        note(
            f"Next: other models or prompts for {', '.join(waiting)} and finebench derive, or go on without: "
            f"{find_next_step(workspace)}"
        )
        return False
    note(f"Next: {find_next_step(workspace)}")
    return not rejected or bool(workspace.read_stage(Stage.OPTIONS))


def _forecast_repair() -> None:
    """Tell what the first round of repair would ask; later rounds ask for as much at most."""
    from builder.commands.asking import choose_asking
    from builder.console import note
    from builder.pipeline import find_stale_stages
    from builder.repairing import repair_options
    from builder.workspace import Stage
    from schemas.errors import UsageError

    workspace = open_here()
    if Stage.OPTIONS in find_stale_stages(workspace):
        raise UsageError("the options are not up to date: run `finebench derive` first.")
    note("Of the first round; a later one asks for as much at most:")
    with choose_asking("repair", dry_run=True) as asking:
        note(f"repair: {repair_options(workspace, asking, is_kept=False).ended}")


def _repair(rounds: int, *, batch: bool) -> None:
    from builder.commands.asking import choose_asking
    from builder.console import note
    from builder.repairing import repair_options
    from builder.workspace import Stage

    if not open_here().read_stage(Stage.OPTIONS):
        note("repair: no question has options yet, so there is nothing to repair")
        return
    with choose_asking("repair", batch=batch) as asking:
        report = repair_options(open_here(), asking, rounds=rounds)
    shown = " → ".join(f"{accuracy:.1%}" for accuracy in report.accuracies)
    note(f"repair: lengths and marks found the positive option in {shown or 'no pairs'}")
    note(f"repair: {report.rewritten} options rewritten; {report.ended}")
    for reason, count in sorted(report.refused.items(), key=lambda entry: -entry[1])[:5]:
        note(f"  {count} new texts were not fit: {reason}")
    if report.rewritten:
        _run_stage(Stage.OPTIONS, "options", dry_run=False, batch=batch)


def _show_rungs() -> None:
    """Show what each rung of the ladder of negative options brought."""
    from builder.console import make_table, print_table
    from schemas.storage import read_json

    counts = read_json(open_here().rungs)
    rows = [
        (
            dimension,
            rung,
            count["tried"],
            count["brought"],
            f"{count['brought'] / count['tried']:.0%}",
        )
        for dimension, rungs in counts.items()
        for rung, count in rungs.items()
    ]
    if rows:
        columns = ("dimension", "rung", "tried", "brought one", "yield")
        print_table(make_table("Negative options by rung", columns, rows))


def _run_stage(
    stage: "Stage", description: str, run: "Run | None" = None, *, dry_run: bool, batch: bool
) -> None:
    from builder.commands.asking import choose_asking
    from builder.console import show_counts
    from builder.pipeline import run_step

    workspace = open_here()
    with choose_asking(description, dry_run=dry_run, batch=batch) as asking:
        counts = run_step(workspace, stage, asking, run)
    show_counts(str(stage), counts)


@click.command()
@click.option(
    "--against",
    multiple=True,
    metavar="SOURCE",
    help="Compare with this source too, now and at every later check: FILE[#COLUMN], a release, or "
    "hub:owner/name[/config][:split][@revision]#column. May be given several times.",
)
@click.option(
    "--forget", multiple=True, metavar="SOURCE", help="Compare with this source no longer."
)
@json_option
@dry_run_option
@batch_option
def check(
    against: tuple[str, ...], forget: tuple[str, ...], as_json: bool, dry_run: bool, batch: bool
) -> None:
    """Check near-duplicates, contamination, texts and option leak; exit 1 where something blocks.

    Models are asked only where roles.embedder names one of embeddings.

    Example: finebench check --against corpus.jsonl#question
    """
    from builder.checks.contamination.workspace_references import try_references
    from builder.checks.similarity.bounds import WEAK_BELOW
    from builder.checks.stage import check_items
    from builder.commands.asking import choose_asking
    from builder.commands.check_view import show_check
    from builder.console import note, show_counts, track_work
    from builder.pipeline import run_step
    from builder.workspace import Stage
    from schemas.errors import UsageError

    workspace = open_here()
    if workspace.config.checks.near_duplicate_ratio < WEAK_BELOW:
        note(
            f"near_duplicate_ratio is below {WEAK_BELOW:.0f}: every pair of questions of like length is "
            "compared, which is as exact and takes longer"
        )
    if not workspace.config.roles.embedder and (dry_run or batch):
        raise UsageError("nobody is asked: bench.toml names no roles.embedder.")
    with (
        try_references(workspace, against, forget, here=Path.cwd()),
        track_work() as on_progress,
        choose_asking("embeddings", dry_run=dry_run, batch=batch)
        if workspace.config.roles.embedder
        else nullcontext() as asking,
    ):
        counts = run_step(
            workspace, Stage.CHECKED, asking, lambda w, a: check_items(w, a, on_progress)
        )
    show_counts(str(Stage.CHECKED), counts)
    if show_check(workspace, as_json=as_json):
        raise SystemExit(1)


@click.command()
@dry_run_option
@batch_option
def build(dry_run: bool, batch: bool) -> None:
    """Run the stages that are not up to date, up to where people are needed.

    Example: finebench build
    """
    from builder.commands.asking import choose_asking
    from builder.console import note, show_counts
    from builder.option_account import has_failed_calls
    from builder.pipeline import build as run_build
    from builder.pipeline import find_next_step
    from builder.questions import is_cut_short, tell_shortfalls
    from builder.workspace import Stage

    workspace = open_here()
    if dry_run:
        _forecast(workspace, batch=batch)
        return
    with choose_asking("build", batch=batch) as asking:
        for stage, counts in run_build(workspace, asking):
            if counts is None:
                note(f"{stage}: up to date")
            else:
                show_counts(str(stage), counts)
    for told in tell_shortfalls(workspace):
        note(told)
    if has_failed_calls(workspace.read_rejected(Stage.OPTIONS)):
        note(
            "Some questions have no options for calls that failed: finebench build asks for them again"
        )
    if is_cut_short(workspace):
        note(
            "Calls failed on the way. Next: mend that, and finebench build again: it goes on where it stood"
        )
        raise SystemExit(1)
    note(f"Next: {find_next_step(workspace)}")


def _forecast(workspace: "Workspace", *, batch: bool) -> None:
    """Tell what all stages together would ask."""
    from builder.commands.asking import show_forecast
    from builder.console import note
    from builder.forecast import forecast_build

    stages = forecast_build(workspace)
    if not stages:
        note("nothing to ask: every reply is in the journal")
        return
    show_forecast(stages, batch=batch)


COMMANDS = (generate, derive, check, build)
