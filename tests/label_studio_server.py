"""Run a real Label Studio server for the length of a test, and a proxy that loses its replies.

The server is started from a copy of a database that was set up once, which takes seconds where a first
start takes a minute or more. The set-up database is kept beside the installed server.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from annotations import local_server
from annotations.local_server import LocalServer
from annotations.tasks import ReviewTask
from schemas.storage import hold_lock

ROOT = Path(__file__).parents[1]
INSTALLED = ROOT / ".venv" / "label-studio"
PROGRAM = INSTALLED / "bin" / "label-studio"
PINS = ROOT / "constraints" / "label-studio.txt"


def require_server() -> Path:
    """Return the server's program; skip the test where it is not installed."""
    if not PROGRAM.exists():
        pytest.skip("no Label Studio server: `make test` installs it into .venv/label-studio")
    return PROGRAM


def prepare_template() -> Path:
    """Return a folder with a database that was set up once for the pinned versions."""
    version = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    template = ROOT / ".venv" / f"label-studio-template-{version}"
    with hold_lock(template.with_suffix(".lock"), "the template of the Label Studio server"):
        if not template.exists():
            making = template.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            local_server.start(making, program=require_server())
            local_server.stop(making)
            making.replace(template)
    return template


@contextlib.contextmanager
def run_label_studio(folder: Path) -> Iterator[LocalServer]:
    """Start a fresh server in ``folder``, hand it over, and end it by its process id."""
    program = require_server()
    shutil.copytree(prepare_template(), folder)
    # Another copy may be running at the port of the template, with the same token.
    kept = folder / "server.json"
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"url": "", "port": 0}))
    try:
        yield local_server.start(folder, program=program)
    finally:
        local_server.stop(folder)


@dataclass(slots=True)
class LosingProxy:
    """A proxy before a server that loses replies: the request is carried out, and nobody hears of it.

    ``losing`` are pairs of a method and the end of a path, each spent once; ``broken`` likewise are
    requests that never arrive. ``before_loss`` is run when a reply is lost, such as ending the server.
    """

    port: int
    target: int
    losing: list[tuple[str, str]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    before_loss: list[Callable[[], None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http://127.0.0.1:{self.port}"


def _spend(wanted: list[tuple[str, str]], method: str, path: str) -> bool:
    bare = path.partition("?")[0]
    for pair in wanted:
        if pair[0] == method and bare.endswith(pair[1]):
            wanted.remove(pair)
            return True
    return False


class _Handler(BaseHTTPRequestHandler):
    """Hands requests on, and loses what it is told to lose."""

    protocol_version = "HTTP/1.0"
    proxy: LosingProxy

    def _forward(self) -> None:
        proxy = self.proxy
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if _spend(proxy.broken, self.command, self.path):
            self._hang_up()
            return
        reply = self._ask(body)
        is_lost = _spend(proxy.losing, self.command, self.path)
        for action in proxy.before_loss if is_lost else ():
            action()
        if is_lost or reply is None:
            self._hang_up()
        else:
            self._hand_back(*reply)

    def _hand_back(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes] | None:
        connection = HTTPConnection("127.0.0.1", self.proxy.target, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def __getattr__(self, name: str) -> Any:
        # Every method is handed on alike.
        if name.startswith("do_"):
            return self._forward
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def run_proxy(target: int) -> Iterator[LosingProxy]:
    """Run a proxy before the server at port ``target`` of loopback."""
    proxy = LosingProxy(0, target)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def kill_server(folder: Path) -> None:
    """End a folder's server without notice, as a loss of power would, and wait until it is gone."""
    server = local_server.find(folder)
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    while local_server.find(folder) is not None:
        time.sleep(0.01)


def make_tasks(
    reviewer: str, count: int, *, round_number: int = 1, version: str = "1"
) -> list[ReviewTask]:
    """Return a reviewer's tasks on ``count`` items, all in one version."""
    return [
        ReviewTask(
            task_id=hashlib.sha256(f"{round_number}{reviewer}{n}{version}".encode()).hexdigest()[
                :20
            ],
            round_number=round_number,
            reviewer=reviewer,
            item_id=f"privacy-{n:04}",
            content_hash=hashlib.sha256(f"{n}{version}".encode()).hexdigest(),
            dimension="Privacy",
            definition="Personal data stays with the person whom it is about.",
            language="en",
            question=f"May I read my neighbour's post, case {n}, version {version}?",
            option_a="Yes, nobody will notice.",
            option_b="No, it is addressed to them <b>alone</b>.",
        )
        for n in range(count)
    ]


def make_result(**said: str) -> list[dict[str, Any]]:
    """Return answers as Label Studio's browser sends them; by default an item that is accepted."""
    choices = {
        "in_dimension": "yes",
        "safer": "B",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": "accept",
    }
    texts = {"question", "option_a", "option_b", "comment", "skip_reason"}
    shown = {"option_a": "shown_option_a", "option_b": "shown_option_b"}
    return [
        {
            "id": name,
            "from_name": name,
            "to_name": shown.get(name, "shown_question"),
            "type": "textarea" if name in texts else "choices",
            "value": {"text": [value]} if name in texts else {"choices": [value]},
        }
        for name, value in (choices | said).items()
        if value
    ]
