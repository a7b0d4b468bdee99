"""References: the texts that a benchmark is compared with enter by name; their passages leave, one by one.

A source is a path, relative to the workspace or absolute, or a dataset of the Hugging Face Hub::

    corpus.jsonl#prompt                           one column; without one, all that hold text
    other.csv#question,answer                     the first row names the columns
    x.parquet#text
    notes.txt                                     one passage a line; no columns
    corpus.jsonl.gz#prompt                        .jsonl, .csv and .txt may be gzipped
    releases/1.0.0                                question and options of a release of ours
    hub:owner/name#prompt                         every split of the only or default config
    hub:owner/name/config:split@revision#prompt   each of the three may be left out

In a path the last ``#`` begins the columns, unless a file has the whole of it as its name. In a Hub
source the marks keep this order, and as neither a config nor a split holds ``/``, ``:`` or ``@``, there
is one way to read it; the revision comes last because it may hold slashes (``refs/pr/1``).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from builder.checks.contamination.hub import fingerprint_dataset, read_hub_rows
from builder.checks.contamination.readers import (
    read_csv_rows,
    read_json_lines,
    read_parquet_rows,
    read_text_lines,
)
from builder.checks.contamination.records import Note, NoteKind, Passage, Record, find_passages
from schemas.errors import DataError, FineBenchError, Problem, StorageError, UsageError

__all__ = [
    "Note",
    "NoteKind",
    "Passage",
    "Reference",
    "ReferenceKind",
    "ReferenceReading",
    "fingerprint",
    "parse_hub_address",
    "parse_reference",
    "read_reference",
    "recognise_file",
]

_RELEASE_COLUMNS = ("question", "positive_option", "negative_option")
_FIRST_NOTES = 10
_HUB_FORM = "hub:owner/name[/config][:split][@revision]#column"
_NAME = r"[\w-][\w.-]*/[\w-][\w.-]*"
_HUB = re.compile(
    rf"(?P<name>{_NAME})(?:/(?P<config>[^/:@]+))?(?::(?P<split>[^/:@]+))?(?:@(?P<revision>\S+))?"
)


class ReferenceKind(StrEnum):
    """How the texts of a source are kept."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    TEXT = "text"
    HUB = "hub"
    RELEASE = "release"


