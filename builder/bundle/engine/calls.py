"""One call to a model: what is asked, under which key its reply is kept, and what became of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from .errors import EngineError
from .labels import Outcome
from .pacing import Rates
from .prompts import Messages

__all__ = [
    "FINAL_OUTCOMES",
    "RECORD_FORMAT",
    "WORD_TOKENS",
    "Api",
    "Call",
    "Endpoint",
    "Price",
    "Reply",
    "make_record",
    "make_reply",
]

FINAL_OUTCOMES = frozenset({Outcome.ANSWERED, Outcome.REFUSED, Outcome.FILTERED, Outcome.TRUNCATED})
"""Outcomes in which a model has spoken: such a reply is kept and never asked for again."""


# Errors of the moment, the key, the access or the address: another time, the same call may pass.
_MENDABLE_STATUSES = frozenset({401, 403, 404, 408, 409, 425, 429})


class Api(StrEnum):
    """What an endpoint is asked for; the value is where, below its ``base_url``."""

    CHAT = "chat/completions"
    EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens in and out; None where the price is not known.

    ``batch_share`` is the share of it that the provider's batch service takes.
    """

    input: float | None = None
    output: float | None = None
    batch_share: float = 1.0

    def find_cost(self, prompt_tokens: int | None, completion_tokens: int | None) -> float | None:
        """Return the dollars that a call cost; None where a price, or what it was for, is not known.

        >>> Price(2.0, 8.0).find_cost(1000, 250)
        0.004
        """
        cost = 0.0
        for price, tokens in ((self.input, prompt_tokens), (self.output, completion_tokens)):
            if price == 0:
                continue
            if price is None or tokens is None:
                return None
            cost += price * tokens
        return cost / 1_000_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an OpenAI-compatible address.

    ``name`` is how the user calls it and part of every call's key. ``key_variable`` names the
    environment variable with the API key; empty where the server wants none. ``parameters`` go into
    each request as they stand (temperature, max_tokens, seed). At most ``concurrency`` calls are in
    flight, at the ``rates`` at most; ``price`` is what they cost. One for embeddings is asked for the
    vector of a call's last message.
    """

    name: str
    model: str
    base_url: str = "https://api.openai.com/v1"
    key_variable: str = "OPENAI_API_KEY"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 8
    timeout_s: float = 120.0
    rates: Rates = field(default_factory=Rates)
    price: Price = field(default_factory=Price)
    api: Api = Api.CHAT


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one endpoint; ``sample`` tells repeated draws of the same question apart.

    ``likely_tokens`` is how long the reply will be, as far as that is known beforehand; 0 where it is not.
    """

    endpoint: Endpoint
    messages: Messages
    sample: int = 0
    role: str = "target"
    prompt: str = ""
    likely_tokens: int = 0

    @property
    def key(self) -> str:
        """SHA-256 of the content: endpoint name, model, messages, parameters, sample number and API."""
        content: list[object] = [
            self.endpoint.name,
            self.endpoint.model,
            self.messages,
            dict(self.endpoint.parameters),
            self.sample,
        ]
        if self.endpoint.api is not Api.CHAT:
            content.append(self.endpoint.api)
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one call.

    Token counts are None where the endpoint did not tell them. ``status`` is the HTTP status of an
    error reply, 0 where there was none. ``is_lost`` tells that the request went out and no reply came
    back: the provider may have charged it all the same.
    """

    key: str
    outcome: Outcome
    text: str = ""
    error: str = ""
    status: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    is_lost: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the model has spoken, so that the call is never made again."""
        return self.outcome in FINAL_OUTCOMES

    @property
    def may_come_later(self) -> bool:
        """Whether asking again may bring a reply: the call failed, and not because of its content."""
        refused = 400 <= self.status < 500 and self.status not in _MENDABLE_STATUSES
        return not self.is_final and not refused


WORD_TOKENS = 10
"""How long a judge's word or a choice between letters is, at most, in tokens."""

RECORD_FORMAT = 2
"""The format of records. The first had neither ``format`` nor what a journal adds; it is read as well."""


def make_record(call: Call, reply: Reply) -> dict[str, Any]:
    """Return what is kept of a call and its reply: all that the key covers, and the reply."""
    return asdict(reply) | {
        "format": RECORD_FORMAT,
        "endpoint": call.endpoint.name,
        "model": call.endpoint.model,
        "messages": [list(message) for message in call.messages],
        "parameters": dict(call.endpoint.parameters),
        "sample": call.sample,
        "role": call.role,
        "prompt": call.prompt,
    }


_REPLY_FIELDS = ("key", "outcome", "text", "error", "status", "prompt_tokens", "completion_tokens")


def make_reply(record: Mapping[str, Any]) -> Reply:
    """Return the reply of a kept record; raise `EngineError` where it is none, or of a later format."""
    try:
        if record.get("format", 1) not in range(1, RECORD_FORMAT + 1):
            raise EngineError(f"of format {record['format']}, which a later finebench wrote")
        values = {name: record[name] for name in _REPLY_FIELDS}
        return Reply(**(values | {"outcome": Outcome(record["outcome"])}))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise EngineError(f"not a record of a call ({error})") from None
