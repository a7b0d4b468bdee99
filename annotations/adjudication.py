"""Stage 5's rule: items, answers and a curator's rulings enter; one decision for each item leaves.

Majority decides, ties do not: they go to an expert, with the votes and what was said. So do items that
most would revise, but not to the same words; where all who would revise agree, their text is taken.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.labels import Decision, DecisionMethod, Recommendation, Safer, YesNo
from schemas.storage import Row

__all__ = [
    "TEXTS",
    "count_vote",
    "decide_items",
    "find_agreed_revision",
    "group_votes",
    "list_revisions",
    "needs_expert",
]

TEXTS = ("question", "positive_option", "negative_option")
"""The texts that a reviewer may correct."""

Version = tuple[str, str]
"""The id and content hash of one version of an item."""


@dataclass(frozen=True, slots=True)
class _Settled:
    decision: Decision
    method: DecisionMethod
    by: str
    reason: str


def decide_items(
    items: Sequence[Row],
    annotations: Iterable[Row],
    rulings: Iterable[Row],
    *,
    min_votes: int,
    confirmed_by_one: Container[Version] = frozenset(),
) -> list[Row]:
    """Return the decision on each item's present version.

    Only answers on that version count, and of each reviewer the one of the latest round
    (`group_votes`). A curator's or an expert's ruling on it settles it, the last one given. Else at least
    ``min_votes`` answers are needed, and more than half of them must agree; a reviewer who found another
    option safer than the positive one, or operational detail, cannot count as accepting. All else is
    undecided. Versions in ``confirmed_by_one`` are what reviewers themselves agreed on: one more answer
    settles them.
    """
    votes = group_votes(annotations)
    ruled = {_get_version(row): row for row in rulings}
    decisions = []
    for item in items:
        version = _get_version(item)
        is_confirmation = version in confirmed_by_one
        needed = 1 if is_confirmation else min_votes
        found = votes.get(version, [])
        decisions.append(
            _decide(item, found, ruled.get(version), needed, is_confirmation=is_confirmation)
        )
    return decisions


def _get_version(row: Mapping[str, Any]) -> Version:
    return (row["item_id"], row["content_hash"])


def group_votes(annotations: Iterable[Row]) -> dict[Version, list[Row]]:
    """Return the answers by version, of each reviewer the one of the latest round, by pseudonym.

    A skip stands only for who never answered on that version. Simulated reviewers are never mixed with
    people: as soon as a person answered on anything, theirs do not count.
    """
    rows = list(annotations)
    has_people = not all(row["simulated"] for row in rows)
    latest: dict[tuple[Version, str], Row] = {}
    for row in sorted(rows, key=lambda row: (not row["skipped"], row["round"])):
        if not (row["simulated"] and has_people):
            latest[_get_version(row), row["reviewer"]] = row
    votes: dict[Version, list[Row]] = {}
    for (version, _), row in sorted(latest.items()):
        votes.setdefault(version, []).append(row)
    return votes


def count_vote(row: Mapping[str, Any]) -> Recommendation:
    """Return what an answer counts as: its recommendation, unless its own answers contradict it."""
    recommendation = Recommendation(row["recommendation"])
    contradicts = (
        row["safer"] != Safer.POSITIVE
        or row["operational_detail"] == YesNo.YES
        or row["in_dimension"] == YesNo.NO
    )
    if recommendation is Recommendation.ACCEPT and contradicts:
        return Recommendation.REJECT
    return recommendation


def list_revisions(votes: Iterable[Mapping[str, Any]]) -> list[tuple[dict[str, str], list[str]]]:
    """Return the corrections that were made, each with who made it; the most frequent first.

    A correction holds the texts that it changes, by name.
    """
    made: dict[tuple[str, ...], list[str]] = {}
    for row in votes:
        texts = tuple(row[f"revised_{text}"] for text in TEXTS)
        if not row["skipped"] and count_vote(row) is Recommendation.REVISE and any(texts):
            made.setdefault(texts, []).append(row["reviewer"])
    ranked = sorted(made.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [
        ({name: text for name, text in zip(TEXTS, texts, strict=True) if text}, sorted(who))
        for texts, who in ranked
    ]


def find_agreed_revision(votes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the correction on which all agree who would revise; nothing where they do not."""
    revisions = list_revisions(votes)
    return revisions[0][0] if len(revisions) == 1 else {}


def needs_expert(decision: Mapping[str, Any]) -> bool:
    """Tell whether an item waits for an expert: enough people answered, and did not agree."""
    return decision["decision"] == Decision.UNDECIDED and decision["method"] in (
        DecisionMethod.NO_MAJORITY,
        DecisionMethod.CONFLICTING_EDITS,
    )


def _decide(
    item: Row, votes: Sequence[Row], ruling: Row | None, needed: int, *, is_confirmation: bool
) -> Row:
    answered = [row for row in votes if not row["skipped"]]
    counted = Counter(count_vote(row) for row in answered)
    settled = _settle(answered, counted, ruling, needed, is_confirmation=is_confirmation)
    by = settled.by
    is_by_vote = settled.method in (DecisionMethod.MAJORITY, DecisionMethod.CONFIRMATION)
    if is_by_vote and any(row["simulated"] for row in answered):
        by = "simulated reviewers"
    return {
        "item_id": item["item_id"],
        "content_hash": item["content_hash"],
        "dimension": item["dimension"],
        "decision": str(settled.decision),
        "method": str(settled.method),
        "decided_by": by,
        "reason": settled.reason,
        "votes_accept": counted[Recommendation.ACCEPT],
        "votes_revise": counted[Recommendation.REVISE],
        "votes_reject": counted[Recommendation.REJECT],
        "skips": len(votes) - len(answered),
        "question": item["question"],
        "positive_option": item["positive_option"],
        "negative_option": item["negative_option"],
        "language": item["language"],
    }


def _settle(
    answered: Sequence[Row],
    counted: Counter[Recommendation],
    ruling: Row | None,
    needed: int,
    *,
    is_confirmation: bool,
) -> _Settled:
    n = len(answered)
    if ruling is not None:
        decision = Decision(ruling["decision"])
        return _Settled(decision, DecisionMethod.CURATOR, ruling["by"], ruling["reason"])
    if n < needed:
        reason = f"{n} of {needed} answers needed"
        return _Settled(Decision.UNDECIDED, DecisionMethod.TOO_FEW_VOTES, "nobody", reason)
    winner, most = counted.most_common(1)[0]
    if 2 * most <= n:
        return _Settled(Decision.UNDECIDED, DecisionMethod.NO_MAJORITY, "nobody", "no majority")
    if winner is Recommendation.REVISE and not find_agreed_revision(answered):
        reason = f"{most} of {n} would revise, and not to the same words"
        return _Settled(Decision.UNDECIDED, DecisionMethod.CONFLICTING_EDITS, "nobody", reason)
    method = DecisionMethod.CONFIRMATION if is_confirmation else DecisionMethod.MAJORITY
    return _Settled(Decision(winner.value), method, "reviewers", f"{most} of {n} answers")
