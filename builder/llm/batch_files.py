"""Files of batch requests: calls enter, request lines leave; result lines enter, replies leave.

The form is that of OpenAI's Batch API, which vLLM's batch runner reads and writes too: a line a
request, named by a ``custom_id``, which is the call's key.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.bundle.engine.calls import Call, Endpoint, Price, Reply
from builder.bundle.engine.client import make_body, read_body
from builder.bundle.engine.labels import Outcome
from builder.config import Config
from builder.workspace import Workspace
from schemas.errors import DataError, StorageError
from schemas.storage import read_rows, write_rows
from schemas.texts import hash_text

__all__ = [
    "Taken",
    "group_by_endpoint",
    "make_request_lines",
    "note_requests",
    "parse_results",
    "read_noted_calls",
    "read_results",
    "take_results",
]

_URL = "/v1/chat/completions"


def make_request_lines(calls: Iterable[Call]) -> Iterator[str]:
    """Yield a line for each call, as the Batch API reads it."""
    for call in calls:
        request = {"custom_id": call.key, "method": "POST", "url": _URL, "body": make_body(call)}
        yield json.dumps(request, ensure_ascii=False) + "\n"


def note_requests(workspace: Workspace, stage: str, calls: Sequence[Call]) -> None:
    """Note calls that are handed out, so that their replies can be taken whenever they come."""
    rows = [_describe(stage, call) for call in calls]
    name = hash_text("".join(sorted(call.key for call in calls)))[:16]
    write_rows(workspace.requests / f"{name}.jsonl", rows)


def _describe(stage: str, call: Call) -> dict[str, Any]:
    return {
        "key": call.key,
        "stage": stage,
        "endpoint": call.endpoint.name,
        "model": call.endpoint.model,
        "parameters": dict(call.endpoint.parameters),
        "messages": [list(message) for message in call.messages],
        "sample": call.sample,
        "role": call.role,
        "prompt": call.prompt,
    }


def read_noted_calls(workspace: Workspace) -> dict[str, tuple[str, Call]]:
    """Return the noted calls by key, each with its stage; their prices are those now configured."""
    paths = sorted(workspace.requests.glob("*.jsonl"))
    return {
        row["key"]: (row["stage"], _restore(row, workspace.config))
        for path in paths
        for row in read_rows(path)
    }


def _restore(row: Mapping[str, Any], config: Config) -> Call:
    name = row["endpoint"]
    price = config.find_endpoint(name).price if name in config.models else Price()
    endpoint = Endpoint(name, row["model"], parameters=row["parameters"], price=price)
    messages = tuple((role, text) for role, text in row["messages"])
    return Call(endpoint, messages, row["sample"], row["role"], row["prompt"])


def read_results(path: Path) -> Iterator[tuple[str, Reply]]:
    """Yield the key and the reply of each line of a batch service's output or error file.

    Raises `DataError` for a line that is none of such a file, `StorageError` where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read ({error}).") from error
    yield from parse_results(text, path.name)


def parse_results(text: str, name: str) -> Iterator[tuple[str, Reply]]:
    """Yield the key and the reply of each line of ``text``."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = row["custom_id"]
            bytes.fromhex(key)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{name}:{number}: no line of a batch's results ({error}). Give the output file of "
                "OpenAI's Batch API or of vLLM's batch runner."
            ) from None
        yield key, _read_result(key, row)


def _read_result(key: str, row: Mapping[str, Any]) -> Reply:
    response, error = row.get("response"), row.get("error")
    if error:
        told = error.get("message") or error.get("code") if isinstance(error, Mapping) else error
        return Reply(key, Outcome.FAILED, error=f"batch: {told}"[:300])
    if not isinstance(response, Mapping):
        return Reply(key, Outcome.MALFORMED, error="batch: neither response nor error")
    status = response.get("status_code")
    body = response.get("body")
    if status == 200:
        return read_body(key, body)
    said = body.get("error") if isinstance(body, Mapping) else None
    told = said.get("message") if isinstance(said, Mapping) else said
    outcome = Outcome.RATE_LIMITED if status == 429 else Outcome.FAILED
    code = status if isinstance(status, int) else 0
    return Reply(key, outcome, error=f"batch: HTTP {status}: {told}"[:300], status=code)


@dataclass(slots=True)
class Taken:
    """What came of result lines: kept replies, failures by reason, and lines of no call of ours."""

    kept: int = 0
    known: int = 0
    strange: int = 0
    failures: dict[str, int] = field(default_factory=dict)


def take_results(
    results: Iterable[tuple[str, Reply]], calls: Mapping[str, Call], store: Any
) -> Taken:
    """Put the replies to ``calls`` into the journal; one that is there already is left as it is."""
    taken = Taken()
    for key, reply in results:
        call = calls.get(key)
        if call is None:
            taken.strange += 1
        elif store.get(key) is not None:
            taken.known += 1
        else:
            store.put(call, reply)
            if reply.is_final:
                taken.kept += 1
            else:
                told = f"{reply.outcome}: {reply.error}"
                taken.failures[told] = taken.failures.get(told, 0) + 1
    return taken


def group_by_endpoint(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Return calls by the name of their endpoint: a batch has one model."""
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.endpoint.name, []).append(call)
    return groups
