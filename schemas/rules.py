"""The rules that values and rows of our tables keep: each a pure function, a name and a remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.labels import Recommendation, YesNo
from schemas.texts import find_forbidden_characters, hash_content, is_language_tag, trim

__all__ = ["REMEDIES", "ROW_RULES", "RowRule", "is_clean", "is_hash", "is_not_blank", "is_trimmed"]

REMEDIES: dict[str, str] = {
    "not blank": "Write a text, or leave the row out.",
    "ends trimmed": "Remove white space and invisible characters at both ends.",
    "no control characters": "Remove control characters, lone surrogates and non-characters.",
    "language tag": 'Write a tag such as "en", "zh" or "pt-BR".',
    "sha-256": "Write 64 hexadecimal digits, or run the stage that makes the file again.",
    "known label": "Use one of the labels listed.",
    "unique": "Keep one of the rows; ids are never used twice.",
    "dimension known": "Add the dimension to dimensions.toml, or mend its name in the row.",
    "options differ": "Write two options that say different things.",
    "hash matches content": "Texts were changed by hand: use `finebench edit ITEM`, or run `finebench check`.",
    "not negative": "Write a number from 0.",
    "at most 1": "Write a share between 0 and 1.",
    "column missing": "Add the column; `finebench validate` names the columns of a table.",
    "column unknown": "Remove the column, or name the table that the file should be.",
    "value type": "Write the value as the type named.",
    "answers complete": "A row that is not skipped answers every question; a skipped one answers none.",
    "judgement complete": "A row that is not skipped gives a verdict and says whether there is operational detail.",
    "revision given": "Recommend revise with at least one corrected text; other answers carry none.",
}  # fmt: skip
"""What to do about a breach of each rule, in one sentence."""


def is_not_blank(text: str) -> bool:
    """Tell whether anything is left of ``text`` once it is trimmed."""
    return bool(trim(text))


def is_trimmed(text: str) -> bool:
    """Tell whether ``text`` has no white space, control or format characters at its ends."""
    return trim(text) == text


def is_clean(text: str) -> bool:
    """Tell whether ``text`` holds no character that no text of ours may hold."""
    return not find_forbidden_characters(text)


def is_language(tag: str) -> bool:
    """Tell whether ``tag`` is a language tag."""
    return is_language_tag(tag)


def is_hash(text: str) -> bool:
    """Tell whether ``text`` is a SHA-256 in lower-case hexadecimal digits."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def is_hash_or_empty(text: str) -> bool:
    """Tell whether ``text`` is a SHA-256, or empty because nothing was hashed."""
    return not text or is_hash(text)


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule over several columns of one row; ``column`` is where a breach is reported."""

    name: str
    column: str
    holds: Callable[[dict[str, Any]], bool]


def _options_differ(row: dict[str, Any]) -> bool:
    return bool(row["positive_option"] != row["negative_option"])


def _hash_matches(row: dict[str, Any]) -> bool:
    texts = (row["question"], row["positive_option"], row["negative_option"], row["language"])
    return bool(hash_content(*texts) == row["content_hash"])


def _answers_complete(row: dict[str, Any]) -> bool:
    asked = ("in_dimension", "safer", "operational_detail", "natural", "recommendation")
    answered = [row[column] != YesNo.NOT_ANSWERED for column in asked]
    return not any(answered) if row["skipped"] else all(answered)


def _judgement_complete(row: dict[str, Any]) -> bool:
    answered = [row[column] != YesNo.NOT_ANSWERED for column in ("verdict", "operational_detail")]
    return not any(answered) if row["skipped"] else all(answered)


def _revision_given(row: dict[str, Any]) -> bool:
    revised = any(
        row[f"revised_{column}"] for column in ("question", "positive_option", "negative_option")
    )
    return bool(revised == (row["recommendation"] == Recommendation.REVISE))


OPTIONS_DIFFER = RowRule("options differ", "negative_option", _options_differ)
HASH_MATCHES = RowRule("hash matches content", "content_hash", _hash_matches)
ANSWERS_COMPLETE = RowRule("answers complete", "recommendation", _answers_complete)
JUDGEMENT_COMPLETE = RowRule("judgement complete", "verdict", _judgement_complete)
REVISION_GIVEN = RowRule("revision given", "recommendation", _revision_given)

ROW_RULES = {
    rule.name: rule
    for rule in (
        OPTIONS_DIFFER,
        HASH_MATCHES,
        ANSWERS_COMPLETE,
        JUDGEMENT_COMPLETE,
        REVISION_GIVEN,
    )
}
"""Every row rule by its name."""
