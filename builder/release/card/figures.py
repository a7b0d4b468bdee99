"""The figures of a release: manifest and rows enter; SVG files by name leave.

Items by dimension, lengths of the two options, and how far reviewers agreed, where anybody reviewed. No
text of an item is in them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from builder.release.card.facts import tell_count
from builder.release.card.svg import (
    FIRST,
    GRID,
    SECOND,
    draw_circle,
    draw_figure,
    draw_line,
    draw_rect,
    draw_text,
    find_step,
    measure_width,
    shorten_label,
)
from builder.release.card.tally import Tally
from schemas.labels import DimensionKind

__all__ = [
    "AGREEMENT",
    "DIMENSIONS",
    "LENGTHS",
    "QUESTION_NAMES",
    "draw_agreement",
    "draw_dimensions",
    "draw_figures",
    "draw_lengths",
]

DIMENSIONS, LENGTHS, AGREEMENT = (
    f"figures/{name}.svg" for name in ("dimensions", "lengths", "agreement")
)

QUESTION_NAMES: Mapping[str, str] = {
    "safer": "Which option is safer",
    "in_dimension": "In its dimension and clear",
    "operational_detail": "Gives operational detail",
    "natural": "Both options natural",
    "recommendation": "Accept, revise or reject",
}
"""What reviewers were asked, shortly; the one that gates stands first."""

_WIDTH = 720
_ROW = 28
_TOP = 48
_MOST_LABEL = 300
_MOST_BINS = 24
_LEFT, _PANEL = 150.0, 110.0


def draw_figures(manifest: Mapping[str, Any], tally: Tally) -> dict[str, str]:
    """Return each figure's SVG by its path in the release."""
    figures = {
        DIMENSIONS: draw_dimensions(manifest["dimensions"]),
        LENGTHS: draw_lengths(tally.positive_lengths, tally.negative_lengths),
    }
    agreement = manifest["review"].get("agreement", {})
    if any(_list_estimates(found["overall"]) for found in agreement.values()):
        by_language = manifest["review"].get("agreement_by_language", {})
        who = "reviewers" if manifest["review"].get("reviewers") else "SIMULATED reviewers"
        figures[AGREEMENT] = draw_agreement(agreement, by_language, who)
    return figures


def draw_dimensions(dimensions: Sequence[Mapping[str, Any]]) -> str:
    """Draw a bar a dimension: how many items it has; controls in another colour."""
    labels = [shorten_label(d["name"], _MOST_LABEL) for d in dimensions]
    left = 32 + max((measure_width(label) for label in labels), default=0)
    most = max((d["items"] for d in dimensions), default=0)
    scale = (_WIDTH - left - 70) / max(most, 1)
    has_controls = any(d["kind"] == DimensionKind.CONTROL for d in dimensions)
    marks = []
    for number, (dimension, label) in enumerate(zip(dimensions, labels, strict=True)):
        y = _TOP + _ROW * number
        colour = SECOND if dimension["kind"] == DimensionKind.CONTROL else FIRST
        items = dimension["items"]
        told = f"{dimension['name']}: {tell_count(items, 'item')}"
        marks += [
            draw_text(left - 10, y + 18, label, anchor="end"),
            draw_rect(left, y + 4, items * scale, _ROW - 8, colour=colour, told=told),
            draw_text(left + items * scale + 8, y + 18, f"{items:,}", faint=True),
        ]
    height = _TOP + _ROW * len(dimensions) + (34 if has_controls else 14)
    if has_controls:
        marks += _draw_key(height - 14, (("safety", FIRST), ("capability control", SECOND)))
    told = "; ".join(f"{d['name']}: {d['items']}" for d in dimensions)
    title = "Items by dimension"
    return draw_figure(marks, width=_WIDTH, height=height, title=title, told=f"{told}.")


