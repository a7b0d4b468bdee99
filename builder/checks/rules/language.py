"""Language: a text and its tag enter; whether the text is in another language leaves.

First by script, which is certain, then among languages of one script with py3langid, only for texts
long enough and only where it is sure: with 40 letters and a probability of 0.9 no text of FINE and
of the offline model (930) is taken for anything but English.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from builder.checks.rules.model import MOST_CHARACTERS, Reading, TextRule
from schemas.labels import Severity

__all__ = ["RULES"]

_FEWEST_LETTERS = 4
_FEWEST_FOR_DETECTION = 40
_SURE = 0.9

# fmt: off
_LATIN_LANGUAGES = (
    "af", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fil", "fr", "ga", "gl", "hr",
    "hu", "id", "is", "it", "la", "lt", "lv", "ms", "mt", "nb", "nl", "nn", "no", "pl", "pt", "ro",
    "sk", "sl", "sq", "sv", "sw", "tl", "tr", "vi", "yo", "zu",
)
# fmt: on
_SCRIPTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(_LATIN_LANGUAGES, frozenset({"LATIN"})),
    **dict.fromkeys(("be", "bg", "mk", "ru", "uk"), frozenset({"CYRILLIC"})),
    **dict.fromkeys(("ar", "fa", "ps", "ur"), frozenset({"ARABIC"})),
    **dict.fromkeys(("he", "yi"), frozenset({"HEBREW"})),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), frozenset({"DEVANAGARI"})),
    **dict.fromkeys(("zh", "yue", "wuu"), frozenset({"CJK", "BOPOMOFO"})),
    "bn": frozenset({"BENGALI"}),
    "el": frozenset({"GREEK"}),
    "hy": frozenset({"ARMENIAN"}),
    "ja": frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    "ka": frozenset({"GEORGIAN"}),
    "km": frozenset({"KHMER"}),
    "ko": frozenset({"HANGUL", "CJK"}),
    "ta": frozenset({"TAMIL"}),
    "te": frozenset({"TELUGU"}),
    "th": frozenset({"THAI"}),
}
_SCRIPT_SUBTAGS = {
    "Arab": frozenset({"ARABIC"}),
    "Cyrl": frozenset({"CYRILLIC"}),
    "Deva": frozenset({"DEVANAGARI"}),
    "Grek": frozenset({"GREEK"}),
    "Hebr": frozenset({"HEBREW"}),
    "Latn": frozenset({"LATIN"}),
}
# One sign of these scripts stands for several Latin letters, so a foreign name soon outweighs it.
_DENSE = frozenset({"CJK", "HANGUL"})
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
_WIDTHS = ("FULLWIDTH ", "HALFWIDTH ")

# Frequent characters that only one of the two ways of writing Chinese uses, in pairs.
_SIMPLIFIED = frozenset("们这来时对说会国过还没为么学现让见应该认觉实业长问间题动东车书边进远运")
_TRADITIONAL = frozenset("們這來時對說會國過還沒為麼學現讓見應該認覺實業長問間題動東車書邊進遠運")
_TRADITIONAL_REGIONS = frozenset({"Hant", "TW", "HK", "MO"})
_SIMPLIFIED_REGIONS = frozenset({"Hans", "CN", "SG"})

# Languages that even careful classifiers, and at times their speakers, do not tell apart in a few
# sentences, and several names of one.
_NEIGHBOURS = (
    frozenset({"da", "nb", "nn", "no"}),
    frozenset({"bs", "cnr", "hr", "sh", "sr"}),
    frozenset({"id", "ms"}),
    frozenset({"wuu", "yue", "zh"}),
    frozenset({"ar", "ary", "arz"}),
    frozenset({"he", "hbo"}),
    frozenset({"el", "grc"}),
    frozenset({"en", "pcm"}),
    frozenset({"fil", "tl", "bcl"}),
    frozenset({"es", "ext"}),
    frozenset({"it", "lij", "vec"}),
    frozenset({"lv", "ltg"}),
    frozenset({"gl", "pt"}),
)
_NO_LANGUAGE = "zxx"


def _name_script(letter: str) -> str:
    """Return the first word of the character's Unicode name, which for a letter is its script."""
    name = unicodedata.name(letter, "")
    for width in _WIDTHS:
        name = name.removeprefix(width)
    return name.replace("-", " ").partition(" ")[0]


