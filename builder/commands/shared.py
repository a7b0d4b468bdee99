"""What several commands share: the workspace they work in, and the option for JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from builder.workspace import Workspace

__all__ = ["batch_option", "dry_run_option", "find_here", "get_user", "json_option", "open_here"]

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print the data as JSON."
)

dry_run_option: Callable[[Any], Any] = click.option(
    "--dry-run", is_flag=True, help="Tell what would be asked and what it may cost; ask nobody."
)

batch_option: Callable[[Any], Any] = click.option(
    "--batch",
    is_flag=True,
    help="Ask by the provider's batch service; may be left and taken up again.",
)


def open_here() -> "Workspace":
    """Return the workspace that ``-C`` names, its configuration checked.

    Raises `UsageError` where there is none, and `DataError` with every fault of its two TOML files.
    """
    from builder.pipeline import finish_killed_stages
    from builder.workspace import open_workspace

    path: Path = click.get_current_context().find_root().obj
    workspace = open_workspace(path)
    workspace.check_configuration()
    finish_killed_stages(workspace)
    return workspace


def find_here() -> "Workspace | None":
    """Return the workspace that ``-C`` names, unchecked; None where a command can do without one."""
    from builder.workspace import Workspace

    path: Path = click.get_current_context().find_root().obj
    return Workspace(path) if (path / "bench.toml").is_file() else None


def get_user() -> str:
    """Return the name under which a person's edits are recorded, unless told otherwise."""
    return "curator"
