"""The methods compared: a job enters as JSON; timings and the pairs found leave as files.

Started as a process of its own for every measurement, so that no method pays for or profits from
another's memory: ``python methods.py '{"method": …, "texts": …, "out": …}'``. Texts are read and
modules are imported before the clock starts. Methods other than ours get texts already normalised.
"""

import json
import resource
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from corpus import CUTOFF
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from schemas.texts import normalise_for_comparison

__all__ = ["METHODS", "Outcome", "read_texts", "write_texts"]

WORKERS = 2
MEMORY_MB = 1024
ROWS = 128  # rows of a block: 1,024 were slower

Positions = NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one measurement gave.

    ``seconds`` is the best of ``runs``; ``positions`` has shape (pairs, 2); ``candidates`` counts the
    pairs whose ratio was computed. Where ``estimated``, ``seconds`` and ``candidates`` are scaled up
    from sampled blocks and ``positions`` holds the pairs of the sampled rows only.
    """

    seconds: float
    runs: int
    positions: Positions
    candidates: int | None
    estimated: bool = False
    details: dict[str, float] = field(default_factory=dict)


def write_texts(path: Path, texts: Sequence[str]) -> None:
    """Write texts, none of which holds a line break, one a line."""
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="\n")


def read_texts(path: Path) -> list[str]:
    """Return what `write_texts` wrote."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        return [line[:-1] for line in lines]


def time_best(action: Callable[[], T]) -> tuple[T, float, int]:
    """Return the result, the best time and the runs: 5 if the first takes < 1 s, 3 if < 10 s, or 1."""
    result, best = _time_once(action)
    runs = 5 if best < 1 else 3 if best < 10 else 1
    for _ in range(runs - 1):
        result, seconds = _time_once(action)
        best = min(best, seconds)
    return result, best, runs


