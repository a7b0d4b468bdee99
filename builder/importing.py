"""Taking files in: a file enters the imports; stages 1 and 2 leave with its items among theirs."""

from pathlib import Path

from builder.fine_format import ImportReport, import_fine
from builder.options import write_options
from builder.questions import count_missing, read_imported_items, write_questions
from builder.workspace import Stage, Workspace
from schemas.labels import Origin

__all__ = ["take_file"]


def take_file(workspace: Workspace, file: Path, *, language: str = "en") -> ImportReport:
    """Import a FINE file, and write the files of stages 1 and 2 anew around it, without any call.

    Generated questions that stand there already stay. Where some of them have no options yet,
    stage 2 is left to `finebench derive`.
    """
    with workspace.hold(str(Stage.QUESTIONS)), workspace.hold(str(Stage.OPTIONS)):
        generated = _list_generated(workspace, Stage.QUESTIONS)
        report = import_fine(workspace, file, language=language)
        missing = count_missing(workspace, [*generated, *read_imported_items(workspace)])
        rejected_questions = workspace.read_rejected(Stage.QUESTIONS)
        write_questions(workspace, generated, rejected_questions, writer_asked=not missing)
        written = _list_generated(workspace, Stage.OPTIONS)
        rejected = workspace.read_rejected(Stage.OPTIONS)
        settled = {row["item_id"] for row in (*written, *rejected)}
        if settled == {row["item_id"] for row in generated}:
            write_options(workspace, written, rejected)
    return report


def _list_generated(workspace: Workspace, stage: Stage) -> list[dict[str, object]]:
    return [row for row in workspace.read_stage(stage) if row["origin"] != Origin.IMPORTED]
