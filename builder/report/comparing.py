"""How the models of a report compare: entries and what they were scored from enter; contrasts and ranks leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.bundle.engine.scoring import OVERALL, Score
from builder.report.data import Contrast, Entry, Finding, Measure, Standing
from builder.report.unpaired import UNPAIRED, compare_counts, find_standings, hold_family_error

__all__ = ["Compared", "compare_entries"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Pairs of models, ranks by name and measure, findings on gaps, and in words how that was come by."""

    contrasts: tuple[Contrast, ...]
    standings: Mapping[str, Mapping[Measure, Standing]]
    findings: tuple[Finding, ...]
    told: str


def compare_entries(
    entries: Sequence[Entry], verdicts: Sequence[Mapping[str, Any]], scores: Sequence[Score]
) -> Compared:
    """Return how the models compare, flagged ones left out."""
    del verdicts, scores
    ranked = [entry for entry in entries if not entry.flags]
    contrasts: list[Contrast] = []
    for measure in Measure:
        contrasts += compare_counts(measure, _count(ranked, measure))
    contrasts = hold_family_error(contrasts)
    names = [entry.name for entry in ranked]
    found = {measure: find_standings(names, contrasts, measure) for measure in Measure}
    standings = {name: {m: found[m][name] for m in Measure} for name in names}
    return Compared(tuple(contrasts), standings, (), UNPAIRED)


def _count(entries: Sequence[Entry], measure: Measure) -> dict[str, tuple[int, int]]:
    found = {}
    for entry in entries:
        score = entry.get_score(measure, OVERALL)
        if score and score.value is not None:
            found[entry.name] = (round(score.value * score.n), score.n)
    return found
