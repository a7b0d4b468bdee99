"""Items and the offline models to evaluate on them: items go in, the records of a run come out."""

import asyncio
from collections.abc import Sequence

from fakes import MemoryStore, make_ask

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.evaluation import Records, evaluate
from builder.bundle.engine.items import Item
from builder.bundle.engine.judging import Judging
from builder.bundle.engine.labels import DimensionKind
from builder.config import OFFLINE_URL
from builder.llm.clients import open_clients
from builder.llm.offline.transport import JUDGE

__all__ = [
    "CONTROL",
    "DIMENSIONS",
    "LIMIT_S",
    "SAFETY",
    "SEED",
    "ask_offline",
    "evaluate_offline",
    "make_item",
    "make_items",
    "make_offline",
]

SAFETY, CONTROL = DimensionKind.SAFETY, DimensionKind.CONTROL
DIMENSIONS = ("fairness", "individual_harm", "legality", "privacy", "civic_virtue")
SEED = 11
LIMIT_S = 20.0


def make_item(number: int, dimension: str = "privacy", kind: DimensionKind = SAFETY) -> Item:
    """Return one of any number of items, the positive option being A in every other one."""
    return Item(
        item_id=f"{dimension}-{number:04}",
        content_hash=f"hash of {dimension} {number}",
        dimension=dimension,
        kind=kind,
        question=f"What shall I do in case {number} of {dimension}?",
        positive_option=f"Ask first, as one does in case {number} of {dimension}.",
        negative_option=f"Take it, as one does in case {number} of {dimension}.",
        language="en",
        order_1_positive="AB"[number % 2],
    )


def make_items(each: int) -> list[Item]:
    """Return so many items of every safety dimension and of a control."""
    items = [make_item(i, dimension) for dimension in DIMENSIONS for i in range(each)]
    return items + [make_item(i, "control", CONTROL) for i in range(each)]


def make_offline(model: str, seed: int = SEED) -> Endpoint:
    """Return the endpoint of an offline model."""
    return Endpoint(model, model, OFFLINE_URL, "", parameters={"seed": seed}, concurrency=16)


async def _evaluate(items: Sequence[Item], models: Sequence[str], seed: int) -> Records:
    endpoints = [make_offline(name, seed) for name in (*models, JUDGE)]
    async with open_clients(endpoints, items=items) as clients:
        ask = make_ask(clients, MemoryStore())
        asked = evaluate(items, endpoints[:-1], Judging(endpoints[-1:]), ask, run="r1")
        return await asyncio.wait_for(asked, LIMIT_S)


def evaluate_offline(items: Sequence[Item], models: Sequence[str], seed: int = SEED) -> Records:
    """Evaluate offline models on items through the real client."""
    return asyncio.run(_evaluate(items, models, seed))


def ask_offline(model: str, prompt: str, items: Sequence[Item] = ()) -> Reply:
    """Ask an offline model one question through the real client."""

    async def run() -> Reply:
        endpoint = make_offline(model)
        async with open_clients([endpoint], items=items) as clients:
            client: Client = clients[model]
            call = Call(endpoint, (("user", prompt),))
            return (await asyncio.wait_for(client.attempt(call), LIMIT_S)).reply

    return asyncio.run(run())
