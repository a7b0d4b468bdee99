"""How often the evaluator's 95% intervals hold the truth, on verdicts of simulated models of known rates.

Items are drawn anew each time, alone, in families, alike or hardly so, with one sample or three each; two models
answer the same items. A figure's coverage is the share of draws of which its interval holds what the figure is in
the population. With calls failing at random, the bounds must hold the score without failures, every time. The last
line is one JSON object with the figures.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
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
    Design,
    Persona,
    complete_rows,
    draw_rows,
    find_truth,
)

from builder.bundle.engine.comparing import compare_models
from builder.bundle.engine.scoring import OVERALL, Score, score_verdicts
from builder.bundle.engine.tally import tally_verdicts

SIZES = {18: 5.0, 90: 2.5, 500: 1.0}
"""How many items are drawn, and how often: draws of many items take longer, and show more."""

_FULL, _QUICK, _MORE = 100, 8, 8
_ENOUGH = 200
# Of fewer intervals the least coverage is that of chance.

_FAILING = Design("failing", sizes=(1, 2), failing=0.05)
_ALL_FIGURES = (*FIGURES, "difference_cs", "difference_css")


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
    """What the draws of one setting show: intervals given and those that hold the truth, by figure and model."""

    cell: Cell
    given: Counter[tuple[str, str]]
    held: Counter[tuple[str, str]]


def list_cells(draws: float, seed: int, sizes: Sequence[int] = tuple(SIZES)) -> list[Cell]:
    """Return all settings: each persona of a design against the next one.

    Where families are alike there are few personas, and the more draws of each.
    """
    return [
        Cell(
            design,
            n,
            (persona, design.personas[(place + 1) % len(design.personas)]),
            round(draws * SIZES[n] * (_MORE if design.alike else 1)),
            seed,
        )
        for design, n in product((*DESIGNS, _FAILING), sizes)
        if n >= design.least
        for place, persona in enumerate(design.personas)
    ]


def run_cell(cell: Cell) -> Found:
    """Draw, score, and count which intervals hold the truth."""
    found = Found(cell, Counter(), Counter())
    names = "/".join(persona.name for persona in cell.personas)
    random = Random(f"{cell.seed}/{cell.design.name}/{cell.n}/{names}")  # noqa: S311 - seeded on purpose
    truths = [find_truth(persona, cell.design) for persona in cell.personas]
    for _ in range(cell.draws):
        rows = draw_rows(cell.personas, cell.design, cell.n, random)
        checks = check_bounds(rows) if cell.design.failing else check_intervals(rows, cell, truths)
        for name, model, is_held in checks:
            found.given[name, model] += 1
            found.held[name, model] += is_held
    return found


def check_intervals(
    rows: list[dict[str, Any]], cell: Cell, truths: list[dict[str, float]]
) -> Iterator[tuple[str, str, bool]]:
    """Yield each figure of both models, and their differences, with whether its interval holds the truth."""
    tally = tally_verdicts(rows)
    true = {persona.name: truth for persona, truth in zip(cell.personas, truths, strict=True)}
    for score in score_verdicts(tally):
        if score.dimension == OVERALL:
            for name, interval in list_intervals(score).items():
                if interval:
                    yield name, score.model, interval[0] <= true[score.model][name] <= interval[1]
    for found in compare_models(tally):
        if found.dimension == OVERALL and found.difference.interval:
            low, high = found.difference.interval
            difference = true[found.model_a][found.measure] - true[found.model_b][found.measure]
            yield (
                f"difference_{found.measure}",
                f"{found.model_a}-{found.model_b}",
                low <= difference <= high,
            )


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
        "always_a": score.position.always_a if score.position else None,
        "always_b": score.position.always_b if score.position else None,
        "macro_cs": score.macro_cs,
        "macro_css": score.macro_css,
    }
    return {name: figure.interval if figure else None for name, figure in figures.items()}


def check_bounds(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str, bool]]:
    """Yield whether the bounds with calls failing hold the score without, in every dimension."""
    for lost, whole in zip(score_verdicts(rows), score_verdicts(complete_rows(rows)), strict=True):
        for name in ("cs", "css", "cs_read", "css_read", "open_passed", "choice_passed"):
            value = getattr(whole, name).value
            if value is not None:
                low, high = getattr(lost, name).bounds
                yield f"bounds_{name}", lost.model, low - 1e-12 <= value <= high + 1e-12


Setting = tuple[str, str, int, str]


def gather(found: list[Found]) -> dict[Setting, tuple[int, int]]:
    """Return intervals that hold and all, by figure, design, number of items and model."""
    totals: dict[Setting, tuple[int, int]] = {}
    for one in found:
        for (name, model), given in one.given.items():
            setting = (name, one.cell.design.name, one.cell.n, model)
            held, before = totals.get(setting, (0, 0))
            totals[setting] = (held + one.held[name, model], before + given)
    return totals


def find_coverage(totals: dict[Setting, tuple[int, int]], *wanted: object) -> float | None:
    """Return the coverage of all settings that hold each of the names or numbers wanted."""
    chosen = [total for setting, total in totals.items() if set(wanted) <= set(setting)]
    given = sum(count for _, count in chosen)
    return sum(held for held, _ in chosen) / given if given else None


def find_least(totals: dict[Setting, tuple[int, int]]) -> list[dict[str, Any]]:
    """Return for each design and number of items the figure that is covered least, over its models.

    A cell of few intervals tells nothing, and is left out.
    """
    cells: dict[tuple[str, str, int], Counter[str]] = {}
    for (figure, design, n, _), (held, given) in totals.items():
        cells.setdefault((design, figure, n), Counter()).update(held=held, given=given)
    least: dict[tuple[str, int], dict[str, Any]] = {}
    for (design, figure, n), cell in sorted(cells.items()):
        told = {"design": design, "n": n, "figure": figure, "intervals": cell["given"]}
        told["coverage"] = cell["held"] / cell["given"]
        before = least.get((design, n))
        if cell["given"] >= _ENOUGH and (not before or told["coverage"] < before["coverage"]):
            least[design, n] = told
    return list(least.values())


def summarise(found: list[Found], seconds: float) -> dict[str, Any]:
    """Return the figures: coverage over all settings alike, and where it is least."""
    totals = gather(found)
    bounds = [total for setting, total in totals.items() if setting[0].startswith("bounds")]
    own = {key: total for key, total in totals.items() if not key[0].startswith("bounds")}
    shares = {setting: held / given for setting, (held, given) in own.items()}
    pooled = find_least(own)
    least = min(pooled, key=lambda place: place["coverage"], default=None)
    return {
        "draws": sum(one.cell.draws for one in found),
        "mean_coverage": sum(shares.values()) / len(shares),
        "min_coverage": least and least["coverage"],
        "min_coverage_of": least,
        "min_coverage_by_design": pooled,
        "coverage": {figure: find_coverage(own, figure) for figure in _ALL_FIGURES},
        "coverage_by_design": {
            f"{design.name}, n={n}": find_coverage(own, design.name, n)
            for design, n in product(DESIGNS, SIZES)
            if n >= design.least
        },
        "bounds_checked": sum(given for _, given in bounds),
        "bounds_held": sum(held for held, _ in bounds) / sum(given for _, given in bounds),
        "seconds": round(seconds, 1),
    }


def print_table(console: Console, found: list[Found]) -> None:
    """Print the coverage of each figure by design and number of items."""
    totals = gather(found)
    columns = [(design.name, n) for design, n in product(DESIGNS, SIZES) if n >= design.least]
    table = Table("figure", *(f"{name}\nn={n}" for name, n in columns))
    for figure in _ALL_FIGURES:
        cells = [find_coverage(totals, figure, name, n) for name, n in columns]
        table.add_row(figure, *("-" if c is None else f"{100 * c:.1f}" for c in cells))
    console.print(table)


def main() -> None:
    """Draw all settings on all cores, print coverage in percent, and end with the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twelfth of the draws")
    parser.add_argument(
        "--draws",
        type=float,
        help=f"draws of 500 items a setting (default {_FULL}); of fewer items, more",
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=SIZES, default=list(SIZES), help="numbers of items"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws (default 1)")
    options = parser.parse_args()
    draws = options.draws or (_QUICK if options.quick else _FULL)
    start = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(run_cell, list_cells(draws, options.seed, options.sizes)))
    print_table(Console(width=200, highlight=False), found)
    print(json.dumps(summarise(found, time.perf_counter() - start)))


if __name__ == "__main__":
    main()
