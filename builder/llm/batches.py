"""Asking by a provider's batch service: a stage's pending calls go out as jobs; replies come when they come.

A job is noted as soon as the provider has taken it. Whoever leaves meanwhile, or is killed, finds it
again with the next run of the same command, which collects what is there and asks for nothing twice.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from builder.bundle.engine.calls import Call, Endpoint, Reply
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
from builder.llm.batch_jobs import Job, find_identity, list_jobs, list_open_jobs, note_end, note_job
from builder.llm.batch_service import BatchService, OnStatus
from builder.llm.clients import open_clients
from builder.llm.journal import Journal, open_journal
from builder.workspace import Workspace
from schemas.errors import DataError, EndpointError

__all__ = ["Batch"]

_MOST_TRIES = 3
# A job that the provider ended for these reasons would end so again, or was ended by somebody.
_HOPELESS = {
    "failed": "the batch failed",
    "cancelled": "the batch was cancelled at the provider; run the same command again to send it anew",
}
# OpenAI takes 50,000 requests or 200 MB in a file.
_MOST_CALLS, _MOST_BYTES = 50_000, 190_000_000


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
                asker = _BatchAsker(workspace, stage, journal, clients, self, frozenset(simulated))
                asker.reserve_open_jobs()
                yield asker


@dataclass(slots=True)
class _BatchAsker:
    workspace: Workspace
    stage: str
    journal: Journal
    clients: Mapping[str, Client]
    settings: Batch
    simulators: frozenset[str]
    failed: dict[str, Reply] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.secrets = list_secrets(self.workspace.config)

    def reserve_open_jobs(self) -> None:
        """Count the calls of all jobs that are with a provider as on their way: they will be charged."""
        noted = read_noted_calls(self.workspace)
        for job in list_open_jobs(self.workspace).values():
            for key in job["keys"]:
                if key in noted and self.journal.store.get(key) is None:
                    self.journal.budget.reserve(discount(noted[key][1]))

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
        service = BatchService(
            self.clients[name], self.secrets, self.settings.poll_s, self.settings.on_status
        )
        jobs: list[Job] = [
            job
            for job in list_open_jobs(self.workspace).values()
            if (job["endpoint"], job["stage"]) == (name, self.stage)
        ]
        on_their_way = {key for job in jobs for key in job["keys"]}
        new = [call for call in calls if call.key not in on_their_way]
        for part in _cut(new):
            sent = self._hold_back(part)
            if sent:
                jobs.append(await self._submit(service, sent))
        by_key = {call.key: call for call in calls}
        for job in jobs:
            await self._collect(service, job, by_key)

    def _hold_back(self, calls: Sequence[Call]) -> list[Call]:
        """Return the calls that the budget lets through; the others have failed."""
        sent = []
        for call in calls:
            reason = self.journal.budget.hold(discount(call))
            if reason:
                self.failed[call.key] = Reply(call.key, Outcome.FAILED, error=f"not sent: {reason}")
            else:
                sent.append(call)
        return sent

    async def _submit(self, service: BatchService, calls: Sequence[Call]) -> Job:
        note_requests(self.workspace, self.stage, calls)
        content = "".join(make_request_lines(calls)).encode("utf-8")
        identity = find_identity(self.workspace).encode("utf-8")
        mark = hashlib.sha256(identity + content).hexdigest()
        api, known = calls[0].endpoint.api, list_jobs(self.workspace)
        batch_id = await service.create(content, mark, api, known)
        job = note_job(self.workspace, batch_id, service.name, self.stage, calls)
        self.settings.on_status(
            f"{service.name}: batch {batch_id} with {len(calls)} calls is with the provider"
        )
        return job

    async def _collect(self, service: BatchService, job: Job, calls: Mapping[str, Call]) -> None:
        """Wait for a job, take what it brought, and count what it did not."""
        batch = await service.wait(job["batch"])
        results: dict[str, Reply] = {}
        if batch is not None:
            for name in ("output_file_id", "error_file_id"):
                results = await self._read_file(service, job, batch.get(name)) | results
        noted = {key: call for key, (_, call) in read_noted_calls(self.workspace).items()}
        discounted = {key: discount(call) for key, call in (noted | dict(calls)).items()}
        take_results(results.items(), discounted, self.journal.store)
        self._count_failures(job, results, str(batch.get("status")) if batch else "lost")
        note_end(self.workspace, job)

    async def _read_file(self, service: BatchService, job: Job, file_id: Any) -> dict[str, Reply]:
        """Return the replies of a job's file; what is strange in it is told, and costs nothing else."""
        if not isinstance(file_id, str) or not file_id:
            return {}
        told = self.settings.on_status
        content = await service.read(file_id)
        if content is None:
            told(f"{service.name}: the provider no longer has file {file_id} of {job['batch']}")
            return {}
        try:
            found = parse_results(content, f"batch {job['batch']}", self.secrets)
        except DataError as error:
            told(f"{service.name}: file {file_id}: {error}")
            return {}
        for strange in found.strange[:3]:
            told(f"{service.name}: {strange}")
        return dict(found.replies)

    def _count_failures(self, job: Job, results: Mapping[str, Reply], status: str) -> None:
        """Note calls that came back without a reply; after three tries they have failed.

        What expired, or was lost, may come another time.
        """
        for key in job["keys"]:
            reason = _HOPELESS.get(status, f"the batch was {status} without it")
            reply = results.get(key) or Reply(key, Outcome.FAILED, error=reason)
            if reply.is_final:
                continue
            self.tries[key] = self.tries.get(key, 0) + 1
            is_hopeless = status in _HOPELESS or not reply.may_come_later
            if self.tries[key] >= _MOST_TRIES or is_hopeless:
                self.failed[key] = reply
            self.journal.budget.release(key)


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
