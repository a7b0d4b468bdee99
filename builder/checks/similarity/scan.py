"""The scan: rows of one segment and all of another enter; every pair at or above a cut-off leaves.

Pairs are ruled out in steps that cost more and more and leave fewer and fewer: by length (a window of
the sorted texts), by the narrow signatures of a tile of rows and columns at once, by the wide
signatures and the parities of character pairs of what is left, and at last by `rapidfuzz` itself,
whose word is the result. Every step keeps all pairs within the bound, so that none is lost; the texts
of this module are explained in `signatures` and `bounds`.

Signatures tell texts of up to some 250 characters apart: the distance that a near-duplicate may have
grows with its length, the bits do not. Longer texts are scanned by their wide signatures, and where
these too are powerless, or the cut-off is below `bounds.WEAK_BELOW`, every pair in the length window is
compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from builder.checks.similarity.bounds import WEAK_BELOW, Bound
from builder.checks.similarity.segment import Segment

__all__ = ["Found", "count_pairs", "scan"]

_ROWS, _COLUMNS = 64, 4096
# Unrelated texts differ in about 55 of 128 bits and in about 100 of 256.
_NARROW_REACH, _WIDE_REACH = 46, 92

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs found: their rows in the two segments and ratios, all of one length; and how many were compared."""

    rows: Rows
    columns: Rows
    ratios: NDArray[np.float64]
    candidates: int


def count_pairs(rows: Segment, columns: Segment, bound: Bound) -> Iterator[tuple[int, int, int]]:
    """Yield each tile's first row, the row after its last, and its pairs in the length window."""
    for top, bottom in _list_tiles(0, len(rows)):
        first, last = _find_columns(rows, columns, top, bottom, bound)
        yield top, bottom, (bottom - top) * max(0, last - first)


def scan(
    rows: Segment, columns: Segment, start: int, end: int, bound: Bound, *, most_candidates: int
) -> Found:
    """Return all pairs of ``rows[start:end]`` and ``columns`` within ``bound``.

    Where ``rows is columns``, each pair is found once, the lower row first, and no text with itself.
    Candidates are compared in lots of about ``most_candidates``, which bounds memory.
    """
    lots = [
        _verify(rows, columns, candidates, bound)
        for candidates in _gather(_scan_tiles(rows, columns, start, end, bound), most_candidates)
    ]
    return join_found(lots)


def join_found(parts: list[Found]) -> Found:
    """Return the pairs of all ``parts``, one after the other."""
    empty = Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), 0)
    parts = parts or [empty]
    return Found(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.ratios for part in parts]),
        sum(part.candidates for part in parts),
    )


Candidates = tuple[Rows, Rows]


def _list_tiles(start: int, end: int) -> Iterator[tuple[int, int]]:
    for top in range(start, end, _ROWS):
        yield top, min(top + _ROWS, end)


def _find_columns(
    rows: Segment, columns: Segment, top: int, bottom: int, bound: Bound
) -> tuple[int, int]:
    """Return the columns whose lengths a tile's rows can match; to the right of the diagonal only."""
    lengths = rows.lengths
    first, last = bound.find_window(int(lengths[top]), int(lengths[bottom - 1]), columns.lengths)
    return (max(first, top), last) if rows is columns else (first, last)


def _scan_tiles(
    rows: Segment, columns: Segment, start: int, end: int, bound: Bound
) -> Iterator[Candidates]:
    """Yield the pairs that the signatures do not rule out, a tile at a time."""
    scratch = _Scratch()
    for top, bottom in _list_tiles(start, end):
        first, last = _find_columns(rows, columns, top, bottom, bound)
        for left in range(first, last, _COLUMNS):
            tall, broad = slice(top, bottom), slice(left, min(left + _COLUMNS, last))
            limits = bound.limit_distances(int(rows.lengths[bottom - 1]), columns.lengths[broad])
            least = int(limits[0])
            if bound.cutoff < WEAK_BELOW or least > _WIDE_REACH:
                i, j = _compare_tile(rows, columns, tall, broad, bound)
            elif least > _NARROW_REACH:
                i, j = scratch.filter_tile(rows.wide[tall], columns.wide[broad], limits)
            else:
                i, j = scratch.filter_tile(rows.narrow[tall], columns.narrow[broad], limits)
            i, j = i + top, j + left
            yield (i[i < j], j[i < j]) if rows is columns else (i, j)


