"""Editing an item's texts in the user's editor: texts enter, corrected texts leave."""

import re
from collections.abc import Mapping

import click

from schemas.errors import UsageError

__all__ = ["edit_in_editor", "format_texts", "parse_texts"]

_HINT = "<!-- Correct the texts below their headings, keep the headings, save, and close. -->\n"
_HEADING = re.compile(r"^## (\w+)[ \t]*$", re.MULTILINE)


def format_texts(texts: Mapping[str, str]) -> str:
    """Return texts as a document with a heading each."""
    return _HINT + "".join(f"\n## {name}\n\n{text}\n" for name, text in texts.items())


def parse_texts(document: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a document that `format_texts` made and a person changed.

    Raises `UsageError` where a heading is missing, unknown or stands twice.
    """
    parts = _HEADING.split(document)
    headings = parts[1::2]
    if sorted(headings) != sorted(names):
        raise UsageError(
            f"the document needs the headings {', '.join(f'## {n}' for n in names)}, each once. "
            "Nothing was changed."
        )
    return {name: text.strip() for name, text in zip(headings, parts[2::2], strict=True)}


def edit_in_editor(texts: Mapping[str, str]) -> dict[str, str]:
    """Open ``$VISUAL`` or ``$EDITOR`` on the texts; return them as the user left them.

    Raises `UsageError` where the editor was closed without saving, or cannot be started.
    """
    try:
        document = click.edit(format_texts(texts), extension=".md")
    except click.ClickException as error:
        raise UsageError(f"{error.message}. Set EDITOR, or give texts as options.") from error
    if document is None:
        raise UsageError("nothing was saved, so nothing was changed.")
    return parse_texts(document, texts)
