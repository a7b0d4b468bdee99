"""A lane under strain: outages are sat out, wishes to wait obeyed, and what is on its way is kept."""

import asyncio

import httpx2
import pytest
from fakes import (
    FakeServer,
    MemoryStore,
    SwiftClock,
    ask_all,
    fail_with,
    make_call,
    make_completion,
    make_endpoint,
    respond,
)

from builder.bundle.engine.calls import Call
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import run_calls
from builder.bundle.engine.labels import Outcome

pytestmark = pytest.mark.usefixtures("known_key")


def test_a_call_that_always_fails_is_let_go_while_others_are_answered() -> None:
    """A poisonous request must not be sent for ever, nor hold up the rest."""
    server = FakeServer()

    async def answer(text: str) -> httpx2.Response:
        bad = text == "question 7"
        return fail_with(500, "boom") if bad else respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(200)]
    replies = ask_all(calls, {"m1": server}, MemoryStore(), clock=SwiftClock(), concurrency=4)
    outcomes = [replies[call.key].outcome for call in calls]
    assert outcomes.count(Outcome.ANSWERED) == 199
    assert outcomes[7] is Outcome.FAILED
    assert 5 <= server.asked.count("question 7") <= 10


def test_an_outage_is_sat_out_and_the_endpoint_is_not_stormed_after_it() -> None:
    """Whoever sleeps while the run goes on wants it finished in the morning; the provider, its peace."""
    server, clock = FakeServer(), SwiftClock()
    is_down, down_for_s = (20.0, 320.0), 300.0
    sent_while_down: list[float] = []
    at_once_after: list[int] = []

    async def answer(text: str) -> httpx2.Response:
        clock.time += 0.05
        if is_down[0] <= clock.time < is_down[1]:
            sent_while_down.append(clock.time)
            raise httpx2.ConnectError("refused")
        if clock.time >= is_down[1]:
            at_once_after.append(server.at_once)
        return respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(1_000)]
    replies = ask_all(calls, {"m1": server}, MemoryStore(), clock=clock, concurrency=64)
    assert {reply.outcome for reply in replies.values()} == {Outcome.ANSWERED}
    assert clock.time > down_for_s
    assert len(sent_while_down) < 150, "one call at a time asks whether it is back"
    assert at_once_after[0] == 1
    assert max(at_once_after[:3]) <= 3


def test_an_endpoint_that_never_answers_is_given_up_after_some_seconds() -> None:
    """A wrong address must be told soon, with a count, not after a quarter of an hour."""
    server, clock = FakeServer(), SwiftClock()

    async def refuse(_: str) -> httpx2.Response:
        clock.time += 0.01
        raise httpx2.ConnectError("refused")

    server.handle = refuse
    calls = [make_call(f"question {i}") for i in range(500)]
    replies = ask_all(calls, {"m1": server}, MemoryStore(), clock=clock, concurrency=64)
    assert 5 < clock.time < 32
    assert len(server.asked) < 80
    assert {reply.outcome for reply in replies.values()} == {Outcome.FAILED}
    unsent = [reply.error for reply in replies.values() if "not sent" in reply.error]
    assert "m1 was given up: it failed 6 times" in unsent[0]
    assert "refused" in unsent[0]


def test_an_endpoint_that_goes_down_for_good_is_given_up_after_a_quarter_of_an_hour() -> None:
    """Patience has an end; what was kept stays kept, and a later run asks the rest."""
    server, clock, store = FakeServer(), SwiftClock(), MemoryStore()

    async def answer(text: str) -> httpx2.Response:
        clock.time += 0.05
        return fail_with(503) if clock.time > 5 else respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(500)]
    replies = ask_all(calls, {"m1": server}, store, clock=clock, concurrency=16)
    answered = [reply for reply in replies.values() if reply.outcome is Outcome.ANSWERED]
    assert 50 < len(answered) < 150
    assert 900 <= clock.time < 1_200
    assert len(replies) == 500
    assert ask_all(calls, {"m1": FakeServer()}, store).keys() == replies.keys()


