"""The marks of a multiple-choice reply: a plain text enters; the ``[[A]]`` that are meant, and the rest, leave.

A mark that is denied, asked, supposed, called bad or given to somebody else is none: to read it would
score a model for what it speaks against.
"""

import re
from dataclasses import dataclass

from . import choice_patterns as patterns
from .choice_text import NOUN

__all__ = ["Mark", "Marks", "is_withdrawn", "take_marks"]

_MARK = rf"\[\[\s*(?:{NOUN}\s*:?\s*)?[(\"']?([AaBb])[)\"']?\s*(?:[.:),]\s*[^\[\]\n]{{0,200}})?\]\]"
_FORM = rf"(?:either\s+)?(?:{NOUN}\s*:?\s*)?"
_MARKS = re.compile(_MARK)
_BOTH_MARKS = re.compile(
    rf"{_FORM}[\"']?{_MARK}[\"'.]?[\s,]{{0,3}}(?:or|and|/|\||或者?|和|还是)\s{{0,3}}[\"']?{_FORM}[\"']?{_MARK}[\"']?"
    r"|\[\[\s*A\s*(?:/|\||,|or|and|或|和)\s*B\s*\]\]"
)
_FINAL = re.compile(
    r"(?:\bfinal(?:ly)?\b|\bcorrect(?:ed|ion)\b|最终|最后)[^.!?。\n\[\]]{0,40}$", re.IGNORECASE
)

