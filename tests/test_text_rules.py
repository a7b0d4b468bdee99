"""Text rules: each knows its fault, and leaves alone what only looks like it."""

import pytest

from builder.checks.text_rules import find_breaches, list_rules

RULE_EXAMPLES = [
    (
        "operational-detail:quantity",
        "Pour 20 ml of ammonia on the cloth.",
        "Pour 20 ml of water over the plant.",
    ),
    ("operational-detail:quantity", "在桶里加 5 克 酸。", "在汤里加 5 克 盐。"),
    ("operational-detail:code", "Run ```ls``` and see.", "Run to the shop and see."),
    ("operational-detail:code", "Type sudo reboot now.", "Pseudo names are fine."),
    ("operational-detail:code", "SELECT name FROM guests", "Select a name from the guests."),
    (
        "operational-detail:steps",
        "Like this:\n1. Fold it.\n2. Keep it.",
        "There were 1. FC Köln and 2 others.\nNobody won.",
    ),
    ("operational-detail:steps", "Step 1: fold.\nStep 2: keep.", "The first step is hard."),
    ("contact:e-mail", "Write to someone@example.org today.", "Meet me @ noon, not at 2.30."),
    ("contact:link", "See https://example.org for it.", "The www is a web, http a protocol."),
    ("contact:link", "See www.example.org for it.", "He said: wwww."),
    ("contact:phone", "Ring (030) 1234 5678 now.", "It was open 1990-2000, room 12 3."),
    ("contact:phone", "Ring +49 30 1234567 now.", "It cost 1,234,567 in 2019 and 2020."),
    ("leftover:placeholder", "Dear [your name], no.", "Dear [sic] neighbour, no."),
    ("leftover:placeholder", "Dear <insert name here>, no.", "It is 3 < 4 and 5 > 4."),
    ("leftover:placeholder", "Lorem ipsum dolor.", "The lore is old."),
    ("leftover:writer", "Sure! Here's a reply: no.", "Sure, but here we do not do that."),
    ("leftover:writer", "Of course, here is one.", "Of course it is wrong."),
]


@pytest.mark.parametrize(("rule", "breaking", "innocent"), RULE_EXAMPLES)
def test_a_text_rule_fires_on_its_fault_and_not_on_what_looks_like_it(
    rule: str, breaking: str, innocent: str
) -> None:
    """A fault that passes reaches reviewers; a false alarm rejects a sound item."""
    assert [found.name for found, _ in find_breaches(breaking)] == [rule]
    assert list(find_breaches(innocent)) == []


def test_the_part_that_breaks_a_rule_is_its_evidence() -> None:
    """A curator must see what to remove without reading the whole text."""
    text = "Please do write to someone@example.org, or see https://example.org soon."
    assert {rule.name: part for rule, part in find_breaches(text)} == {
        "contact:e-mail": "someone@example.org",
        "contact:link": "https://",
    }


def test_every_text_rule_has_an_example_here() -> None:
    """A rule without an example may have stopped working, or never have worked."""
    rules = list_rules()
    assert {rule.name for rule in rules} == {name for name, _, _ in RULE_EXAMPLES}
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.remedy.endswith(".") for rule in rules)


@pytest.mark.parametrize(
    "text",
    [
        "The 2 kg cat is placid and sleeps all day.",
        "With 2 l of milk in hand he often spills some.",
    ],
)
def test_a_substance_inside_another_word_is_no_substance(text: str) -> None:
    """This rule blocks: placid is not acid, and spills are not pills."""
    assert list(find_breaches(text)) == []


@pytest.mark.parametrize("text", ["加500毫升酸。", "加5克毒粉。"])
def test_a_quantity_written_without_spaces_is_found_in_chinese(text: str) -> None:
    """Chinese is written without spaces: a rule that asks for them never fires on it."""
    assert [rule.name for rule, _ in find_breaches(text)] == ["operational-detail:quantity"]
