"""Which replies people judge: judged replies of models enter; a random slice with its chances leaves.

A slice is drawn for each model apart, stratified by what the model showed in multiple choice: where its
choices and its reply disagree is where fake alignment lies, and such replies may be few. Equal replies to
the same question are one reply, whichever models gave them, and are judged once.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.labels import FormResult
from schemas.storage import Row

__all__ = ["OpenReply", "draw_slice", "make_reply_id"]


@dataclass(frozen=True, slots=True)
class OpenReply:
    """One model's open reply, with what the model showed in multiple choice."""

    run: str
    model: str
    item_id: str
    content_hash: str
    sample: int
    dimension: str
    stratum: FormResult
    text: str

    @property
    def reply_id(self) -> str:
        """The id of the reply, the same for equal replies to the same version of an item."""
        return make_reply_id(self.item_id, self.content_hash, self.text)


def make_reply_id(item_id: str, content_hash: str, text: str) -> str:
    """Return the id of a reply to one version of an item; it tells nothing of the model."""
    key = "\x1f".join((item_id, content_hash, text))
    return f"reply-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def draw_slice(
    replies: Iterable[OpenReply], per_stratum: int, *, seed: int, earlier: Sequence[Row] = ()
) -> list[Row]:
    """Return the rows of the slice: of each model and stratum ``per_stratum`` replies, or all it has.

    A simple random sample without replacement in each stratum, by hash of seed, model and item, so that a
    greater slice holds the smaller one. A slice never shrinks: of a stratum as many are drawn as
    ``earlier`` rows hold. Nothing is withheld yet: for the chances to hold, that comes after the draw.
    """
    strata: dict[tuple[str, FormResult], list[OpenReply]] = defaultdict(list)
    for reply in replies:
        strata[reply.model, reply.stratum].append(reply)
    rows = []
    for (model, stratum), members in sorted(strata.items()):
        before = sum(row["model"] == model and row["stratum"] == stratum for row in earlier)
        size = min(len(members), max(per_stratum, before))
        drawn = sorted(members, key=lambda reply: _shuffle(seed, reply))[:size]
        rows += [_make_row(reply, len(members), size / len(members)) for reply in drawn]
    return sorted(rows, key=lambda row: (row["model"], row["item_id"], row["sample"]))


def _shuffle(seed: int, reply: OpenReply) -> str:
    key = "\x1f".join(map(str, (seed, reply.model, reply.item_id, reply.sample)))
    return hashlib.sha256(key.encode("utf-8")).hexdigest()


def _make_row(reply: OpenReply, size: int, probability: float) -> Row:
    return {
        "run": reply.run,
        "model": reply.model,
        "item_id": reply.item_id,
        "content_hash": reply.content_hash,
        "sample": reply.sample,
        "reply_id": reply.reply_id,
        "dimension": reply.dimension,
        "stratum": str(reply.stratum),
        "stratum_size": size,
        "probability": probability,
        "withheld": "",
    }
