"""FINE's own JSONL: a file of the paper's authors enters, items leave; and back without loss.

Its fields are ``id``, ``category``, ``question``, ``Positive Option``, ``Negative Option``. Working
texts are trimmed, because the white space around the released options tells which is positive; the
source line stays with its item, so that the original can be given back text by text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.questions import read_imported_items
from builder.workspace import Workspace, read_table
from schemas.errors import DataError, Problem, UsageError
from schemas.labels import Arm, Origin, Polarity
from schemas.storage import Line, Row, parse_lines, read_bytes, write_rows
from schemas.tables import ADDED_COLUMNS, TableName
from schemas.taxonomy import Taxonomy
from schemas.texts import (
    allocate_item_id,
    canonical_rows,
    find_forbidden_characters,
    hash_content,
    shorten,
    trim,
)
from schemas.validation import require_valid

__all__ = ["ImportReport", "export_originals", "import_fine", "make_fine_rows"]

_FIELDS = ("id", "category", "question", "Positive Option", "Negative Option")
_TEXT_FIELDS = _FIELDS[2:]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: items taken, and the problems of the lines that could not be.

    ``folder`` holds both: ``items.jsonl``, and ``rejected.jsonl`` with the lines as they stood.
    ``lost`` counts the items of an earlier import of that name that this one put out.
    """

    folder: Path
    items: list[Row]
    problems: list[Problem]
    lost: int


def import_fine(
    workspace: Workspace, source: Path, *, language: str = "en", replace: bool = False
) -> ImportReport:
    """Take the rows of a FINE file into the workspace's imports; return what became of each.

    Lines that cannot be taken become problems, all of them at once; the others go on. An earlier
    import of a file of the same name is replaced; where items would be lost by that, only if
    ``replace`` is set (`UsageError`). Raises `DataError` where no line can be taken.
    """
    data = read_bytes(source)
    lines, problems = parse_lines(data, source.name)
    folder = workspace.root / "imports" / source.name
    others = [r for r in read_imported_items(workspace) if r["question_source"] != source.name]
    seen = _Seen({row["item_id"]: f"import {row['question_source']}" for row in others}, {})
    items: list[Row] = []
    for line in lines:
        taken = _take_line(line, source.name, workspace.taxonomy, language, seen)
        if isinstance(taken, list):
            problems += taken
        else:
            items.append(taken)
    problems.sort(key=lambda problem: problem.row)
    if not items:
        raise DataError(f"{source}: no line can be taken.", problems)
    require_valid(items, TableName.ITEM, file=source.name, dimensions=workspace.taxonomy)
    earlier = read_table(folder / "items.jsonl", TableName.ITEM)
    lost = {row["item_id"] for row in earlier} - {row["item_id"] for row in items}
    if lost and not replace:
        raise UsageError(
            f"an import named {source.name} is there already, and this file lacks {len(lost)} of its "
            "items. Rename the file to take both, or import it with --replace."
        )
    write_rows(folder / "items.jsonl", items)
    write_rows(folder / "rejected.jsonl", _make_rejections(data, problems))
    return ImportReport(folder, items, problems, len(lost))


def _make_rejections(data: bytes, problems: Sequence[Problem]) -> list[Row]:
    """Return a rejection row for each line with problems, holding the line as it stood."""
    lines = data.split(b"\n")
    reasons: dict[int, list[str]] = {}
    for problem in problems:
        reasons.setdefault(problem.row, []).append(f"{problem.column} {problem.rule}".strip())
    return [
        {
            "item_id": f"line {number}",
            "dimension": "",
            "stage": "import",
            "reasons": "; ".join(told),
            "row": lines[number - 1].decode("utf-8", "backslashreplace"),
        }
        for number, told in sorted(reasons.items())
    ]


@dataclass(slots=True)
class _Seen:
    """What earlier lines and other imports hold: where each item id and each source id stands."""

    items: dict[str, str]
    source_ids: dict[str, int]


def _take_line(
    line: Line, source: str, taxonomy: Taxonomy, language: str, seen: _Seen
) -> Row | list[Problem]:
    """Return the item of one source line, or everything that is wrong with the line."""
    faults = _find_faults(line.row, taxonomy, seen.source_ids)
    source_id = line.row.get("id")
    if isinstance(source_id, str | int):
        seen.source_ids.setdefault(str(source_id), line.number)
    if not faults:
        item = _make_item(line, source, taxonomy, language)
        here = f"line {line.number}"
        earlier = seen.items.setdefault(item["item_id"], here)
        if earlier == here:
            return item
        shown = shorten(item["question"])
        faults = [("question", shown, f"the same texts as {earlier}", "Keep one of the two.")]
    return [Problem(source, line.number, *fault) for fault in faults]


