"""Import by mapping: a source and what its columns mean enter; items leave, and every refused row is told.

Rows are read one by one. Kept in memory are the items and what is to be told; refused rows wait in a
temporary file.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from builder.checks.contamination.records import list_columns
from builder.import_sources import ImportSource, read_source
from builder.taking_items import (
    HOW_TAKEN,
    TEXTS,
    ImportReport,
    Naming,
    SourceRow,
    count_lost,
    find_seen,
    make_rejection_row,
    take_row,
)
from builder.workspace import Workspace
from schemas.errors import DataError, Problem, StorageError, UsageError
from schemas.storage import Row, get_prepared_path, write_rows
from schemas.tables import TableName
from schemas.taxonomy import Taxonomy
from schemas.texts import canonical_rows, is_language_tag, make_printable, trim
from schemas.validation import require_valid

__all__ = ["TARGETS", "Tell", "import_mapped", "make_naming", "parse_mapping", "tell_nobody"]

TARGETS = (
    *TEXTS, "dimension", "language", "id", "family", "polarity", "positive_arm", "negative_arm",
)  # fmt: skip
"""What a column of a source may be mapped to."""

_LOOKED_AT = 1000
_TOLD_EVERY = 500

Tell = Callable[[int], None]
"""Is told of progress: how many rows were read by now."""


def tell_nobody(_rows: int) -> None:
    """Keep progress to oneself."""


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Return the column of each target, from texts such as ``question=prompt``.

    Raises `UsageError` with everything that is wrong with them: another form, a target that is unknown or
    stands twice, a text of an item that is missing.
    """
    mapping: dict[str, str] = {}
    faults = []
    for pair in pairs:
        target, mark, column = pair.partition("=")
        target = target.strip()
        if not mark or not column:
            faults.append(f"--map {pair}: write it as TARGET=COLUMN, for example question=prompt.")
        elif target not in TARGETS:
            faults.append(f"--map {pair}: there is no target {target or 'without a name'}.")
        elif target in mapping:
            faults.append(f"--map {pair}: {target} is mapped to {mapping[target]} already.")
        else:
            mapping[target] = column
    if faults:
        raise UsageError(f"{' '.join(faults)} Targets are: {', '.join(TARGETS)}.")
    missing = [target for target in TEXTS if target not in mapping]
    if missing:
        raise UsageError(
            f"no column is mapped to {', '.join(missing)}: an item has a question and both options. Add "
            f"--map {missing[0]}=COLUMN. Questions alone go in by `finebench generate --seed-file`."
        )
    return mapping


def make_naming(
    mapping: Mapping[str, str], taxonomy: Taxonomy, *, dimension: str = "", language: str = ""
) -> Naming:
    """Return what the columns mean, with the dimension and the language of all rows that have no column.

    Raises `UsageError` where either is told twice or is unknown, or no dimension is told.
    """
    for target, given in (("dimension", dimension), ("language", language)):
        if given and target in mapping:
            raise UsageError(
                f"--{target} {given}: {target} is mapped to {mapping[target]} too. Leave one of them out."
            )
    known = ", ".join(taxonomy.ids)
    if "dimension" not in mapping and not dimension:
        raise UsageError(
            "of which dimension are the items? Add --map dimension=COLUMN, or --dimension with one of: "
            f"{known}."
        )
    found = taxonomy.find(dimension) if dimension else None
    if dimension and found is None:
        raise UsageError(f"no dimension is named {dimension} (there are: {known}).")
    if language and not is_language_tag(language):
        raise UsageError(
            f"--language {language}: is no language tag. Write one such as en or zh-Hans."
        )
    return Naming(mapping, found.id if found else "", language or "en")


def import_mapped(
    workspace: Workspace,
    source: ImportSource,
    naming: Naming,
    *,
    replace: bool = False,
    tell: Tell = tell_nobody,
) -> ImportReport:
    """Take the rows of a source into the workspace's imports; return what became of each.

    Rows that cannot be taken become problems; the others go on. An earlier import of the same name is
    replaced; where items would be lost by that, only if ``replace`` is set (`UsageError`). ``tell`` hears
    now and then how many rows were read. Raises `UsageError` where a column is in none of the first rows, and `DataError` where no row can be taken.
    """
    folder = workspace.root / "imports" / source.folder
    seen = find_seen(workspace, folder)
    items: list[Row] = []
    problems: list[Problem] = []
    rows = _require_columns(read_source(source, list(naming.fields.values())), source, naming)
    with _spool() as refused:
        for number, row in enumerate(rows, start=1):
            if number % _TOLD_EVERY == 0:
                tell(number)
            taken = take_row(row, source.name, naming, workspace.taxonomy, seen)
            if isinstance(taken, list):
                problems += taken
                rejection = _make_rejection(row, taken)
                refused.write(canonical_rows([rejection]).encode("utf-8", "backslashreplace"))
            else:
                items.append(taken)
        if not items:
            raise DataError(f"{source.written}: no row can be taken.", problems)
        require_valid(items, TableName.ITEM, file=source.name, dimensions=workspace.taxonomy)
        lost = count_lost(folder, items, replace=replace)
        write_rows(folder / HOW_TAKEN, [_describe(source, naming)])
        write_rows(folder / "items.jsonl", items)
        _keep(refused, folder / "rejected.jsonl")
    return ImportReport(folder, items, problems, lost)


def _require_columns(
    rows: Iterator[SourceRow], source: ImportSource, naming: Naming
) -> Iterable[SourceRow]:
    """Return the rows again; raise `UsageError` with the columns there are where a named one is not."""
    first = list(islice(rows, _LOOKED_AT))
    present = list(dict.fromkeys(column for row in first for column in row.fields))
    missing = [column for column in naming.fields.values() if column not in present]
    if missing and present:
        within = f" in its first {_LOOKED_AT:,} rows" if len(first) == _LOOKED_AT else ""
        raise UsageError(
            f"{source.written}: there is no column {', '.join(dict.fromkeys(missing))}{within}. "
            f"{list_columns(present)}"
        )
    return chain(first, rows)


def _make_rejection(row: SourceRow, problems: Sequence[Problem]) -> Row:
    told = (f"{problem.column} {problem.rule}".strip() for problem in problems)
    return make_rejection_row(row.place, [_clean(reason) for reason in told], row.text)


def _clean(text: str) -> str:
    """Return a text about a row so that it can stand in a table, whatever its column is called."""
    return trim(make_printable(text, keep=""))


def _describe(source: ImportSource, naming: Naming) -> Row:
    """Return how an import was taken, so that it can be taken again and traced to its source."""
    return {
        "format": "mapped",
        "source": source.name,
        "version": source.version,
        "map": dict(naming.fields),
        "dimension": naming.dimension,
        "language": naming.language,
    }


@contextmanager
def _spool() -> Iterator[BinaryIO]:
    try:
        with TemporaryFile() as stream:
            yield stream
    except OSError as error:
        raise StorageError(
            f"refused rows cannot be kept ({error.strerror}). Make room, then import again."
        ) from error


def _keep(refused: BinaryIO, path: Path) -> None:
    """Put the refused rows in their place, so that a reader sees the old file or the new."""
    refused.seek(0)
    prepared = get_prepared_path(path)
    with prepared.open("wb") as stream:
        shutil.copyfileobj(refused, stream)
        stream.flush()
        os.fsync(stream.fileno())
    prepared.replace(path)