def test_a_wish_to_wait_holds_for_all_calls_of_the_endpoint() -> None:
    """The limit is the account's, not the call's: who asks meanwhile with another call prolongs the ban."""
    server, clock = FakeServer(), SwiftClock()
    sent: list[float] = []

    async def answer(text: str) -> httpx2.Response:
        clock.time += 0.01
        sent.append(clock.time)
        if len(sent) == 30:
            return respond(429, headers={"retry-after": "200"}, json={})
        return respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(100)]
    replies = ask_all(calls, {"m1": server}, MemoryStore(), clock=clock, concurrency=8)
    assert {reply.outcome for reply in replies.values()} == {Outcome.ANSWERED}
    limited = sent[29]
    on_their_way = [t for t in sent[30:] if t < limited + 200]
    assert len(on_their_way) < 8, "only those that were out when the limit was told"


def test_nothing_is_sent_once_the_run_is_told_to_hold() -> None:
    """A budget that is spent stops every call after it, and says why in each reply."""
    server, store = FakeServer(), MemoryStore()

    def hold(_: Call) -> str:
        return "the budget is spent" if len(server.asked) >= 10 else ""

    calls = [make_call(f"question {i}") for i in range(50)]
    replies = ask_all(calls, {"m1": server}, store, hold=hold, concurrency=1)
    assert len(server.asked) == 10
    unsent = [reply for reply in replies.values() if reply.outcome is Outcome.FAILED]
    assert {reply.error for reply in unsent} == {"not sent: the budget is spent"}
    assert len(store.puts) == 10, "what was not sent is no record of a call"


def test_replies_on_their_way_are_kept_when_the_run_is_interrupted() -> None:
    """They are paid for: an interruption stops the sending, not the receiving."""
    server, store = FakeServer(), MemoryStore()

    async def run() -> None:
        client = Client(make_endpoint(concurrency=8), httpx2.MockTransport(server))
        calls = [make_call(f"question {i}") for i in range(100)]
        started = asyncio.ensure_future(run_calls(calls, {"m1": client}, store))

        async def answer(text: str) -> httpx2.Response:
            if len(server.asked) == 20:
                started.cancel()
            await asyncio.sleep(0.01)
            return respond(200, json=make_completion(text))

        server.handle = answer
        with pytest.raises(asyncio.CancelledError):
            await started
        await client.close()

    asyncio.run(run())
    assert len(server.asked) < 40
    assert len(store.puts) == len(server.asked)


def test_attempts_that_were_sent_are_recorded_when_the_lane_gives_up() -> None:
    """To call them not sent would be a lie, and what a call met with is the first thing that its user asks."""
    server, store, clock = FakeServer(), MemoryStore(), SwiftClock()

    async def fail(_: str) -> httpx2.Response:
        clock.time += 0.01
        return fail_with(500, "boom")

    server.handle = fail
    calls = [make_call(f"question {i}") for i in range(50)]
    replies = ask_all(calls, {"m1": server}, store, clock=clock, concurrency=8)
    sent = set(server.asked)
    for call in calls:
        told = replies[call.key].error
        assert ("not sent" in told) is (call.messages[0][1] not in sent)
    assert {reply.key for reply in store.puts} == {c.key for c in calls if c.messages[0][1] in sent}


def test_an_unreadable_reply_that_was_paid_for_is_in_the_account() -> None:
    """Its tokens cost what others cost: a budget that does not see them is none."""
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    bad = {"choices": [{"message": {"content": [1]}}], "usage": usage}
    server, store = FakeServer(respond(200, json=bad)), MemoryStore()
    ask_all([make_call()], {"m1": server}, store, clock=SwiftClock())
    assert len(server.asked) == 5
    assert len(store.puts) == 5
    assert {(r.prompt_tokens, r.completion_tokens) for r in store.puts} == {(100, 50)}
