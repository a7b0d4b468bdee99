"""Near-duplicates of a set of texts, or of new texts in an index: every pair, none invented.

Two texts are near-duplicates when ``rapidfuzz.fuzz.ratio`` of their normalised forms (NFKC, case
folded, white space collapsed) is at least the cut-off; with `Order.WORDS_SORTED` it is
``fuzz.token_sort_ratio``. The result equals that of comparing all pairs. What is compared, and why
nothing is lost, is told in `signatures`, `bounds` and `scan`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from builder.checks.similarity.bounds import Bound
from builder.checks.similarity.index import OnProgress, TextIndex
from builder.checks.similarity.scan import Found, count_pairs, join_found, scan
from builder.checks.similarity.segment import Order, Segment
from builder.checks.similarity.sharing import Helpers, Shard, start_helpers

__all__ = ["Groups", "Matches", "Pair", "find_matches", "find_near_duplicates"]

# Starting a process costs about as much as comparing so many pairs, about a second's worth.
_PAIRS_FOR_HELPERS = 500_000_000
_SHARDS, _PAIRS_A_SHARD = 64, 20_000_000


class Pair(NamedTuple):
    """Two positions and the ratio of their texts, from 0 to 100.

    Within one set of texts ``first < second``; against an index, ``first`` is the position among the
    new texts and ``second`` that in the index.
    """

    first: int
    second: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Groups:
    """Equal texts: the positions of group g are ``members[starts[g]:starts[g + 1]]``, rising."""

    members: NDArray[np.int64]
    starts: NDArray[np.int64]

    def __getitem__(self, group: int) -> NDArray[np.int64]:
        """Return the positions of one group."""
        return self.members[self.starts[group] : self.starts[group + 1]]

    def __len__(self) -> int:
        """Return how many groups there are."""
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many texts each group has, shape (groups,)."""
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class Matches:
    """Near-duplicates as pairs of groups of equal texts.

    ``pairs`` of shape (m, 2) holds a group of ``left`` and one of ``right`` each, ``ratios`` (m,) their
    ratios. Within one set of texts the two sides are one, and the texts of a group are pairs of each
    other too: ten thousand equal texts are one group here, and fifty million pairs in `list_pairs`.
    ``candidates`` is how many pairs of groups `rapidfuzz` compared.
    """

    left: Groups
    right: Groups
    pairs: NDArray[np.int64]
    ratios: NDArray[np.float64]
    candidates: int

    @property
    def is_within(self) -> bool:
        """Whether the texts were compared with each other."""
        return self.left is self.right

    def __len__(self) -> int:
        """Return how many pairs of texts there are."""
        across = self.left.sizes[self.pairs[:, 0]] @ self.right.sizes[self.pairs[:, 1]]
        sizes = self.left.sizes
        return int(across) + (int((sizes * (sizes - 1) // 2).sum()) if self.is_within else 0)

    def list_pairs(self) -> Iterator[Pair]:
        """Yield all pairs of texts, sorted; the memory that this takes grows with their number."""
        yield from sorted(self._expand())

    def list_links(self) -> Iterator[Pair]:
        """Yield pairs that join the same clusters as all pairs do, at most one a text and one a pair.

        The texts of a group are linked to its first, and groups are linked by their firsts.
        """
        if self.is_within:
            for group in np.flatnonzero(self.left.sizes > 1).tolist():
                first, *others = self.left[group].tolist()
                yield from (Pair(first, other, 100.0) for other in others)
        for (i, j), ratio in zip(self.pairs.tolist(), self.ratios.tolist(), strict=True):
            yield Pair(int(self.left[i][0]), int(self.right[j][0]), ratio)

    def _expand(self) -> Iterator[Pair]:
        if self.is_within:
            for group in np.flatnonzero(self.left.sizes > 1).tolist():
                for first, second in combinations(self.left[group].tolist(), 2):
                    yield Pair(first, second, 100.0)
        for (i, j), ratio in zip(self.pairs.tolist(), self.ratios.tolist(), strict=True):
            for first, second in product(self.left[i].tolist(), self.right[j].tolist()):
                if self.is_within and second < first:
                    yield Pair(second, first, ratio)
                else:
                    yield Pair(first, second, ratio)


def find_near_duplicates(
    texts: Sequence[str],
    cutoff: float = 90.0,
    *,
    order: Order = Order.AS_WRITTEN,
    workers: int = 1,
    memory_mb: int = 1024,
    on_progress: OnProgress | None = None,
) -> Matches:
    """Return all near-duplicates among raw ``texts``.

    ``workers`` processes, this one included, share the work where it is long enough to be worth it.
    ``memory_mb`` bounds what is held beside the texts and their index (`estimate_memory`): texts that
    are encoded and pairs that are compared at a time. ``on_progress`` is told the pairs left by the
    length window, done and in all.
    """
    with _start_helpers(workers, len(texts) * len(texts) // 2) as helpers:
        index = TextIndex.build(texts, order=order, memory_mb=memory_mb)
        (segment,) = index.segments
        search = _Search(Bound(cutoff), helpers, memory_mb, on_progress or _ignore)
        found = search.run(segment, segment)
    groups = Groups(segment.members, segment.starts)
    return Matches(
        groups, groups, np.stack([found.rows, found.columns], 1), found.ratios, found.candidates
    )


def find_matches(
    index: TextIndex,
    texts: Sequence[str],
    cutoff: float = 90.0,
    *,
    workers: int = 1,
    memory_mb: int = 1024,
    on_progress: OnProgress | None = None,
) -> Matches:
    """Return all near-duplicates of raw ``texts`` in ``index``, not those among ``texts``.

    Arguments are those of `find_near_duplicates`.
    """
    empty = TextIndex(index.order, index.alphabet, ())
    parts: list[Found] = []
    shift = 0
    with _start_helpers(workers, len(texts) * len(index)) as helpers:
        (ours,) = empty.extend(texts, memory_mb=memory_mb).segments
        search = _Search(Bound(cutoff), helpers, memory_mb, on_progress or _ignore)
        for segment in index.segments:
            found = search.run(ours, segment)
            parts.append(Found(found.rows, found.columns + shift, found.ratios, found.candidates))
            shift += len(segment)
    found = join_found(parts)
    return Matches(
        Groups(ours.members, ours.starts),
        _join_groups(index.segments),
        np.stack([found.rows, found.columns], 1),
        found.ratios,
        found.candidates,
    )


def _join_groups(segments: Sequence[Segment]) -> Groups:
    """Return the groups of all segments, one segment's after the other's."""
    ends = np.cumsum([0, *(len(segment.members) for segment in segments)])
    starts = [s.starts[1:] + end for s, end in zip(segments, ends, strict=False)]
    members = [segment.members for segment in segments]
    return Groups(np.concatenate(members), np.concatenate([np.zeros(1, np.int64), *starts]))


def _start_helpers(workers: int, pairs: int) -> AbstractContextManager[Helpers]:
    """Start ``workers - 1`` helpers where so many pairs of texts can be worth it."""
    return start_helpers(workers - 1 if pairs >= _PAIRS_FOR_HELPERS else 0)


def _ignore(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _Search:
    """How two segments are joined: the bound, and what may be used for it."""

    bound: Bound
    helpers: Helpers
    memory_mb: int
    on_progress: OnProgress

    def run(self, rows: Segment, columns: Segment) -> Found:
        """Return all pairs of two segments, or of one with itself, in order of rows."""
        shards = self._cut_shards(rows, columns)
        total = sum(shard.pairs for shard in shards)
        helpers = self.helpers if total >= _PAIRS_FOR_HELPERS else Helpers()
        # A candidate takes some 450 bytes while it is compared, its two texts included.
        most = max(1 << 14, self.memory_mb * (1 << 20) // 8 // 450 // (helpers.count + 1))
        scan_rows = partial(scan, bound=self.bound, most_candidates=most)
        done = 0
        parts: dict[int, Found] = {}
        for place, found in helpers.scan(rows, columns, shards, scan_rows):
            parts[place] = found
            done += shards[place].pairs
            self.on_progress(done, total)
        return join_found([parts[place] for place in sorted(parts)])

    def _cut_shards(self, rows: Segment, columns: Segment) -> list[Shard]:
        """Cut the rows into runs with about equally many pairs in their length windows."""
        tiles = list(count_pairs(rows, columns, self.bound))
        least = max(_PAIRS_A_SHARD, sum(pairs for _, _, pairs in tiles) // _SHARDS)
        shards: list[Shard] = []
        start, pairs = 0, 0
        for _, end, more in tiles:
            pairs += more
            if pairs >= least or end == len(rows):
                shards.append(Shard(start, end, pairs))
                start, pairs = end, 0
        return shards
