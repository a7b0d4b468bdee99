"""Reviewers' votes for a release: answers on the released items enter; rows that name nobody leave.

Reviewers become numbers in an order that tells nothing of their pseudonyms; comments, corrections,
reasons of skips and dates stay in the workspace.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from annotations.selection import select_answers
from builder.exclusions import read_exclusions
from builder.release.card.column_notes import VOTE_NOTES
from builder.workspace import Stage, Workspace
from schemas.storage import Row
from schemas.texts import canonical_rows, hash_text

__all__ = ["VOTES", "list_votes", "make_votes"]

VOTES = "annotations/votes.jsonl"
"""Where votes lie in a release."""


def list_votes(workspace: Workspace, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the votes of a workspace on the released versions ``rows``."""
    answers = workspace.read_stage(Stage.ANNOTATIONS)
    excluded = read_exclusions(workspace)
    # Whether people reviewed is a matter of all items, not of those in this folder.
    items = [*workspace.read_stage(Stage.CHECKED), *rows]
    return make_votes(answers, items, rows, excluded=excluded)


def make_votes(
    answers: Iterable[Row],
    items: Iterable[Row],
    released: Sequence[Row],
    *,
    excluded: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return the votes that count on the versions in ``released``, one a reviewer and item.

    Where people reviewed any of ``items``, only their votes are among them.
    """
    selection = select_answers(answers, items, excluded=excluded)
    versions = {(row["item_id"], row["content_hash"]) for row in released}
    standing = [
        row
        for row in (*selection.answered, *selection.skipped)
        if (row["item_id"], row["content_hash"]) in versions
    ]
    names = _number_reviewers({row["reviewer"] for row in standing}, released)
    votes = [_make_vote(row, names[row["reviewer"]]) for row in standing]
    return sorted(votes, key=lambda vote: (vote["item_id"], vote["reviewer"]))


def _number_reviewers(reviewers: Collection[str], released: Sequence[Row]) -> dict[str, str]:
    """Return a number for each reviewer.

    The order is that of a hash with this release's rows, so that the same person has another number
    in the next release.
    """
    salt = hash_text(canonical_rows(released))
    ranked = sorted(reviewers, key=lambda name: hash_text(f"{salt}/{name}"))
    width = max(2, len(str(len(ranked))))
    return {name: f"reviewer-{n:0{width}d}" for n, name in enumerate(ranked, start=1)}


def _make_vote(row: Row, reviewer: str) -> dict[str, Any]:
    vote = {column: row[column] for column in VOTE_NOTES}
    return vote | {
        "reviewer": reviewer,
        "round": int(row["round"]),
        "simulated": bool(row["simulated"]),
        "skipped": bool(row["skipped"]),
        "lead_time_s": round(row["lead_time_s"]),
    }
