"""Batch services that misbehave: what was paid for is taken, outages are waited out, keys stay hidden."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import SECRET, VARIABLE, fail_with, make_completion, respond
from workspaces import RunCommand

from builder.bundle.engine import client as engine_client
from builder.bundle.engine.calls import Call
from builder.llm import clients
from builder.llm.batch_files import discount, read_noted_calls
from builder.llm.batch_jobs import list_jobs
from builder.llm.batches import Batch
from builder.llm.call_log import CallFilter, purge_calls, read_calls
from builder.llm.journal import open_journal
from builder.workspace import Stage, Workspace, create_workspace
from schemas.errors import EndpointError

pytestmark = pytest.mark.usefixtures("known_key")

USAGE = {"prompt_tokens": 1000, "completion_tokens": 1000}
Answer = httpx2.Response | Exception


class Service:
    """A batch service in process. What it does otherwise than well is set by its attributes."""

    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.status: Callable[[int], str] = lambda _: "completed"
        self.create: list[Answer] = []
        self.poll: list[Answer] = []
        self.listing: Answer | None = None
        self.content: Callable[[str], Answer | None] = lambda _: None
        self.more: dict[str, Any] = {}
        self.creations = 0

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, request: httpx2.Request) -> Answer:
        path, body = request.url.path.removeprefix("/v1"), request.content
        if request.method == "POST" and path == "/files":
            name = f"file-{len(self.files)}"
            self.files[name] = re.findall(r'"custom_id": "([0-9a-f]{64})"', body.decode())
            return respond(200, json={"id": name})
        if request.method == "POST" and path == "/batches":
            self.creations += 1
            return self._create(json.loads(body))
        if path == "/batches":
            return self.listing or respond(200, json={"data": list(self.jobs.values())})
        if path.startswith("/batches/"):
            return self.poll.pop(0) if self.poll else self._look(path.rsplit("/", maxsplit=1)[-1])
        name = path.split("/")[2]
        return self.content(name) or respond(200, text=self.write(self.files[name[4:]]))

    def _create(self, body: dict[str, Any]) -> Answer:
        if self.create:
            return self.create.pop(0)
        name = f"batch_{len(self.jobs)}"
        self.jobs[name] = {"id": name, "status": "validating", **body}
        return respond(200, json=self.jobs[name])

    def _look(self, name: str) -> Answer:
        job = self.jobs[name]
        status = self.status(list(self.jobs).index(name))
        files = {"output_file_id": f"out-{job['input_file_id']}"} if status == "completed" else {}
        job["status"] = status
        return respond(200, json={**job, **files, **self.more})

    def write(self, keys: list[str]) -> str:
        """Return the result lines of these requests."""
        body = make_completion("Done.") | {"usage": USAGE}
        return "".join(
            json.dumps({"custom_id": key, "response": {"status_code": 200, "body": body}}) + "\n"
            for key in keys
        )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service, in the place of every endpoint's, and no time that passes between two looks."""
    made = Service()

    def open_fake(endpoint: Any, _: object) -> engine_client.Client:
        placed = replace(endpoint, base_url="http://model.invalid/v1")
        return engine_client.Client(placed, httpx2.MockTransport(made))

    async def pass_by(_: float) -> None:
        return None

    monkeypatch.setattr(clients, "_open_client", open_fake)
    monkeypatch.setattr(asyncio, "sleep", pass_by)
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one priced model."""
    return make_workspace(tmp_path / "bench")


def make_workspace(path: Path, more: str = "") -> Workspace:
    """Return a workspace with one priced model: $0.03 a call, $0.015 by batch."""
    made = create_workspace(path)
    config = made.root / "bench.toml"
    model = (
        f'[models.m]\nmodel = "gpt"\nbase_url = "http://model.invalid/v1"\nkey_variable = "{VARIABLE}"\n'
        "price = { input = 10, output = 20, batch_share = 0.5 }\n"
    )
    config.write_text(more + config.read_text().replace("[roles]", f"{model}\n[roles]"))
    return Workspace(made.root)


def make_calls(workspace: Workspace, count: int = 4, first: int = 0) -> list[Call]:
    """Return so many calls to the model."""
    endpoint = workspace.config.find_endpoint("m")
    return [
        Call(endpoint, (("user", f"Question {n}?"),), role="judge")
        for n in range(first, first + count)
    ]


def ask(workspace: Workspace, calls: list[Call], told: list[str] | None = None) -> list[str]:
    """Ask by batch; return how each call ended."""

    async def run() -> list[str]:
        way = Batch((told if told is not None else []).append, 0.01)
        async with way.open(workspace, Stage.OPTIONS, [calls[0].endpoint]) as asker:
            replies = await asker.ask(calls)
        return [f"{replies[c.key].outcome} {replies[c.key].error}".strip() for c in calls]

    return asyncio.run(asyncio.wait_for(run(), 30))


def read_everything(workspace: Workspace) -> str:
    """Return all that stands in the workspace's files."""
    return "".join(p.read_text() for p in workspace.root.rglob("*") if p.is_file())


