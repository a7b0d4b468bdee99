"""Whether reviewers agreed enough for a release: the report on a review enters; the figures of the gate leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from annotations.agreement.measures import Agreement, Estimate
from builder.release.lineage import Lineage
from builder.review_report import Report
from schemas.storage import Row

__all__ = ["AGREEMENT_GATE", "LEAST_ITEMS", "AgreementFound", "gauge_agreement"]

AGREEMENT_GATE = "agreement"

LEAST_ITEMS = 20
"""Of fewer items that can be paired, a dimension's agreement is not gated."""

_QUESTION = "safer"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95% interval; where there is no value, ``state`` says why."""

    value: float | None
    state: str
    interval: tuple[float, float] | None

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """Return the figure of an estimate."""
        return cls(estimate.value, str(estimate.state), estimate.interval)


@dataclass(frozen=True, slots=True)
class AgreementFound:
    """Gwet's AC1 on which option is safer: over all, and by dimension with twenty items or more.

    ``torn`` are the items to release on which not all said the same.
    """

    overall: Figure | None
    dimensions: Mapping[str, Figure]
    torn: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The figure over all in words."""
        if self.overall is None:
            return "nobody answered"
        if self.overall.value is None:
            return f"no figure ({self.overall.state.replace('_', ' ')})"
        shown = f"AC1 {self.overall.value:.2f}"
        if self.overall.interval:
            shown += f" [{self.overall.interval[0]:.2f}, {self.overall.interval[1]:.2f}]"
        return shown

    def list_low(self, least: float) -> list[str]:
        """Return the dimensions that fall short."""
        return [
            name
            for name, found in self.dimensions.items()
            if found.value is not None and found.value < least
        ]

    def reaches(self, least: float) -> bool:
        """Whether agreement is at least ``least``, over all and in each dimension."""
        overall = self.overall.value if self.overall else None
        return overall is not None and overall >= least and not self.list_low(least)

    def describe(self, least: float) -> str:
        """Return what was found, in words."""
        told = f"agreement on the safer option: {self.value}"
        if low := self.list_low(least):
            shown = [f"{name} {self.dimensions[name].value:.2f}" for name in low]
            told += f"; too low in {', '.join(shown)}"
        if self.torn:
            told += f"; {len(self.torn)} of the items to release are ones on which reviewers differ"
        return told


def gauge_agreement(report: Report | None, rows: Sequence[Row], lineage: Lineage) -> AgreementFound:
    """Return how far reviewers agreed on all that they reviewed; nobody's answers are no agreement.

    Where nobody reviewed here, and ``rows`` have the texts of the release before, its figures stand.
    """
    if report is None:
        latest = lineage.latest
        is_same = latest is not None and lineage.holds_unchanged(rows)
        return _read_earlier(latest.manifest) if latest and is_same else AgreementFound(None, {})
    found = report.agreement.questions[_QUESTION]
    votes = report.selection.collect(_QUESTION)
    released = {row["item_id"] for row in rows}
    torn = sorted(
        item_id
        for item_id, said in votes.items()
        if item_id in released and len(set(said.values())) > 1
    )
    dimensions = {
        name: Figure.of(measured.ac1)
        for name, measured in found.dimensions.items()
        if _is_enough(measured)
    }
    return AgreementFound(Figure.of(found.overall.ac1), dimensions, tuple(torn))


def _read_earlier(manifest: Mapping[str, Any]) -> AgreementFound:
    """Return the figures that a release's manifest tells."""
    found = manifest.get("review", {}).get("agreement", {}).get(_QUESTION)
    if found is None:
        return AgreementFound(None, {})
    dimensions = {
        name: _make_figure(told["ac1"])
        for name, told in found["dimensions"].items()
        if told["ac1"]["basis"]["pairable_units"] >= LEAST_ITEMS
    }
    return AgreementFound(_make_figure(found["overall"]["ac1"]), dimensions)


def _make_figure(told: Mapping[str, Any]) -> Figure:
    interval = told["interval"]
    return Figure(told["value"], told["state"], (interval[0], interval[1]) if interval else None)


def _is_enough(agreement: Agreement) -> bool:
    return agreement.basis.pairable_units >= LEAST_ITEMS
