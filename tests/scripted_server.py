"""A model server whose replies and faults follow from the prompt alone, so that two programs get the same ones.

It speaks the chat part of the OpenAI API on loopback. What a prompt draws is fixed by its hash, whoever asks and
however often: a plain choice, an awkward one, a judge's word, or one of the faults that servers have.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            contents = [message["content"] for message in body["messages"]]
            if seen is not None:
                seen.append(contents)
            if keys is not None:
                keys.add(str(self.headers["authorization"]))
            answer = draw_answer(contents, faults)
            data = answer.raw or json.dumps(_make_body(body["model"], answer)).encode()
            self.send_response(answer.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_body(model: str, answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        return {"error": {"message": "no", "type": "invalid_request_error", "code": answer.code}}
    message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal or None}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    head = {"id": "x", "object": "chat.completion", "created": 0, "model": model}
    return head | {"choices": [choice], "usage": usage}
