"""What a reviewer is shown and answers: an item enters as a task without roles; answers leave with them.

Which option is positive is nowhere in a task, nor anything that a model said of it. Front ends, the
terminal and Label Studio alike, show tasks and bring back what was said in their terms: A and B.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from annotations.rounds import Answers
from schemas.errors import DataError
from schemas.labels import Recommendation, Safer, ShownOrder, YesNo
from schemas.taxonomy import Dimension
from schemas.texts import find_forbidden_characters, trim

__all__ = ["SAFER_LETTERS", "ReviewTask", "Said", "ShownTask", "clean", "make_answers", "make_task"]

# No question, option or remark is longer than this; what is pasted by mistake is.
_MOST_TYPED = 10_000
_READ = 4 * _MOST_TYPED

SAFER_LETTERS = ("A", "B", "both_safe", "both_unsafe")
"""What may be said of the safer option."""

Said = Mapping[str, Any]
"""What a reviewer said, in terms of the task.

Either ``skipped`` true with ``skip_reason``, or ``in_dimension``, ``operational_detail`` and ``natural``
("yes", "no"), ``safer`` (one of `SAFER_LETTERS`), ``recommendation`` ("accept", "revise", "reject"); on
revise the corrected ``question``, ``option_a``, ``option_b``, of which those left out or equal to the
original are unchanged; a ``comment``; ``lead_time_s`` in seconds.
"""


class ShownTask(Protocol):
    """Whatever a person is asked about: an item, a model's reply, a case for an expert.

    ``task_id`` names it for ever; ``item_id`` and ``content_hash`` say what it is about, and in which
    version; ``shown`` holds the texts that its reviewer sees, by name.
    """

    @property
    def task_id(self) -> str:
        """A name for ever."""

    @property
    def round_number(self) -> int:
        """The round that it is asked in."""

    @property
    def reviewer(self) -> str:
        """Who is asked, by pseudonym."""

    @property
    def item_id(self) -> str:
        """What it is about."""

    @property
    def content_hash(self) -> str:
        """In which version."""

    @property
    def shown(self) -> Mapping[str, str]:
        """All that is shown."""


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """One item as one reviewer is shown it. ``task_id`` names it for ever, and says nothing of its roles."""

    task_id: str
    round_number: int
    reviewer: str
    item_id: str
    content_hash: str
    dimension: str
    definition: str
    language: str
    question: str
    option_a: str
    option_b: str

    @property
    def shown(self) -> Mapping[str, str]:
        """The texts that the reviewer sees, by name."""
        return {
            "dimension": self.dimension,
            "definition": self.definition,
            "question": self.question,
            "option_a": self.option_a,
            "option_b": self.option_b,
        }


def make_task(
    item: Mapping[str, Any],
    dimension: Dimension,
    *,
    reviewer: str,
    round_number: int,
    shown_order: ShownOrder,
) -> ReviewTask:
    """Return the task of one reviewer on one version of one item."""
    options = [item["positive_option"], item["negative_option"]]
    if shown_order is ShownOrder.NEGATIVE_FIRST:
        options.reverse()
    key = f"{round_number}/{reviewer}/{item['item_id']}/{item['content_hash']}"
    return ReviewTask(
        task_id=hashlib.sha256(key.encode("utf-8")).hexdigest()[:20],
        round_number=round_number,
        reviewer=reviewer,
        item_id=item["item_id"],
        content_hash=item["content_hash"],
        dimension=dimension.name,
        definition=dimension.definition,
        language=item["language"],
        question=item["question"],
        option_a=options[0],
        option_b=options[1],
    )


def make_answers(said: Said, task: ReviewTask, shown_order: ShownOrder) -> Answers:
    """Return what a reviewer said as columns of the annotation table, letters turned into roles.

    Raises `DataError` with every answer that is missing or none of those asked for: a server may take
    what its form would not have let through.
    """
    time = {"lead_time_s": round(max(0.0, float(said.get("lead_time_s") or 0.0)), 1)}
    if said.get("skipped"):
        reason = clean(said.get("skip_reason")) or "no reason given"
        return {
            "skipped": True,
            "skip_reason": reason,
            "comment": clean(said.get("comment")),
        } | time
    faults = [
        f"{name} is {said.get(name)!r}, not one of {', '.join(allowed)}"
        for name, allowed in _ALLOWED.items()
        if said.get(name) not in allowed
    ]
    revised = _read_revision(said, task, shown_order)
    is_revision = said.get("recommendation") == Recommendation.REVISE
    if is_revision and not any(revised.values()):
        faults.append("revise was chosen, and no text was corrected")
    if faults:
        raise DataError(f"{task.item_id}, {task.reviewer}: {'; '.join(faults)}.")
    answers = {name: said[name] for name in _ALLOWED} | {"comment": clean(said.get("comment"))}
    answers["safer"] = _find_role(said["safer"], shown_order)
    return answers | (revised if is_revision else {}) | time


_YES_NO = (str(YesNo.YES), str(YesNo.NO))
_ALLOWED = {
    "in_dimension": _YES_NO,
    "safer": SAFER_LETTERS,
    "operational_detail": _YES_NO,
    "natural": _YES_NO,
    "recommendation": tuple(str(r) for r in Recommendation if r is not Recommendation.NOT_ANSWERED),
}


def _find_role(letter: str, shown_order: ShownOrder) -> str:
    if letter not in ("A", "B"):
        return letter
    is_positive = (letter == "A") is (shown_order is ShownOrder.POSITIVE_FIRST)
    return str(Safer.POSITIVE if is_positive else Safer.NEGATIVE)


def _read_revision(said: Said, task: ReviewTask, shown_order: ShownOrder) -> dict[str, str]:
    """Return the corrected texts by column; a text that was left as it is, is empty."""
    sides = ["positive_option", "negative_option"]
    if shown_order is ShownOrder.NEGATIVE_FIRST:
        sides.reverse()
    shown = {
        "question": ("question", task.question),
        "option_a": (sides[0], task.option_a),
        "option_b": (sides[1], task.option_b),
    }
    revised = {}
    for name, (column, before) in shown.items():
        text = clean(said.get(name))
        revised[f"revised_{column}"] = "" if text == before else text
    return revised


def clean(text: object) -> str:
    """Return what somebody typed, trimmed, without lone surrogates and control codes, its beginning if need be.

    A browser or terminal may deliver such; they do not belong into a row.
    """
    kept = "".join(c for c in str(text or "")[:_READ] if not find_forbidden_characters(c))
    return trim(kept)[:_MOST_TYPED]
