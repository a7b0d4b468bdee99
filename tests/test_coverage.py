"""A part of the simulation of `benchmarks/coverage.py`: intervals hold the truth, and bounds always do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "coverage.py"

ALIKE = {"alike-3", "alike-10", "alike-3-samples", "alike-mixed"}


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """Return the figures of a short run, seeded."""
    command = [sys.executable, str(BENCHMARK), "--draws", "2.5", "--sizes", "18", "90"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    read: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return read


def test_intervals_hold_the_truth_as_often_as_they_say(figures: dict[str, Any]) -> None:
    """With thousands of intervals drawn, two points below 95% would be far outside of chance."""
    assert figures["draws"] > 250
    assert figures["mean_coverage"] > 0.935
    assert min(figures["coverage"].values()) > 0.91


def test_intervals_of_alike_families_hold_the_truth(figures: dict[str, Any]) -> None:
    """With families taken for independent items, or samples, these fall to 60% to 90%, and the mean hides it."""
    designs = {name: share for name, share in figures["coverage_by_design"].items() if share}
    assert {name.partition(",")[0] for name in designs} > ALIKE
    assert min(designs.values()) > 0.93
    least = {place["design"]: place["coverage"] for place in figures["min_coverage_by_design"]}
    assert set(least) >= ALIKE
    assert figures["min_coverage"] == min(least.values()) > 0.88


def test_bounds_hold_the_score_without_failures_every_time(figures: dict[str, Any]) -> None:
    """Bounds are no interval: they hold always, or they are wrong."""
    assert figures["bounds_checked"] > 2000
    assert figures["bounds_held"] == 1.0
