"""Asking models: replies are kept once and for good, failures have labels, and nothing hangs."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.bundle.engine import client as client_module
from builder.bundle.engine.calls import FINAL_OUTCOMES, Call, Endpoint, Reply
from builder.bundle.engine.client import Client, GiveUpError
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.fan_out import FollowUp, Progress, run_calls
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.store import CallStore, ReplyLog

SECRET = "sk-recognisable-0123456789"
VARIABLE = "FINEBENCH_TEST_KEY"
REPOSITORY = Path(__file__).parents[1]
LIMIT_S = 10.0
really_sleep = asyncio.sleep


# What the tests are made of.


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
        self.asked.append(body["messages"][-1]["content"])
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


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a key that is recognised wherever it leaks."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the client's waits between attempts instead of waiting."""
    recorded: list[float] = []

    async def record(seconds: float) -> None:
        recorded.append(seconds)
        await really_sleep(0)

    # Only the client's view of asyncio: everybody else's waits are left alone.
    view = SimpleNamespace(**vars(asyncio) | {"sleep": record})
    monkeypatch.setattr(client_module, "asyncio", view)
    return recorded


async def ask(server: FakeServer, call: Call | None = None) -> Reply:
    """Ask one call of a fake server through the real client."""
    call = call or make_call()
    client = Client(call.endpoint, httpx2.MockTransport(server))
    try:
        return await asyncio.wait_for(client.ask(call), LIMIT_S)
    finally:
        await client.close()


def ask_once(server: FakeServer, call: Call | None = None) -> Reply:
    """Ask in a loop of its own."""
    return asyncio.run(ask(server, call))


def ask_all(
    calls: list[Call],
    servers: dict[str, FakeServer],
    store: CallStore,
    *,
    follow_up: FollowUp | None = None,
    on_reply: Callable[[Progress], None] | None = None,
    **endpoint: Any,
) -> dict[str, Reply]:
    """Run calls against fake servers by endpoint name, within a time limit."""

    async def run() -> dict[str, Reply]:
        clients = {
            name: Client(make_endpoint(name, **endpoint), httpx2.MockTransport(server))
            for name, server in servers.items()
        }
        started = run_calls(calls, clients, store, follow_up=follow_up, on_reply=on_reply)
        try:
            return await asyncio.wait_for(started, LIMIT_S)
        finally:
            for client in clients.values():
                await client.close()

    return asyncio.run(run())


def respond(status: int, **content: Any) -> httpx2.Response:
    """Return a response of the fake server."""
    return httpx2.Response(status, **content)


def fail_with(status: int, message: str = "no", **error: Any) -> httpx2.Response:
    """Return an error as OpenAI's API words it."""
    return respond(status, json={"error": {"message": message} | error})


# The key of a call.


def test_the_key_of_a_call_is_fixed_for_all_time() -> None:
    """A key that changed between versions would have every journal asked and paid for again."""
    call = make_call("Hello?", make_endpoint(parameters={"temperature": 0, "seed": 7}), sample=2)
    assert call.key == "1d7af2c6562b17685a300fb716ef2a93c7ce8290f837bbdc766a278456f5a26c"


@pytest.mark.parametrize(
    "changed",
    [
        make_call("Hello!"),
        make_call(endpoint=make_endpoint("m2", model="model of m1")),
        make_call(endpoint=make_endpoint(model="another")),
        make_call(endpoint=make_endpoint(parameters={"seed": 1})),
        make_call(sample=1),
        make_call(messages=(("system", "Hello?"),)),
        make_call(messages=(("user", "Hello?"), ("user", ""))),
    ],
)
def test_the_key_depends_on_all_that_decides_the_reply(changed: Call) -> None:
    """Two questions under one key would share a reply: one model would be scored by another's."""
    assert changed.key != make_call().key


