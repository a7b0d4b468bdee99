"""Plans beside draws: items by formula and by exact summation, and the power and width that draws bring.

Nothing here is fast or slow for a user; what is measured is whether the numbers hold. For each setting the
plan's number of items is tried in many drawn experiments, and so is Connor's. Its last line is one JSON
object with the figures.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from math import ceil
from typing import Any

from rich.console import Console
from rich.table import Table

from builder.planning.answers import Goal, Scope, make_plan
from builder.planning.request import Request
from builder.planning.simulation import simulate_families, simulate_power, simulate_widths

_SEED = 20231109

_DIFFERENCES = [
    Request(difference=difference, discordance=discordance, models=models)
    for difference, discordance in (
        (0.02, 0.1), (0.05, 0.05), (0.05, 0.2), (0.05, 0.5), (0.1, 0.3), (0.2, 0.4), (0.3, 1.0),
    )
    for models in (2, 14)
]  # fmt: skip

_WIDTHS = [
    Request(width=width, share=share)
    for width in (0.02, 0.05, 0.1)
    for share in (0.02, 0.1, 0.3, 0.5, 0.9)
]

_FAMILIES = [
    Request(difference=0.1, discordance=0.3, family_size=size, correlation=correlation)
    for size, correlation in ((2, 0.2), (2, 0.8), (4, 0.3), (8, 0.1))
]


def main() -> int:
    """Try all settings, print them side by side, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    draws = 10_000 if parser.parse_args().quick else 400_000
    started = time.perf_counter()
    plans = [make_plan(request) for request in _DIFFERENCES]
    seconds = time.perf_counter() - started
    differences = [
        try_difference(plan.request, plan.needs[0].independent, plan.needs[0].closed_forms, draws)
        for plan in plans
    ]
    widths = [try_width(request, draws) for request in _WIDTHS]
    families = [try_families(request, max(2000, draws // 20)) for request in _FAMILIES]
    show("Items for a difference, power 80%", differences)
    show("Items for an interval of 95%", widths)
    show("Items in families, power 80%", families)
    figures = {
        "plans_seconds": round(seconds, 3),
        "min_power": min(row["power"] for row in differences),
        "max_power": max(row["power"] for row in differences),
        "min_power_connor": min(row["power at Connor's"] for row in differences),
        "max_width_error": max(abs(row["mean half-width"] / row["wanted"] - 1) for row in widths),
        "mean_coverage": round(sum(row["coverage"] for row in widths) / len(widths), 4),
        "max_design_effect_error": max(
            abs(row["variance ratio"] / row["design effect"] - 1) for row in families
        ),
        "min_power_families": min(row["power"] for row in families),
        "draws": draws,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def try_difference(
    request: Request, items: int, forms: dict[str, float], draws: int
) -> dict[str, Any]:
    """Return what draws bring at the planned number of items, and at Connor's."""
    difference = request.difference or 0.0
    asked = (difference, request.find_discordance(difference), request.alpha)
    connor = ceil(forms["connor"])
    return {
        "difference": difference,
        "discordance": asked[1],
        "models": request.models,
        "items": items,
        "Connor": connor,
        "Miettinen": ceil(forms["miettinen"]),
        "power": simulate_power(items, *asked, draws=draws, seed=_SEED),
        "power at Connor's": simulate_power(connor, *asked, draws=draws, seed=_SEED),
    }


def try_width(request: Request, draws: int) -> dict[str, Any]:
    """Return the mean half-width and the coverage that draws bring at the planned number of items."""
    items = next(n.independent for n in make_plan(request).needs if n.goal is Goal.WIDTH)
    half, held = simulate_widths(items, request.share, request.level, draws=draws, seed=_SEED)
    wanted = request.width or 0.0
    return {
        "wanted": wanted,
        "share": request.share,
        "items": items,
        "mean half-width": half,
        "coverage": held,
    }


def try_families(request: Request, draws: int) -> dict[str, Any]:
    """Return the variance ratio and the power of a test by families at the planned number of items."""
    need = next(n for n in make_plan(request).needs if n.scope is Scope.OVERALL)
    size, difference = int(request.family_size), request.difference or 0.0
    discordance = request.find_discordance(difference)
    asked = (ceil(need.items / size), size, request.correlation, difference, discordance)
    power, ratio = simulate_families(*asked, request.alpha, draws=draws, seed=_SEED)
    return {
        "family": size,
        "correlation": request.correlation,
        "items": need.items,
        "design effect": request.design_effect,
        "variance ratio": ratio,
        "power": power,
    }


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a table."""
    table = Table(title=title, title_justify="left")
    for column in rows[0]:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(f"{v:.4f}" if isinstance(v, float) else f"{v:,}" for v in row.values()))
    Console(width=116, highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
