"""The command that takes items from outside: import."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import open_here

if TYPE_CHECKING:
    from builder.taking_items import ImportReport
    from builder.workspace import Workspace

__all__ = ["COMMANDS"]


@click.command(name="import")
@click.argument("source")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["fine", "mapped"]),
    help="FINE's JSONL, or any columns by --map (which may stand alone).",
)
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="TARGET=COLUMN",
    help="What a column of the source is: question, positive_option, negative_option; dimension, "
    "language, id, family, polarity, positive_arm, negative_arm.",
)
@click.option("--dimension", default="", help="With --map: the dimension of all items.")
@click.option(
    "--language",
    default="",
    show_default="en",
    help="Language tag of its texts, where no column is.",
)
@click.option("--config", default="", help="With the folder of a dataset: which of its configs.")
@click.option("--split", default="", help="With the folder of a dataset: which of its splits.")
@click.option("--replace", is_flag=True, help="Put out items of an import of the same name.")
def import_(
    source: str,
    format_: str | None,
    pairs: tuple[str, ...],
    dimension: str,
    language: str,
    config: str,
    split: str,
    replace: bool,
) -> None:
    """Take items from a file, a dataset's folder or the Hub; report every row that cannot be taken.

    SOURCE is FINE's JSONL with --format fine, or with --map a .csv, .jsonl or .parquet file, the folder
    of a dataset, or hub:owner/name[/config][:split][@revision].

    Example: finebench import pairs.csv --map question=prompt --map positive_option=good --map
    negative_option=bad --map dimension=topic
    """
    from schemas.errors import UsageError

    if format_ is None and not pairs:
        raise UsageError(
            "in which format is it? Add --format fine, or say what its columns are: --map "
            "question=COLUMN --map positive_option=COLUMN --map negative_option=COLUMN."
        )
    if format_ == "fine":
        if pairs or dimension or config or split:
            raise UsageError(
                "--map, --dimension, --config and --split do not go with --format fine."
            )
        _take_fine(source, language, replace)
    else:
        _take_mapped(source, pairs, dimension, language, config, split, replace)


def _take_fine(source: str, language: str, replace: bool) -> None:
    from builder.importing import take_file

    file = Path(source)
    workspace = open_here()
    report = take_file(workspace, file, language=language or "en", replace=replace)
    _tell(workspace, file.name, report, "lines")


def _take_mapped(
    source: str,
    pairs: tuple[str, ...],
    dimension: str,
    language: str,
    config: str,
    split: str,
    replace: bool,
) -> None:
    from builder.console import track_count
    from builder.import_sources import open_source
    from builder.importing import take_mapped
    from builder.mapped_import import make_naming, parse_mapping

    mapping = parse_mapping(pairs)
    workspace = open_here()
    naming = make_naming(mapping, workspace.taxonomy, dimension=dimension, language=language)
    found = open_source(source, config=config, split=split)
    with track_count(f"rows of {found.name}") as show:
        report = take_mapped(
            workspace, found, naming, replace=replace, tell=lambda rows: show(rows, None)
        )
    _tell(workspace, found.name, report, "rows")


def _tell(workspace: "Workspace", name: str, report: "ImportReport", rows: str) -> None:
    from builder.console import note, print_problems
    from builder.pipeline import find_next_step

    print_problems(report.problems)
    refused = report.refused
    lost = f", {report.lost} items of the earlier import put out" if report.lost else ""
    note(f"{name}: {len(report.items)} items taken, {refused} {rows} refused{lost}")
    note(f"Next: {find_next_step(workspace)}")
    if refused:
        raise SystemExit(1)


COMMANDS = (import_,)
