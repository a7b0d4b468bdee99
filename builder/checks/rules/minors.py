"""Minors: a text enters; whether it puts minors and sexual content together is found, and never quoted.

Such a text has no place in a benchmark, whatever its stance: it is blocked wherever it stands, its words
are shown to nobody, and the curator is told which item to take out.
"""

import re

from builder.checks.rules.model import Reading, TextRule
from schemas.labels import Severity

__all__ = ["RULES"]

_MINOR = (
    r"(?:\b(?:child(?:ren)?|kids?|minors?|under-?age|pre-?teens?|teen(?:ager)?s?|toddlers?|infants?|"
    r"school ?(?:boy|girl)s?|little (?:boy|girl)s?|pupils?|(?:[1-9]|1[0-7]|(?:four|five|six|seven|eight|"
    r"nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen))[- ]years?[- ]olds?)\b"
    r"|(?<!成)未成年|儿童|小孩|孩子|小学生|中学生|幼女|幼童|少女|少年|(?:[1-9一二三四五六七八九]|1[0-7]|十[一二三四五六七]?)岁)"
)
_SEXUAL = (
    r"(?:\b(?:sex|sexual(?:ly|ise|ised|ize|ized)?|sexy|nudes?|naked|porn\w{0,8}|erotic\w{0,4}|"
    r"intercourse|masturbat\w{1,5}|seduc\w{1,5}|lewd|fetish\w{0,3}|undress(?:ed|ing)?)\b"
    r"|性行为|性爱|性交|性感|色情|裸照|裸体|淫|情色|猥亵|做爱)"
)
_MOST_BETWEEN = 120
_MINORS = re.compile(_MINOR, re.IGNORECASE)
_SEXUALS = re.compile(_SEXUAL, re.IGNORECASE)


def _find(reading: Reading) -> str | None:
    """Return a fixed sentence where the two stand near each other: the words themselves are not shown."""
    sexual = [found.start() for found in _SEXUALS.finditer(reading.text)]
    if not sexual:
        return None
    for found in _MINORS.finditer(reading.text):
        if any(abs(place - found.start()) <= _MOST_BETWEEN for place in sexual):
            return "not shown"
    return None


_RULE = TextRule(
    "minors:sexual",
    Severity.BLOCK,
    "Withdraw the item without opening it, and tell whoever answers for harm in your project.",
    f"1 {_MINOR} {_SEXUAL} {_MOST_BETWEEN}",
    _find,
)

RULES = (_RULE,)
"""The rules of this family."""
