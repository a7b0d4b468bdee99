"""The files of a report: what it shows enters; a page, figures and tables in a folder leave."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from builder.csv_cells import write_csv
from builder.report.data import Report
from builder.report.figures import FIGURE_NAMES, draw_figures
from builder.report.items import Pack
from builder.report.page import write_page
from builder.report.tables import (
    write_comparisons_csv,
    write_latex,
    write_markdown,
    write_scores_csv,
)
from schemas.errors import StorageError, UsageError
from schemas.storage import Row, write_text

__all__ = ["PAGE", "write_report"]

PAGE = "report.html"
"""The page's name in its folder."""


def write_report(
    folder: Path, report: Report, pack: Pack | None = None, verdicts: Sequence[Row] = ()
) -> Path:
    """Write the page, its figures and its numbers into a folder, and return the page's path.

    Each file is replaced as a whole, the page last; equal reports give equal bytes. Raises `UsageError`
    where the folder is something else.
    """
    figures = draw_figures(report)
    page = write_page(report, figures, pack) if pack else write_page(report, figures)
    _make_folder(folder / "figures")
    drawn = {figure.name: figure.svg for figure in figures}
    for name in FIGURE_NAMES:
        path = folder / "figures" / f"{name}.svg"
        if name in drawn:
            write_text(path, drawn[name])
        else:
            path.unlink(missing_ok=True)
    files = {
        "scores.csv": write_scores_csv(report),
        "comparisons.csv": write_comparisons_csv(report),
        "table.md": write_markdown(report),
        "table.tex": write_latex(report),
        "report.json": json.dumps(asdict(report), indent=1, sort_keys=True) + "\n",
    }
    if verdicts:
        columns = list(verdicts[0])
        files["verdicts.csv"] = write_csv(
            columns, ([row[column] for column in columns] for row in verdicts)
        )
    else:
        (folder / "verdicts.csv").unlink(missing_ok=True)
    for name, text in files.items():
        write_text(folder / name, text)
    write_text(folder / PAGE, page)
    return folder / PAGE


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(
            f"{path.parent} cannot hold a report: it is no folder. Name another with --out."
        ) from None
    except OSError as error:
        raise StorageError(f"{path.parent}: cannot be made ({error.strerror}).") from error
