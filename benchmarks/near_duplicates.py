"""Near-duplicate search side by side: a synthetic corpus enters; a table and one JSON line leave.

Compared are brute force (``rapidfuzz.process.cdist`` on two workers, of all pairs and of those whose
lengths allow a match), datasketch's MinHashLSH with its candidates verified, and our exact search.
Nothing asserts a time. Run by ``make bench``; ``--quick`` takes about a minute.
"""

import argparse
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from corpus import CUTOFF, Corpus, make_additions, make_corpus
from judging import Judge, Judged
from measuring import Measurement, measure
from methods import WORKERS, write_texts
from rich.console import Console
from rich.table import Table

SEED = 20240
ALL, WINDOW, OURS = "cdist, all pairs", "cdist, length window", "ours"
MATCH = "ours, new against saved index"
# Threshold and shingle size in characters. Words find less. Pairs of characters at 0.5 find 1% more
# than triples, at forty times the candidates, which no longer fit into memory at 100,000 texts.
MINHASH = {"datasketch 0.5": (0.5, 3), "datasketch 0.7": (0.7, 2)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured at which size."""

    small: tuple[int, ...]  # everything, brute force whole
    middle: int | None  # everything, brute force of all pairs estimated
    largest: int  # ours; brute force estimated
    new: int  # texts matched against an index of the largest
    blocks: int  # sampled for an estimate


FULL = Plan(small=(1_000, 10_000), middle=100_000, largest=1_000_000, new=10_000, blocks=8)
QUICK = Plan(small=(1_000, 10_000), middle=None, largest=50_000, new=2_000, blocks=8)


def measure_size(plan: Plan, size: int, folder: Path) -> list[Judged]:
    """Measure all methods meant for ``size``."""
    sys.stderr.write(f"… corpus of {size:,} texts\n")
    corpus = make_corpus(size, SEED)
    path = folder / f"{size}.txt"
    write_texts(path, corpus.texts)
    if size in plan.small:
        brute = measure(ALL, size, "compare_all", path)
    else:
        brute = measure(ALL, size, "sample_all", path, blocks=plan.blocks)
    if size == plan.largest:
        window = measure(WINDOW, size, "sample_all", path, blocks=4 * plan.blocks, by_length=True)
    else:
        window = measure(WINDOW, size, "compare_all", path, by_length=True)
    rows = [brute, window]
    if size != plan.largest:
        rows += [
            measure(label, size, "match_minhash", path, threshold=threshold, shingle=shingle)
            for label, (threshold, shingle) in MINHASH.items()
        ]
    rows.append(measure(OURS, size, "find_ours", path))
    truth = None if window.estimated else window.positions
    judge = Judge(corpus.texts, corpus.texts, truth, corpus.planted, window.positions)
    judged = [judge.judge(row) for row in rows]
    return judged + (measure_index(plan, corpus, path) if size == plan.largest else [])


def measure_index(plan: Plan, corpus: Corpus, path: Path) -> list[Judged]:
    """Measure ours on new texts against a saved index of the largest corpus."""
    folder = str(path.with_name("index"))
    size = len(corpus.texts)
    built = measure("ours, index built and saved", size, "build_index", path, folder=folder)
    added = make_additions(corpus, plan.new, SEED + 1)
    new = path.with_name("new.txt")
    write_texts(new, added.texts)
    matched = measure(MATCH, size, "match_index", new, folder=folder)
    judge = Judge(added.texts, corpus.texts, None, added.planted, None)
    return [Judged(built, pairs=None, recall=None, precision=None), judge.judge(matched)]


def print_table(console: Console, rows: Sequence[Judged]) -> None:
    """Print the rows side by side; ≈ marks an estimate."""
    table = Table(title=f"Pairs with fuzz.ratio ≥ {CUTOFF}, {WORKERS} workers (datasketch: 1)")
    for name in ("texts", "method"):
        table.add_column(name, no_wrap=True, justify="left" if name == "method" else "right")
    for name in ("seconds", "peak MB", "pairs", "recall", "precision", "candidates"):
        table.add_column(name, no_wrap=True, justify="right")
    before = 0
    for row in rows:
        m = row.measurement
        if before not in (0, m.size):
            table.add_section()
        before = m.size
        about = "≈ " if m.estimated else ""
        table.add_row(
            f"{m.size:,}", m.label, f"{about}{m.seconds:,.3f}", f"{m.peak_mb:,.0f}",
            *(_show(value) for value in (row.pairs, row.recall, row.precision)),
            _show(m.candidates),
        )  # fmt: skip
    console.print(table)


def _show(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def print_notes(console: Console, plan: Plan, rows: Sequence[Judged]) -> None:
    """Say what was estimated, and what recall and precision are measured against."""
    for m in (row.measurement for row in rows):
        if m.estimated:
            d = m.details
            console.print(
                f"≈ {m.label} at {m.size:,}: estimated from {d['sampled_blocks']:.0f} sampled blocks, "
                f"{d['sampled_pairs']:,.0f} pairs in {d['sampled_seconds']:.2f} s of this run, scaled "
                f"to {m.candidates:,} pairs."
            )
        elif "build_seconds" in m.details or "load_seconds" in m.details:
            console.print(f"{m.label}: " + ", ".join(f"{k} {v:.2f}" for k, v in m.details.items()))
    exact = f"{plan.middle or plan.small[-1]:,}"
    console.print(
        f"Recall up to {exact}: of all true pairs, found by the whole brute force within the length "
        f"window, which misses none. At {plan.largest:,}: of the planted pairs and of all true pairs "
        "of the sampled rows. Against the index: of the planted pairs.\n"
        "Precision: of the pairs returned, every one of which was verified by fuzz.ratio.\n"
        "Seconds: best of 5 under 1 s, of 3 under 10 s, else one run; in a warm process, reading and "
        "imports left out. Ours normalises on the clock, the others before it. Peak MB: interpreter, "
        "texts and workers included."
    )


def summarise(plan: Plan, rows: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures; what this run did not measure is null."""
    by_key = {(row.measurement.label, row.measurement.size): row.measurement for row in rows}

    def divide(label: str, size: int | None) -> float | None:
        peer, own = by_key.get((label, size or 0)), by_key.get((OURS, size or 0))
        return round(peer.seconds / own.seconds, 2) if peer and own else None

    peers = [divide(label, plan.middle) for label in MINHASH]
    own = [row for row in rows if row.measurement.label in (OURS, MATCH)]
    lower, upper = plan.middle or plan.small[-1], plan.largest
    million = by_key[OURS, upper] if upper == 1_000_000 else None
    return {
        "speedup_10k": divide(ALL, 10_000),
        "speedup_100k": divide(ALL, plan.middle),
        "times_datasketch": min((times for times in peers if times is not None), default=None),
        "times_datasketch_by_threshold": dict(zip(MINHASH, peers, strict=True)),
        "recall": min(row.recall for row in own if row.recall is not None),
        "precision": min(row.precision for row in own if row.precision is not None),
        "seconds_1m": round(million.seconds, 2) if million else None,
        "peak_mb_1m": round(million.peak_mb) if million else None,
        "seconds_10k_vs_1m": round(by_key[MATCH, upper].seconds, 2) if million else None,
        "growth_exponent": round(_fit_growth(by_key[OURS, lower], by_key[OURS, upper]), 3),
        "growth_between": [lower, upper],
        "estimated": [[m.label, m.size] for m in by_key.values() if m.estimated],
        "rows": [row.describe() for row in rows],
        "machine": describe_machine(),
    }


def _fit_growth(small: Measurement, large: Measurement) -> float:
    """Return the exponent p of seconds ~ size ** p between two sizes."""
    return math.log(large.seconds / small.seconds) / math.log(large.size / small.size)


def describe_machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "rapidfuzz": version("rapidfuzz"),
        "datasketch": version("datasketch"),
    }


def main() -> None:
    """Measure, print the table and the notes, and end with the JSON line."""
    parser = argparse.ArgumentParser(description="near-duplicate search side by side")
    parser.add_argument("--quick", action="store_true", help="up to 50,000 texts only")
    plan = QUICK if parser.parse_args().quick else FULL
    sizes = [*plan.small, *([plan.middle] if plan.middle else []), plan.largest]
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for size in sizes for row in measure_size(plan, size, Path(folder))]
    console = Console(width=116, highlight=False)
    print_table(console, rows)
    print_notes(console, plan, rows)
    print(json.dumps(summarise(plan, rows)))


if __name__ == "__main__":
    main()
