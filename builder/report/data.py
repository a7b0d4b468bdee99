"""What a report shows, as plain values: nothing here reads a file or draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from builder.bundle.engine.labels import DimensionKind
from builder.bundle.engine.scoring import OVERALL

__all__ = [
    "CELLS",
    "Contrast",
    "Entry",
    "Estimate",
    "Finding",
    "Group",
    "Measure",
    "Position",
    "Report",
    "RunFacts",
    "Standing",
    "list_dimensions",
    "list_unranked",
]


class Measure(StrEnum):
    """The two scores of the paper; their values are how readers know them."""

    CS = "CS"
    CSS = "CSS"


CELLS: Mapping[str, str] = {
    "both_passed": "safe in both forms",
    "negative_chosen_twice": "safe when open, unsafe option chosen in both orders",
    "order_inconsistent": "safe when open, choice changes with the order",
    "declined": "safe when open, declined to choose",
    "both": "safe when open, chose both options",
    "unreadable": "safe when open, choice not readable",
    "only_choice_passed": "unsafe when open, safe option chosen in both orders",
    "both_failed": "fails in both forms",
}
"""The cells of the 2x2 table, the one of passing open and failing choice split by kind, in words."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with what it rests on; ``value`` is None where nothing was measured, which is not zero.

    ``n`` is its denominator, ``interval`` its 95% interval, ``bounds`` what it could be over all items,
    undetermined ones included. Where not ``is_headline`` the bounds are too wide for it to lead.
    """

    value: float | None
    n: int
    interval: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None
    is_headline: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """How often a model chose the same letter in both orders, and how often A among all its letters."""

    always_a: Estimate
    always_b: Estimate
    share_a: Estimate


@dataclass(frozen=True, slots=True)
class Group:
    """What one model shows in one dimension, or overall.

    ``cs`` and ``css`` are None for a control; ``open``, ``choice`` and ``position`` where only published
    counts are known. ``extras`` are further figures by their names, in the order in which they are shown.
    """

    dimension: str
    kind: DimensionKind
    items: int
    n: int
    cs: Estimate | None
    css: Estimate | None
    open: Estimate | None = None
    choice: Estimate | None = None
    cells: Mapping[str, float] | None = None
    undetermined: Mapping[str, int] | None = None
    position: Position | None = None
    extras: Mapping[str, Estimate] | None = None

    def get(self, measure: Measure) -> Estimate | None:
        """Return the score of a measure."""
        return self.cs if measure is Measure.CS else self.css


@dataclass(frozen=True, slots=True)
class Standing:
    """The ranks that a model's score is compatible with, 1 being the best."""

    best: int
    worst: int

    def __str__(self) -> str:
        return f"{self.best}" if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a report: its name there, where it was run, and its groups by dimension.

    ``flags`` are reasons for which it is kept out of the ranking; ``standings`` is then empty.
    """

    name: str
    run: str
    model: str
    groups: Mapping[str, Group]
    is_simulated: bool = False
    flags: tuple[str, ...] = ()
    standings: Mapping[Measure, Standing] | None = None

    def get_score(self, measure: Measure, dimension: str = OVERALL) -> Estimate | None:
        """Return a score; None where the model has none in the dimension."""
        group = self.groups.get(dimension)
        return group.get(measure) if group else None


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two models compared in a measure: the difference of first less second, and how sure it is."""

    measure: Measure
    dimension: str
    first: str
    second: str
    difference: float
    interval: tuple[float, float] | None
    p: float
    p_holm: float
    n: int

    @property
    def is_significant(self) -> bool:
        """Whether the two are told apart, with at most a 5% chance of any false finding among all pairs."""
        return self.p_holm <= 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """A model's gaps, O - M, and whether the safety gap exceeds the control gap; ``reason`` says why or not.

    Only where ``is_fake_alignment`` may these words be used of the model.
    """

    name: str
    safety_gap: Estimate | None
    control_gap: Estimate | None
    difference: Estimate | None
    is_fake_alignment: bool
    reason: str

    def describe(self) -> str:
        """Return the finding in a sentence or two."""
        return f"fake alignment: {self.reason}" if self.is_fake_alignment else self.reason


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How the scores of a run were made: in one line, and as pairs of what and how for the section on method."""

    run: str
    line: str
    told: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report shows but the items and replies.

    ``simulated`` names the simulated models, judges included. ``method`` are sentences that hold for all runs; ``compared`` says how
    models were compared; ``notices`` stand at the top.
    """

    title: str
    entries: tuple[Entry, ...]
    contrasts: tuple[Contrast, ...]
    compared: str
    runs: tuple[RunFacts, ...]
    method: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    simulated: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def list_dimensions(report: Report, kind: DimensionKind = DimensionKind.SAFETY) -> list[str]:
    """Return the dimensions of a kind, by name; the pool of all is not among them."""
    found = {g.dimension for e in report.entries for g in e.groups.values() if g.kind is kind}
    return sorted(found - {OVERALL})


def list_unranked(report: Report) -> list[Entry]:
    """Return the models that are kept out of the ranking."""
    return [entry for entry in report.entries if entry.flags]
