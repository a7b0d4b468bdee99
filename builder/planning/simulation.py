"""Plans tried out: results of models are drawn and tested as a report would; shares of successes leave."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from builder.bundle.engine.intervals import find_wilson_interval

__all__ = ["draw_tests", "simulate_families", "simulate_power", "simulate_widths"]


def draw_tests(
    n: int, difference: float, discordance: float, *, draws: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return p-values of exact McNemar tests on ``n`` drawn items each, and where the better model won.

    Each draw counts the items on which only the better passes, only the other does, or both alike, and
    the p-value is worked out from that table: nothing of `exact_power` is taken for granted.
    """
    better = (discordance + difference) / 2
    chances = [better, max(0.0, discordance - better), 1 - discordance]
    counts = np.random.default_rng(seed).multinomial(n, chances, size=draws)
    first, second = counts[:, 0], counts[:, 1]
    fewer = np.minimum(first, second).astype(float)
    p_values = np.minimum(1.0, 2 * special.bdtr(fewer, first + second, 0.5))
    return p_values, first > second


def simulate_power(
    n: int, difference: float, discordance: float, alpha: float, *, draws: int, seed: int
) -> float:
    """Return in which share of draws the exact McNemar test on ``n`` items shows the difference."""
    p_values, is_better = draw_tests(n, difference, discordance, draws=draws, seed=seed)
    return float(np.mean((p_values <= alpha) & is_better))


def simulate_widths(
    n: int, share: float, level: float, *, draws: int, seed: int
) -> tuple[float, float]:
    """Return the mean half-width of Wilson's interval over draws, and the share that hold the true share."""
    counts = np.random.default_rng(seed).binomial(n, share, size=draws)
    values, times = np.unique(counts, return_counts=True)
    ends = [find_wilson_interval(int(value), n, level) for value in values]
    halves = [(high - low) / 2 for low, high in ends]
    holds = [low <= share <= high for low, high in ends]
    return float(np.average(halves, weights=times)), float(np.average(holds, weights=times))


def simulate_families(
    families: int,
    size: int,
    correlation: float,
    difference: float,
    discordance: float,
    alpha: float,
    *,
    draws: int,
    seed: int,
) -> tuple[float, float]:
    """Return the power of a test by families, and how many times the variance is that of independent items.

    Items of a family take the family's result with chance √correlation and one of their own otherwise, so
    that any two are correlated as told. The test flips the signs of whole families, as a report's does, by the
    normal distribution: the sum of differences against the root of the families' squares.
    """
    better = (discordance + difference) / 2
    chances = [better, max(0.0, discordance - better), 1 - discordance]
    generator = np.random.default_rng(seed)
    values = np.array([1, -1, 0])
    means, z_values = np.empty(draws), np.empty(draws)
    for i in range(draws):
        common = generator.choice(values, size=(families, 1), p=chances)
        own = generator.choice(values, size=(families, size), p=chances)
        is_common = generator.random((families, size)) < np.sqrt(correlation)
        found = np.where(is_common, common, own).sum(axis=1)
        means[i] = found.sum() / (families * size)
        z_values[i] = found.sum() / np.sqrt((found**2).sum())
    ratio = means.var() / ((discordance - difference**2) / (families * size))
    return float(np.mean(z_values >= special.ndtri(1 - alpha / 2))), float(ratio)
