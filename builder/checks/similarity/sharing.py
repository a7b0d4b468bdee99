"""Shards of a search, shared between this process and helpers: shards enter; what they hold leaves.

A helper is a process of its own, started while the texts are still being encoded and fed as it gets
free. It maps the arrays that this process saved, so that they are in memory once. A helper that dies,
for want of memory say, costs time and nothing else: what it held is scanned here.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from builder.checks.similarity.scan import Found
from builder.checks.similarity.segment import Segment, load_segment, save_segment

__all__ = ["Helpers", "ScanRows", "Shard", "start_helpers"]

# Shards that wait at a helper, so that it need not wait for this process to finish one.
_AHEAD = 2
_PREFIX = "finebench-"

_mapped: set[Path] = set()
"""In a helper, the folders that it mapped."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of rows from ``start`` to before ``end``, with the pairs in their length windows."""

    start: int
    end: int
    pairs: int


ScanRows = Callable[[Segment, Segment, int, int], Found]
"""Scans a run of rows of the first segment against all of the second."""


@dataclass(frozen=True, slots=True)
class Helpers:
    """Processes that scan beside this one; without a pool there are none."""

    pool: ProcessPoolExecutor | None = None
    count: int = 0

    def scan(
        self, rows: Segment, columns: Segment, shards: Sequence[Shard], scan_rows: ScanRows
    ) -> Iterator[tuple[int, Found]]:
        """Yield what each shard holds with the shard's place in ``shards``, in order of completion."""
        waiting = deque(enumerate(shards))
        with _save(rows, columns if columns is not rows else None, self.pool) as folders:
            pool = self.pool if folders else None
            running: dict[Future[Found], tuple[int, Shard]] = {}
            while waiting or running:
                while pool and waiting and len(running) < _AHEAD * self.count:
                    place, shard = waiting.popleft()
                    task = (scan_rows, folders, shard.start, shard.end)
                    running[_submit(pool, *task)] = (place, shard)
                if waiting:
                    place, shard = waiting.popleft()
                    yield place, scan_rows(rows, columns, shard.start, shard.end)
                elif running:
                    wait(running, return_when=FIRST_COMPLETED)
                for future in [future for future in running if future.done()]:
                    place, shard = running.pop(future)
                    if future.exception() is None:
                        yield place, future.result()
                    else:
                        # Out of memory or killed: what fails there may pass here, or fails for good.
                        pool = None
                        yield place, scan_rows(rows, columns, shard.start, shard.end)


@contextmanager
def start_helpers(count: int) -> Iterator[Helpers]:
    """Yield so many helpers, which start at once and end with the context."""
    if count < 1:
        yield Helpers()
        return
    with ExitStack() as stack:
        helpers = Helpers()
        try:
            # A fresh interpreter each: a fork would copy this process's threads and locks in any state.
            context = multiprocessing.get_context("spawn")
            made = ProcessPoolExecutor(count, context, _begin_helping, (os.getpid(),))
            pool = stack.enter_context(made)
            for _ in range(count):
                pool.submit(_begin)
            helpers = Helpers(pool, count)
        except OSError:
            pass  # no memory or no semaphores for more processes: this one does all
        yield helpers


@contextmanager
def _save(
    rows: Segment, columns: Segment | None, pool: ProcessPoolExecutor | None
) -> Iterator[tuple[Path, ...]]:
    """Save the segments where helpers can map them, for as long as the context lasts."""
    if pool is None:
        yield ()
        return
    with ExitStack() as stack:
        folders: tuple[Path, ...] = ()
        try:
            made = tempfile.TemporaryDirectory(prefix=_PREFIX)
            temporary = stack.enter_context(made)
            segments = {"rows": rows} | ({"columns": columns} if columns is not None else {})
            folders = tuple(Path(temporary, name) for name in segments)
            for folder, segment in zip(folders, segments.values(), strict=True):
                save_segment(segment, folder)
        except OSError:
            # A full disk: helpers cannot map what is not there, and this process needs none.
            folders = ()
        yield folders


def _submit(
    pool: ProcessPoolExecutor, scan_rows: ScanRows, folders: tuple[Path, ...], start: int, end: int
) -> Future[Found]:
    """Submit a shard; a pool that is broken already gives a future that has failed."""
    try:
        return pool.submit(_scan_mapped, scan_rows, folders, start, end)
    except (BrokenProcessPool, OSError) as error:
        failed: Future[Found] = Future()
        failed.set_exception(error)
        return failed


def _begin_helping(parent: int) -> None:
    # The process that started the helpers stops them when the user interrupts it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this helper when the process that started it is gone: killed, it could not say so."""
    while os.getppid() == parent:
        time.sleep(1)
    for folder in {folder.parent for folder in _mapped}:
        # It could not clear up either: the texts of others are not to be left lying about.
        if folder.name.startswith(_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _begin() -> None:
    """Do nothing: that this could be called shows that the modules of a helper are loaded."""


@lru_cache(maxsize=2)
def _map_segment(folder: Path) -> Segment:
    _mapped.add(folder)
    return load_segment(folder)


def _scan_mapped(scan_rows: ScanRows, folders: tuple[Path, ...], start: int, end: int) -> Found:
    rows = _map_segment(folders[0])
    # One with itself must be one object: that is how `scan` knows to find each pair once.
    columns = _map_segment(folders[-1])
    return scan_rows(rows, columns, start, end)
