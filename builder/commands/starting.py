"""The command that makes a workspace: new, from nothing or from a release."""

from pathlib import Path

import click

__all__ = ["COMMANDS"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--title", default="", help="The benchmark's title; default: the folder's name.")
@click.option("--quota", type=click.IntRange(0), help="Questions that each dimension aims for.")
@click.option(
    "--license",
    "license_",
    help="Of the benchmark's texts. [default: CC-BY-4.0]",
)
@click.option(
    "--from",
    "source",
    default="",
    metavar="RELEASE",
    help="Start the next version of a release: its folder, or hub:owner/name@v1.0.0.",
)
def new(folder: Path, title: str, quota: int | None, license_: str | None, source: str) -> None:
    """Make a workspace: configuration, dimensions, guidelines; or take up a release.

    Example: finebench new my-benchmark
    """
    from builder.console import note
    from builder.workspace import create_workspace
    from schemas.errors import UsageError

    if source and (title or quota is not None or license_):
        raise UsageError(
            "--from takes title, quotas and licence from the release: change them afterwards in "
            "bench.toml and dimensions.toml."
        )
    if source:
        _take_up(folder, source)
        return
    create_workspace(folder, title=title, quota=quota, license_=license_ or "CC-BY-4.0")
    note(f"made {folder}: edit bench.toml and dimensions.toml as you need")
    note(f"Next: cd {folder} && finebench build")


def _take_up(folder: Path, source: str) -> None:
    from builder.console import note
    from builder.pipeline import find_next_step
    from builder.release.restart import start_from_release
    from builder.release.sources import find_release
    from builder.workspace import Stage

    workspace = start_from_release(folder, find_release(source, None))
    items = workspace.read_stage(Stage.OPTIONS)
    note(f"made {folder} from {source} with {len(items)} items, as they were decided there")
    if elsewhere := list(workspace.releases.glob("*.elsewhere")):
        note(
            f"{elsewhere[0].name.removesuffix('.elsewhere')} stays with its owner: its items are neither here nor known here"
        )
    foreign = [m for m in workspace.config.models.values() if not m.is_offline]
    if foreign:
        places = ", ".join(sorted({model.base_url for model in foreign}))
        note(
            f"models are named as there ({places}), without keys: look at them, and set key_variable"
        )
    note("quotas in dimensions.toml are what there is: raise them for more questions")
    note(f"Next: cd {folder} && {find_next_step(workspace)}")


COMMANDS = (new,)
