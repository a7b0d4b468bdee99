"""FINE's own JSONL: a file of the paper's authors enters, items leave; and back without loss.

Its fields are ``id``, ``category``, ``question``, ``Positive Option``, ``Negative Option``. Working
texts are trimmed, because the white space around the released options tells which is positive; the
source line stays with its item, so that the original can be given back text by text.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from builder.taking_items import (
    HOW_TAKEN,
    ImportReport,
    Naming,
    SourceRow,
    count_lost,
    find_seen,
    make_rejection_row,
    take_row,
)
from builder.workspace import Workspace, read_table
from schemas.errors import DataError, Problem, UsageError
from schemas.storage import Row, parse_lines, read_bytes, write_rows
from schemas.tables import TableName
from schemas.taxonomy import Taxonomy
from schemas.texts import canonical_rows
from schemas.validation import require_valid

__all__ = ["ImportReport", "export_originals", "import_fine", "make_fine_rows"]

_FIELDS: Mapping[str, str] = {
    "id": "id",
    "dimension": "category",
    "question": "question",
    "positive_option": "Positive Option",
    "negative_option": "Negative Option",
}


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
    seen = find_seen(workspace, folder)
    naming = Naming(_FIELDS, language=language)
    items: list[Row] = []
    for line in lines:
        row = SourceRow(f"line {line.number}", line.number, line.row, line.text)
        taken = take_row(row, source.name, naming, workspace.taxonomy, seen)
        if isinstance(taken, list):
            problems += taken
        else:
            items.append(taken)
    problems.sort(key=lambda problem: problem.row)
    if not items:
        raise DataError(f"{source}: no line can be taken.", problems)
    require_valid(items, TableName.ITEM, file=source.name, dimensions=workspace.taxonomy)
    lost = count_lost(folder, items, replace=replace)
    write_rows(folder / "items.jsonl", items)
    write_rows(folder / "rejected.jsonl", _make_rejections(data, problems))
    # An earlier import of this name may have been by mapping.
    (folder / HOW_TAKEN).unlink(missing_ok=True)
    return ImportReport(folder, items, problems, lost)


def _make_rejections(data: bytes, problems: Sequence[Problem]) -> list[Row]:
    """Return a rejection row for each line with problems, holding the line as it stood."""
    lines = data.split(b"\n")
    reasons: dict[int, list[str]] = {}
    for problem in problems:
        reasons.setdefault(problem.row, []).append(f"{problem.column} {problem.rule}".strip())
    return [
        make_rejection_row(
            f"line {number}", told, lines[number - 1].decode("utf-8", "backslashreplace")
        )
        for number, told in sorted(reasons.items())
    ]


def export_originals(workspace: Workspace, source: str = "") -> str:
    """Return the source lines of an import of FINE's format as they were, in their order.

    ``source`` names the imported file where there are several. Raises `UsageError` where it does
    not single out one.
    """
    items = [
        row
        for path in workspace.list_imports()
        if not (path.parent / HOW_TAKEN).exists()
        for row in read_table(path, TableName.ITEM)
    ]
    names = sorted({row["question_source"] for row in items})
    wanted = source or (names[0] if len(names) == 1 else "")
    if wanted not in names:
        known = ", ".join(names) or "none"
        raise UsageError(f"which import? Name one with --source (there are: {known}).")
    return "".join(row["source_record"] + "\n" for row in items if row["question_source"] == wanted)


def make_fine_rows(items: Iterable[Row], taxonomy: Taxonomy) -> str:
    """Return items as FINE's JSONL, with their present texts and the dimension's name as category.

    An item goes by the id of its source, but by its own where items of several sources share that one.
    A dimension that is no longer among the workspace's is told by its id.
    """
    items = list(items)
    counts = Counter(item["source_id"] for item in items)
    rows: Sequence[Row] = [
        {
            "id": _choose_id(item, counts),
            "category": _name_dimension(item["dimension"], taxonomy),
            "question": item["question"],
            "Positive Option": item["positive_option"],
            "Negative Option": item["negative_option"],
        }
        for item in items
    ]
    return canonical_rows(rows)


def _choose_id(item: Row, counts: Mapping[str, int]) -> str:
    source_id = str(item["source_id"])
    return source_id if source_id and counts[source_id] == 1 else str(item["item_id"])


def _name_dimension(dimension: str, taxonomy: Taxonomy) -> str:
    return taxonomy[dimension].name if dimension in taxonomy else dimension
