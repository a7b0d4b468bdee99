"""Stages 1 to 3 on the offline model, in English and Chinese, plain and with twins: what a build is worth.

The simulator's texts are made to be sound, so that the figures prove the road and not any model: all
questions distinct, every cell of the plan filled, arms crossed, and nothing that leaks. Its last line is
one JSON object with the figures.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from builder.checks.stage import check_items
from builder.options import derive_options
from builder.question_checks import find_copies
from builder.questions import generate_questions
from builder.workspace import Stage, Workspace, create_workspace
from schemas.labels import REFUSING_ARMS
from schemas.storage import Row, read_json

Figures = Mapping[str, Any]

_SETTINGS = (
    ("english", '["en"]', False),
    ("chinese", '["zh"]', False),
    ("both", '["en", "zh"]', False),
    ("english_twins", '["en"]', True),
    ("chinese_twins", '["zh"]', True),
)


def main() -> int:
    """Build the benchmarks, print the figures side by side, then as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="40 questions a dimension, not 200")
    quota = 40 if parser.parse_args().quick else 200
    found: dict[str, Figures] = {}
    for name, languages, twins in _SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            workspace = make_workspace(Path(folder), quota, languages, twins=twins)
            generate_questions(workspace)
            derive_options(workspace)
            check_items(workspace)
            found[name] = measure(workspace, quota)
        print(f"{name}: built", file=sys.stderr)
    show(found, quota)
    print(json.dumps(found, sort_keys=True))
    return 0


def make_workspace(folder: Path, quota: int, languages: str, *, twins: bool) -> Workspace:
    """Return a workspace of the five safety dimensions, each with so many questions to come."""
    made = create_workspace(folder / "bench", quota=quota)
    path = made.root / "bench.toml"
    text = path.read_text().replace("\nlicense", f"\nlanguages = {languages}\nlicense")
    path.write_text(text.replace("[generate]\n", f"[generate]\ntwins = {str(twins).lower()}\n"))
    dimensions = made.dimensions.read_text()
    made.dimensions.write_text(dimensions[: dimensions.rindex("[[dimension]]")])
    return Workspace(made.root)


def measure(workspace: Workspace, quota: int) -> Figures:
    """Return the figures of a built workspace."""
    questions = workspace.read_stage(Stage.QUESTIONS)
    items = workspace.read_stage(Stage.CHECKED)
    wanted = quota * len(workspace.taxonomy.dimensions)
    rungs = read_json(workspace.rungs)
    gauges = read_json(workspace.leak)["gauges"]
    (gate,) = (gauge for gauge in gauges if gauge["role"] == "gate")
    content = max(gauge["accuracy"] for gauge in gauges if gauge["kind"] == "content")
    copies = find_copies(questions, 0, workspace.config.checks.near_duplicate_ratio)
    return {
        "questions": len(questions),
        "items": len(items),
        "distinct_share": 1 - len(copies) / len(questions),
        "cells_filled": sum(bool(row["cell"]) for row in questions) / wanted,
        "farthest_axis_value": find_farthest(questions),
        "yield_by_rung": count_yields(rungs),
        "positive_refusing": share_refusing(items, "positive"),
        "negative_refusing": share_refusing(items, "negative"),
        "surface_leak": gate["accuracy"],
        "surface_bound": gate["upper"],
        "surface_verdict": gate["verdict"],
        "content_leak": content,
    }


def find_farthest(questions: list[Row]) -> int:
    """Return by how many questions a value of an axis is ahead of another, at most, in any slot."""
    counts: dict[tuple[str, ...], Counter[str]] = {}
    for row in questions:
        for told in row["cell"].split("; "):
            axis, _, value = told.partition(": ")
            slot = (row["dimension"], row["polarity"], row["language"], axis)
            counts.setdefault(slot, Counter())[value] += 1
    return max((max(c.values()) - min(c.values()) for c in counts.values()), default=0)


def count_yields(rungs: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, float]:
    """Return for each rung the share of its tries that brought an option."""
    tried, brought = Counter[str](), Counter[str]()
    for by_rung in rungs.values():
        for rung, count in by_rung.items():
            tried[rung] += count["tried"]
            brought[rung] += count["brought"]
    return {rung: brought[rung] / tried[rung] for rung in sorted(tried)}


def share_refusing(items: list[Row], side: str) -> float:
    """Return the share of the options of one side whose arm says no."""
    return sum(item[f"{side}_arm"] in REFUSING_ARMS for item in items) / len(items)


def show(found: Mapping[str, Figures], quota: int) -> None:
    """Print the figures, a column for each setting."""
    table = Table(title=f"Offline build, five dimensions of {quota} (simulated texts)")
    table.add_column("")
    for name in found:
        table.add_column(name.replace("_", " "), justify="right")
    for figure in next(iter(found.values())):
        table.add_row(figure.replace("_", " "), *(tell(f[figure]) for f in found.values()))
    Console(width=116, highlight=False).print(table)


def tell(value: object) -> str:
    """Return a figure as it is shown."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {share:.0%}" for name, share in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