def _draw_key(y: float, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    x = 16.0
    for name, colour in entries:
        yield draw_rect(x, y - 10, 12, 12, colour=colour)
        yield draw_text(x + 18, y, name, size=12, faint=True)
        x += 42 + measure_width(name, 12)


@dataclass(frozen=True, slots=True)
class _Bins:
    """The bins that both histograms share: their width in characters and pixels, and the tallest bar."""

    step: float
    number: int
    tallest: int

    @property
    def width(self) -> float:
        return (_WIDTH - _LEFT - 24) / self.number

    def count(self, lengths: Sequence[int]) -> list[int]:
        """Return how many lengths fall into each bin."""
        found = Counter(int(length // self.step) for length in lengths)
        return [found[place] for place in range(self.number)]


def _choose_bins(positive: Sequence[int], negative: Sequence[int]) -> _Bins:
    most = max([*positive, *negative, 1])
    step = max(1, find_step(most, _MOST_BINS))
    bins = _Bins(step, int(most // step) + 1, 0)
    return replace(bins, tallest=max([*bins.count(positive), *bins.count(negative)]))


def draw_lengths(positive: Sequence[int], negative: Sequence[int]) -> str:
    """Draw the lengths of the two options, in characters, as histograms over the same bins."""
    bins = _choose_bins(positive, negative)
    sides = (("positive", positive, FIRST), ("negative", negative, SECOND))
    marks: list[str] = []
    base = 0.0
    for number, (name, lengths, colour) in enumerate(sides):
        base = _TOP + _PANEL + number * (_PANEL + 26)
        marks += _draw_histogram(bins, name, lengths, base, colour)
        marks += _draw_median(lengths, bins.width / bins.step, base)
    marks += _draw_lengths_axis(base, bins.number * bins.step, bins.width / bins.step)
    told = " ".join(
        f"{name.capitalize()} options: {_describe_lengths(lengths)}." for name, lengths, _ in sides
    )
    return draw_figure(
        marks, width=_WIDTH, height=base + 44, title="Lengths of the options", told=told
    )


def _draw_histogram(
    bins: _Bins, name: str, lengths: Sequence[int], base: float, colour: str
) -> Iterator[str]:
    edge = _LEFT - 12
    yield draw_text(edge, base - _PANEL / 2, f"{name} options", anchor="end")
    yield draw_text(edge, base - 2, "0 items", anchor="end", size=11, faint=True)
    most = f"{bins.tallest:,}"
    yield draw_text(edge, base - _PANEL + 8, most, anchor="end", size=11, faint=True)
    yield draw_line(_LEFT, base, _LEFT + bins.number * bins.width, base)
    for place, count in enumerate(bins.count(lengths)):
        if count:
            tall = _PANEL * count / bins.tallest
            x = _LEFT + place * bins.width + 0.5
            told = f"{place * bins.step:g} to {(place + 1) * bins.step - 1:g} characters: {count}"
            yield draw_rect(x, base - tall, bins.width - 1, tall, colour=colour, told=told)


def _draw_median(lengths: Sequence[int], scale: float, base: float) -> Iterator[str]:
    if not lengths:
        return
    middle = median(lengths)
    x, top = _LEFT + middle * scale, base - _PANEL
    anchor, shift = ("end", -6) if x > _WIDTH - 130 else ("start", 6)
    yield draw_line(x, top - 12, x, base, colour="#1f2328", width=1.2)
    yield draw_text(x + shift, top - 3, f"median {middle:g}", anchor=anchor, size=11, faint=True)


def _draw_lengths_axis(y: float, most: float, scale: float) -> Iterator[str]:
    step = max(1, find_step(most, 8))
    for number in range(int(most // step) + 1):
        x = _LEFT + number * step * scale
        yield draw_line(x, y, x, y + 4, colour="#57606a")
        yield draw_text(x, y + 17, f"{number * step:g}", anchor="middle", size=11, faint=True)
    yield draw_text(_LEFT + most * scale / 2, y + 34, "characters", anchor="middle", size=12)


def _describe_lengths(lengths: Sequence[int]) -> str:
    if not lengths:
        return "none"
    return f"{min(lengths)} to {max(lengths)} characters, median {median(lengths):g}"


def draw_agreement(
    agreement: Mapping[str, Any],
    by_language: Mapping[str, Mapping[str, Any]],
    who: str = "reviewers",
) -> str:
    """Draw AC1 and percent agreement on each question with their intervals, over all and by language.

    ``who`` agreed or did not: people, or simulated ones.
    """
    lines = _list_agreement(agreement, by_language)
    lowest = min(low for _, found in lines for estimate in found for low in _list_values(estimate))
    low = min(0.0, -0.25 * -(-max(0.0, -lowest) // 0.25))
    left, right = 240.0, _WIDTH - 60.0

    def place(value: float) -> float:
        return left + (value - low) / (1 - low) * (right - left)

    bottom = _TOP + _ROW * len(lines)
    marks = []
    for number in range(round((1 - low) / 0.25) + 1):
        value = low + 0.25 * number
        marks += [
            draw_line(place(value), _TOP - 4, place(value), bottom, colour=GRID),
            draw_text(
                place(value), bottom + 16, f"{value:g}", anchor="middle", size=11, faint=True
            ),
        ]
    for number, (label, found) in enumerate(lines):
        y = _TOP + _ROW * number + _ROW / 2
        marks += [
            draw_text(left - 14, y + 4, label, anchor="end", faint=label.startswith("in ")),
            draw_text(_WIDTH - 16, y + 4, _tell_value(found[0]), anchor="end", size=12, faint=True),
        ]
        for shift, colour, estimate in zip((-4, 4), (FIRST, SECOND), found, strict=True):
            marks += _draw_estimate(estimate, y + shift, colour, place)
    height = bottom + 46
    marks += _draw_key(height - 12, (("Gwet's AC1", FIRST), ("share of agreeing pairs", SECOND)))
    told = "; ".join(f"{label}: {_describe_estimate(found[0])}" for label, found in lines)
    title = f"Agreement of {who}, with 95% intervals"
    return draw_figure(marks, width=_WIDTH, height=height, title=title, told=f"AC1. {told}.")


def _list_agreement(
    agreement: Mapping[str, Any], by_language: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    lines = []
    for question, name in QUESTION_NAMES.items():
        parts = [(name, agreement[question]["overall"])] if question in agreement else []
        parts += [
            (f"in {language}", found[question])
            for language, found in sorted(by_language.items())
            if question in found
        ]
        lines += [
            (label, (found["ac1"], found["percent"]))
            for label, found in parts
            if _list_estimates(found)
        ]
    return lines


def _list_estimates(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [found[m] for m in ("ac1", "percent") if found[m]["value"] is not None]


def _list_values(estimate: Mapping[str, Any]) -> list[float]:
    values = [] if estimate["value"] is None else [estimate["value"]]
    return [*values, *(estimate["interval"] or ())]


def _draw_estimate(estimate: Mapping[str, Any], y: float, colour: str, place: Any) -> Iterator[str]:
    if estimate["value"] is None:
        return
    if estimate["interval"]:
        low, high = estimate["interval"]
        yield draw_line(place(low), y, place(high), y, colour=colour, width=2)
    told = _describe_estimate(estimate)
    yield draw_circle(place(estimate["value"]), y, colour=colour, radius=3.5, told=told)


def _tell_value(estimate: Mapping[str, Any]) -> str:
    return "" if estimate["value"] is None else f"{estimate['value']:.2f}"


def _describe_estimate(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "no figure"
    told = f"{estimate['value']:.2f}"
    if estimate["interval"]:
        told += " [{:.2f}, {:.2f}]".format(*estimate["interval"])
    return told
