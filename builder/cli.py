"""The command line ``finebench``: its root, and how errors become one sentence and an exit code.

Commands import what is heavy inside their bodies, so that ``--help`` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Any

import click

from builder.commands import (
    advice,
    calls,
    imports,
    items,
    judging,
    people,
    planning,
    publishing,
    releases,
    reports,
    requests,
    scores,
    stages,
    starting,
    versions,
)

__all__ = ["cli", "main"]


class _Root(click.Group):
    """The root group: shows users' errors without a traceback, and lists commands in road order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        from builder.bundle.engine.errors import EngineError
        from schemas.errors import FineBenchError

        try:
            return super().invoke(ctx)
        except FineBenchError as error:
            _show_error(error)
            ctx.exit(error.exit_code)
        except EngineError as error:
            _show_error(error)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted: run the same command again to go on", err=True)
            ctx.exit(1)


def _show_error(error: Exception) -> None:
    from builder.console import note, print_problems

    print_problems(getattr(error, "problems", ()))
    note(f"error: {error}")


@click.group(
    cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "-C",
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="this folder",
    help="The benchmark's folder.",
)
@click.version_option(package_name="finebench")
@click.pass_context
def cli(ctx: click.Context, workspace: Path) -> None:
    """Build, review, release and evaluate benchmarks that expose fake alignment.

    Example: finebench new my-benchmark
    """
    ctx.obj = workspace


for _command in (
    *starting.COMMANDS,
    *planning.COMMANDS,
    *imports.COMMANDS,
    *stages.COMMANDS,
    *people.COMMANDS,
    *releases.COMMANDS,
    *versions.COMMANDS,
    *publishing.COMMANDS,
    *scores.COMMANDS,
    *reports.COMMANDS,
    *judging.COMMANDS,
    *advice.COMMANDS,
    *items.COMMANDS,
    *calls.COMMANDS,
    *requests.COMMANDS,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; the entry point of the ``finebench`` script."""
    # Nothing is sent anywhere unasked: no telemetry of the Hub's client, no look-ups of libraries.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from builder.bundle.engine.interrupts import end_as_interrupted

    end_as_interrupted()
    sys.exit(cli(prog_name="finebench"))
