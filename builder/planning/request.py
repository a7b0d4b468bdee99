"""What a plan is asked: options enter, a checked `Request` with its comparisons and design effect leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

from builder.planning.mcnemar import find_independent_discordance
from schemas.errors import UsageError

__all__ = ["MOST_ITEMS", "Request", "check_request"]

MOST_ITEMS = 10_000_000
"""Beyond so many items nothing is planned."""

_MOST_MODELS = 10_000
_MOST_DIMENSIONS = 10_000
_LEAST = 0.0001


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be shown, or with how many ``items``, and under which assumptions.

    ``dimensions`` is 0 where only the score over all items counts; ``scores`` is 2 where models are compared by
    CS and by CSS. ``discordance`` is None where nobody
    knows it: two models whose results on an item are independent are assumed then. ``share`` is where a
    score is expected. ``family_size`` is the size of the family that an item finds itself in on average,
    ``correlation`` that of two results in a family.
    """

    difference: float | None = None
    width: float | None = None
    items: int | None = None
    power: float = 0.8
    level: float = 0.95
    discordance: float | None = None
    share: float = 0.5
    models: int = 2
    dimensions: int = 0
    scores: int = 1
    family_size: float = 1.0
    correlation: float = 0.0

    @property
    def pairs(self) -> int:
        """How many pairs of models are compared."""
        return comb(self.models, 2)

    @property
    def comparisons(self) -> int:
        """How many comparisons are made together: every pair by every score, overall and in each dimension."""
        return self.pairs * self.scores * (1 + self.dimensions)

    @property
    def alpha(self) -> float:
        """The level at which each comparison is tested, by Bonferroni's inequality.

        Holm's procedure, by which a report decides, rejects whatever Bonferroni's does and maybe more, so
        that a plan for this level is enough.
        """
        # Rounded, as 1 - 0.95 is a hair above 0.05.
        return round(1 - self.level, 15) / self.comparisons

    @property
    def design_effect(self) -> float:
        """How many times the variance is that of independent items: 1 + (m − 1)ρ.

        Source: L. Kish (1965), Survey Sampling, for families of m items each, any two of whose results are
        correlated by ρ. For families of unequal sizes m is the mean over items, Σm²/Σm.
        """
        return 1 + (self.family_size - 1) * self.correlation

    def find_discordance(self, difference: float) -> float:
        """Return the discordance assumed for a difference."""
        if self.discordance is not None:
            return self.discordance
        return find_independent_discordance(self.share, difference)

    @property
    def greatest_difference(self) -> float:
        """The greatest difference that two models can show under the assumptions."""
        if self.discordance is not None:
            return self.discordance
        return 2 * min(self.share, 1 - self.share)


def check_request(request: Request) -> None:
    """Raise `UsageError` that tells everything that is wrong with a request, if anything is."""
    faults = [*_check_ranges(request), *_check_counts(request)]
    faults = faults or [*_check_together(request)]
    if faults:
        raise UsageError(" ".join(faults))


def _check_ranges(request: Request) -> Iterator[str]:
    """Tell numbers that are out of their range."""
    bounds = (
        ("--difference", request.difference, _LEAST, 1, "(0.05 is five points)"),
        ("--width", request.width, _LEAST, 0.4999, "(0.05 is five points either way)"),
        ("--discordance", request.discordance, _LEAST, 1, "(0.2 is every fifth item)"),
        ("--power", request.power, 0.5, 0.9999, "(no plan is sure to succeed)"),
        ("--level", request.level, 0.5, 0.9999, "(0.95 leaves five per cent)"),
        ("--share", request.share, 0, 1, "(0.5 takes the most items)"),
        ("--correlation", request.correlation, 0, 1, "(0 is none)"),
        ("--family-size", request.family_size, 1, 1_000_000, "(1 where items have no family)"),
    )
    for name, value, least, most, told in bounds:
        # Written so that what is not a number is out of the range too.
        if value is not None and not least <= value <= most:
            yield f"{name} {value:g}: give a number from {least} to {most:,} {told}."


def _check_counts(request: Request) -> Iterator[str]:
    """Tell counts that are none, or larger than anybody means."""
    counts = (
        ("--models", request.models, 2, _MOST_MODELS),
        ("--dimensions", request.dimensions, 0, _MOST_DIMENSIONS),
        ("--scores", request.scores, 1, 100),
        ("--items", request.items, 1, MOST_ITEMS),
    )
    for name, count, least, most in counts:
        if count is not None and not least <= count <= most:
            yield f"{name} {count}: give a number from {least} to {most:,}."


def _check_together(request: Request) -> Iterator[str]:
    """Tell numbers that are well each alone, and not together."""
    if request.difference is None and request.width is None and request.items is None:
        yield "say what is to be shown, with --difference or --width, or give --items to be told what they show."
    if request.items is not None and request.width is not None:
        yield "--width asks for items, and --items for a width: give one of the two."
    if request.correlation and request.family_size == 1:
        yield "--correlation is that within families: say how large they are with --family-size."
    if request.family_size > 1 and not request.correlation:
        yield "--family-size does nothing without --correlation, that of two results in a family."
    if request.items is not None and request.items < max(1, request.dimensions):
        yield f"--items {request.items}: that is less than one for each of {request.dimensions} dimensions."
    yield from _check_difference(request)


def _check_difference(request: Request) -> Iterator[str]:
    """Tell a difference that no two models can show under the assumptions."""
    difference, most = request.difference, request.greatest_difference
    if difference is None or difference <= most:
        return
    if request.discordance is not None:
        yield (
            f"--difference {difference:g} is greater than --discordance {most:g}: two models differ at "
            "most by the share of items on which one passes and the other fails. Lower the difference, "
            "or raise the discordance."
        )
    else:
        yield (
            f"--difference {difference:g} does not fit with --share {request.share:g}: scores {difference:g} "
            "apart cannot both lie around it. Lower the difference, or move the share."
        )
