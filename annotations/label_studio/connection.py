"""The one place that talks to a Label Studio server: calls go in, plain values or `LabelStudioError` come out.

No token and no cookie is in any error, log or repr: the client's own errors hold both, so that none of
them leaves this module.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from schemas.errors import LabelStudioError, UsageError

__all__ = [
    "PATIENCE_S",
    "ProjectOnServer",
    "Server",
    "TaskOnServer",
    "connect",
]

PATIENCE_S = 120.0
"""How long a server that does not answer is waited for; a first start takes up to 100 s."""

_READ_TRIES = 4
_TIMEOUT_S = 300.0
_ONCE = {"max_retries": 0, "timeout": _TIMEOUT_S}
"""The client repeats requests on its own, and would store every task of a lost reply twice."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ProjectOnServer:
    """A project as the server lists it."""

    project_id: int
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class TaskOnServer:
    """A task as the server lists it: ``answers`` and ``skips`` are counts, ``updated_at`` is ISO 8601."""

    server_id: int
    ext_id: str
    answers: int
    skips: int
    updated_at: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was reached, and its client; to be closed. Reads are repeated when a reply is lost, writes never."""

    url: str
    user_id: int
    _client: Any = field(repr=False)
    _http: Any = field(repr=False)
    _token: str = field(repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the server."""
        self._http.close()

    def wait_until_up(self, patience_s: float = PATIENCE_S) -> None:
        """Return once the server answers; raise `LabelStudioError` where it stays silent."""
        deadline = time.monotonic() + patience_s
        while not _is_up(self._http, self.url):
            if time.monotonic() > deadline:
                raise LabelStudioError(
                    f"{self.url} has not answered for {patience_s:.0f} s. What was confirmed is kept; "
                    "start the server and run again."
                )
            time.sleep(0.3)

    def list_projects(self) -> list[ProjectOnServer]:
        """Return all projects that the token may see."""
        fields = "id,title,description"
        found = self._read(
            "listing projects",
            lambda: list(self._client.projects.list(include=fields, page_size=1000)),
        )
        return [ProjectOnServer(p.id, p.title or "", p.description or "") for p in found]

    def create_project(
        self, title: str, description: str, label_config: str, instruction: str
    ) -> int:
        """Make a project that one reviewer works through alone, and return its id."""

        def create() -> int:
            return int(
                self._client.projects.create(
                    title=title,
                    description=description,
                    label_config=label_config,
                    expert_instruction=_format_instruction(instruction),
                    show_instruction=bool(instruction),
                    maximum_annotations=1,
                    show_collab_predictions=False,
                    enable_empty_annotation=False,
                    # A skipped item stays skipped: nobody else works in this project.
                    skip_queue="IGNORE_SKIPPED",
                    request_options=_ONCE,
                ).id
            )

        return self._write(f"creating project {title!r}", create)

    def set_instruction(self, project_id: int, instruction: str) -> None:
        """Have a project show another instruction; to be repeated where the reply is lost."""
        self._read(
            f"changing the instruction of project {project_id}",
            lambda: self._client.projects.update(
                id=project_id,
                expert_instruction=_format_instruction(instruction),
                show_instruction=bool(instruction),
                request_options=_ONCE,
            ),
        )

    def hide_columns(self, project_id: int, names: Sequence[str]) -> None:
        """Keep texts out of the project's table of tasks, where nobody asked to see them."""
        columns = [f"tasks:data.{name}" for name in names]
        view = {"title": "Tasks", "hiddenColumns": {"explore": columns, "labeling": columns}}
        self._write(
            f"hiding columns of project {project_id}",
            lambda: self._client.views.create(project=project_id, data=view, request_options=_ONCE),
        )

    def import_tasks(self, project_id: int, data: Sequence[Mapping[str, str]]) -> list[int]:
        """Add tasks in one request, which the server takes whole or not at all; return their ids in order."""

        def send() -> list[int]:
            reply = self._client.projects.import_tasks(
                id=project_id,
                request=[{"data": dict(task)} for task in data],
                return_task_ids=True,
                request_options=_ONCE,
            )
            ids = [int(number) for number in reply.task_ids or ()]
            if len(ids) != len(data):
                # ValueError: read as a reply that tells nothing, so the server is asked what it holds.
                raise ValueError(f"{len(ids)} ids for {len(data)} tasks")
            return ids

        return self._write(f"importing {len(data)} tasks into project {project_id}", send)

    def list_tasks(self, project_id: int) -> list[TaskOnServer]:
        """Return a project's tasks, by server id."""

        def ask() -> list[Any]:
            return list(
                self._client.tasks.list(
                    project=project_id,
                    page_size=1000,
                    fields="task_only",
                    include="id,data,total_annotations,cancelled_annotations,updated_at",
                )
            )

        found = self._read(f"listing tasks of project {project_id}", ask)
        return sorted((_read_task(task) for task in found), key=lambda task: task.server_id)

    def delete_task(self, server_id: int) -> None:
        """Remove a task; one that is not there any more is no error."""
        try:
            self._read(
                f"removing task {server_id}",
                lambda: self._client.tasks.delete(id=str(server_id), request_options=_ONCE),
            )
        except LabelStudioError as error:
            if error.status != 404:
                raise

    def export(self, project_id: int) -> bytes:
        """Return a project's tasks with all answers, skips among them, as the server's own JSON."""

        def ask() -> bytes:
            return b"".join(
                self._client.projects.exports.download_sync(
                    id=project_id,
                    export_type="JSON",
                    download_all_tasks=True,
                    request_options=_ONCE,
                )
            )

        return self._read(f"exporting project {project_id}", ask)

    def list_users(self) -> dict[int, str]:
        """Return the e-mail address of each account by its id."""
        found = self._read("listing users", lambda: list(self._client.users.list()))
        return {int(user.id): str(user.email or "") for user in found}

    def _write(self, doing: str, call: Callable[[], _T]) -> _T:
        return _attempt(self.url, self._token, doing, call)

    def _read(self, doing: str, call: Callable[[], _T]) -> _T:
        for _ in range(_READ_TRIES - 1):
            try:
                return self._write(doing, call)
            except LabelStudioError as error:
                if not error.is_ambiguous:
                    raise
            self.wait_until_up()
        return self._write(doing, call)


