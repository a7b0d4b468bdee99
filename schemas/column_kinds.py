"""The kinds of columns that our tables are made of, as pandera checks them."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pandera.pandas as pa

from schemas import rules

__all__ = [
    "AT_MOST_ONE",
    "HASH",
    "HASH_OR_EMPTY",
    "LANGUAGE",
    "NOT_NEGATIVE",
    "Columns",
    "make_count",
    "make_flag",
    "make_known_or_not_count",
    "make_label",
    "make_letter",
    "make_text",
    "make_texts",
    "make_version_key",
]

Columns = dict[str, pa.Column]
"""The columns of a table by name, in order."""


def _check(name: str, holds: Callable[[Any], bool]) -> pa.Check:
    return pa.Check(holds, element_wise=True, name=name, error=name)


NOT_BLANK = _check("not blank", rules.is_not_blank)
TRIMMED = _check("ends trimmed", rules.is_trimmed)
CLEAN = _check("no control characters", rules.is_clean)
LANGUAGE = _check("language tag", rules.is_language)
HASH = _check("sha-256", rules.is_hash)
HASH_OR_EMPTY = _check("sha-256", rules.is_hash_or_empty)
AT_MOST_ONE = pa.Check(lambda s: s <= 1, name="at most 1", error="at most 1")
NOT_NEGATIVE = pa.Check(lambda s: s >= 0, name="not negative", error="not negative")


def make_text(*, required: bool = True) -> pa.Column:
    """Return a column of texts as we keep them: trimmed, clean, and not blank where one is required."""
    checks = [NOT_BLANK, TRIMMED, CLEAN] if required else [TRIMMED, CLEAN]
    return pa.Column(str, checks)


def make_letter() -> pa.Column:
    """Return the column of a letter under which an option is shown, A or B."""
    return pa.Column(str, pa.Check.isin(["A", "B"], name="known label", error="known label"))


def make_label(labels: type[StrEnum]) -> pa.Column:
    """Return a column that holds one of the labels."""
    known = [str(label) for label in labels]
    return pa.Column(str, pa.Check.isin(known, name="known label", error="known label"))


def make_flag() -> pa.Column:
    """Return a column of yes and no."""
    return pa.Column(bool)


def make_count() -> pa.Column:
    """Return a column of whole numbers from 0."""
    return pa.Column(int, NOT_NEGATIVE)


def make_known_or_not_count() -> pa.Column:
    """Return a column of whole numbers from 0, of which some are not known."""
    return pa.Column("Int64", NOT_NEGATIVE, nullable=True)


def make_texts() -> pa.Column:
    """Return a column of lists of texts."""
    return pa.Column(object)


def make_version_key() -> Columns:
    """Return the columns that name one version of one item."""
    return {"item_id": make_text(), "content_hash": pa.Column(str, HASH)}
