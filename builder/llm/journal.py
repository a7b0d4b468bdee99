"""The workspace's journal of calls: calls and replies enter; what they cost, and the budget, leave.

The journal is the evaluator's append log (`builder.bundle.engine.store`), one line a call. Here each
line also gets when and for which stage the call was made, and what it cost at the price then in force.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from builder.bundle.engine.calls import FINAL_OUTCOMES, Call, Reply
from builder.bundle.engine.store import ReplyLog
from builder.llm.tokens import count_tokens, expect_tokens
from builder.workspace import Workspace

__all__ = ["Budget", "Journal", "Ledger", "open_journal", "price_call"]

Record = Mapping[str, Any]


def price_call(call: Call, reply: Reply) -> dict[str, Any]:
    """Return what a call cost in US dollars, None where its price is unknown, and whether that is a guess.

    A reply without a count of tokens is charged by its length, for the provider charges it too; a request
    of which the reply was lost, by what it was likely to cost. Any other call that failed is taken to be
    free.
    """
    tokens = (reply.prompt_tokens, reply.completion_tokens)
    price = call.endpoint.price
    if None not in tokens:
        return {"cost": price.find_cost(*tokens), "cost_guessed": False}
    if reply.is_lost:
        return {"cost": price.find_cost(*expect_tokens(call)), "cost_guessed": True}
    if reply.outcome not in FINAL_OUTCOMES:
        return {"cost": 0.0, "cost_guessed": False}
    told_in, told_out = tokens
    asked = sum(count_tokens(text) for _, text in call.messages) if told_in is None else told_in
    said = count_tokens(reply.text) if told_out is None else told_out
    return {"cost": price.find_cost(asked, said), "cost_guessed": True}


@dataclass(slots=True)
class Ledger:
    """The account of all records: what was spent, and how often without a price.

    ``costs`` and ``tokens`` hold, by endpoint and role, the calls of which they are known and their sums.
    """

    spent: float = 0.0
    unpriced: int = 0
    costs: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    tokens: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take in one record; those of before the account was kept have no cost."""
        cost = record.get("cost")
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
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Journal]:
    """Yield the workspace's journal, held by this process until the block ends.

    What is spent counts from the first call of the workspace, however many runs there were.
    """
    budget = Budget(workspace.config.budget, Ledger())

    def describe(call: Call, reply: Reply) -> dict[str, Any]:
        at = now().isoformat(timespec="seconds")
        return {"at": at, "stage": stage} | price_call(call, reply)

    with ReplyLog(workspace.journal, describe=describe, on_record=budget.settle) as store:
        yield Journal(store, budget)
