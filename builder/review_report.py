"""What a round's debrief is about: answers, plans and items of a workspace enter; a report leaves.

People's answers alone count where there are any. Figures of agreement have bootstrap intervals by item,
families whole; where a round holds items by value, those of the random draw speak for the whole set.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotations.adjudication import count_vote, group_votes
from annotations.agreement.questions import ReviewAgreement, measure_questions
from annotations.quality.reviewers import ReviewQuality, measure_reviewers
from annotations.quality.shares import Share
from annotations.rounds import merge_rounds
from annotations.selection import Selection
from builder.exclusions import read_exclusions
from builder.round_plans import list_rejected_items, read_gold
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import StageError
from schemas.labels import Recommendation, Stratum
from schemas.storage import Row
from schemas.tables import TableName

__all__ = [
    "Disagreement",
    "Report",
    "TurnedDown",
    "find_report",
    "list_drawn_items",
    "make_report",
]

_MOST_DISAGREEMENTS = 20


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item worth talking about: how people voted, what they said, and how torn they were.

    ``split`` is the share of answers that are not of the most frequent kind.
    """

    item_id: str
    dimension: str
    question: str
    votes: Mapping[str, int]
    safer: Mapping[str, int]
    comments: Sequence[str]
    split: float


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """What people say of a random sample of what one rule of the checks turned down.

    ``total`` items were turned down by the rule, of which ``drawn`` were in rounds; of those that people
    ``answered``, the share ``accepted`` would have passed review: there the rule was wrong.
    """

    rule: str
    total: int
    drawn: int
    answered: int
    accepted: Share


@dataclass(frozen=True, slots=True)
class Report:
    """All that a debrief shows.

    ``planned`` and ``answered`` count assignments by reviewer, ``per_item`` items by how many people
    answered them. ``exposure`` is the most items that each reviewer was shown on one day. ``is_random``
    tells that agreement is that of a random draw alone.
    """

    agreement: ReviewAgreement
    quality: ReviewQuality
    planned: Mapping[str, int]
    answered: Mapping[str, int]
    per_item: Mapping[int, int]
    disagreements: Sequence[Disagreement]
    exposure: Mapping[str, int]
    excluded: Mapping[str, str]
    is_random: bool
    turned_down: Sequence[TurnedDown] = ()

    @property
    def selection(self) -> Selection:
        """The rows that the figures stand on."""
        return self.quality.selection

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values; nobody's texts are among them."""
        return {
            "agreement": self.agreement.as_dict(),
            "quality": self.quality.as_dict(),
            "planned": dict(self.planned),
            "answered": dict(self.answered),
            "items_by_answers": {str(n): count for n, count in self.per_item.items()},
            "disagreements": [
                {"item_id": d.item_id, "votes": dict(d.votes), "split": d.split}
                for d in self.disagreements
            ],
            "most_items_on_a_day": dict(self.exposure),
            "excluded": dict(self.excluded),
            "agreement_on_random_draw": self.is_random,
            "turned_down": [
                {
                    "rule": found.rule,
                    "total": found.total,
                    "drawn": found.drawn,
                    "answered": found.answered,
                    "accepted": found.accepted.value,
                    "interval_95": found.accepted.interval,
                }
                for found in self.turned_down
            ],
        }


def make_report(workspace: Workspace) -> Report:
    """Return the report on all answers so far; raise `StageError` where there are none."""
    rows = merge_rounds(workspace.list_rounds()).rows
    if not rows:
        raise StageError("nobody has answered yet. Run `finebench review --reviewer NAME` first.")
    items, gold = workspace.read_stage(Stage.CHECKED), read_gold(workspace)
    excluded = read_exclusions(workspace)
    plans = _read_plans(workspace)
    speaking = list_drawn_items(workspace)
    rng = np.random.default_rng(workspace.config.seed)
    agreement = measure_questions(rows, speaking, excluded=excluded, rng=rng)
    rejected = list_rejected_items(workspace)
    shown = [
        *items,
        *gold.values(),
        *(row for row in rejected.values() if row["item_id"] not in gold),
    ]
    quality = measure_reviewers(rows, shown, gold=_list_gold(gold), excluded=excluded)
    standing = [*quality.selection.answered, *quality.selection.skipped]
    return Report(
        agreement=agreement,
        quality=quality,
        planned=Counter(row["reviewer"] for row in plans),
        answered=Counter(row["reviewer"] for row in standing),
        per_item=_count_per_item(items, quality.selection),
        disagreements=_find_disagreements(items, quality.selection),
        exposure=_find_exposure(rows),
        excluded=excluded,
        is_random=any(row["stratum"] == Stratum.RANDOM for row in plans),
        turned_down=_judge_rules(workspace, rejected, plans, quality.selection),
    )


