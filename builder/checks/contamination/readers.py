"""Readers of reference files: a path enters; its records leave one by one.

What cannot be read is not passed over in silence: a reader yields a `Note` in its place. A reader holds
one line or one batch at a time; lines and fields beyond `LONGEST` bytes are noted instead of read, so
that a damaged file cannot fill the memory.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from builder.checks.contamination.records import (
    Note,
    NoteKind,
    Record,
    list_columns,
    require_columns,
)
from schemas.errors import DataError, StorageError, UsageError
from schemas.texts import shorten

__all__ = [
    "LONGEST",
    "read_csv_rows",
    "read_json_lines",
    "read_parquet_rows",
    "read_text_lines",
]

LONGEST = 2**26
"""Bytes of a line, and characters of a CSV field, that are still read."""

_BATCH = 1024
_BATCH_OF_WHOLE = 64


def _read_lines(path: Path, source: str) -> Iterator[tuple[int, str] | Note]:
    """Yield the number and text of each line, its line break included."""
    try:
        with _open(path) as stream:
            number = 0
            while raw := stream.readline(LONGEST + 1):
                number += 1
                if number == 1:
                    raw = _remove_mark(raw, source)
                if len(raw) > LONGEST:
                    yield Note(f"line {number}", f"longer than {LONGEST:,} bytes", NoteKind.SKIPPED)
                    _finish_line(stream, raw)
                    continue
                try:
                    text = raw.decode()
                except UnicodeDecodeError:
                    text = raw.decode(errors="replace")
                    yield Note(
                        f"line {number}",
                        "held bytes that are not UTF-8; replaced",
                        NoteKind.ALTERED,
                    )
                yield number, text
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{source}: the gzip file is damaged ({error}). Compress or download it again."
        ) from error
    except OSError as error:
        raise StorageError(f"{source}: cannot be read ({error.strerror or error}).") from error


def _open(path: Path) -> BinaryIO:
    if path.name.lower().endswith(".gz"):
        # A GzipFile reads as any binary file does, which its types do not say.
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def _remove_mark(raw: bytes, source: str) -> bytes:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{source}: is written in UTF-16. Save it as UTF-8.")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _finish_line(stream: BinaryIO, raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = stream.readline(LONGEST)


def read_text_lines(path: Path, source: str) -> Iterator[Record | Note]:
    """Yield each line of a text file as a record."""
    for line in _read_lines(path, source):
        if isinstance(line, Note):
            yield line
        else:
            text = line[1].removesuffix("\n").removesuffix("\r")
            yield Record(f"line {line[0]}", (("", text),))


def _keep_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key stands more than once")
    return row


# Control characters within strings are let through: a text is better compared than skipped.
_DECODER = json.JSONDecoder(object_pairs_hook=_keep_pairs, strict=False)


def read_json_lines(path: Path, source: str) -> Iterator[Record | Note]:
    """Yield the object on each line of a JSONL file as a record; blank lines are passed over."""
    for line in _read_lines(path, source):
        if isinstance(line, Note):
            yield line
            continue
        number, text = line
        if text.isspace():
            continue
        try:
            row = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            yield Note(f"line {number}", f"not a JSON object ({reason})", NoteKind.SKIPPED, text)
            continue
        if isinstance(row, dict):
            yield Record(f"line {number}", tuple(row.items()))
        else:
            reason = f"not a JSON object ({shorten(row)})"
            yield Note(f"line {number}", reason, NoteKind.SKIPPED, text)


class _CsvLines:
    """Lines for the csv reader, which takes several for a row whose quotes hold line breaks."""

    def __init__(self, path: Path, source: str) -> None:
        self._lines = _read_lines(path, source)
        self._notes: list[Note] = []
        self.first = 0
        self.is_exhausted = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            if not isinstance(line, Note):
                self.first = self.first or line[0]
                return line[1]
            self._notes.append(line)
        self.is_exhausted = True
        raise StopIteration

    def begin_row(self) -> None:
        """Count the lines of the next row from its first."""
        self.first = 0

    def take_notes(self) -> list[Note]:
        """Return the notes on the lines read since the last call."""
        taken, self._notes = self._notes, []
        return taken


def read_csv_rows(path: Path, columns: Sequence[str], source: str) -> Iterator[Record | Note]:
    """Yield each row of a CSV file after the first, which names the columns."""
    # The limit belongs to the whole process; raising it only lets other readers read more, too.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    lines = _CsvLines(path, source)
    header: list[str] = []
    for row in _split_rows(lines):
        yield from lines.take_notes()
        if isinstance(row, str):
            if not header:
                raise DataError(f"{source}: its first row names no columns ({row}). Mend that row.")
            yield Note(f"line {lines.first}", row, NoteKind.SKIPPED)
        elif header:
            yield Record(f"line {lines.first}", tuple(zip(header, row, strict=False)))
            yield from _note_row(row, header, lines)
        elif row:
            header = [name.strip() or f"({i})" for i, name in enumerate(row, start=1)]
            if lines.is_exhausted:
                raise DataError(f"{source}: a quote in its first row is never closed. Mend it.")
            require_columns(columns, header, source)
    yield from lines.take_notes()


def _split_rows(lines: _CsvLines) -> Iterator[list[str] | str]:
    """Yield each row, or why it is none; after an error the reader goes on with the next line."""
    reader = csv.reader(lines)
    while True:
        lines.begin_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"not a row of CSV ({error})"
        else:
            yield row


def _note_row(row: Sequence[str], header: Sequence[str], lines: _CsvLines) -> Iterator[Note]:
    place = f"line {lines.first}"
    if len(row) > len(header):
        reason = f"has {len(row)} fields where {len(header)} have a name; the others were skipped"
        yield Note(place, reason, NoteKind.SKIPPED)
    if lines.is_exhausted:
        # Only within a quote does the csv reader ask for a line beyond the last.
        yield Note(
            place,
            "a quote is never closed; the rest of the file was read as one text",
            NoteKind.ALTERED,
        )


def read_parquet_rows(
    path: Path, columns: Sequence[str], source: str, *, is_whole: bool = False
) -> Iterator[Record | Note]:
    """Yield each row of a Parquet file with the columns that hold text, or those of them named.

    Where ``is_whole``, with all columns, whatever they hold, and class labels by their names.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        # Buffered, because otherwise a whole column of a row group is read at once.
        with ParquetFile(path, buffer_size=2**20) as file:
            schema = file.schema_arrow
            chosen = schema.names if is_whole else _choose_columns(schema, columns, source)
            labels = _find_class_labels(schema) if is_whole else {}
            start = 1
            # A whole row may hold pictures: fewer of them at once.
            size = _BATCH_OF_WHOLE if is_whole else _BATCH
            for batch in file.iter_batches(batch_size=size, columns=chosen):
                names = batch.schema.names
                values = [
                    _name_labels(_list_values(column, source), labels.get(name))
                    for name, column in zip(names, batch.columns, strict=True)
                ]
                for row, cells in enumerate(zip(*values, strict=True), start=start):
                    yield Record(f"row {row}", tuple(zip(names, cells, strict=True)))
                start += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(
            f"{source}: cannot be read as Parquet ({reason}). Write or download it again."
        ) from error


