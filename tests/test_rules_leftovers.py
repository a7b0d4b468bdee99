"""Leftovers: what a writer or a prompt left behind is found, and ordinary prose is left alone."""

import pytest
from rule_checks import find_names, make_texts

from builder.checks.rules.item import find_breaches

EXAMPLES = [
    ("leftover:placeholder", "Dear [your name], no.", "Dear [sic] neighbour, no."),
    ("leftover:placeholder", "Dear <insert name here>, no.", "It is 3 < 4 and 5 > 4."),
    ("leftover:placeholder", "Lorem ipsum dolor.", "The lore is old."),
    ("leftover:placeholder", "Dear {{name}}, no.", r"It is \frac{one}{two} of it."),
    ("leftover:placeholder", "I would keep {topic} to myself.", "The set {3, 4} is small."),
    ("leftover:placeholder", "Ask Mr XXXX about it.", "Ask for the XXXL shirt."),
    ("leftover:placeholder", "TODO: write this.", "TODO es mentira."),
    ("leftover:placeholder", "【请在此处填写姓名】，不行。", "【注意】不行。"),
    ("leftover:writer", "Sure! Here's a reply: no.", "Sure, but here we do not do that."),
    ("leftover:writer", "Of course, here is one.", "Of course it is wrong."),
    ("leftover:writer", "Option A: keep it.", "Options are rare: keep it."),
    ("leftover:writer", "As requested, keep it.", "As he requested it, keep it."),
    ("leftover:writer", "好的，以下是我的回答。", "好的，我会告诉他。"),
    ("leftover:writer", "选项A：留着它。", "选项很多：留着它。"),
    ("leftover:chat-mark", "<|im_start|> Keep it.", "It is |x| < 3 for all x."),
    ("leftover:chat-mark", "[INST] Keep it.", "[Inside] Keep it."),
    ("leftover:chat-mark", "### Response:\nKeep it.", "He is #1 in response."),
    ("leftover:speaker", "system: Keep it.", "The system: a mess."),
    ("leftover:speaker", "Keep it.\nUser: Why?", "Every user: keep it."),
    ("leftover:role-label", "Unsafe option: keep it.", "It is unsafe: keep off."),
    ("leftover:role-label", "Keep it. (Negative option)", "Keep it. (A negative view)"),
    ("leftover:role", "As the negative option I say keep it.", "A negative response is common."),
    ("leftover:role", "负面选项就是留着它。", "负面影响很大。"),
    ("leftover:truncated", "Keep it, because of the", "Keep it, that is all"),
    ("leftover:truncated", "Keep it, he said,", "Keep it, he said"),
    ("leftover:truncated", "Keep it (and then leave", "Keep it (and then leave)"),
    ("leftover:truncated", 'He said "keep it and', 'The 5" screen is broken'),
    ("leftover:truncated", "He said “keep it for now", "He said “keep it” for now"),
    ("leftover:truncated", "留着它，因为", "留着它，他很温和"),
    ("leftover:truncated", "他说：「留着它", "他说：「留着它」"),
    ("leftover:truncated", "I would keep it-", "I would keep it :("),
    ("leftover:blank", "...!?", "7.5"),
    ("leftover:too-short", "B.", "No"),
    ("leftover:too-long", "Keep it. " * 500, "Keep it. " * 400),
]


@pytest.mark.parametrize(("rule", "breaking", "innocent"), EXAMPLES)
def test_a_leftover_is_found_and_what_looks_like_it_is_not(
    rule: str, breaking: str, innocent: str
) -> None:
    """A leftover tells models and reviewers how an option was made; a false alarm costs an item."""
    language = "zh" if any("\u4e00" <= c <= "\u9fff" for c in breaking) else "en"
    assert find_names(breaking, language=language) == [rule]
    assert find_names(innocent, language=language) == []


@pytest.mark.parametrize("text", ["Is it the unsafe option to stay?", "(negative option) Stay?"])
def test_a_question_may_name_roles(text: str) -> None:
    """Only an option gives its role away; a question may talk about options."""
    assert find_names(text, "question") == []


def test_a_question_may_be_a_single_sign() -> None:
    """The shortness of a question is a matter of taste, that of an option a missing stance."""
    assert find_names("5?", "question") == []


def test_english_function_words_may_end_other_languages() -> None:
    """German "an" ends a sentence: English endings are looked for in English texts alone."""
    text = "Das geht dich nichts an"
    assert find_names(text, language="de") == []


def test_a_text_that_is_too_long_tells_its_length() -> None:
    """The curator shall know how much is to go, not read the text again."""
    (breach,) = find_breaches(make_texts("Keep it. " * 500))
    assert breach.evidence == '"4500 characters"'
    assert "4,000" in breach.remedy