@pytest.mark.parametrize(
    "changed",
    [
        make_call(role="judge"),
        make_call(prompt="another hash"),
        make_call(endpoint=make_endpoint(concurrency=1)),
        make_call(endpoint=make_endpoint(timeout_s=1.0)),
        make_call(endpoint=make_endpoint(base_url="http://mirror.invalid/v1")),
        make_call(endpoint=make_endpoint(key_variable="ANOTHER")),
    ],
)
def test_the_key_depends_on_nothing_else(changed: Call) -> None:
    """Raising the concurrency or moving a server must not have every reply paid for again."""
    assert changed.key == make_call().key


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4))
def test_the_key_does_not_depend_on_the_order_of_parameters(parameters: dict[str, Any]) -> None:
    """Sorting a configuration file changes no question."""
    turned = dict(reversed(parameters.items()))
    first, second = (make_call(endpoint=make_endpoint(parameters=p)) for p in (parameters, turned))
    assert first.key == second.key


def test_a_text_that_utf8_cannot_hold_has_a_key() -> None:
    """JSON can carry lone surrogates into a question; a key must not be where that shows."""
    assert make_call("\ud800").key != make_call("?").key


# The log of replies.

TEXT = 'Line one\nline two\u2028 "quoted" 是 \0 end'


def make_reply(call: Call, outcome: Outcome = Outcome.ANSWERED, text: str = TEXT) -> Reply:
    """Return a reply to a call."""
    return Reply(call.key, outcome, text, prompt_tokens=3)


def fill(path: Path, count: int) -> list[Call]:
    """Write a log of so many answered calls and return them."""
    calls = [make_call(f"question {i}") for i in range(count)]
    with ReplyLog(path) as log:
        for call in calls:
            log.put(call, make_reply(call))
    return calls


def put_many(log: ReplyLog, count: int) -> None:
    """Put so many answered calls into a log."""
    for i in range(count):
        call = make_call(str(i))
        log.put(call, make_reply(call))


@pytest.mark.parametrize("outcome", sorted(FINAL_OUTCOMES))
def test_a_reply_comes_back_as_it_was_put(outcome: Outcome, tmp_path: Path) -> None:
    """What a model said is kept to the character, now and after the file is opened again."""
    path, call = tmp_path / "new" / "replies.jsonl", make_call()
    reply = make_reply(call, outcome)
    with ReplyLog(path) as log:
        assert log.get(call.key) is None
        log.put(call, reply)
        assert log.get(call.key) == reply
    with ReplyLog(path) as log:
        assert log.get(call.key) == reply
        assert len(log) == 1


def test_a_record_tells_what_was_asked(tmp_path: Path) -> None:
    """A log of replies without their questions could not be checked by anybody."""
    path = tmp_path / "replies.jsonl"
    call = make_call(endpoint=make_endpoint(parameters={"seed": 7}), role="judge", prompt="p1")
    with ReplyLog(path) as log:
        log.put(call, make_reply(call))
    (line,) = path.read_bytes().splitlines()
    record = json.loads(line)
    assert record["messages"] == [["user", "Hello?"]]
    told = (record["endpoint"], record["model"], record["parameters"], record["sample"])
    assert told == ("m1", "model of m1", {"seed": 7}, 0)
    assert (record["role"], record["prompt"]) == ("judge", "p1")
    assert SECRET not in path.read_text("utf-8")


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - FINAL_OUTCOMES))
def test_a_failed_call_is_recorded_but_not_kept_as_a_reply(
    outcome: Outcome, tmp_path: Path
) -> None:
    """Failures stand in the account, and are asked again: nobody has spoken yet."""
    path, call = tmp_path / "replies.jsonl", make_call()
    for _ in range(2):
        with ReplyLog(path) as log:
            assert log.get(call.key) is None
            log.put(call, make_reply(call, outcome, ""))
            assert log.get(call.key) is None
    assert path.read_bytes().count(b"\n") == 2


def test_a_failure_after_a_reply_does_not_take_the_reply_away(tmp_path: Path) -> None:
    """Once a model has spoken, no later accident undoes it."""
    path = tmp_path / "replies.jsonl"
    (call,) = fill(path, 1)
    with ReplyLog(path) as log:
        log.put(call, make_reply(call, Outcome.FAILED, ""))
    with ReplyLog(path) as log:
        assert log.get(call.key) == make_reply(call)


