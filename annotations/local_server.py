"""A Label Studio server for a team without one: installed, started and stopped in a folder of its own.

The folder holds the server's environment (``venv``), its database (``data``), its log and ``server.json``
with address, token, passwords and process id, which only its owner can read. Nothing is sent to anybody:
telemetry is off, sign-up is closed, and the server listens on loopback unless told otherwise.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from annotations.label_studio.accounts import list_emails, make_login, read_user_id
from annotations.server_install import install_server
from schemas.errors import LabelStudioError, StorageError, UsageError
from schemas.storage import get_prepared_path, hold_lock, read_json

__all__ = ["LocalServer", "add_login", "find", "reset_login", "start", "stop"]

_START_S = 300.0
_STOP_S = 20.0
_OWNER = "owner@example.com"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server of ours. ``pid`` is 0 while it is stopped; ``logins`` are passwords by e-mail address."""

    url: str
    port: int
    login: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    pid: int = 0
    born: str = ""
    """When the process was started, as the system tells it: a later process of the same id is another."""
    logins: dict[str, str] = field(default_factory=dict, repr=False)


def _tell_nobody(_line: str) -> None:
    """Keep progress to oneself."""


def start(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    program: Path | None = None,
    tell: Callable[[str], None] = _tell_nobody,
) -> LocalServer:
    """Start the server of a folder, installing it first where it is not; one that runs is left running.

    ``port`` 0 takes the port of the last start where it is free, else any. ``program`` is an installed
    ``label-studio`` to be used instead of one's own environment. ``tell`` is told of progress, line by
    line. Raises `UsageError` where the port is taken, `LabelStudioError` where the server does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder / "server.lock", f"the server in {folder}"):
        known = _read(folder)
        if known and _is_alive(known):
            return known
        if known and read_user_id(known.url, known.token):
            raise LabelStudioError(
                f"a server of {folder} already answers at {known.url}, and its process is not known: "
                "an earlier start was ended too early. End that process by hand, then start again."
            )
        executable = program or install_server(folder, tell)
        chosen = _choose_port(host, port, known.port if known else 0)
        fresh = known or LocalServer(
            url="",
            port=0,
            login=_OWNER,
            password=secrets.token_urlsafe(12),
            token=secrets.token_hex(20),
        )
        tell("starting the server; the first time takes a minute or two")
        return _run(folder, executable, host, _move(fresh, chosen))


def _move(server: LocalServer, port: int) -> LocalServer:
    return replace(server, url=f"http://127.0.0.1:{port}", port=port, pid=0, born="")


def _run(folder: Path, executable: Path, host: str, stopped: LocalServer) -> LocalServer:
    # Written before the first start: it is the server's first account that these secrets belong to.
    _write(folder, stopped)
    process = _launch(folder, executable, host, stopped)
    server = replace(stopped, pid=process.pid, born=_get_birth(process.pid))
    _write(folder, server)
    try:
        _wait(server, process, folder / "server.log")
    except BaseException:
        _end(server)
        raise
    finally:
        # It is meant to outlive us; without this Python warns that it still runs.
        process.returncode = 0
    return server


def stop(folder: Path) -> bool:
    """End the server of a folder by its process id; tell whether there was one to end.

    A process that has that id but was started at another time is somebody else's and is left alone.
    """
    server = find(folder)
    if server is None:
        return False
    _end(server)
    _write(folder, replace(server, pid=0, born=""))
    return True


def find(folder: Path) -> LocalServer | None:
    """Return the running server of a folder, or None."""
    server = _read(folder)
    return server if server and _is_alive(server) else None


def add_login(folder: Path, email: str) -> str:
    """Return the password of a reviewer's login, making the login where there is none.

    Raises `LabelStudioError` where no server runs, or an account of that address was made by others.
    """
    with hold_lock(folder / "server.lock", f"the server in {folder}"):
        server = _require(folder)
        is_there = email.casefold() in list_emails(server.url, server.token)
        if email not in server.logins:
            if is_there:
                raise LabelStudioError(
                    f"{server.url}: there is an account of {email} whose password is not known here. "
                    "Give it another: `finebench annotate up --reset-login NAME`."
                )
            # Kept first: a login whose password is lost cannot be made again under its address.
            server = _keep_login(folder, server, email)
        if not is_there:
            make_login(server.url, server.token, email, server.logins[email])
        return server.logins[email]


def reset_login(folder: Path, email: str, program: Path) -> str:
    """Give a reviewer's login another password and return it, making the login where there is none.

    ``program`` is the installed ``label-studio``. Raises `LabelStudioError` where no server runs, or the
    old password still holds afterwards.
    """
    with hold_lock(folder / "server.lock", f"the server in {folder}"):
        server = _keep_login(folder, _require(folder), email)
        password = server.logins[email]
        if email.casefold() not in list_emails(server.url, server.token):
            make_login(server.url, server.token, email, password)
            return password
        done = subprocess.run(  # noqa: S603 - the program that was installed here
            [str(program), "reset_password", "--username", email.casefold()],
            env=_make_environment(folder, server),
            # Asked for on its input, where no list of processes shows it.
            input=f"{password}\n",
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
    if done.returncode:
        raise LabelStudioError(
            f"{email}: the password was not changed (exit {done.returncode}). Run it again."
        )
    return password


def _require(folder: Path) -> LocalServer:
    server = find(folder)
    if server is None:
        raise LabelStudioError(f"no server runs in {folder}. Start it first.")
    return server


def _keep_login(folder: Path, server: LocalServer, email: str) -> LocalServer:
    """Note a fresh password of a login, and return the server with it."""
    kept = replace(server, logins=server.logins | {email: secrets.token_urlsafe(12)})
    _write(folder, kept)
    return kept


def _choose_port(host: str, wanted: int, last: int) -> int:
    for port in [wanted] if wanted else [last, 0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UsageError(f"port {wanted} of {host} is taken or not to be had. Give another, or none.")


def _launch(
    folder: Path, executable: Path, host: str, server: LocalServer
) -> subprocess.Popen[bytes]:
    command = [str(executable), "start", "--no-browser", "--internal-host", host]
    log = folder / "server.log"
    try:
        number = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise _explain_disk(log, error) from error
    with os.fdopen(number, "wb") as output:
        try:
            return subprocess.Popen(  # noqa: S603 - the program that was installed here
                [*command, "--port", str(server.port)],
                env=_make_environment(folder, server),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise LabelStudioError(
                f"{executable}: cannot be run ({error.strerror}). Remove {folder / 'venv'} and "
                "start again, which installs the server anew."
            ) from error


def _make_environment(folder: Path, server: LocalServer) -> dict[str, str]:
    """Return the variables under which the server's program runs, its secrets among them."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("LABEL_STUDIO", "DJANGO"))
    }
    return inherited | {
        # It writes into the home folder of whoever starts it; this one is its own.
        "HOME": str(folder.absolute()),
        "LABEL_STUDIO_BASE_DATA_DIR": str((folder / "data").absolute()),
        "LABEL_STUDIO_USERNAME": server.login,
        "LABEL_STUDIO_PASSWORD": server.password,
        "LABEL_STUDIO_USER_TOKEN": server.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    }


