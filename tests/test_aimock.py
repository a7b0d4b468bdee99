"""Calls to a real server that others wrote: faults, kills and keys, over a real connection.

The server is aimock, from npm (see `aimock_server`). Its own journal says what it was asked.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from aimock_server import AimockServer, start_aimock
from call_driver import CONCURRENCY, make_calls, run
from fakes import SECRET, VARIABLE, MemoryStore
from workspaces import RunCommand

from builder.bundle.engine.calls import Api, Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import run_calls
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.vectors import read_vector
from builder.commands.asking import POLL_VARIABLE
from builder.llm import batches
from builder.llm.batch_jobs import list_jobs
from builder.llm.batch_service import BatchService
from builder.llm.batches import Batch
from builder.llm.call_log import read_calls
from builder.questions import generate_questions
from builder.workspace import Stage, Workspace, create_workspace

pytestmark = pytest.mark.server

BINARY = Path(sys.prefix) / "node" / "node_modules" / ".bin" / "llmock"
USAGE = {"prompt_tokens": 11, "completion_tokens": 3}
ANYTHING = {"match": {"endpoint": "chat"}, "response": {"content": "Fine.", "usage": USAGE}}
KILLS = 20
CALLS = 2_000

Start = Callable[..., AimockServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers with fixtures; end them with the test."""
    if not BINARY.exists():
        pytest.skip("aimock is not installed: install Node.js with npm, then run make test again")
    with ExitStack() as stack:

        def start_one(*fixtures: Mapping[str, object], **settings: Any) -> AimockServer:
            folder = tmp_path / f"aimock-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            everything = [*fixtures, ANYTHING]
            return stack.enter_context(
                start_aimock(everything, binary=BINARY, folder=folder, **settings)
            )

        yield start_one


