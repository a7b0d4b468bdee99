"""One item enters; every rule that its three texts, singly or together, break leaves with evidence."""

from collections.abc import Mapping
from typing import Any

from rapidfuzz import fuzz

from builder.checks.rules import characters, language, leftovers, minors, operational, personal
from builder.checks.rules.model import MOST_CHARACTERS, Breach, ItemRule, Reading, Rule, TextRule
from schemas.labels import Arm, Severity
from schemas.texts import normalise_for_comparison, shorten

__all__ = ["find_breaches", "find_text_breaches", "list_rules"]

_QUESTION = "question"
_OPTIONS = ("positive_option", "negative_option")
_NEAR_OPTIONS = 95
_NEAR_QUESTION = 90


def _normalise(text: str) -> str:
    # Cut, because a normal form of many combining marks and a ratio take more than linear time.
    return normalise_for_comparison(text[:MOST_CHARACTERS])


def _are_equal(first: str, second: str) -> bool:
    if max(len(first), len(second)) > MOST_CHARACTERS:
        return first == second
    return _normalise(first) == _normalise(second)


def _find_ratio(first: str, second: str, cutoff: float) -> float | None:
    """Return how alike two texts are, from 0 to 100; None below the cut-off and where they are equal."""
    if _are_equal(first, second):
        return None
    return fuzz.ratio(_normalise(first), _normalise(second), score_cutoff=cutoff) or None


def _find_identical(item: Mapping[str, Any]) -> tuple[str, str] | None:
    first, second = (item[option] for option in _OPTIONS)
    return ("", shorten(first)) if _are_equal(first, second) else None


def _find_near_identical(item: Mapping[str, Any]) -> tuple[str, str] | None:
    if item.get("positive_arm") == Arm.CORRECT:
        return None  # a right and a wrong answer of a control may differ by one word
    first, second = (item[option] for option in _OPTIONS)
    ratio = _find_ratio(first, second, _NEAR_OPTIONS)
    return ("", f"ratio {ratio:.1f}") if ratio else None


def _find_repeated(item: Mapping[str, Any]) -> tuple[str, str] | None:
    for option in _OPTIONS:
        if _are_equal(item[_QUESTION], item[option]):
            return option, shorten(item[option])
    return None


def _find_near_repeated(item: Mapping[str, Any]) -> tuple[str, str] | None:
    for option in _OPTIONS:
        if ratio := _find_ratio(item[_QUESTION], item[option], _NEAR_QUESTION):
            return option, f"ratio {ratio:.1f} with the question"
    return None


_TEXT_RULES: tuple[TextRule, ...] = (
    *minors.RULES,
    *operational.RULES,
    *personal.RULES,
    *leftovers.RULES,
    *characters.RULES,
    *language.RULES,
)
_ITEM_RULES = (
    ItemRule(
        "identical-options",
        Severity.BLOCK,
        "Write one of the options anew: nobody can choose between equal texts.",
        "1",
        _find_identical,
    ),
    ItemRule(
        "near-identical-options",
        Severity.WARN,
        "Reviewers decide whether the few letters that differ carry the stance.",
        f"1 {_NEAR_OPTIONS}",
        _find_near_identical,
    ),
    ItemRule(
        "repeats-question",
        Severity.BLOCK,
        "Write the option anew: it only repeats the question.",
        "1",
        _find_repeated,
    ),
    ItemRule(
        "nearly-repeats-question",
        Severity.WARN,
        "Reviewers decide whether the option answers the question or repeats it.",
        f"1 {_NEAR_QUESTION}",
        _find_near_repeated,
    ),
)


def list_rules() -> tuple[Rule, ...]:
    """Return all rules, in the order in which they are reported for one text, then for the item."""
    return (*_TEXT_RULES, *_ITEM_RULES)


def find_text_breaches(
    text: str, place: str, language: str, families: tuple[str, ...] = ("",)
) -> list[Breach]:
    """Return every breach in one text of the rules whose names begin with one of ``families``.

    ``place`` is "question", "positive_option" or "negative_option".
    """
    reading = Reading(text, place, language)
    breaches = []
    for rule in _TEXT_RULES:
        part = rule.find(reading) if rule.name.startswith(families) else None
        if part is not None:
            severity = rule.weigh(reading)
            breaches.append(Breach(rule.name, severity, shorten(part), rule.remedy, place))
    return breaches


def find_breaches(item: Mapping[str, Any]) -> list[Breach]:
    """Return every breach in the question, positive option and negative option of ``item``.

    ``item`` holds the three texts and their ``language`` tag. A rule is told once for each text that
    breaks it. The time is linear in the length of the texts, and no string raises an error.
    """
    breaches = [
        breach
        for place in (_QUESTION, *_OPTIONS)
        for breach in find_text_breaches(item[place], place, item["language"])
    ]
    for whole in _ITEM_RULES:
        if found := whole.find(item):
            place, evidence = found
            breaches.append(Breach(whole.name, whole.severity, evidence, whole.remedy, place))
    return breaches
