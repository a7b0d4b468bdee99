"""Commands of releases: validate, export."""

from pathlib import Path

import click

from builder.commands.shared import open_here

__all__ = ["COMMANDS"]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--as", "table", default="", help="Take the file for this table, without guessing.")
def validate(files: tuple[Path, ...], table: str) -> None:
    """Say what a file is and whether it holds; by default all of the workspace.

    Example: finebench validate 03_checked.jsonl
    """
    from builder.console import note, print_problems
    from builder.validating import inspect_file, list_workspace_files

    paths = list(files) or list_workspace_files(open_here())
    broken = 0
    for path in paths:
        found = inspect_file(path, table)
        print_problems(found.problems)
        verdict = f"{len(found.problems)} problems" if found.problems else "holds"
        click.echo(f"{path}: {found.kind}, {found.rows} rows: {verdict}")
        broken += bool(found.problems)
    if broken:
        note(f"{broken} of {len(paths)} files have problems")
        raise SystemExit(1)


@click.command()
@click.argument("version", required=False, default="")
@click.option(
    "--waive", multiple=True, metavar="GATE=REASON", help="Release although a gate fails."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["release", "fine"]),
    default="release",
    show_default=True,
    help="A release folder, or FINE's JSONL.",
)
@click.option("--original", is_flag=True, help="With fine: an import's lines, unchanged.")
@click.option("--source", default="", help="With --original: which imported file.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="With fine: write here, not to stdout."
)
def export(
    version: str,
    waive: tuple[str, ...],
    format_: str,
    original: bool,
    source: str,
    out: Path | None,
) -> None:
    """Write a release of the accepted items, or items in FINE's format.

    Example: finebench export 1.0.0
    """
    from schemas.errors import UsageError

    if format_ == "fine":
        if version or waive:
            raise UsageError("--format fine takes no version and no waiver.")
        _export_fine(original, source, out)
        return
    if original or source or out:
        raise UsageError("--original, --source and --out go with --format fine.")
    if not version:
        raise UsageError("which version? For the first: finebench export 1.0.0")
    _export_release(version, waive)


def _export_fine(original: bool, source: str, out: Path | None) -> None:
    from builder.console import note
    from builder.fine_format import export_originals, make_fine_rows
    from builder.workspace import Stage
    from schemas.errors import StageError
    from schemas.storage import write_text

    workspace = open_here()
    if original:
        text = export_originals(workspace, source)
    else:
        items = workspace.read_stage(Stage.CHECKED)
        if not items:
            raise StageError("there are no checked items. Run `finebench check` first.")
        text = make_fine_rows(items, workspace.taxonomy)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
    note(f"{text.count(chr(10))} records in FINE's format")


def _export_release(version: str, waive: tuple[str, ...]) -> None:
    from builder.console import make_gate_table, note, print_table
    from builder.release.folder import export_release
    from schemas.errors import UsageError

    waivers: dict[str, str] = {}
    for waiver in waive:
        name, equals, reason = waiver.partition("=")
        if not equals or not reason.strip():
            raise UsageError(f"--waive {waiver}: write it as GATE=REASON.")
        waivers[name] = reason.strip()
    workspace = open_here()
    release = export_release(workspace, version, waivers)
    print_table(make_gate_table(release.gates))
    state = "wrote" if release.is_new else "unchanged:"
    note(f"{state} {release.path} with {len(release.rows)} items")
    if not any(author.strip() for author in workspace.config.release.authors):
        note("nobody is named as author: CITATION.cff cites a project. See [release] in bench.toml")
    note(f"Next: finebench evaluate {version} --model NAME")


COMMANDS = (validate, export)
