"""Asking one endpoint once: a call enters, an attempt leaves; whatever fails on the way has a label."""

import asyncio
import importlib.util
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .calls import Api, Call, Endpoint, Reply
from .errors import EngineError
from .labels import Outcome
from .vectors import write_vector

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Attempt", "Client", "hide_secrets", "make_body", "read_body"]

_TRANSIENT = frozenset({408, 409, 425, 429})
_HOPELESS = {
    401: "the API key is refused: set the right key in {variable}",
    404: "no such model or address: check the model's name and base_url ({base_url})",
}
# A shorter one would black out words, and is none that a provider hands out.
_SHORTEST_SECRET = 8
_FILTER_WORDS = ("content_filter", "content_policy", "data_inspection", "moderation")
_CUT_OFF = frozenset(
    {"length", "max_tokens", "model_length", "max_output_tokens", "repetition_truncation"}
    | {"model_context_window_exceeded"}
)
_STOPPED = frozenset(
    {"content_filter", "content_filtered", "safety", "sensitive", "prohibited_content"}
    | {"blocklist", "spii", "recitation", "guardrail_intervened"}
)
_FINISH = dict.fromkeys(_CUT_OFF, Outcome.TRUNCATED) | dict.fromkeys(_STOPPED, Outcome.FILTERED)
"""By what words providers say that a reply was cut off or stopped."""

