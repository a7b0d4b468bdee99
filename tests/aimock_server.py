"""Run `@copilotkit/aimock`, a mock server of the OpenAI API from npm, for the length of a test.

The server is the package's `llmock` program, started on a free port of 127.0.0.1 and ended by its
process id. It prints its address once it listens, so no port is guessed and none can be taken by
another process in between. What it answers is written in fixtures, see its documentation
(https://aimock.copilotkit.dev) and the remarks of `start_aimock`.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

START_SECONDS = 20.0
"""How long the server may take from its start to its first answer; it takes 0.13 s on an idle core."""

CONTROL_SECONDS = 20.0
"""How long one request to the server's own pages may take."""

LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
"""The line the server prints as soon as its port is open."""

END_WITH_TESTS = "--import=data:text/javascript,process.stdin.on('end',process.exit).resume()"
"""Node option that ends the server when its input closes, so a killed test run leaves none behind."""

NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})
"""The default of `start_aimock`: nothing set but what the test run itself has."""


class AimockError(RuntimeError):
    """The mock server did not start, or refused a request to its own pages."""


@dataclasses.dataclass(frozen=True, slots=True)
class AimockServer:
    """A running mock server.

    Attributes:
        base_url: What an OpenAI client takes as its `base_url`, such as `http://127.0.0.1:40123/v1`.
        pid: The process id of the server.
        port: Its port on 127.0.0.1.
        key: A key the server accepts; any text where `AIMOCK_API_KEYS` is not set.
    """

    base_url: str
    pid: int
    port: int
    key: str

    def list_requests(self) -> list[dict[str, object]]:
        """Return the server's journal, oldest entry first.

        An entry has `id`, `timestamp` (milliseconds), `method`, `path`, `headers`, `body` (None on
        the pages for files and batches) and `response` (`status`, `fixture`, and where they apply
        `chaosAction`, `source`, `interrupted`). Requests turned away for their key are not in it.
        """
        entries = json.loads(self.request_control("GET", "/v1/_requests"))
        if not isinstance(entries, list):
            raise AimockError(f"the journal is not a list: {entries!r}")
        return entries

    def clear_requests(self) -> None:
        """Empty the journal; the counters behind `sequenceIndex` stay where they are."""
        self.request_control("DELETE", "/v1/_requests")

    def add_fixtures(self, fixtures: Sequence[Mapping[str, object]]) -> None:
        """Append fixtures behind those the server has; a catch-all among those hides them."""
        self.request_control("POST", "/__aimock/fixtures", {"fixtures": list(fixtures)})

    def request_control(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> bytes:
        """Call one of the server's own pages, past any proxy, and return the answer's body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CONTROL_SECONDS)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise AimockError(f"{method} {path} gave {answer.status}: {content[:300]!r}")
        return content


def wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Return the port the server says it listens on, or raise with the tail of its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = LISTENING.search(log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise AimockError(f"the mock server did not start (exit {process.poll()}): {tail}")


@contextlib.contextmanager
def start_aimock(
    fixtures: Sequence[Mapping[str, object]],
    *,
    binary: Path,
    folder: Path,
    environment: Mapping[str, str] = NO_ENVIRONMENT,
    options: Sequence[str] = (),
) -> Iterator[AimockServer]:
    """Start the mock server, hand it over, and end it by its process id.

    Fixtures are tried in order and the first that fits answers, so a catch-all
    (`{"match": {"endpoint": "chat"}, …}`) comes last. `--validate-on-load` is set: a fixture the
    server does not understand stops it at once.

    Args:
        fixtures: What the server answers, at least one.
        binary: The installed `llmock` program, `…/node_modules/.bin/llmock`.
        folder: An existing folder for the fixture file and the server's log.
        environment: Variables for the server beside those of this process, such as
            `AIMOCK_API_KEYS`. Variables of this process that begin with `AIMOCK_` are left out,
            and its `NODE_OPTIONS`.
        options: Further arguments of `llmock`, such as `("--chaos-drop", "0.2")`.

    Yields:
        The running server.

    Raises:
        AimockError: The server ended or kept silent before it listened.
    """
    fixture_file = folder / "aimock-fixtures.json"
    fixture_file.write_text(json.dumps({"fixtures": list(fixtures)}), encoding="utf-8")
    log = folder / "aimock.log"
    inherited = {name: value for name, value in os.environ.items() if name[:7] != "AIMOCK_"}
    command = [str(binary.absolute()), "--host", "127.0.0.1", "--port", "0"]
    command += ["--fixtures", fixture_file.name, "--validate-on-load"]
    command += ["--log-level", "info", "--journal-max", "0", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, "NODE_OPTIONS": END_WITH_TESTS, **environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        port = wait_for_port(process, log)
        key = environment.get("AIMOCK_API_KEYS", "aimock").split(",")[0].strip()
        server = AimockServer(f"http://127.0.0.1:{port}/v1", process.pid, port, key)
        server.request_control("GET", "/ready")
        yield server
    finally:
        # It keeps nothing on disk, and SIGTERM would wait for answers it still holds back.
        process.kill()
        process.communicate()
