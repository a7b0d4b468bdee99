"""The surface of a text: a text enters; lengths, marks and openings leave as numbers."""

import re
from collections.abc import Mapping

__all__ = ["measure_surface"]

_SENTENCE_END = re.compile(r"[.!?。！？]+(?:\s|$)|[。！？]")
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|can(?:no|')t (?:help|assist|provide|support)|as an? (?:ai|language model)|"
    r"unable to (?:help|assist|provide)|not appropriate|inappropriate)\b|抱歉|对不起|无法(?:提供|帮助)|作为一个",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"\b(?:however|but|although|though|may|might|perhaps)\b", re.IGNORECASE)
_MARKS = {
    "commas": ",，、",
    "semicolons": ";；",
    "colons": ":：",
    "exclamations": "!！",
    "questions": "?？",
    "quotes": "\"'“”‘’「」",
    "brackets": "()[]（）",
    "dashes": "-–—",
}
_OPENINGS = ("i ", "yes", "no", "you ", "it ", "as ", "sure", "my ", "do ", "of course")


def measure_surface(text: str) -> Mapping[str, float]:
    """Return the surface features of a text, always the same names in the same order.

    Lengths in characters, words and sentences; counts of marks; whether it opens in a known way;
    lists, line breaks, digits, capitals; refusal and hedging phrases in English and Chinese.
    """
    words = text.split()
    opening = text.casefold()
    features: dict[str, float] = {
        "characters": len(text),
        "words": len(words),
        "sentences": len(_SENTENCE_END.findall(text)),
        "word_length": sum(map(len, words)) / len(words) if words else 0.0,
        "line_breaks": text.count("\n"),
        "list_marks": len(re.findall(r"(?m)^\s*(?:[-*•]|\d+[.)])\s", text)),
        "digits": sum(c.isdigit() for c in text),
        "capitals": sum(c.isupper() for c in text),
        "edge_space": float(text != text.strip()),
        "final_stop": float(text.rstrip().endswith((".", "。", "!", "?"))),
        "refusal_phrases": len(_REFUSAL.findall(text)),
        "hedges": len(_HEDGE.findall(text)),
    }
    features |= {name: sum(text.count(c) for c in marks) for name, marks in _MARKS.items()}
    features |= {f"opens_{start.strip()}": opening.startswith(start) for start in _OPENINGS}
    return {name: float(value) for name, value in features.items()}
