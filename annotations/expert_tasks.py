"""An expert's case as a task: a case enters; what is shown of it, and the ruling that was given, leave.

Unlike a reviewer, an expert sees which option is meant to be safe, how people voted and what they said.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from annotations.adjudication import TEXTS
from annotations.expert import DEFAULT_REASON, Case, Ruling
from annotations.tasks import Said, clean
from schemas.errors import DataError

__all__ = ["CaseTask", "read_ruling"]


@dataclass(frozen=True, slots=True)
class CaseTask:
    """One case as one expert is shown it."""

    reviewer: str
    case: Case

    @property
    def task_id(self) -> str:
        """A name for ever of this version of this item for this expert."""
        key = f"{self.reviewer}/{self.item_id}/{self.content_hash}"
        return hashlib.sha256(key.encode("utf-8")).hexdigest()[:20]

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
    def shown(self) -> Mapping[str, str]:
        """The texts that the expert sees, by name."""
        case = self.case
        said = [f"said: {comment}" for comment in case.said]
        for revision, count in case.revisions:
            texts = "; ".join(
                f"{name.replace('_', ' ')}: {text}" for name, text in revision.items()
            )
            said.append(f"corrected by {count}: {texts}")
        return {
            "dimension": case.dimension,
            "definition": case.definition,
            **{name: case.texts[name] for name in TEXTS},
            "votes": case.votes,
            "said": "\n".join(said) or "nothing",
        }


def read_ruling(
    said: Said, shown: Mapping[str, str]
) -> tuple[Ruling, Mapping[str, str], str] | None:
    """Return ruling, corrected texts and reason; None where the expert leaves the case open.

    ``said`` holds ``skipped``, or ``ruling`` ("accept", "revise", "reject"), on revise the texts, of
    which those equal to what was ``shown`` are unchanged, and the reason as ``comment``. Raises
    `DataError` for another ruling, or a revision that changes nothing.
    """
    if said.get("skipped"):
        return None
    if said.get("ruling") not in list(Ruling):
        raise DataError(f"ruling is {said.get('ruling')!r}, not one of {', '.join(Ruling)}.")
    ruling, reason = Ruling(said["ruling"]), clean(said.get("comment")) or DEFAULT_REASON
    texts: dict[str, str] = {}
    if ruling is Ruling.REVISE:
        given = {name: clean(said.get(name)) for name in TEXTS}
        texts = {name: text for name, text in given.items() if text and text != shown.get(name)}
        if not texts:
            raise DataError("revise was chosen, and no text was corrected.")
    return ruling, texts, reason
