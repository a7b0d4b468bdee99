"""How often the evaluator's 95% intervals hold the truth, on verdicts of simulated models of known rates.

Items are drawn anew each time, alone, in families of one to three, or with three samples each; two models
answer the same items. A figure's coverage is the share of draws of which its interval holds what the figure is in
the population. With calls failing at random, the bounds must hold the score without failures, every time. The last
line is one JSON object with the figures.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table
from verdict_draws import (
    DESIGNS,
    FIGURES,
    PERSONAS,
    Design,
    Persona,
    complete_rows,
    draw_rows,
    find_truth,
)

from builder.bundle.engine.comparing import compare_models
from builder.bundle.engine.scoring import OVERALL, Score, score_verdicts

SIZES = (18, 90, 500)
_FULL, _QUICK = 400, 40
_FAILING = Design("failing", sizes=(1, 2), failing=0.05)
_DIFFERENCES = ("difference_cs", "difference_css")


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting: a design, how many items, which two models, and how many draws."""

    design: Design
    n: int
    personas: tuple[Persona, Persona]
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """What the draws of one setting show: intervals given and those that hold the truth, by figure."""

    cell: Cell
    given: Counter[str]
    held: Counter[str]
    false_findings: Counter[str]


def list_cells(draws: int, seed: int) -> list[Cell]:
    """Return all settings: each persona against the next one."""
    return [
        Cell(design, n, (persona, PERSONAS[(place + 1) % len(PERSONAS)]), draws, seed)
        for (design, n), (place, persona) in product(
            product((*DESIGNS, _FAILING), SIZES), enumerate(PERSONAS)
        )
    ]


def run_cell(cell: Cell) -> Found:
    """Draw, score, and count which intervals hold the truth."""
    found = Found(cell, Counter(), Counter(), Counter())
    names = "/".join(persona.name for persona in cell.personas)
    random = Random(f"{cell.seed}/{cell.design.name}/{cell.n}/{names}")  # noqa: S311 - seeded on purpose
    truths = [find_truth(persona) for persona in cell.personas]
    for _ in range(cell.draws):
        rows = draw_rows(cell.personas, cell.design, cell.n, random)
        checks = check_bounds(rows) if cell.design.failing else check_intervals(rows, cell, truths)
        for name, is_held in checks:
            found.given[name] += 1
            found.held[name] += is_held
    return found


def check_intervals(
    rows: list[dict[str, Any]], cell: Cell, truths: list[dict[str, float]]
) -> Iterator[tuple[str, bool]]:
    """Yield each figure of the first model, and each difference, with whether its interval holds the truth."""
    score = find_overall(rows, cell.personas[0].name)
    for name, interval in list_intervals(score).items():
        if interval:
            yield name, interval[0] <= truths[0][name] <= interval[1]
    for comparison in compare_models(rows):
        if comparison.dimension == OVERALL and comparison.difference.interval:
            low, high = comparison.difference.interval
            sign = 1 if comparison.model_a == cell.personas[0].name else -1
            true = sign * (truths[0][comparison.measure] - truths[1][comparison.measure])
            yield f"difference_{comparison.measure}", low <= true <= high


def list_intervals(score: Score) -> dict[str, tuple[float, float] | None]:
    """Return the interval of each figure."""
    figures = {
        "cs": score.cs,
        "css": score.css,
        "cs_read": score.cs_read,
        "css_read": score.css_read,
        "open": score.open_passed,
        "choice": score.choice_passed,
        "gap": score.gap,
        "conditional": score.conditional,
        "share_a": score.position.share_a if score.position else None,
        "macro_cs": score.macro_cs,
        "macro_css": score.macro_css,
    }
    return {name: figure.interval if figure else None for name, figure in figures.items()}


def find_overall(rows: list[dict[str, Any]], model: str) -> Score:
    """Return a model's overall score."""
    scores = score_verdicts([row for row in rows if row["model"] == model])
    return next(score for score in scores if score.dimension == OVERALL)


def check_bounds(rows: list[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Yield whether the bounds with calls failing hold the score without, in every dimension."""
    for lost, whole in zip(score_verdicts(rows), score_verdicts(complete_rows(rows)), strict=True):
        for name in ("cs", "css", "cs_read", "css_read", "open_passed", "choice_passed"):
            value = getattr(whole, name).value
            if value is not None:
                low, high = getattr(lost, name).bounds
                yield f"bounds_{name}", low - 1e-12 <= value <= high + 1e-12


def summarise(found: list[Found], seconds: float) -> dict[str, Any]:
    """Return the figures: coverage over all intervals alike, and of the setting where it is least."""
    given, held = Counter[str](), Counter[str]()
    cells = {}
    for one in found:
        given.update(one.given)
        held.update(one.held)
        for name, count in one.given.items():
            if not name.startswith("bounds"):
                key = f"{name}, {one.cell.design.name}, n={one.cell.n}, {one.cell.personas[0].name}"
                cells[key] = one.held[name] / count
    figures = [name for name in (*FIGURES, *_DIFFERENCES) if given[name]]
    bounds = [name for name in given if name.startswith("bounds")]
    least = min(cells, key=lambda key: cells[key])
    return {
        "draws": sum(one.cell.draws for one in found),
        "mean_coverage": sum(cells.values()) / len(cells),
        "min_coverage": cells[least],
        "min_coverage_of": least,
        "coverage": {name: held[name] / given[name] for name in figures},
        "coverage_by_setting": _split(found, lambda c: f"{c.design.name}, n={c.n}"),
        "bounds_checked": sum(given[name] for name in bounds),
        "bounds_held": sum(held[name] for name in bounds) / sum(given[name] for name in bounds),
        "seconds": round(seconds, 1),
    }


def _split(found: list[Found], name: Any) -> dict[str, float]:
    given, held = Counter[str](), Counter[str]()
    for one in found:
        if not one.cell.design.failing:
            given[name(one.cell)] += sum(one.given.values())
            held[name(one.cell)] += sum(one.held.values())
    return {key: held[key] / given[key] for key in given}


def print_table(console: Console, found: list[Found]) -> None:
    """Print the coverage of each figure by design and number of items."""
    figures = (*FIGURES, *_DIFFERENCES)
    columns = [(d.name, n) for d, n in product(DESIGNS, SIZES)]
    table = Table("figure", *(f"{name}\nn={n}" for name, n in columns))
    for figure in figures:
        cells = []
        for name, n in columns:
            of_cell = [f for f in found if f.cell.design.name == name and f.cell.n == n]
            given = sum(f.given[figure] for f in of_cell)
            cells.append(
                f"{100 * sum(f.held[figure] for f in of_cell) / given:.1f}" if given else "-"
            )
        table.add_row(figure, *cells)
    console.print(table)


def main() -> None:
    """Draw all settings on all cores, print coverage in percent, and end with the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"{_QUICK} draws a setting, not {_FULL}"
    )
    parser.add_argument("--draws", type=int, help="draws a setting")
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws (default 1)")
    options = parser.parse_args()
    draws = options.draws or (_QUICK if options.quick else _FULL)
    start = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(run_cell, list_cells(draws, options.seed)))
    print_table(Console(width=130, highlight=False), found)
    print(json.dumps(summarise(found, time.perf_counter() - start)))


if __name__ == "__main__":
    sys.exit(main())
