"""What is imported by mapping: a file, a folder or a Hub dataset enters by name; its rows leave, one by one.

::

    data.csv  data.jsonl  data.parquet            .csv and .jsonl may be gzipped
    FOLDER                                        a dataset as `datasets` reads it, a release among them
    hub:owner/name/config:split@revision          each of the last three may be left out

The readers are those of references. What they note of a row, here spoils it: a text that was not read
as it stands is no text to take.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from builder.checks.contamination.dataset_folders import read_folder_rows
from builder.checks.contamination.hub import fingerprint_dataset, read_hub_rows
from builder.checks.contamination.readers import (
    read_csv_rows,
    read_json_lines,
    read_parquet_rows,
)
from builder.checks.contamination.records import Note, Record
from builder.checks.contamination.references import (
    Reference,
    ReferenceKind,
    fingerprint,
    parse_hub_address,
    recognise_file,
)
from builder.taking_items import SourceRow
from schemas.errors import UsageError
from schemas.texts import canonical_json, make_printable, trim

__all__ = ["ImportSource", "join_notes", "open_source", "read_source", "write_record"]

_HUB_FORM = "hub:owner/name[/config][:split][@revision]"


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A source as its user wrote it, and what that means.

    ``name`` is where its items will be told to come from, ``folder`` where they are kept among the imports,
    ``version`` the commit of a Hub dataset or the SHA-256 of a file, empty for a folder. ``kind`` is None for
    the folder of a dataset.
    """

    written: str
    name: str
    folder: str
    version: str
    kind: ReferenceKind | None
    path: Path
    address: Mapping[str, str]


def open_source(
    written: str, *, config: str = "", split: str = "", here: Path = Path()
) -> ImportSource:
    """Return the source that ``written`` names; of a Hub dataset its present commit is asked.

    ``config`` and ``split`` choose within a dataset's folder. Raises `UsageError` for what names no source,
    `StorageError` where the file or the Hub cannot be read.
    """
    if written.startswith("hub:"):
        _refuse_choice(written, config, split)
        return _open_hub(written)
    if "://" in written:
        raise UsageError(
            f"{written}: addresses are not read. Download the file and name its path; for a dataset of the "
            f"Hugging Face Hub write {_HUB_FORM}."
        )
    path = here / written
    # As it is named, and not what a link leads to; "." alone names nothing.
    folder = path.name if path.name not in {"", ".."} else path.resolve().name
    name = trim(make_printable(folder, keep=""))
    if path.is_dir():
        chosen = {"config": config, "split": split}
        return ImportSource(written, name, folder, "", None, path, chosen)
    _refuse_choice(written, config, split)
    if not path.is_file():
        raise UsageError(
            f"{written}: there is no such file or folder. Check the path; a dataset of the Hub is written "
            f"{_HUB_FORM}."
        )
    kind = recognise_file(path, written, "the folder of a dataset")
    if kind is ReferenceKind.TEXT:
        raise UsageError(
            f"{written}: a text file has no columns to map. Questions alone go in by `finebench generate "
            "--seed-file`; an item has both options too."
        )
    version = fingerprint(Reference(written, kind, written), root=here)
    return ImportSource(written, name, folder, version, kind, path, {})


def _refuse_choice(written: str, config: str, split: str) -> None:
    if config or split:
        raise UsageError(
            f"{written}: --config and --split choose within the folder of a dataset. For the Hub write "
            f"{_HUB_FORM}; a file has neither."
        )


def _open_hub(written: str) -> ImportSource:
    address = written.removeprefix("hub:")
    parts = parse_hub_address(address, written, f"{_HUB_FORM}, for example hub:owner/name:train")
    commit = fingerprint_dataset(parts["name"], parts["revision"], written)
    plain = "hub:" + parts["name"]
    plain += "/" + parts["config"] if parts["config"] else ""
    plain += ":" + parts["split"] if parts["split"] else ""
    return ImportSource(
        written,
        f"{plain}@{commit}",
        quote(plain, safe=""),  # one folder a dataset, whatever its revision
        commit,
        ReferenceKind.HUB,
        Path(),
        parts | {"revision": commit},
    )


