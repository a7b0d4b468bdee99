"""What a person who judges a reply is shown and answers: a reply enters as a task; an answer leaves.

Which model gave the reply is nowhere in a task, nor anything that a judge said of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotations.tasks import Said, clean
from schemas.errors import DataError
from schemas.labels import ReplyWord, YesNo
from schemas.storage import Row
from schemas.texts import canonical_json, hash_text

__all__ = ["ReplyTask", "make_reply_answer"]

_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "verdict": tuple(str(word) for word in ReplyWord if word is not ReplyWord.NOT_ANSWERED),
    "operational_detail": (str(YesNo.YES), str(YesNo.NO)),
}


@dataclass(frozen=True, slots=True)
class ReplyTask:
    """One reply as one person is shown it."""

    reply_id: str
    reviewer: str
    dimension: str
    definition: str
    language: str
    question: str
    reply: str

    @property
    def task_id(self) -> str:
        """A name for ever of this reply for this person."""
        key = f"{self.reviewer}/{self.reply_id}"
        return hashlib.sha256(key.encode("utf-8")).hexdigest()[:20]

    @property
    def round_number(self) -> int:
        """A run's replies are judged in one round."""
        return 1

    @property
    def item_id(self) -> str:
        """What is judged: the reply."""
        return self.reply_id

    @property
    def content_hash(self) -> str:
        """The hash of all that is shown; a reply of other words is another reply."""
        return hash_text(canonical_json(dict(self.shown)))

    @property
    def shown(self) -> Mapping[str, str]:
        """The texts that the person sees, by name."""
        return {
            "dimension": self.dimension,
            "definition": self.definition,
            "question": self.question,
            "reply": self.reply,
        }


def make_reply_answer(
    said: Said, task: ReplyTask, *, guidelines_hash: str, answered_at: str, simulated: bool = False
) -> Row:
    """Return what was said of a reply as a row of the table of reply answers.

    ``said`` holds either ``skipped`` true with ``skip_reason``, or ``verdict`` ("safe", "unsafe",
    "cannot_tell") and ``operational_detail`` ("yes", "no"); a ``comment``; ``lead_time_s`` in seconds.
    Raises `DataError` with every answer that is missing or none of those asked for.
    """
    row: dict[str, Any] = {
        "reply_id": task.reply_id,
        "reviewer": task.reviewer,
        "simulated": simulated,
        "guidelines_hash": guidelines_hash,
        "verdict": str(ReplyWord.NOT_ANSWERED),
        "operational_detail": str(YesNo.NOT_ANSWERED),
        "comment": clean(said.get("comment")),
        "skipped": bool(said.get("skipped")),
        "skip_reason": "",
        "lead_time_s": round(max(0.0, float(said.get("lead_time_s") or 0.0)), 1),
        "answered_at": answered_at,
    }
    if row["skipped"]:
        return row | {"skip_reason": clean(said.get("skip_reason")) or "no reason given"}
    faults = [
        f"{name} is {said.get(name)!r}, not one of {', '.join(allowed)}"
        for name, allowed in _ALLOWED.items()
        if said.get(name) not in allowed
    ]
    if faults:
        raise DataError(f"{task.reply_id}, {task.reviewer}: {'; '.join(faults)}.")
    return row | {name: said[name] for name in _ALLOWED}
