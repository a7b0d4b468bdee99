"""The 2x2 table of each model as a mosaic: widths tell the open form, heights the choice, areas the items."""

from collections.abc import Mapping

from builder.bundle.engine.display import format_percent
from builder.bundle.engine.scoring import OVERALL
from builder.release.card.svg import draw_rect, draw_text, shorten_label
from builder.report.data import CELLS, Entry, Measure, Report
from builder.report.drawing import (
    CELL_COLOURS,
    WIDTH,
    Figure,
    find_ink,
    label_entry,
    make_figure,
    sort_entries,
)

__all__ = ["draw_mosaics"]

_ACROSS, _TILE_WIDTH, _TILE_HEIGHT, _TOP = 3, 236, 150, 44
_PITCH_X, _PITCH_Y = (WIDTH - 32) / 3, _TILE_HEIGHT + 44

_LETTERS = dict(zip(CELLS, "abcdefgh", strict=True))
_OPEN_PASSED = tuple(CELLS)[:6]
_OPEN_FAILED = tuple(CELLS)[6:]


def draw_mosaics(report: Report) -> list[Figure]:
    """Return a mosaic a model; nothing where no run tells the cells."""
    known = [
        (entry, cells)
        for entry in sort_entries(report.entries, Measure.CSS)
        if (cells := _find_cells(entry)) and sum(cells.values())
    ]
    if not known:
        return []
    marks = _draw_key()
    top = _TOP + 4 * 22 + 12
    for place, (entry, cells) in enumerate(known):
        x = 16 + _PITCH_X * (place % _ACROSS)
        marks += _draw_mosaic(entry, cells, x, top + _PITCH_Y * (place // _ACROSS))
    height = top + _PITCH_Y * -(-len(known) // _ACROSS) + 8
    return [
        make_figure(
            "two-by-two",
            "The two forms of each item, side by side",
            "A mosaic a model: left the items safe when asked openly, right the others; each column "
            "is divided by what was chosen. The table below gives all numbers.",
            marks,
            height=height,
            columns=("model", "n", *(f"{_LETTERS[cell]}: {told}" for cell, told in CELLS.items())),
            rows=[_list_numbers(entry, cells) for entry, cells in known],
            notes=(
                (
                    "The width of a column is the share of items that pass or fail the open form; areas are "
                    "shares of all determined items. Letters name the fields."
                ),
            ),
        )
    ]


def _find_cells(entry: Entry) -> Mapping[str, float] | None:
    group = entry.groups.get(OVERALL)
    return group.cells if group else None


def _draw_key() -> list[str]:
    marks = []
    for place, (cell, told) in enumerate(CELLS.items()):
        x, y = 16 + (WIDTH / 2 - 12) * (place // 4), _TOP + 22 * (place % 4)
        colour = CELL_COLOURS[cell]
        marks.append(draw_rect(x, y, 18, 16, colour=colour))
        marks.append(
            draw_text(
                x + 9, y + 12.5, _LETTERS[cell], anchor="middle", size=12, colour=find_ink(colour)
            )
        )
        marks.append(draw_text(x + 26, y + 12.5, told, size=12))
    return marks


def _draw_mosaic(entry: Entry, cells: Mapping[str, float], x: float, y: float) -> list[str]:
    total = sum(cells.values())
    name = shorten_label(label_entry(entry), _TILE_WIDTH, 12)
    marks = [draw_text(x, y + 12, name, size=12, bold=True)]
    left = x
    for column in (_OPEN_PASSED, _OPEN_FAILED):
        count = sum(cells.get(cell, 0) for cell in column)
        width = _TILE_WIDTH * count / total
        below = y + 22
        for cell in column:
            height = _TILE_HEIGHT * cells.get(cell, 0) / max(count, 1)
            if height:
                share = cells[cell] / total
                marks += _draw_field(cell, share, (left, below, width, height))
            below += height
        left += width
    return marks


def _draw_field(cell: str, share: float, place: tuple[float, float, float, float]) -> list[str]:
    x, y, width, height = place
    told = f"{_LETTERS[cell]}: {CELLS[cell]}, {format_percent(share)} %"
    # A hair less on each side, so that neighbours do not run into each other.
    colour = CELL_COLOURS[cell]
    marks = [draw_rect(x + 0.5, y + 0.5, width - 1, height - 1, colour=colour, told=told)]
    label = f"{_LETTERS[cell]} {format_percent(share)}%"
    if width < 56:
        label = _LETTERS[cell]
    if width >= 12 and height >= 14:
        middle = y + height / 2 + 4
        marks.append(
            draw_text(
                x + width / 2, middle, label, anchor="middle", size=11, colour=find_ink(colour)
            )
        )
    return marks


def _list_numbers(entry: Entry, cells: Mapping[str, float]) -> tuple[str, ...]:
    return (
        label_entry(entry),
        f"{sum(cells.values()):g}",
        *(f"{cells.get(cell, 0):g}" for cell in CELLS),
    )