def _wait(server: LocalServer, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers to its own token at its own port.

    Where a port was taken in between, Label Studio silently goes to the next, and somebody else answers.
    """
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        if read_user_id(server.url, server.token):
            return
        time.sleep(0.3)
    ended = "ended" if process.poll() is not None else f"did not answer for {_START_S:.0f} s"
    raise LabelStudioError(f"the server at {server.url} {ended}. Read {log}, then start it again.")


def _end(server: LocalServer) -> None:
    for number, patience_s in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience_s
        if _is_alive(server):
            os.kill(server.pid, number)
        while _is_alive(server) and time.monotonic() < deadline:
            time.sleep(0.05)
    # Where it was our own child, its exit code is collected.
    with suppress(ChildProcessError):
        os.waitpid(server.pid, os.WNOHANG)


def _is_alive(server: LocalServer) -> bool:
    return server.pid > 0 and bool(server.born) and _get_birth(server.pid) == server.born


def _get_birth(pid: int) -> str:
    """Return when a process started, in the system's terms; empty where it ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed
        return shown.stdout.strip()
    # A child of ours that ended is a zombie until somebody asks for its exit code; while other threads
    # of it run on, so does the server.
    is_over = fields[0] in "ZX" and _count_threads(pid) < 2
    return "" if is_over else fields[19]


def _count_threads(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0


def _read(folder: Path) -> LocalServer | None:
    path = folder / "server.json"
    if not path.exists():
        return None
    try:
        return LocalServer(**read_json(path))
    except TypeError:
        raise StorageError(
            f"{path} is damaged. Restore it from a copy: it holds the server's passwords."
        ) from None


def _write(folder: Path, server: LocalServer) -> None:
    path = folder / "server.json"
    prepared = get_prepared_path(path)
    try:
        prepared.unlink(missing_ok=True)
        with os.fdopen(
            os.open(prepared, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as stream:
            stream.write(json.dumps(asdict(server), indent=1) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        prepared.replace(path)
    except OSError as error:
        raise _explain_disk(path, error) from error


def _explain_disk(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be written ({error.strerror}). Make room or change permissions, then run again."
    )
