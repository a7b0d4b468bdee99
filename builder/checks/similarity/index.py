"""An index of texts: built once, saved, loaded without reading it, extended by what comes later.

An index is a list of segments, each immutable. Texts that come later make a segment of their own, so
that extending by 10,000 costs the same beside a thousand texts or a million.
"""

import hashlib
import json
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.checks.similarity.segment import (
    Order,
    Segment,
    load_segment,
    make_segment,
    prepare,
    save_segment,
)
from builder.checks.similarity.signatures import Alphabet, fit_alphabet
from schemas.errors import DataError, StorageError
from schemas.storage import read_json, write_text

__all__ = ["TextIndex", "estimate_memory"]

_FORMAT = 1
_BYTES_A_TEXT = 112
_MANIFEST = "index.json"

OnProgress = Callable[[int, int], None]
"""Called with how much is done, and of how much."""


def estimate_memory(texts: int, characters: int) -> int:
    """Return the bytes that an index of so many texts with so many characters takes, for plain Latin text.

    It grows linearly: a million questions of 95 characters take some 210 MB. While it is built, the
    texts themselves are held twice more.
    """
    return texts * _BYTES_A_TEXT + characters


@dataclass(frozen=True, slots=True)
class TextIndex:
    """Prepared texts in segments, in the order in which they came; positions count through all."""

    order: Order
    alphabet: Alphabet
    segments: tuple[Segment, ...]

    def __len__(self) -> int:
        """Return how many texts there are, repeated ones included."""
        return sum(len(segment.members) for segment in self.segments)

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        *,
        order: Order = Order.AS_WRITTEN,
        memory_mb: int = 1024,
        on_progress: OnProgress | None = None,
    ) -> "TextIndex":
        """Return an index of raw ``texts``; the limit of memory sets how many are encoded at a time."""
        step = max(1, len(texts) // 512)
        alphabet = fit_alphabet(list(prepare(texts[::step], order)))
        return cls(order, alphabet, ()).extend(texts, memory_mb=memory_mb, on_progress=on_progress)

    def extend(
        self,
        texts: Sequence[str],
        *,
        memory_mb: int = 1024,
        on_progress: OnProgress | None = None,
    ) -> "TextIndex":
        """Return an index that holds ``texts`` too, at positions from ``len(self)`` on."""
        segment = make_segment(
            texts,
            self.order,
            self.alphabet,
            first_position=len(self),
            # A character that is being counted takes some 40 bytes; blocks that fit a cache are faster.
            block=min(max(1 << 16, memory_mb * (1 << 20) // 8 // 40), 1 << 19),
            on_progress=on_progress,
        )
        return TextIndex(self.order, self.alphabet, (*self.segments, segment))

    def save(self, folder: Path) -> None:
        """Write the index into ``folder``; segments that are saved there already are left as they are.

        The manifest is written last: an index whose saving was interrupted is the one saved before.
        Raises `StorageError` where it cannot be written.
        """
        names = [f"{number:04}-{_hash(segment)}" for number, segment in enumerate(self.segments)]
        saved = set(_read_names(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, segment in zip(names, self.segments, strict=True):
                if name not in saved:
                    shutil.rmtree(folder / name, ignore_errors=True)
                    save_segment(segment, folder / name)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be written ({error.strerror}).") from error
        manifest = {
            "format": _FORMAT,
            "unicode": unicodedata.unidata_version,
            "order": str(self.order),
            "alphabet": asdict(self.alphabet),
            "segments": names,
            "texts": len(self),
        }
        write_text(folder / _MANIFEST, json.dumps(manifest, sort_keys=True) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "TextIndex":
        """Return the index saved in ``folder``, its arrays mapped into memory.

        Raises `DataError` where there is none, it is damaged, or it was made by another version of
        Unicode's tables, under which equal texts may compare otherwise.
        """
        remedy = "Remove the folder; it is built anew from the texts."
        manifest = read_json(folder / _MANIFEST)
        made_by = (manifest.get("format"), manifest.get("unicode"))
        if made_by != (_FORMAT, unicodedata.unidata_version):
            raise DataError(f"{folder}: an index of another version. {remedy}")
        try:
            alphabet = Alphabet(**{k: tuple(v) for k, v in manifest["alphabet"].items()})
            segments = tuple(load_segment(folder / name) for name in manifest["segments"])
            index = cls(Order(manifest["order"]), alphabet, segments)
        except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
            raise DataError(f"{folder}: the index is damaged ({error}). {remedy}") from error
        if len(index) != manifest["texts"]:
            raise DataError(f"{folder}: the index lacks texts. {remedy}")
        return index


def _hash(segment: Segment) -> str:
    """Return a name for a segment's content: its texts and their positions tell all the rest."""
    digest = hashlib.sha256(segment.offsets.tobytes() + segment.members.tobytes())
    digest.update(segment.blob.data)
    return digest.hexdigest()[:16]


def _read_names(folder: Path) -> list[str]:
    path = folder / _MANIFEST
    return list(read_json(path).get("segments", [])) if path.exists() else []
