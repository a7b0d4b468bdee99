"""What changed within a text: its old and new form enter; pieces that stayed, went and came leave.

A word is a run of letters, marks and digits; a character of Chinese or Japanese is a word of its own, as
these are written without spaces; white space is kept in runs, and all else stands alone. The pieces give
both texts back exactly.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from rapidfuzz.distance import LCSseq

__all__ = [
    "Fate",
    "Piece",
    "compare_texts",
    "count_words",
    "join_new",
    "join_old",
    "mark_pieces",
    "split_words",
]

_MOST_CELLS = 50_000_000
"""Beyond so many pairs of words the part between equal ends is shown as replaced whole."""

_ALONE = ("CJK ", "HIRAGANA", "KATAKANA", "BOPOMOFO", "IDEOGRAPHIC", "KANGXI")


class Fate(StrEnum):
    """What became of a piece of text."""

    STAYED = "stayed"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words with one fate."""

    fate: Fate
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return the piece as plain JSON values."""
        return {"fate": str(self.fate), "text": self.text}


def split_words(text: str) -> list[str]:
    """Return the words of a text, spaces and marks among them; joined they are the text.

    >>> split_words("Don't go,  你好!")
    ['Don', "'", 't', ' ', 'go', ',', '  ', '你', '好', '!']
    """
    words: list[str] = []
    for kind, run in groupby(text, _classify):
        characters = "".join(run)
        words += characters if kind == "alone" else [characters]
    return words


def _classify(character: str) -> str:
    if character.isspace():
        return "space"
    if character.isascii():
        return "word" if character.isalnum() else "alone"
    if unicodedata.category(character)[0] not in "LMN":
        return "alone"
    return "alone" if unicodedata.name(character, "").startswith(_ALONE) else "word"


def compare_texts(old: str, new: str) -> tuple[Piece, ...]:
    """Return the pieces of two texts in order, what went before what came in its place.

    Words are matched along a longest common subsequence; where only white space stayed between two
    changes, it is taken into them, so that a rewritten sentence reads as one.
    """
    before, after = split_words(old), split_words(new)
    head = _count_equal(before, after)
    tail = _count_equal(before[head:][::-1], after[head:][::-1])
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    ends = before[:head], before[len(before) - tail :]
    pieces = [_make(Fate.STAYED, ends[0]), *_compare_words(*middle), _make(Fate.STAYED, ends[1])]
    return tuple(_join_changes(piece for piece in pieces if piece.text))


def _count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


def _make(fate: Fate, words: Sequence[str]) -> Piece:
    return Piece(fate, "".join(words))


def _compare_words(before: list[str], after: list[str]) -> list[Piece]:
    if len(before) * len(after) > _MOST_CELLS:
        return [_make(Fate.GONE, before), _make(Fate.NEW, after)]
    numbers: dict[str, int] = {}
    # Numbers stand for words, so that two words are the same only where they are.
    old, new = ([numbers.setdefault(w, len(numbers)) for w in words] for words in (before, after))
    pieces = []
    for step in LCSseq.opcodes(old, new):
        gone = before[step.src_start : step.src_end]
        if step.tag == "equal":
            pieces.append(_make(Fate.STAYED, gone))
        else:
            pieces.append(_make(Fate.GONE, gone))
            pieces.append(_make(Fate.NEW, after[step.dest_start : step.dest_end]))
    return pieces


def _join_changes(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with neighbouring changes joined, over white space that stayed between them."""
    joined: list[Piece] = []
    gone = new = between = ""
    for piece in pieces:
        if piece.fate is not Fate.STAYED:
            gone += between + (piece.text if piece.fate is Fate.GONE else "")
            new += between + (piece.text if piece.fate is Fate.NEW else "")
            between = ""
        elif (gone or new) and not between and piece.text.isspace():
            between = piece.text
        else:
            joined += _list_changed(gone, new)
            joined.append(Piece(Fate.STAYED, between + piece.text))
            gone = new = between = ""
    return [*joined, *_list_changed(gone, new), *([Piece(Fate.STAYED, between)] if between else ())]


def _list_changed(gone: str, new: str) -> list[Piece]:
    return [Piece(fate, text) for fate, text in ((Fate.GONE, gone), (Fate.NEW, new)) if text]


def join_old(pieces: Iterable[Piece]) -> str:
    """Return the old text."""
    return "".join(piece.text for piece in pieces if piece.fate is not Fate.NEW)


def join_new(pieces: Iterable[Piece]) -> str:
    """Return the new text."""
    return "".join(piece.text for piece in pieces if piece.fate is not Fate.GONE)


def count_words(pieces: Iterable[Piece], fate: Fate) -> int:
    """Return how many words have a fate, white space not counted."""
    texts = [piece.text for piece in pieces if piece.fate is fate]
    return sum(not word.isspace() for text in texts for word in split_words(text))


def mark_pieces(pieces: Iterable[Piece]) -> str:
    """Return the pieces as one text: ``[-what went-]{+what came+}``."""
    marks = {Fate.STAYED: ("", ""), Fate.GONE: ("[-", "-]"), Fate.NEW: ("{+", "+}")}
    return "".join(f"{marks[p.fate][0]}{p.text}{marks[p.fate][1]}" for p in pieces)
