"""The curator's own questions: a file enters; its questions stand among those of stage 1, or are refused."""

from dataclasses import dataclass
from pathlib import Path

from builder.checks.contamination.references import parse_reference, read_reference
from builder.question_checks import find_copies
from builder.questions import read_imported_items, read_seeds
from builder.workspace import Stage, Workspace
from schemas.errors import Problem, UsageError
from schemas.labels import DimensionKind, Origin, Polarity
from schemas.storage import Row, sort_rows, write_rows
from schemas.tables import TableName
from schemas.texts import allocate_item_id, find_forbidden_characters, shorten, trim
from schemas.validation import require_valid

__all__ = ["SeedReport", "take_seeds"]


@dataclass(frozen=True, slots=True)
class SeedReport:
    """How many questions were taken, and why others were not."""

    taken: int
    problems: list[Problem]


def take_seeds(
    workspace: Workspace,
    source: str,
    dimension: str,
    *,
    polarity: Polarity = Polarity.UNKNOWN,
    language: str = "",
    here: Path,
) -> SeedReport:
    """Take the questions of a file into a dimension; a copy of one that stands is refused.

    ``source`` is a file as for `finebench check --against`: text with one question a line, or JSONL, CSV
    or Parquet with ``#COLUMN``. Raises `UsageError` for an unknown dimension or a file that cannot be
    read as one.
    """
    if dimension not in workspace.taxonomy:
        known = ", ".join(workspace.taxonomy.ids)
        raise UsageError(f"no dimension is named {dimension} (there are: {known}).")
    if workspace.taxonomy[dimension].kind is DimensionKind.CONTROL:
        polarity = Polarity.NEUTRAL
    with workspace.hold(str(Stage.QUESTIONS)):
        seeds = read_seeds(workspace)
        have = [*read_imported_items(workspace), *seeds]
        have += [
            r for r in workspace.read_stage(Stage.QUESTIONS) if r["origin"] == Origin.GENERATED
        ]
        tag = language or workspace.config.language
        rows, problems = _read_rows(source, dimension, polarity, tag, here)
        cutoff = workspace.config.checks.near_duplicate_ratio
        copies = find_copies([*have, *(row for _, row in rows)], len(have), cutoff)
        kept = []
        for number, (place, row) in enumerate(rows, start=len(have)):
            if number in copies:
                problems.append(_refuse(source, place, row["question"], copies[number]))
            else:
                kept.append(row)
        everything = sort_rows([*seeds, *kept], "item_id")
        require_valid(everything, TableName.QUESTION, file=workspace.seeds.name)
        write_rows(workspace.seeds, everything)
    return SeedReport(len(kept), problems)


def _read_rows(
    source: str, dimension: str, polarity: Polarity, language: str, here: Path
) -> tuple[list[tuple[str, Row]], list[Problem]]:
    """Return the questions of a file with their places, and what could not be read or taken."""
    reading = read_reference(parse_reference(source, root=here), root=here)
    rows, problems = [], []
    for passage in reading:
        question = trim(passage.text)
        if find_forbidden_characters(question):
            problems.append(_refuse(source, passage.place, question, "holds control characters"))
        else:
            row = _make_row(question, dimension, polarity, language, source)
            rows.append((passage.place, row))
    problems += [_refuse(source, note.place, "", note.reason) for note in reading.first_skipped]
    return rows, problems


def _refuse(source: str, place: str, question: str, reason: str) -> Problem:
    shown = shorten(question) if question else ""
    return Problem(f"{source}, {place}", 0, "", shown, reason, "It was not taken.")


def _make_row(question: str, dimension: str, polarity: Polarity, language: str, source: str) -> Row:
    item_id = allocate_item_id(dimension, question)
    return {
        "item_id": item_id,
        "dimension": dimension,
        "question": question,
        "language": language,
        "family": item_id,
        "polarity": str(polarity),
        "cell": "",
        "twin": "",
        "origin": str(Origin.HUMAN),
        "question_source": Path(source.partition("#")[0]).name,
        "question_prompt": "",
        "question_call": "",
        "source_id": "",
        "source_record": "",
    }