def _count_scripts(text: str) -> Counter[str]:
    scripts: Counter[str] = Counter()
    for character, times in Counter(text).items():
        if character.isalpha():
            scripts[_name_script(character)] += times
    return scripts


def _find_script(reading: Reading) -> str | None:
    scripts = _count_scripts(reading.text)
    letters = scripts.total()
    expected = _find_expected(reading)
    if letters < _FEWEST_LETTERS or not expected:
        return None
    (most, times) = scripts.most_common(1)[0]
    told = f"{times} of {letters} letters are {most}"
    own = sum(scripts[script] for script in expected)
    least = 0.1 if expected & _DENSE else 0.5
    kana = sum(scripts[script] for script in _KANA)
    if own < least * letters:
        return told
    if reading.language == "ja" and letters >= 12 and not kana and scripts["CJK"] == letters:
        return f"no kana among {letters} letters"
    if reading.language == "zh":
        return f"{kana} of {letters} letters are kana" if kana > 0.2 * letters else None
    return None


def _find_expected(reading: Reading) -> frozenset[str]:
    for subtag in reading.tag.split("-")[1:]:
        if subtag in _SCRIPT_SUBTAGS:
            return _SCRIPT_SUBTAGS[subtag]
    return _SCRIPTS.get(reading.language, frozenset())


def _find_variant(reading: Reading) -> str | None:
    subtags = reading.tag.split("-")[1:]
    if reading.language != "zh" or not subtags:
        return None
    counts = Counter(reading.text)
    simplified = sum(counts[c] for c in _SIMPLIFIED - _TRADITIONAL)
    traditional = sum(counts[c] for c in _TRADITIONAL - _SIMPLIFIED)
    # The script stands before the region and outweighs it.
    if subtags[0] in _SIMPLIFIED_REGIONS and traditional > max(2, simplified):
        return f"{traditional} traditional characters"
    if subtags[0] in _TRADITIONAL_REGIONS and simplified > max(2, traditional):
        return f"{simplified} simplified characters"
    return None


@cache
def _load_identifier() -> tuple[Any, frozenset[str]]:
    """Return py3langid's classifier, with probabilities, and the languages that it knows."""
    # Imported here: reading the model takes half a second, which only checking should cost.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier, frozenset(identifier.labels)


def _list_equals(language: str) -> frozenset[str]:
    return frozenset({language}).union(*(group for group in _NEIGHBOURS if language in group))


def _find_detected(reading: Reading) -> str | None:
    text = reading.text[:MOST_CHARACTERS]
    # A text in a wrong script is told by that rule.
    if sum(c.isalpha() for c in text) < _FEWEST_FOR_DETECTION or _find_script(reading):
        return None
    identifier, known = _load_identifier()
    accepted = _list_equals(reading.language)
    if not accepted & known:
        return None
    detected, probability = identifier.classify(text)
    if probability < _SURE or detected == _NO_LANGUAGE or detected in accepted:
        return None
    return f"{detected} with probability {probability:.2f}"


def _describe(*tables: Mapping[str, frozenset[str]]) -> str:
    return " ".join(f"{key}={sorted(table[key])}" for table in tables for key in sorted(table))


RULES = (
    TextRule(
        "language:script",
        Severity.WARN,
        "Write the text in the language of its tag, or mend the tag.",
        f"1 {_FEWEST_LETTERS} {_describe(_SCRIPTS, _SCRIPT_SUBTAGS)}",
        _find_script,
    ),
    TextRule(
        "language:variant",
        Severity.WARN,
        "Write the text in the characters that its tag names, or mend the tag.",
        f"1 {''.join(sorted(_SIMPLIFIED))} {''.join(sorted(_TRADITIONAL))}",
        _find_variant,
    ),
    TextRule(
        "language:detected",
        Severity.WARN,
        "Write the text in the language of its tag, or mend the tag.",
        f"1 py3langid 0.4 {_FEWEST_FOR_DETECTION} {_SURE} {[sorted(g) for g in _NEIGHBOURS]}",
        _find_detected,
    ),
)
"""The rules of this family, in the order in which they are reported."""
