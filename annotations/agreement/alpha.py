"""Krippendorff's alpha for labels without order, for any number of raters and with ratings missing."""

from annotations.agreement.counts import Floats, Sums

__all__ = ["find_alpha"]


def find_alpha(sums: Sums) -> tuple[Floats, Floats]:
    """Return numerator and denominator of nominal alpha for each sample, shape (s,).

    α = 1 − Dₒ/Dₑ = 1 − (n−1) Σᵤ Σₖ nᵤₖ(mᵤ−nᵤₖ)/(mᵤ−1) / Σₖ nₖ(n−nₖ), where unit u has nᵤₖ ratings in
    category k and mᵤ in all, over units with two ratings or more; nₖ and n sum nᵤₖ and mᵤ over these.
    1 is perfect agreement, 0 what ratings dealt out by chance would show. It is undefined where no
    unit has two ratings, and where all ratings are of one category: then no disagreement was possible
    by chance, and nothing tells whether raters can tell categories apart.

    Source: K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, University of
    Pennsylvania, section C.

    Two raters of three units, (a, a), (b, b), (a, b): n = 6, nₐ = n_b = 3, the third unit alone has
    2·1·1/1 = 2, hence α = 1 − 5·2 / (3·3 + 3·3) = 1 − 10/18 = 0.444.
    """
    n = sums.values.sum(axis=1)
    expected = (sums.values * (n[:, None] - sums.values)).sum(axis=1)
    return expected - (n - 1) * sums.disagreeing, expected