def test_a_record_torn_at_any_byte_costs_no_earlier_reply(tmp_path: Path) -> None:
    """A kill may stop a write anywhere; what was kept before is kept, and writing goes on."""
    path = tmp_path / "replies.jsonl"
    first, second, torn = fill(path, 3)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for length in range(start, len(whole)):
        path.write_bytes(whole[:length])
        with ReplyLog(path) as log:
            assert log.get(first.key) == make_reply(first)
            assert log.get(second.key) == make_reply(second)
            assert log.get(torn.key) is None
            log.put(torn, make_reply(torn))
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "damage",
    [
        b"{]\n",
        b"\n",
        b"[1]\n",
        b"null\n",
        b'{"key": "k"}\n',
        b'{"key": "\xff"}\n',
        b"\0\0\0\0\n",
    ],
)
def test_a_damaged_line_in_the_middle_is_named(damage: bytes, tmp_path: Path) -> None:
    """Damage that no kill explains is told, with file and line, and nothing is thrown away."""
    path = tmp_path / "replies.jsonl"
    fill(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = damage
    path.write_bytes(b"".join(lines))
    with pytest.raises(EngineError, match=re.escape(f"{path}:2: ")):
        ReplyLog(path)
    assert path.read_bytes() == b"".join(lines)


def test_an_unknown_outcome_is_damage(tmp_path: Path) -> None:
    """A label of a later version must not be taken for an answer."""
    path = tmp_path / "replies.jsonl"
    fill(path, 1)
    path.write_bytes(path.read_bytes().replace(b'"answered"', b'"divined"'))
    with pytest.raises(EngineError, match="divined"):
        ReplyLog(path)


def test_a_path_that_cannot_be_a_log_is_an_error_for_users(tmp_path: Path) -> None:
    """A folder in the log's place is named, without a traceback."""
    with pytest.raises(EngineError, match="cannot be opened"):
        ReplyLog(tmp_path)


HOLD = """
import sys
from pathlib import Path
from builder.bundle.engine.store import ReplyLog
log = ReplyLog(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_log_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    """Two runs that append to one file would ask, and pay, twice; a killed run must not lock it."""
    path = tmp_path / "replies.jsonl"
    (call,) = fill(path, 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(EngineError, match="in use by another run"):
                ReplyLog(path)
        finally:
            os.kill(holder.pid, signal.SIGKILL)
    with ReplyLog(path) as log:
        assert log.get(call.key) == make_reply(call)


def fill_disk(log: ReplyLog, after: int = 10) -> None:
    """Have the log's next writes stop after some bytes, as on a full disk."""
    stream = cast("io.FileIO", log._stream)
    write = stream.write

    def write_a_part(data: bytes) -> int:
        return write(data[:after])

    stream.write = write_a_part  # type: ignore[method-assign, assignment]


def test_a_full_disk_is_an_error_and_costs_no_earlier_reply(tmp_path: Path) -> None:
    """Half a record in the middle of the log would be damage that nobody can explain."""
    path = tmp_path / "replies.jsonl"
    (kept,) = fill(path, 1)
    before, lost = path.read_bytes(), make_call("lost")
    with ReplyLog(path) as log:
        fill_disk(log)
        with pytest.raises(EngineError, match="Earlier replies are intact"):
            log.put(lost, make_reply(lost))
        assert log.get(lost.key) is None
        assert log.get(kept.key) == make_reply(kept)
    assert path.read_bytes() == before
    with ReplyLog(path) as log:
        log.put(lost, make_reply(lost))
        assert len(log) == 2


def test_a_disk_that_refuses_to_sync_is_an_error_for_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems report that they are full only when forced: users read a sentence then too."""

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    with ReplyLog(tmp_path / "replies.jsonl") as log, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(EngineError):
            put_many(log, 200)


def test_records_are_forced_to_the_disk_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of power may cost what the docstring says, 64 records, and no more."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with ReplyLog(tmp_path / "replies.jsonl") as log:
        put_many(log, 130)
        assert len(synced) == 2
    assert len(synced) == 3


# One call through the real client.


def test_an_answer_arrives_with_its_text_and_usage() -> None:
    """The plain case: what the server said is the reply, and the request is what was configured."""
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    server = FakeServer(respond(200, json=make_completion("Fine. 好") | {"usage": usage}))
    call = make_call(
        endpoint=make_endpoint(parameters={"temperature": 0, "seed": 7}),
        messages=(("system", "Be kind."), ("user", "Hello?")),
    )
    reply = ask_once(server, call)
    assert (reply.key, reply.outcome, reply.text) == (call.key, Outcome.ANSWERED, "Fine. 好")
    assert (reply.prompt_tokens, reply.completion_tokens) == (12, 3)
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello?"},
    ]
    assert server.bodies == [
        {"model": "model of m1", "messages": messages, "temperature": 0, "seed": 7}
    ]


def test_usage_that_the_server_does_not_tell_is_none_and_not_zero() -> None:
    """Missing is not zero: a price worked out from zeros would be a false one."""
    reply = ask_once(FakeServer())
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    ("body", "outcome", "text"),
    [
        (make_completion("Fine."), Outcome.ANSWERED, "Fine."),
        (make_completion(None), Outcome.ANSWERED, ""),
        (make_completion(""), Outcome.ANSWERED, ""),
        (make_completion("Fi", "length"), Outcome.TRUNCATED, "Fi"),
        (make_completion("", "content_filter"), Outcome.FILTERED, ""),
        (make_completion(None, refusal="I won't."), Outcome.REFUSED, "I won't."),
        (make_completion("Fine.", "some_new_reason"), Outcome.ANSWERED, "Fine."),
    ],
)
def test_how_a_completion_ended_is_its_outcome(body: Any, outcome: Outcome, text: str) -> None:
    """A cut-off, filtered or refused reply is no answer, and its label decides what it counts for."""
    server = FakeServer(respond(200, json=body))
    reply = ask_once(server)
    assert (reply.outcome, reply.text) == (outcome, text)
    assert len(server.asked) == 1


def test_a_lone_surrogate_in_a_reply_becomes_a_question_mark(tmp_path: Path) -> None:
    """JSON can carry what UTF-8 cannot: such a reply must be kept, not stop the run."""
    body = json.dumps(make_completion("a\ud800b")).encode()
    server = FakeServer(respond(200, content=body, headers={"content-type": "application/json"}))
    reply = ask_once(server)
    assert (reply.outcome, reply.text) == (Outcome.ANSWERED, "a?b")
    with ReplyLog(tmp_path / "replies.jsonl") as log:
        log.put(make_call(), reply)


def test_a_lone_surrogate_in_an_error_message_does_not_stop_the_run(tmp_path: Path) -> None:
    """Servers quote our question in their errors; the quotation must not be what ends a run."""
    body = json.dumps({"error": {"message": "bad: \ud800"}}).encode()
    server = FakeServer(respond(400, content=body, headers={"content-type": "application/json"}))
    reply = ask_once(server)
    with ReplyLog(tmp_path / "replies.jsonl") as log:
        log.put(make_call(), reply)


def test_the_servers_wish_to_wait_is_followed(waits: list[float]) -> None:
    """Asking again before the server is ready only prolongs the ban."""
    busy = respond(429, headers={"retry-after": "7"}, json={"error": {"message": "slow down"}})
    server = FakeServer(busy, busy, respond(200, json=make_completion()))
    assert ask_once(server).outcome is Outcome.ANSWERED
    assert len(waits) == 2
    assert all(wait >= 7 for wait in waits)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("100000", 600, 600),
        ("inf", 600, 600),
        ("nan", 0.5, 10),
        ("-5", 0.5, 10),
        ("soon", 0.5, 10),
        ("0", 0.5, 10),
    ],
)
def test_a_strange_wish_to_wait_is_kept_within_limits(
    header: str, least: float, most: float, waits: list[float]
) -> None:
    """A run must not sleep for a day, nor hammer the server, because of one odd header."""
    server = FakeServer(
        respond(503, headers={"retry-after": header}), respond(200, json=make_completion())
    )
    assert ask_once(server).outcome is Outcome.ANSWERED
    (wait,) = waits
    assert least <= wait <= most


def test_a_wish_to_wait_until_a_date_is_followed(waits: list[float]) -> None:
    """HTTP allows a date in Retry-After; gateways and proxies send it."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server = FakeServer(
        respond(429, headers={"retry-after": until}), respond(200, json=make_completion())
    )
    ask_once(server)
    assert waits[0] >= 60


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (fail_with(500, "out of order"), Outcome.FAILED),
        (fail_with(503, "out of order"), Outcome.FAILED),
        (fail_with(408, "out of order"), Outcome.FAILED),
        (fail_with(429, "out of order"), Outcome.RATE_LIMITED),
        (respond(502, content=b"<html>Bad gateway</html>"), Outcome.FAILED),
        (httpx2.ConnectError("refused"), Outcome.FAILED),
        (httpx2.ReadTimeout("too slow"), Outcome.FAILED),
        (httpx2.RemoteProtocolError("gone"), Outcome.FAILED),
    ],
)
def test_what_may_pass_is_tried_five_times_with_growing_waits(
    step: httpx2.Response | Exception, outcome: Outcome, waits: list[float]
) -> None:
    """A server's bad minute must not cost an item; nor may a dead server hold a run for ever."""
    server = FakeServer(step)
    reply = ask_once(server)
    assert reply.outcome is outcome
    assert reply.error
    assert len(server.asked) == 5
    assert len(waits) == 4
    assert waits == sorted(waits)
    assert waits[0] > 0


