"""Fitting auditors: differences of features enter; margins on pairs that were held out leave.

An auditor scores an option by a weighted sum of its features, the weights fitted by logistic
regression (ridge penalty ``|w|² / 2C``, C = 1) to tell the positive option of a pair from the negative
one: each difference of features, positive less negative, counts as a win and its mirror image as a
loss, so that there is no intercept and no option is favoured for standing first.

What depends on the labels is only the sign of each difference, so many relabellings can be fitted at
once. With the kernel ``K = D Dᵀ`` of the differences and labels y, the weights are ``Dᵀ α``, and each
step replaces the logistic loss by its quadratic bound with the greatest curvature, 1/4 (Böhning and
Lindsay 1988), which has a closed form and never makes the fit worse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

__all__ = ["Features", "Margins", "Split", "fit_weights", "measure_margins"]

_STRENGTH = 1.0
_MOST_STEPS = 500
_TOLERANCE = 1e-5

Matrix = NDArray[np.float64]
Split = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The pairs that an auditor is fitted on, and those that it is tested on."""

Features = Callable[[NDArray[np.int64]], tuple[Matrix, Matrix]]
"""Learns what it needs from the options of the pairs given, never from labels; returns the features of
all positive and of all negative options, two matrices (n, p)."""


@dataclass(frozen=True, slots=True)
class Margins:
    """What an auditor said of pairs while they were held out.

    ``differences`` (n, labellings) are margins of positive less negative; ``positive`` and ``negative``
    (n,) the scores of the options under the labelling as it is.
    """

    differences: Matrix
    positive: Matrix
    negative: Matrix


def fit_weights(kernel: Matrix, labels: Matrix) -> Matrix:
    """Return the dual weights α of the fits to each column of ``labels`` (n, b), from a kernel (n, n)."""
    penalty = 2 * _STRENGTH  # a pair counts twice, as itself and mirrored
    inverse = np.linalg.inv(np.eye(len(kernel)) + penalty / 4 * kernel)
    step = penalty * (kernel @ inverse)
    scores = np.zeros(labels.shape)
    target = scores
    for _ in range(_MOST_STEPS):
        target = scores / 4 + labels / (1 + np.exp(np.clip(labels * scores, -30, 30)))
        renewed = step @ target
        moved = float(np.abs(renewed - scores).max(initial=0.0))
        scores = renewed
        if moved < _TOLERANCE:
            break
    weights: Matrix = penalty * (inverse @ target)
    return weights


def measure_margins(features: Features, splits: Sequence[Split], signs: Matrix) -> Margins:
    """Return the margins of all pairs, each from the split in which it is tested.

    ``signs`` (n, b) holds a labelling a column: 1 where a pair is as it is, -1 where its labels are
    flipped. All that is learnt is learnt anew in each split, and from its fitted pairs only. A pair
    that no split tests has margins of 0.
    """
    # The matrices are small: more threads would wait for each other, and sums could differ by a digit.
    with threadpool_limits(limits=1):
        return _measure_margins(features, splits, signs)


def _measure_margins(features: Features, splits: Sequence[Split], signs: Matrix) -> Margins:
    found = Margins(np.zeros(signs.shape), np.zeros(len(signs)), np.zeros(len(signs)))
    for fitted, tested in splits:
        positive, negative = features(fitted)
        differences = positive - negative
        kernel = _to_array(differences[fitted] @ differences[fitted].T)
        weights = fit_weights(kernel, signs[fitted])
        primal = differences[fitted].T @ weights
        found.differences[tested] = signs[tested] * (differences[tested] @ primal)
        found.positive[tested] = positive[tested] @ primal[:, 0]
        found.negative[tested] = negative[tested] @ primal[:, 0]
    return found


def _to_array(matrix: object) -> Matrix:
    """Return a sparse or dense matrix as an array."""
    dense: Matrix = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
    return dense
