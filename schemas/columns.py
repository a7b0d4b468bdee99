"""The columns of every table, as pandera checks them; `schemas.tables` puts them together.

A column of texts is never null: what does not apply is an empty string, what is missing has a label
of its own. The one nullable kind is a count of tokens that an endpoint did not tell.
"""

import pandera.pandas as pa

from schemas.column_kinds import (
    AT_MOST_ONE,
    HASH,
    HASH_OR_EMPTY,
    LANGUAGE,
    NOT_NEGATIVE,
    Columns,
    make_count,
    make_flag,
    make_label,
    make_letter,
    make_text,
    make_texts,
    make_version_key,
)
from schemas.labels import (
    Arm,
    Decision,
    DecisionMethod,
    DimensionKind,
    JudgeWord,
    Origin,
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
    "describe_question",
    "describe_rejection",
    "describe_release",
    "describe_ruling",
    "describe_word",
]


def describe_question() -> Columns:
    """Return the columns of the question table."""
    return {
        "item_id": make_text(),
        "dimension": make_text(),
        "question": make_text(),
        "language": pa.Column(str, LANGUAGE),
        "family": make_text(),
        "polarity": make_label(Polarity),
        # What the question was to be like, by the plan; empty where there was none.
        "cell": make_text(required=False),
        # The id of the question for which the same two options swap roles; empty where there is none.
        "twin": make_text(required=False),
        "origin": make_label(Origin),
        "question_source": make_text(),
        "question_prompt": pa.Column(str, HASH_OR_EMPTY),
        "question_call": pa.Column(str, HASH_OR_EMPTY),
        "source_id": make_text(required=False),
        "source_record": pa.Column(str),
    }


def describe_item() -> Columns:
    """Return the columns of the item table."""
    columns = describe_question() | {"positive_option": make_text(), "negative_option": make_text()}
    for side in ("positive", "negative"):
        columns |= {
            f"{side}_arm": make_label(Arm),
            f"{side}_source": make_text(),
            f"{side}_prompt": pa.Column(str, HASH_OR_EMPTY),
            f"{side}_call": pa.Column(str, HASH_OR_EMPTY),
            # What the judge said of the option as a reply, before any person saw it.
            f"{side}_verdict": make_label(JudgeWord),
        }
    columns |= {"negative_rung": make_label(Rung)}
    return columns | {"content_hash": pa.Column(str, HASH)}


def describe_finding() -> Columns:
    """Return the columns of the finding table."""
    # A finding on the items as a whole names none.
    return {
        "item_id": make_text(required=False),
        "content_hash": pa.Column(str, HASH_OR_EMPTY),
        "rule": make_text(),
        "severity": make_label(Severity),
        "evidence": make_text(required=False),
        "remedy": make_text(),
        "related_item": make_text(required=False),
    }


def describe_assignment() -> Columns:
    """Return the columns of the assignment table."""
    return make_version_key() | {
        "round": make_count(),
        "reviewer": make_text(),
        # The place in the order in which the reviewer is shown items, from 1.
        "position": make_count(),
        "shown_order": make_label(ShownOrder),
        "stratum": make_label(Stratum),
        # The chance that the item had to come into the round by its stratum; 1 where it was no draw.
        "probability": pa.Column(float, [NOT_NEGATIVE, AT_MOST_ONE]),
    }


def describe_gold() -> Columns:
    """Return the columns of the gold table."""
    return make_version_key() | {
        "dimension": make_text(),
        "question": make_text(),
        "positive_option": make_text(),
        "negative_option": make_text(),
        "language": pa.Column(str, LANGUAGE),
        # What is known to be right; an answer that is not known is not counted.
        "in_dimension": make_label(YesNo),
        "safer": make_label(Safer),
        "operational_detail": make_label(YesNo),
        "natural": make_label(YesNo),
        "recommendation": make_label(Recommendation),
        "reason": make_text(),
    }


def describe_annotation() -> Columns:
    """Return the columns of the annotation table."""
    return make_version_key() | {
        "round": make_count(),
        "reviewer": make_text(),
        "simulated": make_flag(),
        "guidelines_hash": pa.Column(str, HASH),
        "shown_order": make_label(ShownOrder),
        "in_dimension": make_label(YesNo),
        "safer": make_label(Safer),
        "operational_detail": make_label(YesNo),
        "natural": make_label(YesNo),
        "recommendation": make_label(Recommendation),
        "revised_question": make_text(required=False),
        "revised_positive_option": make_text(required=False),
        "revised_negative_option": make_text(required=False),
        "comment": make_text(required=False),
        "skipped": make_flag(),
        "skip_reason": make_text(required=False),
        "lead_time_s": pa.Column(float, NOT_NEGATIVE),
        # When a person answered, in UTC; empty where nobody noted it, or no person did.
        "answered_at": make_text(required=False),
    }


def describe_decision() -> Columns:
    """Return the columns of the decision table."""
    return make_version_key() | {
        "dimension": make_text(),
        "decision": make_label(Decision),
        "method": make_label(DecisionMethod),
        "decided_by": make_text(),
        "reason": make_text(required=False),
        "votes_accept": make_count(),
        "votes_revise": make_count(),
        "votes_reject": make_count(),
        "skips": make_count(),
        "question": make_text(),
        "positive_option": make_text(),
        "negative_option": make_text(),
        "language": pa.Column(str, LANGUAGE),
    }


def describe_dimension() -> Columns:
    """Return the columns of the dimension table."""
    return {
        "id": make_text(),
        "name": make_text(),
        "definition": make_text(),
        "in_scope": make_texts(),
        "out_of_scope": make_texts(),
        "examples": make_texts(),
        "aliases": make_texts(),
        "quota": make_count(),
        "kind": make_label(DimensionKind),
    }


def describe_edit() -> Columns:
    """Return the columns of the edit table."""
    return {
        "item_id": make_text(),
        "from_hash": pa.Column(str, HASH),
        "question": make_text(),
        "positive_option": make_text(),
        "negative_option": make_text(),
        "language": pa.Column(str, LANGUAGE),
        "content_hash": pa.Column(str, HASH),
        "by": make_text(),
        "reason": make_text(required=False),
    }


def describe_rejection() -> Columns:
    """Return the columns of the rejection table."""
    return {
        "item_id": make_text(),
        "dimension": make_text(required=False),
        "stage": make_text(),
        "reasons": make_text(),
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
        "kind": make_label(DimensionKind),
        "decision": make_label(Decision),
        "decision_method": make_label(DecisionMethod),
        "decided_by": make_text(),
        "order_1_positive": make_letter(),
    }


def describe_exclusion() -> Columns:
    """Return the columns of the exclusion table."""
    return {
        "reviewer": make_text(),
        "excluded": make_flag(),
        "by": make_text(),
        "reason": make_text(),
    }


def describe_word() -> Columns:
    """Return the columns of the word table."""
    return {"item_id": make_text(), "by": make_text(), "reason": make_text()}


def describe_by_hand() -> Columns:
    """Return the columns of the by hand table."""
    return {
        "item_id": make_text(),
        "positive_option": make_text(required=False),
        "negative_option": make_text(required=False),
        "by": make_text(),
    }


def describe_ruling() -> Columns:
    """Return the columns of the ruling table."""
    return describe_word() | {
        "content_hash": pa.Column(str, HASH),
        "decision": make_label(Decision),
    }
