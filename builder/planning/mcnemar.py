"""Items for a difference between two models on the same items: closed forms for McNemar's test.

Two models answer the same items. On a share ψ of the items, the discordance, one of them passes and the
other fails; the difference δ of their scores is the share on which only the better passes less the share
on which only the other does, so that δ ≤ ψ. With z_α and z_β the normal quantiles of 1 − α/2 and of the
power:

    Connor (1987, Biometrics 43, 207-211):      n = (z_α √ψ + z_β √(ψ − δ²))² / δ²
    Miettinen (1968, Biometrics 24, 339-352):   n = (z_α ψ + z_β √(ψ² − δ²(3 + ψ)/4))² / (ψ δ²)

Lachenbruch (1992, Stat. Med. 11, 1521-1525) compares the two. Both are for the test by the normal
distribution. The report's test is the exact one, which needs a few items more: `exact_power` counts those.
"""

from math import sqrt
from statistics import NormalDist

__all__ = ["find_independent_discordance", "solve_by_connor", "solve_by_miettinen"]


def solve_by_connor(difference: float, discordance: float, alpha: float, power: float) -> float:
    """Return Connor's number of items; it need not be whole.

    >>> round(solve_by_connor(0.05, 0.2, 0.05, 0.8), 1)
    625.5
    """
    z_alpha, z_beta = _find_quantiles(alpha, power)
    spread = sqrt(discordance - difference * difference)
    return float((z_alpha * sqrt(discordance) + z_beta * spread) ** 2 / difference**2)


def solve_by_miettinen(difference: float, discordance: float, alpha: float, power: float) -> float:
    """Return Miettinen's number of items, of his second approximation; it need not be whole."""
    z_alpha, z_beta = _find_quantiles(alpha, power)
    spread = sqrt(discordance**2 - difference**2 * (3 + discordance) / 4)
    top = (z_alpha * discordance + z_beta * spread) ** 2
    return float(top / (discordance * difference**2))


def _find_quantiles(alpha: float, power: float) -> tuple[float, float]:
    normal = NormalDist()
    return -normal.inv_cdf(alpha / 2), normal.inv_cdf(power)


def find_independent_discordance(share: float, difference: float) -> float:
    """Return the discordance of two models whose results on an item have nothing to do with each other.

    Their shares are ``share`` ± ``difference`` / 2. Models that find the same items hard disagree on
    fewer, so that this is the careful guess where nothing better is known.

    >>> round(find_independent_discordance(0.5, 0.1), 3)
    0.505
    """
    return 2 * share * (1 - share) + difference * difference / 2
