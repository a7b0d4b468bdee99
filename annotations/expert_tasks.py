"""An expert's case as a task on a server: a case enters; what is shown of it, and the ruling, leave.

The expert sees how people voted and what they said. Which option is meant to be safe is not shown: every
member of a server can open every project, reviewers of the next round among them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from annotations.expert import DEFAULT_REASON, Case, Ruling
from annotations.tasks import Said, clean
from schemas.errors import DataError

__all__ = ["CaseTask", "read_ruling"]

_SIDES = ("positive_option", "negative_option")


@dataclass(frozen=True, slots=True)
class CaseTask:
    """One case as one expert is shown it."""

    reviewer: str
    case: Case

    @property
    def task_id(self) -> str:
        """A name for ever of this version of this item for this expert."""
        return self._hash("task")[:20]

    @property
    def round_number(self) -> int:
        """Cases are no matter of rounds."""
        return 1

    @property
    def item_id(self) -> str:
        """The item that waits."""
        return self.case.item_id

    @property
    def content_hash(self) -> str:
        """Its version."""
        return self.case.content_hash

    @property
    def names(self) -> Mapping[str, str]:
        """The name of each text by what it is called on the screen."""
        first, second = _SIDES if int(self._hash("side")[:8], 16) % 2 else _SIDES[::-1]
        return {"question": "question", "option_a": first, "option_b": second}

    @property
    def shown(self) -> Mapping[str, str]:
        """The texts that the expert sees, by name."""
        case = self.case
        called = {text: name.replace("_", " ").capitalize() for name, text in self.names.items()}
        # Everybody sees the options in an order of their own: a letter in a comment is that person's.
        said = [f"said (letters are the speaker's own): {comment}" for comment in case.said]
        for revision, count in case.revisions:
            texts = "; ".join(f"{called[name]}: {text}" for name, text in revision.items())
            said.append(f"corrected by {count}: {texts}")
        return {
            "dimension": case.dimension,
            "definition": case.definition,
            **{name: case.texts[text] for name, text in self.names.items()},
            "votes": case.votes,
            "said": "\n".join(said) or "nothing",
        }

    def _hash(self, what: str) -> str:
        key = f"{what}/{self.reviewer}/{self.item_id}/{self.content_hash}"
        return hashlib.sha256(key.encode("utf-8")).hexdigest()


def read_ruling(said: Said, task: CaseTask) -> tuple[Ruling, Mapping[str, str], str] | None:
    """Return ruling, corrected texts and reason; None where the expert leaves the case open.

    ``said`` holds ``skipped``, or ``ruling`` ("accept", "revise", "reject"), on revise the texts, of
    which those equal to what was shown are unchanged, and the reason as ``comment``. Raises `DataError`
    for another ruling, or a revision that changes nothing.
    """
    if said.get("skipped"):
        return None
    if said.get("ruling") not in list(Ruling):
        raise DataError(f"ruling is {said.get('ruling')!r}, not one of {', '.join(Ruling)}.")
    ruling, reason = Ruling(said["ruling"]), clean(said.get("comment")) or DEFAULT_REASON
    texts: dict[str, str] = {}
    if ruling is Ruling.REVISE:
        given = {text: clean(said.get(name)) for name, text in task.names.items()}
        before = task.case.texts
        texts = {text: new for text, new in given.items() if new and new != before[text]}
        if not texts:
            raise DataError("revise was chosen, and no text was corrected.")
    return ruling, texts, reason
