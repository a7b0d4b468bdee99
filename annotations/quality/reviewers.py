"""Annotation rows and gold answers enter; one `ReviewerQuality` for each reviewer leaves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.agreement.counts import Ratings
from annotations.dawid_skene import TIE, DawidSkene, fit_dawid_skene
from annotations.quality.pace import FAST_S, Pace, measure_pace
from annotations.quality.position import PositionBias, measure_position
from annotations.quality.shares import Drift, Share
from annotations.quality.standards import Gold, compare_with_gold, compare_with_others
from annotations.selection import QUESTIONS, Selection, select_answers
from schemas.storage import Row

__all__ = ["QuestionQuality", "ReviewQuality", "ReviewerQuality", "measure_reviewers"]


@dataclass(frozen=True, slots=True)
class QuestionQuality:
    """A reviewer's answers to one question.

    ``gold`` is the share as known, of the answers of which the right one is known; ``others`` the share
    that say what more than half of the other reviewers say, of those where more than half say one
    thing (``ties`` counts those where none has, ``alone`` those without other reviewers). ``accuracy``
    is the chance of being right by Dawid-Skene, fitted to all reviewers' answers. The drifts are ``gold``
    and ``others`` in the first and the second half of the reviewer's answers.
    """

    gold: Share
    others: Share
    ties: int
    alone: int
    accuracy: float
    gold_drift: Drift
    others_drift: Drift

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "gold": self.gold.as_dict(),
            "others": self.others.as_dict(),
            "ties": self.ties,
            "alone": self.alone,
            "accuracy": self.accuracy,
            "gold_drift": self.gold_drift.as_dict(),
            "others_drift": self.others_drift.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class ReviewerQuality:
    """One reviewer. ``gold_items`` is the share of gold items with every known answer right.

    ``questions`` is empty for a reviewer who only skipped.
    """

    reviewer: str
    answers: int
    skips: int
    gold_items: Share
    questions: Mapping[str, QuestionQuality]
    pace: Pace
    position: PositionBias

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "reviewer": self.reviewer,
            "answers": self.answers,
            "skips": self.skips,
            "gold_items": self.gold_items.as_dict(),
            "questions": {name: found.as_dict() for name, found in self.questions.items()},
            "pace": self.pace.as_dict(),
            "position": self.position.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class ReviewQuality:
    """All reviewers in order of name, and the rows that their figures stand on."""

    selection: Selection
    reviewers: tuple[ReviewerQuality, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "reviewers": [found.as_dict() for found in self.reviewers],
            "whose": str(self.selection.reviewers),
            "note": self.selection.note,
            "left_out": {str(reason): n for reason, n in self.selection.left_out.items()},
        }


def measure_reviewers(
    rows: Iterable[Row],
    items: Iterable[Mapping[str, Any]],
    *,
    gold: Gold,
    excluded: Collection[str] = (),
    positions: Mapping[tuple[int, str, str], int] | None = None,
    fast_s: float = FAST_S,
) -> ReviewQuality:
    """Return the quality of every reviewer whose answers count (`select_answers`).

    ``items`` are rows with ``item_id`` and ``content_hash``, gold items among them. Nothing of
    ``excluded`` reviewers enters into anything: not into majorities, nor into Dawid-Skene. For drift,
    answers are ordered by round, then by ``positions`` (the place of round, reviewer and item id in
    what the reviewer was shown); without, ``rows`` must come in the order in which they were given.
    """
    selection = select_answers(rows, items, excluded=excluded)
    answered = {question: selection.collect(question) for question in QUESTIONS}
    fitted = {q: fit_dawid_skene(answered[q], categories=QUESTIONS[q]) for q in QUESTIONS}
    names = sorted({row["reviewer"] for row in (*selection.answered, *selection.skipped)})
    found = []
    for name in names:
        own = _order([row for row in selection.answered if row["reviewer"] == name], positions)
        found.append(
            ReviewerQuality(
                reviewer=name,
                answers=len(own),
                skips=sum(row["reviewer"] == name for row in selection.skipped),
                gold_items=_count_gold_items(own, gold),
                questions={
                    question: _measure_question(own, question, gold, answered[question], model)
                    for question, model in fitted.items()
                    if own and model is not None
                },
                pace=measure_pace(own, fast_s=fast_s),
                position=measure_position(own),
            )
        )
    return ReviewQuality(selection, tuple(found))


def _order(
    rows: Sequence[Row], positions: Mapping[tuple[int, str, str], int] | None
) -> Sequence[Row]:
    if positions is None:
        return rows
    last = len(positions) + 1 + max(positions.values(), default=0)
    return sorted(
        rows,
        key=lambda r: (r["round"], positions.get((r["round"], r["reviewer"], r["item_id"]), last)),
    )


def _count_gold_items(own: Sequence[Row], gold: Gold) -> Share:
    told = zip(*(compare_with_gold(own, gold, question) for question in QUESTIONS), strict=True)
    known = [[right for right in answers if right is not None] for answers in told]
    return Share(sum(all(a) for a in known if a), sum(bool(a) for a in known))


def _measure_question(
    own: Sequence[Row], question: str, gold: Gold, ratings: Ratings, model: DawidSkene
) -> QuestionQuality:
    right = compare_with_gold(own, gold, question)
    alike = compare_with_others(own, ratings, question)
    return QuestionQuality(
        gold=_count(right),
        others=_count(alike),
        ties=alike.count(TIE),
        alone=alike.count(None),
        accuracy=model.find_accuracy(own[0]["reviewer"]),
        gold_drift=_find_drift(right),
        others_drift=_find_drift(alike),
    )


def _count(told: Sequence[bool | str | None]) -> Share:
    """Count the true among the true and false; ties and unknown ones are no part of it."""
    return Share(sum(one is True for one in told), sum(isinstance(one, bool) for one in told))


def _find_drift(told: Sequence[bool | str | None]) -> Drift:
    middle = len(told) // 2
    return Drift(_count(told[:middle]), _count(told[middle:]))