def test_a_batch_brings_its_replies_at_its_price(workspace: Workspace, service: Service) -> None:
    """The plain case, against which all others are odd."""
    assert ask(workspace, make_calls(workspace)) == ["answered"] * 4
    assert service.creations == 1
    costs = [record["cost"] for record in read_calls(workspace.journal)]
    assert costs == [pytest.approx(0.015)] * 4
    assert [record["stage"] for record in read_calls(workspace.journal)] == [Stage.OPTIONS] * 4


def test_what_is_with_the_provider_counts_in_the_budget_of_a_later_run(
    tmp_path: Path, service: Service
) -> None:
    """A job that was left is charged when it comes: a run that forgot it would spend the budget twice."""
    workspace = make_workspace(tmp_path / "bench", "budget = 0.07\n")
    calls = make_calls(workspace, 10)
    with open_journal(workspace) as journal:  # so that the size of such calls is known
        reply = engine_client.read_body(calls[0].key, make_completion("Done.") | {"usage": USAGE})
        journal.store.put(discount(calls[0]), reply)
    service.status = lambda _: "in_progress"
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(_start(workspace, calls), 1))
    sent = sum(len(job["keys"]) for job in list_jobs(workspace).values())
    assert sent == 3, "$0.015 were spent, and three more fit into $0.07"
    service.status = lambda _: "completed"
    ended = ask(workspace, calls)
    assert ended.count("answered") == 4
    assert sum("no room for another call" in told for told in ended) == 6
    with open_journal(workspace) as journal:
        assert journal.budget.ledger.spent == pytest.approx(0.06)
        assert journal.budget.reserved == 0


async def _start(workspace: Workspace, calls: list[Call]) -> None:
    async with Batch(lambda _: None, 0.01).open(
        workspace, Stage.OPTIONS, [calls[0].endpoint]
    ) as asker:
        waiting = asyncio.ensure_future(asker.ask(calls))
        # The service is looked at again and again without a pause: a thread of its own ends that.
        loop = asyncio.get_running_loop()
        loop.call_later(0.3, waiting.cancel)
        try:
            await waiting
        except asyncio.CancelledError:
            raise TimeoutError from None


def test_a_damaged_error_file_loses_no_reply(workspace: Workspace, service: Service) -> None:
    """The output was paid for; what the other file holds is told."""
    service.more = {"error_file_id": "err-file-0"}
    service.content = lambda name: respond(200, text="<html>oops</html>") if "err" in name else None
    told: list[str] = []
    assert ask(workspace, make_calls(workspace), told) == ["answered"] * 4
    assert any("err-file-0" in line for line in told)
    assert {job["status"] for job in list_jobs(workspace).values()} == {"taken"}


def test_an_output_that_is_gone_is_asked_for_anew(workspace: Workspace, service: Service) -> None:
    """Providers keep files for a month; whoever comes later pays again, and is told why."""
    service.content = lambda name: (
        fail_with(404, "No such File object") if name == "out-file-0" else None
    )
    told: list[str] = []
    assert ask(workspace, make_calls(workspace), told) == ["answered"] * 4
    assert service.creations == 2
    assert any("no longer has file out-file-0" in line for line in told)


