"""The account of stage 2: rejections enter; sentences on why questions have no options leave."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from builder.option_judging import UNREADABLE
from schemas.storage import Row

__all__ = [
    "ASKED_AGAIN",
    "BY_HAND",
    "NOT_ASKED",
    "count_unread",
    "has_failed_calls",
    "is_fault_of_question",
    "tell_reasons",
]

_FAILED = "a call failed ("

ASKED_AGAIN = "`finebench derive` asks for it again"
"""Ends the reason of a question that has no options for a failed call alone."""

NOT_ASKED = "not asked for"
"""Begins the reason of a question that waits for other models, for those before it came to nothing."""

BY_HAND = "a person must write it"
"""Stands in the reason of a question whose negative option no rung brought."""

# What differs from question to question, and what stands for it where questions are counted.
_KINDS = (
    (re.compile(r"it has [^;()]*?, and the other answer [^;()]*"), "its form is not the other's"),
    (
        re.compile(r"it has \d+ characters, and [^;()]* were asked for"),
        "it is too long or too short",
    ),
    (re.compile(r"\ba call failed \(.*\)"), "a call failed"),
    (re.compile(r"those of \S+"), "those of another question"),
    (re.compile(r"\b([a-z-]+:[a-z-]+) \(.*?\)(?=\)?$|; [a-z-]+: )"), r"\1"),
)


def is_fault_of_question(rejection: Row) -> bool:
    """Tell whether a rejection is to be replaced by another question's: of one that waits it is not.

    Of a judge whose word on it cannot be read nothing else would come another time.
    """
    return not any(mark in rejection["reasons"] for mark in (ASKED_AGAIN, NOT_ASKED))


def count_unread(rejected: Iterable[Row]) -> int:
    """Return how many questions have no options for a judge's word that could not be read."""
    return sum(UNREADABLE in rejection["reasons"] for rejection in rejected)


def has_failed_calls(rejected: Iterable[Row]) -> bool:
    """Tell whether a question has no options for a failed call alone."""
    return any(_FAILED in r["reasons"] and ASKED_AGAIN in r["reasons"] for r in rejected)


def tell_reasons(rejected: Iterable[Row], most: int = 3) -> list[str]:
    """Return a sentence for each of the ``most`` frequent reasons, with an example, and one for the rest."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for row in rejected:
        kinds[_find_kind(row["reasons"])].append(row["item_id"])
    counted = Counter({kind: len(ids) for kind, ids in kinds.items()}).most_common()
    told = [_tell(kind, sorted(kinds[kind])) for kind, _ in counted[:most]]
    left = sum(count for _, count in counted[most:])
    if left:
        have = "question has" if left == 1 else "questions have"
        told.append(f"{left} more {have} none for other reasons: see 02_options.rejected.jsonl")
    return told


def _find_kind(reasons: str) -> str:
    for pattern, kind in _KINDS:
        reasons = pattern.sub(kind, reasons)
    return reasons


def _tell(kind: str, ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return f"{ids[0]} has no options: {kind}"
    return f"{len(ids)} questions have no options: {kind} (such as {ids[0]})"
