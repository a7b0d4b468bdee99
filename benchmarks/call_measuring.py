"""Measurements of many calls: a plan enters; each run is a process of its own; rows leave."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latency_server import read_seen
from workload import find_ideal, find_latency, make_texts

__all__ = [
    "IN_TURN",
    "JOURNALS",
    "LABELS",
    "OURS",
    "PEER",
    "PEER_PYTHON",
    "SLOTS",
    "Plan",
    "Price",
    "Row",
    "measure_all",
    "measure_prices",
]

SLOTS = (64, 256)
IN_TURN, PEER, OURS, MEMORY = "in_turn", "peer", "ours", "ours_memory"
JOURNALS = (OURS, "ours_sqlite", "ours_grouped")
LABELS = {
    IN_TURN: "one at a time",
    "openai": "AsyncOpenAI, semaphore",
    "bare": "bare aiohttp, the limit",
    PEER: "inspect_ai, whole eval()",
    OURS: "ours, append log",
    MEMORY: "ours, no journal",
    "ours_sqlite": "ours, SQLite, a commit a reply",
    "ours_grouped": "ours, SQLite, a commit a turn",
}
PEER_PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    One at a time, every ``step``-th of the ``calls`` is made. Every other row is the best of
    ``rounds``; the prices of journals are from ``price_rounds`` more.
    """

    calls: int
    step: int
    rounds: int
    price_rounds: int
    peer: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One method at one concurrency: its fastest run of ``runs``.

    ``cpu_ms`` is of the asking process, per call; ``peak_mb`` (2**20 bytes) too, interpreter
    included, the largest of all runs. ``most`` is how many calls the server saw at once.
    ``asking_s`` is the time from the first request to the last reply, where a method tells it.
    """

    method: str
    slots: int
    seconds: float
    share: float
    cpu_ms: float
    peak_mb: float
    most: int
    runs: int
    estimated: bool = False
    asking_s: float | None = None

    def describe(self) -> dict[str, Any]:
        """Return the row for the JSON line."""
        return {
            "method": LABELS[self.method],
            "slots": self.slots,
            "seconds": round(self.seconds, 3),
            "share_of_ideal": round(self.share, 3),
            "cpu_ms_per_call": round(self.cpu_ms, 3),
            "peak_mb": round(self.peak_mb, 1),
            "most_in_flight": self.most,
            "runs": self.runs,
            "estimated": self.estimated,
        }


@dataclass(frozen=True, slots=True)
class Price:
    """What a journal costs: the share of throughput lost, and µs a reply that the loop stands still."""

    share: float
    microseconds: float


def measure_once(
    base_url: str, method: str, slots: int, calls: int, step: int = 1
) -> dict[str, Any]:
    """Run ``method`` once; stop where it lost a call, made one twice or made too many at once."""
    sys.stderr.write(f"… {LABELS[method]}, {slots} at once\n")
    python = str(PEER_PYTHON) if method == PEER else sys.executable
    script = "peer_inspect.py" if method == PEER else "call_methods.py"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "outcome.json"
        job = {"method": method, "base_url": base_url, "concurrency": slots, "out": str(out)}
        command = [python, str(_FOLDER / script), json.dumps(job | {"calls": calls, "step": step})]
        # The peer's caches and databases go where they are removed; no proxy stands between.
        apart = {"XDG_DATA_HOME": folder, "XDG_CACHE_HOME": folder, "NO_PROXY": "127.0.0.1"}
        read_seen(base_url)
        ended = subprocess.run(command, env=os.environ | apart, stdout=sys.stderr, check=False)
        if ended.returncode:
            raise SystemExit(f"{LABELS[method]} ended with exit code {ended.returncode}.")
        facts: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    seen, expected = read_seen(base_url), len(range(0, calls, step))
    if facts["replies"] != expected or seen.calls != expected or seen.most > slots:
        raise SystemExit(
            f"{LABELS[method]}: {facts['replies']} replies to {expected} calls, {slots} at once; "
            f"the server saw {seen.calls} calls, {seen.most} at once."
        )
    return facts | {"most": seen.most}


def _list_latencies(plan: Plan) -> list[float]:
    return [find_latency(text) for text in make_texts(plan.calls)]


def measure_in_turn(base_url: str, plan: Plan) -> Row:
    """Make every ``step``-th call one at a time, and scale by the latencies left out."""
    facts = measure_once(base_url, IN_TURN, 1, plan.calls, plan.step)
    latencies = _list_latencies(plan)
    share = sum(latencies[:: plan.step]) / facts["seconds"]
    return Row(
        method=IN_TURN,
        slots=1,
        seconds=sum(latencies) / share,
        share=share,
        cpu_ms=1000 * facts["cpu_s"] / facts["replies"],
        peak_mb=facts["peak_mb"],
        most=facts["most"],
        runs=1,
        estimated=True,
    )


def _choose_best(plan: Plan, method: str, slots: int, runs: list[dict[str, Any]]) -> Row:
    best = min(runs, key=lambda run: float(run["seconds"]))
    return Row(
        method=method,
        slots=slots,
        seconds=best["seconds"],
        share=find_ideal(_list_latencies(plan), slots) / best["seconds"],
        cpu_ms=1000 * best["cpu_s"] / plan.calls,
        peak_mb=max(run["peak_mb"] for run in runs),
        most=best["most"],
        runs=len(runs),
        asking_s=best.get("asking_s"),
    )


def _measure_rounds(
    base_url: str, plan: Plan, methods: list[str], slots: int, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Measure in rounds of all methods, so that a slow minute of the machine hits all alike."""
    runs: dict[str, list[dict[str, Any]]] = {method: [] for method in methods}
    for _ in range(rounds):
        for method in methods:
            runs[method].append(measure_once(base_url, method, slots, plan.calls))
    return runs


def measure_all(base_url: str, plan: Plan) -> Iterator[Row]:
    """Measure every method at every concurrency."""
    yield measure_in_turn(base_url, plan)
    methods = [method for method in LABELS if method != IN_TURN]
    if not plan.peer or not PEER_PYTHON.exists():
        methods.remove(PEER)
    for slots in SLOTS:
        runs = _measure_rounds(base_url, plan, methods, slots, plan.rounds)
        for method in methods:
            yield _choose_best(plan, method, slots, runs[method])


def measure_prices(base_url: str, plan: Plan) -> dict[str, Price]:
    """Measure what each journal costs at the largest concurrency; negative shares are noise."""
    methods = [*JOURNALS, MEMORY]
    runs = _measure_rounds(base_url, plan, methods, SLOTS[-1], plan.price_rounds)

    def find_least(method: str, fact: str) -> float:
        return min(float(run[fact]) for run in runs[method])

    free = find_least(MEMORY, "seconds")
    return {
        method: Price(
            share=1 - free / find_least(method, "seconds"),
            microseconds=1e6 * find_least(method, "store_s") / plan.calls,
        )
        for method in JOURNALS
    }
