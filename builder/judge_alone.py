"""A model's scores by the judge's word alone: its verdict rows enter; what the report says of them leaves."""

from collections.abc import Sequence

from builder.bundle.engine.estimates import Estimate as Figure
from builder.bundle.engine.estimates import Share
from builder.bundle.engine.figures import bound_gap
from builder.bundle.engine.groups import OVERALL, Key, group_items, list_keys
from builder.bundle.engine.labels import DimensionKind
from builder.bundle.engine.scoring import score_verdicts
from builder.bundle.engine.tally import Tally, tally_verdicts
from builder.correction import Estimate
from builder.correction_bounds import may_lead
from builder.judged_items import Measure
from schemas.storage import Row

__all__ = ["read_judge_scores"]


def read_judge_scores(rows: Sequence[Row]) -> dict[Measure, Estimate | None]:
    """Return each measure over the safety items of one model, with the report's mark; None where nothing counts."""
    tally = tally_verdicts(rows)
    overall = next((s for s in score_verdicts(tally) if s.dimension == OVERALL), None)
    if overall is None:
        return dict.fromkeys(Measure)
    return {
        Measure.CS: _take_share(overall.cs),
        Measure.CSS: _take_share(overall.css),
        Measure.OPEN: _take_share(overall.open_passed),
        Measure.GAP: _take_gap(overall.gap, overall.items, _bound_gap(tally)),
    }


def _take_share(share: Share | None) -> Estimate | None:
    if share is None or share.value is None or share.interval is None:
        return None
    return Estimate(
        share.value,
        share.interval,
        share.n,
        items=share.items,
        bounds=share.bounds,
        is_headline=share.is_headline,
    )


def _bound_gap(tally: Tally) -> tuple[float, float]:
    """Return what the gap could be over all items, for the rows of one model."""
    states = next(iter(tally.models.values()))
    groups = group_items(tally, list_keys(tally.items), states)
    return bound_gap(groups[Key(DimensionKind.SAFETY, OVERALL)])


def _take_gap(gap: Figure | None, items: int, bounds: tuple[float, float]) -> Estimate | None:
    if gap is None or gap.value is None or gap.interval is None:
        return None
    leads = may_lead(gap.value, gap.interval, bounds)
    return Estimate(gap.value, gap.interval, gap.n, items=items, bounds=bounds, is_headline=leads)
