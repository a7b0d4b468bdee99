"""The workspace's journal of calls: calls and replies enter; what they cost, and the budget, leave.

The journal is the evaluator's append log (`builder.bundle.engine.store`), one line a call. Here each
line also gets when and for which stage the call was made, and what it cost at the price then in force.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from builder.bundle.engine.calls import FINAL_OUTCOMES, Api, Call, Price, Reply
from builder.bundle.engine.store import ReplyLog
from builder.config import Config
from builder.llm.tokens import count_tokens, expect_tokens
from builder.workspace import Workspace

__all__ = [
    "Budget",
    "Journal",
    "Ledger",
    "find_prices",
    "open_journal",
    "price_call",
    "read_cost",
]

Record = Mapping[str, Any]


def price_call(call: Call, reply: Reply) -> dict[str, Any]:
    """Return what a call cost in US dollars, None where its price is unknown, and whether that is a guess.

    A reply without a count of tokens is charged by its length, for the provider charges it too; a request
    of which the reply was lost, by what it was likely to cost. Any other call that failed is taken to be
    free.
    """
    told_in, told_out = _read_tokens(call, reply)
    price = call.endpoint.price
    if told_in is not None and told_out is not None:
        return {"cost": price.find_cost(told_in, told_out), "cost_guessed": False}
    if reply.is_lost:
        return {"cost": price.find_cost(*expect_tokens(call)), "cost_guessed": True}
    if reply.outcome not in FINAL_OUTCOMES:
        return {"cost": 0.0, "cost_guessed": False}
    asked = sum(count_tokens(text) for _, text in call.messages) if told_in is None else told_in
    said = count_tokens(reply.text) if told_out is None else told_out
    return {"cost": price.find_cost(asked, said), "cost_guessed": True}


def _read_tokens(call: Call, reply: Reply) -> tuple[int | None, int | None]:
    """Return the counts of tokens that an endpoint told; none of a text is no count, but a lack of one."""
    is_said = bool(reply.text) and call.endpoint.api is Api.CHAT
    return (
        reply.prompt_tokens if reply.prompt_tokens or not is_said else None,
        reply.completion_tokens if reply.completion_tokens or not is_said else None,
    )


def read_cost(record: Record, prices: Mapping[str, Price] | None = None) -> float | None:
    """Return what a recorded call cost in US dollars; None where nobody knows.

    A call without a cost is charged by ``prices``, those of now by endpoint, where its tokens are known.
    Raises ValueError where the cost is no amount.
    """
    cost = record.get("cost")
    if cost is None:
        price = (prices or {}).get(str(record["endpoint"]), Price())
        return price.find_cost(record.get("prompt_tokens"), record.get("completion_tokens"))
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < math.inf:
        raise ValueError(f"its cost is {cost!r}, which is no amount")
    return float(cost)


def find_prices(config: Config) -> dict[str, Price]:
    """Return the configured prices by the name of their endpoint."""
    endpoints = [config.find_endpoint(name) for name in config.models]
    return {endpoint.name: endpoint.price for endpoint in endpoints}


@dataclass(slots=True)
class Ledger:
    """The account of all records: what was spent, and how often without a price.

    ``costs`` and ``tokens`` hold, by endpoint and role, the calls of which they are known and their sums.
    ``prices`` are those now configured, by endpoint: a call that was made before its price was known is
    charged by them, where its tokens are.
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    spent: float = 0.0
    unpriced: int = 0
    costs: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    tokens: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take in one record; those of before the account was kept have no cost."""
        cost = read_cost(record, self.prices)
        key = (str(record["endpoint"]), str(record["role"]))
        is_final = record["outcome"] in FINAL_OUTCOMES
        used = (record["prompt_tokens"], record["completion_tokens"])
        if is_final and None not in used:
            calls, tokens_in, tokens_out = self.tokens.get(key, (0, 0, 0))
            self.tokens[key] = (calls + 1, tokens_in + used[0], tokens_out + used[1])
        if cost is None:
            self.unpriced += is_final
            return
        self.spent += cost
        if is_final:
            calls, dollars = self.costs.get(key, (0, 0.0))
            self.costs[key] = (calls + 1, dollars + cost)

    def expect_cost(self, call: Call) -> float:
        """Return what a call will cost: the mean of its like, else by the length of its request."""
        calls, dollars = self.costs.get((call.endpoint.name, call.role), (0, 0.0))
        if calls:
            return dollars / calls
        return call.endpoint.price.find_cost(*expect_tokens(call)) or 0.0

    def find_mean_tokens(self, endpoint: str, role: str) -> tuple[float, float] | None:
        """Return the mean tokens in and out of such calls; None where there were none to measure."""
        calls, tokens_in, tokens_out = self.tokens.get((endpoint, role), (0, 0, 0))
        return (tokens_in / calls, tokens_out / calls) if calls else None


@dataclass(slots=True)
class Budget:
    """A hard stop: no call is sent that would, with those on their way, take the total over ``limit``."""

    limit: float | None
    ledger: Ledger
    on_their_way: dict[str, float] = field(default_factory=dict)
    reserved: float = 0.0

    def hold(self, call: Call) -> str:
        """Return why a call must not be sent, or an empty text, and then count it as on its way."""
        if self.limit is None:
            return ""
        expected = self.ledger.expect_cost(call)
        out = self.reserved - self.on_their_way.get(call.key, 0.0)
        if self.ledger.spent + out + expected > self.limit:
            return (
                f"the budget of ${self.limit:,.6g} has no room for another call (${self.ledger.spent:,.4f} "
                f"spent, ${out:,.4f} expected for calls on their way). Run again when those have ended, or "
                "raise `budget` in bench.toml."
            )
        self.on_their_way[call.key] = expected
        self.reserved = out + expected
        return ""

    def reserve(self, call: Call) -> None:
        """Count a call as on its way that was sent before, as with a batch."""
        if call.key not in self.on_their_way:
            expected = self.ledger.expect_cost(call)
            self.on_their_way[call.key] = expected
            self.reserved += expected

    def release(self, key: str) -> None:
        """Count a call as no longer on its way."""
        self.reserved -= self.on_their_way.pop(key, 0.0)
        if not self.on_their_way:
            self.reserved = 0.0  # what rounding left

    def settle(self, record: Record) -> None:
        """Take in a call that has ended."""
        self.release(str(record["key"]))
        self.ledger.add(record)


@dataclass(frozen=True, slots=True)
class Journal:
    """An open journal: the store of replies, and the budget that holds calls back."""

    store: ReplyLog
    budget: Budget


@contextmanager
def open_journal(
    workspace: Workspace,
    stage: str = "",
    *,
    stages: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Journal]:
    """Yield the workspace's journal, held by this process until the block ends.

    What is spent counts from the first call of the workspace, however many runs there were. ``stages``
    names, by key, the stage of calls that are not of ``stage``.
    """
    known = stages or {}
    budget = Budget(workspace.config.budget, Ledger(find_prices(workspace.config)))

    def describe(call: Call, reply: Reply) -> dict[str, Any]:
        at = now().isoformat(timespec="seconds")
        return {"at": at, "stage": known.get(call.key, stage)} | price_call(call, reply)

    with ReplyLog(workspace.journal, describe=describe, on_record=budget.settle) as store:
        yield Journal(store, budget)