class _Scratch:
    """Memory for one tile, used again for the next: asking for it anew would cost as much as the scan."""

    def __init__(self) -> None:
        self._xor = np.empty(_ROWS * _COLUMNS, dtype=np.uint64)
        self._bits = np.empty((2, _ROWS * _COLUMNS), dtype=np.uint8)
        self._near = np.empty(_ROWS * _COLUMNS, dtype=np.bool_)

    def filter_tile(
        self,
        rows: NDArray[np.uint64],
        columns: NDArray[np.uint64],
        limits: NDArray[np.int64],
    ) -> Candidates:
        """Return where signatures of shapes (r, w) and (c, w) differ in at most ``limits`` (c,) bits."""
        shape = (len(rows), len(columns))
        size = shape[0] * shape[1]
        xor, near = self._xor[:size].reshape(shape), self._near[:size].reshape(shape)
        total, bits = (part[:size].reshape(shape) for part in self._bits)
        for word in range(rows.shape[1]):
            np.bitwise_xor(rows[:, word, None], np.ascontiguousarray(columns[:, word]), out=xor)
            np.bitwise_count(xor, out=bits if word else total)
            if word:
                np.add(total, bits, out=total)
        np.less_equal(total, np.minimum(limits, 255).astype(np.uint8), out=near)
        found = np.flatnonzero(near)
        return found // len(columns), found % len(columns)


def _compare_tile(
    rows: Segment, columns: Segment, tall: slice, broad: slice, bound: Bound
) -> Candidates:
    """Return the near-duplicates of a tile by comparing all of its pairs."""
    texts = [
        segment.get_texts(np.arange(part.start, part.stop))
        for segment, part in ((rows, tall), (columns, broad))
    ]
    ratios = process.cdist(*texts, scorer=fuzz.ratio, score_cutoff=bound.loose, dtype=np.float32)
    i, j = np.nonzero(ratios)
    return i, j


def _gather(tiles: Iterator[Candidates], most: int) -> Iterator[Candidates]:
    """Yield candidates in lots of at least ``most``, so that each step handles many at once."""
    held: list[Candidates] = []
    size = 0
    for tile in tiles:
        if len(tile[0]):
            held.append(tile)
            size += len(tile[0])
        if size >= most:
            yield np.concatenate([i for i, _ in held]), np.concatenate([j for _, j in held])
            held, size = [], 0
    if held:
        yield np.concatenate([i for i, _ in held]), np.concatenate([j for _, j in held])


def _verify(rows: Segment, columns: Segment, candidates: Candidates, bound: Bound) -> Found:
    """Return those of ``candidates`` whose ratio reaches the cut-off, as rapidfuzz computes it."""
    i, j = candidates
    limits = bound.limit_distances(rows.lengths[i], columns.lengths[j])
    for name, factor in (("wide", 1), ("pairs", 3)):
        ours, theirs = getattr(rows, name), getattr(columns, name)
        near = np.bitwise_count(ours[i] ^ theirs[j]).sum(axis=1) <= factor * limits
        i, j, limits = i[near], j[near], limits[near]
    ratios = process.cpdist(
        rows.get_texts(i),
        columns.get_texts(j),
        scorer=fuzz.ratio,
        score_cutoff=bound.loose,
        dtype=np.float64,
    )
    hit = ratios >= bound.cutoff
    return Found(i[hit], j[hit], ratios[hit], len(ratios))
