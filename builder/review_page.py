"""The report on a review as one page: a report enters; self-contained HTML leaves.

Texts of items are blurred until they are clicked on; comments are the reviewers' own words.
"""

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

from builder.review_report import Report
from builder.review_tables import ShownTable, list_tables

__all__ = ["write_review_page"]


def write_review_page(title: str, report: Report) -> str:
    """Return the page's HTML; it loads nothing from elsewhere, and equal input gives equal bytes."""
    template = Template(resources.files("builder").joinpath("review_page.html").read_text("utf-8"))
    tables = "\n".join(_write_table(table) for table in list_tables(report))
    texts = "\n".join(
        f"<li>{escape(found.item_id)}: <span class='text' tabindex='0'>{escape(found.question)}</span></li>"
        for found in report.disagreements
    )
    return template.substitute(title=escape(title), tables=tables, texts=texts or "<li>none</li>")


def _write_table(table: ShownTable) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    if not table.rows:
        return f"<h2>{escape(table.title)}</h2><p>Nothing to show.</p>{notes}"
    head = _write_row(table.columns, "th")
    body = "".join(_write_row(row, "td") for row in table.rows)
    return f"<h2>{escape(table.title)}</h2><table>{head}{body}</table>{notes}"


def _write_row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
