"""The ways to make many calls: a job enters as JSON; seconds, CPU and memory leave as a file.

Started as a process of its own for every measurement: ``python call_methods.py '{"method": …, …}'``.
Before the clock starts, modules are imported, the client is open and one call has warmed a connection.
On the clock are all calls from text to reply, and the journal from its opening to its closing.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from workload import WARM_UP, make_texts

if TYPE_CHECKING:
    from journals import TimedStore

__all__ = ["METHODS", "MODEL", "Clock", "take_usage"]

MODEL = "latency"


class Clock:
    """Wall and CPU seconds of this process between `start` and `stop`, and those spent in a store."""

    def __init__(self) -> None:
        self.seconds = self.cpu_s = self.store_s = 0.0

    def start(self) -> None:
        """Start counting."""
        self._began = (time.perf_counter(), time.process_time())

    def stop(self) -> None:
        """Stop counting."""
        wall, cpu = self._began
        self.seconds, self.cpu_s = time.perf_counter() - wall, time.process_time() - cpu


class Method(Protocol):
    """Makes a call for each text, timed by the clock, and returns the number of replies with text."""

    def __call__(
        self, base_url: str, texts: Sequence[str], concurrency: int, clock: Clock
    ) -> Awaitable[int]: ...


def _make_body(text: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


async def ask_in_turn(base_url: str, texts: Sequence[str], concurrency: int, clock: Clock) -> int:
    """Ask one at a time with the blocking client, as the authors' script does."""
    import openai

    assert concurrency == 1
    with openai.OpenAI(base_url=base_url, api_key="none") as client:
        create = client.chat.completions.create
        create(model=MODEL, messages=[{"role": "user", "content": WARM_UP}])
        clock.start()
        replies = [create(model=MODEL, messages=[{"role": "user", "content": t}]) for t in texts]
        clock.stop()
    return sum(bool(reply.choices[0].message.content) for reply in replies)


async def ask_openai(base_url: str, texts: Sequence[str], concurrency: int, clock: Clock) -> int:
    """Ask with ``openai.AsyncOpenAI`` as it comes, a task a call, held back by a semaphore."""
    import openai

    async with openai.AsyncOpenAI(base_url=base_url, api_key="none") as client:
        slots = asyncio.Semaphore(concurrency)

        async def ask(text: str) -> str:
            async with slots:
                reply = await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": text}]
                )
            return reply.choices[0].message.content or ""

        await ask(WARM_UP)
        clock.start()
        replies = await asyncio.gather(*(ask(text) for text in texts))
        clock.stop()
    return sum(map(bool, replies))


async def ask_bare(base_url: str, texts: Sequence[str], concurrency: int, clock: Clock) -> int:
    """Ask with aiohttp alone and as many workers as slots: the least that Python needs."""
    import aiohttp

    url = f"{base_url}/chat/completions"
    queue, replies = iter(texts), list[str]()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def ask(text: str) -> str:
            async with session.post(url, json=_make_body(text)) as response:
                body = json.loads(await response.read())
            return str(body["choices"][0]["message"]["content"])

        async def work() -> None:
            for text in queue:
                replies.append(await ask(text))

        await ask(WARM_UP)
        clock.start()
        await asyncio.gather(*(work() for _ in range(concurrency)))
        clock.stop()
    return sum(map(bool, replies))


def _open_store(kind: str, folder: Path) -> "TimedStore":
    """Return an empty store in ``folder``."""
    from journals import GroupedSqliteStore, MemoryStore, SqliteStore, TimedStore

    from builder.bundle.engine.store import ReplyLog

    path = folder / "calls"
    match kind:
        case "memory":
            return TimedStore(MemoryStore())
        case "sqlite":
            return TimedStore(SqliteStore(path))
        case "grouped":
            return TimedStore(GroupedSqliteStore(path))
    return TimedStore(ReplyLog(path))


def _ask_ours(kind: str) -> Method:
    """Return the method that asks by our `run_calls`, with a store of that kind."""

    async def ask(base_url: str, texts: Sequence[str], concurrency: int, clock: Clock) -> int:
        from builder.bundle.engine.calls import Call, Endpoint
        from builder.bundle.engine.client import Client
        from builder.bundle.engine.fan_out import run_calls

        endpoint = Endpoint(
            name=MODEL, model=MODEL, base_url=base_url, key_variable="", concurrency=concurrency
        )
        client = Client(endpoint)
        with tempfile.TemporaryDirectory() as folder:
            _open_store(kind, Path(folder)).close()  # imports what the store needs
        await client.attempt(Call(endpoint, (("user", WARM_UP),)))
        with tempfile.TemporaryDirectory() as folder:
            clock.start()
            store = _open_store(kind, Path(folder))
            calls = (Call(endpoint, (("user", text),)) for text in texts)
            replies = await run_calls(calls, {MODEL: client}, store)
            store.close()
            clock.stop()
        clock.store_s = store.seconds
        await client.close()
        return sum(reply.is_final and bool(reply.text) for reply in replies.values())

    return ask


METHODS: dict[str, Method] = {
    "in_turn": ask_in_turn,
    "openai": ask_openai,
    "bare": ask_bare,
    "ours": _ask_ours("log"),
    "ours_memory": _ask_ours("memory"),
    "ours_sqlite": _ask_ours("sqlite"),
    "ours_grouped": _ask_ours("grouped"),
}


def take_usage(replies: int, clock: Clock) -> dict[str, float]:
    """Return the facts of one run; ``peak_mb`` is of the whole process, interpreter included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, not kilobytes
    return {
        "replies": replies,
        "seconds": clock.seconds,
        "cpu_s": clock.cpu_s,
        "store_s": clock.store_s,
        "peak_mb": peak / unit,
    }


async def _run(job: dict[str, Any]) -> dict[str, float]:
    texts, clock = make_texts(job["calls"])[:: job["step"]], Clock()
    method = METHODS[job["method"]]
    replies = await method(job["base_url"], texts, job["concurrency"], clock)
    return take_usage(replies, clock)


def main(job: dict[str, Any]) -> None:
    """Do one job and write its facts to ``out``."""
    facts = asyncio.run(_run(job))
    Path(job["out"]).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
