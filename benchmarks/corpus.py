"""The synthetic corpus: a size and a seed enter; questions leave, with near-duplicates planted in them.

Real questions repeat their words unevenly and their turns of phrase a lot, and so do these: phrases are
drawn by rank (Zipf) into patterns, so that two unrelated questions are as alike as they are in life. A
share of the texts are copies of others, changed a little; a copy counts as planted when its ratio to
its original, of the normalised texts, reaches the cut-off.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz
from vocabulary import CHINESE_PATTERNS, CHINESE_SLOTS, ENGLISH_PATTERNS, ENGLISH_SLOTS

from schemas.texts import normalise_for_comparison

__all__ = ["CUTOFF", "Corpus", "draw_phrases", "make_additions", "make_corpus"]

CUTOFF = 90
COPIES, CHINESE = 0.09, 0.03
_ZIPF, _SHIFT = 1.05, 4.0
_LETTERS = tuple(string.ascii_lowercase)

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts, and the pairs known to be in them.

    ``planted`` holds pairs of positions, sorted. In a corpus of its own ``first < second``; in
    additions ``first`` is a position among the new texts and ``second`` one in the old corpus.
    """

    texts: list[str]
    planted: list[tuple[int, int]]


def make_corpus(count: int, seed: int) -> Corpus:
    """Return ``count`` questions in a random order; the same seed gives the same corpus."""
    rng = np.random.default_rng(seed)
    copies = round(count * COPIES)
    originals = _write_texts(count - copies, rng)
    sources = rng.integers(len(originals), size=copies)
    changed = _change_texts([originals[source] for source in sources], rng)
    places = rng.permutation(count)  # the text drawn i-th stands at places[i]
    texts = [""] * count
    for place, text in zip(places, [*originals, *changed], strict=True):
        texts[place] = text
    planted = [
        (min(pair), max(pair))
        for i, source in enumerate(sources)
        if _is_near(changed[i], originals[source])
        and (pair := (int(places[source]), int(places[len(originals) + i])))
    ]
    return Corpus(texts, sorted(planted))


def make_additions(corpus: Corpus, count: int, seed: int) -> Corpus:
    """Return ``count`` new questions, a share of them changed copies of texts of ``corpus``."""
    rng = np.random.default_rng(seed)
    copies = round(count * COPIES)
    sources = rng.integers(len(corpus.texts), size=copies)
    changed = _change_texts([corpus.texts[source] for source in sources], rng)
    planted = [
        (i, int(source))
        for i, source in enumerate(sources)
        if _is_near(changed[i], corpus.texts[source])
    ]
    return Corpus([*changed, *_write_texts(count - copies, rng)], planted)


def draw_phrases(phrases: Sequence[str], count: int, rng: Rng) -> list[str]:
    """Return ``count`` phrases; the one of rank r (from 1) has weight 1 / (r + 4) ** 1.05."""
    weights = 1.0 / (np.arange(1, len(phrases) + 1) + _SHIFT) ** _ZIPF
    chosen = rng.choice(len(phrases), size=count, p=weights / weights.sum())
    return [phrases[i] for i in chosen]


def _write_texts(count: int, rng: Rng) -> list[str]:
    chinese = round(count * CHINESE)
    texts = _fill_patterns(ENGLISH_PATTERNS, ENGLISH_SLOTS, count - chinese, rng)
    texts = [text[0].upper() + text[1:] for text in texts]
    texts += _fill_patterns(CHINESE_PATTERNS, CHINESE_SLOTS, chinese, rng)
    return [texts[i] for i in rng.permutation(count)]


def _fill_patterns(
    patterns: Sequence[str], slots: Mapping[str, Sequence[str]], count: int, rng: Rng
) -> list[str]:
    texts: list[str] = []
    shares = np.bincount(rng.integers(len(patterns), size=count), minlength=len(patterns))
    for pattern, share in zip(patterns, shares, strict=True):
        pieces = list(string.Formatter().parse(pattern))
        frame = "".join(f"{literal}{{}}" if slot else literal for literal, slot, _, _ in pieces)
        columns = [draw_phrases(slots[slot], int(share), rng) for _, slot, _, _ in pieces if slot]
        texts += map(frame.format, *columns)
    return texts


def _is_near(text: str, other: str) -> bool:
    ratio = fuzz.ratio(normalise_for_comparison(text), normalise_for_comparison(other))
    return ratio >= CUTOFF


def _change_texts(texts: Sequence[str], rng: Rng) -> list[str]:
    chosen = rng.choice(len(_CHANGES), size=len(texts), p=_SHARES)
    return [_CHANGES[i](text, rng) for i, text in zip(chosen, texts, strict=True)]


def _change_surface(text: str, rng: Rng) -> str:
    """Change case, white space or the last punctuation mark: mostly nothing to a normalised text."""
    kind = int(rng.integers(4))
    if kind == 0:
        return text.upper()
    if kind == 1:
        return f"  {text.replace(' ', '  ', 3)}\t"
    return text.rstrip("?？.") + ("" if kind == 2 else "?!")


def _edit_characters(text: str, rng: Rng) -> str:
    """Insert, delete or replace one to ten characters."""
    characters = list(text)
    for _ in range(int(rng.integers(1, 11))):
        at = int(rng.integers(len(characters)))
        kind = int(rng.integers(3))
        letter = _LETTERS[int(rng.integers(26))]
        if kind == 0:
            characters.insert(at, letter)
        elif kind == 1 and len(characters) > 8:
            del characters[at]
        else:
            characters[at] = letter
    return "".join(characters)


def _replace_words(text: str, rng: Rng) -> str:
    """Replace one to three words by others; a text without spaces has its characters edited."""
    words = text.split()
    if len(words) < 4:
        return _edit_characters(text, rng)
    for _ in range(int(rng.integers(1, 4))):
        fresh = draw_phrases(ENGLISH_SLOTS["noun"], 1, rng)[0]
        words[int(rng.integers(len(words)))] = fresh
    return " ".join(words)


def _add_words(text: str, rng: Rng) -> str:
    """Put a short phrase before or after the text."""
    phrase = ("please", "today", "in general", "be honest", "answer briefly", "as an expert")
    said = phrase[int(rng.integers(len(phrase)))]
    return f"{said}: {text}" if rng.integers(2) else f"{text} {said}"


_CHANGES: tuple[Callable[[str, Rng], str], ...] = (
    _change_surface,
    _edit_characters,
    _replace_words,
    _add_words,
)
_SHARES = (0.15, 0.45, 0.3, 0.1)
