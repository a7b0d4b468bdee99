"""Scores as people read them: `Score` objects enter, cells and a plain text table leave."""

from collections.abc import Sequence

from .scoring import Score, Share

__all__ = ["COLUMNS", "NOTE", "format_percent", "format_row", "format_share", "format_table"]

COLUMNS = (
    "model",
    "dimension",
    "items",
    "n",
    "coverage",
    "CS % [95%]",
    "CSS % [95%]",
    "O %",
    "M %",
)
"""The heads of the columns; O and M are the open and the multiple-choice form passed."""

NOTE = (
    "Wilson intervals over items as a sample, families of several by their effective number. O, M: open and multiple-choice form passed. "
    "Control: capability, never part of CS or CSS. "
    "*: undetermined items leave the bounds too wide for a headline."
)


def format_percent(share: float | None) -> str:
    """Return a share in percent; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f}"


def format_share(share: Share | None) -> str:
    """Return a share in percent with its interval, starred where it is no headline; else a dash."""
    if share is None or share.value is None or share.interval is None:
        return "-"
    low, high = share.interval
    mark = "" if share.is_headline else "*"
    return f"{format_percent(share.value)} [{format_percent(low)}, {format_percent(high)}]{mark}"


def format_row(score: Score) -> tuple[str, ...]:
    """Return the cells of one score, in the order of `COLUMNS`."""
    return (
        score.model,
        score.dimension,
        str(score.items),
        str(score.n),
        f"{format_percent(score.coverage)} %",
        format_share(score.cs),
        format_share(score.css),
        format_percent(score.open_passed.value),
        format_percent(score.choice_passed.value),
    )


def format_table(scores: Sequence[Score]) -> str:
    """Return the scores as a plain text table, one row for each model and dimension, and a note."""
    rows = [COLUMNS, *map(format_row, scores)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*lines, NOTE])
