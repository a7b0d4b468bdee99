"""How a stage asks models: live, or on paper only. Calls enter; replies, or the calls still to make, leave.

A stage says what it asks and what follows from a reply; whether that is sent at once, priced first, or
written to a file for a provider's batch service is decided here, by whoever runs the stage.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import FollowUp, OnReply, Progress, run_calls
from builder.bundle.engine.items import Item
from builder.config import OFFLINE_URL
from builder.llm.clients import open_clients
from builder.llm.journal import Journal, Ledger, open_journal
from builder.workspace import Workspace
from schemas.errors import EndpointError, FineBenchError

__all__ = ["Asker", "Asking", "Expect", "Live", "Paper", "PendingCalls"]

Expect = Callable[[Call], Iterable[Call]]
"""Names the calls that will follow from one that has no reply yet, with texts of likely length."""


class Asker(Protocol):
    """Asks the calls of one stage, as often as the stage needs."""

    async def ask(
        self,
        calls: Iterable[Call],
        *,
        follow_up: FollowUp | None = None,
        expect: Expect | None = None,
    ) -> dict[str, Reply]:
        """Return the replies to ``calls`` and to what follows from them, by call key."""


class Asking(Protocol):
    """A way of asking."""

    def open(
        self,
        workspace: Workspace,
        stage: str,
        endpoints: Sequence[Endpoint],
        items: Sequence[Item] = (),
    ) -> AbstractAsyncContextManager[Asker]:
        """Yield an asker for one stage; ``items`` are what simulated targets and judges must know."""


class PendingCalls(FineBenchError):  # noqa: N818 - no error: how a stage on paper ends
    """Not an error: a stage that was asked on paper ends with the calls that it would make.

    ``certain`` are known to the letter; ``expected`` follow from their replies. ``ledger`` is the
    account so far.
    """

    def __init__(self, stage: str, calls: Sequence[Call], expected: Sequence[Call], ledger: Ledger):
        super().__init__(f"{stage} has {len(calls)} calls to make.")
        self.stage, self.ledger = stage, ledger
        self.certain, self.expected = tuple(calls), tuple(expected)


@dataclass(frozen=True, slots=True)
class Live:
    """Asking at once, at the pace that each endpoint bears."""

    on_reply: OnReply | None = None

    @asynccontextmanager
    async def open(
        self,
        workspace: Workspace,
        stage: str,
        endpoints: Sequence[Endpoint],
        items: Sequence[Item] = (),
    ) -> AsyncIterator[Asker]:
        """Yield an asker whose replies go into the workspace's journal."""
        require_prices(workspace, endpoints)
        with open_journal(workspace, stage) as journal:
            async with open_clients(endpoints, items=items) as clients:
                yield _LiveAsker(journal, clients, self.on_reply)


@dataclass(frozen=True, slots=True)
class _LiveAsker:
    journal: Journal
    clients: Mapping[str, Client]
    on_reply: OnReply | None

    async def ask(
        self,
        calls: Iterable[Call],
        *,
        follow_up: FollowUp | None = None,
        expect: Expect | None = None,  # noqa: ARG002 - of use on paper only
    ) -> dict[str, Reply]:
        """Return the replies, each kept in the journal before it counts."""
        ledger, on_reply = self.journal.budget.ledger, self.on_reply
        before = ledger.spent

        def tell(progress: Progress) -> None:
            # The account knows more than the replies tell: lost requests, and texts without a count.
            progress.cost = ledger.spent - before
            if on_reply:
                on_reply(progress)

        return await run_calls(
            calls,
            self.clients,
            self.journal.store,
            follow_up=follow_up,
            on_reply=tell,
            hold=self.journal.budget.hold,
        )


@dataclass(frozen=True, slots=True)
class Paper:
    """Asking on paper: nothing is sent, and the stage ends with `PendingCalls` where there are any."""

    @asynccontextmanager
    async def open(
        self,
        workspace: Workspace,
        stage: str,
        endpoints: Sequence[Endpoint],  # noqa: ARG002 - nobody is asked
        items: Sequence[Item] = (),  # noqa: ARG002 - nobody is asked
    ) -> AsyncIterator[Asker]:
        """Yield an asker that answers from the workspace's journal alone."""
        with open_journal(workspace, stage) as journal:
            yield _PaperAsker(journal, stage)


@dataclass(slots=True)
class _PaperAsker:
    journal: Journal
    stage: str

    async def ask(
        self,
        calls: Iterable[Call],
        *,
        follow_up: FollowUp | None = None,
        expect: Expect | None = None,
    ) -> dict[str, Reply]:
        """Return the replies where the journal holds all of them; else raise `PendingCalls`."""
        replies: dict[str, Reply] = {}
        pending = collect(self.journal.store.get, calls, follow_up, replies)
        if pending:
            expected = [more for call in pending for more in (expect(call) if expect else ())]
            raise PendingCalls(self.stage, pending, expected, self.journal.budget.ledger)
        return replies


def collect(
    find: Callable[[str], Reply | None],
    calls: Iterable[Call],
    follow_up: FollowUp | None,
    replies: dict[str, Reply],
) -> list[Call]:
    """Add to ``replies`` those that are found to ``calls`` and to what follows; return calls without one.

    What follows from a reply is asked for once, as when it is asked live: it may keep count.
    """
    pending: dict[str, Call] = {}
    queue = list(calls)
    for call in queue:  # grows while it is read
        if call.key in replies or call.key in pending:
            continue
        reply = find(call.key)
        if reply is None:
            pending[call.key] = call
        else:
            replies[call.key] = reply
            queue += follow_up(reply) if follow_up else ()
    return list(pending.values())


def require_prices(workspace: Workspace, endpoints: Iterable[Endpoint]) -> None:
    """Raise `EndpointError` where a budget is set and an endpoint's price is not known."""
    if workspace.config.budget is None:
        return
    unknown = sorted(
        endpoint.name
        for endpoint in endpoints
        if None in (endpoint.price.input, endpoint.price.output)
        and endpoint.base_url != OFFLINE_URL
    )
    if unknown:
        raise EndpointError(
            f"a budget is set, but the price of {', '.join(unknown)} is not known. Add to each under "
            "[models]: price = { input = DOLLARS, output = DOLLARS }, for a million tokens each; 0 for a "
            "model of your own."
        )