def test_the_servers_own_message_is_kept() -> None:
    """Users mend what the provider complains of only if they can read it."""
    reply = ask_once(FakeServer(fail_with(400, "max_tokens is too large")))
    assert "max_tokens is too large" in reply.error
    assert "400" in reply.error


MALFORMED = [
    respond(200, content=b"<html>Welcome</html>"),
    respond(200, content=b"{]", headers={"content-type": "application/json"}),
    respond(200, content=b"\xff", headers={"content-type": "application/json"}),
    respond(200, content=b"null", headers={"content-type": "application/json"}),
    respond(204),
    respond(200, json={}),
    respond(200, json=[]),
    respond(200, json={"choices": None}),
    respond(200, json={"choices": []}),
    respond(200, json={"choices": [None]}),
    respond(200, json={"choices": [{"index": 0}]}),
    respond(200, json={"choices": [{"message": "Fine."}]}),
    respond(200, json={"choices": [{"message": {"content": [{"text": "Fine."}]}}]}),
    respond(200, json={"error": {"message": "overloaded"}}),
]


@pytest.mark.parametrize("step", MALFORMED)
def test_a_body_that_is_no_completion_is_malformed(
    step: httpx2.Response, waits: list[float]
) -> None:
    """Proxies answer 200 with pages of their own: that is no reply of the model, and is retried."""
    server = FakeServer(step)
    reply = ask_once(server)
    assert (reply.outcome, reply.text) == (Outcome.MALFORMED, "")
    assert "unreadable reply" in reply.error
    assert (len(server.asked), len(waits)) == (5, 4)


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize(
    "step",
    [
        respond(200, json={"choices": {}}),
        respond(200, json={"choices": {"0": {}}}),
        respond(
            200, json={"choices": [{"finish_reason": ["stop"], "message": {"content": "Fine."}}]}
        ),
        respond(200, content=b"1" * 5000, headers={"content-type": "application/json"}),
        respond(200, content=b"[" * 100_000, headers={"content-type": "application/json"}),
    ],
)
def test_a_body_of_an_odd_shape_is_malformed_too(step: httpx2.Response) -> None:
    """One failure cancels no other call, so that no body may raise anything but a label."""
    assert ask_once(FakeServer(step)).outcome is Outcome.MALFORMED