@pytest.mark.parametrize(
    ("status", "creations", "ended"),
    [
        ("expired", 3, "failed the batch was expired without it"),
        ("failed", 1, "failed the batch failed"),
        ("cancelled", 1, "failed the batch was cancelled at the provider"),
    ],
)
def test_only_what_may_pass_is_sent_again_and_three_times_at_most(
    tmp_path: Path, service: Service, status: str, creations: int, ended: str
) -> None:
    """A job that somebody cancelled to stop spending must not come back by itself."""
    workspace = make_workspace(tmp_path / "bench", "budget = 100.0\n")
    service.status = lambda _: status
    assert all(told.startswith(ended) for told in ask(workspace, make_calls(workspace)))
    assert service.creations == creations


def test_what_a_job_did_not_bring_is_free_for_others(tmp_path: Path, service: Service) -> None:
    """Calls that failed cost nothing: the budget that was held for them is there for the next."""
    workspace = make_workspace(tmp_path / "bench", "budget = 0.03\n")
    service.status = lambda number: "failed" if number == 0 else "completed"
    calls = [replace(call, likely_tokens=1000) for call in make_calls(workspace, 4)]

    async def run() -> list[str]:
        way = Batch(lambda _: None, 0.01)
        async with way.open(workspace, Stage.OPTIONS, [calls[0].endpoint]) as asker:
            first = await asker.ask(calls[:2])
            second = await asker.ask(calls[2:])
        return [str(reply.outcome) for reply in (*first.values(), *second.values())]

    assert asyncio.run(run()) == ["failed", "failed", "answered", "answered"]


def test_an_expired_batch_brings_the_rest_with_the_next(
    workspace: Workspace, service: Service
) -> None:
    """What came before the day was over is kept, and only the rest is sent again."""
    calls = make_calls(workspace)
    look = service._look

    def look_twice(name: str) -> Answer:
        if name != "batch_0":
            return look(name)
        return respond(200, json={"id": name, "status": "expired", "output_file_id": "out-half"})

    service._look = look_twice  # type: ignore[method-assign]
    half = service.write(sorted(call.key for call in calls)[:2])
    service.content = lambda name: respond(200, text=half) if name == "out-half" else None
    assert ask(workspace, calls) == ["answered"] * 4
    assert service.creations == 2
    assert len(service.files["file-1"]) == 2


@pytest.mark.parametrize(
    "outage",
    [
        fail_with(503, "down"),
        fail_with(429, "slow"),
        httpx2.ConnectError("refused"),
        respond(200, text="<html>"),
        respond(200, json=[]),
        OverflowError("whatever"),
    ],
)
def test_an_outage_is_waited_out_and_told_once(
    workspace: Workspace, service: Service, outage: Answer
) -> None:
    """A minute without the provider must not end a wait of a night."""
    service.poll = [outage] * 30
    told: list[str] = []
    assert ask(workspace, make_calls(workspace), told) == ["answered"] * 4
    assert sum("cannot answer" in line for line in told) == 1


@pytest.mark.parametrize(
    "outage", [fail_with(503, "down"), fail_with(429), respond(200, text="<html>")]
)
def test_a_job_is_made_once_the_service_can(
    workspace: Workspace, service: Service, outage: Answer
) -> None:
    """Each attempt first looks whether the job is there, and none is repeated behind our back."""
    service.create = [outage] * 3
    assert ask(workspace, make_calls(workspace)) == ["answered"] * 4
    assert service.creations == 4


def test_a_job_whose_answer_was_lost_is_found_and_not_made_twice(
    workspace: Workspace, service: Service
) -> None:
    """It would be paid for twice."""
    create = service._create
    lost: list[Answer] = []

    def lose(body: dict[str, Any]) -> Answer:
        answer = create(body)
        if not lost:
            lost.append(answer)
            return httpx2.ReadError("gone")
        return answer

    service._create = lose  # type: ignore[method-assign]
    assert ask(workspace, make_calls(workspace)) == ["answered"] * 4
    assert (service.creations, len(service.jobs)) == (1, 1)


def test_another_workspaces_job_is_not_taken_for_ours(tmp_path: Path, service: Service) -> None:
    """Two replicates with the same prompts on one account are two, and each pays for its own."""
    for name in ("one", "two"):
        workspace = make_workspace(tmp_path / name)
        assert ask(workspace, make_calls(workspace)) == ["answered"] * 4
    assert service.creations == 2


