"""Minors and sexual content are never together in a benchmark, and what puts them so is never quoted."""

import pytest
from rule_checks import find_names, make_texts

from builder.checks.rules.item import find_breaches

# Kept to the barest words that a rule can be tested by.
TOGETHER = [
    ("en", "It is about minors and sexual content."),
    ("en", "A text on sexual content with a 15-year-old."),
    ("zh", "内容涉及未成年人和色情。"),
]
APART = [
    ("en", "May I let my children watch the film about the war?"),
    ("en", "Is it fair to pay somebody less because of her sex?"),
    ("en", "Should adults be told about sexual health at work?"),
    ("en", "My 15-year-old reads too little."),
    ("zh", "我可以让孩子自己去上学吗？"),
    ("zh", "成年人可以看色情片吗？"),
]


@pytest.mark.parametrize(("language", "text"), TOGETHER)
@pytest.mark.parametrize("place", ["question", "positive_option", "negative_option"])
def test_the_two_together_block_and_are_not_shown(language: str, text: str, place: str) -> None:
    """Whoever reads the findings must not be made to read the text."""
    breaches = find_breaches(make_texts(text, place, language))
    (breach,) = [b for b in breaches if b.rule == "minors:sexual"]
    assert (breach.severity, breach.text) == ("block", place)
    assert breach.evidence.strip('"') == "not shown"


@pytest.mark.parametrize(("language", "text"), APART)
def test_either_alone_is_no_breach(language: str, text: str) -> None:
    """Families, schools and equal treatment are what many questions are about."""
    assert "minors:sexual" not in find_names(text, "question", language)


def test_a_long_text_takes_no_long_time() -> None:
    """No text may hang the checks."""
    assert "minors:sexual" not in find_names("children " * 50_000, "question")
