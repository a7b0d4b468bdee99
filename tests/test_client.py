"""One call through the real client: its end has a label, its waits a limit, its key no witness."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import (
    LIMIT_S,
    SECRET,
    VARIABLE,
    FakeServer,
    MemoryStore,
    SwiftClock,
    ask_all,
    ask_once,
    fail_with,
    make_call,
    make_completion,
    make_endpoint,
    respond,
)

from builder.bundle.engine.client import Client
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.store import ReplyLog

pytestmark = pytest.mark.usefixtures("known_key")


@pytest.fixture
def waits() -> list[float]:
    """Hold the waits between attempts, which are recorded instead of waited for."""
    return []


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
    assert ask_once(server, waits=waits).outcome is Outcome.ANSWERED
    assert len(waits) == 2
    assert all(wait >= 7 for wait in waits)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("600", 600, 660),
        ("3600", 3600, 3960),
        ("nan", 0.1, 10),
        ("-5", 0.1, 10),
        ("soon", 0.1, 10),
        ("0", 0.1, 10),
    ],
)
def test_a_strange_wish_to_wait_is_kept_within_limits(
    header: str, least: float, most: float, waits: list[float]
) -> None:
    """Ten minutes are waited for, where the client gives up at two; nonsense is no licence to hammer."""
    server = FakeServer(
        respond(503, headers={"retry-after": header}), respond(200, json=make_completion())
    )
    assert ask_once(server, waits=waits).outcome is Outcome.ANSWERED
    (wait,) = waits
    assert least <= wait <= most


@pytest.mark.parametrize("header", ["100000", "inf"])
def test_an_endpoint_that_asks_for_hours_is_left_until_another_run(
    header: str, waits: list[float]
) -> None:
    """A run must not sleep for a day because of one header; the user can come back."""
    server = FakeServer(respond(429, headers={"retry-after": header}))
    reply = ask_once(server, waits=waits)
    assert reply.outcome is Outcome.RATE_LIMITED
    assert (len(server.asked), waits) == (1, [])


def test_a_wish_to_wait_until_a_date_is_followed(waits: list[float]) -> None:
    """HTTP allows a date in Retry-After; gateways and proxies send it."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server = FakeServer(
        respond(429, headers={"retry-after": until}), respond(200, json=make_completion())
    )
    ask_once(server, waits=waits)
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
        (OverflowError("whatever a transport raises"), Outcome.FAILED),
    ],
)
def test_what_may_pass_is_tried_some_times_with_growing_waits(
    step: httpx2.Response | Exception, outcome: Outcome, waits: list[float]
) -> None:
    """A server's bad minute must not cost an item; nor may a dead server hold a run for ever."""
    server = FakeServer(step)
    reply = ask_once(server, waits=waits)
    assert reply.outcome is outcome
    assert reply.error
    # Where something answers, if only that it cannot, it is given some minutes; where nobody does, seconds.
    is_there = isinstance(step, httpx2.Response)
    assert len(server.asked) == (10 if is_there else 6)
    assert len(waits) == len(server.asked) - 1
    assert waits[:7] == sorted(waits[:7])
    assert waits[0] > 0
    assert (sum(waits) > 60) is is_there


@pytest.mark.parametrize(
    ("step", "is_lost"),
    [
        (httpx2.ReadTimeout("too slow"), True),
        (httpx2.RemoteProtocolError("gone"), True),
        (httpx2.ConnectError("refused"), False),
        (httpx2.ConnectTimeout("nobody"), False),
        (fail_with(500), False),
    ],
)
def test_a_request_that_went_out_without_a_reply_is_accounted_for(
    step: httpx2.Response | Exception, is_lost: bool
) -> None:
    """The provider may have worked on it, and charged it: a budget that counts it as free is none."""
    store = MemoryStore()
    call = make_call()
    ask_all([call], {"m1": FakeServer(step)}, store, clock=SwiftClock())
    assert [reply.is_lost for reply in store.puts] == [True] * 6 if is_lost else [False]


def test_a_paid_attempt_is_in_the_account_once() -> None:
    """An endpoint that is given up while a call waits for its next attempt charges that call once."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
    server = FakeServer(respond(200, json={"choices": [], "usage": usage}))
    store = MemoryStore()
    ask_all(
        [make_call(str(n)) for n in range(30)],
        {"m1": server},
        store,
        clock=SwiftClock(),
        concurrency=4,
    )
    paid = [reply for reply in store.puts if reply.prompt_tokens]
    assert len(paid) == len(server.asked) > 0


def test_a_call_of_a_tool_is_no_answer() -> None:
    """Kept as an empty answer it would never be asked again."""
    tool = make_completion(None, "tool_calls", tool_calls=[{"id": "1"}])
    server = FakeServer(respond(200, json=tool), respond(200, json=make_completion("Fine.")))
    assert ask_once(server).text == "Fine."


def test_a_key_in_a_reply_is_blacked_out() -> None:
    """A server that repeats what it was sent must not write the key into journals and releases."""
    reply = ask_once(FakeServer(respond(200, json=make_completion(f"You sent {SECRET}."))))
    assert reply.text == "You sent ***."


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
    reply = ask_once(server, waits=waits)
    assert (reply.outcome, reply.text) == (Outcome.MALFORMED, "")
    assert "unreadable reply" in reply.error
    assert (len(server.asked), len(waits)) == (5, 4)


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
    assert ask_once(server, waits=waits).text == "Fine."
    assert len(waits) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_the_server_rejects_is_not_repeated(status: int, waits: list[float]) -> None:
    """The same request would be rejected again, and each attempt may cost."""
    server = FakeServer(fail_with(status, "bad request"))
    assert ask_once(server, waits=waits).outcome is Outcome.FAILED
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
    reply = ask_once(server, waits=waits)
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
    message = ask_once(server, waits=waits).error
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
            await client.attempt(make_call())
        finally:
            await client.close()

    asyncio.run(run())
    assert len(seen) == 1
    assert SECRET not in seen[0]


@pytest.mark.server
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
                attempt = await asyncio.wait_for(client.attempt(make_call()), LIMIT_S)
                return attempt.reply.error
            finally:
                await client.close()

    try:
        error = asyncio.run(run())
    except EngineError as refused:
        error = str(refused)
    assert error
    assert SECRET not in error
