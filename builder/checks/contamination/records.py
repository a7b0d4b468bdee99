"""Records of references: lines and rows of any source enter; the passages of text in them leave."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from schemas.errors import UsageError

__all__ = [
    "Note",
    "NoteKind",
    "Passage",
    "Record",
    "find_passages",
    "list_columns",
    "require_columns",
]

_SHOWN_COLUMNS = 50
_SURROGATE = re.compile("[\ud800-\udfff]")
_LABELS = {"role": "content", "from": "value", "type": "text"}
"""In a chat message or a part of one, the first is a label of the second and no text of its own."""


class NoteKind(StrEnum):
    """What became of a text that is not passed on as it stands."""

    SKIPPED = "skipped"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to compare with, where it stands, and of which item of ours it is (empty: of none)."""

    place: str
    text: str
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A place whose text was skipped, or was read but not as it stands, and why.

    ``text`` is what stood there, where it could be read as a text but as nothing else.
    """

    place: str
    reason: str
    kind: NoteKind
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One line or row: pairs of column and value; a text line has one value in the column ``""``."""

    place: str
    fields: Sequence[tuple[str, Any]]
    item_id: str = ""


def find_passages(
    records: Iterable[Record | Note],
    columns: Sequence[str],
    source: str,
    *,
    is_blank_told: bool = False,
) -> Iterator[Passage | Note]:
    """Yield the texts in ``columns`` of ``records`` (none named: in all of them), and every note.

    A record without any text is passed over, or noted where ``is_blank_told``.
    Raises `UsageError` at the end where a column named was in no record, or held no text in any.
    """
    wanted = frozenset(columns)
    present: dict[str, None] = {}
    told: set[str] = set()
    for record in records:
        if isinstance(record, Note):
            yield record
            continue
        for column, _ in record.fields:
            # Only names that a message can show are kept, lest a file of ever new keys fill the memory.
            if column not in present and (column in wanted or len(present) <= _SHOWN_COLUMNS):
                present[column] = None
        found = _find_texts_in(record, wanted)
        told.update(column for column, text in found if isinstance(text, Passage))
        yield from (text for _, text in found)
        if is_blank_told and not found:
            yield Note(record.place, "holds no text there", NoteKind.SKIPPED)
    if not present:
        return
    require_columns(columns, list(present), source)
    silent = [column for column in columns if column not in told]
    if silent:
        others = [column for column in present if column not in silent]
        more = list_columns(others) if others else "Name another column."
        raise UsageError(f"{source}: no text stands in column {', '.join(silent)}. {more}")


def _find_texts_in(record: Record, wanted: frozenset[str]) -> list[tuple[str, Passage | Note]]:
    """Return the texts in the wanted columns (none named: in all), and what is to be noted of them."""
    return [
        (column, text)
        for column, value in record.fields
        if not wanted or column in wanted
        for text in _find_texts(record, column, value)
    ]


def require_columns(columns: Sequence[str], present: Sequence[str], source: str) -> None:
    """Raise `UsageError` that lists the columns there are, where one of ``columns`` is none of them."""
    missing = [column for column in columns if column not in present]
    if missing:
        raise UsageError(
            f"{source}: there is no column {', '.join(missing)}. {list_columns(present)}"
        )


def list_columns(present: Sequence[str]) -> str:
    """Return the sentence that tells the columns there are."""
    shown = ", ".join(present[:_SHOWN_COLUMNS])
    more = ", …" if len(present) > _SHOWN_COLUMNS else ""
    return f"Choose from its columns: {shown}{more}."


def _find_texts(record: Record, column: str, value: object) -> Iterator[Passage | Note]:
    for path, text in _walk(value):
        if not text or text.isspace():
            continue
        word = "" if record.item_id else "column "
        place = f"{record.place}, {word}{column}{path}" if column else record.place
        clean = text if text.isascii() else _SURROGATE.sub("\ufffd", text)
        yield Passage(place, clean, record.item_id)
        if clean != text:
            yield Note(
                place,
                "held lone surrogates or bytes that are not UTF-8; replaced",
                NoteKind.ALTERED,
            )


def _walk(value: object) -> Iterator[tuple[str, str]]:
    """Yield each string within nested lists and objects, in order, with the way to it.

    A stack stands for recursion: JSON may be nested deeper than Python may call.
    """
    left: list[tuple[str, object]] = [("", value)]
    while left:
        path, value = left.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, Mapping):
            labels = {label for label, content in _LABELS.items() if content in value}
            inner = [(f"{path}.{k}", v) for k, v in value.items() if k not in labels]
            left.extend(reversed(inner))
        elif isinstance(value, list | tuple):
            left.extend(reversed([(f"{path}[{i}]", v) for i, v in enumerate(value)]))