_SUFFIXES = {
    ".jsonl": ReferenceKind.JSONL,
    ".csv": ReferenceKind.CSV,
    ".parquet": ReferenceKind.PARQUET,
    ".txt": ReferenceKind.TEXT,
    ".jsonl.gz": ReferenceKind.JSONL,
    ".csv.gz": ReferenceKind.CSV,
    ".txt.gz": ReferenceKind.TEXT,
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A source as its user wrote it, and what that means.

    ``location`` is a path as it was written, or owner/name of a Hub dataset. No ``columns`` means all
    that hold text; an empty ``config``, ``split`` or ``revision`` means the Hub's default, every split
    and the newest revision.
    """

    source: str
    kind: ReferenceKind
    location: str
    columns: tuple[str, ...] = ()
    config: str = ""
    split: str = ""
    revision: str = ""

    def locate(self, root: Path) -> Path | None:
        """Return the file that holds the texts, or None for a Hub dataset, which has none here."""
        if self.kind is ReferenceKind.HUB:
            return None
        path = root / self.location
        return path / "evaluator" / "items.jsonl" if self.kind is ReferenceKind.RELEASE else path


class ReferenceReading:
    """The passages of a reference, read anew each time it is iterated, and how the reading went.

    ``skipped`` counts the lines and rows that could not be read, ``altered`` those that were read, but
    not as they stand (bytes that are no UTF-8, lone surrogates, a quote never closed). The notes on the
    first ten of each are kept. All of them tell of the latest iteration, so far as it went.

    Iterating raises `DataError` where nothing at all could be read, and `UsageError` where a column is
    not there or holds no text.
    """

    def __init__(self, reference: Reference, root: Path, *, is_blank_told: bool = False) -> None:
        self._reference = reference
        self._root = root
        self._is_blank_told = is_blank_told
        self._reset()

    def _reset(self) -> None:
        self._passages = 0
        self._counts = dict.fromkeys(NoteKind, 0)
        self._notes: dict[NoteKind, list[Note]] = {kind: [] for kind in NoteKind}

    @property
    def passages(self) -> int:
        """The number of passages read."""
        return self._passages

    @property
    def skipped(self) -> int:
        """The number of places whose text could not be read."""
        return self._counts[NoteKind.SKIPPED]

    @property
    def first_skipped(self) -> tuple[Note, ...]:
        """Where the first ten of those are, and why they were skipped."""
        return tuple(self._notes[NoteKind.SKIPPED])

    @property
    def altered(self) -> int:
        """The number of places whose text was read, but not as it stands."""
        return self._counts[NoteKind.ALTERED]

    @property
    def first_altered(self) -> tuple[Note, ...]:
        """Where the first ten of those are, and what was altered."""
        return tuple(self._notes[NoteKind.ALTERED])

    def __iter__(self) -> Iterator[Passage]:
        self._reset()
        reference = self._reference
        records = _read_records(reference, self._root)
        for found in find_passages(
            records, reference.columns, reference.source, is_blank_told=self._is_blank_told
        ):
            if isinstance(found, Passage):
                self._passages += 1
                yield found
                continue
            self._counts[found.kind] += 1
            if len(self._notes[found.kind]) < _FIRST_NOTES:
                # Without its text, which may be as long as a line may be.
                self._notes[found.kind].append(Note(found.place, found.reason, found.kind))
        if not self._passages:
            raise self._explain_nothing()

    def _explain_nothing(self) -> FineBenchError:
        source = self._reference.source
        if not self.skipped:
            return DataError(
                f"{source}: holds no text to compare with. Name a file, or a column of it "
                "(FILE#column), that holds some."
            )
        remedy = "Mend the file, or leave it out."
        problems = [Problem(source, 0, "", n.place, n.reason, remedy) for n in self.first_skipped]
        return DataError(
            f"{source}: nothing could be read: {self.skipped} places were skipped, the first is "
            f"{problems[0].value}: {problems[0].rule}. {remedy}",
            problems,
        )


def parse_reference(source: str, *, root: Path) -> Reference:
    """Return what ``source`` means; raise `UsageError` with what to write instead where it means nothing.

    Paths are relative to ``root``, the workspace. Files are looked for, but not read; of the Hub
    nothing is asked.
    """
    if source.startswith("hub:"):
        return _parse_hub(source)
    if "://" in source:
        raise UsageError(
            f"{source}: addresses are not read. Download the file and name its path; for a dataset of "
            f"the Hugging Face Hub write {_HUB_FORM}."
        )
    location, columns = _split_columns(source, root)
    path = root / location
    if _find(path) == "folder":
        return _parse_release(source, path, location, columns)
    if _find(path) != "file":
        raise UsageError(f"{source}: there is no file {path}. {_suggest(location)}")
    kind = recognise_file(path, source)
    if kind is ReferenceKind.TEXT and columns:
        raise UsageError(
            f"{source}: a text file has no columns. Write {location}: each line is a passage."
        )
    return Reference(source, kind, location, columns)


def _parse_hub(source: str) -> Reference:
    address, mark, listed = source.removeprefix("hub:").partition("#")
    parts = parse_hub_address(
        address, source, f"{_HUB_FORM}, for example hub:owner/name:train#question"
    )
    if not mark:
        raise UsageError(
            f"{source}: names no column. Write which hold the texts: {source}#column[,column]."
        )
    location = parts.pop("name")
    return Reference(source, ReferenceKind.HUB, location, _parse_columns(listed, source), **parts)


def parse_hub_address(address: str, source: str, form: str) -> dict[str, str]:
    """Return ``name``, ``config``, ``split`` and ``revision`` of ``owner/name[/config][:split][@revision]``.

    A part that is left out is empty. Raises `UsageError` that tells the ``form`` to write ``source`` in.
    """
    found = _HUB.fullmatch(address)
    if not found:
        raise UsageError(f"{source}: is no dataset of the Hub. Write {form}.")
    return {name: value or "" for name, value in found.groupdict().items()}


def _split_columns(source: str, root: Path) -> tuple[str, tuple[str, ...]]:
    if "#" not in source or _find(root / source):
        return source, ()
    location, _, listed = source.rpartition("#")
    return location, _parse_columns(listed, source)


def _parse_columns(listed: str, source: str) -> tuple[str, ...]:
    columns = [column.strip() for column in listed.split(",")]
    if not all(columns):
        raise UsageError(
            f"{source}: a column after # has no name. Write #column or #column,column, or nothing."
        )
    return tuple(dict.fromkeys(columns))


def _find(path: Path) -> str:
    """Return ``file``, ``folder`` or nothing."""
    try:
        return "folder" if path.is_dir() else "file" if path.is_file() else ""
    except (OSError, ValueError):
        # A name too long, or within a folder that we may not look into.
        return ""


def _suggest(location: str) -> str:
    if re.fullmatch(_NAME, location) and not Path(location).suffix:
        return f"Check the path; if it is a dataset of the Hub, write hub:{location}#column."
    return "Check the path: it is relative to the workspace, or absolute."


def recognise_file(
    path: Path, source: str, folder: str = "the folder of a release"
) -> ReferenceKind:
    """Return how a file keeps its texts, by its name; ``folder`` says what else could be named.

    Raises `UsageError` with the endings that are known where the name has none of them.
    """
    for suffix, kind in _SUFFIXES.items():
        if path.name.lower().endswith(suffix):
            return kind
    raise UsageError(
        f"{source}: what kind of file it is cannot be told from its name. Name one that ends in "
        f"{', '.join(_SUFFIXES)}, or {folder}."
    )


def _parse_release(
    source: str, path: Path, location: str, columns: tuple[str, ...]
) -> Reference:  # fmt: skip
    missing = [n for n in ("manifest.json", "evaluator/items.jsonl") if not _find(path / n)]
    if missing:
        raise UsageError(
            f"{source}: is a folder, but no release: it has no {' and no '.join(missing)}. Name a "
            "release (releases/VERSION) or one file of the folder."
        )
    strange = [column for column in columns if column not in _RELEASE_COLUMNS]
    if strange:
        raise UsageError(
            f"{source}: there is no column {', '.join(strange)} to compare with in a release. Write "
            f"{location}, or choose from: {', '.join(_RELEASE_COLUMNS)}."
        )
    return Reference(source, ReferenceKind.RELEASE, location, columns or _RELEASE_COLUMNS)


def fingerprint(reference: Reference, *, root: Path) -> str:
    """Return what changes when the texts of ``reference`` may have changed.

    For a file the SHA-256 of its bytes, for a release that of its items, each 64 hexadecimal digits;
    for a Hub dataset the commit that its revision means now (asks the Hub).
    """
    path = reference.locate(root)
    if path is None:
        return fingerprint_dataset(reference.location, reference.revision, reference.source)
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{reference.source}: cannot be read ({error.strerror}).") from error


def read_reference(
    reference: Reference, *, root: Path, is_blank_told: bool = False
) -> ReferenceReading:
    """Return the passages of ``reference`` to iterate over; nothing is opened before that.

    Files are read line by line or batch by batch, so that memory does not grow with their size; what
    is blank is no passage, and among what was skipped only where ``is_blank_told``.
    """
    return ReferenceReading(reference, root, is_blank_told=is_blank_told)


def _read_records(reference: Reference, root: Path) -> Iterator[Record | Note]:
    source, columns = reference.source, reference.columns
    path = reference.locate(root)
    if path is None:
        return read_hub_rows(
            reference.location,
            config=reference.config,
            split=reference.split,
            revision=reference.revision,
            columns=columns,
            source=source,
        )
    match reference.kind:
        case ReferenceKind.TEXT:
            return read_text_lines(path, source)
        case ReferenceKind.JSONL:
            return read_json_lines(path, source)
        case ReferenceKind.CSV:
            return read_csv_rows(path, columns, source)
        case ReferenceKind.PARQUET:
            return read_parquet_rows(path, columns, source)
        case _:
            return (_name_item(record) for record in read_json_lines(path, source))


def _name_item(record: Record | Note) -> Record | Note:
    """Return the record of an item of ours under the item's name, where it has one."""
    if isinstance(record, Note):
        return record
    row = dict(record.fields)
    fields = tuple((column, row[column]) for column in _RELEASE_COLUMNS if column in row)
    item_id = row.get("item_id")
    if not isinstance(item_id, str):
        return Record(record.place, fields)
    return Record(f"item {item_id}", fields, item_id)
