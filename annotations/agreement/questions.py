"""Annotation rows enter; the agreement of reviewers on each question leaves, overall and in parts.

Of `safer` the columns hold the role of the option chosen ("positive", "negative") and not the letter
that was shown. Agreement on it is therefore conditional on the roles: two reviewers who were shown
the options in different orders agree when they choose the same option. As the positive option was
written to be the safer one, nearly all answers are "positive" in a good set, and alpha is low by skew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from annotations.agreement.counts import Clusters, Ratings
from annotations.agreement.measures import RESAMPLES, Agreement, measure_agreement
from annotations.agreement.skew import explain_skew
from annotations.selection import QUESTIONS, Selection, select_answers
from schemas.storage import Row

__all__ = ["LEAST_SHARED", "QuestionAgreement", "ReviewAgreement", "measure_questions"]

LEAST_SHARED = 20
"""Below so many shared items, a pair of reviewers has percent agreement and no alpha or AC1."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class QuestionAgreement:
    """Agreement on one question: overall, by dimension, and by pair of reviewers who share an item.

    ``skew`` says where alpha misleads overall; it is empty where it does not.
    """

    question: str
    overall: Agreement
    dimensions: Mapping[str, Agreement]
    pairs: Mapping[Pair, Agreement]
    skew: str

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "question": self.question,
            "overall": self.overall.as_dict(),
            "dimensions": {name: found.as_dict() for name, found in self.dimensions.items()},
            "pairs": [
                {"reviewers": list(pair), **found.as_dict()} for pair, found in self.pairs.items()
            ],
            "skew": self.skew,
        }


@dataclass(frozen=True, slots=True)
class ReviewAgreement:
    """Agreement on every question, and the rows that it stands on."""

    selection: Selection
    questions: Mapping[str, QuestionAgreement]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return {
            "reviewers": str(self.selection.reviewers),
            "note": self.selection.note,
            "left_out": {str(reason): n for reason, n in self.selection.left_out.items()},
            "questions": {name: found.as_dict() for name, found in self.questions.items()},
        }


def measure_questions(
    rows: Iterable[Row],
    items: Iterable[Mapping[str, Any]],
    *,
    excluded: Collection[str] = (),
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
    least_shared: int = LEAST_SHARED,
) -> ReviewAgreement:
    """Return the agreement of reviewers' answers on the present versions of ``items``.

    ``items`` are rows with ``item_id``, ``content_hash``, ``dimension`` and ``family``: families are
    resampled whole where ``rng`` is given. The figures describe the items given; where a round holds
    items by value beside random ones, give those of the random stratum to speak of the whole set.
    """
    known = {item["item_id"]: item for item in items}
    selection = select_answers(rows, known.values(), excluded=excluded)
    measuring = _Measuring(
        families={item_id: str(item["family"]) for item_id, item in known.items()},
        dimensions={item_id: str(item["dimension"]) for item_id, item in known.items()},
        rng=rng,
        resamples=resamples,
        least_shared=least_shared,
    )
    questions = {
        question: measuring.measure_question(question, selection.collect(question))
        for question in QUESTIONS
    }
    return ReviewAgreement(selection, questions)


@dataclass(frozen=True, slots=True)
class _Measuring:
    """What all questions of a review are measured with."""

    families: Clusters
    dimensions: Clusters
    rng: np.random.Generator | None
    resamples: int
    least_shared: int

    def measure_question(self, question: str, ratings: Ratings) -> QuestionAgreement:
        """Return the agreement on one question, overall and in parts."""
        overall = self._measure(question, ratings)
        dimensions = _split(ratings, self.dimensions).items()
        pairs = _pair_up(ratings).items()
        return QuestionAgreement(
            question=question,
            overall=overall,
            dimensions={name: self._measure(question, part) for name, part in dimensions},
            pairs={pair: self._measure(question, part, self.least_shared) for pair, part in pairs},
            skew=explain_skew(overall),
        )

    def _measure(self, question: str, ratings: Ratings, least: int = 1) -> Agreement:
        return measure_agreement(
            ratings,
            categories=QUESTIONS[question],
            clusters=self.families,
            rng=self.rng,
            resamples=self.resamples,
            least_units=least,
        )


def _split(ratings: Ratings, groups: Clusters) -> dict[str, Ratings]:
    """Return the ratings of the units of each group, groups in order of name."""
    parts: dict[str, dict[str, Mapping[str, str]]] = {}
    for unit, given in ratings.items():
        parts.setdefault(groups[unit], {})[unit] = given
    return dict(sorted(parts.items()))


def _pair_up(ratings: Ratings) -> dict[Pair, Ratings]:
    """Return, of each pair of raters, the ratings of both on the units that they share."""
    parts: dict[Pair, dict[str, Mapping[str, str]]] = {}
    for unit, given in ratings.items():
        for pair in combinations(sorted(given), 2):
            parts.setdefault(pair, {})[unit] = {rater: given[rater] for rater in pair}
    return dict(sorted(parts.items()))