def test_a_malformed_body_is_asked_again(waits: list[float]) -> None:
    """The next attempt may bring the reply."""
    server = FakeServer(MALFORMED[0], respond(200, json=make_completion("Fine.")))
    assert ask_once(server).text == "Fine."
    assert len(waits) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_the_server_rejects_is_not_repeated(status: int, waits: list[float]) -> None:
    """The same request would be rejected again, and each attempt may cost."""
    server = FakeServer(fail_with(status, "bad request"))
    assert ask_once(server).outcome is Outcome.FAILED
    assert (len(server.asked), waits) == (1, [])


def test_a_request_stopped_by_the_providers_filter_is_filtered() -> None:
    """Azure tells of its filter by an error: it is an outcome of its own, not a failure."""
    server = FakeServer(fail_with(400, "blocked", code="content_filter"))
    reply = ask_once(server)
    assert (reply.outcome, reply.text) == (Outcome.FILTERED, "")
    assert len(server.asked) == 1


def test_access_denied_to_one_call_is_no_word_on_the_others(waits: list[float]) -> None:
    """Some gateways answer 403 to one flagged text: an endpoint must not be given up for that."""
    server = FakeServer(fail_with(403, "flagged"))
    reply = ask_once(server)
    assert (reply.outcome, reply.status) == (Outcome.FAILED, 403)
    assert (len(server.asked), waits) == (1, [])


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, VARIABLE), (404, "http://model.invalid/v1")],
)
def test_what_no_waiting_mends_names_what_to_mend_and_never_the_key(
    status: int, said: str, waits: list[float]
) -> None:
    """The message goes to screens and logs: it names variable, model or address, not the secret."""
    server = FakeServer(fail_with(status, f"Incorrect API key provided: {SECRET}"))
    with pytest.raises(GiveUpError) as caught:
        ask_once(server)
    message = str(caught.value)
    assert said in message
    assert "m1" in message
    assert str(status) in message
    assert SECRET not in message
    assert (len(server.asked), waits) == (1, [])


