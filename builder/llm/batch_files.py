"""Files of batch requests: calls enter, request lines leave; result lines enter, replies leave.

The form is that of OpenAI's Batch API, which vLLM's batch runner reads and writes too: a line a
request, named by a ``custom_id``, which is the call's key.
"""

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.bundle.engine.calls import Api, Call, Endpoint, Price, Reply
from builder.bundle.engine.client import hide_secrets, make_body, read_body
from builder.bundle.engine.labels import Outcome
from builder.config import Config
from builder.workspace import Workspace
from schemas.errors import DataError, StorageError
from schemas.storage import read_rows, write_rows
from schemas.texts import hash_text

__all__ = [
    "Results",
    "Taken",
    "clean_message",
    "discount",
    "forget_requests",
    "group_by_endpoint",
    "list_secrets",
    "make_request_lines",
    "note_requests",
    "parse_results",
    "read_noted_calls",
    "read_results",
    "take_results",
]


def make_request_lines(calls: Iterable[Call]) -> Iterator[str]:
    """Yield a line for each call, as the Batch API reads it."""
    for call in calls:
        url = f"/v1/{call.endpoint.api}"
        request = {"custom_id": call.key, "method": "POST", "url": url, "body": make_body(call)}
        yield json.dumps(request, ensure_ascii=False) + "\n"


def note_requests(workspace: Workspace, stage: str, calls: Sequence[Call]) -> None:
    """Note calls that are handed out, so that their replies can be taken whenever they come."""
    rows = [_describe(stage, call) for call in calls]
    name = hash_text("".join(sorted(call.key for call in calls)))[:16]
    path = workspace.requests / f"{name}.jsonl"
    write_rows(path, rows)
    path.chmod(0o600)


def forget_requests(workspace: Workspace, keys: Container[str]) -> None:
    """Take calls out of the notes, as when their texts are purged."""
    for path in sorted(workspace.requests.glob("*.jsonl")):
        rows = read_rows(path)
        left = [row for row in rows if row["key"] not in keys]
        if not left:
            path.unlink()
        elif len(left) < len(rows):
            write_rows(path, left)
            path.chmod(0o600)


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
        "api": str(call.endpoint.api),
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
    api = Api(row.get("api", Api.CHAT))  # notes of before there was any other have none
    endpoint = Endpoint(name, row["model"], parameters=row["parameters"], price=price, api=api)
    messages = tuple((role, text) for role, text in row["messages"])
    return Call(endpoint, messages, row["sample"], row["role"], row["prompt"])


@dataclass(frozen=True, slots=True)
class Results:
    """What a result file holds: replies by key in its order, and what is wrong with other lines."""

    replies: list[tuple[str, Reply]]
    strange: list[str]


def list_secrets(config: Config) -> tuple[str, ...]:
    """Return the API keys that are set for the configured models, so that they can be blacked out."""
    variables = {model.key_variable for model in config.models.values() if model.key_variable}
    keys = (os.environ.get(variable, "").strip() for variable in variables)
    return tuple(sorted(key for key in keys if key))


def read_results(path: Path, secrets: Sequence[str] = ()) -> Results:
    """Return what a batch service's output or error file holds.

    Raises `DataError` where no line is one of such a file, `StorageError` where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read ({error}).") from error
    return parse_results(text, path.name, secrets)


def parse_results(text: str, name: str, secrets: Sequence[str] = ()) -> Results:
    """Return what result lines hold; a line that is none is told and loses no other.

    Raises `DataError` where all lines are strange. ``secrets`` are blacked out in messages.
    """
    results = Results([], [])
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = row["custom_id"]
            bytes.fromhex(key)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            results.strange.append(f"{name}:{number}: no line of a batch's results ({error})")
        else:
            reply = _read_result(key, row)
            told, text = clean_message(reply.error, secrets), hide_secrets(reply.text, secrets)
            results.replies.append((key, replace(reply, error=told, text=text)))
    if results.strange and not results.replies:
        raise DataError(
            f"{results.strange[0]}. Give the output file of OpenAI's Batch API or of vLLM's batch runner."
        )
    return results


def clean_message(message: str, secrets: Sequence[str]) -> str:
    """Return a message of somebody else's, fit for files and terminals: no keys, no control codes, short.

    Keys are taken out before it is cut: half a key is one too.
    """
    shown = "".join(c if c.isprintable() else " " for c in hide_secrets(message, secrets))
    return shown[:300].strip()


def _read_result(key: str, row: Mapping[str, Any]) -> Reply:
    response, error = row.get("response"), row.get("error")
    if error:
        told = error.get("message") or error.get("code") if isinstance(error, Mapping) else error
        return Reply(key, Outcome.FAILED, error=f"batch: {told}")
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
    return Reply(key, outcome, error=f"batch: HTTP {status}: {told}", status=code)


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


def discount(call: Call) -> Call:
    """Return a call at the price that a batch service takes for it; the key does not change."""
    price = call.endpoint.price
    lowered = Price(
        None if price.input is None else price.input * price.batch_share,
        None if price.output is None else price.output * price.batch_share,
    )
    return replace(call, endpoint=replace(call.endpoint, price=lowered))
