"""One endpoint's queue: calls enter, each leaves once with a reply; what failed is tried again.

A lane sends as many calls as its pace allows. A call that failed for the endpoint's state goes back to
the end of the queue after a pause; it is given up after five attempts that failed while the endpoint
answered others, and after ten in any case.
"""

import asyncio
import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from .calls import Call, Reply
from .client import Attempt, Client
from .labels import Outcome
from .pacing import LONGEST_WISH_S, Pace, back_off

__all__ = ["Clock", "Hold", "Lane", "LoopClock"]

Hold = Callable[[Call], str]
"""Returns why a call must not be sent, such as a spent budget, or an empty text."""

_COUNTED_ATTEMPTS, _MOST_ATTEMPTS = 5, 10
_GIVE_UP_AFTER = 20


class OnEnd(Protocol):
    """Is told of each call's end, once, and whether its reply is to be kept: sent, and not told before."""

    def __call__(self, call: Call, reply: Reply, *, is_new: bool) -> None: ...


class Timer(Protocol):
    """What `Clock.call_later` returns: it can be called off."""

    def cancel(self) -> None:
        """Call the timer off."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Return seconds of a monotonic clock."""

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have ``action`` called after some seconds."""


class LoopClock:
    """The running event loop's clock."""

    def now(self) -> float:
        """Return seconds of a monotonic clock."""
        return asyncio.get_running_loop().time()

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have ``action`` called after some seconds."""
        return asyncio.get_running_loop().call_later(seconds, action)


@dataclass(slots=True)
class _Ticket:
    """A call in the lane, with its failed attempts; ``counted`` are those while others were answered.

    ``is_told`` tells that the last attempt is in the account already.
    """

    call: Call
    attempts: int = 0
    counted: int = 0
    answers_seen: int = 0
    last: Reply | None = None
    is_told: bool = False


class Lane:
    """The calls of one endpoint, on their way."""

    def __init__(
        self,
        client: Client,
        *,
        on_end: OnEnd,
        on_paid: Callable[[Call, Reply], None],
        on_error: Callable[[BaseException], None],
        hold: Hold | None,
        clock: Clock,
        jitter: random.Random,
    ) -> None:
        endpoint = client.endpoint
        self._client, self._clock, self._jitter = client, clock, jitter
        self._on_end, self._on_paid = on_end, on_paid
        self._on_error, self._hold = on_error, hold
        self._pace = Pace(endpoint.concurrency, endpoint.rates, jitter)
        self._ready: deque[_Ticket] = deque()
        self._delayed: list[tuple[float, int, _Ticket]] = []
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: Timer | None = None
        self._given_up = ""
        self._answers = 0
        self._failures_in_a_row = 0
        self._is_pumping = False

    def add(self, call: Call) -> None:
        """Queue a call."""
        self._ready.append(_Ticket(call))
        self._pump()

    async def drain(self, seconds: float) -> None:
        """Send nothing more, and wait for what is on its way, so long at the most."""
        self._give_up("the run was interrupted")
        self._ready.clear()
        self._delayed.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def stop(self) -> None:
        """Leave everything as it is."""
        if self._timer:
            self._timer.cancel()
        self._give_up("the run has ended")
        self._ready.clear()
        self._delayed.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pump(self) -> None:
        """Send what may be sent now, and come back when more may be."""
        if self._is_pumping:  # what ends here may add calls here
            return
        self._is_pumping = True
        try:
            wait = self._send_ready()
        finally:
            self._is_pumping = False
        if self._timer:
            self._timer.cancel()
        self._timer = self._clock.call_later(wait, self._pump_later) if wait < math.inf else None

    def _pump_later(self) -> None:
        self._timer = None
        try:
            self._pump()
        except Exception as error:  # noqa: BLE001 - handed on: a timer has nobody to raise it to
            self._on_error(error)

    def _send_ready(self) -> float:
        """Send until the pace or the queue says stop; return the seconds until there may be more."""
        while True:
            now = self._clock.now()
            while self._delayed and (self._delayed[0][0] <= now or self._given_up):
                self._ready.append(heapq.heappop(self._delayed)[2])
            if not self._ready:
                due = self._delayed[0][0] - now if self._delayed else math.inf
                return max(due, self._pace.find_wait(now))
            if self._given_up:
                self._end_unsent(self._ready.popleft())
                continue
            wait = self._pace.find_wait(now)
            if wait > 0:
                return wait
            ticket = self._ready.popleft()
            reason = self._hold(ticket.call) if self._hold else ""
            if reason:
                self._give_up(reason)
                self._end_unsent(ticket)
                continue
            self._pace.start(now)
            task = asyncio.create_task(self._attempt(ticket, now))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _end_unsent(self, ticket: _Ticket) -> None:
        if ticket.last is not None:
            # It was sent before, and failed: that is what became of it.
            self._on_end(ticket.call, ticket.last, is_new=not ticket.is_told)
            return
        reply = Reply(ticket.call.key, Outcome.FAILED, error=f"not sent: {self._given_up}")
        self._on_end(ticket.call, reply, is_new=False)

    async def _attempt(self, ticket: _Ticket, started_at: float) -> None:
        try:
            attempt = await self._client.attempt(ticket.call)
            self._take_in(ticket, attempt, started_at)
            self._pump()
        except Exception as error:  # noqa: BLE001 - handed on: the run ends by it, whatever it is
            self._on_error(error)

    def _take_in(self, ticket: _Ticket, attempt: Attempt, started_at: float) -> None:
        now, reply = self._clock.now(), attempt.reply
        tokens = (reply.prompt_tokens, reply.completion_tokens)
        used = sum(n for n in tokens if n is not None)
        self._pace.end(now, used if tokens != (None, None) else None)
        if attempt.is_strain:
            self._pace.note_strain(started_at, now, attempt.wish_s, is_there=reply.status > 0)
        elif not attempt.may_pass:
            # Whatever it said, the endpoint is up and dealt with the request.
            self._pace.note_answer(now)
            self._answers += 1
        if not attempt.is_strain:
            self._failures_in_a_row = self._failures_in_a_row + 1 if reply.may_come_later else 0
        self._judge_endpoint(attempt, now)
        if attempt.may_pass and not self._given_up and self._may_try_again(ticket):
            ticket.last = reply
            ticket.is_told = tokens != (None, None) or reply.is_lost
            if ticket.is_told:
                self._on_paid(ticket.call, reply)
            ready_at = now + back_off(ticket.attempts, self._jitter)
            heapq.heappush(self._delayed, (ready_at, next(self._numbers), ticket))
        else:
            self._on_end(ticket.call, reply, is_new=True)

    def _may_try_again(self, ticket: _Ticket) -> bool:
        ticket.attempts += 1
        # While the endpoint answers nobody, a failure says nothing about this call.
        ticket.counted += self._answers > ticket.answers_seen or not self._pace.strains_in_a_row
        ticket.answers_seen = self._answers
        return ticket.counted < _COUNTED_ATTEMPTS and ticket.attempts < _MOST_ATTEMPTS

    def _judge_endpoint(self, attempt: Attempt, now: float) -> None:
        """Give the endpoint up where asking on is of no use; what is queued is then not sent."""
        reason = ""
        if attempt.wish_s > LONGEST_WISH_S:
            reason = f"it asks to wait {attempt.wish_s / 3600:,.1f} hours"
        elif self._pace.is_hopeless(now):
            reason = f"it failed {self._pace.strains_in_a_row} times without an answer between"
        elif self._failures_in_a_row >= _GIVE_UP_AFTER:
            reason = f"{self._failures_in_a_row} calls in a row failed"
        if attempt.gives_up:
            self._give_up(attempt.gives_up)
        elif reason:
            name, error = self._client.endpoint.name, attempt.reply.error
            self._give_up(f"model {name} was given up: {reason}, the last time with {error}")

    def _give_up(self, reason: str) -> None:
        self._given_up = self._given_up or reason
