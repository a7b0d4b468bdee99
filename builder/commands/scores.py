"""Commands of scores: evaluate, rejudge."""

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
        result = evaluate_release(
            workspace, path, names, run=run, how=how, asking=asking, is_dry=dry_run
        )
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
        result = judge_run(workspace, run, new_run, how=how, asking=asking, is_dry=dry_run)
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


COMMANDS = (evaluate, rejudge)
