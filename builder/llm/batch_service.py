"""One provider's batch service: requests and ids enter; jobs and the content of files leave.

A night is long: outages are waited out, and told. What a provider says is read as plain JSON, for a
service may answer anything; its words are freed of keys before anybody sees them.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.bundle.engine.calls import Api
from builder.bundle.engine.client import Client
from builder.llm.batch_files import clean_message
from schemas.errors import EndpointError

__all__ = ["BatchService", "OnStatus"]

OnStatus = Callable[[str], None]
Answer = dict[str, Any]

_MARK = "finebench"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_LONGEST_PAUSE_S = 300.0
_CREATE_PATIENCE_S = 600.0
_TELL_EVERY_S = 60.0
_TRANSIENT = frozenset({408, 409, 425, 429})


class _GoneError(Exception):
    """The provider has no such thing."""


class _TransientError(Exception):
    """The provider could not answer just now; another time it may."""


@dataclass(slots=True)
class BatchService:
    """Talks with the batch service behind a client; its state is looked at every ``poll_s`` seconds."""

    client: Client
    secrets: Sequence[str]
    poll_s: float
    on_status: OnStatus
    _is_outage_told: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.client.endpoint.name

    async def create(self, content: bytes, mark: str, api: Api, known: Container[str]) -> str:
        """Return the id of a job for these requests: one that the provider has already, or a new one.

        A request to make a job is never simply repeated: where its answer was lost, the job may be
        there. Raises `EndpointError` where the provider refuses, or cannot for ten minutes.
        """
        until = time.monotonic() + _CREATE_PATIENCE_S
        pause = min(self.poll_s, 2.0)
        while True:
            try:
                return await self._find(mark, known) or await self._create(content, mark, api)
            except _GoneError:
                raise EndpointError(
                    f"model {self.name}: there is no batch service at this address: leave out --batch."
                ) from None
            except _TransientError as error:
                if time.monotonic() >= until:
                    raise EndpointError(
                        f"model {self.name}: batch: {error}. Run the same command again: jobs that the "
                        "provider has are found again."
                    ) from None
                self._tell_outage(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _find(self, mark: str, known: Container[str]) -> str:
        """Return a job of ours that the provider has and we never noted, killed at that very moment."""
        try:
            page = await self._get("/batches?limit=100")
        except _GoneError:
            return ""  # a service that lists no jobs
        data = page.get("data")
        for job in data if isinstance(data, list) else ():
            if not isinstance(job, Mapping) or not isinstance(job.get("metadata"), Mapping):
                continue
            is_ours = job["metadata"].get(_MARK) == mark and job.get("id") not in known
            if is_ours and job.get("status") not in _ENDED - {"completed"}:
                return str(job.get("id"))
        return ""

    async def _create(self, content: bytes, mark: str, api: Api) -> str:
        connection = self.client.connection.with_options(max_retries=0)
        uploaded = await self._ask(
            lambda: connection.files.with_raw_response.create(
                file=("requests.jsonl", content), purpose="batch"
            )
        )
        body = {
            "input_file_id": _read_id(uploaded),
            "endpoint": f"/v1/{api}",
            "completion_window": "24h",
            "metadata": {_MARK: mark},
        }
        return _read_id(await self._post("/batches", body))

    async def wait(self, batch_id: str) -> Answer | None:
        """Return a job once it has ended, however long that takes; None where it is gone."""
        told, told_at, pause = "", time.monotonic(), self.poll_s
        while True:
            try:
                job = await self._get(f"/batches/{batch_id}")
            except _GoneError:
                self.on_status(f"{self.name}: the provider no longer has batch {batch_id}")
                return None
            except _TransientError as error:
                self._tell_outage(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            self._is_outage_told, pause = False, self.poll_s
            now = f"{job.get('status')}{_tell_counts(job)}"
            if now != told or time.monotonic() - told_at >= _TELL_EVERY_S:
                told, told_at = now, time.monotonic()
                self.on_status(self._clean(f"{self.name}: batch {batch_id} is {told}"))
            if job.get("status") in _ENDED:
                self._tell_errors(batch_id, job)
                return job
            await asyncio.sleep(self.poll_s)

    async def read(self, file_id: str) -> str | None:
        """Return what a file holds; None where it is gone. Outages are waited out."""
        import httpx2

        connection = self.client.connection.with_options(max_retries=0)
        pause = self.poll_s
        while True:
            try:
                response = await self._guard(
                    lambda: connection.get(f"/files/{file_id}/content", cast_to=httpx2.Response)
                )
            except _GoneError:
                return None
            except _TransientError as error:
                self._tell_outage(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                return bytes(response.content).decode("utf-8", "replace")

    def _tell_errors(self, batch_id: str, job: Answer) -> None:
        errors = job.get("errors")
        data = errors.get("data") if isinstance(errors, Mapping) else None
        for error in data[:5] if isinstance(data, list) else ():
            said = (
                error.get("message") or error.get("code") if isinstance(error, Mapping) else error
            )
            self.on_status(self._clean(f"{self.name}: batch {batch_id}: {said}"))

    def _tell_outage(self, why: str) -> None:
        if not self._is_outage_told:
            self._is_outage_told = True
            self.on_status(f"{self.name}: the batch service cannot answer ({why}): waiting for it")

    def _clean(self, text: str) -> str:
        return clean_message(text, self.secrets)

    async def _get(self, path: str) -> Answer:
        import httpx2

        connection = self.client.connection.with_options(max_retries=0)
        return await self._ask(lambda: connection.get(path, cast_to=httpx2.Response))

    async def _post(self, path: str, body: Mapping[str, Any]) -> Answer:
        import httpx2

        connection = self.client.connection.with_options(max_retries=0)
        return await self._ask(lambda: connection.post(path, cast_to=httpx2.Response, body=body))

    async def _ask(self, send: Callable[[], Awaitable[Any]]) -> Answer:
        """Return the JSON object that a request brings."""
        response = await self._guard(send)
        try:
            answer = json.loads(response.content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise _TransientError("it sent no JSON")
        return answer

    async def _guard(self, send: Callable[[], Awaitable[Any]]) -> Any:
        """Return the response of a request; raise what its failure means."""
        import openai

        try:
            return await send()
        except openai.APIStatusError as error:
            status = error.status_code
            body = error.body if isinstance(error.body, Mapping) else {}
            said = self._clean(str(body.get("message") or "no message"))
            if status == 404:
                raise _GoneError from None
            if status in _TRANSIENT or status >= 500:
                raise _TransientError(f"HTTP {status}: {said}") from None
            if status == 401:
                variable = self.client.endpoint.key_variable
                said = f"the API key is refused: set the right key in {variable}"
            raise EndpointError(f"model {self.name}: batch: HTTP {status}: {said}.") from None
        except openai.APIConnectionError:
            raise _TransientError("no connection") from None
        except Exception as error:  # noqa: BLE001 - a response that breaks HTTP raises what its reader likes
            raise _TransientError(self._clean(f"{type(error).__name__}: {error}")) from None


def _read_id(answer: Answer) -> str:
    found = answer.get("id")
    if not isinstance(found, str) or not found:
        raise _TransientError("it sent no id")
    return found


def _tell_counts(job: Answer) -> str:
    counts = job.get("request_counts")
    if not isinstance(counts, Mapping) or not counts.get("total"):
        return ""
    return f", {counts.get('completed')} of {counts.get('total')} done"