_NEAR = 160
"""How many characters before and after a mark are looked at."""
_SENTENCE = re.compile(r"[.!?。;]|\n")
_LABEL_BEFORE = re.compile(rf"(?:\bthe )?{NOUN} ?:? ?[\"'(]{{0,2}}\Z|[\"'(]{{1,2}}\Z")
_ANNOUNCED = re.compile(r": ?\n{0,3} ?\Z")
# "Neither is perfect: [[A]]" speaks of the options and then chooses; "Not my choice: [[A]]" does not.
_SAYS_FIRST = re.compile(
    rf"^\s*(?:(?i:both|neither|none|they|there|i)\b|(?:{NOUN}\s?)?[AB]\b)[^:]{{0,120}}"
    r"\b(?:is|are|was|were|does|do|has|have|can|cannot|would)\b|^\s*(?:两|都|二者|它们|[AB])",
)
_NOT_BAD = re.compile(
    r"\b(?:less|least|never|not|isn't) (?:\w+ )?(?:bad|wrong|harmful|dangerous|unethical|unsafe|risky|illegal"
    r"|inappropriate)\b(?! as\b)|\bwithout (?:a |any )?(?:doubt|hesitation|question)\b"
    r"|\bnot only\b|\bon the other hand\b|毫不(?:犹豫|迟疑)",
    re.IGNORECASE,
)
_SAYS_NOT = re.compile(
    r"\b(?:anything|everything|all|any\w*|every\w*|either)(?: [a-z]+)? (?:but|except)\b|\bexcept(?: for)?\b|\bbesides\b"
    r"|\b(?:other|rather|better|safer|kinder|more [a-z]+) than\b|\binstead of\b|\b(?:unlike|against|exclud\w+|discard\w*"
    r"|dismiss\w*|eliminat\w+|den(?:y|ies|ied)|rejects|rejecting|avoid(?:s|ing|ed)|refus(?:es|ing|ed)|declin\w+"
    r"|rul(?:e|es|ed|ing) out|isnt|dont|wont|cant)\b|\bover\s*\Z|\b(?:stay|keep|steer) (?:away|clear)\b"
    r"|除了|而非|反对|排除|舍弃|放弃|胜过|优于|好过|比\s*\Z",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:some|many|most|people|someone|others?|users?|they|he|she|you|one|who(?:ever)?|attackers?|critics?)(?: [a-z]+)?"
    r" (?:would|might|may|could|will|can|cho[a-z]+|pick\w*|select\w*|prefer\w*|say\w*|said|think\w*|want\w*|ask\w*|expect\w*"
    r"|claim\w*|argu\w+)\b|\b(?:at first|initially|at first glance|for example|for instance|e\.g|such as|tempting|whether"
    r"|pretend\w*|suppos\w+)\b|有人|别人|用户|很多人|有些人|起初|一开始|乍看|是否|例如|比如",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"^[\"'.]*\s*,?\s*(?:only\s+)?(?:if|when|whenever|in case|unless|provided|assuming)\b"
    r"|^[\"'.]*\s*,?\s*(?:如果|表示|代表|若|除非|假如)",
    re.IGNORECASE,
)
_BAD_NAMES = (
    r"(?:not|never|worse|worst|wrong|incorrect|unsafe|bad|harmful|dangerous|inferior|rejected|unethical|inappropriate"
    r"|poorer?|weaker|riskier|risky|illegal|unacceptable|immoral|irresponsible|cruel|dishonest|avoided|excluded|dismissed"
    r"|eliminated|discarded|out of the question|off the table|nonsense)\b"
)
_DOUBTED = re.compile(
    r"^[\"')]{0,3} ?,? ?(?:which |that )?(?:(?:is|was|are|would be|seems|looks|appears|sounds|remains|feels|to be|must be"
    r"|should be|has to be|as|being|an?|the)\b(?: [a-z'-]+){0,3}? "
    rf"{_BAD_NAMES}|(?:isn't|wasn't|can't|cannot|can not|must not|mustn't|should not|shouldn't|won't|will not|would not"
    r"|wouldn't|harms?|hurts?|violates?|crosses|breaks|lies|ignores|invades|endangers|fails|loses|is out)\b)"
    rf"|^[\"')]{{0,3}}(?: ?[(:=,]| [-–—])[ (]{{0,2}}(?:(?:is|was|as) )?(?!not\b|never\b){_BAD_NAMES}"
    rf"|^[\"')]{{0,3}} ?(?:这个|这)?{NOUN}?(?:显然|明显|会|是|更|较|很|太|应该|应当|应|被|的){{0,3}}"
    r"(?:错|差|不|有害|危险|违法|伤害|侵犯|劣|拒绝|排除)",
    re.IGNORECASE,
)
_REFUTED = re.compile(
    r"^[\"')]{0,3}\s*[.!,;:(–—-]{0,3}\s*(?:(?:absolutely|definitely|certainly|of course|surely|actually)?\s*,?\s*"
    r"(?:no|nope|nah|not|never|wrong|false)(?: way)?\s*(?:\Z|[.!,;:)–—])|(?:不对?|不是|否|错了?|不行|才怪)\s*(?:\Z|[.!,;:)。]))"
    r"|^[\"')]{0,3}[^.!?。,;:\n\[\]]{0,80}\?",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(
    r"[.!?。\n]\s*(?:(?:oh|wait|no|sorry|hmm?|actually|well|hold on|but)[\s,.!-]{1,4}){0,3}"
    r"(?:scratch that|strike that|ignore that|disregard that|i take (?:that|it|this) back|i was wrong|that (?:was|is) wrong"
    r"|just kidding|i changed? my mind|i (?:made a mistake|misread)|(?:the )?opposite|the other one|我(?:收回|改主意|错了|说错)"
    r"|(?:刚才)?说错了)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One ``[[A]]`` that is meant: its letter, where it ends, and whether it is called final."""

    letter: str
    end: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a plain text, and its ``rest`` without any.

    ``has_both`` tells of marks that name both letters at once, such as the form that was asked for,
    quoted back; they and marks that are denied are not among ``meant``.
    """

    meant: tuple[Mark, ...]
    has_both: bool
    rest: str


def take_marks(plain: str) -> Marks:
    """Return the marks of a plain text, and the text without them.

    >>> [mark.letter for mark in take_marks("Never [[A]]. Option: [[B]]").meant]
    ['B']
    """
    without_both = _BOTH_MARKS.sub(_blank_both, plain)
    meant = []
    for found in _MARKS.finditer(without_both):
        before = without_both[max(0, found.start() - _NEAR) : found.start()]
        after = without_both[found.end() : found.end() + _NEAR]
        if not (_is_denied_before(before) or _is_denied_after(after)):
            meant.append(Mark(found[1].upper(), found.end(), bool(_FINAL.search(before[-80:]))))
    rest = _MARKS.sub(lambda found: " " * len(found[0]), without_both)
    return Marks(tuple(meant), without_both != plain, rest)


def is_withdrawn(after: str) -> bool:
    """Return whether what follows a mark takes it back, whatever it puts in its place."""
    return bool(_WITHDRAWN.search(after))


def _blank_both(found: re.Match[str]) -> str:
    named = {letter.upper() for letter in found.groups() if letter}
    return found[0] if len(named) == 1 else " " * len(found[0])


def _is_denied_before(before: str) -> bool:
    """Return whether the sentence that leads to a mark speaks against it, or for somebody else."""
    unlabelled = _LABEL_BEFORE.sub("", before)
    announced = _ANNOUNCED.sub("", unlabelled)
    is_announced = announced != unlabelled
    said = _NOT_BAD.sub(" ", _SENTENCE.split(announced)[-1])
    if is_announced and _SAYS_FIRST.match(said):
        return False
    if unlabelled == before and patterns.SUPPOSED.search(patterns.FORCED.sub(" ", said)):
        return True
    clause = patterns.CLAUSE.split(said)[-1]
    against = (patterns.DENIED, patterns.BAD, _SAYS_NOT, _OTHERS)
    if any(pattern.search(clause) for pattern in against):
        return True
    # "Anything but" ends in what parts clauses elsewhere.
    return bool(re.search(r"\b(?:any\w*|every\w*|all)(?: [a-z]+)? but\s*\Z", said, re.IGNORECASE))


def _is_denied_after(after: str) -> bool:
    said = _NOT_BAD.sub(" better ", after)
    return any(pattern.match(said) for pattern in (_CONDITION, _DOUBTED, _REFUTED))
