"""Characters: what cannot be seen as it is, is found; scripts that need such characters keep them."""

import pytest
from rule_checks import find_names

EXAMPLES = [
    ("characters:invisible", "Keep\u200b it.", "Keep it."),
    ("characters:invisible", "Ke\u00adep it.", "Ke-ep it."),
    ("characters:invisible", "Ke\u200dep it.", "Keep it, \U0001f469\u200d\U0001f4bb."),
    ("characters:invisible", "Keep \ufeff it.", "Keep it, \u2764\ufe0f\u200d\U0001f525."),
    (
        "characters:hidden-text",
        "Keep it.\U000e0048\U000e0069",
        "Keep \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f.",
    ),
    ("characters:bidi", "Keep \u202eti\u202c now.", "Keep it now."),
    ("characters:bidi", "Keep \u200fit now.", "Keep \u05e9\u05dc\u05d5\u05dd now."),
    ("characters:private-use", "Keep \ue000 now.", "Keep \u2665 now."),
    ("characters:broken-encoding", "Keep it\ufffds cover.", "Keep it's cover."),
    ("characters:mojibake", "It isnâ€™t ours.", "It isn’t ours, â bas."),
    ("characters:mojibake", "The cafÃ© is shut.", "The café of SÃO PAULO is shut."),
    ("characters:mojibake", "He said ÐŸÑ€Ð¸.", "He said Ñandú."),
    ("characters:mojibake", "He said ä½\u00a0å¥½ then.", "He was né\u00a0» and then née\u00a0»."),
    ("characters:look-alike", "Keep it in the b\u0430nk.", "Keep it in the банк or bank."),
    ("characters:look-alike", "Keep it f\u03bfr me.", "The α-helix is 5 μm long."),
]


@pytest.mark.parametrize(("rule", "breaking", "innocent"), EXAMPLES)
def test_a_deceiving_character_is_found_and_an_honest_one_is_not(
    rule: str, breaking: str, innocent: str
) -> None:
    """Models read characters that reviewers do not see, so both would judge different texts."""
    assert find_names(breaking) == [rule]
    assert find_names(innocent) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0628\u0631\u0648\u0645", "fa"),
        ("\u0915\u094d\u200d\u0937 \u0939\u0948 \u092f\u0939", "hi"),
        ("\u05e9\u05dc\u05d5\u05dd\u200f \u05dc\u05da", "he"),
    ],
)
def test_scripts_keep_the_joiners_and_marks_that_they_need(text: str, language: str) -> None:
    """Persian, Hindi and Hebrew are written with them; without them the texts would be wrong."""
    assert find_names(text, language=language) == []


@pytest.mark.parametrize("tag", ["he", "ar", "az-Arab"])
def test_an_override_in_a_right_to_left_text_is_for_reviewers(tag: str) -> None:
    """There it may be meant, so that it is told and does not reject."""
    text = (
        "\u05e9\u05dc\u05d5\u05dd \u202e12\u202c"
        if tag == "he"
        else "\u0633\u0644\u0627\u0645 \u202e12\u202c"
    )
    assert find_names(text, language=tag) == ["characters:bidi-embedding"]
