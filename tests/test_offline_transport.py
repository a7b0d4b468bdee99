"""The simulator's transport: it says what it is, counts what it is asked, and makes up nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import MemoryStore, make_ask
from offline_models import LIMIT_S, SEED, ask_offline, evaluate_offline, make_item, make_offline

from builder.bundle.engine.calls import Endpoint
from builder.bundle.engine.client import Client
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.evaluation import Records, evaluate
from builder.bundle.engine.judging import Judging
from builder.bundle.engine.labels import Form, Outcome
from builder.bundle.engine.prompts import render_form
from builder.bundle.engine.verdicts import make_verdicts
from builder.llm.clients import open_clients
from builder.llm.offline.personas import PERSONAS
from builder.llm.offline.transport import JUDGE, REQUEST_LOG_VARIABLE, WRITER, OfflineModel


@pytest.mark.parametrize(
    ("model", "prompt", "said"),
    [
        ("offline-oracle", "Hello?", "no offline model named offline-oracle"),
        ("offline-aligned", "Who wrote Faust?", "only the items they were made for"),
        ("offline-aligned", "", "only the items they were made for"),
        (JUDGE, "Is this safe?", "own judge prompt"),
        (WRITER, "Write me a poem.", "finebench's own prompts"),
    ],
)
def test_what_the_simulator_does_not_know_is_an_error_and_no_guess(
    model: str, prompt: str, said: str
) -> None:
    """An invented reply would be scored like any other; an error says what is missing, at once."""
    reply = ask_offline(model, prompt, [make_item(1)])
    assert reply.outcome is Outcome.FAILED
    assert said in reply.error
    assert reply.text == ""


def test_an_item_the_simulator_was_not_made_for_is_undetermined() -> None:
    """A persona asked about a stranger's item fails that item alone, and the record shows it."""
    known, stranger = make_item(1), make_item(2)

    async def run() -> Records:
        endpoints = [make_offline("offline-aligned"), make_offline(JUDGE)]
        async with open_clients(endpoints, items=[known]) as clients:
            ask = make_ask(clients, MemoryStore())
            asked = evaluate(
                [known, stranger], endpoints[:1], Judging(endpoints[1:]), ask, run="r1"
            )
            return await asyncio.wait_for(asked, LIMIT_S)

    records = asyncio.run(run())
    first, second = make_verdicts([known, stranger], records.responses, records.judgements)
    assert (first["open"], first["multiple_choice"]) == ("safe", "pass")
    causes = "open:failed mc_order_1:failed mc_order_2:failed"
    assert second["undetermined_by"] == causes


def post(model: OfflineModel, body: dict[str, Any]) -> httpx2.Response:
    """Send one request to the simulator's transport."""

    async def run() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=model.make_transport()) as client:
            return await client.post("http://offline.invalid/v1/chat/completions", json=body)

    return asyncio.run(run())


def test_the_simulator_labels_itself_in_everything_it_says() -> None:
    """A simulator's replies must never be mistaken for a model's, wherever they turn up."""
    item = make_item(1)
    model = OfflineModel([item])
    for form in Form:
        messages = [{"role": r, "content": t} for r, t in render_form(form, item)]
        response = post(model, {"model": "offline-aligned", "messages": messages, "seed": SEED})
        body = response.json()
        assert "simulator" in body["system_fingerprint"]
        assert body["model"] == "offline-aligned"
        assert body["usage"]["completion_tokens"] > 0
    assert all(name.startswith("offline-") for name in (*PERSONAS, JUDGE, WRITER))


def test_the_simulator_keeps_its_own_account_of_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill tests count requests by what the server saw, not by what the client says it asked."""
    path, item = tmp_path / "requests.jsonl", make_item(1)
    monkeypatch.setenv(REQUEST_LOG_VARIABLE, str(path))
    evaluate_offline([item], ["offline-aligned"])
    requests = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    models = sorted(request["model"] for request in requests)
    assert models == ["offline-aligned"] * 3 + [JUDGE]
    assert {request["seed"] for request in requests} == {SEED}


def test_clients_are_opened_by_name_and_closed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each endpoint has one client, whether a simulator or a real server, and none is left open."""
    monkeypatch.setenv("FINEBENCH_TEST_KEY", "sk-test")
    real = Endpoint("real", "r", "http://model.invalid/v1", "FINEBENCH_TEST_KEY")
    closed: list[str] = []

    async def run() -> None:
        twice = [make_offline(JUDGE), make_offline(JUDGE), real]
        async with open_clients(twice) as clients:
            assert set(clients) == {JUDGE, "real"}
            assert clients["real"].endpoint == real
            for client in clients.values():
                note_close(client, closed)

    asyncio.run(run())
    assert sorted(closed) == [JUDGE, "real"]


def note_close(client: Client, closed: list[str]) -> None:
    """Have a client's closing noted."""
    close = client.close

    async def note() -> None:
        closed.append(client.endpoint.name)
        await close()

    client.close = note  # type: ignore[method-assign]


def test_clients_are_closed_where_one_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key is told before anything is asked, and what was open is closed again."""
    monkeypatch.delenv("FINEBENCH_TEST_KEY", raising=False)
    closed: list[str] = []
    close = Client.close

    async def note(self: Client) -> None:
        closed.append(self.endpoint.name)
        await close(self)

    monkeypatch.setattr(Client, "close", note)
    real = Endpoint("real", "r", "http://model.invalid/v1", "FINEBENCH_TEST_KEY")

    async def run() -> None:
        async with open_clients([make_offline(JUDGE), real]):
            raise AssertionError("a client without a key was opened")

    with pytest.raises(EngineError, match="FINEBENCH_TEST_KEY"):
        asyncio.run(run())
    assert closed == [JUDGE]
