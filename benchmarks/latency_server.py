"""A chat endpoint on 127.0.0.1 that only waits: requests enter; replies leave after their latency.

A process of its own: ``python latency_server.py`` takes a free port, prints it and serves until it is
told to stop. `open_server` starts one and ends it by its pid. ``GET /v1/seen`` tells how many calls
came since it was last asked, and how many of them were being answered at once at the most.
"""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from workload import WARM_UP, find_latency

__all__ = ["Seen", "open_server", "read_answer", "read_seen"]

_BODY_BYTES = 850
_ANSWER = "I would close the door, and say so kindly: others may well mind. "


@dataclass(slots=True)
class Seen:
    """What the server saw: calls, and the most of them at once; warming up is not counted."""

    calls: int = 0
    most: int = 0


@contextmanager
def open_server() -> Iterator[str]:
    """Start the server, yield its base URL, end it."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            port = server.stdout.readline().strip()
            if not port:
                raise SystemExit("The latency server did not start; its message is above.")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def read_seen(base_url: str) -> Seen:
    """Return what the server saw since this was last called."""
    # An opener without proxies, whatever the environment says: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{base_url}/seen", timeout=10) as response:
        return Seen(**json.load(response))


def _make_body(content: str = "") -> bytes:
    """Return a chat completion with a content; without one, of about 0.85 KB, usage included."""
    message = {"role": "assistant", "content": "", "refusal": None}
    usage = {"prompt_tokens": 40, "completion_tokens": 120, "total_tokens": 160}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    body: dict[str, Any] = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "latency",
        "choices": [choice],
        "usage": usage,
    }
    room = _BODY_BYTES - len(json.dumps(body))
    message["content"] = content or (_ANSWER * (room // len(_ANSWER) + 1))[:room]
    return json.dumps(body).encode()


def read_answer() -> str:
    """Return what the server says to most texts."""
    return str(json.loads(_make_body())["choices"][0]["message"]["content"])


class _Answerer:
    """Answers requests, and counts those that it is answering."""

    def __init__(self) -> None:
        self._body = _make_body()
        # What an evaluator reads: a judge's word, and a letter.
        self._read = {"[[safe]]": _make_body("[[safe]]"), "[[A]]": _make_body("Option: [[A]]")}
        self._seen = Seen()
        self._in_flight = 0

    async def answer(self, request: Any) -> Any:
        """Return the reply after the latency of the request's last message, or what was seen."""
        from aiohttp import web

        if request.method == "GET":
            seen, self._seen = self._seen, Seen()
            return web.json_response({"calls": seen.calls, "most": seen.most})
        text = _read_text((await request.json())["messages"][-1]["content"])
        if text != WARM_UP:
            await self._wait(find_latency(text))
        asked = (body for mark, body in self._read.items() if mark in text)
        return web.Response(body=next(asked, self._body), content_type="application/json")

    async def _wait(self, seconds: float) -> None:
        self._in_flight += 1
        self._seen.calls += 1
        self._seen.most = max(self._seen.most, self._in_flight)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._in_flight -= 1


def _read_text(content: Any) -> str:
    """Return a message's text, which may come in parts."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


async def _serve() -> None:
    from aiohttp import web

    runner = web.ServerRunner(web.Server(_Answerer().answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