def test_a_refusal_is_told_in_the_providers_words(workspace: Workspace, service: Service) -> None:
    """'HTTP 400' alone tells nobody that the queue is full."""
    service.create = [fail_with(400, f"Enqueued token limit reached for {SECRET}")]
    with pytest.raises(EndpointError, match=r"HTTP 400: Enqueued token limit reached for \*\*\*"):
        ask(workspace, make_calls(workspace))


def test_where_there_is_no_batch_service_it_is_said(workspace: Workspace, service: Service) -> None:
    """A server of one's own has none."""
    service.listing, service.create = fail_with(404), [fail_with(404)]
    with pytest.raises(EndpointError, match="there is no batch service at this address"):
        ask(workspace, make_calls(workspace))


@pytest.mark.parametrize(
    "listing", [respond(200, json={"data": None}), respond(200, json={"data": [1, {}]})]
)
def test_an_odd_list_of_jobs_is_no_list(
    workspace: Workspace, service: Service, listing: httpx2.Response
) -> None:
    """Whatever stands there, it is none of ours."""
    service.listing = listing
    assert ask(workspace, make_calls(workspace)) == ["answered"] * 4


@pytest.mark.parametrize("padding", [0, 280, 290])
def test_a_key_is_hidden_whatever_the_service_says(
    workspace: Workspace, service: Service, padding: int
) -> None:
    """Messages are cut to a length: half a key is one too."""
    said = "p" * padding + SECRET
    service.more = {"errors": {"data": [{"message": said}, said, None]}}
    lines: list[dict[str, Any]] = [
        {"error": {"message": said}},
        {"response": {"status_code": 400, "body": {"error": {"message": said}}}},
        {"response": {"status_code": 200, "body": make_completion(said)}},
        {"response": {"status_code": 200, "body": make_completion("Fine.")}},
    ]
    calls = make_calls(workspace)
    keys = [call.key for call in calls]
    text = "".join(
        json.dumps({"custom_id": k} | line) + "\n" for k, line in zip(keys, lines, strict=True)
    )
    service.content = lambda _: respond(200, text=text)
    told: list[str] = []
    ask(workspace, calls, told)
    everything = read_everything(workspace) + "".join(told)
    assert SECRET[:8] not in everything


def test_a_purge_of_failures_leaves_the_notes_of_what_is_still_out(
    workspace: Workspace, service: Service
) -> None:
    """Exported requests cost money: their replies must be known when they come."""
    service.status = lambda _: "failed"
    calls = make_calls(workspace)
    ask(workspace, calls)
    with open_journal(workspace) as journal:
        for call in calls[:2]:
            body = make_completion("Done.") | {"usage": USAGE}
            journal.store.put(call, engine_client.read_body(call.key, body))
    purge_calls(workspace, CallFilter(role="judge"))
    assert set(read_noted_calls(workspace)) == {call.key for call in calls[2:]}


def test_an_export_that_the_budget_does_not_bear_is_not_written(
    tmp_path: Path, finebench: RunCommand, service: Service
) -> None:
    """Whoever hands the file to a provider has spent what stands in it."""
    workspace = make_workspace(tmp_path / "bench", "budget = 0.0001\n")
    path = workspace.root / "bench.toml"
    path.write_text(
        path.read_text().replace('question_writer = "offline-writer"', 'question_writer = "m"')
    )
    out = tmp_path / "out"
    arguments = ("requests", "export", str(out), "--stage", "questions")
    assert "Nothing was written" in finebench(workspace.root, *arguments, code=1).stderr
    assert not out.exists()
    assert service.creations == 0
    path.write_text(path.read_text().replace("budget = 0.0001", "budget = 100.0"))
    finebench(workspace.root, *arguments)
    assert list(out.iterdir())


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf"])
def test_how_often_a_batch_is_looked_at_is_a_number(
    workspace: Workspace, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Zero would ask a provider without pause."""
    monkeypatch.setenv("FINEBENCH_BATCH_POLL_SECONDS", text)
    told = finebench(workspace.root, "generate", "--batch", code=2).stderr
    assert f"FINEBENCH_BATCH_POLL_SECONDS={text}" in told