def find_report(workspace: Workspace) -> Report | None:
    """Return the report on all answers so far; None where nobody was asked."""
    return make_report(workspace) if workspace.list_rounds() else None


def list_drawn_items(workspace: Workspace) -> list[Row]:
    """Return the items that speak for the whole set: those drawn at random, or all where none were."""
    items = workspace.read_stage(Stage.CHECKED)
    drawn = {row["item_id"] for row in _read_plans(workspace) if row["stratum"] == Stratum.RANDOM}
    return [item for item in items if not drawn or item["item_id"] in drawn]


def _judge_rules(
    workspace: Workspace,
    rejected: Mapping[str, Row],
    plans: Sequence[Row],
    selection: Selection,
) -> list[TurnedDown]:
    """Return by rule how often people would accept what it turned down, over the items that were drawn.

    The draw is a simple random one over all rules together, so that within each rule it is one too.
    """
    rules = {
        rejection["item_id"]: rejection["reasons"].split("; ")[0].partition(" (")[0]
        for rejection in workspace.read_rejected(Stage.CHECKED)
        if rejection["item_id"] in rejected
    }
    drawn = {row["item_id"] for row in plans if row["stratum"] == Stratum.REJECTED}
    votes = group_votes(selection.answered)
    found = []
    for rule in sorted({rules[item_id] for item_id in drawn & rules.keys()}):
        of_rule = [item_id for item_id, name in rules.items() if name == rule]
        cast = [
            votes[version]
            for item_id in of_rule
            if item_id in drawn
            and (version := (item_id, rejected[item_id]["content_hash"])) in votes
        ]
        accepted = sum(
            2 * sum(count_vote(row) is Recommendation.ACCEPT for row in rows) > len(rows)
            for rows in cast
        )
        share = Share(accepted, len(cast))
        found.append(TurnedDown(rule, len(of_rule), len(drawn & set(of_rule)), len(cast), share))
    return found


def _read_plans(workspace: Workspace) -> list[Row]:
    return [
        row
        for path in workspace.list_plans().values()
        for row in read_table(path, TableName.ASSIGNMENT)
    ]


def _list_gold(gold: Mapping[str, Row]) -> dict[str, dict[str, str]]:
    """Return the known answers by item and question; one that is not known is left out."""
    questions = ("in_dimension", "safer", "operational_detail", "natural", "recommendation")
    return {
        item_id: {q: str(row[q]) for q in questions if row[q] != "not_answered"}
        for item_id, row in gold.items()
    }


def _count_per_item(items: Sequence[Row], selection: Selection) -> dict[int, int]:
    counts = Counter(row["item_id"] for row in selection.answered)
    return dict(sorted(Counter(counts[item["item_id"]] for item in items).items()))


def _find_disagreements(items: Sequence[Row], selection: Selection) -> list[Disagreement]:
    """Return the items on which people were most torn, the worst first."""
    votes = group_votes(selection.answered)
    found = []
    for item in items:
        rows = votes.get((item["item_id"], item["content_hash"]), [])
        counts = Counter(str(count_vote(row)) for row in rows)
        safer = Counter(str(row["safer"]) for row in rows)
        split = max((1 - max(c.values()) / len(rows) for c in (counts, safer) if c), default=0.0)
        if split > 0:
            comments = [row["comment"] for row in rows if row["comment"]]
            found.append(
                Disagreement(
                    item["item_id"],
                    item["dimension"],
                    item["question"],
                    counts,
                    safer,
                    comments,
                    split,
                )
            )
    found.sort(key=lambda d: (-d.split, -sum(d.votes.values()), d.item_id))
    return found[:_MOST_DISAGREEMENTS]


def _find_exposure(rows: Sequence[Row]) -> dict[str, int]:
    """Return the most items that each person was shown on one day (UTC)."""
    days = Counter((row["reviewer"], row["answered_at"][:10]) for row in rows if row["answered_at"])
    most: dict[str, int] = {}
    for (reviewer, _), count in days.items():
        most[reviewer] = max(count, most.get(reviewer, 0))
    return dict(sorted(most.items()))
