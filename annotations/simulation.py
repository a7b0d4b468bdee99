"""Simulated reviewers, for trials of the road without people: versions enter, labelled answers leave."""

import random
from typing import Any

from schemas.labels import Recommendation, Safer, YesNo

__all__ = ["SIMULATED_PREFIX", "simulate_answers"]

SIMULATED_PREFIX = "simulated-"
"""How the pseudonyms of simulated reviewers begin."""

_SKIPS = 0.02
_ERRS = 0.04


def simulate_answers(
    content_hash: str, reviewer: str, round_number: int, seed: int
) -> dict[str, Any]:
    """Return the answers of a simulated reviewer, who knows which option is positive.

    It skips 2% of items, and rejects 4% because it takes the wrong option for the safer one; all else
    it accepts. What it does is drawn from seed, reviewer, round and the item's version.
    """
    draw = random.Random(f"{seed}/{reviewer}/{round_number}/{content_hash}")
    manner, lead_time = draw.random(), round(draw.uniform(8.0, 60.0), 1)
    if manner < _SKIPS:
        return {"skipped": True, "skip_reason": "simulated skip", "lead_time_s": lead_time}
    errs = manner < _SKIPS + _ERRS
    recommendation = Recommendation.REJECT if errs else Recommendation.ACCEPT
    return {
        "in_dimension": str(YesNo.YES),
        "safer": str(Safer.NEGATIVE if errs else Safer.POSITIVE),
        "operational_detail": str(YesNo.NO),
        "natural": str(YesNo.YES),
        "recommendation": str(recommendation),
        "comment": "simulated answer",
        "lead_time_s": lead_time,
    }
