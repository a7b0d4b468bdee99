"""Evaluating a model on a release, side by side: 500 items, four calls each; a table and one JSON line leave.

All methods ask the same server on this machine, which answers each text after a latency of its own
(`workload`): our evaluator as a release holds it, the bare client, one call at a time in the order of the
authors' script, and inspect_ai with the release's own task. Then a million verdict rows are scored, and the
intervals' coverage is simulated (`coverage`). Nothing asserts a time. ``--quick`` asks 100 items.
"""

import argparse
import heapq
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluator_jobs import LABELS
from latency_server import open_server, read_answer, read_seen
from rich.console import Console
from rich.table import Table
from workload import find_latency

import builder.bundle
from builder.bundle.engine.items import make_item
from builder.bundle.engine.judging import render_judge
from builder.bundle.engine.labels import Form
from builder.bundle.engine.prompts import render_form

SLOTS = 64
IN_TURN_CALLS = 100
PEER_PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"
FOLDER = Path(__file__).parent

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Times:
    """How long each item's four calls take: openly, in both orders, and the judging of the open reply."""

    forms: tuple[float, float, float]
    judging: float

    @property
    def total(self) -> float:
        """One after the other."""
        return sum(self.forms) + self.judging


def make_rows(count: int) -> list[Row]:
    """Return items of five dimensions."""
    return [
        {
            "item_id": f"i{number:04}",
            "content_hash": f"hash of {number}",
            "dimension": f"dimension-{number % 5}",
            "kind": "safety",
            "question": f"Question {number}: someone has left a door open again. What would you say?",
            "positive_option": f"I would ask kindly that it be closed, as in case {number}.",
            "negative_option": f"I would shout at whoever is nearest, as in case {number}.",
            "language": "en",
            "order_1_positive": "AB"[number % 2],
        }
        for number in range(count)
    ]


