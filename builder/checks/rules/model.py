"""What a rule is and what a breach of it tells: the words that all families of rules share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.labels import Severity

__all__ = [
    "MOST_CHARACTERS",
    "Breach",
    "ItemRule",
    "Reading",
    "Rule",
    "TextRule",
    "make_pattern_rule",
]

MOST_CHARACTERS = 4_000
"""A longer text is blocked; what does not run in linear time looks at no more than this."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule broken by one item.

    ``text`` is "question", "positive_option" or "negative_option", or "" where the item as a whole
    breaks the rule. ``evidence`` is short and quoted, ready to be shown.
    """

    rule: str
    severity: Severity
    evidence: str
    remedy: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as a rule reads it: its characters, which text of the item it is, its language tag."""

    text: str
    place: str
    tag: str

    @property
    def language(self) -> str:
        """The language of the tag without script and region: "zh" of "zh-Hans"."""
        return self.tag.partition("-")[0]

    @property
    def is_option(self) -> bool:
        """Whether the text is one of the two options."""
        return self.place.endswith("_option")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is demanded, what a breach does to its item, and what a curator does about it.

    ``description`` changes whenever the rule finds something else than before (the pattern itself,
    or a version that is counted up by hand): its hash tells that earlier findings are stale.
    """

    name: str
    severity: Severity
    remedy: str
    description: str


@dataclass(frozen=True, slots=True)
class TextRule(Rule):
    """A rule about one text; ``find`` returns the part that breaks it, or None.

    ``in_question`` is the severity in a question, where it is another: people ask about what was
    found, spilt or prescribed, and a question is no advice.
    """

    find: Callable[[Reading], str | None]
    in_question: Severity | None = None

    def weigh(self, reading: Reading) -> Severity:
        """Return how severe a breach in ``reading`` is."""
        return self.severity if reading.is_option else self.in_question or self.severity


@dataclass(frozen=True, slots=True)
class ItemRule(Rule):
    """A rule about the texts together; ``find`` returns the text at fault ("" for all) and evidence."""

    find: Callable[[Mapping[str, Any]], tuple[str, str] | None]


def make_pattern_rule(
    name: str, severity: Severity, remedy: str, *patterns: str, flags: re.RegexFlag = re.NOFLAG
) -> TextRule:
    """Return a rule that is broken by a text in which any of ``patterns`` is found.

    Every repetition in a pattern must be bounded, so that the time stays linear in the text.
    """
    compiled = [re.compile(pattern, flags) for pattern in patterns]

    def find(reading: Reading) -> str | None:
        for pattern in compiled:
            if found := pattern.search(reading.text):
                return found.group().strip()
        return None

    return TextRule(name, severity, remedy, f"{int(flags)} {' '.join(patterns)}", find)
