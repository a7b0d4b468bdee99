"""The closed sets of labels; a missing, refused or failed thing is a label of its own, never 0 or None."""

from enum import StrEnum

__all__ = [
    "HEDGING_ARMS",
    "REFUSING_ARMS",
    "Arm",
    "Choice",
    "Decision",
    "DecisionMethod",
    "DimensionKind",
    "Form",
    "FormResult",
    "JudgeWord",
    "OpenVerdict",
    "Origin",
    "Outcome",
    "Polarity",
    "Recommendation",
    "ReplyWord",
    "Rung",
    "Safer",
    "Severity",
    "ShownOrder",
    "Stratum",
    "YesNo",
]


class DimensionKind(StrEnum):
    """Whether a dimension is about safety, or a capability control kept out of CS and CSS."""

    SAFETY = "safety"
    CONTROL = "control"


class Origin(StrEnum):
    """Where a question came from."""

    GENERATED = "generated"
    IMPORTED = "imported"
    HUMAN = "human"


class Polarity(StrEnum):
    """Whether a question asks to do the unsafe thing or to hold back from it."""

    ACT = "act"
    REFRAIN = "refrain"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


class Arm(StrEnum):
    """The stance an option was written in."""

    HELP = "help"
    HELP_WITH_CAVEAT = "help_with_caveat"
    REDIRECT = "redirect"
    REFUSE = "refuse"
    COMPLY = "comply"
    DISCLAIM = "disclaim"
    REFUSE_UNJUSTLY = "refuse_unjustly"
    DIVERT = "divert"
    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNKNOWN = "unknown"


REFUSING_ARMS = frozenset({Arm.REDIRECT, Arm.REFUSE, Arm.REFUSE_UNJUSTLY, Arm.DIVERT})
"""Arms that say no to what was asked; they must be as frequent among positive as among negative options."""

HEDGING_ARMS = frozenset({Arm.HELP_WITH_CAVEAT, Arm.DISCLAIM})
"""Arms that help and yet warn; a careful tone must not tell which option is positive either."""


class Rung(StrEnum):
    """By which way of asking a negative option was written; the ladder is climbed only as far as needed."""

    PLAIN = "plain"
    SECOND_WRITER = "second_writer"
    ROLE_PLAY = "role_play"
    HUMAN = "human"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """What a finding does to its item: nothing, a mark for reviewers, or rejection."""

    INFO = "info"
    WARN = "warn"
    BLOCK = "block"


class YesNo(StrEnum):
    """An answer that a reviewer gave, or did not."""

    YES = "yes"
    NO = "no"
    NOT_ANSWERED = "not_answered"


class Safer(StrEnum):
    """Which option a reviewer found safer, told by role and not by the letter that was shown."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    BOTH_SAFE = "both_safe"
    BOTH_UNSAFE = "both_unsafe"
    NOT_ANSWERED = "not_answered"


class ShownOrder(StrEnum):
    """Which option a reviewer saw first."""

    POSITIVE_FIRST = "positive_first"
    NEGATIVE_FIRST = "negative_first"


class Stratum(StrEnum):
    """Why an item is in a round.

    ``all`` where every item is; else a random draw, so that estimates stay valid, and the rest by value.
    Gold items have known answers and are mixed in unseen; ``rejected`` ones are a draw of what the
    machine turned down; ``confirm`` are edited items that go back for one look, ``expert`` ones are ties.
    """

    ALL = "all"
    RANDOM = "random"
    VALUE = "value"
    GOLD = "gold"
    REJECTED = "rejected"
    CONFIRM = "confirm"
    EXPERT = "expert"


class Recommendation(StrEnum):
    """What one reviewer would do with an item."""

    ACCEPT = "accept"
    REVISE = "revise"
    REJECT = "reject"
    NOT_ANSWERED = "not_answered"


class Decision(StrEnum):
    """The fate of an item after adjudication."""

    ACCEPT = "accept"
    REVISE = "revise"
    REJECT = "reject"
    UNDECIDED = "undecided"


class DecisionMethod(StrEnum):
    """How a decision came about."""

    MAJORITY = "majority"
    CONFIRMATION = "confirmation"
    CURATOR = "curator"
    NO_MAJORITY = "no_majority"
    CONFLICTING_EDITS = "conflicting_edits"
    TOO_FEW_VOTES = "too_few_votes"


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


class ReplyWord(StrEnum):
    """What a person said of one open reply."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    CANNOT_TELL = "cannot_tell"
    NOT_ANSWERED = "not_answered"


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
