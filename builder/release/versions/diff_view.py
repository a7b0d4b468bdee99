"""A diff printed: the diffs of both splits enter; rich tables, or Markdown, leave.

Texts of items, which may be harmful, are shown only where they are asked for.
"""

import re
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.text import Text

from builder.console import make_table
from builder.release.versions.comparability import describe_comparability
from builder.release.versions.diff_sections import (
    Section,
    TextChange,
    list_sections,
    list_text_changes,
    write_title,
)
from builder.release.versions.split_diff import SplitDiff
from builder.release.versions.word_diff import Fate, mark_pieces
from schemas.texts import make_printable

__all__ = ["make_diff_view", "render_diff", "write_diff_markdown"]

_MOST_ROWS = 50
"""So many rows of a section are shown in a terminal; the files have all."""

_STYLES = {Fate.STAYED: "", Fate.GONE: "red strike", Fate.NEW: "green"}


def make_diff_view(found: SplitDiff, *, texts: bool = False) -> RenderableType:
    """Return a diff for a terminal; what went and came is marked as well as coloured."""
    parts: list[RenderableType] = [Text(make_printable(write_title(found), instead=" "))]
    if found.is_empty:
        return parts[0]
    parts += [
        make_table(section.title, list(map(_flatten_head, section.columns)), _cut(section))
        for section in list_sections(found)
    ]
    if texts:
        parts += [_make_text(change) for change in list_text_changes(found.public)]
    told = "\n".join(describe_comparability(found.public))
    return Group(*parts, Text(make_printable(told)))


def _flatten_head(text: str) -> str:
    """Return a head, which may be a version out of a manifest, without control codes and rich's marks."""
    return escape(make_printable(text, instead=" "))


def render_diff(found: SplitDiff, *, texts: bool = False) -> str:
    """Return a diff as it is shown in a terminal, without colours."""
    stream = StringIO()
    console = Console(file=stream, width=160, highlight=False, emoji=False)
    console.print(make_diff_view(found, texts=texts))
    return stream.getvalue()


def _cut(section: Section) -> Sequence[tuple[str, ...]]:
    more = len(section.rows) - _MOST_ROWS
    if more <= 0:
        return section.rows
    rest = (f"… and {more} more: --format markdown",) + ("",) * (len(section.columns) - 1)
    return [*section.rows[:_MOST_ROWS], rest]


def _make_text(change: TextChange) -> Text:
    """Return one text of an item with its words marked; control codes in it do not reach the terminal."""
    item_id = make_printable(change.item_id, keep="", instead=" ")
    text = Text(f"\n{item_id} {change.fate}, {change.column}:\n")
    for piece in change.pieces:
        text.append(make_printable(mark_pieces([piece])), style=_STYLES[piece.fate])
    return text


def write_diff_markdown(found: SplitDiff, *, texts: bool = False) -> str:
    """Return a diff as a Markdown page."""
    lines = [f"# {_flatten(write_title(found))}"]
    if found.is_empty:
        return f"{lines[0]}\n"
    for section in list_sections(found):
        lines += ["", f"## {section.title}", "", *_write_table(section)]
    if texts:
        lines += ["", "## Texts", "", "`[-…-]` went, `{+…+}` came."]
        for change in list_text_changes(found.public):
            lines += ["", f"{_flatten(change.item_id)} {change.fate}, {change.column}:", ""]
            lines += _write_fenced(mark_pieces(change.pieces))
    lines += ["", "## Comparing scores"]
    for told in describe_comparability(found.public):
        lines += ["", _flatten(told)]
    return "".join(f"{line}\n" for line in lines)


def _write_table(section: Section) -> Iterable[str]:
    yield f"| {' | '.join(map(_flatten, section.columns))} |"
    yield f"|{' --- |' * len(section.columns)}"
    for row in section.rows:
        yield f"| {' | '.join(map(_flatten, row))} |"


def _flatten(text: str) -> str:
    """Return a text as one line that Markdown takes for nothing but text."""
    line = " ".join(make_printable(text, instead=" ").split())
    return re.sub(r"([\\`*<>|\[\]])", r"\\\1", line)


def _write_fenced(text: str) -> list[str]:
    """Return a text as a block within marks that do not occur in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", make_printable(text), fence]
