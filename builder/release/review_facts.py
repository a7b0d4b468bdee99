"""How a release was reviewed: a workspace's answers enter; the facts of manifest and card leave."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from annotations.agreement.questions import ReviewAgreement, measure_questions
from annotations.selection import Selection
from builder.bundle.engine.intervals import find_wilson_interval
from builder.exclusions import read_exclusions
from builder.release.lineage import Lineage
from builder.review_report import Report, list_drawn_items
from builder.workspace import Stage, Workspace
from schemas.labels import DimensionKind, Safer, ShownOrder
from schemas.storage import Row

__all__ = ["describe_review", "measure_two_orders"]


def describe_review(
    workspace: Workspace, report: Report | None, rows: Sequence[Row], lineage: Lineage
) -> dict[str, Any]:
    """Return who reviewed, how much, and how far they agreed.

    Agreement is over all items that people reviewed, kept or not: what is left after a vote agrees by
    construction. What people answered on the items of the release, ``rows``, is counted apart. Where
    nobody reviewed here (``report`` is None), and the texts are those of the release before, its review is told (`of_version`).
    """
    config = workspace.config.release
    stated = ("recruitment", "pay", "consent", "ethics")
    facts: dict[str, Any] = {
        name: getattr(config, name) for name in stated if getattr(config, name)
    }
    facts |= {
        "overlap": workspace.config.review.overlap,
        "votes_needed": workspace.config.review.min_votes,
    }
    if report is None:
        if lineage.latest and lineage.holds_unchanged(rows):
            told: dict[str, Any] = lineage.latest.manifest.get("review", {})
            return {"of_version": lineage.latest.version} | told | facts
        return facts | {"reviewers": 0, "simulated_reviewers": 0, "answers": 0, "skips": 0}
    return facts | _count(report.selection, rows) | _measure(workspace, report)


def _count(selection: Selection, rows: Sequence[Row]) -> dict[str, Any]:
    released = {(row["item_id"], row["content_hash"]) for row in rows}
    on_released = [r for r in selection.answered if (r["item_id"], r["content_hash"]) in released]
    per_item = Counter(row["item_id"] for row in on_released)
    given = Counter(per_item.get(row["item_id"], 0) for row in rows)
    return {
        "reviewers": len({r["reviewer"] for r in selection.answered if not r["simulated"]}),
        "simulated_reviewers": len({r["reviewer"] for r in selection.answered if r["simulated"]}),
        "answers": len(selection.answered),
        "skips": len(selection.skipped),
        "answers_on_released": len(on_released),
        "items_by_answers": {str(n): count for n, count in sorted(given.items())},
        "guidelines": len({row["guidelines_hash"] for row in on_released}),
    }


def _measure(workspace: Workspace, report: Report) -> dict[str, Any]:
    return {
        "note": report.selection.note,
        "exclusions": sorted(read_exclusions(workspace).values()),
        "agreement_on_random_draw": report.is_random,
        "agreement": _shorten(report.agreement),
        "agreement_by_language": _measure_languages(workspace, report),
        "turned_down": report.as_dict()["turned_down"],
        "two_orders": measure_two_orders(report.selection.answered, _list_safety_items(workspace)),
    }


def _shorten(agreement: ReviewAgreement) -> dict[str, Any]:
    """Return agreement by question, overall and by dimension; pairs of reviewers are nobody's affair."""
    return {
        name: {
            "overall": question.overall.as_dict(),
            "dimensions": {d: found.as_dict() for d, found in question.dimensions.items()},
            "skew": question.skew,
        }
        for name, question in agreement.questions.items()
    }


def _measure_languages(workspace: Workspace, report: Report) -> dict[str, Any]:
    """Return agreement by language, where items are of several."""
    items = list_drawn_items(workspace)
    languages = sorted({item["language"] for item in items})
    if len(languages) < 2:
        return {}
    found = {}
    for language in languages:
        speaking = [item for item in items if item["language"] == language]
        rng = np.random.default_rng(workspace.config.seed)
        measured = measure_questions(report.selection.answered, speaking, rng=rng)
        found[language] = {
            name: question.overall.as_dict() for name, question in measured.questions.items()
        }
    return found


def _list_safety_items(workspace: Workspace) -> list[Row]:
    return [
        item
        for item in workspace.read_stage(Stage.CHECKED)
        if workspace.taxonomy[item["dimension"]].kind is DimensionKind.SAFETY
    ]


def measure_two_orders(answers: Sequence[Row], items: Sequence[Row]) -> dict[str, Any]:
    """Return how often people find the positive option safer in both orders: a ceiling for models.

    ``items`` are all safety items that were reviewed, kept or not: those that a vote kept agree with it.
    Each person saw an item in one order. An item counts where both orders were seen; with p₁ and p₂ the
    shares of people who found the positive option safer in each, its score is p₁p₂, the chance that two
    people, one an order, both do. ``value`` is the mean over the ``items``, with Wilson's interval as for
    as many whole items.
    """
    present = {(item["item_id"], item["content_hash"]) for item in items}
    seen: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for answer in answers:
        version = (answer["item_id"], answer["content_hash"])
        if version in present:
            orders = seen.setdefault(version, {str(order): [] for order in ShownOrder})
            orders[answer["shown_order"]].append(answer["safer"] == Safer.POSITIVE)
    scores = [
        float(np.prod([np.mean(told) for told in orders.values()]))
        for _, orders in sorted(seen.items())
        if all(orders.values())
    ]
    if not scores:
        return {"items": 0, "value": None, "interval_95": None}
    value = float(np.mean(scores))
    interval = list(find_wilson_interval(value * len(scores), len(scores)))
    return {"items": len(scores), "value": value, "interval_95": interval}
