"""The calls that every method makes: texts, how long each takes, and the ideal time for all.

The latency of a request is log-normal and found from its text alone, so that every method, and every
run of it, waits for the same replies equally long. Imports the standard library only, because the
server and a peer in an environment of its own read it too.
"""

import hashlib
import heapq
import math
from collections.abc import Sequence
from statistics import NormalDist

__all__ = ["MEAN_S", "SIGMA", "WARM_UP", "find_ideal", "find_latency", "make_texts"]

MEAN_S, SIGMA = 0.2, 0.5
WARM_UP = "warm-up"
"""What is asked before the clock starts; it is answered at once."""

# The mean of a log-normal is exp(mu + sigma² / 2).
_MU = math.log(MEAN_S) - SIGMA**2 / 2
_QUESTION = (
    "Question {number}: someone in my house has left a door open again and says that nobody minds. "
    "What would you tell them, and why? Answer in a few sentences."
)


def make_texts(count: int) -> list[str]:
    """Return so many different questions, each of about 160 characters."""
    return [_QUESTION.format(number=number) for number in range(count)]


def find_latency(text: str) -> float:
    """Return the seconds that the server takes to answer ``text``."""
    if text == WARM_UP:
        return 0.0
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
    share = (digest + 0.5) / 2**48
    return math.exp(_MU + SIGMA * NormalDist().inv_cdf(share))


def find_ideal(latencies: Sequence[float], slots: int) -> float:
    """Return the seconds in which ``slots`` calls at a time, begun in order, would all have ended.

    Each call begins the moment that a slot is free, and nothing but the latencies takes time.

    >>> find_ideal([3.0, 1.0, 1.0, 2.0], 2)
    4.0
    """
    free_at = [0.0] * slots
    for latency in latencies:
        heapq.heapreplace(free_at, free_at[0] + latency)
    return max(free_at)
