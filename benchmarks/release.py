"""Writing and verifying a large release, beside pyarrow writing the same tables from the same rows.

Each job runs in a process of its own, with the rows in memory before the clock starts. `export` writes the
whole folder: four tables, ``items.jsonl``, card, Croissant, manifest, and the hash of every file; the gates
run before it and are not in it. `verify` holds the folder against its manifest. Peaks are what a process
grew by over its rows. The last line is one JSON object with the figures.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from schemas.storage import Row, read_rows, write_rows
from schemas.texts import hash_content

_FULL, _QUICK = 100_000, 10_000
_RUNS = 3
_FINEBENCH = Path(sys.executable).with_name("finebench")
_JOBS = ("pyarrow", "export", "verify")


def main() -> int:
    """Run every job three times and print the figures side by side, then as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK:,} items, not {_FULL:,}")
    parser.add_argument("--job", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(run_job(options.job[0], Path(options.job[1]))))
        return 0
    size = _QUICK if options.quick else _FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, size)
        found = {job: [start_job(job, folder) for _ in range(_RUNS)] for job in _JOBS}
    figures = sum_up(found)
    show(found, size)
    print(json.dumps(figures, sort_keys=True))
    return 0


def prepare(folder: Path, size: int) -> None:
    """Make a small release on the offline model, and rows for one of ``size`` items in its likeness."""
    workspace = folder / "bench"
    reasons = [f"--waive={gate}=a benchmark" for gate in ("option-leak", "agreement")]
    for arguments in (
        ["new", str(workspace), "--quota", "20"],
        ["build"],
        ["annotate", "simulate", "--reviewers", "3"],
        ["build"],
        ["annotate", "simulate", "--reviewers", "3", "--round", "2"],
        ["build"],
        ["export", "1.0.0", *reasons],
    ):
        command = [str(_FINEBENCH), "-C", str(workspace), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = read_rows(workspace / "releases" / "1.0.0" / "evaluator" / "items.jsonl")
    write_rows(folder / "rows.jsonl", [_vary(rows[n % len(rows)], n) for n in range(size)])


def _vary(row: Row, number: int) -> Row:
    """Return a row of its own: another id and another question."""
    question = f"{row['question']} ({number})"
    options = (row["positive_option"], row["negative_option"])
    return row | {
        "item_id": f"item-{number:012}",
        "family": f"item-{number:012}",
        "question": question,
        "content_hash": hash_content(question, *options, row["language"]),
    }


@dataclass(slots=True)
class Watch:
    """How long something took, and by how much the process grew meanwhile at most."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    more: dict[str, float] = field(default_factory=dict)


@contextmanager
def watch() -> Iterator[Watch]:
    """Time what runs in the context and look at the process's memory every 5 ms."""
    seen, ended = Watch(), threading.Event()
    start = _find_resident()

    def look() -> None:
        while not ended.wait(0.005):
            seen.peak_mb = max(seen.peak_mb, _find_resident() - start)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    begun = time.perf_counter()
    try:
        yield seen
    finally:
        seen.seconds = time.perf_counter() - begun
        ended.set()
        thread.join()
        seen.peak_mb = max(seen.peak_mb, _find_resident() - start)


def _find_resident() -> float:
    """Return the resident megabytes (2**20 bytes) of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def start_job(job: str, folder: Path) -> dict[str, Any]:
    """Run one job in a process of its own; return what it measured."""
    print(f"… {job}", file=sys.stderr)
    command = [sys.executable, __file__, "--job", job, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_job(job: str, folder: Path) -> dict[str, Any]:
    """Run a job in this process."""
    jobs: dict[str, Callable[[Path], Watch]] = {
        "pyarrow": write_by_pyarrow,
        "export": export,
        "verify": verify,
    }
    found = jobs[job](folder)
    return {"seconds": found.seconds, "peak_mb": found.peak_mb, **found.more}


def write_by_pyarrow(folder: Path) -> Watch:
    """Write the rows of each config, made before the clock starts, by pyarrow alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from builder.bundle.engine.items import make_item
    from builder.release.tables import CONFIGS, list_columns, make_choice_columns, make_columns

    rows = read_rows(folder / "rows.jsonl")
    full, items = make_columns(rows), [make_item(row) for row in rows]
    table_mb = 0.0
    total = Watch()
    target = folder / "plain.parquet"
    for config in CONFIGS:
        own = make_choice_columns(config, items)
        columns = {c: own[c] if c in own else full[c] for c in list_columns(config, list(full))}
        dicts = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        del columns
        with watch() as seen:
            table = pa.Table.from_pylist(dicts)
            pq.write_table(table, target)
        total.seconds += seen.seconds
        total.peak_mb = max(total.peak_mb, seen.peak_mb)
        if config == "items":
            table_mb = table.nbytes / (1 << 20)
        del table, dicts
    total.more["table_mb"] = table_mb
    return total


def export(folder: Path) -> Watch:
    """Write the folder of a release."""
    import datasets  # noqa: F401 - imported before the clock starts, as pyarrow is for its job
    import pyarrow.parquet  # noqa: F401

    from builder.release.contents import write_data, write_texts
    from builder.release.reading import read_release
    from builder.workspace import Workspace

    workspace = Workspace(folder / "bench")
    manifest = read_release(workspace.get_release("1.0.0")).manifest
    rows = read_rows(folder / "rows.jsonl")
    dimensions = [dimension["id"] for dimension in manifest["dimensions"]]
    _fit_manifest(manifest, rows)
    target = folder / "large"
    shutil.rmtree(target, ignore_errors=True)
    with watch() as seen:
        manifest["row_hash"] = write_data(target, rows, dimensions, "test")
        write_texts(workspace, target, rows, manifest, "# Changelog\n")
    return seen


def _fit_manifest(manifest: dict[str, Any], rows: list[Row]) -> None:
    """Let the small release's manifest tell the counts of the large one."""
    counts = Counter(row["dimension"] for row in rows)
    for dimension in manifest["dimensions"]:
        dimension["items"] = counts[dimension["id"]]
    manifest["items"] = len(rows)
    manifest["decisions"] = dict(Counter(row["decision"] for row in rows))


def verify(folder: Path) -> Watch:
    """Hold the folder that `export` wrote against its manifest."""
    import datasets  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from builder.release.verifying import verify_release

    with watch() as seen:
        problems = verify_release(folder / "large")
    if problems:
        raise SystemExit(f"the large release does not hold: {problems[0]}")
    return seen


def sum_up(found: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Return the figures: medians over the runs, as ratios to pyarrow's."""
    seconds = {
        job: statistics.median(run["seconds"] for run in runs) for job, runs in found.items()
    }
    peak = statistics.median(run["peak_mb"] for run in found["export"])
    table = found["pyarrow"][0]["table_mb"]
    return {
        "export_ratio": round(seconds["export"] / seconds["pyarrow"], 2),
        "verify_ratio": round(seconds["verify"] / seconds["pyarrow"], 2),
        "export_peak_mb": round(peak, 1),
        "export_peak_tables": round(peak / table, 2),
    }


def show(found: dict[str, list[dict[str, Any]]], size: int) -> None:
    """Print the jobs side by side."""
    table = Table(title=f"A release of {size:,} items", title_justify="left")
    for column in ("job", "seconds (median)", "seconds (all)", "peak over its rows, MB"):
        table.add_column(column, justify="left" if column == "job" else "right")
    for job, runs in found.items():
        times = [run["seconds"] for run in runs]
        peak = statistics.median(run["peak_mb"] for run in runs)
        shown = " ".join(f"{t:.2f}" for t in times)
        table.add_row(job, f"{statistics.median(times):.2f}", shown, f"{peak:.0f}")
    Console(width=100).print(table)
    Console(width=100).print(f"the full table: {found['pyarrow'][0]['table_mb']:.0f} MB in memory")


if __name__ == "__main__":
    sys.exit(main())
