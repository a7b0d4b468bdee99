"""Many calls at once: each is asked once, within limits, and none holds up or cancels another."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from fakes import (
    SECRET,
    VARIABLE,
    FakeServer,
    MemoryStore,
    SwiftClock,
    ask_all,
    fail_with,
    fill_disk,
    make_call,
    make_completion,
    make_endpoint,
    respond,
)

from builder.bundle.engine.calls import Call, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.fan_out import Progress, run_calls
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.store import ReplyLog

pytestmark = pytest.mark.usefixtures("known_key")


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


@pytest.mark.parametrize("concurrency", [1, 3, 8, 100])
def test_the_endpoints_limit_is_reached_and_never_passed(concurrency: int) -> None:
    """More than the provider allows is an error of ours; fewer than it bears is lost time."""
    server = FakeServer()

    async def answer(text: str) -> httpx2.Response:
        await asyncio.sleep(0.005)
        return respond(200, json=make_completion(text))

    server.handle = answer
    calls = [make_call(f"question {i}") for i in range(40 + 5 * concurrency)]
    ask_all(calls, {"m1": server}, MemoryStore(), concurrency=concurrency)
    assert server.most_at_once == concurrency
    assert len(server.asked) == len(calls)


def test_a_run_starts_gently() -> None:
    """Nobody knows at the start what the endpoint bears: a half of the most is asked at first."""
    server = FakeServer()

    async def answer(text: str) -> httpx2.Response:
        for _ in range(500):  # time for all that are sent at the start to come in
            await asyncio.sleep(0)
        at_once.append(server.at_once)
        return respond(200, json=make_completion(text))

    at_once: list[int] = []
    server.handle = answer
    ask_all([make_call(f"q {i}") for i in range(60)], {"m1": server}, MemoryStore(), concurrency=40)
    assert at_once[0] == 20


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
    replies = ask_all(calls, {"m1": server}, MemoryStore(), clock=SwiftClock())
    outcomes = [replies[call.key].outcome for call in calls]
    assert [i for i, outcome in enumerate(outcomes) if outcome is Outcome.FAILED] == [3, 5]
    assert outcomes.count(Outcome.ANSWERED) == 10


def test_texts_that_an_endpoint_will_not_take_do_not_make_it_given_up() -> None:
    """Safety questions in a row may all be refused as requests: the next one may still be answered."""
    server = FakeServer(fail_with(400, "data inspection"))
    replies = ask_all(
        [make_call(f"question {i}") for i in range(60)], {"m1": server}, MemoryStore()
    )
    assert len(server.asked) == 60
    assert not any(reply.may_come_later for reply in replies.values())


def test_an_endpoint_that_fails_twenty_times_in_a_row_is_given_up() -> None:
    """A dead server must not be asked thousands of times; the rest waits for a later run."""
    server, other, store = FakeServer(fail_with(403, "broken")), FakeServer(), MemoryStore()
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
