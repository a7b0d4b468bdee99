"""Keeping rows on disk: atomic files, append-only logs, one writer at a time."""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

from schemas.errors import DataError, Problem, StorageError
from schemas.texts import canonical_json, canonical_rows, shorten

__all__ = [
    "Line",
    "Row",
    "append_row",
    "append_rows",
    "get_prepared_path",
    "hash_file",
    "hold_lock",
    "index_rows",
    "parse_lines",
    "prepare_text",
    "read_bytes",
    "read_json",
    "read_log",
    "read_rows",
    "sort_rows",
    "write_rows",
    "write_text",
]

Row = dict[str, Any]
"""One row of a table: column name to string, number, boolean or (in records) nested value."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a JSONL file that held an object: its number from 1, its text and the object."""

    number: int
    text: str
    row: Row


def read_bytes(path: Path) -> bytes:
    """Return the content of ``path``; raise `StorageError` with the reason where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file. Check the path.") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}).") from error


def read_json(path: Path) -> Row:
    """Return the object that a JSON file holds; raise `StorageError` where it is damaged."""
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise StorageError(f"{path} is damaged: it holds no JSON object. Restore it from a copy.")
    return value


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file. Check the path.") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}).") from error


def get_prepared_path(path: Path) -> Path:
    """Return the hidden name beside ``path`` under which its next content is written.

    The name is fixed, and the caller holds the lock of the file's stage, so that what a killed writer
    left behind is written over by the next.
    """
    return path.with_name(f".{path.name}.tmp")


def prepare_text(path: Path, text: str) -> None:
    """Write ``text`` in UTF-8 beside ``path``, forced to the disk; ``path`` itself stays as it is."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise StorageError(f"{path}: the text holds lone surrogates, so it is no UTF-8.") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with get_prepared_path(path).open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        with suppress(OSError):
            get_prepared_path(path).unlink()
        raise _explain_refusal(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` so that a reader sees the old file or the new, never a part."""
    prepare_text(path, text)
    try:
        get_prepared_path(path).replace(path)
    except OSError as error:
        raise _explain_refusal(path, error) from error


def _explain_refusal(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be written ({error.strerror}). The earlier file is unchanged; "
        "make room or change permissions, then run again."
    )


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace ``path`` by ``rows`` as canonical JSON lines, atomically."""
    write_text(path, canonical_rows(rows))


def parse_lines(data: bytes, name: str) -> tuple[list[Line], list[Problem]]:
    """Split JSONL bytes into lines that hold an object, and a problem for each line that does not.

    Blank lines are passed over. A byte-order mark, bytes that are not UTF-8, broken JSON, values
    that are not objects, and keys that stand twice each make a problem with their line number.
    """
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            text = raw.removesuffix(b"\r").decode("utf-8")
            row = _parse_object(text)
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 at byte {error.start + 1} of the line"
            problems.append(
                Problem(name, number, "", shorten(raw.decode("utf-8", "replace")), reason,
                        "Save the file as UTF-8.")
            )  # fmt: skip
        except (ValueError, RecursionError) as error:
            # json.JSONDecodeError is a ValueError; deep nesting exhausts the parser's recursion.
            reason = f"not a JSON object ({error or 'nested too deeply'})"
            problems.append(
                Problem(name, number, "", shorten(raw.decode("utf-8", "replace")), reason,
                        "Write one JSON object on each line.")
            )  # fmt: skip
        else:
            lines.append(Line(number, text, row))
    return lines, problems


def _parse_object(text: str) -> Row:
    row = json.loads(text, object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant)
    if not isinstance(row, dict):
        raise ValueError(f"a JSON {type(row).__name__}")  # noqa: TRY004 - bad content, not a bad call
    return row


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"key {', '.join(repeated)} stands more than once")
    return row


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a JSONL file; raise `DataError` with every bad line where there are any."""
    lines, problems = parse_lines(read_bytes(path), path.name)
    if problems:
        raise DataError(f"{path}: {len(problems)} lines cannot be read.", problems)
    return [line.row for line in lines]


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add one row to an append-only log; see `append_rows`."""
    append_rows(path, [row])


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to an append-only log; once this returns they survive a kill and a loss of power.

    Killed meanwhile, some of them may stand there, from the first on. A tail that a kill or a full disk left torn is cut off first: its record never counted. The caller
    holds the log's lock.
    """
    record = "".join(canonical_json(row) + "\n" for row in rows).encode("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as stream:
            whole = _measure_whole_records(stream)
            stream.truncate(whole)
            _write_whole(stream, record, whole)
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be appended to ({error.strerror}). Earlier records are intact; "
            "make room, then run again."
        ) from error


def _write_whole(stream: RawIOBase, record: bytes, end: int) -> None:
    """Write a record at ``end`` in one go; where it does not fit, leave nothing of it behind."""
    if stream.write(record) != len(record):
        stream.truncate(end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _measure_whole_records(stream: RawIOBase, block: int = 65536) -> int:
    """Return how many bytes of a log end with a line break, reading backwards from its end."""
    end = stream.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - block)
        stream.seek(start)
        found = (stream.read(end - start) or b"").rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def read_log(path: Path) -> list[Row]:
    """Return the rows of an append-only log; what stands after its last line break never counted.

    A log that does not exist yet is empty. Any other line that is not a row raises `DataError`.
    """
    if not path.exists():
        return []
    data = read_bytes(path)
    lines, problems = parse_lines(data[: data.rfind(b"\n") + 1], path.name)
    if problems:
        raise DataError(f"{path}: {len(problems)} records are damaged.", problems)
    return [line.row for line in lines]


@contextmanager
def hold_lock(path: Path, purpose: str) -> Iterator[None]:
    """Hold an exclusive lock on the file ``path`` while the block runs.

    The kernel drops the lock when the process ends, however it ends. Raises `StorageError` at once
    where another process holds it, naming that process.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: the lock cannot be made ({error.strerror}).") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise StorageError(
                f"{purpose} is being written by {holder}. Wait for it to end, then run again."
            ) from None
        # Who holds it is a courtesy to others: a full disk must not keep anybody from working.
        with suppress(OSError):
            os.ftruncate(stream.fileno(), 0)
            os.write(stream.fileno(), f"process {os.getpid()}".encode())
        try:
            yield
        finally:
            with suppress(OSError):
                os.ftruncate(stream.fileno(), 0)


def sort_rows(rows: Iterable[Row], *columns: str) -> list[Row]:
    """Return ``rows`` in the order of ``columns``, so that a diff of two files shows what changed."""
    return sorted(rows, key=lambda row: tuple(row[column] for column in columns))


def index_rows(rows: Sequence[Row], column: str = "item_id") -> dict[str, Row]:
    """Return ``rows`` by the value of ``column``, which must be unique."""
    return {row[column]: row for row in rows}
