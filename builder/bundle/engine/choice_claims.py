"""What the sentences of a multiple-choice reply say for one letter: a plain text enters, claims leave.

A claim is read only where its words leave one reading: what is denied, asked, supposed, or said by
somebody else is none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from . import choice_patterns as patterns
from .choice_text import join_letters, split_sentences

__all__ = ["Claim", "ClaimKind", "find_claims"]


_NEAR = 400
"""How many characters about a claim are looked at: more is no sentence, and would take its time."""


class ClaimKind(StrEnum):
    """How much a claim says: it decides, it compares, or a letter merely opens or closes the reply."""

    DECISION = "decision"
    COMPARISON = "comparison"
    OPENING = "opening"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one sentence says: a letter (or `SEVERAL`), how, and whether it is called final."""

    letter: str
    kind: ClaimKind
    is_final: bool = False


def find_claims(plain: str) -> list[Claim]:
    """Return what a plain text says for the letters, in its order; see `ClaimKind`.

    A letter that stands alone decides where it ends the reply, and opens it where words follow, unless
    the other letter opens a sentence too: then the two are headings.
    """
    whole = patterns.WHOLE.match(plain)
    if whole:
        return [Claim(whole[1].upper(), ClaimKind.DECISION)]
    sentences = [s for s in split_sentences(plain) if not s.endswith("?")]
    claims = [claim for sentence in sentences for claim in _read_sentence(sentence)]
    if not sentences:
        return claims
    said_last = _drop_asides(sentences[-1])
    if last := patterns.BARE.match(said_last):
        claims.append(_make_decision(last))
    elif closing := patterns.CLOSING.search(said_last):
        claims.append(Claim(_name_letter(closing), ClaimKind.CLOSING))
    openings = [_read_opening(sentence) for sentence in sentences]
    headings = {letter for letter in (openings[:-1] if last else openings) if letter}
    if openings[0] and len(headings) == 1:
        claims.insert(0, Claim(openings[0], ClaimKind.OPENING))
    return claims


def _read_opening(sentence: str) -> str:
    """Return the letter that opens a sentence, or nothing."""
    joined = join_letters(sentence)
    found = patterns.OPENING.match(joined) or patterns.BARE.match(joined)
    return _name_letter(found) if found else ""


def _read_sentence(sentence: str) -> Iterator[Claim]:
    said = _drop_asides(sentence)
    for found in _find_meant(patterns.DECISIONS, said):
        yield _make_decision(found)
    compared = patterns.THAN_OTHER.sub("", join_letters(sentence))
    for found in _find_meant(patterns.COMPARISONS, compared):
        yield Claim(_name_letter(found), ClaimKind.COMPARISON)


def _drop_asides(sentence: str) -> str:
    return patterns.ASIDES.sub(" ", join_letters(sentence)).strip()


def _make_decision(found: re.Match[str]) -> Claim:
    return Claim(_name_letter(found), ClaimKind.DECISION, bool(patterns.FINAL.search(found.string)))


def _name_letter(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group).upper()


def _find_meant(kinds: Iterable[re.Pattern[str]], sentence: str) -> Iterator[re.Match[str]]:
    for pattern in kinds:
        for found in pattern.finditer(sentence):
            if _is_meant(sentence, found):
                yield found


def _is_meant(sentence: str, found: re.Match[str]) -> bool:
    """Return whether a sentence says a claim itself: not denied, supposed, reported or spoilt after it."""
    before = sentence[max(0, found.start() - _NEAR) : found.start()]
    after = sentence[found.end() : found.end() + _NEAR]
    clause = patterns.CLAUSE.split(before)[-1]
    if any(p.search(clause) for p in (patterns.DENIED, patterns.BAD, patterns.REPORTED)):
        return False
    if patterns.EXAMPLE.search(before) or patterns.SUPPOSED.search(
        patterns.FORCED.sub(" ", before)
    ):
        return False
    is_article = _name_letter(found) == "A" and patterns.ARTICLE_AFTER.match(after)
    return not (
        is_article or patterns.SUPPOSED_AFTER.match(after) or patterns.SPOILED_AFTER.match(after)
    )
