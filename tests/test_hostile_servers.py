"""Servers that break HTTP itself, over real connections: no call of theirs harms another."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fakes import MemoryStore, make_completion

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import run_calls
from builder.bundle.engine.labels import Outcome

pytestmark = pytest.mark.server

Speak = Callable[[socket.socket], None]


@contextmanager
def serve(*speak: Speak) -> Iterator[str]:
    """Answer the first connections so, each with one step, and all later ones well; yield the base URL."""
    left = list(speak)
    server = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket, step: Speak) -> None:
        with connection:
            try:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                step(connection)
            except OSError:
                pass  # the client has gone, as it should

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            step = left.pop(0) if left else answer_well
            threading.Thread(target=answer, args=(connection, step), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
    finally:
        server.close()


def answer_well(connection: socket.socket) -> None:
    """Send a completion."""
    body = json.dumps(make_completion("Fine.")).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    connection.sendall(head.encode() + b"connection: close\r\n\r\n" + body)


def say(data: bytes) -> Speak:
    """Return a step that sends these bytes and hangs up."""
    return lambda connection: connection.sendall(data)


def drip(connection: socket.socket) -> None:
    """Send a blank now and then, for ever, as a gateway that keeps a connection open."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.1)


def ask(base_url: str, count: int = 1, timeout_s: float = 5.0) -> tuple[list[Reply], MemoryStore]:
    """Ask so many calls at once."""
    endpoint = Endpoint("m", "gpt-test", base_url, "", concurrency=32, timeout_s=timeout_s)
    calls = [Call(endpoint, (("user", f"Question {n}?"),)) for n in range(count)]
    store = MemoryStore()

    async def run() -> dict[str, Reply]:
        client = Client(endpoint)
        try:
            return await asyncio.wait_for(run_calls(calls, {"m": client}, store), 60)
        finally:
            await client.close()

    replies = asyncio.run(run())
    return [replies[call.key] for call in calls], store


BROKEN = {
    "bad chunk": b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    "large header": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
    "no status": b"garbage garbage\r\n\r\n",
    "nothing": b"",
    "half a reply": b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{",
    "wrong length": b"HTTP/1.1 200 OK\r\ncontent-length: none\r\n\r\n{}",
    "nonsense date": b"HTTP/1.1 429 No\r\nretry-after: Mon, 01 Jan 2026 99999999999999999999:00:00 "
    b"GMT\r\ncontent-length: 2\r\n\r\n{}",
    "far date": b"HTTP/1.1 429 No\r\nretry-after: Mon, 01 Jan 99999999999999999999 00:00:00 GMT\r\n"
    b"content-length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_response_that_breaks_http_costs_an_attempt_and_no_sibling(how: str) -> None:
    """One bad gateway in a night of ten thousand calls must not end the night."""
    with serve(say(BROKEN[how])) as base_url:
        replies, store = ask(base_url, 20)
    assert [reply.outcome for reply in replies] == [Outcome.ANSWERED] * 20
    assert len(store.replies) == 20


def test_the_time_limit_is_on_the_whole_reply() -> None:
    """A server that sends a blank now and then never falls silent, and would hold the run for ever."""
    with serve(drip) as base_url:
        started = time.monotonic()
        (reply,), store = ask(base_url, timeout_s=1.0)
    assert reply.outcome is Outcome.ANSWERED
    assert time.monotonic() - started < 30
    (lost, _) = store.puts
    assert lost.is_lost
    assert "no whole reply within 1 s" in lost.error
