"""A model's server, a store of replies and a full disk, all in process: calls go in, replies come out."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import httpx2

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.evaluation import Ask
from builder.bundle.engine.fan_out import FollowUp, Progress, run_calls
from builder.bundle.engine.lanes import Clock, Hold
from builder.bundle.engine.store import CallStore, ReplyLog

__all__ = [
    "LIMIT_S",
    "SECRET",
    "VARIABLE",
    "FakeServer",
    "MemoryStore",
    "SwiftClock",
    "ask_all",
    "ask_once",
    "fail_with",
    "fill_disk",
    "make_ask",
    "make_call",
    "make_completion",
    "make_embedding",
    "make_endpoint",
    "respond",
]

SECRET = "sk-recognisable-0123456789"
VARIABLE = "FINEBENCH_TEST_KEY"
LIMIT_S = 10.0


def make_endpoint(name: str = "m1", **changes: Any) -> Endpoint:
    """Return an endpoint that no network leads to."""
    base = Endpoint(name, f"model of {name}", "http://model.invalid/v1", VARIABLE)
    return replace(base, **changes)


def make_call(text: str = "Hello?", endpoint: Endpoint | None = None, **changes: Any) -> Call:
    """Return a call that asks one question."""
    return replace(Call(endpoint or make_endpoint(), (("user", text),)), **changes)


def make_completion(text: str | None = "Fine.", finish: str = "stop", **message: Any) -> Any:
    """Return the body of a chat completion."""
    said = {"role": "assistant", "content": text} | message
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
    }


def make_embedding(vector: object) -> Any:
    """Return the body of an embedding."""
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    return {"object": "list", "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}}


class FakeServer:
    """Answers in process, from a script by attempt or by what ``handle`` makes of the question."""

    def __init__(self, *script: httpx2.Response | Exception) -> None:
        self.script = list(script)
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.handle: Callable[[str], Awaitable[httpx2.Response]] | None = None

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request and note it."""
        body = json.loads(request.content)
        self.bodies.append(body)
        self.asked.append(body["messages"][-1]["content"] if "messages" in body else body["input"])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(self.asked[-1])
        finally:
            self.at_once -= 1

    async def _answer(self, text: str) -> httpx2.Response:
        if self.handle is not None:
            return await self.handle(text)
        if not self.script:
            return httpx2.Response(200, json=make_completion(f"Re: {text}"))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        # A response can be read once: each attempt gets a copy.
        return httpx2.Response(step.status_code, headers=step.headers, content=step.content)


class MemoryStore:
    """A `CallStore` in memory that counts what is put, and may refuse it."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.replies: dict[str, Reply] = {}
        self.puts: list[Reply] = []
        self.error = error

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""
        return self.replies.get(key)

    def put(self, call: Call, reply: Reply) -> None:
        """Keep a final reply, or raise what the test wants raised."""
        assert call.key == reply.key
        if self.error is not None:
            raise self.error
        self.puts.append(reply)
        if reply.is_final:
            self.replies[reply.key] = reply


def respond(status: int, **content: Any) -> httpx2.Response:
    """Return a response of the fake server."""
    return httpx2.Response(status, **content)


def fail_with(status: int, message: str = "no", **error: Any) -> httpx2.Response:
    """Return an error as OpenAI's API words it."""
    return respond(status, json={"error": {"message": message} | error})


class SwiftClock:
    """A clock that records what is waited for, and lets that time pass at once."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        """Return the seconds that have passed."""
        return self.time

    def call_later(self, seconds: float, action: Callable[[], None]) -> asyncio.Handle:
        """Have ``action`` called as soon as the loop comes to it, at its time."""
        due = self.time + seconds

        def act() -> None:
            if due > self.time:
                self.waits.append(due - self.time)
                self.time = due
            action()

        return asyncio.get_running_loop().call_soon(act)


def ask_once(
    server: FakeServer, call: Call | None = None, *, waits: list[float] | None = None
) -> Reply:
    """Ask one call of a fake server through the real client, without waiting; note the waits."""
    call = call or make_call()
    clock = SwiftClock()

    async def run() -> Reply:
        client = Client(call.endpoint, httpx2.MockTransport(server))
        started = run_calls([call], {call.endpoint.name: client}, MemoryStore(), clock=clock)
        try:
            return (await asyncio.wait_for(started, LIMIT_S))[call.key]
        finally:
            await client.close()

    reply = asyncio.run(run())
    if waits is not None:
        waits += clock.waits
    return reply


def ask_all(
    calls: list[Call],
    servers: dict[str, FakeServer],
    store: CallStore,
    *,
    follow_up: FollowUp | None = None,
    on_reply: Callable[[Progress], None] | None = None,
    hold: Hold | None = None,
    clock: Clock | None = None,
    **endpoint: Any,
) -> dict[str, Reply]:
    """Run calls against fake servers by endpoint name, within a time limit."""

    async def run() -> dict[str, Reply]:
        clients = {
            name: Client(make_endpoint(name, **endpoint), httpx2.MockTransport(server))
            for name, server in servers.items()
        }
        started = run_calls(
            calls, clients, store, follow_up=follow_up, on_reply=on_reply, hold=hold, clock=clock
        )
        try:
            return await asyncio.wait_for(started, LIMIT_S)
        finally:
            for client in clients.values():
                await client.close()

    return asyncio.run(run())


def make_ask(clients: Mapping[str, Client], store: CallStore) -> Ask:
    """Return a way of asking for `evaluate`: these clients, this store."""

    async def ask(
        calls: Iterable[Call], *, follow_up: FollowUp | None = None, **_: object
    ) -> dict[str, Reply]:
        return await run_calls(calls, clients, store, follow_up=follow_up)

    return ask


def fill_disk(log: ReplyLog, after: int = 10) -> None:
    """Have the log's next writes stop after some bytes, as on a full disk."""
    stream = cast("io.FileIO", log._stream)
    write = stream.write

    def write_a_part(data: bytes) -> int:
        return write(data[:after])

    stream.write = write_a_part  # type: ignore[method-assign, assignment]
