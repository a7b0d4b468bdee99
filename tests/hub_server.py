"""A loopback stand-in of the Hub: dataset repositories enter as bytes; the real client reads them.

It answers what `huggingface_hub` and `datasets` ask to read a dataset. Each endpoint is a line of `ROUTES`,
so that uploads can be added as further lines; every request is kept in ``HubServer.requests``.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from hub_http import Reply, refuse, send_json, serve_http

__all__ = ["HubRepository", "HubServer", "serve_hub"]


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A dataset of one commit; ``refusal`` (401 or 403) is the answer to whoever wants a gated file."""

    files: dict[str, bytes]
    refusal: int = 0
    branches: tuple[str, ...] = ("main",)

    @property
    def commit(self) -> str:
        """The commit's name: forty hexadecimal digits that follow from the content."""
        return _name_blob(repr(sorted(self.files.items())).encode())


@dataclass(slots=True)
class HubServer:
    """The repositories by owner/name, and the requests that came: method and path."""

    repositories: dict[str, HubRepository]
    url: str = ""
    requests: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str) -> Reply:
        """Return the reply of the first route that fits; HEAD is GET without the body."""
        self.requests.append(f"{method} {path}")
        for allowed, pattern, respond in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and allowed == method.replace("HEAD", "GET"):
                if match["name"] not in self.repositories:
                    return refuse(404, "RepoNotFound")
                repository, revision = self.repositories[match["name"]], match["revision"]
                if unquote(revision or "main") not in {*repository.branches, repository.commit}:
                    return refuse(404, "RevisionNotFound")
                return respond(repository, match)
        return Reply(404)


def _name_blob(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _tell_repository(repository: HubRepository, match: re.Match[str]) -> Reply:
    siblings = [{"rfilename": path} for path in sorted(repository.files)]
    state = {"private": False, "gated": bool(repository.refusal), "tags": []}
    return send_json({"id": match["name"], "sha": repository.commit, "siblings": siblings, **state})


def _list_tree(repository: HubRepository, match: re.Match[str]) -> Reply:
    """Tell what is in a folder: its files and folders, each with those within."""
    folder = unquote(match["path"] or "").strip("/")
    within = f"{folder}/" if folder else ""
    files = {path: data for path, data in repository.files.items() if path.startswith(within)}
    folders = {
        str(parent) for path in files for parent in PurePosixPath(path).parents if parent.name
    }
    entries = [
        {"type": "directory", "path": path, "oid": _name_blob(path.encode()), "size": 0}
        for path in sorted(folders)
        if path.startswith(within)
    ]
    entries += [
        {"type": "file", "path": path, "oid": _name_blob(data), "size": len(data)}
        for path, data in sorted(files.items())
    ]
    return send_json(entries) if entries else refuse(404, "EntryNotFound")


def _send_file(repository: HubRepository, match: re.Match[str]) -> Reply:
    if repository.refusal:
        return refuse(repository.refusal, "GatedRepo")
    data = repository.files.get(unquote(match["path"]))
    if data is None:
        return refuse(404, "EntryNotFound")
    return Reply(200, data, {"X-Repo-Commit": repository.commit, "ETag": f'"{_name_blob(data)}"'})


_NAME = r"datasets/(?P<name>[^/]+/[^/]+)"
Respond = Callable[[HubRepository, re.Match[str]], Reply]
ROUTES: list[tuple[str, str, Respond]] = [
    ("GET", rf"/api/{_NAME}(/revision/(?P<revision>[^/]+))?", _tell_repository),
    ("GET", rf"/api/{_NAME}/tree/(?P<revision>[^/]+)(?P<path>/.*)?", _list_tree),
    ("GET", rf"/{_NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _send_file),
]


@contextmanager
def serve_hub(repositories: dict[str, HubRepository]) -> Iterator[HubServer]:
    """Serve dataset repositories on loopback while the block runs."""
    hub = HubServer(repositories)
    with serve_http(lambda asked: hub.answer(asked.method, urlsplit(asked.target).path)) as hub.url:
        yield hub
