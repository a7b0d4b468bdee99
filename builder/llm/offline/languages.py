"""A language tag enters; the folder of `texts/` that is written in it, and its tables, leave."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["find_language", "list_languages", "read_texts"]

_TEXTS = Path(__file__).parent / "texts"


@cache
def list_languages() -> tuple[str, ...]:
    """Return the languages that the offline model writes in: one for each folder of `texts/`."""
    return tuple(sorted(folder.name for folder in _TEXTS.iterdir() if folder.is_dir()))


def find_language(tag: str) -> str | None:
    """Return the language of a tag such as ``zh-Hans``, or None where there are no texts in it."""
    language = tag.partition("-")[0]
    return language if language in list_languages() else None


@cache
def read_texts(language: str, name: str) -> dict[str, Any]:
    """Return the table ``name`` of a language."""
    return tomllib.loads((_TEXTS / language / f"{name}.toml").read_text(encoding="utf-8"))
