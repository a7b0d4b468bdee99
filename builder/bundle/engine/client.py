"""Asking one endpoint: a call enters, a labelled reply leaves; whatever fails on the way has a label."""

import asyncio
import inspect
import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .calls import Call, Endpoint, Reply
from .errors import EngineError
from .labels import Outcome

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Client", "GiveUpError"]

_ATTEMPTS = 5
_LONGEST_WAIT_S = 600.0
_TRANSIENT = frozenset({408, 409, 425, 429})
_HOPELESS = {
    401: "the API key is refused: set the right key in {variable}",
    404: "no such model or address: check the model's name and base_url ({base_url})",
}
_FILTER_WORDS = ("content_filter", "content_policy", "data_inspection", "moderation")
_FINISH = {
    "length": Outcome.TRUNCATED,
    "content_filter": Outcome.FILTERED,
}


class GiveUpError(EngineError):
    """The endpoint will not serve any call as it is configured; asking on is of no use."""


class Client:
    """Asks one endpoint through ``openai.AsyncOpenAI``.

    ``transport`` replaces the network by an object of httpx2's transport interface: an in-process
    model, or a test's. Retries are ours, so that each attempt and wait is under our control.
    """

    def __init__(self, endpoint: Endpoint, transport: Any = None) -> None:
        self.endpoint = endpoint
        self._key = _read_key(endpoint, needed=transport is None)
        self._openai = _open_client(endpoint, self._key, transport)
        self._parameters = _split_parameters(self._openai, endpoint.parameters)

    async def ask(self, call: Call) -> Reply:
        """Return what became of ``call``, after up to five attempts at transient failures.

        Waits as long as the server's ``Retry-After`` says, up to ten minutes, else 0.5 s, 1 s, 2 s…
        Raises `GiveUpError` where the key or the address is wrong.
        """
        import openai

        reply = Reply(call.key, Outcome.FAILED, error="not sent")
        for attempt in range(_ATTEMPTS):
            wait = 0.5 * 2**attempt
            try:
                return _read_completion(call.key, await self._send(call))
            except (ValueError, RecursionError, _MalformedError) as error:
                # A body that is no JSON, or JSON that no reader should be given.
                reply = self._fail(call.key, Outcome.MALFORMED, f"unreadable reply: {error}")
            except openai.APIStatusError as error:
                reply = self._read_status(call.key, error)
                if error.status_code not in _TRANSIENT and error.status_code < 500:
                    return reply
                wait = max(wait, _read_retry_after(error.response.headers))
            except openai.APIConnectionError as error:
                reason = f"no connection: {error.__cause__ or error}"
                reply = self._fail(call.key, Outcome.FAILED, reason)
            if attempt + 1 < _ATTEMPTS:
                await asyncio.sleep(min(wait, _LONGEST_WAIT_S))
        return reply

    async def _send(self, call: Call) -> Any:
        return await self._openai.chat.completions.create(
            model=self.endpoint.model,
            messages=[{"role": role, "content": text} for role, text in call.messages],  # type: ignore[misc]
            **self._parameters,
        )

    def _read_status(self, key: str, error: Any) -> Reply:
        status = error.status_code
        if status in _HOPELESS:
            reason = _HOPELESS[status].format(
                variable=self.endpoint.key_variable or "the configuration",
                model=self.endpoint.model,
                base_url=self.endpoint.base_url,
            )
            raise GiveUpError(f"model {self.endpoint.name}: {reason} (HTTP {status}).") from None
        # Only the provider's own message: headers and request bodies stay out of our files.
        said = error.body.get("message") if isinstance(error.body, Mapping) else None
        if status == 400 and _names_filter(error.body):
            return self._fail(key, Outcome.FILTERED, str(said or ""), status)
        outcome = Outcome.RATE_LIMITED if status == 429 else Outcome.FAILED
        return self._fail(key, outcome, f"HTTP {status}: {said or 'no message'}", status)

    def _fail(self, key: str, outcome: Outcome, error: str, status: int = 0) -> Reply:
        """Return a reply without text; the key, should a message quote it, is blacked out."""
        told = error.replace(self._key, "***") if self._key else error
        # A message may hold control codes, which neither files nor terminals should be given.
        shown = "".join(c if c.isprintable() else " " for c in told)
        return Reply(key, outcome, error=shown[:300].strip(), status=status)

    async def close(self) -> None:
        """Close the connections."""
        await self._openai.close()


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
    http_client = (
        openai.DefaultAsyncHttpx2Client(transport=transport) if transport is not None else None
    )
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=endpoint.timeout_s,
        http_client=http_client,
    )


def _split_parameters(client: "AsyncOpenAI", parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as the client takes them: those that it does not know go into the body."""
    known = inspect.signature(client.chat.completions.create).parameters
    split: dict[str, Any] = {name: v for name, v in parameters.items() if name in known}
    others = {name: v for name, v in parameters.items() if name not in known}
    return split | ({"extra_body": others} if others else {})


def _names_filter(body: object) -> bool:
    """Tell whether an error's code or type is one by which a provider names its content filter."""
    if not isinstance(body, Mapping):
        return False
    named = f"{body.get('code')} {body.get('type')}".casefold()
    return any(word in named for word in _FILTER_WORDS)


def _read_retry_after(headers: Mapping[str, str]) -> float:
    """Return how many seconds the server asks to wait: told as a number, or as a date."""
    told = headers.get("retry-after", "0")
    try:
        return float(told)
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return 0.0


def _read_count(usage: object, name: str) -> int | None:
    """Return a count of tokens as the endpoint told it; None where it told none, or no count."""
    count = getattr(usage, name, None)
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**63
    return count if is_count else None


def _make_encodable(text: str) -> str:
    """Return ``text`` with question marks for lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read_completion(key: str, completion: Any) -> Reply:
    try:
        choice = completion.choices[0]
        message = choice.message
        text, refusal = message.content or "", getattr(message, "refusal", None)
        outcome = _FINISH.get(choice.finish_reason or "", Outcome.ANSWERED)
    except (AttributeError, IndexError, KeyError, TypeError):
        raise _MalformedError("it holds no message") from None
    if not isinstance(text, str):
        raise _MalformedError("its content is no text")
    if refusal:
        outcome, text = Outcome.REFUSED, str(refusal)
    usage = completion.usage
    return Reply(
        key,
        outcome,
        _make_encodable(text),
        prompt_tokens=_read_count(usage, "prompt_tokens"),
        completion_tokens=_read_count(usage, "completion_tokens"),
    )
