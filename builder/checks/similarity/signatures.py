"""Signatures: texts enter; bit rows leave whose distance never exceeds the texts' edit distance.

The distance meant is the indel distance ``d``: the fewest insertions and deletions that turn one text
into the other. ``rapidfuzz.fuzz.ratio`` is ``100 * (1 - d / (len(a) + len(b)))``. One insertion changes
the count of one character by one, so for every pair of texts

- the counts of a character differ by at most ``d``, and so does the sum of all these differences;
- a Johnson counter shows a count in ``m`` bits: it turns one bit with every step and repeats after
  ``2m`` steps, so the codes of two counts differ in no more bits than the counts differ. Counters of
  several characters (or groups of characters) side by side give a signature, and the number of bits in
  which two signatures differ is at most ``d``;
- an insertion takes away one pair of neighbouring characters and adds two, so the parities of hashed
  pair counts differ in at most ``3 * d`` bits.

Which characters get how many bits is chosen from a sample, one bit at a time where it sets texts of
equal length apart the most. The choice decides how many pairs a signature can rule out, never whether
it is right to rule them out: a text in letters that the sample lacks loses speed, not pairs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

__all__ = ["NARROW_BITS", "WIDE_BITS", "Alphabet", "Signatures", "encode", "fit_alphabet"]

NARROW_BITS, WIDE_BITS, PAIR_BITS = 128, 256, 256
_FREQUENT, _SHARED = 128, 64
_SLOTS = _FREQUENT + _SHARED
_MOST_BITS = 24
_SAMPLE = 512
_WIDEST_GAP = 255
_CODE_POINTS = 0x110000

Bits = NDArray[np.uint64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Alphabet:
    """How characters are counted in signatures.

    ``frequent`` are code points with a counter of their own; all others share `_SHARED` counters.
    ``narrow`` and ``wide`` name the bits of each counter in the two signatures; they sum to at most
    `NARROW_BITS` and `WIDE_BITS`.
    """

    frequent: tuple[int, ...]
    narrow: tuple[int, ...]
    wide: tuple[int, ...]

    @cached_property
    def slots(self) -> NDArray[np.uint8]:
        """The counter of every code point, shape (1114112,)."""
        slots = _make_shared_slots().copy()
        slots[list(self.frequent)] = np.arange(len(self.frequent), dtype=np.uint8)
        return slots


@cache
def _make_shared_slots() -> NDArray[np.uint8]:
    return (_FREQUENT + np.arange(_CODE_POINTS) % _SHARED).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures of n texts: ``narrow`` of shape (n, 2), ``wide`` and ``pairs`` of shape (n, 4)."""

    narrow: Bits
    wide: Bits
    pairs: Bits


def fit_alphabet(texts: Sequence[str]) -> Alphabet:
    """Return the alphabet that sets ``texts``, or an even sample of them, apart the most."""
    sample = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    sample = sorted(sample, key=len)
    characters = _list_characters(sample)
    seen, times = np.unique(characters.points, return_counts=True)
    frequent = tuple(int(point) for point in seen[np.argsort(-times, kind="stable")][:_FREQUENT])
    unfitted = Alphabet(frequent, (), ())
    counts = _count_slots(unfitted, characters)
    gaps = np.zeros((_WIDEST_GAP + 1, _SLOTS), dtype=np.int64)
    for step in (1, 5, 17):
        gap = np.minimum(np.abs(counts[:, step:] - counts[:, :-step]), _WIDEST_GAP)
        cells = gap * _SLOTS + np.arange(_SLOTS)[:, None]
        gaps += np.bincount(cells.ravel(), minlength=gaps.size).reshape(gaps.shape)
    return Alphabet(frequent, _share_bits(gaps, NARROW_BITS), _share_bits(gaps, WIDE_BITS))


def _share_bits(gaps: Counts, bits: int) -> tuple[int, ...]:
    """Give ``bits`` to counters one by one, each where the summed distance grows the most.

    ``gaps`` holds how often two texts' counts differ by so much, shape (differences, `_SLOTS`).
    """
    gap, width = np.arange(_WIDEST_GAP + 1), np.arange(1, _MOST_BITS + 1)[:, None]
    turned = gap % (2 * width)
    reached = np.zeros((_MOST_BITS + 1, _SLOTS), dtype=np.int64)
    reached[1:] = np.minimum(turned, 2 * width - turned) @ gaps
    given = np.zeros(_SLOTS, dtype=np.int64)
    every = np.arange(_SLOTS)
    for _ in range(bits):
        more = reached[np.minimum(given + 1, _MOST_BITS), every] - reached[given, every]
        given[int(np.where(given < _MOST_BITS, more, -1).argmax())] += 1
    return tuple(int(m) for m in given)


