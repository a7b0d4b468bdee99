"""What nobody is shown: a text enters, or an item that the checks turned down; the reason to withhold it leaves."""

from collections.abc import Mapping
from typing import Any

from builder.checks.rules.item import find_text_breaches

__all__ = ["find_reason_to_withhold", "find_reason_to_withhold_item"]

_NEVER = ("minors:",)
# A list of steps, which an option may not be, is what many a harmless reply is.
_FLAGGED = (
    *(f"operational-detail:{kind}" for kind in ("quantity", "recipe", "dose", "code", "payload")),
    "personal:",
    "contact:",
)
_OF_ITEMS = (*_NEVER, "personal:", "contact:")


def find_reason_to_withhold(text: str, language: str, *, is_flagged_shown: bool) -> str:
    """Return the rule for which nobody is shown a reply; an empty text where people may read it.

    Texts that join minors and sex are never shown, those with operational detail or personal data only
    where ``is_flagged_shown``.
    """
    families = _NEVER if is_flagged_shown else (*_NEVER, *_FLAGGED)
    breaches = find_text_breaches(text, "negative_option", language, families)
    return breaches[0].rule if breaches else ""


def find_reason_to_withhold_item(item: Mapping[str, Any]) -> str:
    """Return the rule for which reviewers are not shown an item that the checks turned down, or an empty text.

    ``item`` holds the three texts and their ``language``. Reviewers see a sample of what was turned down,
    to tell where the checks err: operational detail is in that sample, for whether an item gives any is what
    they are asked. Texts that join minors and sex, and personal data, are no part of it.
    """
    for place in ("question", "positive_option", "negative_option"):
        for breach in find_text_breaches(item[place], place, item["language"], _OF_ITEMS):
            return breach.rule
    return ""
