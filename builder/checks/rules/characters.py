"""Characters that deceive or are broken: a text enters; what readers cannot see as it is, is found."""

import re
import unicodedata

from builder.checks.rules.model import Reading, TextRule, make_pattern_rule
from schemas.labels import Severity

__all__ = ["RULES"]

# Of category Cf, without direction marks and tags (rules of their own) and without the number signs of
# Arabic and Kaithi, which are visible; with the fillers and the blank that are letters by category only.
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200d\u2060-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]"
)
_JOINERS = "\u200c\u200d"
# Arabic to Thaana, Indic, Myanmar, Khmer, Mongolian, Arabic presentation forms: scripts that are joined.
_JOINED_SCRIPTS = re.compile("[\u0600-\u07bf\u0860-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufefc]")

_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,16}\U000e007f")
_TAG = re.compile("[\U000e0001\U000e0020-\U000e007f]{1,100}")

_MARKS = "\u200e\u200f\u061c"
_EMBEDDINGS = "\u202a-\u202e\u2066-\u2069"
_ANY_DIRECTION = re.compile(f"[{_MARKS}{_EMBEDDINGS}]")
_EMBEDDING = re.compile(f"[{_EMBEDDINGS}]")
_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"Arab", "Hebr", "Syrc", "Thaa"})


def _name_character(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def _may_join(text: str, place: int) -> bool:
    """Tell whether a joiner at ``place`` does what joiners are for: shape letters or join emoji."""
    before = text[place - 1 : place]
    after = text[place + 1 : place + 2]
    if not before or not after:
        return False
    is_symbol = before == "\ufe0f" or unicodedata.category(before) in {"So", "Sk"}
    return bool(_JOINED_SCRIPTS.match(before)) or (
        is_symbol and unicodedata.category(after) == "So"
    )


def _find_invisible(reading: Reading) -> str | None:
    for found in _INVISIBLE.finditer(reading.text):
        if found.group() not in _JOINERS or not _may_join(reading.text, found.start()):
            return _name_character(found.group())
    return None


def _find_hidden_text(reading: Reading) -> str | None:
    found = _TAG.search(_FLAG.sub("", reading.text))
    if not found:
        return None
    return "".join(chr(ord(c) - 0xE0000) for c in found.group())


def _is_right_to_left(reading: Reading) -> bool:
    scripts = _RIGHT_TO_LEFT_SCRIPTS.intersection(reading.tag.split("-"))
    return reading.language in _RIGHT_TO_LEFT or bool(scripts)


def _find_direction(reading: Reading) -> str | None:
    found = None if _is_right_to_left(reading) else _ANY_DIRECTION.search(reading.text)
    return _name_character(found.group()) if found else None


def _find_embedding(reading: Reading) -> str | None:
    found = _EMBEDDING.search(reading.text) if _is_right_to_left(reading) else None
    return _name_character(found.group()) if found else None


# What the bytes 80 to BF of UTF-8 look like when they are read as Windows-1252 or Latin-1.
_TRAIL = "\u0080-\u009f\u00a1-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = make_pattern_rule(
    "characters:mojibake",
    Severity.WARN,
    "Read the source again as UTF-8, or write the characters anew.",
    f"â€[{_TRAIL}\"']|Ã[{_TRAIL}]|Â[\u00a1-\u00bf]|ï»¿|ðŸ[{_TRAIL}]",
    f"(?:[ÐÑ][\u00a0{_TRAIL}]){{3}}",
    # Twice, because "é", a no-break space and a closing quote are French.
    f"(?:[ã-é][\u00a0{_TRAIL}][\u00a0{_TRAIL}]){{2}}",
    "锟斤拷",
)

_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
# Greek letters that look like Latin ones; α and µ are left out, since they stand in names and units.
_ALIKE = "\u0400-\u052fΑΒΕΖΗΙΚΜΝΟΡΤΥΧο"
_LOOK_ALIKE = make_pattern_rule(
    "characters:look-alike",
    Severity.WARN,
    "Write the word in one alphabet.",
    f"[{_LATIN}]{{1,20}}[{_ALIKE}]|[{_ALIKE}][{_LATIN}]{{1,20}}",
)

RULES = (
    TextRule(
        "characters:invisible",
        Severity.WARN,
        "Delete the character that cannot be seen.",
        f"1 {_INVISIBLE.pattern} {_JOINED_SCRIPTS.pattern}",
        _find_invisible,
    ),
    TextRule(
        "characters:hidden-text",
        Severity.BLOCK,
        "Delete the tag characters: models read them, people do not see them.",
        f"1 {_TAG.pattern}",
        _find_hidden_text,
    ),
    TextRule(
        "characters:bidi",
        Severity.BLOCK,
        "Delete the direction mark: it can show a text in another order than models read it.",
        f"1 {_ANY_DIRECTION.pattern}",
        _find_direction,
    ),
    TextRule(
        "characters:bidi-embedding",
        Severity.WARN,
        "Delete the embedding or override; plain direction marks may stay in this language.",
        f"1 {_EMBEDDING.pattern}",
        _find_embedding,
    ),
    make_pattern_rule(
        "characters:private-use",
        Severity.WARN,
        "Replace the character: what it shows depends on the reader's font.",
        "[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]",
    ),
    make_pattern_rule(
        "characters:broken-encoding",
        Severity.BLOCK,
        "Put back the character that was lost when the text was decoded.",
        "[^\ufffd]{0,20}\ufffd",
    ),
    _MOJIBAKE,
    _LOOK_ALIKE,
)
"""The rules of this family, in the order in which they are reported."""