def test_a_missing_key_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Users know what to set before a single call is made."""
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(EngineError, match=VARIABLE):
        Client(make_endpoint())


def test_a_server_that_wants_no_key_is_asked_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local servers have no keys: an empty variable name says so, and no other key is sent."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    seen: list[str] = []

    async def look(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.headers))
        return respond(200, json=make_completion())

    async def run() -> None:
        client = Client(make_endpoint(key_variable=""), httpx2.MockTransport(look))
        try:
            await client.ask(make_call())
        finally:
            await client.close()

    asyncio.run(run())
    assert len(seen) == 1
    assert SECRET not in seen[0]


@pytest.mark.server
@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("end", ["\r", "\n"])
def test_a_key_that_cannot_be_sent_is_not_written_down(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of a run are shared: a key in them is a key lost, whatever was wrong with it."""
    monkeypatch.setenv(VARIABLE, SECRET + end)

    async def close_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def run() -> str:
        server = await asyncio.start_server(close_at_once, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            client = Client(make_endpoint(base_url=f"http://127.0.0.1:{port}/v1"))
            try:
                reply = await asyncio.wait_for(client.ask(make_call()), LIMIT_S)
                return reply.error
            finally:
                await client.close()

    try:
        error = asyncio.run(run())
    except EngineError as refused:
        error = str(refused)
    assert error
    assert SECRET not in error


# Many calls at once.


def test_no_calls_are_no_replies() -> None:
    """A stage with nothing left to ask ends at once."""
    server = FakeServer()
    assert ask_all([], {"m1": server}, MemoryStore()) == {}
    assert ask_all([], {}, MemoryStore()) == {}
    assert server.asked == []


def test_every_call_gets_a_reply_and_repeated_calls_are_asked_once() -> None:
    """The same question twice is one call: it has one key, one reply and one price."""
    calls = [make_call(f"question {i % 20}") for i in range(50)]
    server, store = FakeServer(), MemoryStore()
    replies = ask_all(calls, {"m1": server}, store)
    assert {call.key: f"Re: {call.messages[0][1]}" for call in calls} == {
        key: reply.text for key, reply in replies.items()
    }
    assert sorted(server.asked) == sorted({call.messages[0][1] for call in calls})
    assert len(store.puts) == 20


def test_replies_in_the_store_are_not_asked_for_again() -> None:
    """A stage run twice makes no call, and one that was killed goes on where it stood."""
    calls = [make_call(f"question {i}") for i in range(10)]
    server, store = FakeServer(), MemoryStore()
    first = ask_all(calls[:6], {"m1": server}, store)
    seen: list[tuple[int, int, int]] = []

    def note(progress: Progress) -> None:
        seen.append((progress.kept, progress.asked, progress.failed))

    second = ask_all(calls, {"m1": server}, store, on_reply=note)
    assert len(server.asked) == 10
    assert len(set(server.asked)) == 10
    assert {key: second[key] for key in first} == first
    assert seen[-1] == (6, 4, 0)
    ask_all(calls, {"m1": server}, store)
    assert len(server.asked) == 10


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_no_more_calls_are_out_than_the_endpoint_allows(concurrency: int) -> None:
    """More than the provider allows is an error of ours; fewer than configured is lost time."""
    server, all_are_out = FakeServer(), asyncio.Event()

    async def answer(text: str) -> httpx2.Response:
        if server.at_once >= concurrency:
            all_are_out.set()
        await all_are_out.wait()
        for _ in range(20):  # time for one too many to come in
            await really_sleep(0)
        return respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(30)]
    ask_all(calls, {"m1": server}, MemoryStore(), concurrency=concurrency)
    assert server.most_at_once == concurrency
    assert len(server.asked) == 30


