"""Many calls at once: calls enter, a reply for each leaves; one failure cancels no other call."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .calls import Call, Reply
from .client import Client, GiveUpError
from .errors import EngineError
from .labels import Outcome
from .store import CallStore

__all__ = ["FollowUp", "OnReply", "Progress", "run_calls"]

FollowUp = Callable[[Reply], Iterable[Call]]
"""Names the calls that a reply makes possible, such as the judging of an open reply."""

_GIVE_UP_AFTER = 20


@dataclass(slots=True)
class Progress:
    """Counts of one run, for display: replies found in the store, asked now, and failed."""

    planned: int = 0
    kept: int = 0
    asked: int = 0
    failed: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)

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
) -> dict[str, Reply]:
    """Ask all ``calls`` and what follows from their replies; return replies by call key.

    A reply that the store holds is taken from there. Calls of one endpoint run at most
    ``endpoint.concurrency`` at a time; endpoints do not wait for each other. After 20 failures in a
    row, or a failure that no waiting mends, an endpoint is given up: its remaining calls are failed
    without being sent, and a later run asks them again. ``clients`` maps endpoint names to clients.
    Raises `EngineError` where the store cannot keep a reply, or an endpoint may have no call at once.
    """
    for name, client in clients.items():
        if client.endpoint.concurrency < 1:
            raise EngineError(f"model {name}: concurrency must be 1 or more.")
    run = _Run(clients, store, follow_up, on_reply)
    return await run.ask_all(calls)


class _Run:
    def __init__(
        self,
        clients: Mapping[str, Client],
        store: CallStore,
        follow_up: FollowUp | None,
        on_reply: OnReply | None,
    ) -> None:
        self.clients, self.store = clients, store
        self.follow_up, self.on_reply = follow_up, on_reply
        self.progress = Progress()
        self.replies: dict[str, Reply] = {}
        self.queues: dict[str, asyncio.Queue[Call]] = {n: asyncio.Queue() for n in clients}
        self.failures_in_a_row = dict.fromkeys(clients, 0)
        self.given_up: dict[str, str] = {}
        self.seen: set[str] = set()
        self.open_calls = 0
        self.finished = asyncio.Event()

    async def ask_all(self, calls: Iterable[Call]) -> dict[str, Reply]:
        """Plan all calls, let the workers answer them, return the replies by key."""
        self.open_calls += 1  # keeps the run open until every call has been planned
        for call in calls:
            self.plan(call)
        self.close_one()
        workers = [
            asyncio.ensure_future(self.work(name))
            for name, client in self.clients.items()
            for _ in range(client.endpoint.concurrency)
        ]
        finished = asyncio.ensure_future(self.finished.wait())
        try:
            # A worker ends only by an error of its own, such as a full disk: then all stop.
            ended, _ = await asyncio.wait({*workers, finished}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended - {finished}:
                task.result()
        finally:
            for task in (*workers, finished):
                task.cancel()
            await asyncio.gather(*workers, finished, return_exceptions=True)
        return self.replies

    def plan(self, call: Call) -> None:
        """Take up a call once: from the store where it is kept, else by queueing it."""
        key = call.key
        if key in self.seen:
            return
        self.seen.add(key)
        self.progress.planned += 1
        self.open_calls += 1
        kept = self.store.get(key)
        if kept is None:
            self.queues[call.endpoint.name].put_nowait(call)
        else:
            self.progress.kept += 1
            self.settle(kept)

    async def work(self, name: str) -> None:
        """Answer one endpoint's queued calls for ever, until the run cancels its workers."""
        while True:
            call = await self.queues[name].get()
            reply = await self.answer(name, call)
            self.progress.asked += 1
            self.settle(reply)

    async def answer(self, name: str, call: Call) -> Reply:
        """Return what became of one call, kept in the store; give the endpoint up where it only fails."""
        if name in self.given_up:
            return Reply(call.key, Outcome.FAILED, error=f"not sent: {self.given_up[name]}")
        try:
            reply = await self.clients[name].ask(call)
        except GiveUpError as error:
            self.given_up[name] = str(error)
            return Reply(call.key, Outcome.FAILED, error=str(error))
        self.store.put(call, reply)
        # A request that the endpoint will not take says nothing of the next one.
        self.failures_in_a_row[name] = (
            self.failures_in_a_row[name] + 1 if reply.may_come_later else 0
        )
        if self.failures_in_a_row[name] >= _GIVE_UP_AFTER:
            reason = f"{_GIVE_UP_AFTER} calls in a row failed, the last with {reply.error}"
            self.given_up.setdefault(name, f"model {name} was given up: {reason}")
        return reply

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
        if not self.open_calls:
            self.finished.set()
