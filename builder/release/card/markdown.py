"""Texts for a Markdown page: what a curator wrote enters; what stands for exactly that on a page leaves.

Titles, reasons and limits are written by people who do not think of Markdown. A bar must not break a
table, a dollar sign must not begin a formula, and an HTML tag must not work.
"""

import html
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from schemas.texts import make_printable

__all__ = ["escape", "flatten", "make_code", "make_link", "make_list", "make_table", "to_plain"]

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;"}
_MARKS = frozenset("\\`*_[]~")
_BLOCK = re.compile(r"(?P<number>\d{1,9})(?P<mark>[.)])(?= |$)|(?P<bare>[-+#=:])")
# Joiners shape letters and emoji; they print nothing, and are no means of deceit.
_JOINERS = "\u200c\u200d"


def flatten(text: str) -> str:
    """Return a text on one line, without characters that do not print."""
    return make_printable(" ".join(text.split()), keep=_JOINERS)


def escape(text: str) -> str:
    r"""Return a text as Markdown that shows it as it stands, on one line.

    >>> escape("a | b <i> *c*")
    'a &#124; b &lt;i&gt; \\*c\\*'
    """
    flat = flatten(text)
    start = ""
    if found := _BLOCK.match(flat):
        start = f"{found['number']}\\{found['mark']}" if found["number"] else f"\\{found['bare']}"
        flat = flat[found.end() :]
    return start + "".join(_ENTITIES.get(c) or (f"\\{c}" if c in _MARKS else c) for c in flat)


def make_code(text: str) -> str:
    """Return a text as a code span, in as many backticks as it needs.

    >>> make_code("a`b")
    '``a`b``'
    """
    flat = flatten(text)
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    edge = " " if flat.startswith("`") or flat.endswith("`") else ""
    fence = "`" * (longest + 1)
    return f"{fence}{edge}{flat}{edge}{fence}" if flat else ""


def make_link(address: str) -> str:
    """Return a web address as a link, and what is none as plain text."""
    flat = flatten(address)
    parts = urlsplit(flat) if not re.search(r"[\s<>\\]", flat) else None
    if parts and parts.scheme in ("http", "https") and parts.netloc:
        return f"<{flat}>"
    return escape(flat)


def make_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; cells are Markdown already, on one line each."""
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = (str(cell).replace("|", "\\|") or " " for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def make_list(lines: Iterable[str]) -> str:
    """Return Markdown lines as a list."""
    return "\n".join(f"- {line}" for line in lines)


def to_plain(markdown: str) -> str:
    """Return what a sentence of our Markdown says, without its marks; links are left as they are.

    >>> to_plain(f"**Held:** {escape('a | *b*')} in `c`")
    'Held: a | *b* in c'
    """
    return html.unescape(re.sub(r"\\(.)|[*`]", lambda found: found[1] or "", markdown))
