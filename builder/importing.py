"""Taking files in: a file enters the imports; stages 1 and 2 leave with its items among theirs."""

from collections.abc import Callable
from pathlib import Path

from builder.fine_format import import_fine
from builder.import_sources import ImportSource
from builder.mapped_import import Tell, import_mapped, tell_nobody
from builder.options import derive_options
from builder.questions import (
    NOBODY,
    find_inputs,
    read_imported_items,
    read_seeds,
    take_up_earlier,
    write_questions,
)
from builder.stage_records import describe_inputs
from builder.taking_items import ImportReport, Naming
from builder.workspace import Stage, Workspace

__all__ = ["take_file", "take_mapped", "write_stages"]


def take_file(
    workspace: Workspace, file: Path, *, language: str = "en", replace: bool = False
) -> ImportReport:
    """Import a FINE file, and write the files of stages 1 and 2 anew around it; see `take_mapped`."""
    return _take(
        workspace, lambda: import_fine(workspace, file, language=language, replace=replace)
    )


def take_mapped(
    workspace: Workspace,
    source: ImportSource,
    naming: Naming,
    *,
    replace: bool = False,
    tell: Tell = tell_nobody,
) -> ImportReport:
    """Import a source by mapping, and write the files of stages 1 and 2 anew around it, without any call.

    Generated questions that stand there already stay. Nobody is asked: where quotas are unfilled,
    stage 1 stays stale for `finebench generate`, and where generated questions stand beside the
    imported ones, stage 2 is left to `finebench derive`.
    """
    return _take(
        workspace, lambda: import_mapped(workspace, source, naming, replace=replace, tell=tell)
    )


def _take(workspace: Workspace, take_in: Callable[[], ImportReport]) -> ImportReport:
    with workspace.hold(str(Stage.QUESTIONS)), workspace.hold(str(Stage.OPTIONS)):
        report = take_in()
        write_stages(workspace)
    return report


def write_stages(workspace: Workspace) -> None:
    """Write stages 1 and 2 anew around the imports, without any call; the caller holds both.

    Where questions stand beside the imported ones, stage 2 is left to `finebench derive`.
    """
    earlier = take_up_earlier(workspace)
    made_from = dict(describe_inputs(workspace, find_inputs(workspace)))
    made_from["parameters"] = made_from["parameters"] | {"writer": NOBODY}
    seeds = read_seeds(workspace)
    write_questions(workspace, [*read_imported_items(workspace), *seeds], earlier, made_from)
    if not seeds and not earlier.kept:
        derive_options(workspace)
