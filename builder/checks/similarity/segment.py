"""A segment of an index: texts enter; sorted, without their repetitions and with signatures, they leave.

All arrays of a segment are saved as they are and mapped back into memory, so that loading costs
nothing and worker processes share one copy. A text takes about 110 bytes beside its own UTF-8.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.checks.similarity.signatures import Alphabet, encode
from schemas.texts import normalise_for_comparison

__all__ = ["Order", "Segment", "load_segment", "make_segment", "prepare", "save_segment"]


class Order(StrEnum):
    """Whether the order of a text's words counts."""

    AS_WRITTEN = "as_written"
    WORDS_SORTED = "words_sorted"


def prepare(texts: Sequence[str], order: Order) -> Iterator[str]:
    """Yield each text in the form that is compared: normalised and, if asked, with its words sorted.

    ``fuzz.ratio`` of texts with sorted words is ``fuzz.token_sort_ratio`` of the texts.
    """
    for text in texts:
        normalised = normalise_for_comparison(text)
        yield normalised if order is Order.AS_WRITTEN else " ".join(sorted(normalised.split()))


@dataclass(frozen=True, slots=True)
class Segment:
    """n distinct prepared texts of N, in order of length.

    ``lengths`` (n,) in characters; ``narrow`` (n, 2), ``wide`` and ``pairs`` (n, 4) are signatures;
    ``members`` (N,) holds the positions of all texts, those of one distinct text together and rising,
    ``starts`` (n + 1,) where each distinct text's begin; ``blob`` is the texts' UTF-8 one after the
    other, and ``offsets`` (n + 1,) where each begins.
    """

    lengths: NDArray[np.int32]
    narrow: NDArray[np.uint64]
    wide: NDArray[np.uint64]
    pairs: NDArray[np.uint64]
    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many distinct texts there are."""
        return len(self.lengths)

    def get_texts(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the prepared texts of ``rows``; a row that is named more often is read once."""
        wanted, places = np.unique(rows, return_inverse=True)
        begins, ends = self.offsets[wanted].tolist(), self.offsets[wanted + 1].tolist()
        blob = self.blob
        texts = [
            blob[begin:end].tobytes().decode("utf-8", "surrogatepass")
            for begin, end in zip(begins, ends, strict=True)
        ]
        return [texts[place] for place in places.tolist()]

    def get_members(self, row: int) -> NDArray[np.int64]:
        """Return the positions of the texts that are equal to the distinct text of ``row``."""
        return self.members[self.starts[row] : self.starts[row + 1]]

    @property
    def first_members(self) -> NDArray[np.int64]:
        """The position of the first text of each row, shape (n,)."""
        return self.members[self.starts[:-1]]


def make_segment(
    texts: Sequence[str],
    order: Order,
    alphabet: Alphabet,
    *,
    first_position: int = 0,
    block: int = 1 << 21,
    on_progress: Callable[[int, int], None] | None = None,
) -> Segment:
    """Return the segment of ``texts``, whose positions begin at ``first_position``."""
    rows_of: dict[str, int] = {}
    row_of = np.fromiter(
        (rows_of.setdefault(text, len(rows_of)) for text in prepare(texts, order)),
        dtype=np.int64,
        count=len(texts),
    )
    distinct = list(rows_of)
    del rows_of
    lengths = np.fromiter(map(len, distinct), dtype=np.int32, count=len(distinct))
    by_length = np.argsort(lengths, kind="stable")
    distinct = [distinct[i] for i in by_length.tolist()]
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[by_length] = np.arange(len(distinct))
    row_of = rank[row_of]
    signatures = encode(alphabet, distinct, block=block, on_progress=on_progress)
    encoded = [text.encode("utf-8", "surrogatepass") for text in distinct]
    sizes = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    return Segment(
        lengths=lengths[by_length],
        narrow=signatures.narrow,
        wide=signatures.wide,
        pairs=signatures.pairs,
        members=np.argsort(row_of, kind="stable") + first_position,
        starts=np.concatenate([[0], np.bincount(row_of, minlength=len(distinct)).cumsum()]),
        blob=np.frombuffer(b"".join(encoded), dtype=np.uint8),
        offsets=np.concatenate([[0], sizes.cumsum()]),
    )


def save_segment(segment: Segment, folder: Path) -> None:
    """Write the arrays of ``segment`` into ``folder``, one file each."""
    folder.mkdir(parents=True)
    for field in fields(segment):
        np.save(folder / f"{field.name}.npy", getattr(segment, field.name), allow_pickle=False)


def load_segment(folder: Path) -> Segment:
    """Return the segment in ``folder``, its arrays mapped and not read; raise `OSError` or `ValueError`."""
    arrays: dict[str, Any] = {
        field.name: np.load(folder / f"{field.name}.npy", mmap_mode="r", allow_pickle=False)
        for field in fields(Segment)
    }
    return Segment(**arrays)
