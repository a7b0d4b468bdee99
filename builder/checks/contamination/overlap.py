"""Long overlaps: texts and passages enter; passages that hold a long run of a text's letters leave.

Texts are compared by their letters and digits alone, normalised, so that white space and punctuation
hide nothing. A run is long where it has `RUN` characters, or `DENSE_RUN` in writing that has a word in
one or two characters; a shorter text must stand whole in the passage, from `LEAST` (`DENSE_LEAST`)
characters on, below which anything can stand anywhere by chance. That is how far GPT-4's report went
too (50 characters; arXiv 2303.08774, appendix C).

Every run of a window's length in the passages is looked up by a rolling hash (of 64 bits, computed for
millions of characters at once); a hit is believed only once the characters themselves are found.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from schemas.texts import normalise_for_comparison

__all__ = ["Overlap", "RunFinder", "keep_letters"]

RUN, LEAST = 40, 20
DENSE_RUN, DENSE_LEAST = 16, 8
_MOST_PASSAGES, _MOST_OF_KIN = 50, 3
_FACTOR, _MASK = 0x9E3779B97F4A7C15, 2**64 - 1

Hashes = NDArray[np.uint64]
Owners = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The longest run that a text (by its position) shares with a passage (by its position)."""

    text: int
    passage: int
    run: str


def keep_letters(text: str) -> str:
    """Return the letters and digits of the normalised text.

    >>> keep_letters("Is it ＯＫ, at 9?")
    'isitokat9'
    """
    return "".join(c for c in normalise_for_comparison(text) if c.isalnum())


class RunFinder:
    """Looks for long runs of ``texts``, whose windows are hashed once, in any number of passages."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._letters = [keep_letters(text) for text in texts]
        self._windows: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, letters in enumerate(self._letters):
            size = _choose_window(letters)
            if size:
                for code in np.unique(_hash_windows([letters], size)[0]).tolist():
                    self._windows[size][code].append(number)
        self._known = {
            size: np.array(sorted(codes), dtype=np.uint64) for size, codes in self._windows.items()
        }

    def find(self, passages: Sequence[str], kin: Sequence[str] = ()) -> Iterator[Overlap]:
        """Yield the longest run of each text and passage that share a long one.

        Of passages that share the same run with a text, as many as `_MOST_PASSAGES` are looked at, of
        one kin no more than `_MOST_OF_KIN`; ``kin`` names that of each passage, empty for strangers.
        """
        letters = [keep_letters(passage) for passage in passages]
        for size, known in self._known.items():
            codes, owners = _hash_windows(letters, size)
            if not len(codes):
                continue
            places = np.searchsorted(known, codes)
            places[places == len(known)] = 0
            hits = np.flatnonzero(known[places] == codes)
            for number, found in sorted(
                self._list_passages(size, codes[hits], owners[hits], kin).items()
            ):
                yield from _find_runs(number, self._letters[number], sorted(found), letters, size)

    def _list_passages(
        self, size: int, codes: Hashes, owners: Owners, kin: Sequence[str]
    ) -> dict[int, set[int]]:
        """Return the passages that may share a run with each text, `_MOST_PASSAGES` for each window.

        What stands in thousands of lines is told as well by some of them.
        """
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=codes[order][:1] + np.uint64(1)))
        found: dict[int, set[int]] = defaultdict(set)
        for start, end in pairwise([*starts.tolist(), len(order)]):
            passages = dict.fromkeys(owners[order[start:end]].tolist())
            first = list(islice(_pass_few_of_kin(passages, kin), _MOST_PASSAGES))
            for number in self._windows[size][int(codes[order[start]])]:
                found[number].update(first)
        return found


def _pass_few_of_kin(passages: Iterable[int], kin: Sequence[str]) -> Iterator[int]:
    """Yield passages, of each kin the first few, so that an item's own lines hide no stranger's."""
    seen: Counter[str] = Counter()
    for passage in passages:
        name = kin[passage] if kin else ""
        seen[name] += 1
        if not name or seen[name] <= _MOST_OF_KIN:
            yield passage


def _choose_window(letters: str) -> int:
    """Return how long a run must be to tell: a fixed length, or all of a shorter text; 0 for none."""
    dense = sum("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" for c in letters)
    most, least = (DENSE_RUN, DENSE_LEAST) if 2 * dense > len(letters) else (RUN, LEAST)
    return min(len(letters), most) if len(letters) >= least else 0


def _hash_windows(texts: Sequence[str], size: int) -> tuple[Hashes, Owners]:
    """Return the hash of every window of ``size`` characters within one text, and that text's number."""
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(joined, dtype="<u4").astype(np.uint64)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    owners = np.repeat(np.arange(len(texts)), lengths)
    if len(points) < size:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    # Doubling: the hash of a window is that of its first half, times a power, plus that of the second.
    codes, done, power = points, 1, _FACTOR
    total: Hashes = np.zeros(len(points) - size + 1, np.uint64)
    total_done = 0
    while True:
        if size & done:
            part = codes[total_done : total_done + len(total)]
            total = total * np.uint64(power) + part if total_done else part.copy()
            total_done += done
        if total_done == size:
            break
        codes = codes[: len(codes) - done] * np.uint64(power) + codes[done:]
        done, power = 2 * done, power * power & _MASK
    ends = owners[size - 1 :]
    inside = owners[: len(ends)] == ends
    return total[inside], ends[inside]


def _find_runs(
    number: int, text: str, passages: Sequence[int], letters: Sequence[str], size: int
) -> Iterator[Overlap]:
    """Yield the longest run of a text in each passage that holds one; equal passages are read once."""
    runs: dict[str, str] = {}
    for passage in passages:
        body = letters[passage]
        if body not in runs:
            runs[body] = _find_longest_run(text, body, size)
        if runs[body]:
            yield Overlap(number, passage, runs[body])


def _find_longest(text: str, start: int, length: int, passage: str) -> int:
    """Return how long the run from ``start`` is, ``length`` or more, by bisection: what holds it is long."""
    low, high = length, len(text) - start
    while low < high:
        middle = (low + high + 1) // 2
        if text[start : start + middle] in passage:
            low = middle
        else:
            high = middle - 1
    return low


def _find_longest_run(text: str, passage: str, size: int) -> str:
    """Return the longest run of ``text`` that stands in ``passage``; empty below ``size`` characters."""
    best = ""
    for start in range(len(text) - size + 1):
        if len(text) - start <= len(best):
            break
        length = max(size, len(best) + 1)
        if text[start : start + length] not in passage:
            continue
        best = text[start : start + _find_longest(text, start, length, passage)]
    return best
