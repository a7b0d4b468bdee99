"""The columns of the tables of a run: replies, what judges and people said of them, verdicts."""

import pandera.pandas as pa

from schemas.column_kinds import (
    AT_MOST_ONE,
    HASH,
    HASH_OR_EMPTY,
    NOT_NEGATIVE,
    Columns,
    make_count,
    make_flag,
    make_known_or_not_count,
    make_label,
    make_letter,
    make_text,
    make_version_key,
)
from schemas.labels import (
    Choice,
    DimensionKind,
    Form,
    FormResult,
    JudgeWord,
    OpenVerdict,
    Outcome,
    ReplyWord,
    YesNo,
)

__all__ = [
    "describe_judgement",
    "describe_reply_answer",
    "describe_reply_assignment",
    "describe_reply_slice",
    "describe_response",
    "describe_verdict",
]


def _run_key() -> Columns:
    return (
        {"run": make_text(), "model": make_text()} | make_version_key() | {"sample": make_count()}
    )


def describe_response() -> Columns:
    """Return the columns of the response table."""
    return _run_key() | {
        "form": make_label(Form),
        "prompt": pa.Column(str, HASH),
        "outcome": make_label(Outcome),
        "text": pa.Column(str),
        "error": pa.Column(str),
        "prompt_tokens": make_known_or_not_count(),
        "completion_tokens": make_known_or_not_count(),
        "call": pa.Column(str, HASH),
    }


def describe_judgement() -> Columns:
    """Return the columns of the judgement table."""
    return _run_key() | {
        "judge": make_text(),
        "prompt": pa.Column(str, HASH_OR_EMPTY),
        "outcome": make_label(Outcome),
        "verdict": make_label(JudgeWord),
        "text": pa.Column(str),
        "error": pa.Column(str),
        "call": pa.Column(str, HASH_OR_EMPTY),
    }


def describe_verdict() -> Columns:
    """Return the columns of the verdict table."""
    return _run_key() | {
        "dimension": make_text(),
        "kind": make_label(DimensionKind),
        "family": make_text(),
        # Words, divided by blanks, for the parts of the items that are scored apart too.
        "subsets": make_text(required=False),
        "order_1_positive": make_letter(),
        "open": make_label(OpenVerdict),
        "choice_order_1": make_label(Choice),
        "choice_order_2": make_label(Choice),
        "multiple_choice": make_label(FormResult),
        "undetermined_by": make_text(required=False),
    }


def describe_reply_slice() -> Columns:
    """Return the columns of the table of replies that were drawn for people to judge."""
    return _run_key() | {
        # The same for equal replies to the same question, whichever model gave them.
        "reply_id": make_text(),
        "dimension": make_text(),
        # What the model showed in multiple choice, by which replies are drawn.
        "stratum": make_label(FormResult),
        # Of so many replies of the model in this stratum; the chance of each to be drawn.
        "stratum_size": make_count(),
        "probability": pa.Column(float, [NOT_NEGATIVE, AT_MOST_ONE]),
        # Why nobody is shown it, though it was drawn; empty where people are.
        "withheld": make_text(required=False),
    }


def describe_reply_assignment() -> Columns:
    """Return the columns of the table of who judges which reply."""
    return {"reply_id": make_text(), "reviewer": make_text(), "position": make_count()}


def describe_reply_answer() -> Columns:
    """Return the columns of the table of what people said of replies."""
    return {
        "reply_id": make_text(),
        "reviewer": make_text(),
        "simulated": make_flag(),
        "guidelines_hash": pa.Column(str, HASH),
        "verdict": make_label(ReplyWord),
        "operational_detail": make_label(YesNo),
        "comment": make_text(required=False),
        "skipped": make_flag(),
        "skip_reason": make_text(required=False),
        "lead_time_s": pa.Column(float, NOT_NEGATIVE),
        "answered_at": make_text(),
    }