def _time_once(action: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start


def _normalise(path: Path) -> list[str]:
    return [normalise_for_comparison(text) for text in read_texts(path)]


def _compare_block(texts: list[str], start: int, stop: int) -> tuple[Positions, int]:
    """Compare the rows from ``start`` with all to their right before ``stop``."""
    rows, columns = texts[start : start + ROWS], texts[start:stop]
    ratios = process.cdist(
        rows, columns, scorer=fuzz.ratio, score_cutoff=CUTOFF, dtype=np.uint8, workers=WORKERS
    )
    pairs = np.argwhere(ratios).astype(np.int64)
    return pairs[pairs[:, 0] < pairs[:, 1]] + start, len(rows) * len(columns)


def _list_blocks(texts: list[str], *, by_length: bool) -> list[tuple[int, int]]:
    """Return where blocks of rows start and where the columns end that can reach the cut-off."""
    starts = range(0, len(texts), ROWS)
    if not by_length:
        return [(start, len(texts)) for start in starts]
    lengths = [len(text) for text in texts]
    longest = [lengths[min(start + ROWS, len(texts)) - 1] for start in starts]
    # The ratio is at most 200 * La / (La + Lb), hence at least 90 only where Lb <= 11 * La / 9.
    bounds = [most * (200 - CUTOFF) // CUTOFF for most in longest]
    return [(s, bisect_right(lengths, bound)) for s, bound in zip(starts, bounds, strict=True)]


def compare_all(path: Path, *, by_length: bool = False) -> Outcome:
    """Compare all pairs with ``cdist``; ``by_length`` leaves out those whose lengths differ too much."""
    texts = _normalise(path)

    def run() -> tuple[Positions, int]:
        order = _sort_by_length(texts) if by_length else np.arange(len(texts))
        ordered = [texts[i] for i in order]
        blocks = [_compare_block(ordered, *b) for b in _list_blocks(ordered, by_length=by_length)]
        return order[np.concatenate([pairs for pairs, _ in blocks])], sum(n for _, n in blocks)

    (positions, candidates), seconds, runs = time_best(run)
    return Outcome(seconds, runs, positions, candidates)


def sample_all(path: Path, *, blocks: int, by_length: bool = False) -> Outcome:
    """Time ``blocks`` blocks spread evenly over the rows, and scale by the pairs they hold."""
    texts = _normalise(path)
    order = _sort_by_length(texts) if by_length else np.arange(len(texts))
    ordered = [texts[i] for i in order]
    whole = _list_blocks(ordered, by_length=by_length)
    chosen = [whole[(2 * i + 1) * len(whole) // (2 * blocks)] for i in range(blocks)]
    parts, seconds = _time_once(lambda: [_compare_block(ordered, *block) for block in chosen])
    compared = sum(count for _, count in parts)
    total = sum(min(ROWS, len(texts) - start) * (stop - start) for start, stop in whole)
    details = {"sampled_seconds": seconds, "sampled_blocks": blocks, "sampled_pairs": compared}
    positions = order[np.concatenate([pairs for pairs, _ in parts])]
    return Outcome(seconds / compared * total, 1, positions, total, estimated=True, details=details)


def _sort_by_length(texts: list[str]) -> Positions:
    return np.argsort([len(text) for text in texts], kind="stable").astype(np.int64)


def match_minhash(path: Path, *, threshold: float, shingle: int) -> Outcome:
    """Find candidates with datasketch's MinHashLSH; verify them with ``fuzz.ratio``."""
    import xxhash
    from datasketch import MinHash, MinHashLSH

    texts = _normalise(path)

    def run() -> tuple[Positions, int]:
        lsh = MinHashLSH(threshold=threshold, num_perm=128)
        shingles = (list(_cut_shingles(text, shingle)) for text in texts)
        hashes = MinHash.generator(shingles, num_perm=128, hashfunc=xxhash.xxh32_intdigest)
        first: list[int] = []
        second: list[int] = []
        for i, made in enumerate(hashes):
            near = lsh.query(made)
            first += near
            second += [i] * len(near)
            lsh.insert(i, made, check_duplication=False)
        return _verify(texts, first, second), len(first)

    (positions, candidates), seconds, runs = time_best(run)
    return Outcome(seconds, runs, positions, candidates)


def _cut_shingles(text: str, size: int) -> Iterator[bytes]:
    return (s.encode() for s in {text[i : i + size] for i in range(max(1, len(text) - size + 1))})


def _verify(texts: list[str], first: list[int], second: list[int]) -> Positions:
    ratios = process.cpdist(
        [texts[i] for i in first],
        [texts[i] for i in second],
        scorer=fuzz.ratio,
        score_cutoff=CUTOFF,
        dtype=np.uint8,
        workers=WORKERS,
    )
    return np.column_stack([first, second]).astype(np.int64).reshape(-1, 2)[ratios > 0]


def find_ours(path: Path) -> Outcome:
    """Run our search on raw texts: it normalises them itself, on the clock."""
    from builder.checks.similarity.join import find_near_duplicates

    texts = read_texts(path)

    def run() -> tuple[Positions, int]:
        found = find_near_duplicates(texts, cutoff=CUTOFF, workers=WORKERS, memory_mb=MEMORY_MB)
        return _collect(found), found.candidates

    (positions, candidates), seconds, runs = time_best(run)
    return Outcome(seconds, runs, positions, candidates)


def build_index(path: Path, *, folder: str) -> Outcome:
    """Build our index of the texts and save it into ``folder``; ``seconds`` are those of both."""
    from builder.checks.similarity.index import TextIndex

    texts = read_texts(path)
    index, built = _time_once(lambda: TextIndex.build(texts, memory_mb=MEMORY_MB))
    _, saved = _time_once(lambda: index.save(Path(folder)))
    size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    details = {"build_seconds": built, "save_seconds": saved, "saved_mb": size / 1e6}
    return Outcome(built + saved, 1, np.empty((0, 2), np.int64), None, details=details)


def match_index(path: Path, *, folder: str) -> Outcome:
    """Load the saved index and match the new texts at ``path``; ``seconds`` are those of both."""
    from builder.checks.similarity.index import TextIndex
    from builder.checks.similarity.join import find_matches

    texts = read_texts(path)
    index, loaded = _time_once(lambda: TextIndex.load(Path(folder)))

    def run() -> tuple[Positions, int]:
        found = find_matches(index, texts, cutoff=CUTOFF, workers=WORKERS, memory_mb=MEMORY_MB)
        return _collect(found), found.candidates

    (positions, candidates), matched, runs = time_best(run)
    details = {"load_seconds": loaded, "match_seconds": matched}
    return Outcome(loaded + matched, runs, positions, candidates, details=details)


def _collect(found: Any) -> Positions:
    pairs = [(pair.first, pair.second) for pair in found.list_pairs()]
    return np.array(pairs, np.int64).reshape(-1, 2)


METHODS: dict[str, Callable[..., Outcome]] = {
    method.__name__: method
    for method in (compare_all, sample_all, match_minhash, find_ours, build_index, match_index)
}


def main(job: dict[str, Any]) -> None:
    """Do one job: the pairs go to ``out`` with suffix .npy, everything else with suffix .json."""
    outcome = METHODS[job["method"]](Path(job["texts"]), **job["options"])
    out = Path(job["out"])
    ordered = outcome.positions
    if job["method"] != "match_index":  # there, the two columns count in different corpora
        ordered = np.sort(ordered, axis=1)
    np.save(out.with_suffix(".npy"), ordered)
    facts = {
        "seconds": outcome.seconds,
        "runs": outcome.runs,
        "candidates": outcome.candidates,
        "estimated": outcome.estimated,
        "details": outcome.details,
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "worker_peak_kb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    }
    out.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