def test_an_endpoint_does_not_wait_for_another() -> None:
    """A slow judge must not hold up the model it judges, nor one model another."""
    slow, quick = FakeServer(), FakeServer()
    quick_is_done = asyncio.Event()

    async def answer_after_the_other(text: str) -> httpx2.Response:
        await quick_is_done.wait()
        return respond(200, json=make_completion(text))

    async def answer(text: str) -> httpx2.Response:
        if len(quick.asked) == 9:
            quick_is_done.set()
        return respond(200, json=make_completion(text))

    slow.handle, quick.handle = answer_after_the_other, answer
    calls = [
        make_call(f"question {i}", make_endpoint(name)) for name in ("slow", "quick") for i in range(9)
    ]  # fmt: skip
    replies = ask_all(calls, {"slow": slow, "quick": quick}, MemoryStore(), concurrency=2)
    assert len(replies) == 18
    assert all(reply.outcome is Outcome.ANSWERED for reply in replies.values())


def follow_answers(reply: Reply) -> list[Call]:
    """Ask a judge about every answer of the model that it has not judged."""
    judge = make_endpoint("judge")
    is_judgement = reply.text.startswith("Re: Re:")
    return [] if is_judgement or not reply.is_final else [make_call(reply.text, judge)]


def test_what_follows_from_a_reply_is_asked_also_where_the_reply_was_kept() -> None:
    """A run killed between an answer and its judgement must have the judgement made up for."""
    calls = [make_call(f"question {i}") for i in range(4)]
    model, judge, store = FakeServer(), FakeServer(), MemoryStore()
    servers = {"m1": model, "judge": judge}
    ask_all(calls[:2], {"m1": model}, store)
    assert judge.asked == []
    replies = ask_all(calls, servers, store, follow_up=follow_answers)
    assert sorted(judge.asked) == [f"Re: question {i}" for i in range(4)]
    assert len(replies) == 8
    again = ask_all(calls, servers, store, follow_up=follow_answers)
    assert again == replies
    assert (len(model.asked), len(judge.asked)) == (4, 4)


@pytest.mark.usefixtures("waits")
def test_one_call_that_fails_cancels_no_other() -> None:
    """Of a thousand calls some always fail: they are labelled, and the rest goes on."""
    server = FakeServer()

    async def answer(text: str) -> httpx2.Response:
        if text == "question 3":
            return fail_with(400, "no")
        if text == "question 5":
            raise httpx2.ConnectError("refused")
        return respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(12)]
    replies = ask_all(calls, {"m1": server}, MemoryStore())
    outcomes = [replies[call.key].outcome for call in calls]
    assert [i for i, outcome in enumerate(outcomes) if outcome is Outcome.FAILED] == [3, 5]
    assert outcomes.count(Outcome.ANSWERED) == 10