def connect(url: str, token: str) -> Server:
    """Return the server at ``url``, reached with a legacy token or a JWT personal access token.

    Raises `UsageError` where the address is none, `LabelStudioError` where the server is not reached or
    does not take the token. To be used in a ``with`` statement, or closed.
    """
    address = _check_url(url)
    if not token.strip() or not token.isascii():
        raise UsageError(
            f"{address}: no token, or none that can be one. Copy it from the account page."
        )
    import httpx
    from label_studio_sdk import LabelStudio

    # At debug level it would write all headers of replies, the session's cookie among them.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    is_local = urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}
    http = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True, trust_env=not is_local)

    def reach() -> tuple[Any, int]:
        client = LabelStudio(
            base_url=address, api_key=token.strip(), httpx_client=http, max_retries=0
        )
        return client, int(client.users.whoami().id)

    try:
        client, user_id = _attempt(address, token.strip(), "logging in", reach)
    except BaseException:
        http.close()
        raise
    return Server(address, user_id, client, http, token.strip())


def _format_instruction(text: str) -> str:
    # The page shows it as HTML.
    return escape(text).replace("\n", "<br>")


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        has_secret = "@" in parts.netloc
        _ = parts.port
    except ValueError:
        is_usable = has_secret = False
    if has_secret:
        raise UsageError("the address holds a user name or password. Give the token by itself.")
    if not is_usable:
        raise UsageError(
            f"{url!r} is no address of a server. Give one such as http://127.0.0.1:8080."
        )
    # The client joins the path of its token refresh to it, so it has to end in a slash.
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _is_up(http: Any, url: str) -> bool:
    import httpx

    try:
        return bool(http.get(f"{url}health", timeout=5.0).status_code == 200)
    except httpx.HTTPError:
        return False


def _attempt(url: str, token: str, doing: str, call: Callable[[], _T]) -> _T:
    import httpx
    from label_studio_sdk.core import ApiError

    try:
        return call()
    except ApiError as error:
        failure = _explain_status(url, doing, error.status_code, error.body, token)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failure = LabelStudioError(
            f"{url}: {doing}: no reply ({type(error).__name__}). "
            "Check that the server runs and that the address is right, then run again.",
            is_ambiguous=True,
        )
    except UnicodeEncodeError:
        failure = LabelStudioError(
            f"{url}: {doing}: a text holds lone surrogates and cannot be sent. Correct the item."
        )
    except (ValueError, AttributeError, TypeError) as error:
        failure = LabelStudioError(
            f"{url}: {doing}: the reply cannot be read ({type(error).__name__}). "
            "Check that a Label Studio server answers at this address.",
            is_ambiguous=True,
        )
    # Raised out here, so that the client's error, which shows a cookie, is not even its context.
    raise failure


def _explain_status(
    url: str, doing: str, status: int | None, body: object, token: str
) -> LabelStudioError:
    status = status or 0
    remedies = {
        401: "Check the token: it may have expired, or legacy tokens may be off there.",
        403: "The token's owner may not do this. Use the token of an owner of the organisation.",
        404: "Check that the address is right and that nobody deleted the project.",
    }
    remedy = remedies.get(status, "Read the server's log, then run again.")
    return LabelStudioError(
        f"{url}: {doing}: status {status or 'unknown'} ({_clean_body(body, token)}). {remedy}",
        is_ambiguous=status == 0 or status >= 500 or status in {408, 429},
        status=status,
    )


def _clean_body(body: object, token: str) -> str:
    """Return what a server said on one line, without anything that looks like a secret."""
    text = body if isinstance(body, str) else _say(body)
    if "<html" in text.lower() or "<!doctype" in text.lower():
        return "a page instead of data"
    text = text.replace(token, "…") if token else text
    text = re.sub(r"[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)+|\b[A-Za-z0-9]{32,}\b", "…", text)
    return " ".join(text.split())[:200] or "no explanation"


def _say(body: object) -> str:
    if isinstance(body, Mapping) and isinstance(body.get("detail"), str):
        return str(body["detail"])
    try:
        return json.dumps(body, ensure_ascii=False)
    except (TypeError, ValueError):
        return ""


def _read_task(task: Any) -> TaskOnServer:
    data = task.data if isinstance(task.data, Mapping) else {}
    return TaskOnServer(
        server_id=int(task.id),
        ext_id=str(data.get("ext_id") or ""),
        answers=int(task.total_annotations or 0),
        skips=int(task.cancelled_annotations or 0),
        updated_at=task.updated_at.isoformat() if task.updated_at else "",
    )
