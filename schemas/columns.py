"""The columns of every table, as pandera checks them; `schemas.tables` puts them together.

A column of texts is never null: what does not apply is an empty string, what is missing has a label
of its own. The one nullable kind is a count of tokens that an endpoint did not tell.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pandera.pandas as pa

from schemas import rules
from schemas.labels import (
    Arm,
    Choice,
    Decision,
    DecisionMethod,
    DimensionKind,
    Form,
    FormResult,
    JudgeWord,
    OpenVerdict,
    Origin,
    Outcome,
    Polarity,
    Recommendation,
    Rung,
    Safer,
    Severity,
    ShownOrder,
    Stratum,
    YesNo,
)

__all__ = [
    "Columns",
    "describe_annotation",
    "describe_assignment",
    "describe_by_hand",
    "describe_decision",
    "describe_dimension",
    "describe_edit",
    "describe_exclusion",
    "describe_finding",
    "describe_gold",
    "describe_item",
    "describe_judgement",
    "describe_question",
    "describe_rejection",
    "describe_release",
    "describe_response",
    "describe_ruling",
    "describe_verdict",
    "describe_word",
]


def _check(name: str, holds: Callable[[Any], bool]) -> pa.Check:
    return pa.Check(holds, element_wise=True, name=name, error=name)


NOT_BLANK = _check("not blank", rules.is_not_blank)
TRIMMED = _check("ends trimmed", rules.is_trimmed)
CLEAN = _check("no control characters", rules.is_clean)
LANGUAGE = _check("language tag", rules.is_language)
HASH = _check("sha-256", rules.is_hash)
HASH_OR_EMPTY = _check("sha-256", rules.is_hash_or_empty)
AT_MOST_ONE = pa.Check(lambda s: s <= 1, name="at most 1", error="at most 1")
NOT_NEGATIVE = pa.Check(lambda s: s >= 0, name="not negative", error="not negative")


def _text(*, required: bool = True) -> pa.Column:
    checks = [NOT_BLANK, TRIMMED, CLEAN] if required else [TRIMMED, CLEAN]
    return pa.Column(str, checks)


def _label(labels: type[StrEnum]) -> pa.Column:
    known = [str(label) for label in labels]
    return pa.Column(str, pa.Check.isin(known, name="known label", error="known label"))


def _flag() -> pa.Column:
    return pa.Column(bool)


def _count() -> pa.Column:
    return pa.Column(int, NOT_NEGATIVE)


def _known_or_not_count() -> pa.Column:
    return pa.Column("Int64", NOT_NEGATIVE, nullable=True)


def _texts() -> pa.Column:
    return pa.Column(object)


Columns = dict[str, pa.Column]


def describe_question() -> Columns:
    """Return the columns of the question table."""
    return {
        "item_id": _text(),
        "dimension": _text(),
        "question": _text(),
        "language": pa.Column(str, LANGUAGE),
        "family": _text(),
        "polarity": _label(Polarity),
        # What the question was to be like, by the plan; empty where there was none.
        "cell": _text(required=False),
        # The id of the question for which the same two options swap roles; empty where there is none.
        "twin": _text(required=False),
        "origin": _label(Origin),
        "question_source": _text(),
        "question_prompt": pa.Column(str, HASH_OR_EMPTY),
        "question_call": pa.Column(str, HASH_OR_EMPTY),
        "source_id": _text(required=False),
        "source_record": pa.Column(str),
    }


def describe_item() -> Columns:
    """Return the columns of the item table."""
    columns = describe_question() | {"positive_option": _text(), "negative_option": _text()}
    for side in ("positive", "negative"):
        columns |= {
            f"{side}_arm": _label(Arm),
            f"{side}_source": _text(),
            f"{side}_prompt": pa.Column(str, HASH_OR_EMPTY),
            f"{side}_call": pa.Column(str, HASH_OR_EMPTY),
            # What the judge said of the option as a reply, before any person saw it.
            f"{side}_verdict": _label(JudgeWord),
        }
    columns |= {"negative_rung": _label(Rung)}
    return columns | {"content_hash": pa.Column(str, HASH)}


def _version_key() -> Columns:
    return {"item_id": _text(), "content_hash": pa.Column(str, HASH)}


def describe_finding() -> Columns:
    """Return the columns of the finding table."""
    # A finding on the items as a whole names none.
    return {
        "item_id": _text(required=False),
        "content_hash": pa.Column(str, HASH_OR_EMPTY),
        "rule": _text(),
        "severity": _label(Severity),
        "evidence": _text(required=False),
        "remedy": _text(),
        "related_item": _text(required=False),
    }


def describe_assignment() -> Columns:
    """Return the columns of the assignment table."""
    return _version_key() | {
        "round": _count(),
        "reviewer": _text(),
        # The place in the order in which the reviewer is shown items, from 1.
        "position": _count(),
        "shown_order": _label(ShownOrder),
        "stratum": _label(Stratum),
        # The chance that the item had to come into the round by its stratum; 1 where it was no draw.
        "probability": pa.Column(float, [NOT_NEGATIVE, AT_MOST_ONE]),
    }


def describe_gold() -> Columns:
    """Return the columns of the gold table."""
    return _version_key() | {
        "dimension": _text(),
        "question": _text(),
        "positive_option": _text(),
        "negative_option": _text(),
        "language": pa.Column(str, LANGUAGE),
        # What is known to be right; an answer that is not known is not counted.
        "in_dimension": _label(YesNo),
        "safer": _label(Safer),
        "operational_detail": _label(YesNo),
        "natural": _label(YesNo),
        "recommendation": _label(Recommendation),
        "reason": _text(),
    }


def describe_annotation() -> Columns:
    """Return the columns of the annotation table."""
    return _version_key() | {
        "round": _count(),
        "reviewer": _text(),
        "simulated": _flag(),
        "guidelines_hash": pa.Column(str, HASH),
        "shown_order": _label(ShownOrder),
        "in_dimension": _label(YesNo),
        "safer": _label(Safer),
        "operational_detail": _label(YesNo),
        "natural": _label(YesNo),
        "recommendation": _label(Recommendation),
        "revised_question": _text(required=False),
        "revised_positive_option": _text(required=False),
        "revised_negative_option": _text(required=False),
        "comment": _text(required=False),
        "skipped": _flag(),
        "skip_reason": _text(required=False),
        "lead_time_s": pa.Column(float, NOT_NEGATIVE),
        # When a person answered, in UTC; empty where nobody noted it, or no person did.
        "answered_at": _text(required=False),
    }


def describe_decision() -> Columns:
    """Return the columns of the decision table."""
    return _version_key() | {
        "dimension": _text(),
        "decision": _label(Decision),
        "method": _label(DecisionMethod),
        "decided_by": _text(),
        "reason": _text(required=False),
        "votes_accept": _count(),
        "votes_revise": _count(),
        "votes_reject": _count(),
        "skips": _count(),
        "question": _text(),
        "positive_option": _text(),
        "negative_option": _text(),
        "language": pa.Column(str, LANGUAGE),
    }


def _run_key() -> Columns:
    return {"run": _text(), "model": _text()} | _version_key() | {"sample": _count()}


def describe_response() -> Columns:
    """Return the columns of the response table."""
    return _run_key() | {
        "form": _label(Form),
        "prompt": pa.Column(str, HASH),
        "outcome": _label(Outcome),
        "text": pa.Column(str),
        "error": pa.Column(str),
        "prompt_tokens": _known_or_not_count(),
        "completion_tokens": _known_or_not_count(),
        "call": pa.Column(str, HASH),
    }


def describe_judgement() -> Columns:
    """Return the columns of the judgement table."""
    return _run_key() | {
        "judge": _text(),
        "prompt": pa.Column(str, HASH_OR_EMPTY),
        "outcome": _label(Outcome),
        "verdict": _label(JudgeWord),
        "text": pa.Column(str),
        "error": pa.Column(str),
        "call": pa.Column(str, HASH_OR_EMPTY),
    }


def describe_verdict() -> Columns:
    """Return the columns of the verdict table."""
    return _run_key() | {
        "dimension": _text(),
        "kind": _label(DimensionKind),
        "open": _label(OpenVerdict),
        "choice_order_1": _label(Choice),
        "choice_order_2": _label(Choice),
        "multiple_choice": _label(FormResult),
        "undetermined_by": _text(required=False),
    }


def describe_dimension() -> Columns:
    """Return the columns of the dimension table."""
    return {
        "id": _text(),
        "name": _text(),
        "definition": _text(),
        "in_scope": _texts(),
        "out_of_scope": _texts(),
        "examples": _texts(),
        "aliases": _texts(),
        "quota": _count(),
        "kind": _label(DimensionKind),
    }


def describe_edit() -> Columns:
    """Return the columns of the edit table."""
    return {
        "item_id": _text(),
        "from_hash": pa.Column(str, HASH),
        "question": _text(),
        "positive_option": _text(),
        "negative_option": _text(),
        "language": pa.Column(str, LANGUAGE),
        "content_hash": pa.Column(str, HASH),
        "by": _text(),
        "reason": _text(required=False),
    }


def describe_rejection() -> Columns:
    """Return the columns of the rejection table."""
    return {
        "item_id": _text(),
        "dimension": _text(required=False),
        "stage": _text(),
        "reasons": _text(),
        "row": pa.Column(str),
    }


def describe_release() -> Columns:
    """Return the columns of the release table."""
    copied = {
        name: column
        for name, column in describe_item().items()
        if name not in {"question_call", "positive_call", "negative_call", "source_record"}
    }
    return copied | {
        "kind": _label(DimensionKind),
        "decision": _label(Decision),
        "decision_method": _label(DecisionMethod),
        "decided_by": _text(),
        "order_1_positive": pa.Column(
            str, pa.Check.isin(["A", "B"], name="known label", error="known label")
        ),
    }


def describe_exclusion() -> Columns:
    """Return the columns of the exclusion table."""
    return {"reviewer": _text(), "excluded": _flag(), "by": _text(), "reason": _text()}


def describe_word() -> Columns:
    """Return the columns of the word table."""
    return {"item_id": _text(), "by": _text(), "reason": _text()}


def describe_by_hand() -> Columns:
    """Return the columns of the by hand table."""
    return {
        "item_id": _text(),
        "positive_option": _text(required=False),
        "negative_option": _text(required=False),
        "by": _text(),
    }


def describe_ruling() -> Columns:
    """Return the columns of the ruling table."""
    return describe_word() | {
        "content_hash": pa.Column(str, HASH),
        "decision": _label(Decision),
    }
