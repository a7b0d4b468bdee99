"""Gwet's AC1, which stays near percent agreement where nearly all ratings are of one category."""

import numpy as np

from annotations.agreement.counts import Floats, Sums

__all__ = ["find_ac1"]


def find_ac1(sums: Sums) -> tuple[Floats, Floats]:
    """Return numerator and denominator of AC1 for each sample, shape (s,).

    AC1 = (pₐ − pₑ) / (1 − pₑ), pₑ = Σₖ πₖ(1−πₖ) / (q−1), πₖ = (1/n) Σᵤ nᵤₖ/mᵤ, where pₐ is percent
    agreement, unit u has nᵤₖ ratings in category k and mᵤ in all, n counts the units with one rating
    or more, and q the categories that could be given (not only those that were: with q larger, chance
    agreement is smaller). It is undefined where no unit has two ratings, and for q < 2.

    Source: K. L. Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48;
    with ratings missing as in Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., ch. 5.

    Two raters of four units, thrice (yes, yes), once (yes, no): pₐ = 3/4, π = 7/8 and 1/8,
    pₑ = 2·(7/8)(1/8) / 1 = 7/32, hence AC1 = (24/32 − 7/32) / (25/32) = 17/25 = 0.68. Alpha is 0 here.
    """
    q = sums.shares.shape[1]
    if q < 2:
        return np.zeros_like(sums.rated), np.zeros_like(sums.rated)
    # A sample without a pair has no numerator either; its denominators are made harmless.
    rated, pairable = np.maximum(sums.rated, 1), np.maximum(sums.pairable, 1)
    pi = sums.shares / rated[:, None]
    by_chance = (pi * (1 - pi)).sum(axis=1) / (q - 1)
    has_pairs = (sums.pairable > 0).astype(np.float64)
    return (sums.agreeing / pairable - by_chance) * has_pairs, (1 - by_chance) * has_pairs
