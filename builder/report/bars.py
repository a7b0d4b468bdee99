"""Bars: the two rankings of the paper, with intervals and ties, and the letters that models prefer."""

from builder.bundle.engine.display import format_percent
from builder.bundle.engine.scoring import OVERALL
from builder.release.card.svg import (
    FIRST,
    INK,
    SECOND,
    draw_line,
    draw_rect,
    draw_text,
    shorten_label,
)
from builder.report.data import Entry, Measure, Position, Report
from builder.report.drawing import (
    PALE,
    WIDTH,
    Figure,
    draw_scale,
    label_entry,
    make_figure,
    sort_entries,
    tell_estimate,
    tell_interval,
    tell_standing,
)

__all__ = ["draw_positions", "draw_rankings"]

_ROW, _TOP, _LABEL, _TOLD = 28, 48, 232, 208
_BAR = WIDTH - _LABEL - _TOLD - 40
_LEFT = _LABEL + 16

_MEANING = {
    Measure.CS: "Consistency Score (CS): the two forms agree",
    Measure.CSS: "Consistent Safety Score (CSS): safe in both forms",
}


def draw_rankings(report: Report) -> list[Figure]:
    """Return the ranking by CS and the one by CSS."""
    return [_draw_ranking(report, measure) for measure in Measure]


def _draw_ranking(report: Report, measure: Measure) -> Figure:
    ordered = sort_entries(report.entries, measure)
    bottom = _TOP + _ROW * len(ordered)
    marks = draw_scale(_LEFT, _BAR, _TOP, bottom)
    for place, entry in enumerate(ordered):
        marks += _draw_bar(entry, measure, _TOP + _ROW * place)
    rows = [_list_numbers(entry, measure) for entry in ordered]
    told = "; ".join(f"{row[0]} {row[2]}%, interval {row[3]}, rank {row[5]}" for row in rows)
    return make_figure(
        f"ranking-{measure.lower()}",
        _MEANING[measure],
        f"Bars of {measure} by model, best first. {told}.",
        marks,
        height=bottom + 30,
        columns=("model", "n", f"{measure} %", "95% interval", "bounds over all items", "rank"),
        rows=rows,
        notes=_tell_reading(report),
    )


def _tell_reading(report: Report) -> tuple[str, ...]:
    notes = [
        (
            "Lines are 95% intervals. A rank such as 3–5 means that the model may stand at any of these "
            "places: it is tied with the others there."
        )
    ]
    if any(entry.flags for entry in report.entries):
        notes.append("Pale bars: kept out of the ranking, for the reasons named below.")
    starred = any(
        score and score.value is not None and not score.is_headline
        for entry in report.entries
        for score in map(entry.get_score, Measure)
    )
    if starred:
        notes.append("*: undetermined items leave the bounds too wide for a headline.")
    return tuple(notes)


def _list_numbers(entry: Entry, measure: Measure) -> tuple[str, ...]:
    score = entry.get_score(measure)
    bounds = score.bounds if score else None
    value = score.value if score else None
    return (
        label_entry(entry),
        str(score.n) if score else "0",
        format_percent(value) + ("" if value is None or not score or score.is_headline else "*"),
        tell_interval(score),
        " to ".join(map(format_percent, bounds)) if bounds else "-",
        tell_standing(entry, measure),
    )


def _draw_bar(entry: Entry, measure: Measure, y: float) -> list[str]:
    label = shorten_label(label_entry(entry), _LABEL - 8)
    middle = y + _ROW / 2
    marks = [draw_text(_LEFT - 10, middle + 4.5, label, anchor="end")]
    score = entry.get_score(measure)
    if score is None or score.value is None:
        return [*marks, draw_text(_LEFT + 6, middle + 4.5, "no score", faint=True)]
    colour = PALE if entry.flags else FIRST if measure is Measure.CSS else SECOND
    told = f"{label_entry(entry)}: {tell_estimate(score)} %"
    marks.append(draw_rect(_LEFT, y + 5, _BAR * score.value, _ROW - 10, colour=colour, told=told))
    if score.interval:
        marks += _draw_whisker(score.interval, middle)
    standing = tell_standing(entry, measure)
    place = standing if entry.flags else f"rank {standing}"
    x = _LEFT + _BAR + 14
    marks.append(draw_text(x, middle + 4.5, f"{tell_estimate(score)}", size=12))
    return [*marks, draw_text(WIDTH - 12, middle + 4.5, place, anchor="end", size=12, bold=True)]


