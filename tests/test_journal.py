"""The journal's account: what calls cost, what a budget lets through, and what is asked again."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import FakeServer, make_call, make_completion, make_endpoint, respond
from hypothesis import given
from hypothesis import strategies as st

from builder.bundle.engine.calls import Call, Endpoint, Price, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import Progress, run_calls
from builder.bundle.engine.labels import Outcome
from builder.llm import clients
from builder.llm.asking import Live, Paper, PendingCalls
from builder.llm.asking_again import Repeater
from builder.llm.estimates import estimate_calls
from builder.llm.journal import Budget, Ledger, open_journal, price_call
from builder.llm.tokens import count_tokens
from builder.workspace import Workspace, create_workspace
from schemas.errors import EndpointError

PRICE = Price(2.0, 8.0)

pytestmark = pytest.mark.usefixtures("known_key")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of its own."""
    return create_workspace(tmp_path / "bench")


def set_budget(workspace: Workspace, dollars: float) -> Workspace:
    """Return the workspace with a budget in its configuration."""
    path = workspace.root / "bench.toml"
    path.write_text(path.read_text().replace("seed =", f"budget = {dollars}\nseed =", 1))
    return Workspace(workspace.root)


def answer(call: Call, tokens_in: int | None = 1000, tokens_out: int | None = 250) -> Reply:
    """Return an answer with usage."""
    return Reply(
        call.key, Outcome.ANSWERED, "Fine.", prompt_tokens=tokens_in, completion_tokens=tokens_out
    )


@pytest.mark.parametrize(
    ("price", "tokens", "cost"),
    [
        (PRICE, (1000, 250), 0.004),
        (Price(0.0, 0.0), (None, None), 0.0),
        (Price(2.0, None), (1000, 250), None),
        (Price(2.0, None), (1000, 0), None),
        (PRICE, (1000, None), None),
        (Price(), (1000, 250), None),
    ],
)
def test_a_price_that_is_not_known_is_not_zero(
    price: Price, tokens: tuple[int | None, int | None], cost: float | None
) -> None:
    """Worked by hand: 1,000 tokens at $2 and 250 at $8 a million are $0.004; unknown stays unknown."""
    assert price.find_cost(*tokens) == cost


def test_a_reply_without_a_count_of_tokens_is_charged_by_its_length() -> None:
    """A server that tells no usage is paid all the same: a budget that counts nothing is none."""
    call = make_call("x" * 400, make_endpoint(price=PRICE))
    found = price_call(call, answer(call, None, None))
    assert found == {"cost": pytest.approx((100 * 2 + 2 * 8) / 1e6), "cost_guessed": True}
    failed = Reply(call.key, Outcome.FAILED, error="HTTP 500")
    assert price_call(call, failed) == {"cost": 0.0, "cost_guessed": False}
    lost = replace(failed, is_lost=True)
    asked, likely = (
        100 + 4,
        300,
    )  # its letters and the message round them; a reply of unknown length
    assert price_call(call, lost) == {
        "cost": pytest.approx((asked * 2 + likely * 8) / 1e6),
        "cost_guessed": True,
    }


@pytest.mark.parametrize("tokens", [(0, 0), (100, 0), (0, 2)])
def test_no_tokens_for_a_text_are_no_count(tokens: tuple[int, int]) -> None:
    """A server that counts nothing would let a budget run on for ever."""
    call = make_call("x" * 400, make_endpoint(price=PRICE))
    found = price_call(call, replace(answer(call, *tokens), text="12345678"))
    assert found == {"cost": pytest.approx((100 * 2 + 2 * 8) / 1e6), "cost_guessed": True}


def test_what_was_spent_before_prices_were_known_counts_at_those_of_now(
    workspace: Workspace,
) -> None:
    """A budget that is set later must know of what went before it."""
    path = workspace.root / "bench.toml"
    model = '[models.m1]\nmodel = "m"\nbase_url = "http://model.invalid/v1"\n'
    path.write_text(path.read_text().replace("[roles]", f"{model}[roles]"))
    call = make_call()
    with open_journal(Workspace(workspace.root)) as journal:
        journal.store.put(call, answer(call))
        assert (journal.budget.ledger.spent, journal.budget.ledger.unpriced) == (0.0, 1)
    priced = f"{model}price = {{ input = 2.0, output = 8.0 }}\n"
    path.write_text(path.read_text().replace(model, priced))
    with open_journal(Workspace(workspace.root)) as journal:
        assert journal.budget.ledger.spent == pytest.approx(0.004)


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_guess_at_tokens_grows_with_the_text(one: str, other: str) -> None:
    """A guess may be wrong, but a longer text never has fewer tokens, and a text never has none."""
    assert (
        count_tokens(one)
        <= count_tokens(one + other)
        <= count_tokens(one) + count_tokens(other) + 1
    )
    assert (count_tokens(one) == 0) == (one == "")


