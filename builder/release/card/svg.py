"""Small drawings: shapes and words enter; the text of an SVG file leaves, the same for the same input.

Every figure lies on a light ground of its own, so that it can be read on a light page and on a dark one.
"""

import math
import unicodedata
from collections.abc import Iterable
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

from builder.release.card.markdown import flatten

__all__ = [
    "FAINT",
    "FIRST",
    "GRID",
    "GROUND",
    "INK",
    "SECOND",
    "draw_circle",
    "draw_figure",
    "draw_line",
    "draw_rect",
    "draw_text",
    "find_step",
    "measure_width",
    "shorten_label",
]

FIRST, SECOND = "#1f6fb2", "#c8641b"
"""Two colours that people who see few colours tell apart."""

GRID = "#d5d8dc"
"""The colour of lines that lie behind the data."""

INK, FAINT, GROUND = "#1f2328", "#57606a", "#fbfbfa"
"""The colours of texts, of texts that matter less, and of the ground that figures lie on."""

_FONT = "Helvetica, Arial, 'Noto Sans', sans-serif"
_EM = 0.56


def measure_width(text: str, size: float = 13) -> float:
    """Return about how wide a text is in pixels; a wide sign counts as two."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return (len(text) + wide * 0.85) * size * _EM


def shorten_label(text: str, most: float, size: float = 13) -> str:
    """Return a text on one line that is at most about ``most`` pixels wide, cut with an ellipsis."""
    flat = flatten(text)
    if measure_width(flat, size) <= most:
        return flat
    while flat and measure_width(f"{flat}…", size) > most:
        flat = flat[:-1]
    return f"{flat.rstrip()}…"


def find_step(most: float, ticks: int = 5) -> float:
    """Return the distance of marks on an axis from 0 to ``most``: 1, 2 or 5 times a power of ten.

    >>> find_step(219), find_step(0.7), find_step(4)
    (50, 0.2, 1)
    """
    rough = max(most, 1e-9) / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    found = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return int(found) if found >= 1 else float(f"{found:.10g}")


def draw_text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: float = 13,
    faint: bool = False,
    bold: bool = False,
    colour: str = "",
) -> str:
    """Return a text; ``anchor`` is start, middle or end."""
    weight = " font-weight='600'" if bold else ""
    colour = colour or (FAINT if faint else "")
    fill = f" fill='{colour}'" if colour else ""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size:g}'{weight}{fill}>"
        f"{escape_xml(flatten(text))}</text>"
    )


def draw_line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = GRID, width: float = 1
) -> str:
    """Return a line."""
    return (
        f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' "
        f"stroke-width='{width:g}'/>"
    )


def draw_rect(
    x: float, y: float, width: float, height: float, *, colour: str, told: str = ""
) -> str:
    """Return a filled rectangle; ``told`` is shown where a pointer rests on it."""
    title = f"<title>{escape_xml(flatten(told))}</title>" if told else ""
    return (
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0):.1f}' height='{max(height, 0):.1f}' "
        f"fill='{colour}'>{title}</rect>"
    )


def draw_circle(
    x: float, y: float, *, colour: str, radius: float = 4.5, hollow: bool = False, told: str = ""
) -> str:
    """Return a dot, filled or hollow."""
    title = f"<title>{escape_xml(flatten(told))}</title>" if told else ""
    fill = GROUND if hollow else colour
    return (
        f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius:g}' fill='{fill}' stroke='{colour}' "
        f"stroke-width='1.5'>{title}</circle>"
    )


def draw_figure(
    marks: Iterable[str], *, width: float, height: float, title: str, told: str, name: str = ""
) -> str:
    """Return the file: ``title`` names the figure, ``told`` says what it shows to who cannot see it.

    ``name`` tells the figure's parts from those of others on one page.
    """
    size = f"viewBox='0 0 {width:g} {height:g}' width='{width:g}' height='{height:g}'"
    look = f"font-family={quoteattr(_FONT)} fill='{INK}'"
    titled, described = f"{name}title", f"{name}told"
    told_by = f"role='img' aria-labelledby='{titled} {described}'"
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} {told_by} {look}>",
        f"<title id='{titled}'>{escape_xml(flatten(title))}</title>",
        f"<desc id='{described}'>{escape_xml(flatten(told))}</desc>",
        f"<rect width='{width:g}' height='{height:g}' rx='6' fill='{GROUND}'/>",
        draw_text(16, 26, title, size=15, bold=True),
        *marks,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
