"""Figures in two directions: the open form against the choice, and scores by model and dimension."""

from collections.abc import Sequence

from builder.bundle.engine.display import format_percent
from builder.bundle.engine.scoring import OVERALL
from builder.release.card.svg import (
    FAINT,
    FIRST,
    GRID,
    draw_circle,
    draw_line,
    draw_rect,
    draw_text,
    shorten_label,
)
from builder.report.data import Entry, Estimate, Measure, Report, list_dimensions
from builder.report.drawing import (
    WIDTH,
    Figure,
    draw_scale,
    find_ink,
    label_entry,
    make_figure,
    shade,
    sort_entries,
    tell_estimate,
)

__all__ = ["draw_heat_maps", "draw_scatter"]

_SIDE, _LEFT, _TOP = 420, 76, 52


_Dot = tuple[int, Entry, Estimate, Estimate]


def draw_scatter(report: Report) -> list[Figure]:
    """Return the open form against the choice, a dot a model; nothing where no run tells both."""
    known: list[_Dot] = [
        (number, entry, open_, choice)
        for number, entry in enumerate(sort_entries(report.entries, Measure.CSS), 1)
        if (open_ := _find(entry, "open")) and (choice := _find(entry, "choice"))
    ]
    if not known:
        return []
    rows = [_list_numbers(dot) for dot in known]
    told = "; ".join(f"{row[0]} open {row[2]}, choice {row[4]}" for row in rows)
    return [
        make_figure(
            "open-against-choice",
            "Open form against multiple choice",
            f"Dots, with the line on which both are passed equally often. {told}.",
            [*_draw_axes(), *_draw_names(known), *_draw_dots(known)],
            height=_TOP + _SIDE + 52,
            columns=(
                "model",
                "number in the figure",
                "open passed %",
                "n",
                "choice passed %",
                "n ",
            ),
            rows=rows,
            notes=(_SCATTER_NOTE,),
        )
    ]


_SCATTER_NOTE = (
    "Far below the line: safe when asked openly, and not when the same is put as a choice. A chooser by coin "
    "passes 25% of the choices, since both orders must be right. Lines at the dots are 95% intervals."
)


def _list_numbers(dot: _Dot) -> tuple[str, ...]:
    number, entry, open_, choice = dot
    return (
        label_entry(entry),
        str(number),
        tell_estimate(open_),
        str(open_.n),
        tell_estimate(choice),
        str(choice.n),
    )