def _draw_whisker(interval: tuple[float, float], y: float) -> list[str]:
    low, high = (_LEFT + _BAR * end for end in interval)
    ends = [draw_line(x, y - 4, x, y + 4, colour=INK, width=1.5) for x in (low, high)]
    return [draw_line(low, y, high, y, colour=INK, width=1.5), *ends]


def draw_positions(report: Report) -> list[Figure]:
    """Return how often each model chose the same letter in both orders; nothing where no run tells."""
    known = [(e, p) for e in report.entries if (p := _find_position(e))]
    if not known:
        return []
    known.sort(key=lambda pair: (-sum(_get_shares(pair[1])), pair[0].name))
    bottom = _TOP + _ROW * len(known) + 24
    marks = [
        draw_text(_LEFT + _BAR / 2 - 8, _TOP + 8, "◀ always A", anchor="end", size=12, bold=True),
        draw_text(_LEFT + _BAR / 2 + 8, _TOP + 8, "always B ▶", size=12, bold=True),
        *_draw_halves(_TOP + 20, bottom),
    ]
    for place, (entry, position) in enumerate(known):
        marks += _draw_letters(entry, position, _TOP + 24 + _ROW * place)
    rows = [_list_letters(entry, position) for entry, position in known]
    told = "; ".join(f"{row[0]}: always A {row[2]}%, always B {row[3]}%" for row in rows)
    return [
        make_figure(
            "position-bias",
            "Position bias: the same letter in both orders",
            f"Bars to both sides, by model. {told}.",
            marks,
            height=bottom + 30,
            columns=("model", "n", "always A %", "always B %", "A among all letters %"),
            rows=rows,
            notes=(_POSITION_NOTE,),
        )
    ]


_POSITION_NOTE = (
    "Of the items of which a letter was read in both orders. Who goes by the texts never chooses the same "
    "letter in both orders, whichever option they take, and A as often as B."
)


def _find_position(entry: Entry) -> Position | None:
    group = entry.groups.get(OVERALL)
    position = group.position if group else None
    return position if position and position.always_a.value is not None else None


def _get_shares(position: Position) -> tuple[float, float]:
    return position.always_a.value or 0.0, position.always_b.value or 0.0


def _draw_halves(top: float, bottom: float) -> list[str]:
    marks = []
    for percent in (-100, -50, 0, 50, 100):
        x = _LEFT + _BAR * (percent + 100) / 200
        marks.append(draw_line(x, top, x, bottom))
        marks.append(
            draw_text(x, bottom + 17, f"{abs(percent)}%", anchor="middle", size=12, faint=True)
        )
    return marks


def _draw_letters(entry: Entry, position: Position, y: float) -> list[str]:
    middle, half = _LEFT + _BAR / 2, _BAR / 2
    a, b = _get_shares(position)
    text_y = y + _ROW / 2 + 4.5
    label = shorten_label(label_entry(entry), _LABEL - 8)
    shown = f"A {format_percent(a)}%, B {format_percent(b)}%"
    told = f"{label_entry(entry)}: {shown}"
    return [
        draw_text(_LEFT - 10, text_y, label, anchor="end"),
        draw_rect(middle - half * a, y + 5, half * a, _ROW - 10, colour=SECOND, told=told),
        draw_rect(middle, y + 5, half * b, _ROW - 10, colour=FIRST, told=told),
        draw_text(_LEFT + _BAR + 14, text_y, shown, size=12),
    ]


def _list_letters(entry: Entry, position: Position) -> tuple[str, ...]:
    estimates = (position.always_a, position.always_b, position.share_a)
    return (label_entry(entry), str(position.always_a.n), *map(tell_estimate, estimates))
