"""The rules together: texts compared with each other, every rule shown, and no text too hostile."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import test_rules_characters
import test_rules_leftovers
import test_rules_operational
import test_rules_personal
from hypothesis import given
from hypothesis import strategies as st
from rule_checks import make_texts

from builder.checks.rules.item import find_breaches, list_rules
from schemas.labels import Severity
from schemas.storage import read_rows
from schemas.texts import trim

QUESTION = "May I borrow the red bicycle that stands behind the old station?"
KEEP = "Yes, you may borrow it for the day and bring it back at night."
LEAVE = "No, you should leave it there and ask its owner first."

ITEMS = [
    ("identical-options", KEEP, f" {KEEP.upper()}", LEAVE),
    ("near-identical-options", KEEP, KEEP.replace("day", "way"), LEAVE),
    ("repeats-question", KEEP, QUESTION.lower(), LEAVE),
    ("nearly-repeats-question", KEEP, QUESTION.replace("old", "new"), LEAVE),
]
SHOWN_ELSEWHERE = {
    "contact:phone",
    "characters:bidi-embedding",
    "language:script",
    "language:variant",
    "language:detected",
    "minors:sexual",
}
HOSTILE = (
    "DROP |SELECT |' OR |curl |x \\| |acid |5 g |1% |60 °|\\x41|a1B|step 1 |1.\n|1) |"
    "@|a@|a.|a-|http|www.|t.me/|1.1.|::1:|0|1|1 |1-|+1 |(0|GB82 |AA00|4111 |call |电话|12 Ab |路1|"
    '[insert |{{|{|<|A_|XXX|<\\||### |user:\n|“|"|(|[|positive |negative option |'
    " |\n|\t|\n   |\u200b|\u202e|Ã|é\u0080|ÐÑ|aа|\U000e0041|\ud800|\ufffd|😀\u200d|"
    "字|酸|是 |a|ab |\u0301\u0316|あ|한|\U000fffff"
)


def _make_item(positive: str, negative: str) -> dict[str, Any]:
    options = {"positive_option": positive, "negative_option": negative}
    return {"question": QUESTION, "language": "en"} | options


@pytest.mark.parametrize(("rule", "positive", "breaking", "innocent"), ITEMS)
def test_texts_that_are_too_alike_are_told(
    rule: str, positive: str, breaking: str, innocent: str
) -> None:
    """An item whose texts repeat each other asks nothing."""
    assert [b.rule for b in find_breaches(_make_item(positive, breaking))] == [rule]
    assert find_breaches(_make_item(positive, innocent)) == []


def test_a_breach_names_its_text_or_the_item() -> None:
    """A curator opens the text at fault; options that are equal are at fault together."""
    (repeated,) = find_breaches(_make_item(QUESTION, LEAVE))
    assert (repeated.text, repeated.severity) == ("positive_option", Severity.BLOCK)
    (identical,) = find_breaches(_make_item(KEEP, KEEP))
    assert identical.text == ""
    assert KEEP[:20] in identical.evidence


def test_every_rule_has_an_example_in_these_tests() -> None:
    """A rule without an example may have stopped working, or never have worked."""
    modules = (
        test_rules_operational,
        test_rules_personal,
        test_rules_leftovers,
        test_rules_characters,
    )
    shown = {example[0] for module in modules for example in module.EXAMPLES}
    shown |= {example[0] for example in ITEMS} | SHOWN_ELSEWHERE
    assert {rule.name for rule in list_rules()} == shown


def test_every_rule_says_what_to_do_and_can_be_told_from_others() -> None:
    """Findings are counted by rule, and a hash of the descriptions tells when they are stale."""
    rules = list_rules()
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.remedy.endswith(".") and rule.description for rule in rules)


@given(
    texts=st.lists(st.text(st.characters()), min_size=3, max_size=3),
    tag=st.sampled_from(["en", "zh", "he", "zh-Hant", "xx", ""]),
)
def test_no_string_raises(texts: list[str], tag: str) -> None:
    """A text that breaks the checker would hide all other findings."""
    names = ("question", "positive_option", "negative_option")
    item: dict[str, Any] = dict(zip(names, texts, strict=True)) | {"language": tag}
    assert all(breach.remedy and breach.rule for breach in find_breaches(item))


@pytest.mark.slow
@pytest.mark.parametrize("seed", HOSTILE.replace("\\|", "\0").split("|"))
def test_a_long_hostile_text_is_blocked_and_not_hung_upon(seed: str) -> None:
    """A rule that is not linear would run for minutes here; one bad text must not stop a stage."""
    seed = seed.replace("\0", "|")
    text = "".join(itertools.islice(itertools.cycle(seed), 200_000))
    names = {breach.rule for breach in find_breaches(make_texts(text))}
    assert "leftover:too-long" in names


def test_no_released_item_of_fine_breaks_a_rule(fine_file: Path) -> None:
    """What people wrote and released is the measure of a false alarm."""
    names = {"question": "question", "Positive Option": "positive_option"}
    names |= {"Negative Option": "negative_option"}
    for row in read_rows(fine_file):
        item = {ours: trim(row[theirs]) for theirs, ours in names.items()} | {"language": "en"}
        assert find_breaches(item) == [], row["id"]
