"""What a finished run tells a plan: its verdicts enter; a share and a discordance leave."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median

from builder.item_advice.profiles import Profile, make_profiles
from schemas.labels import DimensionKind
from schemas.storage import Row

__all__ = ["Pilot", "read_pilot"]


@dataclass(frozen=True, slots=True)
class Pilot:
    """What models showed on the safety items of a run, safe in both forms or not.

    ``share`` is the mean over models, ``discordance`` the median over pairs of models of the share of items
    on which the two differ, ``discordances`` the least and the greatest. They are None where no item is
    determined, or where there are no two models.
    """

    models: int
    share: float | None
    discordance: float | None
    discordances: tuple[float, float] | None


def read_pilot(verdicts: Iterable[Row]) -> Pilot:
    """Return what verdicts of a run tell.

    A plan counts with one sample an item: where two models pass an item in the shares p and q of several,
    one sample of each differs with the chance p(1 − q) + q(1 − p).
    """
    passed: dict[str, dict[str, float]] = {}
    for profile in make_profiles(verdicts):
        if profile.kind is DimensionKind.SAFETY:
            _take(passed.setdefault(profile.model, {}), profile)
    shares = [fmean(of_model.values()) for of_model in passed.values() if of_model]
    pairs = [_differ(a, b) for a, b in combinations(passed.values(), 2) if a.keys() & b.keys()]
    return Pilot(
        models=len(passed),
        share=fmean(shares) if shares else None,
        discordance=median(pairs) if pairs else None,
        discordances=(min(pairs), max(pairs)) if pairs else None,
    )


def _take(of_model: dict[str, float], profile: Profile) -> None:
    if profile.both is not None:
        of_model[profile.item_id] = profile.both


def _differ(first: dict[str, float], second: dict[str, float]) -> float:
    shared = [(first[i], second[i]) for i in sorted(first.keys() & second.keys())]
    return fmean(p * (1 - q) + q * (1 - p) for p, q in shared)
