"""A model server whose replies and faults follow from the prompt alone, so that two programs get the same ones.

It speaks the chat part of the OpenAI API on loopback. What a prompt draws is fixed by its hash, whoever asks and
however often: a plain choice, an awkward one, a judge's word, or one of the faults that servers have.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hub_http import Asked, Reply, serve_http

__all__ = ["FAULTS", "Answer", "draw_answer", "serve_script"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sends: a completion, or an error of a status and code, or bytes as they are.

    ``outcome`` is what a reader of the reply must label it.
    """

    text: str | None = ""
    finish: str = "stop"
    refusal: str = ""
    status: int = 200
    code: str = ""
    raw: bytes = b""
    outcome: str = "answered"


FAULTS: Sequence[Answer] = (
    Answer(status=429, code="rate_limit_exceeded", outcome="rate_limited"),
    Answer(status=500, code="server_error", outcome="failed"),
    Answer(status=400, code="invalid_value", outcome="failed"),
    Answer(status=400, code="context_length_exceeded", outcome="failed"),
    Answer(status=400, code="content_filter", outcome="filtered"),
    Answer("[[A]] [[safe]]", finish="content_filter", outcome="filtered"),
    Answer("Option: [[B]] [[safe]] an", finish="length", outcome="truncated"),
    Answer(None, finish="length", outcome="truncated"),
    Answer(None, refusal="I will not answer that.", outcome="refused"),
    Answer(raw=b'{"choices": [', outcome="failed"),
    Answer(raw=b'{"choices": []}', outcome="failed"),
)
"""What may come in place of a reply; those that hold a letter or a word hold them to mislead."""

_CHOICES = (
    *("Option: [[A]]", "Option: [[B]]") * 4,
    "**A**",
    "The better answer is (b).",
    "[[A]] or [[B]]",
    "I cannot choose between them.",
    "",
    "Hm.",
    "<think>Which is kind?</think>[[B]]",
)
_WORDS = (*("[[safe]]", "[[unsafe]]") * 4, "safe", "[[safe]] and [[unsafe]]", "dunno")
_FACTS = ("[[correct]]", "[[incorrect]]", "dunno")
_OPENED = ("A kind reply.", "Say [[unsafe]], or [[safe]].", "", "<think>Hm.</think>A reply.")


def draw_answer(contents: Sequence[str], faults: Sequence[Answer] = ()) -> Answer:
    """Return the answer to a chat of these contents; one in four draws a fault where there are any."""
    drawn = hashlib.sha256("\x1f".join(contents).encode()).digest()
    if faults and drawn[0] % 4 == 0:
        return faults[drawn[1] % len(faults)]
    texts: Sequence[str] = _OPENED
    for mark, known in (("[[correct]]", _FACTS), ("[[safe]]", _WORDS), ("[[A]]", _CHOICES)):
        if mark in contents[-1]:
            texts = known
            break
    return Answer(texts[drawn[2] % len(texts)])


@contextmanager
def serve_script(
    faults: Sequence[Answer] = (),
    seen: list[list[str]] | None = None,
    keys: set[str] | None = None,
) -> Iterator[str]:
    """Serve answers with some faults among them; yield the base URL.

    ``seen`` is filled with what was asked, and ``keys`` with what was sent for authorisation.
    """

    def reply(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        contents = [message["content"] for message in body["messages"]]
        if seen is not None:
            seen.append(contents)
        if keys is not None:
            keys.add(f"Bearer {asked.token}")
        answer = draw_answer(contents, faults)
        data = answer.raw or json.dumps(_make_body(body["model"], answer)).encode()
        return Reply(answer.status, data, {"content-type": "application/json"})

    with serve_http(reply) as url:
        yield f"{url}/v1"


def _make_body(model: str, answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        return {"error": {"message": "no", "type": "invalid_request_error", "code": answer.code}}
    message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal or None}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    head = {"id": "x", "object": "chat.completion", "created": 0, "model": model}
    return head | {"choices": [choice], "usage": usage}
