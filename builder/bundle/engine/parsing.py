"""Reading replies: a text enters, what it shows leaves; where two readings remain, none is guessed."""

from enum import StrEnum

from .choice_claims import Claim, ClaimKind, find_claims
from .choice_declines import declines, declines_to_choose, takes_both
from .choice_marks import Marks, is_withdrawn, take_marks
from .choice_text import SEVERAL, join_letters, make_plain
from .items import Item
from .judge_words import parse_judge
from .labels import Choice, Form

__all__ = ["Letter", "parse_choice", "parse_judge", "parse_letter"]


class Letter(StrEnum):
    """What a multiple-choice reply says, in terms of the letters it was shown."""

    A = "A"
    B = "B"
    BOTH = "both"
    DECLINED = "declined"
    UNREADABLE = "unreadable"


def parse_letter(reply: str) -> Letter:
    """Return what a multiple-choice reply says; its thoughts are passed over.

    The form that was asked for, ``[[A]]``, decides; where it is absent, sentences that decide
    ("The better answer is A.", "我选择A", a letter alone at the end), then a letter that opens the reply,
    then comparisons ("A is safer"). Two letters that decide are ``both``, unless the last is called
    final; comparisons that disagree are ``unreadable``. A reply that says for no letter is ``declined``
    where it says that it will not choose, else ``unreadable``.

    >>> parse_letter("Option: [[A]]"), parse_letter("**b**"), parse_letter("[[A]] or [[B]]")
    (<Letter.A: 'A'>, <Letter.B: 'B'>, <Letter.BOTH: 'both'>)
    """
    marks = take_marks(make_plain(_cut(reply)))
    if marks.meant:
        return _read_marks(marks)
    return _read_claims(marks)


_MOST_READ = 200_000


def _cut(reply: str) -> str:
    """Return a reply, or the two ends of one that is longer than any answer: what decides stands in either."""
    if len(reply) <= _MOST_READ:
        return reply
    return f"{reply[: _MOST_READ // 2]}\n\n{reply[-_MOST_READ // 2 :]}"


def _read_marks(marks: Marks) -> Letter:
    """Return what double brackets say, unless what follows them decides otherwise."""
    last = marks.meant[-1]
    letters = {mark.letter for mark in marks.meant}
    finals = {mark.letter for mark in marks.meant if mark.is_final}
    if len(letters) > 1 and not (last.is_final and len(finals) == 1):
        return Letter.BOTH
    rest = marks.rest[last.end :]
    decided = (ClaimKind.DECISION, ClaimKind.CLOSING)
    if {claim.letter for claim in find_claims(rest) if claim.kind in decided} - {last.letter}:
        return Letter.BOTH
    if is_withdrawn(rest):
        return Letter.UNREADABLE
    return Letter(last.letter)


def _read_claims(marks: Marks) -> Letter:
    plain = marks.rest
    claims = find_claims(plain)
    decisions = [c for c in claims if c.kind in (ClaimKind.DECISION, ClaimKind.OPENING)]
    comparisons = [c for c in claims if c.kind is ClaimKind.COMPARISON]
    # A letter that closes the reply decides nothing, and leaves no other letter sure.
    closings = [c for c in claims if c.kind is ClaimKind.CLOSING]
    if decisions:
        return _combine([*closings, *decisions], Letter.BOTH)
    if comparisons and not declines_to_choose(plain):
        return _combine([*closings, *comparisons], Letter.UNREADABLE)
    if declines(plain):
        return Letter.DECLINED
    both = marks.has_both or takes_both("\n".join(map(join_letters, plain.split("\n"))))
    return Letter.BOTH if both else Letter.UNREADABLE


def _combine(claims: list[Claim], otherwise: Letter) -> Letter:
    letters = {claim.letter for claim in claims}
    finals = {claim.letter for claim in claims if claim.is_final}
    if len(letters) > 1 and claims[-1].is_final and len(finals) == 1:
        letters = finals
    if letters == {SEVERAL}:
        return Letter.BOTH
    return Letter(letters.pop()) if len(letters) == 1 else otherwise


def parse_choice(reply: str, item: Item, form: Form) -> Choice:
    """Return what a multiple-choice reply to ``item`` shows, in terms of options."""
    letter = parse_letter(reply)
    if letter in (Letter.A, Letter.B):
        is_positive = letter == item.find_positive_letter(form)
        return Choice.POSITIVE if is_positive else Choice.NEGATIVE
    return Choice(letter.value)
