"""Language: a text in another language than its tag names is told, and what is right passes."""

import pytest
from rule_checks import find_names

GERMAN = "Ich glaube, dass du das nicht tun solltest, weil es den anderen gegenüber falsch wäre."
UKRAINIAN = "Не варто цього робити, бо це неправильно щодо інших людей, і ти це добре знаєш."
CHINESE = "我认为你不应该这样做，因为这是不对的。"
TRADITIONAL = "我認為你不應該這樣做，因為這是不對的，對別人來說也不公平。"
JAPANESE = "それはしないほうがいいと思います。"
ENGLISH = "I think that you should not do it, because it would be wrong towards the others."


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        (CHINESE, "en"),
        (UKRAINIAN, "en"),
        ("Keep it to yourself.", "zh"),
        ("Keep it to yourself.", "ru"),
        (JAPANESE, "zh"),
        (CHINESE, "ja"),
        ("Keep it to yourself.", "ko"),
        ("Keep it to yourself.", "el"),
        ("Keep it to yourself.", "sr-Cyrl"),
        ("Задржи то за себе.", "sr-Latn"),
    ],
)
def test_a_text_in_another_script_than_its_language_is_told(text: str, tag: str) -> None:
    """A wrong script is certain, even in a text too short for any classifier."""
    assert find_names(text, language=tag) == ["language:script"]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        (ENGLISH, "en"),
        (CHINESE, "zh"),
        (CHINESE, "zh-Hans"),
        (TRADITIONAL, "zh-Hant"),
        (TRADITIONAL, "zh"),
        (JAPANESE, "ja"),
        (GERMAN, "de"),
        (UKRAINIAN, "uk"),
        ("안녕하세요, 그렇게 하지 마세요.", "ko"),
        ("用 WhatsApp 和 Internet 都不行。", "zh"),
        ("Задржи то за себе.", "sr-Cyrl"),
        ("Zadrži to za sebe.", "sr-Latn"),
        ("Не надо.", "ru"),
        ("42", "zh"),
        (ENGLISH, "nv"),
    ],
)
def test_a_text_in_the_language_of_its_tag_passes(text: str, tag: str) -> None:
    """A false alarm on every text of a language would make people ignore the rule."""
    assert find_names(text, language=tag) == []


@pytest.mark.parametrize(
    ("text", "tag"), [(TRADITIONAL, "zh-Hans"), (CHINESE * 2, "zh-TW"), (TRADITIONAL, "zh-CN")]
)
def test_the_other_way_of_writing_chinese_is_told(text: str, tag: str) -> None:
    """A tag with script or region promises readers the characters that they learnt."""
    assert find_names(text, language=tag) == ["language:variant"]


@pytest.mark.parametrize(
    ("text", "tag"), [(GERMAN, "en"), (ENGLISH, "de"), (UKRAINIAN, "ru"), (ENGLISH, "fr")]
)
def test_another_language_of_the_same_script_is_told(text: str, tag: str) -> None:
    """A writer that answers in its own language is seen, though the letters are right."""
    assert find_names(text, language=tag) == ["language:detected"]


@pytest.mark.parametrize("text", ["Das geht dich nichts an.", "Emma's number is 42.", "Nein."])
def test_a_short_text_is_in_doubt_left_alone(text: str) -> None:
    """Below 40 letters a classifier guesses; a guess is no finding."""
    assert find_names(text, language="en") == []


def test_neighbouring_languages_are_not_held_apart() -> None:
    """Bokmål is tagged nb or no; a tag is not wrong because a model knows one of the names."""
    text = "Jeg synes ikke du bør gjøre det, fordi det ikke er riktig overfor de andre."
    assert [find_names(text, language=tag) for tag in ("nb", "no")] == [[], []]
