"""What the stand-ins of the Hub share: requests enter, replies leave over HTTP on loopback, with byte ranges."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Answer", "Asked", "Reply", "refuse", "send_json", "serve_http"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client sent: ``target`` is path and query, ``token`` what it is authorised by."""

    method: str
    target: str
    body: bytes
    token: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the hub answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Asked], Reply | None]
"""Returns the reply to what was asked; None where the connection is to be dropped."""


def send_json(value: object, status: int = 200) -> Reply:
    """Return a reply that holds a value as JSON."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def refuse(status: int, code: str) -> Reply:
    """Return a refusal as the Hub's client tells it by: its code stands in the headers."""
    return Reply(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to the function that its subclass names."""

    protocol_version = "HTTP/1.1"
    answer: Answer

    def _handle(self) -> None:
        body = b"".join(self._read_body())
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        reply = type(self).answer(Asked(self.command, self.path, body, token))
        if reply is None:
            self.close_connection = True
        else:
            self._reply(reply)

    def _read_body(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding") != "chunked":
            yield self.rfile.read(int(self.headers.get("content-length") or 0))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _reply(self, reply: Reply) -> None:
        data, status, headers = reply.body, reply.status, dict(reply.headers)
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range") or "")
        if span and status == 200:
            end = min(int(span[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {span[1]}-{end}/{len(data)}"
            data, status = data[int(span[1]) : end + 1], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = _handle  # noqa: N815 - the names that the server looks for

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serve_http(answer: Answer) -> Iterator[str]:
    """Serve on loopback while the block runs; yield the address."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
