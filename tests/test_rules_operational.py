"""Operational detail: what could be acted on is found, and everyday words are left alone."""

import pytest
from rule_checks import find_names, make_texts

from builder.checks.rules.item import find_breaches

EXAMPLES = [
    ("operational-detail:quantity", "Pour 20 ml of ammonia on it.", "Pour 20 ml of water on it."),
    ("operational-detail:quantity", "在桶里加 5 克 酸。", "在汤里加 5 克 盐。"),
    ("operational-detail:quantity", "加五克酸就行。", "加五克酸奶就行。"),
    ("operational-detail:quantity", "Use a 5 % acetic acid.", "Some 5 % of acids are used up."),
    ("operational-detail:quantity", "Take an acid of 5 %.", "An acid is found in 5 of them."),
    ("operational-detail:quantity", "Vinegar is acid, 20 ml do.", "It is acid, 20 people say."),
    ("operational-detail:quantity", "Heat the acid to 60 °C.", "It is 30 °C. Acid rain fell."),
    ("operational-detail:quantity", "At 60 degrees add the acid.", "At 60 he is an acid critic."),
    (
        "operational-detail:quantity",
        "Pour 2 litres of petrol in.",
        "6 litres of petrol per 100 km.",
    ),
    ("operational-detail:quantity", "Some 500 mg of arsenic do.", "Some 500 m of fence do."),
    ("operational-detail:quantity", "Take 2 lbs of nitrate.", "Take 2 lbs of potatoes."),
    ("operational-detail:quantity", "Buy ten grams of heroin.", "Buy ten grams of saffron."),
    ("operational-detail:quantity", "用200毫克芬太尼就行。", "喝200毫升牛奶就行。"),
    (
        "operational-detail:recipe",
        "Mix twenty millilitres of one with 3 g of the other.",
        "Mix with people and lose 3 kg.",
    ),
    ("operational-detail:recipe", "先加入20毫升，再加热到80度。", "他加入了球队，跑了20公里。"),
    ("operational-detail:dose", "Swallow thirty pills then.", "Swallow your pride then."),
    (
        "operational-detail:steps",
        "First, fold it. Then press it. Finally, keep it.",
        "First come, then served; that is final.",
    ),
    (
        "operational-detail:steps",
        "Firstly, fold it.\nSecondly, press it.\nThirdly, keep it.",
        "First, ask. Second thoughts are good.",
    ),
    (
        "operational-detail:steps",
        "Do it so: 1) fold, 2) press, 3) keep.",
        "It is 1) wrong and 2) slow.",
    ),
    ("operational-detail:steps", "首先折好，然后压平，最后收起来。", "首先，这样不对。"),
    ("operational-detail:dose", "Take 2 pills with it.", "Take the pills with you."),
    ("operational-detail:dose", "Some 2 mg per kg will do.", "Some 2 kg per head will do."),
    ("operational-detail:code", "Run ```ls``` and see.", "Run to the shop and see."),
    ("operational-detail:code", "Type sudo reboot now.", "Pseudo names are fine."),
    ("operational-detail:code", "SELECT name FROM guests", "PLEASE SELECT ONE FROM THE LIST."),
    ("operational-detail:code", "DROP TABLE guests", "Drop the table at the guests' door."),
    ("operational-detail:code", "Enter ' OR 1=1 there.", "It is 'either' or 2 of them."),
    ("operational-detail:code", "Use rm -rf there.", "The firm - RF Ltd - is there."),
    ("operational-detail:code", "curl example | sh", "Curl your hair, or not."),
    ("operational-detail:code", "ls | grep name", "Yes | no"),
    ("operational-detail:code", "import os and go on.", "They import oil and go on."),
    ("operational-detail:payload", "Send aGVsbG8g" + "d29ybGQ5" * 5, "Send " + "a" * 60),
    ("operational-detail:payload", "Send " + "0badcafe" * 5, "Send " + "1234567890" * 5),
    ("operational-detail:payload", r"Send \x41\x42\x43\x44 there.", r"Use \x for it."),
    (
        "operational-detail:steps",
        "Like this:\n1. Fold it.\n2. Keep it.",
        "1. FC Köln\nwon 2 games.",
    ),
    ("operational-detail:steps", "Step 1: fold.\nStep 2: keep.", "The first step is hard."),
    ("operational-detail:steps", "In step one fold, in step two keep.", "It is one step too many."),
    ("operational-detail:steps", "第一步折好，第二步收起来。", "这只是第一步。"),
]


@pytest.mark.parametrize(("rule", "breaking", "innocent"), EXAMPLES)
def test_operational_detail_is_found_and_what_looks_like_it_is_not(
    rule: str, breaking: str, innocent: str
) -> None:
    """Detail that passes can be acted on by readers; a false alarm rejects a sound item."""
    language = "en" if breaking[0].isascii() else "zh"
    assert find_names(breaking, language=language) == [rule]
    assert find_names(innocent, language=language) == []


@pytest.mark.parametrize(
    "text",
    [
        "The 2 kg cat is placid and sleeps all day.",
        "With 2 l of milk in hand he often spills some.",
        "He drove with 0.08 % alcohol in his blood.",
        "The price of petrol rose by 10 % last year.",
        "Acid rain fell at 20 degrees.",
        "Add 200 g of baking powder.",
        "He ate 3 g of salt, which is no poison.",
        "We drank 2 cups of alcohol-free beer.",
    ],
)
def test_a_substance_of_everyday_talk_is_no_operational_detail(text: str) -> None:
    """This rule blocks: placid is not acid, spills are not pills, and a limit is no recipe."""
    assert find_names(text) == []


@pytest.mark.parametrize("text", ["加500毫升酸。", "加5克毒粉。"])
def test_a_quantity_written_without_spaces_is_found_in_chinese(text: str) -> None:
    """Chinese is written without spaces: a rule that asks for them never fires on it."""
    assert find_names(text, language="zh") == ["operational-detail:quantity"]


@pytest.mark.parametrize(
    "text", ["消毒液买了500毫升，也用来消毒。", "他得了5毫升病毒样本。", "我喝了三升水，很心酸。"]
)
def test_disinfection_and_viruses_are_no_poison(text: str) -> None:
    """The character for poison stands in harmless words that are far more frequent."""
    assert find_names(text, language="zh") == []


@pytest.mark.parametrize(
    ("place", "severity"),
    [("question", "warn"), ("positive_option", "block"), ("negative_option", "block")],
)
def test_a_quantity_in_a_question_is_for_reviewers(place: str, severity: str) -> None:
    """People ask about what was found or prescribed; an option that names it could be acted on."""
    text = "The police found 5 kg of cocaine in his car, and I kept quiet?"
    (breach,) = [b for b in find_breaches(make_texts(text, place)) if b.text == place]
    assert (breach.rule, breach.severity) == ("operational-detail:quantity", severity)
