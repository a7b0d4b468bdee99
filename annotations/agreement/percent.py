"""Percent agreement: the chance that two ratings of one unit are the same, averaged over units."""

from annotations.agreement.counts import Floats, Sums

__all__ = ["find_percent"]


def find_percent(sums: Sums) -> tuple[Floats, Floats]:
    """Return numerator and denominator of percent agreement for each sample, shape (s,).

    p = (1/n') Σᵤ Σₖ nᵤₖ(nᵤₖ−1) / mᵤ(mᵤ−1), where unit u has nᵤₖ ratings in category k and mᵤ in all,
    and the sum runs over the n' units with two ratings or more: each unit counts once, however many
    rated it. Not corrected for chance. It is undefined where no unit has two ratings.

    Source: J. L. Fleiss (1971), Psychological Bulletin 76, 378-382; with ratings missing as in
    K. L. Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., ch. 2.

    Three raters of two units, (yes, yes, no) and (no, no, no): of the first unit's three pairs one
    agrees, of the second's all, hence p = (1/3 + 1) / 2 = 2/3.
    """
    return sums.agreeing, sums.pairable
