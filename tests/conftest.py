"""What tests share: no network unless a test asks for it, a built workspace, a loopback model server."""

import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fakes import SECRET, VARIABLE

from builder.bundle.engine.items import Item
from builder.cli import cli
from builder.llm.offline.transport import OfflineModel
from builder.llm.offline.writer import OfflineError

REPOSITORY = Path(__file__).parents[1]
FINE = REPOSITORY.parent / "shared" / "data" / "safety.jsonl"

RunCommand = Callable[..., Result]


_unexcused: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note tests that skip; on the gate only FINE's data, which lies beside the project, may be absent."""
    if (
        report.skipped
        and "../shared" not in str(report.longrepr)
        and not hasattr(report, "wasxfail")
    ):
        _unexcused.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under ``CI=true`` a skipped test fails the run: what it needs should have been installed."""
    if os.environ.get("CI") == "true" and _unexcused:
        sys.stderr.write(f"\nskipped under CI: {', '.join(_unexcused)}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid connections in every test that is not marked as needing a server."""
    if request.node.get_closest_marker("server"):
        return

    def refuse(*_: object) -> None:
        raise AssertionError("this test opened a connection; mark it with pytest.mark.server")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture
def known_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set an endpoint's key that is recognised wherever it leaks."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture(autouse=True, scope="session")
def _fixed_date() -> Iterator[None]:
    """Give releases a fixed date, so that the suite may run over midnight."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    yield
    if before is None:
        del os.environ["SOURCE_DATE_EPOCH"]
    else:
        os.environ["SOURCE_DATE_EPOCH"] = before


def run_command(workspace: Path, *arguments: str, code: int = 0, **more: Any) -> Result:
    """Run a command of finebench in a workspace, in process, and require its exit code."""
    result = CliRunner().invoke(cli, ["-C", str(workspace), *arguments], **more)
    shown = f"finebench {' '.join(arguments)}: exit {result.exit_code}\n{result.output}"
    if result.exception and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{shown}\na traceback: {result.exception!r}") from result.exception
    assert result.exit_code == code, shown
    return result


@pytest.fixture(scope="session")
def finebench() -> RunCommand:
    """The command line, in process: ``finebench(workspace, "check", code=1)``."""
    return run_command


@pytest.fixture(scope="session")
def _released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("road") / "bench"
    run_command(path, "new", str(path), "--title", "Test bench")
    run_command(path, "build")
    run_command(path, "annotate", "simulate", "--reviewers", "3")
    run_command(path, "build")
    run_command(path, "annotate", "simulate", "--reviewers", "3", "--round", "2")
    run_command(path, "build")
    run_command(path, "export", "1.0.0")
    return path


@pytest.fixture
def released(_released: Path, tmp_path: Path) -> Path:
    """A copy of a workspace that went the whole road to release 1.0.0 on the offline model."""
    return shutil.copytree(_released, tmp_path / "bench")


@pytest.fixture(scope="session")
def released_unchanged(_released: Path) -> Path:
    """The same workspace, not to be written to."""
    return _released


@pytest.fixture(scope="session")
def fine_file() -> Path:
    """FINE's released items; tests that need them skip where they are absent."""
    if not FINE.exists():
        pytest.skip("FINE's data is not beside the project (../shared/data/safety.jsonl)")
    return FINE


@contextmanager
def serve_offline_model(items: list[Item]) -> Iterator[str]:
    """Serve the offline model over HTTP on loopback; yield its base URL."""
    model = OfflineModel(items)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            try:
                text = model.answer(body["model"], body["messages"][-1]["content"], 0)
                status, reply = 200, _complete(body["model"], text)
            except OfflineError as error:
                status, reply = 400, {"error": {"message": str(error)}}
            data = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _complete(model: str, text: str) -> dict[str, object]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice],
    }


@pytest.fixture
def offline_server() -> Callable[[list[Item]], Any]:
    """A context manager that serves the offline model on loopback and yields its base URL."""
    return serve_offline_model
