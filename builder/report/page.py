"""A report as one page: what it shows, its figures and its items enter; self-contained HTML leaves.

The page loads nothing and allows nothing to be loaded: its policy names its one style sheet and its one
script by their hashes. Texts of items and replies are packed, unpacked when a row is opened, and shown as
texts, so that no markup in them can work.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from string import Template

from builder.release.card.markdown import flatten
from builder.report.data import Report, list_unranked
from builder.report.figures import Figure
from builder.report.items import Pack, embed_json
from builder.report.tables import (
    COMPARISON_COLUMNS,
    COVERAGE_COLUMNS,
    FINDING_COLUMNS,
    SUMMARY_COLUMNS,
    list_comparisons,
    list_coverage,
    list_details,
    list_findings,
    list_summary,
)

__all__ = ["write_page"]

_NUMBER = re.compile(r"[-+<]? ?\d[\d.,+–\-\[\] %*to]*|-|not ranked")
_NO_ITEMS = Pack(embed_json({}), (), 0, 0)


def write_page(report: Report, figures: Sequence[Figure], pack: Pack = _NO_ITEMS) -> str:
    """Return the page's HTML; equal input gives equal bytes."""
    template = Template(_read("page.html"))
    style, script = _read("page.css"), _read("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_hash(style)}'; "
        f"script-src 'sha256-{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    sections = _list_sections(report, figures, pack)
    return template.substitute(
        policy=policy,
        title=escape(flatten(report.title)),
        style=style,
        script=script,
        notices=_write_notices(report),
        contents="".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in sections),
        sections="\n".join(
            f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>\n{body}\n</section>'
            for name, title, body in sections
        ),
        index=pack.index,
        blocks="\n".join(
            f'<script type="text/plain" id="block-{number}">{block}</script>'
            for number, block in enumerate(pack.blocks)
        ),
    )