def encode(
    alphabet: Alphabet,
    texts: Sequence[str],
    *,
    block: int = 1 << 21,
    on_progress: Callable[[int, int], None] | None = None,
) -> Signatures:
    """Return the signatures of ``texts``, computed ``block`` characters at a time to bound memory."""
    narrow = _make_codes(alphabet.narrow, NARROW_BITS)
    wide = _make_codes(alphabet.wide, WIDE_BITS)
    made = Signatures(
        *(
            np.zeros((len(texts), bits // 64), np.uint64)
            for bits in (NARROW_BITS, WIDE_BITS, PAIR_BITS)
        )
    )
    for start, end in _cut_blocks(texts, block):
        characters = _list_characters(texts[start:end])
        counts = _count_slots(alphabet, characters)
        made.narrow[start:end] = _code(counts, narrow, NARROW_BITS)
        made.wide[start:end] = _code(counts, wide, WIDE_BITS)
        made.pairs[start:end] = _hash_pairs(characters)
        if on_progress:
            on_progress(end, len(texts))
    return made


def _cut_blocks(texts: Sequence[str], block: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of runs of texts that together weigh about ``block`` characters."""
    start, weight = 0, 0
    for end, text in enumerate(texts, 1):
        # A row of counts costs about as much as that many characters, however short its text.
        weight += len(text) + _SLOTS
        if weight >= block:
            yield start, end
            start, weight = end, 0
    if start < len(texts):
        yield start, len(texts)


@dataclass(frozen=True, slots=True)
class _Characters:
    """The characters of ``texts`` texts: their code points, and the number of the text of each."""

    texts: int
    points: NDArray[np.uint32]
    rows: NDArray[np.int64]


def _list_characters(texts: Sequence[str]) -> _Characters:
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    rows = np.repeat(np.arange(len(texts)), lengths)
    return _Characters(len(texts), np.frombuffer(joined, dtype="<u4"), rows)


def _count_slots(alphabet: Alphabet, characters: _Characters) -> Counts:
    """Return how often each counter's characters stand in each text, shape (`_SLOTS`, n)."""
    n = characters.texts
    cells = alphabet.slots[characters.points] * np.int64(n) + characters.rows
    return np.bincount(cells, minlength=n * _SLOTS).reshape(_SLOTS, n)


Codes = list[tuple[int, Bits]]
"""For each counter in use its slot, and its code of every count from 0 to 2m - 1, shape (2m, words)."""


def _make_codes(widths: Sequence[int], bits: int) -> Codes:
    starts = [0, *accumulate(widths)]
    return [
        (slot, _make_code(width, start, bits))
        for slot, (width, start) in enumerate(zip(widths, starts, strict=False))
        if width
    ]


def _make_code(width: int, start: int, bits: int) -> Bits:
    """Return the Johnson code of ``width`` bits from bit ``start`` on, for each count of its period."""
    table = np.zeros((2 * width, bits), dtype=np.uint8)
    for count in range(2 * width):
        first, last = (0, count) if count <= width else (count - width, width)
        table[count, start + first : start + last] = 1
    return np.packbits(table, axis=1, bitorder="little").view(np.uint64)


def _code(counts: Counts, codes: Codes, bits: int) -> Bits:
    coded = np.zeros((counts.shape[1], bits // 64), dtype=np.uint64)
    for slot, table in codes:
        coded |= table[counts[slot] % len(table)]
    return coded


def _hash_pairs(characters: _Characters) -> Bits:
    """Return for each text the parities of its hashed pairs of neighbouring characters, (n, 4)."""
    points, rows = characters.points, characters.rows
    # Multiplying by odd constants and keeping the upper bits spreads neighbouring code points.
    mixed = points[:-1] * np.uint32(2_654_435_761) ^ points[1:] * np.uint32(2_246_822_519)
    cells = rows[:-1] * PAIR_BITS + (mixed * np.uint32(3_266_489_917) >> np.uint32(24))
    inside = cells[rows[:-1] == rows[1:]]
    odd = np.bincount(inside, minlength=characters.texts * PAIR_BITS) & 1
    packed = np.packbits(odd.astype(np.uint8).reshape(characters.texts, PAIR_BITS), axis=1)
    return packed.view(np.uint64)
