"""What the figures of a report share: a drawing with its numbers, colours, and how figures are told."""

from collections.abc import Iterable
from dataclasses import dataclass

from builder.bundle.engine.display import format_percent
from builder.release.card.svg import draw_figure, draw_line, draw_text
from builder.report.data import Entry, Estimate, Measure

__all__ = [
    "CELL_COLOURS",
    "PALE",
    "WIDTH",
    "Figure",
    "draw_scale",
    "find_ink",
    "label_entry",
    "make_figure",
    "shade",
    "sort_entries",
    "tell_estimate",
    "tell_interval",
    "tell_standing",
]

WIDTH = 820
"""How wide figures are, in pixels."""

DARK, LIGHT = "#10151b", "#ffffff"
PALE = "#a9c7e4"
"""The lightest of the blues: models that are kept out of the ranking."""

CELL_COLOURS = {
    "both_passed": "#1c5f9e",
    "negative_chosen_twice": "#a34a0c",
    "order_inconsistent": "#e09a4f",
    "declined": "#f3d3a2",
    "both": "#d9b8d4",
    "unreadable": "#e7e2d6",
    "only_choice_passed": "#9ccbe8",
    "both_failed": "#4d5560",
}
"""The colours of the cells of the 2x2 table: blue is safe, brown hues disagree, grey is unsafe in both."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and the table of the numbers in it.

    ``name`` is that of its file, ``told`` what it shows, to who does not see it; ``notes`` say how to
    read it.
    """

    name: str
    title: str
    told: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def make_figure(
    name: str,
    title: str,
    told: str,
    marks: Iterable[str],
    *,
    height: float,
    columns: tuple[str, ...],
    rows: Iterable[tuple[str, ...]],
    notes: tuple[str, ...] = (),
) -> Figure:
    """Return a figure of the usual width."""
    svg = draw_figure(marks, width=WIDTH, height=height, title=title, told=told, name=f"{name}-")
    return Figure(name, title, told, svg, columns, tuple(rows), notes)


def label_entry(entry: Entry) -> str:
    """Return a model's name, and that it is simulated: nobody is to take it for a real one."""
    is_told = "simulat" in entry.name.casefold()
    return f"{entry.name} (simulated)" if entry.is_simulated and not is_told else entry.name


def tell_interval(estimate: Estimate | None) -> str:
    """Return an interval in percent, or a dash."""
    if estimate is None or estimate.interval is None:
        return "-"
    return " to ".join(map(format_percent, estimate.interval))


def tell_estimate(estimate: Estimate | None) -> str:
    """Return a figure in percent with its interval, starred where it is no headline; else a dash."""
    if estimate is None or estimate.value is None:
        return "-"
    mark = "" if estimate.is_headline else "*"
    if estimate.interval is None:
        return f"{format_percent(estimate.value)}{mark}"
    low, high = map(format_percent, estimate.interval)
    return f"{format_percent(estimate.value)} [{low}, {high}]{mark}"


def tell_standing(entry: Entry, measure: Measure) -> str:
    """Return the ranks that a model may have, or why it has none."""
    if entry.flags:
        return "not ranked"
    standing = (entry.standings or {}).get(measure)
    return str(standing) if standing else "-"


def sort_entries(entries: Iterable[Entry], measure: Measure) -> list[Entry]:
    """Return models by score, best first, those kept out of the ranking and those without a score last."""

    def key(entry: Entry) -> tuple[bool, bool, float, str]:
        score = entry.get_score(measure)
        value = score.value if score else None
        return bool(entry.flags), value is None, -(value or 0.0), entry.name

    return sorted(entries, key=key)


def draw_scale(left: float, width: float, top: float, bottom: float) -> list[str]:
    """Return upright lines at 0 to 100%, with their numbers below."""
    marks = []
    for percent in range(0, 101, 25):
        x = left + width * percent / 100
        marks.append(draw_line(x, top, x, bottom))
        marks.append(draw_text(x, bottom + 17, f"{percent}%", anchor="middle", size=12, faint=True))
    return marks


def shade(share: float) -> str:
    """Return a blue for a share: from nearly white at 0 to dark at 1, evenly in lightness."""
    light, dark = (238, 244, 250), (11, 61, 113)
    parts = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def find_ink(ground: str) -> str:
    """Return the text colour, dark or white, that stands out more from a ground."""
    return max((DARK, LIGHT), key=lambda ink: _contrast(ink, ground))


def _contrast(one: str, two: str) -> float:
    """Return the contrast ratio of two colours, by WCAG 2."""
    high, low = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
