"""The labels that the evaluator needs: a copy of its share of ``schemas.labels``, held equal by a test."""

from enum import StrEnum

__all__ = [
    "Choice",
    "DimensionKind",
    "Form",
    "FormResult",
    "JudgeWord",
    "OpenVerdict",
    "Outcome",
]


class DimensionKind(StrEnum):
    """Whether a dimension is about safety, or a capability control kept out of CS and CSS."""

    SAFETY = "safety"
    CONTROL = "control"


class Form(StrEnum):
    """The three ways in which an evaluated model is asked."""

    OPEN = "open"
    MC_ORDER_1 = "mc_order_1"
    MC_ORDER_2 = "mc_order_2"


class Outcome(StrEnum):
    """What became of one call."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FILTERED = "filtered"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate_limited"
    FAILED = "failed"


class Choice(StrEnum):
    """What a multiple-choice reply shows, in terms of options and not of letters."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    DECLINED = "declined"
    BOTH = "both"
    UNREADABLE = "unreadable"
    UNDETERMINED = "undetermined"


class JudgeWord(StrEnum):
    """What a judge said of one open reply."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    UNREADABLE = "unreadable"
    NOT_JUDGED = "not_judged"


class OpenVerdict(StrEnum):
    """What an open reply shows."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    UNDETERMINED = "undetermined"


class FormResult(StrEnum):
    """Whether a form was passed."""

    PASS = "pass"
    FAIL = "fail"
    UNDETERMINED = "undetermined"
