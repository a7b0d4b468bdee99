"""How fast one endpoint may be asked: starts and ends of calls enter; how long to wait leaves.

The number of calls in flight finds the endpoint's limit by itself, as TCP finds a line's: it starts
gently, grows by two with every reply (which triples it in the time that a reply takes), is halved when
the endpoint is under strain (429, 5xx, no connection), and from then on grows by one in the time that
a reply takes. Calls that were sent before a cut say nothing of the limit after it. An endpoint that
fails twice without a reply between is taken to be down: one call at a time asks whether it is back,
after pauses that double, and what was waiting comes back as gently as it began.

Times are seconds of a monotonic clock that the caller reads. Method: additive increase, multiplicative
decrease (Chiu and Jain, 1989) with slow start (Jacobson, 1988).
"""

import math
import random
from dataclasses import dataclass, field

__all__ = ["LONGEST_WISH_S", "Pace", "Rates", "back_off"]

LONGEST_WISH_S = 3600.0
"""The longest wait that a server may ask for; one that asks for more is left until another run."""

_FIRST_LIMIT = 64
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_PATIENCE_S, _FIRST_PATIENCE_S = 900.0, 180.0
_STRAINS_BEFORE_PATIENCE = 6
# What a rate leaves unused may be made up for within so many seconds.
_SLACK_S = 1.0


def back_off(times: int, jitter: random.Random) -> float:
    """Return the pause after so many failures: 0.5 s doubled each time, up to 60 s, less a random part.

    The random part, up to half of the pause, keeps calls that failed together from coming back together.
    """
    pause: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (times - 1))
    return pause * jitter.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Rates:
    """The most that an endpoint takes, in requests and in tokens a minute; None is no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(slots=True)
class Pace:
    """The pace of one endpoint, at which at most ``most`` calls are in flight."""

    most: int
    rates: Rates
    jitter: random.Random
    in_flight: int = 0
    limit: float = field(init=False)
    strains_in_a_row: int = 0
    has_answered: bool = False
    _last_answer_at: float = -math.inf
    _found_at: float = -math.inf
    _threshold: float = math.inf
    _cut_at: float = -math.inf
    _resume_at: float = -math.inf
    _next_request_at: float = -math.inf
    _next_tokens_at: float = -math.inf
    _tokens_expected: float = 0.0

    def __post_init__(self) -> None:
        self.limit = float(min(_FIRST_LIMIT, math.ceil(self.most / 2)))

    def find_wait(self, now: float) -> float:
        """Return the seconds until a call may start: 0 for now, infinity until another has ended."""
        if self.in_flight >= int(self.limit):
            return math.inf
        start = max(self._resume_at, self._next_request_at, self._next_tokens_at)
        return max(0.0, start - now)

    def start(self, now: float) -> None:
        """Count a call that is being sent."""
        self.in_flight += 1
        if self.rates.requests_per_minute:
            first = max(self._next_request_at, now - _SLACK_S)
            self._next_request_at = first + 60.0 / self.rates.requests_per_minute
        self._charge_tokens(now, self._tokens_expected)

    def end(self, now: float, tokens: int | None) -> None:
        """Count a call that has ended, whatever came of it, with the tokens that it used."""
        self.in_flight -= 1
        if tokens is not None:
            self._charge_tokens(now, tokens - self._tokens_expected)
            # A running mean: what the next call is expected to use.
            share = 0.1 if self._tokens_expected else 1.0
            self._tokens_expected += share * (tokens - self._tokens_expected)

    def note_answer(self, now: float) -> None:
        """Take in that the endpoint answered: it is up, and may be able to take more."""
        self.has_answered = True
        self._last_answer_at = now
        self.strains_in_a_row = 0
        grown = self.limit + (2.0 if self.limit < self._threshold else 1.0 / self.limit)
        self.limit = min(grown, float(self.most))

    def note_strain(
        self, started_at: float, now: float, wish_s: float = 0.0, *, is_there: bool = False
    ) -> None:
        """Take in that a call sent at ``started_at`` met an endpoint under strain.

        ``wish_s`` is how long the server asks to wait; nothing is sent before. ``is_there`` tells that
        something answered at the address, if only that it cannot.
        """
        if is_there and self._found_at == -math.inf:
            self._found_at = now
        if wish_s > 0:
            wait = wish_s * self.jitter.uniform(1.0, 1.1)
            self._resume_at = max(self._resume_at, now + wait)
        if started_at <= self._cut_at:
            return
        self._cut_at = now
        self.strains_in_a_row += 1
        if self.strains_in_a_row == 1:
            self.limit = self._threshold = max(1.0, self.limit / 2)
        else:
            self.limit = 1.0
            pause = back_off(self.strains_in_a_row, self.jitter)
            self._resume_at = max(self._resume_at, now + pause)

    def is_hopeless(self, now: float) -> bool:
        """Tell whether the endpoint seems down for good.

        One that nobody answers at is, after six strains in a row (some 15 seconds); one that says that it
        cannot has three minutes, as at the end of an outage; one that did answer has fifteen.
        """
        if self.strains_in_a_row < _STRAINS_BEFORE_PATIENCE:
            return False
        if self.has_answered:
            return now - self._last_answer_at >= _PATIENCE_S
        return now - self._found_at >= _FIRST_PATIENCE_S

    def _charge_tokens(self, now: float, tokens: float) -> None:
        if self.rates.tokens_per_minute:
            first = max(self._next_tokens_at, now - _SLACK_S)
            self._next_tokens_at = first + tokens * 60.0 / self.rates.tokens_per_minute
