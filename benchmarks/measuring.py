"""One measurement: a job enters, runs in a process of its own; time, memory and pairs leave."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Measurement", "measure"]

_PROC = Path("/proc")
_INTERVAL = 0.05
_SCRIPT = Path(__file__).with_name("methods.py")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table.

    ``peak_mb`` (2**20 bytes) is the largest sum of resident pages over the process and its workers,
    seen every 50 ms, interpreter and texts included; pages that processes share count in each of
    them, so that it is never understated by sharing.
    """

    label: str
    size: int
    seconds: float
    runs: int
    peak_mb: float
    candidates: int | None
    estimated: bool
    details: dict[str, float]
    positions: NDArray[np.int64]


def measure(label: str, size: int, method: str, texts: Path, **options: Any) -> Measurement:
    """Run ``method`` of `methods` on the texts at a path and watch it."""
    sys.stderr.write(f"… {label}, {size:,} texts\n")
    out = texts.with_name("outcome")
    job = {"method": method, "texts": str(texts), "out": str(out), "options": options}
    with subprocess.Popen(
        [sys.executable, str(_SCRIPT), json.dumps(job)],
        stdout=sys.stderr,
    ) as child:
        peak_kb = _watch(child)
    if child.returncode:
        raise SystemExit(f"{label} on {size:,} texts ended with exit code {child.returncode}.")
    facts = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    peak_kb = max(peak_kb, facts["peak_kb"]) if peak_kb else _bound_peak(facts)
    return Measurement(
        label=label,
        size=size,
        seconds=facts["seconds"],
        runs=facts["runs"],
        peak_mb=peak_kb / 1024,
        candidates=facts["candidates"],
        estimated=facts["estimated"],
        details=facts["details"],
        positions=np.load(out.with_suffix(".npy")),
    )


def _bound_peak(facts: dict[str, Any]) -> int:
    """Return the most that the tree can have held at once, where there is no /proc to look at."""
    unit = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes, not kilobytes
    return int(facts["peak_kb"] + 2 * facts["worker_peak_kb"]) // unit


def _watch(child: subprocess.Popen[bytes]) -> int:
    peak = 0
    while child.poll() is None:
        peak = max(peak, _sum_resident_kb(child.pid))
        time.sleep(_INTERVAL)
    return peak


def _sum_resident_kb(pid: int) -> int:
    """Return the resident kilobytes of a process and everything below it; 0 once it has ended."""
    folder = _PROC / str(pid)
    try:
        pages = int((folder / "statm").read_text().split()[1])
        children = [
            int(child)
            for thread in (folder / "task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return 0
    own = pages * os.sysconf("SC_PAGE_SIZE") // 1024
    return own + sum(_sum_resident_kb(child) for child in children)
