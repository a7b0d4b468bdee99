"""The curator's own questions: a file enters; its questions stand among those of stage 1, or are refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from builder.checks.contamination.readers import (
    read_csv_rows,
    read_json_lines,
    read_parquet_rows,
)
from builder.checks.contamination.records import Note, Record, list_columns
from builder.checks.contamination.references import (
    Reference,
    ReferenceKind,
    parse_reference,
    read_reference,
)
from builder.checks.rules.item import find_text_breaches
from builder.question_checks import find_copies
from builder.questions import list_generated, read_imported_items, read_seeds
from builder.workspace import Stage, Workspace
from schemas.errors import Problem, UsageError
from schemas.labels import DimensionKind, Origin, Polarity
from schemas.storage import Row, sort_rows, write_rows
from schemas.tables import TableName
from schemas.texts import (
    allocate_item_id,
    find_forbidden_characters,
    is_language_tag,
    shorten,
    trim,
)
from schemas.validation import require_valid

__all__ = ["SeedReport", "take_seeds"]

# A question in another language than the tag says would be asked, judged and scored as what it is not.
_NEVER = ("minors:", "language:")
_LOOKED_AT = 1000


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
    read as one, a language that is no tag, or a safety dimension without a polarity.
    """
    polarity = _choose_polarity(workspace, dimension, polarity)
    if language and not is_language_tag(language):
        raise UsageError(
            f"--language {language}: is no language tag. Write one such as en or zh-Hans."
        )
    with workspace.hold(str(Stage.QUESTIONS)):
        seeds = read_seeds(workspace)
        have = [*read_imported_items(workspace), *seeds, *list_generated(workspace)]
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


def _choose_polarity(workspace: Workspace, dimension: str, polarity: Polarity) -> Polarity:
    """Return the polarity of a dimension's seeds; raise `UsageError` where it must be told and is not."""
    if dimension not in workspace.taxonomy:
        known = ", ".join(workspace.taxonomy.ids)
        raise UsageError(f"no dimension is named {dimension} (there are: {known}).")
    if workspace.taxonomy[dimension].kind is DimensionKind.CONTROL:
        return Polarity.NEUTRAL
    if polarity is Polarity.UNKNOWN:
        raise UsageError(
            f"--polarity act or --polarity refrain is needed for {dimension}: do its questions ask to do "
            "the unsafe thing, or to hold back from it? Options are written so that refusing is right to "
            "one half of them. Take questions of each kind from a file of their own."
        )
    return polarity


def _read_rows(
    source: str, dimension: str, polarity: Polarity, language: str, here: Path
) -> tuple[list[tuple[str, Row]], list[Problem]]:
    """Return the questions of a file with their places, and what could not be read or taken."""
    reference = parse_reference(source, root=here)
    _require_one_column(reference, here)
    # A blank line parts lines of text; a row without a question is one that lacks it.
    is_row = reference.kind is not ReferenceKind.TEXT
    reading = read_reference(reference, root=here, is_blank_told=is_row)
    rows, problems = [], []
    for passage in reading:
        question = trim(passage.text)
        fault = _find_fault(question, language)
        if fault:
            problems.append(_refuse(source, passage.place, question, fault))
        else:
            row = _make_row(question, dimension, polarity, language, source)
            rows.append((passage.place, row))
    problems += [_refuse(source, note.place, "", note.reason) for note in reading.first_skipped]
    more = reading.skipped - len(reading.first_skipped)
    if more:
        problems.append(_refuse(source, f"{more} more places", "", "hold no text that can be read"))
    return rows, problems


def _require_one_column(reference: Reference, here: Path) -> None:
    """Raise `UsageError` with the columns of a table where it has several and none was named.

    Their texts would all be taken for questions: ids, answers and notes among them.
    """
    path = reference.locate(here)
    if path is None or len(reference.columns) == 1:
        return
    columns = list(reference.columns) or _list_columns(reference, path)
    if len(columns) > 1:
        raise UsageError(
            f"{reference.source}: name the column that holds the questions: "
            f"{reference.location}#COLUMN. {list_columns(columns)}"
        )


def _list_columns(reference: Reference, path: Path) -> list[str]:
    """Return the names of a file's columns, in their order; of a text file none."""
    records: Iterable[Record | Note] = ()
    if reference.kind is ReferenceKind.PARQUET:
        records = read_parquet_rows(path, (), reference.source)
    elif reference.kind is ReferenceKind.CSV:
        records = read_csv_rows(path, (), reference.source)
    elif reference.kind is ReferenceKind.JSONL:
        records = read_json_lines(path, reference.source)
    fields = (r.fields for r in islice(records, _LOOKED_AT) if isinstance(r, Record))
    return list(dict.fromkeys(column for row in fields for column, _ in row))


def _find_fault(question: str, language: str) -> str:
    """Return why a question is not taken; an empty text where it is."""
    if find_forbidden_characters(question):
        return "holds control characters"
    breaches = find_text_breaches(question, "question", language, _NEVER)
    return "; ".join(f"{breach.rule} ({breach.evidence})" for breach in breaches)


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