Fault = tuple[str, str, str, str]


def _find_faults(
    row: Mapping[str, Any], taxonomy: Taxonomy, first_line: Mapping[str, int]
) -> list[Fault]:
    """Return (column, value, rule, remedy) for everything wrong with one source row."""
    faults: list[Fault] = []
    source_id = row.get("id")
    if (
        isinstance(source_id, bool)
        or not isinstance(source_id, str | int)
        or not trim(str(source_id))
    ):
        faults.append(("id", shorten(source_id), "missing or no text", "Give each row an id."))
    elif str(source_id) in first_line:
        rule = f"id already used in line {first_line[str(source_id)]}"
        faults.append(("id", shorten(source_id), rule, "Give each row its own id."))
    elif find_forbidden_characters(str(source_id)):
        remedy = "Remove control characters and lone surrogates."
        faults.append(("id", shorten(source_id), "holds forbidden characters", remedy))
    category = row.get("category")
    if not isinstance(category, str) or taxonomy.find(category) is None:
        known = ", ".join(d.name for d in taxonomy)
        remedy = f"Use one of: {known}; or add it (or an alias) to dimensions.toml."
        faults.append(("category", shorten(category), "unknown category", remedy))
    for field in _TEXT_FIELDS:
        faults += _find_text_faults(field, row.get(field))
    positive, negative = (row.get(field) for field in _TEXT_FIELDS[1:])
    if isinstance(positive, str) and isinstance(negative, str) and trim(positive) == trim(negative):
        remedy = "Write two options that say different things."
        faults.append(("Negative Option", shorten(negative), "same as the positive one", remedy))
    return faults


def _find_text_faults(field: str, value: Any) -> list[Fault]:
    if value is None:
        return [(field, "", "missing", f'Add the field "{field}".')]
    if not isinstance(value, str):
        return [(field, shorten(value), "no text", "Write it as a JSON string.")]
    if not trim(value):
        return [(field, shorten(value), "blank", "Write a text.")]
    forbidden = find_forbidden_characters(trim(value))
    if forbidden:
        rule = f"holds {', '.join(forbidden)}"
        return [(field, shorten(value), rule, "Remove control characters and lone surrogates.")]
    return []


def _make_item(line: Line, source: str, taxonomy: Taxonomy, language: str) -> Row:
    row = line.row
    dimension = taxonomy.find(row["category"])
    assert dimension is not None  # _find_faults has seen to it
    question, positive, negative = (trim(row[field]) for field in _TEXT_FIELDS)
    item_id = allocate_item_id(dimension.id, question, positive, negative)
    sides: Row = {}
    for side in ("positive", "negative"):
        sides |= {
            f"{side}_arm": str(Arm.UNKNOWN),
            f"{side}_source": source,
            f"{side}_prompt": "",
            f"{side}_call": "",
        }
    sides |= ADDED_COLUMNS
    return sides | {
        "item_id": item_id,
        "dimension": dimension.id,
        "question": question,
        "positive_option": positive,
        "negative_option": negative,
        "language": language,
        "family": item_id,
        "polarity": str(Polarity.UNKNOWN),
        "origin": str(Origin.IMPORTED),
        "question_source": source,
        "question_prompt": "",
        "question_call": "",
        "source_id": trim(str(row["id"])),
        "source_record": line.text,
        "content_hash": hash_content(question, positive, negative, language),
    }


def export_originals(workspace: Workspace, source: str = "") -> str:
    """Return the source lines of an import as they were, in their order.

    ``source`` names the imported file where there are several. Raises `UsageError` where it does
    not single out one.
    """
    items = read_imported_items(workspace)
    names = sorted({row["question_source"] for row in items})
    wanted = source or (names[0] if len(names) == 1 else "")
    if wanted not in names:
        known = ", ".join(names) or "none"
        raise UsageError(f"which import? Name one with --source (there are: {known}).")
    return "".join(row["source_record"] + "\n" for row in items if row["question_source"] == wanted)


def make_fine_rows(items: Iterable[Row], taxonomy: Taxonomy) -> str:
    """Return items as FINE's JSONL, with their present texts and the dimension's name as category."""
    rows: Sequence[Row] = [
        {
            "id": item["source_id"] or item["item_id"],
            "category": taxonomy[item["dimension"]].name,
            "question": item["question"],
            "Positive Option": item["positive_option"],
            "Negative Option": item["negative_option"],
        }
        for item in items
    ]
    return canonical_rows(rows)
