"""Asking by a provider's batch service: a stage's pending calls go out as jobs; replies come when they come.

A job is noted as soon as the provider has taken it. Whoever leaves meanwhile, or is killed, finds it
again with the next run of the same command, which collects what is there and asks for nothing twice.
"""

import asyncio
import hashlib
from collections.abc import (
    AsyncIterator,
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.bundle.engine.calls import Api, Call, Endpoint, Reply
from builder.bundle.engine.client import Client
from builder.bundle.engine.fan_out import FollowUp, run_calls
from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import Outcome
from builder.config import OFFLINE_URL
from builder.llm.asking import Asker, Expect, collect, require_prices
from builder.llm.batch_files import (
    discount,
    group_by_endpoint,
    list_secrets,
    make_request_lines,
    note_requests,
    parse_results,
    read_noted_calls,
    take_results,
)
from builder.llm.clients import open_clients
from builder.llm.journal import Journal, open_journal
from builder.workspace import Workspace
from schemas.errors import EndpointError
from schemas.storage import append_row, read_log

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Batch", "list_jobs"]

_SUBMITTED, _TAKEN = "submitted", "taken"
_MARK = "finebench"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_MOST_TRIES = 3
# OpenAI takes 50,000 requests or 200 MB in a file.
_MOST_CALLS, _MOST_BYTES = 50_000, 190_000_000

OnStatus = Callable[[str], None]


def list_jobs(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Return the jobs of a workspace by the provider's id, each as it was last noted."""
    return {row["batch"]: row for row in read_log(workspace.batches)}


@dataclass(frozen=True, slots=True)
class Batch:
    """Asking by batch jobs, of which the state is looked at every ``poll_s`` seconds."""

    on_status: OnStatus
    poll_s: float = 30.0

    @asynccontextmanager
    async def open(
        self,
        workspace: Workspace,
        stage: str,
        endpoints: Sequence[Endpoint],
        items: Sequence[Item] = (),
    ) -> AsyncIterator[Asker]:
        """Yield an asker whose replies go into the workspace's journal."""
        simulated = sorted({e.name for e in endpoints if e.base_url == OFFLINE_URL})
        if len(simulated) == len({e.name for e in endpoints}):
            raise EndpointError(
                f"{', '.join(simulated)} has no batch service: leave out --batch, or name another model."
            )
        require_prices(workspace, endpoints)
        with open_journal(workspace, stage) as journal:
            async with open_clients(endpoints, items=items) as clients:
                simulators = frozenset(simulated)
                yield _BatchAsker(
                    workspace, stage, journal, clients, self.on_status, self.poll_s, simulators
                )


@dataclass(slots=True)
class _BatchAsker:
    workspace: Workspace
    stage: str
    journal: Journal
    clients: Mapping[str, Client]
    on_status: OnStatus
    poll_s: float
    simulators: frozenset[str]
    failed: dict[str, Reply] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.secrets = list_secrets(self.workspace.config)

    async def ask(
        self,
        calls: Iterable[Call],
        *,
        follow_up: FollowUp | None = None,
        expect: Expect | None = None,  # noqa: ARG002 - of use on paper only
    ) -> dict[str, Reply]:
        """Return the replies, after as many jobs as it takes; calls that no try brought home have failed."""
        replies: dict[str, Reply] = {}
        while pending := collect(self._find, calls, follow_up, replies):
            groups = group_by_endpoint(pending)
            await asyncio.gather(*(self._settle(name, group) for name, group in groups.items()))
            calls = pending
        return replies

    def _find(self, key: str) -> Reply | None:
        """Return the kept reply to a call, or that no try brought one."""
        return self.journal.store.get(key) or self.failed.get(key)

    async def _settle(self, name: str, calls: list[Call]) -> None:
        """Bring calls of one endpoint home: those of open jobs first, the others by a new job.

        A simulator, which runs in this process, is asked at once.
        """
        if name in self.simulators:
            replies = await run_calls(calls, {name: self.clients[name]}, self.journal.store)
            self.failed |= {key: reply for key, reply in replies.items() if not reply.is_final}
            return
        open_jobs = {
            job["batch"]: job
            for job in list_jobs(self.workspace).values()
            if (job["endpoint"], job["stage"], job["status"]) == (name, self.stage, _SUBMITTED)
        }
        on_their_way = {key for job in open_jobs.values() for key in job["keys"]}
        new = [call for call in calls if call.key not in on_their_way]
        for part in _cut(new):
            sent = self._hold_back(part)
            if sent:
                job = await self._submit(name, sent)
                open_jobs[job["batch"]] = job
        by_key = {call.key: call for call in calls}
        for job in open_jobs.values():
            await self._collect(name, job, by_key)

    def _hold_back(self, calls: Sequence[Call]) -> list[Call]:
        """Return the calls that the budget lets through; the others have failed."""
        sent = []
        for call in calls:
            reason = self.journal.budget.hold(call)
            if reason:
                self.failed[call.key] = Reply(call.key, Outcome.FAILED, error=f"not sent: {reason}")
            else:
                sent.append(call)
        return sent

    async def _submit(self, name: str, calls: Sequence[Call]) -> dict[str, Any]:
        client = self.clients[name]
        note_requests(self.workspace, self.stage, calls)
        content = "".join(make_request_lines(calls)).encode("utf-8")
        mark = hashlib.sha256(content).hexdigest()
        with _explain(client.endpoint):
            batch_id = await self._create(client, content, mark, calls[0].endpoint.api)
        job = {
            "batch": batch_id,
            "endpoint": name,
            "stage": self.stage,
            "status": _SUBMITTED,
            "keys": [call.key for call in calls],
        }
        append_row(self.workspace.batches, job)
        self.on_status(f"{name}: batch {batch_id} with {len(calls)} calls is with the provider")
        return job

    async def _create(self, client: Client, content: bytes, mark: str, api: Api) -> str:
        """Return the id of a job for these requests: one that the provider has already, or a new one.

        A request to make a job is never simply repeated: where its answer was lost, the job may be there.
        """
        import openai

        connection = client.connection.with_options(max_retries=5)
        url: Any = f"/v1/{api}"  # the client's type names the addresses that it knew of
        for attempt in range(_MOST_TRIES):
            batch_id = await _find_lost(connection, mark, list_jobs(self.workspace))
            if batch_id:
                return batch_id
            uploaded = await connection.files.create(
                file=("requests.jsonl", content), purpose="batch"
            )
            try:
                batch = await client.connection.with_options(max_retries=0).batches.create(
                    input_file_id=uploaded.id,
                    endpoint=url,
                    completion_window="24h",
                    metadata={_MARK: mark},
                )
            except openai.APIConnectionError:
                if attempt + 1 == _MOST_TRIES:
                    raise
                await asyncio.sleep(min(self.poll_s, 2.0))
            else:
                return batch.id
        raise AssertionError("every attempt returns or raises")

    async def _collect(self, name: str, job: Mapping[str, Any], calls: Mapping[str, Call]) -> None:
        client = self.clients[name]
        connection = client.connection.with_options(max_retries=5)
        told = ""
        while True:
            batch = await self._look_up(client, job)
            if batch is None:
                return
            counts = batch.request_counts
            done = f", {counts.completed} of {counts.total} done" if counts and counts.total else ""
            if told != f"{batch.status}{done}":
                told = f"{batch.status}{done}"
                self.on_status(f"{name}: batch {batch.id} is {told}")
            if batch.status in _ENDED:
                break
            await asyncio.sleep(self.poll_s)
        for error in (batch.errors.data or ()) if batch.errors else ():
            self.on_status(f"{name}: batch {batch.id}: {error.message or error.code}"[:300])
        results: list[tuple[str, Reply]] = []
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                with _explain(client.endpoint):
                    content = (await connection.files.content(file_id)).text
                results += parse_results(content, f"batch {batch.id}", self.secrets).replies
        noted = {key: call for key, (_, call) in read_noted_calls(self.workspace).items()}
        discounted = {key: discount(call) for key, call in (noted | dict(calls)).items()}
        take_results(results, discounted, self.journal.store)
        self._count_failures(job, dict(results), batch.status)
        self._note_end(job)

    def _note_end(self, job: Mapping[str, Any]) -> None:
        append_row(self.workspace.batches, {**job, "status": _TAKEN, "keys": []})

    async def _look_up(self, client: Client, job: Mapping[str, Any]) -> Any:
        """Return a job as the provider has it; one that is gone there is noted as lost, and None."""
        import openai

        with _explain(client.endpoint):
            try:
                connection = client.connection.with_options(max_retries=5)
                return await connection.batches.retrieve(job["batch"])
            except openai.NotFoundError:
                self.on_status(
                    f"{client.endpoint.name}: the provider no longer has batch {job['batch']}"
                )
        self._count_failures(job, {}, "lost")
        self._note_end(job)
        return None

    def _count_failures(
        self, job: Mapping[str, Any], results: Mapping[str, Reply], status: str
    ) -> None:
        """Note calls that came back without a reply; after three tries they have failed."""
        for key in job["keys"]:
            reply = results.get(key) or Reply(
                key, Outcome.FAILED, error=f"the batch was {status} without it"
            )
            if reply.is_final:
                continue
            self.tries[key] = self.tries.get(key, 0) + 1
            # What expired, or was lost, may pass another time; a job that failed would fail again.
            hopeless = status == "failed" or not reply.may_come_later
            if self.tries[key] >= _MOST_TRIES or hopeless:
                self.failed[key] = reply
            self.journal.budget.release(key)


async def _find_lost(connection: "AsyncOpenAI", mark: str, known: Container[str]) -> str:
    """Return a job of ours that the provider has and we never noted, killed at that very moment."""
    import openai

    try:
        page = await connection.batches.list(limit=100)
    except (openai.NotFoundError, openai.BadRequestError):
        return ""  # a service that lists no jobs
    lost = [
        batch.id
        for batch in page.data
        if (batch.metadata or {}).get(_MARK) == mark
        and batch.id not in known
        and batch.status not in _ENDED - {"completed"}
    ]
    return lost[0] if lost else ""


def _cut(calls: Sequence[Call]) -> Iterable[list[Call]]:
    """Yield calls in parts that a batch service takes in one file."""
    part: list[Call] = []
    size = 0
    for call in calls:
        weight = sum(len(text.encode("utf-8", "surrogatepass")) for _, text in call.messages) + 1000
        if part and (len(part) == _MOST_CALLS or size + weight > _MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(call)
        size += weight
    if part:
        yield part


@contextmanager
def _explain(endpoint: Endpoint) -> Iterator[None]:
    """Turn what the client raises into a sentence that says what to do."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        told = {
            401: f"the API key is refused: set the right key in {endpoint.key_variable}",
            404: "there is no batch service at this address: leave out --batch",
        }.get(error.status_code, f"HTTP {error.status_code}")
        raise EndpointError(f"model {endpoint.name}: batch: {told}.") from None
    except openai.APIConnectionError:
        raise EndpointError(
            f"model {endpoint.name}: batch: no connection. Run the same command again: jobs that the "
            "provider has are found again."
        ) from None
