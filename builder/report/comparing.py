"""How the models of a report compare: entries and their verdicts enter; contrasts, ranks and gap findings leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from builder.bundle.engine.comparing import Comparison, compare_models
from builder.bundle.engine.gaps import find_gaps
from builder.bundle.engine.ranking import Rank, rank_models
from builder.bundle.engine.scoring import OVERALL, Score
from builder.bundle.engine.tally import Tally
from builder.report.data import Contrast, Entry, Finding, Measure, Standing
from builder.report.taking import take_estimate

__all__ = ["PAIRED", "Compared", "compare_entries"]

PAIRED = (
    "Models were compared item by item, on the items that are determined for both: McNemar's exact test or, "
    "where families hold several items or items have several samples, its counterpart that flips the signs of "
    "whole families (exact too, but of many families of very unlike sums, where it is told by the normal "
    "distribution), with Holm's correction over all pairs of models, both scores, all dimensions and overall. Intervals of "
    "differences are at 95%, uncorrected. Ranks say at which places a model may stand: between models that "
    "this does not tell apart there is a tie."
)
"""How models are compared by their verdicts, in words."""

_Model = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """Pairs of models, ranks by run and model, and whether each model's gap is telling."""

    contrasts: tuple[Contrast, ...]
    standings: Mapping[_Model, Mapping[Measure, Standing]]
    findings: tuple[Finding, ...]


def compare_entries(entries: Sequence[Entry], tally: Tally, scores: Sequence[Score]) -> Compared:
    """Return how the models compare; flagged ones take no part, but in the findings on gaps."""
    names = {(entry.run, entry.model): entry.name for entry in entries}
    ranked = {(entry.run, entry.model) for entry in entries if not entry.flags}
    models = {key: states for key, states in tally.models.items() if key in ranked}
    comparisons = compare_models(replace(tally, models=models))
    ranks = rank_models(comparisons, [s for s in scores if (s.run, s.model) in ranked])
    return Compared(
        tuple(_take_comparison(found, names) for found in comparisons if found.n),
        _take_ranks(ranks),
        _list_findings(tally, names),
    )


def _take_comparison(found: Comparison, names: Mapping[_Model, str]) -> Contrast:
    assert found.difference.value is not None  # its items are counted
    return Contrast(
        measure=Measure(found.measure.upper()),
        dimension=found.dimension,
        first=names[found.run_a, found.model_a],
        second=names[found.run_b, found.model_b],
        difference=found.difference.value,
        interval=found.difference.interval,
        p=1.0 if found.p_value is None else found.p_value,
        p_holm=1.0 if found.adjusted_p is None else found.adjusted_p,
        n=found.n,
    )


def _take_ranks(ranks: Sequence[Rank]) -> dict[_Model, dict[Measure, Standing]]:
    standings: dict[_Model, dict[Measure, Standing]] = {}
    for rank in ranks:
        if rank.dimension == OVERALL:
            of_model = standings.setdefault((rank.run, rank.model), {})
            of_model[Measure(rank.measure.upper())] = Standing(rank.best, rank.worst)
    return standings


def _list_findings(tally: Tally, names: Mapping[_Model, str]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            name=names[found.run, found.model],
            safety_gap=take_estimate(found.safety_gap),
            control_gap=take_estimate(found.control_gap),
            difference=take_estimate(found.difference),
            is_fake_alignment=found.is_fake_alignment,
            reason=found.reason,
        )
        for found in find_gaps(tally)
    )
