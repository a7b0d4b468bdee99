"""What a diff of two releases is made of: changed fields, edited and retired items, changes of the manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from builder.release.versions.word_diff import Fate, Piece, compare_texts, count_words
from schemas.storage import Row

__all__ = [
    "HASH",
    "LETTER",
    "PLACE",
    "SHOWN",
    "Anchor",
    "Change",
    "FieldChange",
    "ItemEdit",
    "ManifestChange",
    "Retirement",
    "Side",
    "Subject",
    "compare_fields",
    "is_same",
]

SHOWN = ("question", "positive_option", "negative_option")
"""The columns of texts that models and people are shown."""

PLACE = ("dimension", "kind")
"""The columns that say under which score an item counts."""

LETTER = "order_1_positive"
"""The column with the letter of the positive option in the first order."""

HASH = "content_hash"
"""The column that follows from the shown texts and their language."""


class Change(StrEnum):
    """How a value differs between two releases."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Subject(StrEnum):
    """What a change of the manifest is about."""

    DIMENSION = "dimension"
    PROMPT = "prompt"
    SCORING = "scoring"
    EVALUATOR = "evaluator"
    SCHEMA = "schema"
    HELD_OUT = "splits"
    LICENSE = "license"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two releases that are compared; ``row_hash`` is that of its rows as they stand."""

    name: str
    version: str
    split: str
    items: int
    row_hash: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A column of a row with its old and new value; a value that is not there is None."""

    column: str
    change: Change
    old: Any
    new: Any

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The words that stayed, went and came, where both values are texts."""
        if isinstance(self.old, str) and isinstance(self.new, str):
            return compare_texts(self.old, self.new)
        return ()

    @property
    def size(self) -> tuple[int, int]:
        """How many words went, and how many came."""
        return count_words(self.pieces, Fate.GONE), count_words(self.pieces, Fate.NEW)

    def as_dict(self) -> dict[str, Any]:
        """Return the change as plain JSON values, word by word where a shown text changed."""
        plain: dict[str, Any] = {
            "column": self.column,
            "change": str(self.change),
            "old": self.old,
            "new": self.new,
        }
        if self.column in SHOWN:
            plain["words"] = [piece.as_dict() for piece in self.pieces]
        return plain


@dataclass(frozen=True, slots=True)
class ItemEdit:
    """An item that both releases hold, and not alike: every column that differs."""

    item_id: str
    dimension: str
    fields: tuple[FieldChange, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that differ."""
        return tuple(field.column for field in self.fields)

    @property
    def texts(self) -> tuple[FieldChange, ...]:
        """The shown texts that changed."""
        return tuple(field for field in self.fields if field.column in SHOWN)

    @property
    def metadata(self) -> tuple[FieldChange, ...]:
        """The columns beside that changed: neither text nor its hash, place or letter."""
        others = {*SHOWN, *PLACE, LETTER, HASH}
        return tuple(field for field in self.fields if field.column not in others)

    @property
    def is_reworded(self) -> bool:
        """Whether what is shown is no longer the same: a text, or what its hash is made from."""
        return bool({*SHOWN, HASH}.intersection(self.columns))

    @property
    def is_moved(self) -> bool:
        """Whether the item counts under another dimension or kind."""
        return bool(set(PLACE).intersection(self.columns))

    @property
    def is_letter_changed(self) -> bool:
        """Whether the options stand in the other order."""
        return LETTER in self.columns

    @property
    def has_other_columns(self) -> bool:
        """Whether the row has a column that it had not, or the other way round."""
        return any(field.change is not Change.CHANGED for field in self.fields)

    def as_dict(self) -> dict[str, Any]:
        """Return the edit as plain JSON values."""
        return {
            "item_id": self.item_id,
            "dimension": self.dimension,
            "fields": [field.as_dict() for field in self.fields],
        }


@dataclass(frozen=True, slots=True)
class Retirement:
    """A row that the new release no longer holds, with the version and reason that its manifest tells."""

    row: Row
    version: str
    reason: str

    @property
    def item_id(self) -> str:
        """The id, which no other item ever has."""
        return str(self.row["item_id"])

    def as_dict(self) -> dict[str, Any]:
        """Return the retirement as plain JSON values."""
        return {"row": self.row, "version": self.version, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """A value of the manifest that differs; ``path`` names it, with dots between the steps."""

    subject: Subject
    path: str
    change: Change
    old: Any
    new: Any

    def as_dict(self) -> dict[str, Any]:
        """Return the change as plain JSON values."""
        return {
            "subject": str(self.subject),
            "path": self.path,
            "change": str(self.change),
            "old": self.old,
            "new": self.new,
        }


@dataclass(frozen=True, slots=True)
class Anchor:
    """An item that both releases hold with the same texts, dimension and kind."""

    item_id: str
    dimension: str
    is_same_letter: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the anchor as plain JSON values."""
        return {
            "item_id": self.item_id,
            "dimension": self.dimension,
            "is_same_letter": self.is_same_letter,
        }


def compare_fields(old: Row, new: Row, names: Sequence[str] = ()) -> tuple[FieldChange, ...]:
    """Return what differs between two rows, by column; ``names`` limits the columns looked at."""
    changes = []
    for name in sorted(names or old.keys() | new.keys()):
        if name in old and name in new:
            if not is_same(old[name], new[name]):
                changes.append(FieldChange(name, Change.CHANGED, old[name], new[name]))
        elif name in old:
            changes.append(FieldChange(name, Change.REMOVED, old[name], None))
        elif name in new:
            changes.append(FieldChange(name, Change.ADDED, None, new[name]))
    return tuple(changes)


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same: 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
