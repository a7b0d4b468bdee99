"""Many calls at once: calls enter, a reply for each leaves; one failure cancels no other call."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .calls import Call, Reply
from .client import Client
from .errors import EngineError
from .labels import Outcome
from .lanes import Clock, Hold, Lane, LoopClock
from .store import CallStore

__all__ = ["FollowUp", "OnReply", "Progress", "run_calls"]

FollowUp = Callable[[Reply], Iterable[Call]]
"""Names the calls that a reply makes possible, such as the judging of an open reply."""

# How long replies that are on their way, and paid for, are waited for when a run is interrupted.
_DRAIN_S = 30.0


@dataclass(slots=True)
class Progress:
    """Counts of one run, for display: replies found in the store, asked now, and failed.

    ``tokens`` and ``cost`` (US dollars, where prices are known) are those of the calls made now.
    ``is_draining`` tells that the run was interrupted and waits for replies that are on their way.
    """

    planned: int = 0
    kept: int = 0
    asked: int = 0
    failed: int = 0
    tokens: int = 0
    cost: float = 0.0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    is_draining: bool = False

    @property
    def done(self) -> int:
        """Calls with a reply or a failure."""
        return self.kept + self.asked


OnReply = Callable[[Progress], None]


async def run_calls(
    calls: Iterable[Call],
    clients: Mapping[str, Client],
    store: CallStore,
    *,
    follow_up: FollowUp | None = None,
    on_reply: OnReply | None = None,
    hold: Hold | None = None,
    clock: Clock | None = None,
) -> dict[str, Reply]:
    """Ask all ``calls`` and what follows from their replies; return replies by call key.

    A reply that the store holds is taken from there. Each endpoint is asked at the pace that it
    bears (`pacing`), at most ``endpoint.concurrency`` calls at a time; endpoints do not wait for each
    other. One that will serve no call, or seems down for good, is given up: its remaining calls are
    failed without being sent, and a later run asks them again. ``clients`` maps endpoint names to
    clients. ``hold`` is asked before each call is sent, and returns a reason not to, or nothing.

    When the run is cancelled nothing more is sent, and replies that are on their way are kept.
    Raises `EngineError` where the store cannot keep a reply, or an endpoint may have no call at once.
    """
    for name, client in clients.items():
        if client.endpoint.concurrency < 1:
            raise EngineError(f"model {name}: concurrency must be 1 or more.")
    run = _Run(clients, store, follow_up, on_reply, hold, clock or LoopClock())
    return await run.ask_all(calls)


class _Run:
    def __init__(
        self,
        clients: Mapping[str, Client],
        store: CallStore,
        follow_up: FollowUp | None,
        on_reply: OnReply | None,
        hold: Hold | None,
        clock: Clock,
    ) -> None:
        self.store = store
        self.follow_up, self.on_reply = follow_up, on_reply
        self.progress = Progress()
        self.replies: dict[str, Reply] = {}
        self.seen: set[str] = set()
        self.open_calls = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lanes = {
            name: Lane(
                client,
                on_end=self.end_call,
                # An attempt that brought nothing and cost tokens all the same is in the account too.
                on_paid=store.put,
                on_error=self.fail,
                hold=hold,
                clock=clock,
                # Seeded: which call waits how long is no matter of chance that a test must bear.
                jitter=random.Random(name),  # noqa: S311
            )
            for name, client in clients.items()
        }

    async def ask_all(self, calls: Iterable[Call]) -> dict[str, Reply]:
        """Plan all calls, let the lanes answer them, return the replies by key."""
        self.open_calls += 1  # keeps the run open until every call has been planned
        for call in calls:
            self.plan(call)
        self.close_one()
        try:
            await self.finished
        except asyncio.CancelledError:
            # Replies on their way are paid for: they are kept. A second interruption ends this too.
            self.progress.is_draining = True
            if self.on_reply:
                self.on_reply(self.progress)
            await asyncio.gather(*(lane.drain(_DRAIN_S) for lane in self.lanes.values()))
            raise
        finally:
            await asyncio.gather(*(lane.stop() for lane in self.lanes.values()))
        return self.replies

    def plan(self, call: Call) -> None:
        """Take up a call once: from the store where it is kept, else by handing it to its lane."""
        key = call.key
        if key in self.seen:
            return
        self.seen.add(key)
        self.progress.planned += 1
        self.open_calls += 1
        kept = self.store.get(key)
        if kept is None:
            self.lanes[call.endpoint.name].add(call)
        else:
            self.progress.kept += 1
            self.settle(kept)

    def end_call(self, call: Call, reply: Reply, *, is_new: bool) -> None:
        """Keep a reply, unless its call was never sent or it is kept already, and go on from it."""
        if is_new:
            self.store.put(call, reply)
        progress = self.progress
        progress.asked += 1
        progress.tokens += (reply.prompt_tokens or 0) + (reply.completion_tokens or 0)
        price = call.endpoint.price
        progress.cost += price.find_cost(reply.prompt_tokens, reply.completion_tokens) or 0.0
        self.settle(reply)

    def settle(self, reply: Reply) -> None:
        """Take a reply into the results, and plan what follows from it."""
        self.replies[reply.key] = reply
        outcomes = self.progress.outcomes
        outcomes[reply.outcome] = outcomes.get(reply.outcome, 0) + 1
        self.progress.failed += not reply.is_final
        for follower in self.follow_up(reply) if self.follow_up else ():
            self.plan(follower)
        if self.on_reply:
            self.on_reply(self.progress)
        self.close_one()

    def close_one(self) -> None:
        """Count a call as done; the last one ends the run."""
        self.open_calls -= 1
        if not self.open_calls and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, error: BaseException) -> None:
        """End the run by an error of its own, such as a full disk."""
        if not self.finished.done():
            self.finished.set_exception(error)
