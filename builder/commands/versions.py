"""Commands of versions: diff."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import find_here, open_here

if TYPE_CHECKING:
    from builder.release.versions.split_diff import SplitDiff, Splits
    from builder.workspace import Workspace

__all__ = ["COMMANDS"]


@click.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="[B]", required=False, default="")
@click.option(
    "--texts", is_flag=True, help="Show texts of items too, word by word: may be harmful."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "markdown", "json"]),
    default="table",
    show_default=True,
    help="How to print it; json is complete, with all texts.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def diff(old: str, new: str, texts: bool, format_: str, out: Path | None) -> None:
    """Tell what changed between two releases; without B, what an export would change now.

    A and B are versions here, folders, or hub:OWNER/NAME@REVISION.

    Example: finebench diff 1.0.0 1.1.0
    """
    from builder.console import make_console, note
    from builder.release.versions.diff_view import make_diff_view
    from builder.release.versions.split_diff import compare_splits
    from schemas.storage import write_text

    workspace = find_here()
    found = compare_splits(_read(old, workspace), _read(new, workspace) if new else _draft())
    if out is not None:
        write_text(out, _render(found, format_, texts=texts))
        note(f"wrote {out}")
    elif format_ == "table":
        make_console().print(make_diff_view(found, texts=texts))
    else:
        click.echo(_render(found, format_, texts=texts), nl=False)
    if not found.is_empty:
        note(f"Next: {'finebench report RUN RUN --anchors' if new else 'finebench export --next'}")


def _read(source: str, workspace: "Workspace | None") -> "Splits":
    from builder.release.sources import find_release
    from builder.release.versions.split_diff import read_splits

    return read_splits(find_release(source, workspace))


def _draft() -> "Splits":
    """Return what an export would write now."""
    from builder.release.folder import draft_export

    return draft_export(open_here())


def _render(found: "SplitDiff", format_: str, *, texts: bool) -> str:
    """Return a diff as it is written to a file."""
    import json

    from builder.release.versions.diff_facts import describe_diff
    from builder.release.versions.diff_view import render_diff, write_diff_markdown

    if format_ == "json":
        # Escaped, as a damaged release may hold what cannot be written as UTF-8.
        return json.dumps(describe_diff(found), indent=1, sort_keys=True) + "\n"
    if format_ == "markdown":
        return write_diff_markdown(found, texts=texts)
    return render_diff(found, texts=texts)


COMMANDS = (diff,)
