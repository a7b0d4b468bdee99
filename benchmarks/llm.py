"""Many calls to a model side by side: 2,000 chat calls enter; a table and one JSON line leave.

All methods ask the same server on this machine, which answers each text after a latency of its own
(`workload`). Compared are one call at a time, ``openai.AsyncOpenAI`` under a semaphore, bare aiohttp
as the limit, inspect_ai, and our `run_calls` with its journal, with none, and with SQLite instead.
Nothing asserts a time. Run by ``make bench``; ``--quick`` makes 400 calls and leaves the peer out.
"""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from call_measuring import (
    IN_TURN,
    JOURNALS,
    LABELS,
    OURS,
    PEER,
    PEER_PYTHON,
    SLOTS,
    Plan,
    Price,
    Row,
    measure_all,
    measure_prices,
)
from latency_server import open_server
from rich.console import Console
from rich.table import Table
from workload import MEAN_S, SIGMA

FULL = Plan(calls=2_000, step=20, rounds=3, price_rounds=7, peer=True)
QUICK = Plan(calls=400, step=8, rounds=3, price_rounds=3, peer=False)


def print_table(console: Console, plan: Plan, rows: Sequence[Row]) -> None:
    """Print the rows side by side; ≈ marks an estimate."""
    latency = f"log-normal latency of mean {MEAN_S * 1000:.0f} ms, sigma {SIGMA}"
    table = Table(title=f"{plan.calls:,} chat calls, {latency}")
    table.add_column("at once", justify="right")
    table.add_column("method", no_wrap=True)
    for name in ("seconds", "share of ideal", "CPU ms a call", "peak MB", "seen at once"):
        table.add_column(name, justify="right", no_wrap=True)
    before = 0
    for row in rows:
        if before not in (0, row.slots):
            table.add_section()
        before = row.slots
        about = "≈ " if row.estimated else ""
        table.add_row(
            str(row.slots), LABELS[row.method], f"{about}{row.seconds:,.2f}", f"{row.share:.3f}",
            f"{row.cpu_ms:.2f}", f"{row.peak_mb:,.0f}", str(row.most),
        )  # fmt: skip
    console.print(table)


def print_notes(
    console: Console, plan: Plan, rows: Sequence[Row], prices: Mapping[str, Price]
) -> None:
    """Say what the figures mean, what was estimated, and what the journals cost."""
    made = len(range(0, plan.calls, plan.step))
    console.print(
        f"≈ one at a time: {made} of the calls made, scaled by the latencies of all.\n"
        "Ideal: each call begins, in order, the moment that one of the slots is free, and nothing but "
        "the latencies takes time.\n"
        f"Seconds: best of {plan.rounds}, each in a process of its own, imports left out and one "
        "connection warm. CPU and peak MB: of the asking process, not of the server, which shares "
        "this machine. Seen at once: by the server; ours starts with half of its calls, 64 at "
        "the most, and grows with the replies: the fewer the calls, the more that weighs."
    )
    for row in rows:
        if row.asking_s is not None:
            console.print(
                f"inspect_ai at {row.slots}: with its defaults and a minimal task; its log and reports "
                f"are on the clock. First request to last reply: {row.asking_s:.2f} s."
            )
    told = "; ".join(
        f"{LABELS[method].removeprefix('ours, ')} {price.share:.1%}, {price.microseconds:.0f} µs a reply"
        for method, price in prices.items()
    )
    console.print(
        f"Price of a journal at {SLOTS[-1]}: {told}. Of throughput without one, best of "
        f"{plan.price_rounds} further rounds (differences of a few percent are noise), and the "
        "time that the event loop stands still. The append log forces every 64th reply to the disk, "
        "SQLite (WAL, NORMAL) its checkpoints; a commit a turn may lose a reply to a kill."
    )


def summarise(plan: Plan, rows: Sequence[Row], prices: Mapping[str, Price]) -> dict[str, Any]:
    """Return the figures; what this run did not measure is null."""
    by_key = {(row.method, row.slots): row for row in rows}
    few, many = (by_key[OURS, slots] for slots in SLOTS)
    in_turn, peer = by_key[IN_TURN, 1], by_key.get((PEER, SLOTS[0]))
    asking_s = peer.asking_s if peer else None
    return {
        "share_of_ideal_64": round(few.share, 3),
        "share_of_ideal_256": round(many.share, 3),
        "cpu_ms_per_call": round(max(few.cpu_ms, many.cpu_ms), 3),
        "peak_mb": round(max(few.peak_mb, many.peak_mb), 1),
        "times_one_at_a_time": round(in_turn.seconds / few.seconds, 1),
        "times_peer": round(peer.seconds / few.seconds, 2) if peer else None,
        "times_peer_asking_only": round(asking_s / few.seconds, 2) if asking_s else None,
        "journal_price": round(prices[OURS].share, 4),
        "journal_prices": {LABELS[method]: round(prices[method].share, 4) for method in JOURNALS},
        "journal_us_per_reply": {
            LABELS[method]: round(prices[method].microseconds, 1) for method in JOURNALS
        },
        "calls": plan.calls,
        "estimated": [LABELS[row.method] for row in rows if row.estimated],
        "rows": [row.describe() for row in rows],
        "peers": {
            "openai": version("openai"),
            "aiohttp": version("aiohttp"),
            "inspect_ai": _find_peer_version() if peer else None,
        },
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
    }


def _find_peer_version() -> str:
    code = "from importlib.metadata import version; print(version('inspect_ai'))"
    told = subprocess.run(
        [str(PEER_PYTHON), "-c", code], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


def main() -> None:
    """Measure, print the table and the notes, and end with the JSON line."""
    parser = argparse.ArgumentParser(description="many calls to a model side by side")
    parser.add_argument("--quick", action="store_true", help="400 calls, without the peer")
    plan = QUICK if parser.parse_args().quick else FULL
    with open_server() as base_url:
        rows = list(measure_all(base_url, plan))
        prices = measure_prices(base_url, plan)
    console = Console(width=116, highlight=False)
    print_table(console, plan, rows)
    print_notes(console, plan, rows, prices)
    if plan.peer and not PEER_PYTHON.exists():
        console.print("inspect_ai is not installed, hence left out: `make bench` installs it.")
    print(json.dumps(summarise(plan, rows, prices)))


if __name__ == "__main__":
    main()
