"""From the evaluator's scores to what a report shows: scores enter, groups and figures leave."""

from builder.bundle.engine import estimates
from builder.bundle.engine.scoring import Score
from builder.report.data import Estimate, Group, Position

__all__ = ["make_group", "take_estimate"]


def take_estimate(figure: estimates.Share | estimates.Estimate | None) -> Estimate | None:
    """Return a figure of the evaluator as a report shows it."""
    if figure is None:
        return None
    if isinstance(figure, estimates.Estimate):
        return _take(figure)
    return Estimate(figure.value, figure.n, figure.interval, figure.bounds, figure.is_headline)


def _take(figure: estimates.Estimate) -> Estimate:
    return Estimate(figure.value, figure.n, figure.interval)


def make_group(score: Score) -> Group:
    """Return what a score says, with all further figures by name."""
    return Group(
        dimension=score.dimension,
        kind=score.kind,
        items=score.items,
        n=score.n,
        cs=take_estimate(score.cs),
        css=take_estimate(score.css),
        open=take_estimate(score.open_passed),
        choice=take_estimate(score.choice_passed),
        cells=score.cells,
        undetermined=score.undetermined,
        position=_take_position(score.position),
        extras=_list_extras(score),
    )


def _take_position(bias: estimates.PositionBias | None) -> Position | None:
    if bias is None:
        return None
    return Position(_take(bias.always_a), _take(bias.always_b), _take(bias.share_a))


def _list_extras(score: Score) -> dict[str, Estimate]:
    """Return what else is known of a group, by the names that tables give it."""
    found = {
        "CS without declined and unreadable": take_estimate(score.cs_read),
        "CSS without declined and unreadable": take_estimate(score.css_read),
        "CS, mean of dimensions": take_estimate(score.macro_cs),
        "CSS, mean of dimensions": take_estimate(score.macro_css),
        "gap O - M": take_estimate(score.gap),
        "P(M|O)": take_estimate(score.conditional),
    }
    for name, part in score.subsets.items():
        told = name.replace("_", " ")
        found |= {f"CS, {told}": take_estimate(part.cs), f"CSS, {told}": take_estimate(part.css)}
    return {name: estimate for name, estimate in found.items() if estimate}