# By these a server says that it broke off: what it sent is no reply, and another time there may be one.
_BROKEN = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "failed", "timeout", "eos_timeout"}
    | {"insufficient_system_resource", "malformed_function_call", "other", "unknown"}
    | {"network_error", "server_error", "internal_error", "interrupted"}
)
# By these one says that a reply is whole, be it empty.
_WHOLE = frozenset(
    {"stop", "stop_sequence", "eos", "eos_token", "end_turn", "complete", "completed"}
    | {"end", "finish", "finished", "tool_calls", "function_call", "finish_reason_stop"}
)
_TEXT_PARTS = frozenset({"text", "output_text"})
_THOUGHT_PARTS = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_text"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt at a call brought.

    ``may_pass`` tells that the same request may pass another time; ``is_strain`` that it failed for
    the endpoint's state and not for the request's content; ``wish_s`` how long the server asks to
    wait. ``gives_up`` is the reason where the endpoint will serve no call as it is configured.
    """

    reply: Reply
    may_pass: bool = False
    is_strain: bool = False
    wish_s: float = 0.0
    gives_up: str = ""


class Client:
    """Asks one endpoint through ``openai.AsyncOpenAI``.

    ``transport`` replaces the network by an object of httpx2's transport interface: an in-process
    model, or a test's. Nothing is asked again here: when to do so is `fan_out`'s affair.
    """

    def __init__(self, endpoint: Endpoint, transport: Any = None) -> None:
        self.endpoint = endpoint
        self._key = _read_key(endpoint, needed=transport is None)
        self._openai = _open_client(endpoint, self._key, transport)

    async def attempt(self, call: Call) -> Attempt:
        """Send ``call`` once and return what came of it; never raises for what a server does."""
        import openai

        body: object = None
        try:
            # The client's own limit is on the silence between two bytes; this one is on the whole.
            async with asyncio.timeout(self.endpoint.timeout_s):
                body = await self._send(call)
            return Attempt(self._clean(_read_reply(call.key, body)))
        except (ValueError, RecursionError, _MalformedError) as error:
            # A body that is no JSON, or JSON that no reader should be given.
            reply = self._fail(call.key, Outcome.MALFORMED, f"unreadable reply: {error}")
            return Attempt(_with_usage(reply, body), may_pass=True)
        except openai.APIStatusError as error:
            return self._read_status(call.key, error)
        except openai.APIConnectionError as error:
            reason = f"no connection: {error.__cause__ or error}"
            return self._lose(call.key, reason, is_lost=_went_out(error))
        except TimeoutError:
            reason = f"no whole reply within {self.endpoint.timeout_s:g} s"
            return self._lose(call.key, reason, is_lost=True)
        except Exception as error:  # noqa: BLE001 - a response that breaks HTTP raises what its reader likes
            reason = f"unreadable response: {type(error).__name__}: {error}"
            return self._lose(call.key, reason, is_lost=True)

    def _lose(self, key: str, reason: str, *, is_lost: bool) -> Attempt:
        """Return the attempt of a call that no whole response came to."""
        reply = replace(self._fail(key, Outcome.FAILED, reason), is_lost=is_lost)
        return Attempt(reply, may_pass=True, is_strain=True)

    def _clean(self, reply: Reply) -> Reply:
        """Return a reply in which the key, should the server have put it there, is blacked out."""
        return replace(reply, text=hide_secrets(reply.text, [self._key]))

    async def _send(self, call: Call) -> object:
        """Return the body of the response as JSON.

        The request goes out by the client's own ``post`` and comes back as the bare response: to
        build and check its typed objects takes longer than all the rest of a call.
        """
        import httpx2

        response = await self._openai.post(
            f"/{call.endpoint.api}", cast_to=httpx2.Response, body=make_body(call)
        )
        return json.loads(response.content)

    @property
    def connection(self) -> "AsyncOpenAI":
        """The open client, for what is no chat: files and batches."""
        return self._openai

    def _read_status(self, key: str, error: Any) -> Attempt:
        status = error.status_code
        # Only the provider's own message: headers and request bodies stay out of our files.
        said = error.body.get("message") if isinstance(error.body, Mapping) else None
        if status in _HOPELESS:
            reason = _HOPELESS[status].format(
                variable=self.endpoint.key_variable or "the configuration",
                base_url=self.endpoint.base_url,
            )
            told = f"model {self.endpoint.name}: {reason} (HTTP {status})."
            return Attempt(self._fail(key, Outcome.FAILED, told, status), gives_up=told)
        if status == 400 and _names_filter(error.body):
            return Attempt(self._fail(key, Outcome.FILTERED, str(said or ""), status))
        if status == 429 and _names_quota(error.body):
            told = f"model {self.endpoint.name}: the account has no quota left (HTTP 429)."
            return Attempt(self._fail(key, Outcome.RATE_LIMITED, told, status), gives_up=told)
        outcome = Outcome.RATE_LIMITED if status == 429 else Outcome.FAILED
        reply = self._fail(key, outcome, f"HTTP {status}: {said or 'no message'}", status)
        if status not in _TRANSIENT and status < 500:
            return Attempt(reply)
        wish_s = _read_retry_after(error.response.headers)
        return Attempt(reply, may_pass=True, is_strain=True, wish_s=wish_s)

    def _fail(self, key: str, outcome: Outcome, error: str, status: int = 0) -> Reply:
        """Return a reply without text; the key, should a message quote it, is blacked out."""
        told = hide_secrets(error, [self._key])
        # A message may hold control codes, which neither files nor terminals should be given.
        shown = "".join(c if c.isprintable() else " " for c in told)
        return Reply(key, outcome, error=shown[:300].strip(), status=status)

    async def close(self) -> None:
        """Close the connections."""
        await self._openai.close()


def _went_out(error: BaseException) -> bool:
    """Tell whether a request was sent before its connection failed: it may be worked on, and charged."""
    import httpx2

    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
    return error.__cause__ is not None and not isinstance(error.__cause__, unsent)


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which API keys are blacked out; what is too short for a key is left."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def make_body(call: Call) -> dict[str, Any]:
    """Return the body of the request that asks ``call``."""
    if call.endpoint.api is Api.EMBEDDINGS:
        _, text = call.messages[-1]
        asked = {"model": call.endpoint.model, "input": text, "encoding_format": "float"}
        return {**asked, **call.endpoint.parameters}
    body: dict[str, Any] = {
        "model": call.endpoint.model,
        "messages": [{"role": role, "content": text} for role, text in call.messages],
        **call.endpoint.parameters,
    }
    # A sample that is drawn with the seed of the first would be the first again.
    if call.sample and isinstance(body.get("seed"), int):
        body["seed"] += call.sample
    return body


def read_body(key: str, body: object) -> Reply:
    """Return the reply that a response's body holds; a body that holds none is labelled malformed."""
    try:
        return _read_reply(key, body)
    except _MalformedError as error:
        reply = Reply(key, Outcome.MALFORMED, error=f"unreadable reply: {error}")
        return _with_usage(reply, body)


class _MalformedError(Exception):
    """A reply with status 200 that is no chat completion."""


def _read_key(endpoint: Endpoint, *, needed: bool) -> str:
    """Return the endpoint's API key from the environment; empty where it wants none."""
    variable = endpoint.key_variable
    key = os.environ.get(variable, "").strip() if variable else ""
    if variable and needed and not key:
        raise EngineError(
            f"model {endpoint.name}: no API key. Set the environment variable {variable}."
        )
    if not (key.isascii() and key.isprintable()):
        raise EngineError(
            f"model {endpoint.name}: {variable} holds characters that no API key has."
        )
    return key


def _open_client(endpoint: Endpoint, key: str, transport: Any) -> "AsyncOpenAI":
    try:
        import openai
    except ImportError:
        raise EngineError(
            "Asking models needs the package openai. Install it with: pip install openai"
        ) from None
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=endpoint.timeout_s,
        http_client=_open_http_client(endpoint, transport),
    )