def test_an_endpoint_that_fails_twenty_times_in_a_row_is_given_up() -> None:
    """A dead server must not be asked thousands of times; the rest waits for a later run."""
    server, other, store = FakeServer(fail_with(400, "broken")), FakeServer(), MemoryStore()
    calls = [make_call(f"question {i}") for i in range(100)]
    others = [make_call(f"question {i}", make_endpoint("m2")) for i in range(30)]
    servers = {"m1": server, "m2": other}
    replies = ask_all([*calls, *others], servers, store, concurrency=4)
    assert 20 <= len(server.asked) < 20 + 4
    assert {replies[call.key].outcome for call in calls} == {Outcome.FAILED}
    unsent = [r for r in replies.values() if "not sent" in r.error]
    assert len(unsent) == 100 - len(server.asked)
    assert "given up" in unsent[0].error
    assert {replies[call.key].outcome for call in others} == {Outcome.ANSWERED}
    mended = FakeServer()
    later = ask_all([*calls, *others], {"m1": mended, "m2": other}, store)
    assert len(mended.asked) == 100
    assert len(other.asked) == 30
    assert {reply.outcome for reply in later.values()} == {Outcome.ANSWERED}


def test_failures_between_answers_do_not_add_up() -> None:
    """Only failures in a row tell of a dead server: a model that rejects a third is alive."""
    server = FakeServer()

    async def answer(text: str) -> httpx2.Response:
        is_bad = int(text) % 20 != 0
        return fail_with(400, "no") if is_bad else respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(str(i)) for i in range(200)]
    ask_all(calls, {"m1": server}, MemoryStore(), concurrency=1)
    assert len(server.asked) == 200


def test_an_endpoint_with_a_wrong_key_is_given_up_at_once() -> None:
    """One refusal of the key is enough; the replies tell what to mend, and never the key."""
    server, store = FakeServer(fail_with(401, f"Incorrect key {SECRET}")), MemoryStore()
    calls = [make_call(f"question {i}") for i in range(50)]
    replies = ask_all(calls, {"m1": server}, store, concurrency=4)
    assert len(server.asked) <= 4
    assert {reply.outcome for reply in replies.values()} == {Outcome.FAILED}
    assert all(VARIABLE in reply.error for reply in replies.values())
    assert SECRET not in "".join(reply.error for reply in replies.values())
    assert store.replies == {}


def test_a_store_that_fails_ends_the_run_with_its_own_error() -> None:
    """Replies that cannot be kept must not be paid for: the run stops, and says why."""
    server = FakeServer()
    calls = [make_call(f"question {i}") for i in range(50)]
    store = MemoryStore(error=EngineError("the disk is full"))
    with pytest.raises(EngineError, match="the disk is full"):
        ask_all(calls, {"m1": server}, store, concurrency=4)
    assert len(server.asked) < 50


def test_a_full_disk_ends_a_run_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """The whole way: replies kept before the disk was full are not asked for again."""
    path, server = tmp_path / "replies.jsonl", FakeServer()
    calls = [make_call(f"question {i}") for i in range(20)]
    with ReplyLog(path) as log:
        ask_all(calls[:7], {"m1": server}, log)
        fill_disk(log)
        with pytest.raises(EngineError, match="cannot be kept"):
            ask_all(calls, {"m1": server}, log, concurrency=1)
    before = list(server.asked)
    with ReplyLog(path) as log:
        replies = ask_all(calls, {"m1": server}, log)
    assert len(replies) == 20
    assert set(server.asked[len(before) :]) == {f"question {i}" for i in range(7, 20)}


def test_an_error_in_what_follows_ends_the_run() -> None:
    """A mistake of the caller's must be seen, not leave the run waiting for ever."""

    def break_down(_: Reply) -> list[Call]:
        raise LookupError("no such item")

    with pytest.raises(LookupError, match="no such item"):
        ask_all([make_call()], {"m1": FakeServer()}, MemoryStore(), follow_up=break_down)


def test_an_endpoint_that_may_make_no_calls_is_refused() -> None:
    """A limit of no calls at once is a mistake to be told, not to be waited for."""

    async def run() -> None:
        client = Client(make_endpoint(concurrency=0), httpx2.MockTransport(FakeServer()))
        started = run_calls([make_call()], {"m1": client}, MemoryStore())
        try:
            with pytest.raises((EngineError, ValueError)):
                await asyncio.wait_for(started, 0.3)
        finally:
            await client.close()

    asyncio.run(run())