def script(mark: str, *steps: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return fixtures that answer a prompt with ``mark`` by these steps in turn."""
    match = {"endpoint": "chat", "userMessage": mark}
    return [{"match": match | {"sequenceIndex": n}, **step} for n, step in enumerate(steps)]


def fail(status: int, **more: object) -> Mapping[str, object]:
    """Return a step that fails with an HTTP status."""
    error = {"message": "not now", "type": "server_error"}
    return {"response": {"error": error, "status": status, **more}}


def say(text: str = "Done.", **more: object) -> Mapping[str, object]:
    """Return a step that answers."""
    return {"response": {"content": text, "usage": USAGE, **more}}


def ask(
    server: AimockServer, *prompts: str, store: MemoryStore | None = None, **endpoint: Any
) -> list[Reply]:
    """Ask prompts through the real client, at once and on the real clock."""
    settings: dict[str, Any] = {"base_url": server.base_url, "key_variable": "", "concurrency": 8}
    target = Endpoint("m", "gpt-test", **settings | endpoint)
    calls = [Call(target, (("user", prompt),)) for prompt in prompts]

    async def run_all() -> list[Reply]:
        client = Client(target)
        try:
            replies = await run_calls(calls, {"m": client}, store or MemoryStore())
        finally:
            await client.close()
        return [replies[call.key] for call in calls]

    return asyncio.run(asyncio.wait_for(run_all(), 60))


CUT: Mapping[str, object] = {**say(), "chaos": {"disconnectRate": 1}}
MALFORMED: Mapping[str, object] = {**say(), "chaos": {"malformedRate": 1}}


@pytest.mark.parametrize(
    ("steps", "outcome", "text", "requests"),
    [
        ([fail(429, retryAfter=1), say()], Outcome.ANSWERED, "Done.", 2),
        ([fail(500), fail(503), say()], Outcome.ANSWERED, "Done.", 3),
        ([CUT, say()], Outcome.ANSWERED, "Done.", 2),
        ([MALFORMED, say()], Outcome.ANSWERED, "Done.", 2),
        ([say("I", finishReason="content_filter")], Outcome.FILTERED, "I", 1),
        ([say("Cut sho", finishReason="length")], Outcome.TRUNCATED, "Cut sho", 1),
        ([{**say(), "chaos": {"latencyMs": 300}}], Outcome.ANSWERED, "Done.", 1),
        ([fail(400)], Outcome.FAILED, "", 1),
    ],
)
def test_each_fault_ends_in_its_own_label(
    start: Start, steps: Sequence[Mapping[str, object]], outcome: Outcome, text: str, requests: int
) -> None:
    """What passes is asked again and comes; what does not is called by its name, over a real wire."""
    server = start(*script("[x]", *steps))
    (reply,) = ask(server, "Question [x]?")
    assert (reply.outcome, reply.text) == (outcome, text)
    assert len(server.list_requests()) == requests


def test_a_wish_to_wait_is_waited_for(start: Start) -> None:
    """Two seconds are two seconds, for every call of the endpoint."""
    server = start(*script("[x]", fail(429, retryAfter=2), say()))
    began = time.monotonic()
    (reply,) = ask(server, "Question [x]?")
    assert reply.outcome is Outcome.ANSWERED
    assert time.monotonic() - began >= 2


def test_a_server_in_trouble_costs_no_item(start: Start) -> None:
    """Most of sixty prompts fail once or twice in some way, and all are answered in the end."""
    faults = (fail(429, retryAfter=1), fail(500), CUT, MALFORMED, fail(503))
    fixtures: list[Mapping[str, object]] = []
    for n in range(60):
        steps = [[], [faults[n % 5]], [faults[n % 5], faults[(n + 1) % 5]]][n % 3]
        fixtures += script(f"[{n:03}]", *steps, say(f"Answer {n}."))
    server = start(*fixtures)
    replies = ask(server, *(f"Question [{n:03}]?" for n in range(60)))
    assert [reply.text for reply in replies] == [f"Answer {n}." for n in range(60)]
    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}


def test_an_embedding_is_taken_from_a_server_that_others_wrote(start: Start) -> None:
    """The vector's form is a server's own affair; what is kept is numbers that can be compared."""
    asked = {"match": {"endpoint": "embedding", "inputText": "Hello"}}
    server = start({**asked, "response": {"embedding": [0.25, -0.5]}})
    (reply,) = ask(server, "Hello", api=Api.EMBEDDINGS)
    assert (reply.outcome, reply.completion_tokens) == (Outcome.ANSWERED, 0)
    assert read_vector(reply.text) == (0.25, -0.5)


def test_a_slow_server_runs_into_the_time_limit_and_is_asked_again(start: Start) -> None:
    """A connection that hangs must not hang the run."""
    slow = {**say(), "chaos": {"latencyMs": 5000}}
    server = start(*script("[x]", slow, say("Quick.")))
    store = MemoryStore()
    (reply,) = ask(server, "Question [x]?", store=store, timeout_s=0.5)
    assert reply.text == "Quick."
    assert [put.is_lost for put in store.puts] == [True, False]


def test_a_wrong_key_is_one_clear_sentence_and_never_shown(
    start: Start, tmp_path: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever mistyped a key reads which variable to set, in one line, and finds no key in any file."""
    server = start(environment={"AIMOCK_API_KEYS": "sk-right"})
    monkeypatch.setenv(VARIABLE, SECRET)
    workspace = create_workspace(tmp_path / "bench", quota=3)
    path = workspace.root / "bench.toml"
    model = f'model = "gpt-test"\nbase_url = "{server.base_url}"\nkey_variable = "{VARIABLE}"\n'
    text = path.read_text().replace(
        "[models.offline-judge]", f"[models.m]\n{model}\n[models.offline-judge]"
    )
    path.write_text(text.replace('question_writer = "offline-writer"', 'question_writer = "m"'))
    told = finebench(workspace.root, "generate", code=1).output
    assert f"the API key is refused: set the right key in {VARIABLE}" in told
    assert "Traceback" not in told
    everything = b"".join(p.read_bytes() for p in workspace.root.rglob("*") if p.is_file())
    assert SECRET not in told
    assert SECRET.encode() not in everything


def _read_durable(log: Path) -> set[str]:
    """Return the prompts whose replies are durable in the log, a torn last line aside."""
    if not log.exists():
        return set()
    lines = log.read_bytes().split(b"\n")[:-1]
    return {json.loads(line)["messages"][-1][1] for line in lines}


def _list_prompts(server: AimockServer) -> list[str]:
    bodies: list[Any] = [request["body"] for request in server.list_requests()]
    return [body["messages"][-1]["content"] for body in bodies]


def _kill_after(url: str, log: Path, seconds: float) -> bool:
    """Start the run, and kill it some time after its first reply; tell whether the kill came in time."""
    driver = Path(__file__).with_name("call_driver.py")
    size = log.stat().st_size if log.exists() else 0
    process = subprocess.Popen([sys.executable, str(driver), url, str(log), str(CALLS)])
    try:
        while process.poll() is None and (not log.exists() or log.stat().st_size == size):
            time.sleep(0.005)
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0
    return False


@pytest.mark.slow
def test_twenty_kills_repeat_no_durable_call_and_change_no_reply(
    start: Start, tmp_path: Path
) -> None:
    """Nothing paid for is lost: by the server's own journal, what was kept is never asked again."""
    fixtures = [
        {
            "match": {"endpoint": "chat", "userMessage": f"[{n:05}]"},
            "response": {"content": f"Answer {n}.", "usage": USAGE},
            "chaos": {"latencyMs": 20},
        }
        for n in range(CALLS)
    ]
    server = start(*fixtures)
    log, rng = tmp_path / "killed.jsonl", random.Random(20)
    kills = 0
    for _ in range(KILLS):
        kills += _kill_after(server.base_url, log, rng.uniform(0.0, 0.15))
        durable, before = _read_durable(log), len(_list_prompts(server))
        # What was in flight may still be answered by the server, and is in its journal later.
        time.sleep(0.1)
        late = _list_prompts(server)[before:]
        assert len(late) <= CONCURRENCY
        server_saw = len(_list_prompts(server))
        if kills == KILLS or len(durable) == CALLS:
            break
        _kill_after(server.base_url, log, rng.uniform(0.0, 0.1))
        assert not durable & set(_list_prompts(server)[server_saw:]), "a durable call was repeated"
        kills += 1
    replies = run(server.base_url, log, CALLS)
    undisturbed = run(server.base_url, tmp_path / "whole.jsonl", CALLS)
    assert replies == undisturbed
    assert [replies[call.key].text for call in make_calls(server.base_url, CALLS)] == [
        f"Answer {n}." for n in range(CALLS)
    ]
    asked = Counter(_list_prompts(server))
    repeats = sum(asked.values()) - 2 * CALLS
    print(f"{kills} kills, {repeats} calls asked again of at most {kills * CONCURRENCY} in flight")
    assert kills >= KILLS
    assert repeats <= kills * CONCURRENCY


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_told_to_end_keeps_the_replies_on_their_way(
    start: Start, tmp_path: Path, ending: signal.Signals
) -> None:
    """A shutdown, or a closed terminal, in the middle of a night's run costs nothing that was paid for."""
    slow = {"match": {"endpoint": "chat"}, "response": {"content": "Late.", "usage": USAGE}}
    server = start({**slow, "chaos": {"latencyMs": 700}})
    driver, log = Path(__file__).with_name("call_driver.py"), tmp_path / "calls.jsonl"
    process = subprocess.Popen([sys.executable, str(driver), server.base_url, str(log), "400"])
    try:
        while not _list_prompts(server) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(1.0)  # the first replies are there, and more calls are on their way
        os.kill(process.pid, ending)
        assert process.wait(timeout=30) != 0
    finally:
        process.kill()
        process.wait()
    asked, kept = set(_list_prompts(server)), _read_durable(log)
    assert asked == kept
    assert 0 < len(kept) < 400


def _use_aimock(workspace: Workspace, server: AimockServer, **settings: str) -> Workspace:
    """Return the workspace with its question writer at the server, and a price for it."""
    path = workspace.root / "bench.toml"
    more = {
        "price": "{ input = 10, output = 20, batch_share = 0.5 }",
        "key_variable": '""',
    } | settings
    lines = {"model": '"gpt-test"', "base_url": f'"{server.base_url}"'} | more
    model = "[models.m]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())
    text = path.read_text().replace("[models.offline-judge]", f"{model}\n[models.offline-judge]")
    path.write_text(text.replace('question_writer = "offline-writer"', 'question_writer = "m"'))
    return Workspace(workspace.root)


@pytest.fixture
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the state of batches often: this provider is done at the second look."""
    monkeypatch.setenv(POLL_VARIABLE, "0.05")


@pytest.mark.usefixtures("quick_polls")
def test_a_stage_is_asked_by_a_batch(start: Start, tmp_path: Path, finebench: RunCommand) -> None:
    """Files and batches of a real server: the replies are in the journal, at the batch's price."""
    server = start()
    workspace = _use_aimock(create_workspace(tmp_path / "bench", quota=2), server)
    told = finebench(workspace.root, "generate", "--batch", code=1).output
    assert "is with the provider" in told
    assert "is completed" in told
    calls = list(read_calls(workspace.journal))
    # The server answers each request of a batch with one fixed text, which is no JSON: asked again twice
    # in each of four waves.
    assert len(calls) == 4 * 3 * 11
    assert {call["outcome"] for call in calls} == {"answered"}
    assert {call["text"] for call in calls} == {"Mock batch completion"}
    assert {call["cost"] for call in calls} == {(1 * 5 + 1 * 10) / 1e6}
    assert {job["status"] for job in list_jobs(workspace).values()} == {"taken"}
    paths = [request["path"] for request in server.list_requests()]
    assert "/v1/chat/completions" not in paths


@pytest.mark.usefixtures("quick_polls")
def test_a_batch_that_was_left_is_taken_up_and_sent_once(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed right after the provider took the job, noted or not: the next run finds it, and pays once."""
    server = start()
    workspace = _use_aimock(create_workspace(tmp_path / "bench", quota=2), server)

    class Killed(BaseException):
        """Stands for SIGKILL: nothing of ours runs after it."""

    def kill(*_: object) -> None:
        raise Killed

    for place in ("note_job", "take_results"):
        with monkeypatch.context() as patched:
            patched.setattr(batches, place, kill)
            with pytest.raises(Killed):
                generate_questions(workspace, Batch(lambda _: None, 0.05))
    generate_questions(workspace, Batch(lambda _: None, 0.05))
    created = [
        r for r in server.list_requests() if (r["method"], r["path"]) == ("POST", "/v1/batches")
    ]
    assert len(created) == 4 * 3, (
        "a wave has one for the questions, two that ask again in the right form"
    )
    assert len(list(read_calls(workspace.journal))) == 4 * 3 * 11


@pytest.mark.usefixtures("quick_polls")
def test_requests_of_an_expired_batch_are_sent_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that did not get to them in a day is asked once more; after three times they failed."""
    server = start()
    workspace = _use_aimock(create_workspace(tmp_path / "bench", quota=2), server)
    told: list[str] = []
    outcomes = chain(["expired"], repeat("completed"))
    post = BatchService._post

    async def post_as(self: BatchService, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"X-AIMock-Batch-Outcome": next(outcomes)}
        connection = self.client._openai
        self.client._openai = connection.with_options(default_headers=headers)
        try:
            return await post(self, path, body)
        finally:
            self.client._openai = connection

    monkeypatch.setattr(BatchService, "_post", post_as)
    generate_questions(workspace, Batch(told.append, 0.05))
    assert any("is expired" in line for line in told)
    assert {call["outcome"] for call in read_calls(workspace.journal)} == {"answered"}


def test_a_simulator_has_no_batches(tmp_path: Path, finebench: RunCommand) -> None:
    """Whoever tries it offline reads why it cannot be."""
    workspace = create_workspace(tmp_path / "bench", quota=2)
    told = finebench(workspace.root, "generate", "--batch", code=1).output
    assert "has no batch service" in told


@pytest.mark.usefixtures("quick_polls")
def test_options_are_written_and_judged_in_turns_of_batches(
    start: Start, tmp_path: Path, finebench: RunCommand
) -> None:
    """Each reply makes the next calls necessary, over four turns: none is forgotten on the way."""
    server = start()
    workspace = _use_aimock(create_workspace(tmp_path / "bench", quota=6), server)
    path = workspace.root / "bench.toml"
    text = path.read_text().replace('question_writer = "m"', 'question_writer = "offline-writer"')
    path.write_text(text.replace("[roles]", '[roles]\nsecond_negative_writer = "m"'))
    finebench(workspace.root, "generate")
    finebench(workspace.root, "derive", "--batch")
    batched = (workspace.root / "02_options.jsonl").read_bytes()
    finebench(workspace.root, "derive")
    assert (workspace.root / "02_options.jsonl").read_bytes() == batched
    assert len(workspace.read_stage(Stage.OPTIONS)) == 36


def test_calls_that_are_with_a_batch_service_are_not_asked_live(
    start: Start, tmp_path: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be paid for twice: the user is told to collect them first."""
    server = start()
    workspace = _use_aimock(create_workspace(tmp_path / "bench", quota=2), server)

    async def leave(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", leave)
        with pytest.raises(asyncio.CancelledError):
            generate_questions(workspace, Batch(lambda _: None, 5.0))
    told = finebench(workspace.root, "generate", code=2).output
    assert "are with a batch service" in told
    assert "--batch" in told
