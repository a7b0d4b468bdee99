"""What the tests of the text rules share: an item around one text, and the names of what it breaks."""

from typing import Any

from builder.checks.rules.item import find_breaches

__all__ = ["find_names", "make_texts"]

OTHER = {
    "en": ("May I borrow the red bicycle?", "No, ask its owner first.", "Yes, nobody will mind."),
    "zh": ("我可以借那辆自行车吗？", "不行，先问一下它的主人。", "可以，没有人会介意。"),
}


def make_texts(text: str, place: str = "negative_option", language: str = "en") -> dict[str, Any]:
    """Return an item that is sound but for ``text``, which stands in ``place``."""
    texts = OTHER.get(language.partition("-")[0], ("1 + 1?", "2.22", "3.33"))
    names = ("question", "positive_option", "negative_option")
    return dict(zip(names, texts, strict=True)) | {place: text, "language": language}


def find_names(text: str, place: str = "negative_option", language: str = "en") -> list[str]:
    """Return the names of the rules that ``text`` breaks when it stands in ``place``."""
    return [b.rule for b in find_breaches(make_texts(text, place, language)) if b.text == place]
