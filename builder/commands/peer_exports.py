"""What `finebench export` does with a release that stands: FINE's JSONL of it, or files for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import open_here

if TYPE_CHECKING:
    from builder.release.peers.exporting import Peer
    from builder.release.reading import ReleaseData
    from builder.workspace import Workspace

__all__ = ["export_release_as"]


def export_release_as(version: str, format_: str, out: Path | None, hub: str) -> None:
    """Write release ``version``, or one in a folder, in another format than our own."""
    from builder.release.reading import read_release
    from builder.release.sources import find_release
    from schemas.errors import UsageError

    if not version:
        raise UsageError(
            f"which release? Name its version: finebench export 1.0.0 --format {format_}"
        )
    if hub and format_ != "lm-eval":
        raise UsageError("--hub goes with --format lm-eval.")
    workspace = open_here()
    folder = find_release(version, workspace)
    release = read_release(folder)
    if format_ == "fine":
        _write_fine(workspace, release, out)
    else:
        from builder.release.peers.exporting import Peer

        _write_for(workspace, release, Peer(format_), out, hub)


def _write_fine(workspace: "Workspace", release: "ReleaseData", out: Path | None) -> None:
    from builder.console import note
    from builder.fine_format import make_fine_rows

    _write_text(make_fine_rows(release.rows, workspace.taxonomy), out)
    note(f"{len(release.rows)} items of {release.version} in FINE's format")


def _write_for(
    workspace: "Workspace", release: "ReleaseData", peer: "Peer", out: Path | None, hub: str
) -> None:
    from builder.console import note
    from builder.release.peers.exporting import make_peer_files
    from builder.release.peers.lm_eval import make_task_name
    from schemas.errors import UsageError
    from schemas.storage import write_text

    files = make_peer_files(workspace, release, peer, hub=hub)
    if len(files) == 1:
        (text,) = files.values()
        _write_text(text, out)
        note(f"Next: put it into the root of the dataset, then {_NEXT[peer]}")
        return
    if out is None:
        raise UsageError(
            f"{len(files)} files are written for {peer}: name a folder for them, --out DIR."
        )
    for name, text in files.items():
        write_text(out / name, text)
        note(f"wrote {out / name}")
    name = make_task_name(release.name)
    note(f"Next: {_NEXT[peer].format(out=out, name=name)}")


_NEXT = {
    "inspect": "inspect eval hf/OWNER/NAME --model MODEL",
    "lm-eval": "lm_eval --include_path {out} --tasks {name}_choice --apply_chat_template …",
    "label-studio": "make a project with {out}/label_config.xml, import {out}/tasks.json into it, and keep "
    "{out}/key.private.jsonl from those who answer",
}


def _write_text(text: str, out: Path | None) -> None:
    from schemas.storage import write_text

    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