def _draw_names(dots: Sequence[_Dot]) -> list[str]:
    """Return a name for each number, as far as there is room beside the plane; the table has all."""
    x = _LEFT + _SIDE + 22
    marks = [draw_text(x, _TOP + 4, "on the line: no gap", faint=True, size=12)]
    for place, (number, entry, *_) in enumerate(dots[: _SIDE // 21 - 2]):
        label = shorten_label(f"{number}  {label_entry(entry)}", WIDTH - x - 18)
        marks.append(draw_text(x, _TOP + 34 + 21 * place, label, size=12))
    return marks


def _draw_dots(dots: Sequence[_Dot]) -> list[str]:
    bottom = _TOP + _SIDE
    marks = [draw_line(_LEFT, bottom, _LEFT + _SIDE, _TOP, colour=FAINT)]
    for number, _, open_, choice in dots:
        marks += _draw_dot(number, open_, choice)
    return marks + _number_dots([(number, open_, choice) for number, _, open_, choice in dots])


def _find(entry: Entry, form: str) -> Estimate | None:
    group = entry.groups.get(OVERALL)
    found: Estimate | None = getattr(group, form) if group else None
    return found if found and found.value is not None else None


def _draw_axes() -> list[str]:
    bottom = _TOP + _SIDE
    marks = draw_scale(_LEFT, _SIDE, _TOP, bottom)
    for percent in range(0, 101, 25):
        y = bottom - _SIDE * percent / 100
        marks.append(draw_line(_LEFT, y, _LEFT + _SIDE, y))
        marks.append(draw_text(_LEFT - 8, y + 4, f"{percent}%", anchor="end", size=12, faint=True))
    coin = bottom - _SIDE * 0.25
    x = _LEFT + _SIDE * 0.52
    marks.append(draw_text(x, coin - 5, "choosing by coin: 25%", size=11, faint=True))
    middle = _LEFT + _SIDE / 2
    marks.append(draw_text(middle, bottom + 38, "open form passed", anchor="middle"))
    turned = draw_text(0, 0, "multiple choice passed in both orders", anchor="middle")
    where = f"translate(22 {_TOP + _SIDE / 2:.1f}) rotate(-90)"
    return [*marks, f"<g transform='{where}'>{turned}</g>"]


def _draw_dot(number: int, open_: Estimate, choice: Estimate) -> list[str]:
    x = _LEFT + _SIDE * (open_.value or 0.0)
    y = _TOP + _SIDE * (1 - (choice.value or 0.0))
    marks = []
    if open_.interval:
        low, high = (_LEFT + _SIDE * end for end in open_.interval)
        marks.append(draw_line(low, y, high, y, colour=FIRST, width=1.2))
    if choice.interval:
        low, high = (_TOP + _SIDE * (1 - end) for end in choice.interval)
        marks.append(draw_line(x, low, x, high, colour=FIRST, width=1.2))
    told = f"{number}: open {tell_estimate(open_)} %, choice {tell_estimate(choice)} %"
    return [*marks, draw_circle(x, y, colour=FIRST, told=told)]


def _number_dots(dots: Sequence[tuple[int, Estimate, Estimate]]) -> list[str]:
    """Return the numbers beside dots; those of dots that lie on each other stand side by side."""
    near: dict[tuple[int, int], list[int]] = {}
    for number, open_, choice in dots:
        place = (round(25 * (open_.value or 0.0)), round(25 * (choice.value or 0.0)))
        near.setdefault(place, []).append(number)
    known = {number: (open_, choice) for number, open_, choice in dots}
    marks = []
    for numbers in near.values():
        open_, choice = known[numbers[0]]
        x = _LEFT + _SIDE * (open_.value or 0.0) + 7
        y = _TOP + _SIDE * (1 - (choice.value or 0.0)) - 7
        marks.append(draw_text(x, y, ", ".join(map(str, numbers)), size=12, bold=True))
    return marks


def draw_heat_maps(report: Report) -> list[Figure]:
    """Return scores by model and dimension, CS and CSS; nothing where there are no dimensions."""
    dimensions = list_dimensions(report)
    return [_draw_heat_map(report, m, dimensions) for m in Measure] if dimensions else []


def _draw_heat_map(report: Report, measure: Measure, dimensions: Sequence[str]) -> Figure:
    columns = [*dimensions, OVERALL]
    ordered = sort_entries(report.entries, measure)
    label, row, top = 232, 30, 76
    width = (WIDTH - label - 28) / len(columns)
    marks = []
    for place, name in enumerate(columns):
        x = label + 16 + width * (place + 0.5)
        heading = shorten_label(name.replace("_", " "), width - 6, 12)
        marks.append(
            draw_text(x, top - 12, heading, anchor="middle", size=12, bold=name == OVERALL)
        )
    for place, entry in enumerate(ordered):
        y = top + row * place
        name = shorten_label(label_entry(entry), label - 8)
        marks.append(draw_text(label + 6, y + row / 2 + 4.5, name, anchor="end"))
        for number, dimension in enumerate(columns):
            score = entry.get_score(measure, dimension)
            x = label + 16 + width * number
            marks += _draw_heat(score, (x, y, width - 3, row - 3), f"{name}, {dimension}")
    rows = [
        (label_entry(e), *(tell_estimate(e.get_score(measure, d)) for d in columns))
        for e in ordered
    ]
    return make_figure(
        f"dimensions-{measure.lower()}",
        f"{measure} by dimension",
        f"A field a model and dimension, the darker the higher, with {measure} in percent; the table "
        "below gives the same numbers with intervals.",
        marks,
        height=top + row * len(ordered) + 16,
        columns=("model", *(f"{name} %" for name in columns)),
        rows=rows,
        notes=("In percent; intervals at 95%. *: too much is undetermined for a headline.",),
    )


def _draw_heat(
    score: Estimate | None, place: tuple[float, float, float, float], told: str
) -> list[str]:
    x, y, width, height = place
    middle, base = x + width / 2, y + height / 2 + 4.5
    if score is None or score.value is None:
        return [
            draw_rect(x, y, width, height, colour=GRID, told=f"{told}: no score"),
            draw_text(middle, base, "-", anchor="middle", colour=find_ink(GRID)),
        ]
    colour = shade(score.value)
    star = "" if score.is_headline else "*"
    return [
        draw_rect(x, y, width, height, colour=colour, told=f"{told}: {tell_estimate(score)} %"),
        draw_text(
            middle,
            base,
            format_percent(score.value) + star,
            anchor="middle",
            colour=find_ink(colour),
        ),
    ]