def test_every_record_tells_when_for_what_and_at_what_cost(workspace: Workspace) -> None:
    """Months later the journal is the only witness of what was paid for."""
    call = make_call(endpoint=make_endpoint(price=PRICE), role="judge")
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with open_journal(workspace, "02_options", now=lambda: at) as journal:
        journal.store.put(call, answer(call))
        assert journal.budget.ledger.spent == pytest.approx(0.004)
    record = json.loads(workspace.journal.read_text())
    told = (record["at"], record["stage"], record["cost"], record["format"])
    assert told == ("2026-01-02T03:04:05+00:00", "02_options", pytest.approx(0.004), 2)
    with open_journal(workspace) as journal:
        assert journal.budget.ledger.spent == pytest.approx(0.004), "what was spent counts for ever"
        assert journal.budget.ledger.find_mean_tokens("m1", "judge") == (1000, 250)


def test_a_journal_of_the_first_format_is_read(workspace: Workspace) -> None:
    """Replies paid for under an earlier finebench are not asked for again; they have no cost."""
    call = make_call()
    with open_journal(workspace) as journal:
        journal.store.put(call, answer(call))
    record = json.loads(workspace.journal.read_text())
    for name in ("format", "at", "stage", "cost", "cost_guessed"):
        del record[name]
    workspace.journal.write_text(json.dumps(record) + "\n")
    with open_journal(workspace) as journal:
        assert journal.store.get(call.key) == answer(call)
        assert (journal.budget.ledger.spent, journal.budget.ledger.unpriced) == (0.0, 1)


def test_a_budget_holds_back_what_would_go_over_it() -> None:
    """$0.01 pays for two calls of $0.004: with both on their way, a third would be too much."""
    endpoint = make_endpoint(price=PRICE)
    calls = [make_call(str(n), endpoint) for n in range(4)]
    ledger = Ledger(costs={("m1", "target"): (5, 0.02)})
    budget = Budget(0.01, ledger)
    assert [bool(budget.hold(call)) for call in calls] == [False, False, True, True]
    assert budget.hold(calls[0]) == "", "the same call, tried again, is no second call"
    record = {"key": calls[0].key, "endpoint": "m1", "role": "target", "outcome": "answered"}
    budget.settle(record | {"cost": 0.001, "prompt_tokens": 1, "completion_tokens": 1})
    assert budget.hold(calls[2]) == "", "it cost less than was thought"
    assert "budget of $0.01 has no room" in budget.hold(calls[3])
    assert Budget(None, ledger).hold(calls[0]) == ""


def _run(workspace: Workspace, calls: list[Call], server: FakeServer, stop_after: int = 0) -> float:
    """Run calls under the workspace's budget, interrupted after some; return what was spent in all."""

    async def run() -> None:
        with open_journal(workspace, "s") as journal:
            client = Client(calls[0].endpoint, httpx2.MockTransport(server))

            def interrupt(progress: Progress) -> None:
                if stop_after and progress.asked == stop_after and not progress.is_draining:
                    started.cancel()

            asked = run_calls(
                calls,
                {"m1": client},
                journal.store,
                hold=journal.budget.hold,
                on_reply=interrupt,
            )
            started = asyncio.ensure_future(asked)
            try:
                await started
            except asyncio.CancelledError:
                assert stop_after
            finally:
                await client.close()

    asyncio.run(run())
    with open_journal(workspace) as journal:
        return journal.budget.ledger.spent


def test_a_budget_holds_over_three_interrupted_runs(workspace: Workspace) -> None:
    """Spent is at most the budget and what was on its way, however often the run is taken up again."""
    workspace = set_budget(workspace, 0.4)
    server = FakeServer()

    async def reply(text: str) -> httpx2.Response:
        await asyncio.sleep(0.001)
        usage = {"prompt_tokens": 1000, "completion_tokens": 250}
        return respond(200, json=make_completion(text) | {"usage": usage})

    server.handle = reply
    endpoint = make_endpoint(price=PRICE, concurrency=8)
    calls = [make_call(f"question {n}", endpoint) for n in range(200)]
    spent = [_run(workspace, calls, server, stop_after=n) for n in (12, 15, 0)]
    assert spent[0] < spent[1] < spent[2]
    assert 0.4 - 0.004 <= spent[2] <= 0.4 + 8 * 0.004
    assert len(server.asked) == round(spent[2] / 0.004)
    assert len(server.asked) == len(set(server.asked)), "no reply that was kept was asked for again"
    assert _run(workspace, calls, server) == spent[2], "a spent budget lets nothing through"


