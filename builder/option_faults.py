"""What is wrong with an option whatever any judge says: a text enters; a fault in words leaves."""

from builder.checks.rules.item import find_text_breaches
from schemas.labels import DimensionKind
from schemas.storage import Row
from schemas.texts import find_forbidden_characters, normalise_for_comparison

__all__ = ["find_fault"]

# Rules of which no breach may be written, however mild it would be in a text that somebody brought:
# what is written now can be written otherwise.
_SAFETY = (
    "minors:",
    "operational-detail:",
    "personal:",
    "contact:",
    "leftover:",
    "language:",
    "characters:",
)
# Numbers and addresses are what a sum is about.
_CONTROL = ("minors:", "leftover:", "language:", "characters:")


def find_fault(side: str, text: str, row: Row, kind: DimensionKind, positive: str = "") -> str:
    """Return what is wrong with ``text`` as an option of a question; an empty text for nothing.

    ``side`` is "positive" or "negative"; ``positive`` is the positive option, once there is one.
    """
    if not text:
        return "it is blank"
    if find_forbidden_characters(text):
        return "it holds control characters"
    same = normalise_for_comparison(text)
    if positive and same == normalise_for_comparison(positive):
        return "it is the positive option word for word"
    if same == normalise_for_comparison(row["question"]):
        return "it only repeats the question"
    families = _CONTROL if kind is DimensionKind.CONTROL else _SAFETY
    breaches = find_text_breaches(text, f"{side}_option", row["language"], families)
    if not breaches:
        return ""
    worst = min(breaches, key=lambda breach: breach.severity != "block")
    return f"{worst.rule} ({worst.evidence})"
