"""Texts in their canonical form: what is trimmed, what is forbidden, what is hashed."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "allocate_item_id",
    "canonical_json",
    "canonical_rows",
    "find_forbidden_characters",
    "hash_content",
    "hash_rows",
    "hash_text",
    "is_language_tag",
    "make_printable",
    "normalise_for_comparison",
    "shorten",
    "trim",
]

_LANGUAGE_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<script>[A-Z][a-z]{3}))?(-(?P<region>[A-Z]{2}|[0-9]{3}))?"
)
_NON_CHARACTERS = "".join(
    chr(plane * 0x10000 + end) for plane in range(17) for end in (0xFFFE, 0xFFFF)
)
_FORBIDDEN = re.compile(
    rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NON_CHARACTERS}]"
)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def _is_edge(character: str) -> bool:
    # Cf holds zero-width space, byte-order mark and direction marks; Cc holds stray control codes.
    return character.isspace() or unicodedata.category(character) in {"Cf", "Cc"}


def trim(text: str) -> str:
    r"""Return ``text`` without white space, control and format characters at both ends.

    Format characters are Unicode category Cf (zero-width space, byte-order mark, direction marks):
    one of FINE's released options ends in a line break and a zero-width space.

    >>> trim("  No.\n\u200b")
    'No.'
    """
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while end > start and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end]


def find_forbidden_characters(text: str) -> tuple[str, ...]:
    """Return the code points of ``text`` that no text of ours may hold, as ``U+XXXX``, each once.

    Forbidden are control characters other than line break and tab, lone surrogates (they cannot be
    written as UTF-8) and non-characters.
    """
    return tuple(sorted({f"U+{ord(c):04X}" for c in _FORBIDDEN.findall(text)}))


def is_language_tag(tag: str) -> bool:
    """Tell whether ``tag`` is a plain BCP 47 tag: language, optional script, optional region.

    >>> [is_language_tag(t) for t in ("en", "zh-Hans", "pt-BR", "english", "EN")]
    [True, True, True, False, False]
    """
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def normalise_for_comparison(text: str) -> str:
    """Return ``text`` as near-duplicate search sees it: NFKC, case folded, white space collapsed."""
    if not text.isascii():  # NFKC leaves ASCII as it is
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def canonical_json(value: Any) -> str:
    """Return the one JSON form of ``value``: keys sorted, no spaces, characters unescaped."""
    return _ENCODER.encode(value)


def canonical_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as canonical JSON lines, each ended by a line break."""
    return "".join(canonical_json(row) + "\n" for row in rows)


def hash_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of rows as canonical JSON lines (`canonical_rows`), made one row at a time."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(canonical_json(row).encode("utf-8") + b"\n")
    return digest.hexdigest()


def hash_text(text: str) -> str:
    """Return the SHA-256 of ``text`` in UTF-8, as 64 hexadecimal digits.

    Lone surrogates are hashed as they stand, so that a bad text can still be named.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_content(question: str, positive_option: str, negative_option: str, language: str) -> str:
    """Return an item's ``content_hash``: SHA-256 of the canonical JSON list of its four texts."""
    return hash_text(canonical_json([question, positive_option, negative_option, language]))


def allocate_item_id(dimension: str, *texts: str) -> str:
    """Return the id of an item first seen with ``texts``: the dimension and 12 hexadecimal digits.

    The id is made from the texts the item is born with, so that it needs no ledger, shards never
    clash, and no id is ever given to another text; it stays when the item is edited later.
    """
    return f"{dimension}-{hash_text(canonical_json([dimension, *texts]))[:12]}"


def shorten(value: object, most: int = 60) -> str:
    """Return ``value`` as people read it in a message: quoted, escaped, at most ``most`` characters."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    if len(shown) <= most:
        return shown
    end = '…"' if isinstance(value, str) and most > 2 else "…"
    return shown[: most - len(end)] + end


def make_printable(
    text: str, *, keep: str = "\n", instead: str = "\N{REPLACEMENT CHARACTER}"
) -> str:
    """Return ``text`` so that it cannot steer a terminal, nor turn the reading direction round.

    Every character that does not print and is none of ``keep`` is shown as ``instead``.
    """
    return "".join(c if c.isprintable() or c in keep else instead for c in text)