def test_a_budget_needs_prices(workspace: Workspace) -> None:
    """A budget that cannot be kept must be told before the first call, not after the bill."""
    workspace = set_budget(workspace, 5)

    async def open_it(endpoint: Endpoint) -> None:
        async with Live().open(workspace, "s", [endpoint]):
            pass

    with pytest.raises(EndpointError, match="the price of m1 is not known"):
        asyncio.run(open_it(make_endpoint()))
    asyncio.run(open_it(make_endpoint(price=PRICE)))


def test_what_is_shown_while_asking_is_what_is_in_the_account(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that tells no usage is paid all the same: '$0.00' all night would be believed."""
    server = FakeServer(respond(200, json=make_completion("12345678")))
    monkeypatch.setattr(
        clients, "_open_client", lambda endpoint, _: Client(endpoint, httpx2.MockTransport(server))
    )
    told: list[float] = []
    endpoint = make_endpoint(price=PRICE)
    calls = [make_call("x" * 400 + str(n), endpoint) for n in range(3)]

    async def run() -> None:
        live = Live(lambda progress: told.append(progress.cost))
        async with live.open(workspace, "s", [endpoint]) as asker:
            await asker.ask(calls)

    asyncio.run(run())
    with open_journal(workspace) as journal:
        assert told[-1] == pytest.approx(journal.budget.ledger.spent)
    assert told[-1] == pytest.approx(3 * (101 * 2 + 2 * 8) / 1e6)


def test_on_paper_nobody_is_asked_and_the_estimate_names_its_sizes(workspace: Workspace) -> None:
    """What is told before spending: known calls, those that follow, and whether sizes were measured."""
    known, judge = make_endpoint(price=PRICE), make_endpoint("judge")
    calls = [make_call(f"question {n}", known) for n in range(10)]
    with open_journal(workspace) as journal:
        journal.store.put(calls[0], answer(calls[0]))

    async def plan() -> PendingCalls:
        async with Paper().open(workspace, "s", [known]) as asker:
            with pytest.raises(PendingCalls) as caught:
                await asker.ask(
                    calls, expect=lambda call: [make_call(call.key, judge, role="judge")]
                )
            return caught.value

    pending = asyncio.run(plan())
    assert (len(pending.certain), len(pending.expected)) == (9, 9)
    first, second = estimate_calls(pending)
    assert (first.model, first.role, first.certain, first.expected) == ("judge", "judge", 0, 9)
    assert (first.cost, first.is_measured) == (None, False)
    assert (second.certain, second.prompt_tokens, second.completion_tokens) == (9, 9000, 2250)
    assert second.is_measured
    assert second.cost == pytest.approx(0.036)


def _repeat(texts: list[str], most: int) -> tuple[Repeater, Call, dict[str, Reply], list[Any]]:
    """Let a model give these answers in turn, of which only "good" has no fault."""
    repeater = Repeater(lambda reply: "" if reply.text == "good" else f"{reply.text} is bad", most)
    first = make_call()
    replies: dict[str, Reply] = {}
    (call,) = repeater.watch([first])
    asked = []
    for text in texts:
        asked.append(call)
        replies[call.key] = Reply(call.key, Outcome.ANSWERED, text)
        follow = repeater.follow_up(replies[call.key])
        if not follow:
            break
        (call,) = follow
    return repeater, first, replies, asked


def test_what_cannot_be_read_is_asked_for_again_with_its_fault() -> None:
    """Shown what is wrong, most models get it right; the earlier reply stays in the journal."""
    repeater, first, replies, asked = _repeat(["bad", "worse", "good"], 5)
    assert len(asked) == 3
    assert len({call.key for call in asked}) == 3
    assert asked[1].messages[-2] == ("assistant", "bad")
    assert "bad is bad" in asked[1].messages[-1][1]
    call, reply = repeater.find_last(first, replies)
    assert (call.key, reply.text) == (asked[2].key, "good")


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_model_that_never_gets_it_right_is_asked_no_more_than_allowed(most: int) -> None:
    """Its last reply is recorded with its fault, as any other: nothing is dropped."""
    repeater, first, replies, asked = _repeat(["bad"] * 9, most)
    assert len(asked) == most + 1
    assert repeater.find_last(first, replies)[1].text == "bad"