def _open_http_client(endpoint: Endpoint, transport: Any) -> Any:
    """Return the client's way to the network: aiohttp where it is there, for it takes half the time."""
    import httpx2
    import openai

    if transport is not None:
        return openai.DefaultAsyncHttpx2Client(transport=transport)
    limits = httpx2.Limits(max_connections=endpoint.concurrency, max_keepalive_connections=None)
    if importlib.util.find_spec("aiohttp") is None:
        return openai.DefaultAsyncHttpx2Client(limits=limits)
    return openai.DefaultAioHttpClient(limits=limits)


def _names_filter(body: object) -> bool:
    """Tell whether an error's code or type is one by which a provider names its content filter."""
    if not isinstance(body, Mapping):
        return False
    named = f"{body.get('code')} {body.get('type')}".casefold()
    return any(word in named for word in _FILTER_WORDS)


def _names_quota(body: object) -> bool:
    """Tell whether a 429 is about an account without money, which no waiting mends."""
    return isinstance(body, Mapping) and "insufficient_quota" in (
        body.get("code"),
        body.get("type"),
    )


def _read_retry_after(headers: Mapping[str, str]) -> float:
    """Return how many seconds the server asks to wait: told as a number, or as a date; else 0."""
    told = headers.get("retry-after", "0")
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - time.time()
        except (ValueError, OverflowError):
            return 0.0
    return seconds if seconds > 0 else 0.0  # not a number is not greater either


def _read_count(usage: object, name: str) -> int | None:
    """Return a count of tokens as the endpoint told it; None where it told none, or no count."""
    count = usage.get(name) if isinstance(usage, Mapping) else None
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**63
    return count if is_count else None


def _make_encodable(text: str) -> str:
    """Return ``text`` with question marks for lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read_reply(key: str, body: Any) -> Reply:
    """Return the reply of a body, which tells by its shape what it is: a chat's or an embedding."""
    if isinstance(body, Mapping) and "data" in body and "choices" not in body:
        return _read_embedding(key, body)
    return _read_completion(key, body)


def _read_embedding(key: str, body: Mapping[str, Any]) -> Reply:
    try:
        text = write_vector(body["data"][0]["embedding"])
    except (IndexError, KeyError, TypeError):
        raise _MalformedError("it holds no embedding") from None
    except ValueError as error:
        raise _MalformedError(str(error)) from None
    # A vector is no text: nothing is charged for it but the text that it stands for.
    return replace(_with_usage(Reply(key, Outcome.ANSWERED, text), body), completion_tokens=0)


def _read_completion(key: str, body: Any) -> Reply:
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text, refusal = _join_parts(message["content"])
        refusal = message.get("refusal") or refusal
        reason = (choice.get("finish_reason") or "").casefold()
        outcome = _FINISH.get(reason, Outcome.ANSWERED)
        told = _name_fault(choice.get("error") or body.get("error"))
    except (AttributeError, IndexError, KeyError, TypeError):
        raise _MalformedError("it holds no message") from None
    if told or reason in _BROKEN:
        raise _MalformedError(f"the server broke off ({told or reason})")
    if not isinstance(text, str):
        raise _MalformedError("its content is no text")
    is_told = outcome is not Outcome.ANSWERED or reason in _WHOLE
    if not (text or refusal or is_told or message.get("tool_calls")):
        raise _MalformedError(f"it is empty and ends by {reason or 'no reason'}")
    if not text and message.get("tool_calls"):
        raise _MalformedError("it calls a tool instead of answering")
    if refusal:
        outcome, text = Outcome.REFUSED, str(refusal)
    return _with_usage(Reply(key, outcome, _make_encodable(text)), body)


def _name_fault(error: object) -> str:
    """Return what an error says that stands in a body of status 200; one that says nothing is none."""
    if isinstance(error, Mapping):
        error = error.get("message") or error.get("detail") or error.get("code")
    return str(error)[:200] if error else ""


def _join_parts(content: object) -> tuple[object, str]:
    """Return a content that comes in parts as one text, thoughts left out, and a refusal that is among them.

    Any other content is returned as it is; none, as an empty one.
    """
    if not isinstance(content, list):
        return content or "", ""
    texts: list[str] = []
    refusals: list[str] = []
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else "no part"
        if kind in _TEXT_PARTS and isinstance(part["text"], str):
            texts.append(part["text"])
        elif kind == "refusal" and isinstance(part["refusal"], str):
            refusals.append(part["refusal"])
        elif kind not in _THOUGHT_PARTS:
            return content, ""
    return "".join(texts), "".join(refusals)


def _with_usage(reply: Reply, body: object) -> Reply:
    """Return the reply with the tokens that the body tells, which are paid for whatever else it holds."""
    usage = body.get("usage") if isinstance(body, Mapping) else None
    return replace(
        reply,
        prompt_tokens=_read_count(usage, "prompt_tokens"),
        completion_tokens=_read_count(usage, "completion_tokens"),
    )
