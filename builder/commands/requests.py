"""Commands for calls that somebody else makes: requests export, requests import."""

from pathlib import Path

import click

from builder.commands.shared import open_here

__all__ = ["COMMANDS"]


@click.group()
def requests() -> None:
    """Write a stage's calls to files for a batch runner, and take its replies.

    Example: finebench requests export calls --stage questions
    """


@requests.command(name="export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--stage",
    type=click.Choice(["questions", "options", "checks", "evaluation"]),
    required=True,
    help="Whose calls.",
)
@click.option("--release", default="", help="With --stage evaluation: the version, or a folder.")
@click.option(
    "--model", "models", multiple=True, help="With --stage evaluation: a model; repeatable."
)
def export_(folder: Path, stage: str, release: str, models: tuple[str, ...]) -> None:
    """Write the calls that a stage would make now, one file a model.

    Example: finebench requests export calls --stage questions
    """
    from builder.commands.estimate_view import show_estimates
    from builder.console import note
    from builder.llm.asking import PendingCalls
    from builder.llm.batch_files import group_by_endpoint, make_request_lines, note_requests
    from schemas.storage import write_text

    workspace = open_here()
    pending = None
    try:
        _ask_on_paper(stage, release, models)
    except PendingCalls as found:
        pending = found
    if pending is None:
        note("nothing to ask: every reply is in the journal")
        return
    if not show_estimates([pending], workspace.config.budget, batch=True):
        note("Nothing was written.")
        raise SystemExit(1)
    note_requests(workspace, pending.stage, pending.certain)
    for name, calls in group_by_endpoint(pending.certain).items():
        path = folder / f"{stage}-{name.replace(':', '-').replace('/', '-')}.jsonl"
        write_text(path, "".join(make_request_lines(calls)))
        note(f"wrote {path}: {len(calls)} requests")
    if pending.expected:
        note(
            f"{len(pending.expected)} more will follow from the replies: export again after the import"
        )
    note("Next: have them answered, then finebench requests import OUTPUT-FILE")


def _ask_on_paper(stage: str, release: str, models: tuple[str, ...]) -> None:
    from builder.checks.stage import check_items
    from builder.evaluation import evaluate_release
    from builder.llm.asking import Paper
    from builder.options import derive_options
    from builder.questions import generate_questions
    from builder.release.sources import find_release
    from schemas.errors import UsageError

    workspace = open_here()
    if stage == "questions":
        generate_questions(workspace, Paper())
    elif stage == "options":
        derive_options(workspace, Paper())
    elif stage == "checks":
        check_items(workspace, Paper())
    elif not (release and models):
        raise UsageError("--stage evaluation needs --release and --model.")
    else:
        path = find_release(release, workspace)
        evaluate_release(workspace, path, models, asking=Paper(), is_dry=True)


@requests.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
def import_(files: tuple[Path, ...]) -> None:
    """Take the replies of a batch runner's output files into the journal.

    Example: finebench requests import output.jsonl
    """
    from builder.console import note
    from builder.llm.batch_files import (
        discount,
        list_secrets,
        read_noted_calls,
        read_results,
        take_results,
    )
    from builder.llm.journal import open_journal

    workspace = open_here()
    noted = read_noted_calls(workspace)
    calls = {key: discount(call) for key, (_, call) in noted.items()}
    secrets = list_secrets(workspace.config)
    stages = {key: stage for key, (stage, _) in noted.items()}
    failed = 0
    with open_journal(workspace, stages=stages) as journal:
        for file in files:
            results = read_results(file, secrets)
            taken = take_results(results.replies, calls, journal.store)
            note(f"{file.name}: {taken.kept} replies taken, {taken.known} were there already")
            for told, count in sorted(taken.failures.items(), key=lambda entry: -entry[1])[:5]:
                note(f"  {count} brought no reply: {told}")
            if taken.strange:
                note(f"  {taken.strange} lines answer no request of this workspace")
            for told in results.strange[:3]:
                note(f"  {told}")
            failed += sum(taken.failures.values()) + taken.strange + len(results.strange)
    note("Next: run the stage; it goes on from these replies")
    if failed:
        raise SystemExit(1)


COMMANDS = (requests,)