def _read(name: str) -> str:
    return resources.files("builder.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _write_notices(report: Report) -> str:
    notices = []
    if report.simulated:
        names = escape(flatten(", ".join(report.simulated)))
        notices.append(f"<strong>SIMULATED</strong>, no finding about a real model: {names}.")
    notices += [escape(notice) for notice in report.notices]
    return "\n".join(f'<p class="notice">{notice}</p>' for notice in notices)


def _list_sections(
    report: Report, figures: Sequence[Figure], pack: Pack
) -> list[tuple[str, str, str]]:
    """Return the parts of the page: an id, a heading, and HTML."""
    sections = [("summary", "Summary", _write_summary(report))]
    by_part: dict[str, list[Figure]] = {}
    for figure in figures:
        by_part.setdefault(_find_part(figure), []).append(figure)
    for part, of_part in by_part.items():
        body = "\n".join(map(_write_figure, of_part))
        sections.append((part.lower().replace(" ", "-"), part, body))
    if report.findings:
        table = _write_table(_GAPS, FINDING_COLUMNS, list_findings(report))
        sections.append(("gaps", "Gaps", table))
    if report.contrasts:
        sections.append(("comparisons", "Comparisons", _write_comparisons(report)))
    if pack.rows:
        sections.append(("items", "Items and replies", _write_items(pack)))
    sections.append(("method", "Method", _write_method(report)))
    return sections


_GAPS = "Open form passed less multiple choice passed, in percentage points"

_PARTS = {
    "ranking": "Rankings",
    "open": "Two forms",
    "two": "Two forms",
    "dimensions": "Dimensions",
    "position": "Position bias",
}


def _find_part(figure: Figure) -> str:
    return _PARTS[figure.name.split("-")[0]]


def _write_summary(report: Report) -> str:
    if not report.entries:
        return "<p>No model was scored.</p>"
    told = _write_table("Models, best CSS first", SUMMARY_COLUMNS, list_summary(report))
    unranked = "".join(
        f"<li>{escape(entry.name)}: {escape('; '.join(entry.flags))}</li>"
        for entry in list_unranked(report)
    )
    if unranked:
        told += f"<p>Kept out of the ranking:</p><ul>{unranked}</ul>"
    columns, rows = list_details(report)
    if any(group.extras for entry in report.entries for group in entry.groups.values()):
        told += f'<div class="apart">{_write_table("Further figures", columns, rows)}</div>'
    return told


def _write_figure(figure: Figure) -> str:
    notes = " ".join(map(escape, figure.notes))
    return (
        f"<figure>"
        f'<div class="chart" role="group" tabindex="0" aria-label="Figure: {escape(figure.title)}">'
        f"{figure.svg.strip()}</div>\n<figcaption>{notes}</figcaption>\n"
        f"{_write_table(f'Numbers: {figure.title}', figure.columns, figure.rows)}</figure>"
    )


def _write_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table that scrolls by itself; cells of numbers are aligned to the right."""
    listed = [list(row) for row in rows]
    numeric = [
        number > 0 and bool(listed) and all(_NUMBER.fullmatch(row[number]) for row in listed)
        for number in range(len(columns))
    ]
    kinds = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{escape(column.strip())}</th>'
        for column, kind in zip(columns, kinds, strict=True)
    )
    body = "\n".join(_write_row(row, kinds) for row in listed)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _write_row(row: Sequence[str], kinds: Sequence[str]) -> str:
    cells = "".join(
        f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True)
    )
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _write_comparisons(report: Report) -> str:
    table = _write_table(
        "Pairs of models, differences in percentage points",
        COMPARISON_COLUMNS,
        list_comparisons(report),
    )
    return f"<p>{escape(report.compared)}</p>\n{table}"


_FILTERS = (
    ("dimension", "Dimension", "all dimensions"),
    ("model", "Model", "all models"),
    ("cell", "What it shows", "all"),
)


def _write_items(pack: Pack) -> str:
    selects = "".join(
        f'<label for="{name}">{label}<select id="{name}"><option value="">{everything}</option></select></label>'
        for name, label, everything in _FILTERS
    )
    heads = ("item", "dimension", "model", "open", "first order", "second order", "what it shows")
    head = "".join(f'<th scope="col">{told}</th>' for told in heads)
    withheld = (
        f" {pack.withheld} texts are withheld: they hold what nobody should be shown in passing, and are "
        "not in this page."
        if pack.withheld
        else ""
    )
    return (
        "<p>Open an item to read its question and options, the three replies and the judge's words. "
        f"Texts may be harmful; each is blurred until it is asked for.{withheld}</p>"
        "<noscript><p>The list of items needs JavaScript; all else on this page does not.</p></noscript>"
        '<div id="explorer" hidden><div class="filters" role="search" aria-label="Items">'
        '<label for="search">Search ids and questions<input id="search" type="search"></label>'
        f'{selects}</div><div class="pager"><span id="count" role="status"></span>'
        '<button type="button" id="unveil" aria-pressed="false">Show texts unblurred</button></div>'
        '<div class="scroll long" role="group" tabindex="0" aria-label="Items and replies">'
        f"<table><thead><tr>{head}</tr></thead>"
        '<tbody id="rows"></tbody></table></div><div class="pager">'
        '<button type="button" id="earlier">Earlier rows</button><span id="page"></span>'
        '<button type="button" id="later">Later rows</button></div></div>'
    )


def _write_method(report: Report) -> str:
    told = "".join(f"<p>{escape(flatten(sentence))}</p>\n" for sentence in report.method)
    told += _write_table("What the scores cover", COVERAGE_COLUMNS, list_coverage(report))
    for run in report.runs:
        facts = "".join(
            f"<dt>{escape(what)}</dt><dd>{escape(flatten(how))}</dd>" for what, how in run.told
        )
        told += f"<h3>Run {escape(flatten(run.run))}</h3>\n<dl>{facts}</dl>\n"
    return told
