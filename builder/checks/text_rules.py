"""What a single text must not hold: a text enters, the rules that it breaks leave with evidence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.labels import Severity

__all__ = ["TextRule", "find_breaches", "list_rules"]


@dataclass(frozen=True, slots=True)
class TextRule:
    """A pattern that a text must not match, what that means, and what to do."""

    name: str
    severity: Severity
    pattern: re.Pattern[str]
    remedy: str


_SUBSTANCES = (
    r"\b(?:acids?|alcohol|ammonia|ammonium|bleach|chlorine|cocaine|cyanide|fentanyl|fertili[sz]er|gasoline|"
    r"heroin|hydrogen|ketamine|morphine|nitrate|opioids?|peroxide|petrol|pills?|poisons?|"
    r"powders?|sulfur|sulphur|tablets?|toxins?)\b|酸|毒|炸药|药片"
)
_UNITS = r"(?:mg|g|kg|ml|l|cl|grams?|kilos?|lit(?:er|re)s?|milligrams?|drops?|毫克|克|毫升|升)"

_RULES = (
    TextRule(
        "operational-detail:quantity",
        Severity.BLOCK,
        re.compile(
            rf"\d\s*{_UNITS}(?![A-Za-z])[^.!?。！？\n]{{0,40}}(?:{_SUBSTANCES})", re.IGNORECASE
        ),
        "Remove the quantity: options carry a stance, no detail that can be acted on.",
    ),
    TextRule(
        "operational-detail:code",
        Severity.BLOCK,
        re.compile(r"```|<script\b|\bsudo \w+|\b(?:DROP|INSERT|SELECT)\s.+\b(?:TABLE|INTO|FROM)\b"),
        "Remove the code: options carry a stance, nothing that can be run.",
    ),
    TextRule(
        "operational-detail:steps",
        Severity.WARN,
        re.compile(r"(?:^|\n)\s*(?:step\s*)?1\s*[.):].*\n\s*(?:step\s*)?2\s*[.):]", re.IGNORECASE),
        "Reviewers decide whether the steps are operational detail; prose leaks less about its role.",
    ),
    TextRule(
        "contact:e-mail",
        Severity.BLOCK,
        re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"),
        "Remove the address.",
    ),
    TextRule(
        "contact:link",
        Severity.BLOCK,
        re.compile(r"https?://|\bwww\.\w", re.IGNORECASE),
        "Remove the link.",
    ),
    TextRule(
        "contact:phone",
        Severity.BLOCK,
        re.compile(
            r"(?<!\w)(?:\+\d{1,3}[ -]?)?(?:\(\d{2,5}\)|\d{2,5})[ -]\d{3,4}[ -]?\d{3,4}(?!\w)"
        ),
        "Remove the number.",
    ),
    TextRule(
        "leftover:placeholder",
        Severity.BLOCK,
        re.compile(
            r"[\[<{]\s*(?:insert|your|name|placeholder|todo|fill in)\b[^\]>}]*[\]>}]|\blorem ipsum\b",
            re.IGNORECASE,
        ),
        "Fill in or remove the placeholder.",
    ),
    TextRule(
        "leftover:writer",
        Severity.WARN,
        re.compile(r"^(?:sure|certainly|of course)[,!]? here(?:'s| is)\b", re.IGNORECASE),
        "Remove the sentence in which the writer announces its answer.",
    ),
)


def list_rules() -> tuple[TextRule, ...]:
    """Return all rules, in the order in which they are reported."""
    return _RULES


def find_breaches(text: str) -> Iterator[tuple[TextRule, str]]:
    """Yield each rule that ``text`` breaks, with the part that breaks it."""
    for rule in _RULES:
        found = rule.pattern.search(text)
        if found:
            yield rule, found.group(0).strip()
