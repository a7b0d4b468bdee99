"""The surface of a text: a text enters; lengths, marks and openings leave as numbers, in named groups."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

__all__ = ["GROUPS", "measure_surface"]

_SENTENCE_END = re.compile(r"[.!?。！？]+(?:\s|$)|[。！？]")
_LIST_MARK = re.compile(r"(?m)^\s*(?:[-*•]|\d+[.)、])\s?")
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|can(?:no|['’])t (?:help|assist|provide|support|do)|"
    r"as an? (?:ai|language model)|unable to|won['’]t (?:help|assist|provide|do)|decline|"
    r"must refuse|against the law|not appropriate|inappropriate|not right to)\b"
    r"|抱歉|对不起|无法|不能(?:提供|帮助|协助)|拒绝|不便|作为一个|不应该|不合适",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:however|but|although|though|may|might|perhaps|depends|generally)\b"
    r"|但是|不过|然而|虽然|也许|可能|或许",
    re.IGNORECASE,
)
_MARKS = {
    "commas": ",，、",
    "semicolons": ";；",
    "colons": ":：",
    "exclamations": "!！",
    "questions": "?？",
    "brackets": "()[]{}（）【】",
    "dashes": "-–—",
    "ellipses": "…",
}
# Apostrophes are left out: "won't" quotes nobody.
_QUOTES = '"“”„«»「」『』《》'
_OPENINGS = (
    "i ", "yes", "no", "you ", "it ", "as ", "sure", "my ", "do ", "of course", "the ", "if ",
    "是", "不", "当然", "我", "作为",
)  # fmt: skip

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "length": ("characters", "words", "sentences", "word_length", "sentence_length"),
        "white space": ("edge_space", "line_breaks", "double_spaces", "odd_spaces"),
        "punctuation": (*_MARKS, "final_stop"),
        "lists and digits": ("list_marks", "digits"),
        "quotes": ("quotes",),
        "case": ("capitals", "opens_small"),
        "openings": tuple(f"opens_{opening.strip()}" for opening in _OPENINGS),
        "refusal phrases": ("refusal_phrases",),
        "hedging": ("hedges",),
    }
)
"""The features by what somebody would mend together, in the order in which they are shown."""


@lru_cache(maxsize=1 << 14)
def measure_surface(text: str) -> Mapping[str, float]:
    """Return the surface features of a text, always the same names.

    Lengths count characters, words and sentences. Marks are counted per hundred characters, so that a
    longer text does not have more of them for its length alone; refusal and hedging phrases, in English
    and Chinese, and list marks are counted as they are. The rest is 1 where it holds and else 0.
    """
    words, sentences = text.split(), len(_SENTENCE_END.findall(text))
    opening, share = text.casefold(), 100 / max(len(text), 1)
    features: dict[str, float] = {
        "characters": len(text),
        "words": len(words),
        "sentences": sentences,
        "word_length": sum(map(len, words)) / max(len(words), 1),
        "sentence_length": len(text) / max(sentences, 1),
        "edge_space": float(text != text.strip()),
        "line_breaks": text.count("\n"),
        "double_spaces": text.count("  "),
        "odd_spaces": sum(c not in " \n" and (c.isspace() or not c.isprintable()) for c in text),
        "final_stop": float(text.rstrip().endswith((".", "。", "!", "?", "！", "？"))),
        "list_marks": len(_LIST_MARK.findall(text)),
        "digits": sum(c.isdigit() for c in text) * share,
        "quotes": sum(text.count(c) for c in _QUOTES) * share,
        "capitals": sum(c.isupper() for c in text) * share,
        "opens_small": float(text[:1].islower()),
        "refusal_phrases": len(_REFUSAL.findall(text)),
        "hedges": len(_HEDGE.findall(text)),
    }
    features |= {name: sum(text.count(c) for c in marks) * share for name, marks in _MARKS.items()}
    features |= {f"opens_{start.strip()}": float(opening.startswith(start)) for start in _OPENINGS}
    return MappingProxyType({name: float(value) for name, value in features.items()})
