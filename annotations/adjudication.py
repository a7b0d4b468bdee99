"""Stage 5's rule: items, answers and a curator's rulings enter; one decision for each item leaves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.labels import Decision, DecisionMethod, Recommendation, Safer, YesNo
from schemas.storage import Row

__all__ = ["decide_items"]


def decide_items(
    items: Sequence[Row],
    annotations: Iterable[Row],
    rulings: Iterable[Row],
    *,
    min_votes: int,
) -> list[Row]:
    """Return the decision on each item's present version.

    Only answers on that version count, and of each reviewer the one of the latest round. A curator's
    ruling on it settles it, the last one given. Else at least ``min_votes`` answers are needed, and
    more than half of them must agree; a reviewer who found another option safer than the positive
    one, or operational detail, cannot count as accepting. All else is undecided.
    """
    votes = _group_votes(annotations)
    ruled = {(row["item_id"], row["content_hash"]): row for row in rulings}
    return [
        _decide(item, votes.get(_version(item), []), ruled.get(_version(item)), min_votes)
        for item in items
    ]


def _version(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["item_id"], row["content_hash"])


def _group_votes(annotations: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    latest: dict[tuple[tuple[str, str], str], Row] = {}
    for row in sorted(annotations, key=lambda row: row["round"]):
        latest[_version(row), row["reviewer"]] = row
    votes: dict[tuple[str, str], list[Row]] = {}
    for (version, _), row in latest.items():
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


def _decide(item: Row, votes: Sequence[Row], ruling: Row | None, min_votes: int) -> Row:
    answered = [row for row in votes if not row["skipped"]]
    counted = Counter(count_vote(row) for row in answered)
    decision, method, by, reason = _settle(counted, len(answered), ruling, min_votes)
    if any(row["simulated"] for row in answered) and method is DecisionMethod.MAJORITY:
        by = "simulated reviewers"
    return {
        "item_id": item["item_id"],
        "content_hash": item["content_hash"],
        "dimension": item["dimension"],
        "decision": str(decision),
        "method": str(method),
        "decided_by": by,
        "reason": reason,
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
    counted: Counter[Recommendation], n: int, ruling: Row | None, min_votes: int
) -> tuple[Decision, DecisionMethod, str, str]:
    if ruling is not None:
        decision = Decision(ruling["decision"])
        return decision, DecisionMethod.CURATOR, ruling["by"], ruling["reason"]
    if n < min_votes:
        reason = f"{n} of {min_votes} answers needed"
        return Decision.UNDECIDED, DecisionMethod.TOO_FEW_VOTES, "nobody", reason
    winner, most = counted.most_common(1)[0]
    if 2 * most <= n:
        return Decision.UNDECIDED, DecisionMethod.NO_MAJORITY, "nobody", "no majority"
    return Decision(winner.value), DecisionMethod.MAJORITY, "reviewers", f"{most} of {n} answers"
