"""A run of many calls as a process of its own, for tests that kill it: ``call_driver.py URL LOG COUNT``."""

import asyncio
import signal
import sys
from pathlib import Path

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import run_calls
from builder.bundle.engine.interrupts import end_as_interrupted
from builder.bundle.engine.store import ReplyLog

__all__ = ["CONCURRENCY", "make_calls", "run"]

CONCURRENCY = 32


def make_calls(url: str, count: int) -> list[Call]:
    """Return so many different calls; a number in brackets tells each from all others."""
    endpoint = Endpoint("aimock", "gpt-test", url, "", {"temperature": 0}, CONCURRENCY)
    return [Call(endpoint, (("user", f"Question [{n:05}], please."),)) for n in range(count)]


def run(url: str, log: Path, count: int) -> dict[str, Reply]:
    """Ask all calls that the log does not hold; return all replies by key."""

    async def ask() -> dict[str, Reply]:
        calls = make_calls(url, count)
        client = Client(calls[0].endpoint)
        try:
            with ReplyLog(log) as store:
                return await run_calls(calls, {"aimock": client}, store)
        finally:
            await client.close()

    return asyncio.run(ask())


if __name__ == "__main__":
    # Whoever runs the tests under nohup hands an ignored SIGHUP down.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    end_as_interrupted()
    run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
