"""The figures of a report: what it shows enters; drawings leave, each with the numbers that it is drawn from."""

from collections.abc import Callable, Sequence

from builder.report.bars import draw_positions, draw_rankings
from builder.report.data import Report
from builder.report.drawing import Figure
from builder.report.mosaics import draw_mosaics
from builder.report.planes import draw_heat_maps, draw_scatter

__all__ = ["FIGURE_NAMES", "Figure", "draw_figures"]

FIGURE_NAMES = (
    "ranking-cs",
    "ranking-css",
    "open-against-choice",
    "dimensions-cs",
    "dimensions-css",
    "two-by-two",
    "position-bias",
)
"""The names of all figures, drawn or not."""

_DRAWN: Sequence[Callable[[Report], list[Figure]]] = (
    draw_rankings,
    draw_scatter,
    draw_heat_maps,
    draw_mosaics,
    draw_positions,
)


def draw_figures(report: Report) -> list[Figure]:
    """Return the figures for which the report knows enough, in the order in which they are shown."""
    return [figure for draw in _DRAWN for figure in draw(report)] if report.entries else []
