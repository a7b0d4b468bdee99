"""Commands of releases: validate, export."""

from pathlib import Path

import click

from builder.commands.peer_exports import export_release_as
from builder.commands.shared import find_here, open_here

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
@click.option("--next", "is_next", is_flag=True, help="Take the version that is proposed.")
@click.option(
    "--waive", multiple=True, metavar="GATE=REASON", help="Release although a gate fails."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["release", "fine", "inspect", "lm-eval", "label-studio"]),
    default="release",
    show_default=True,
    help="A release folder; FINE's JSONL of a release or, without VERSION, of the checked items; or a "
    "release's files for another tool.",
)
@click.option("--original", is_flag=True, help="With fine: an import's lines, unchanged.")
@click.option("--source", default="", help="With --original: which imported file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write there: a file, not stdout, for fine and inspect; a folder for lm-eval and label-studio.",
)
@click.option(
    "--hub",
    default="",
    metavar="OWNER/NAME[@REVISION]",
    help="With lm-eval: load the items from the Hub, not from the release's folder.",
)
def export(
    version: str,
    is_next: bool,
    waive: tuple[str, ...],
    format_: str,
    original: bool,
    source: str,
    out: Path | None,
    hub: str,
) -> None:
    """Write a release of the accepted items, or what other tools read of it; without VERSION, propose one.

    Example: finebench export 1.0.0
    """
    from schemas.errors import UsageError

    if format_ != "release" and (waive or is_next):
        raise UsageError(
            f"--format {format_} takes no waiver and no --next: a release stands, or is written first."
        )
    if format_ != "fine" and (original or source):
        raise UsageError("--original and --source go with --format fine.")
    if original and version:
        raise UsageError("--original gives back an import: it takes no version.")
    if format_ == "fine" and not version and not hub:
        _export_fine(original, source, out)
        return
    if format_ != "release":
        export_release_as(version, format_, out, hub)
        return
    if out or hub:
        raise UsageError("--out and --hub go with another --format.")
    if version and is_next:
        raise UsageError("give a version or --next, not both.")
    waivers = _read_waivers(waive)
    if not version:
        version = _propose_version(waivers, is_taken=is_next)
    if version:
        _export_release(version, waivers)


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


def _read_waivers(waive: tuple[str, ...]) -> dict[str, str]:
    from schemas.errors import UsageError

    waivers: dict[str, str] = {}
    for waiver in waive:
        name, equals, reason = waiver.partition("=")
        if not equals or not reason.strip():
            raise UsageError(f"--waive {waiver}: write it as GATE=REASON.")
        waivers[name] = reason.strip()
    return waivers


def _propose_version(waivers: dict[str, str], *, is_taken: bool) -> str:
    """Tell how much changed and which version that makes; return it where it is taken.

    Where nothing changed there is no version. Exits with code 2 where the curator has yet to confirm.
    """
    import shlex

    from builder.console import make_gate_table, note, print_table
    from builder.release.folder import propose_export

    proposal = propose_export(open_here(), waivers)
    if not proposal.is_needed:
        note(f"nothing changed since {proposal.previous}: there is nothing to release")
        note(f"Next: finebench evaluate {proposal.previous} --model NAME")
        return ""
    level = f"{proposal.level.word} after {proposal.previous}: " if proposal.previous else ""
    note(f"{level}{', '.join(proposal.reasons)}. Proposed version: {proposal.version}")
    if is_taken:
        return proposal.version
    print_table(make_gate_table(proposal.gates))
    if failed := [gate for gate in proposal.gates if gate.holds_back]:
        for gate in failed:
            note(f"{gate.name} holds it back: {gate.detail}")
        note(f"Next: mend that, or waive it with a reason (--waive {failed[0].name}=REASON)")
        raise SystemExit(2)
    told = "".join(f" --waive {shlex.quote(f'{name}={why}')}" for name, why in waivers.items())
    note(f"Next: finebench export {proposal.version}{told}")
    raise SystemExit(2)


def _export_release(version: str, waivers: dict[str, str]) -> None:
    from builder.console import make_gate_table, note, print_table
    from builder.release.folder import export_release
    from builder.release.licences import find_spdx_id, read_own_license

    workspace = open_here()
    release = export_release(workspace, version, waivers)
    print_table(make_gate_table(release.gates))
    state = "wrote" if release.is_new else "unchanged:"
    note(f"{state} {release.path} with {len(release.rows)} items")
    if release.held_out:
        note(f"{state} {release.held_out}: held out, and never to be published")
    if not any(author.strip() for author in workspace.config.release.authors):
        note("nobody is named as author: CITATION.cff cites a project. See [release] in bench.toml")
    licence = workspace.config.license
    if not find_spdx_id(licence) and not read_own_license(workspace.root):
        note(
            f"{licence} is no SPDX id, so that LICENSE holds no terms: write them into LICENSE beside bench.toml"
        )
    note(f"Next: finebench evaluate {version} --model NAME")


@click.command()
@click.argument("release")
def verify(release: str) -> None:
    """Hold a release against its manifest: every file, every row, and what it says of itself.

    Example: finebench verify hub:my-lab/my-benchmark@v1.0.0
    """
    from builder.console import note, print_problems
    from builder.release.sources import find_release
    from builder.release.verifying import list_files, verify_release

    folder = find_release(release, find_here())
    problems = verify_release(folder)
    print_problems(problems)
    if problems:
        note(f"{release}: {len(problems)} differences: it is not what its manifest says")
        raise SystemExit(1)
    click.echo(f"{release}: {len(list_files(folder))} files, all as the manifest says")


COMMANDS = (validate, export, verify)
