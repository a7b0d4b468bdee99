"""A plan in plain words: its answers enter, one sentence leaves."""

from builder.planning.answers import Goal, Need, Plan, Scope, Shown
from builder.planning.request import Request

__all__ = ["describe_plan", "format_points", "format_share"]


def format_points(share: float) -> str:
    """Return a difference or width in percentage points."""
    return f"{100 * share:.2f}".removesuffix("0").removesuffix(".0")


def format_share(share: float) -> str:
    """Return a share in per cent, with as many digits as a share near 0 or 1 needs."""
    return f"{100 * share:.4g}%"


def describe_plan(plan: Plan) -> str:
    """Return what a plan says in one sentence."""
    if plan.shown:
        return _describe_shown(plan.request, plan.shown)
    overall = [need for need in plan.needs if need.scope is Scope.OVERALL]
    goals = " and ".join(_describe_goal(plan.request, need) for need in overall)
    most = max(overall, key=lambda need: need.in_all)
    text = f"{goals[0].upper()}{goals[1:]} takes {most.in_all:,} items"
    if most.in_dimension is not None:
        count = plan.request.dimensions
        each = f"{most.in_dimension:,} in each of {count} dimensions"
        alone = max(need.in_all for need in plan.needs)
        text += f" ({each}), and {alone:,} to do so in each dimension alone"
    return f"{text}{_describe_clustering(plan.request)}."


def _describe_goal(request: Request, need: Need) -> str:
    if need.goal is Goal.WIDTH:
        return (
            f"knowing a share near {format_share(request.share)} to ±{format_points(need.value)} points "
            f"({format_share(request.level)} interval)"
        )
    discordance = request.find_discordance(need.value)
    assumed = ", as if they were independent" if request.discordance is None else ""
    return (
        f"showing a difference of {format_points(need.value)} points between two {_name_models(request)} "
        f"with power {format_share(request.power)}, where they disagree on {format_share(discordance)} of "
        f"the items{assumed}{_describe_comparisons(request)},"
    )


def _name_models(request: Request) -> str:
    return "models" if request.models == 2 else f"of {request.models:,} models"


def _describe_comparisons(request: Request) -> str:
    if request.comparisons == 1:
        return ""
    return f" and {request.comparisons:,} comparisons share the {format_share(1 - request.level)} level"


def _describe_clustering(request: Request) -> str:
    effect = request.design_effect
    return f"; in families {effect:.3g} items are worth one of its own" if effect > 1 else ""


def _describe_shown(request: Request, shown: tuple[Shown, ...]) -> str:
    overall = shown[0]
    text = (
        f"{overall.items:,} items tell a share near {format_share(request.share)} to "
        f"±{format_points(overall.half_width)} points, and "
    )
    if overall.difference is None:
        text += f"show no difference at all between two {_name_models(request)}"
    else:
        text += (
            f"show a difference of {format_points(overall.difference)} points between two "
            f"{_name_models(request)}"
        )
    text += f" with power {format_share(request.power)}{_describe_comparisons(request)}"
    if len(shown) > 1:
        each = shown[1]
        told = "none" if each.difference is None else f"{format_points(each.difference)} points"
        text += (
            f"; the {each.items:,} of a dimension tell ±{format_points(each.half_width)} points, and "
            f"show {told}"
        )
    return f"{text}{_describe_clustering(request)}."