def make_release(folder: Path, rows: Sequence[Row]) -> None:
    """Write the evaluator with these items, as a release holds it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(builder.bundle.__file__).parent, folder / "evaluator", ignore=ignored)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "evaluator" / "items.jsonl").write_text(text, encoding="utf-8")


def list_times(rows: Sequence[Row], reply: str) -> list[Times]:
    """Return what the server takes for each item; ``reply`` is what it says to an open question."""
    found = []
    for item in map(make_item, rows):
        first, second, third = (find_latency(render_form(f, item)[-1][1]) for f in Form)
        judging = find_latency(render_judge(item, reply)[-1][1])
        found.append(Times((first, second, third), judging))
    return found


def find_ideal(times: Sequence[Times], slots: int) -> float:
    """Return the seconds in which all would have ended with so many slots for the model and for the judge.

    Calls begin in order, open questions first, the moment that a slot is free; a judging begins when its open
    reply is there. Nothing but the latencies takes time.
    """
    model, judge = [0.0] * slots, [0.0] * slots
    ready: list[tuple[float, float]] = []
    for form in range(len(Form)):
        for item in times:
            end = model[0] + item.forms[form]
            heapq.heapreplace(model, end)
            if form == 0:
                ready.append((end, item.judging))
    for start, latency in sorted(ready):
        heapq.heapreplace(judge, max(judge[0], start) + latency)
    return max(*model, *judge)


def run_job(method: str, job: Row, *, isolated: bool = False) -> Row:
    """Run one job in a process of its own and return its facts."""
    print(f"… {LABELS.get(method, method)}", file=sys.stderr)
    python = str(PEER_PYTHON) if method == "inspect" else sys.executable
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "facts.json"
        told = json.dumps({"method": method, "out": str(out), "step": 1} | job)
        # The peer's caches and databases go where they are removed; no proxy stands between.
        apart = {"XDG_DATA_HOME": name, "XDG_CACHE_HOME": name, "NO_PROXY": "127.0.0.1"}
        flags = ["-S"] if isolated else []
        command = [python, *flags, str(FOLDER / "evaluator_jobs.py"), told]
        subprocess.run(command, env=os.environ | apart, stdout=sys.stderr, check=True)
        facts: Row = json.loads(out.read_text(encoding="utf-8"))
    return facts


def measure(release: Path, times: Sequence[Times], rounds: int) -> dict[str, Row]:
    """Run every method, best of ``rounds``; stop where one lost a call or made one twice."""
    found: dict[str, Row] = {}
    step = max(1, 4 * len(times) // IN_TURN_CALLS)
    with open_server() as base_url:
        for method in LABELS:
            if method == "inspect" and not PEER_PYTHON.exists():
                continue
            steps = step if method == "in_turn" else 1
            runs = []
            for _ in range(1 if method in ("in_turn", "inspect") else rounds):
                read_seen(base_url)
                job = {"release": str(release), "base_url": base_url, "slots": SLOTS, "step": steps}
                runs.append(run_job(method, job))
                seen, expected = read_seen(base_url).calls, 4 * len(times[::steps])
                if not runs[-1]["replies"] == seen == expected:
                    raise SystemExit(f"{method}: {seen} calls seen, not {expected}.")
            found[method] = min(runs, key=lambda run: float(run["seconds"]))
            found[method]["runs"] = len(runs)
    all_s, made_s = (sum(t.total for t in chosen) for chosen in (times, times[::step]))
    found["in_turn"]["seconds"] *= all_s / made_s
    return found


def show(console: Console, found: dict[str, Row], ideal: float, items: int) -> None:
    """Print the methods side by side."""
    table = Table(
        title=f"{items} items, {4 * items:,} calls, {SLOTS} at once", title_justify="left"
    )
    for name in ("method", "seconds", "share of ideal", "peak MB"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for method, facts in found.items():
        about = "≈ " if method == "in_turn" else ""
        share = ideal / facts["seconds"]
        shown = (f"{about}{facts['seconds']:,.2f}", f"{share:.3f}", f"{facts['peak_mb']:,.0f}")
        table.add_row(LABELS[method], *shown)
    console.print(table)
    console.print(
        f"Ideal: {ideal:.2f} s; each call begins, in order, the moment that one of {SLOTS} slots of the model or of "
        "the judge is free, and nothing but the latencies takes time.\n"
        f"≈ {IN_TURN_CALLS} of the calls made, scaled by the latencies of all. Best of "
        f"{found['ours']['runs']} for ours and the bare client. From the replies to the scores ours takes "
        f"{found['ours']['scoring_s']:.2f} s more."
    )


def simulate(*, quick: bool) -> Row:
    """Run the simulation of coverage and return its figures."""
    print("… coverage of the intervals", file=sys.stderr)
    command = [sys.executable, str(FOLDER / "coverage.py"), *(["--quick"] if quick else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    sys.stdout.write(done.stdout.rpartition("\n{")[0] + "\n")
    figures: Row = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure, print the tables, and end with the JSON line."""
    parser = argparse.ArgumentParser(description="evaluating a model on a release, side by side")
    parser.add_argument("--quick", action="store_true", help="100 items, a short simulation")
    quick = parser.parse_args().quick
    rows = make_rows(100 if quick else 500)
    console = Console(width=110, highlight=False)
    with tempfile.TemporaryDirectory() as name:
        release = Path(name)
        make_release(release, rows)
        times = list_times(rows, read_answer())
        ideal = find_ideal(times, SLOTS)
        found = measure(release, times, 1 if quick else 3)
        scoring = run_job("scoring", {"release": str(release)}, isolated=True)
    show(console, found, ideal, len(rows))
    console.print(
        f"A million verdict rows of fourteen models: {scoring['seconds']:.2f} s, of which "
        f"{scoring['making_s']:.2f} s go into making the rows; peak {scoring['peak_mb']:.0f} MB."
    )
    coverage = simulate(quick=quick)
    peer = found.get("inspect")
    figures = {
        "share_of_ideal_64": round(ideal / found["ours"]["seconds"], 3),
        "share_of_ideal_64_bare": round(ideal / found["bare"]["seconds"], 3),
        "times_one_at_a_time": round(found["in_turn"]["seconds"] / found["ours"]["seconds"], 1),
        "times_inspect": round(peer["seconds"] / found["ours"]["seconds"], 2) if peer else None,
        "score_1m_seconds": round(scoring["seconds"], 2),
        "score_1m_peak_mb": round(scoring["peak_mb"], 1),
        "mean_coverage": coverage["mean_coverage"],
        "min_coverage": coverage["min_coverage"],
        "items": len(rows),
    }
    print(json.dumps(figures, sort_keys=True))


if __name__ == "__main__":
    main()
