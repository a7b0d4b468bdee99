"""The command that brings a release to the Hugging Face Hub: publish."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import json_option, open_here

if TYPE_CHECKING:
    from builder.release.hub.client import Hub
    from builder.release.hub.publishing import Package, Settings

__all__ = ["COMMANDS"]


@click.command()
@click.argument("repository", metavar="NAMESPACE/NAME")
@click.argument("release", required=False, default="")
@click.option("--public", is_flag=True, help="Show it to everybody, behind a gate.")
@click.option(
    "--gated",
    type=click.Choice(["auto", "manual"]),
    help="With --public: how access is given. [default: what is set there already, or manual]",
)
@click.option("--waive", metavar="gated=REASON", help="With --public: without a gate.")
@click.option("--dry-run", is_flag=True, help="Show files, sizes and settings; change nothing.")
@json_option
def publish(
    repository: str,
    release: str,
    public: bool,
    gated: str | None,
    waive: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish a release, the newest or the one named, as a dataset on the Hub: private unless told.

    Example: finebench publish my-lab/my-benchmark 1.0.0 --public --gated manual
    """
    from builder.console import note, print_json
    from builder.release.hub.client import Hub, check_repository
    from builder.release.hub.publications import record_publication
    from builder.release.hub.publishing import pack_release
    from builder.release.hub.publishing import publish as bring

    check_repository(repository)
    settings = _read_settings(public, gated or "", waive or "")
    workspace = open_here()
    package = pack_release(_find_folder(release))
    if package.manifest.get("waivers"):
        note(f"released under waivers: {', '.join(sorted(package.manifest['waivers']))}")
    if dry_run:
        _show_plan(Hub(repository, tries=1), package, settings, as_json)
        return
    published = bring(Hub(repository, on_wait=note), package, settings, note)
    record_publication(workspace, published.as_row())
    if as_json:
        print_json(published.as_row() | {"was_there": published.was_there})
    state = "was there already, verified" if published.was_there else "is published"
    note(f"{package.title} {state}: {repository}, tag {published.tag}")
    split = package.manifest.get("split", "test")
    load = f'load_dataset("{repository}", "items", split="{split}", revision="{published.tag}")'
    note(f"Next: {load}")


def _read_settings(public: bool, gated: str, waive: str) -> "Settings":
    from builder.release.hub.publishing import Settings
    from schemas.errors import UsageError

    if (gated or waive) and not public:
        raise UsageError("--gated and --waive go with --public: a private dataset needs no gate.")
    name, equals, reason = waive.partition("=")
    if waive and (name != "gated" or not equals or not reason.strip()):
        raise UsageError(f"--waive {waive}: the one thing to waive here is the gate: gated=REASON.")
    if gated and waive:
        raise UsageError("--gated sets a gate, and --waive gated=… leaves it out: choose one.")
    return Settings(public=public, gated=gated, waiver=reason.strip())


def _find_folder(release: str) -> Path:
    from builder.release.sources import find_release
    from schemas.errors import StageError

    workspace = open_here()
    if release:
        return find_release(release, workspace)
    releases = workspace.list_releases()
    if not releases:
        raise StageError("there is no release yet. Run `finebench export 1.0.0` first.")
    return releases[-1]


def _show_plan(hub: "Hub", package: "Package", settings: "Settings", as_json: bool) -> None:
    """Tell what would be sent and set; the Hub is only looked at, where it can be."""
    from builder.console import make_table, note, print_json, print_table
    from builder.release.hub.publishing import check_settings, describe_plan
    from schemas.errors import HubError

    check_settings(package, settings)
    state, unknown = None, ""
    try:
        state = hub.find_state()
    except HubError as error:
        unknown = str(error)
    steps = describe_plan(package, settings, state)
    sizes = {name: found.size for name, found in package.hashes.items()}
    if as_json:
        print_json({"files": sizes, "plan": dict(steps), "unknown": unknown})
        return
    rows = [*sizes.items(), (f"{len(sizes)} files", sum(sizes.values()))]
    shown = [(name, f"{size:,}") for name, size in rows]
    print_table(make_table(package.title, ("file", "bytes"), shown))
    print_table(make_table(f"Would do at {hub.name}", ("what", "how"), steps))
    if unknown:
        note(f"What is there now is not known: {unknown}")
    note("Nothing was changed. Run it without --dry-run to publish.")


COMMANDS = (publish,)