def _find_class_labels(schema: Any) -> dict[str, list[str]]:
    """Return the names of the class labels that `datasets` notes in a file, by column."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = info.get("info", {}).get("features", {})
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        # Somebody else's note: the column is then read as the numbers that it holds.
        return {}


def _name_labels(values: list[Any], names: list[str] | None) -> list[Any]:
    if not names:
        return values
    return [
        names[value] if isinstance(value, int) and 0 <= value < len(names) else value
        for value in values
    ]


def _choose_columns(schema: Any, columns: Sequence[str], source: str) -> list[str]:
    require_columns(columns, schema.names, source)
    chosen = [f.name for f in schema if _may_hold_text(f.type) and f.name in (columns or [f.name])]
    silent = [column for column in columns if column not in chosen]
    if silent or not chosen:
        kinds = [f"{field.name} ({field.type})" for field in schema]
        subject = (
            f"no text stands in column {', '.join(silent)}" if silent else "no column holds text"
        )
        raise UsageError(f"{source}: {subject}. {list_columns(kinds)}")
    return chosen


def _may_hold_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(_may_hold_text(kind.field(i).type) for i in range(kind.num_fields))
    if types.is_map(kind):
        return _may_hold_text(kind.item_type)
    if hasattr(kind, "storage_type"):
        return _may_hold_text(kind.storage_type)
    if hasattr(kind, "value_type"):
        return _may_hold_text(kind.value_type)
    return any(
        is_text(kind) for is_text in (types.is_string, types.is_large_string, types.is_string_view)
    )


def _list_values(array: Any, source: str) -> list[Any]:
    try:
        return cast("list[Any]", array.to_pylist())
    except UnicodeDecodeError:
        return [_decode_value(value, source) for value in array]


def _decode_value(value: Any, source: str) -> object:
    """Return a value with lone surrogates for bytes that are not UTF-8; they are noted further on."""
    try:
        return cast("object", value.as_py())
    except UnicodeDecodeError as error:
        if not hasattr(value, "as_buffer"):
            raise DataError(
                f"{source}: a nested text is not UTF-8. Write the file again from a mended source."
            ) from error
        return cast("bytes", value.as_buffer().to_pybytes()).decode(errors="surrogateescape")