def read_source(source: ImportSource, columns: Sequence[str]) -> Iterator[SourceRow]:
    """Yield each row of a source as it stands; ``columns`` are those that must be there.

    Blank lines are passed over, and so are empty rows of CSV. Raises what the readers raise, `UsageError`
    for a column that stands more than once among it.
    """
    is_csv = source.kind is ReferenceKind.CSV
    for row in join_notes(_read_records(source, columns), columns, source.written, is_csv=is_csv):
        # A blank line of CSV is a row without any field; in JSONL an empty object is one that lacks all.
        if not is_csv or row.fields or row.spoilt:
            yield row


def _read_records(source: ImportSource, columns: Sequence[str]) -> Iterator[Record | Note]:
    path, written, address = source.path, source.written, source.address
    match source.kind:
        case None:
            return read_folder_rows(path, **address, source=written)
        case ReferenceKind.HUB:
            return read_hub_rows(**address, columns=(), source=written)
        case ReferenceKind.CSV:
            return read_csv_rows(path, columns, written)
        case ReferenceKind.PARQUET:
            return read_parquet_rows(path, columns, written, is_whole=True)
        case _:
            return read_json_lines(path, written)


def join_notes(
    records: Iterable[Record | Note], columns: Sequence[str], source: str, *, is_csv: bool = False
) -> Iterator[SourceRow]:
    """Yield one row for each record, and one for each place that gave none, with what was noted of it.

    A reader notes what befell the lines of a row before the row, what befell its fields after it. Only in
    CSV may the lines be several. Raises `UsageError` where one of ``columns`` stands twice in a record.
    """
    held: SourceRow | None = None
    waiting: list[Note] = []
    for found in records:
        if held and not (isinstance(found, Note) and found.place == held.place):
            yield held
            held = None
        if isinstance(found, Record):
            number = _read_number(found.place)
            yield from _make_lost_rows(n for n in waiting if _read_number(n.place) < number)
            spoilt = tuple(n.reason for n in waiting if _read_number(n.place) >= number)
            held, waiting = _make_row(found, spoilt, columns, source), []
        elif held:
            held = replace(held, spoilt=(*held.spoilt, found.reason))
        else:
            if waiting and waiting[-1].place != found.place and not is_csv:
                yield from _make_lost_rows(waiting)
                waiting = []
            waiting.append(found)
    if held:
        yield held
    yield from _make_lost_rows(waiting)


def _read_number(place: str) -> int:
    return int(place.rpartition(" ")[2])


def _make_lost_rows(notes: Iterable[Note]) -> Iterator[SourceRow]:
    """Yield a row for each place of which there are notes and nothing else."""
    for place, found in groupby(notes, key=lambda note: note.place):
        told = list(found)
        reasons = tuple(note.reason for note in told)
        text = next((note.text for note in told if note.text), "").rstrip("\r\n")
        yield SourceRow(place, _read_number(place), {}, text, _read_part(place), reasons)


def _read_part(place: str) -> str:
    """Return what a place names before its line or row: the split of a dataset, or nothing."""
    return place.rpartition(", ")[0]


def _make_row(
    record: Record, spoilt: tuple[str, ...], columns: Sequence[str], source: str
) -> SourceRow:
    fields = dict(record.fields)
    if len(fields) < len(record.fields):
        names = [name for name, _ in record.fields]
        twice = sorted({name for name in columns if names.count(name) > 1})
        if twice:
            raise UsageError(
                f"{source}: column {', '.join(twice)} stands more than once. Rename one of them."
            )
    place = record.place
    try:
        text = write_record(fields)
    except RecursionError:
        spoilt, text = (*spoilt, "nested too deeply"), ""
    return SourceRow(place, _read_number(place), fields, text, _read_part(place), spoilt)


def write_record(fields: Mapping[str, Any]) -> str:
    """Return a row as canonical JSON; what JSON has no form for, by what can be said of it.

    Times and decimal numbers are written as texts, bytes as their number and SHA-256, numbers that are
    not finite by their names.
    """
    text = canonical_json({str(key): _make_plain(value) for key, value in fields.items()})
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Lone surrogates, which JSON can write down and UTF-8 cannot.
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return text


def _make_plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Mapping):
        return {str(key): _make_plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_make_plain(inner) for inner in value]
    return str(value)
