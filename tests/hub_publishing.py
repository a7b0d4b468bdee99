"""A loopback stand-in of the Hub that takes uploads: ours, and not the Hub. The real client publishes to it.

It keeps commits, tags, settings and LFS objects in memory and answers the endpoints that `huggingface_hub`
calls. Faults are set by step: a request is then refused with a status, dropped before it takes effect, or
carried out with its reply lost; or somebody is told, who may kill the client just then.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_http import Asked, Reply, refuse, send_json, serve_http

__all__ = ["TOKEN", "Fault", "Kind", "PublishingHub", "Repository", "serve_publishing_hub"]

TOKEN = "hf_" + "standin" * 4
"""The one token that the stand-in knows: made up, and recognised wherever it leaks."""

_LFS = (".parquet", ".png")


class Kind(StrEnum):
    """How a request goes wrong."""

    DROPPED = "dropped"
    LOST = "lost"
    STATUS = "status"


@dataclass(slots=True)
class Fault:
    """What goes wrong at a step, for so many requests. ``on_hit`` is called before anything else."""

    kind: Kind
    status: int = 0
    times: int = 1
    wait_s: str = ""
    on_hit: Callable[[], object] | None = None


@dataclass(slots=True)
class Commit:
    """One commit: its id, parent and title, and all files by path with their content."""

    oid: str
    parent: str
    title: str
    files: dict[str, bytes]


@dataclass(slots=True)
class Repository:
    """A dataset: commits, the newest last, tags with their targets, and who may see it."""

    commits: list[Commit]
    private: bool
    gated: str | bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def find(self, revision: str) -> Commit | None:
        """Return the commit that a branch, tag or id names."""
        wanted = self.tags.get(revision, revision)
        if wanted == "main":
            return self.commits[-1]
        return next((commit for commit in self.commits if commit.oid == wanted), None)


@dataclass(slots=True)
class Request:
    """What the client asked: the parts of its path, its query and its body."""

    parts: dict[str, str]
    query: dict[str, list[str]]
    body: bytes
    token: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class PublishingHub:
    """Datasets by name, uploaded objects, faults by step, and what was asked and shown.

    ``seen`` has the steps in order; ``exposures`` every state (private, gated) that a dataset was in
    while it held more than its first commit.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    exposures: list[tuple[bool, str | bool]] = field(default_factory=list)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, asked: Asked) -> Reply | None:
        """Return the reply to a request; None where the connection is to be dropped."""
        url = urlsplit(asked.target)
        for allowed, step, pattern, respond in _ROUTES:
            match = re.fullmatch(pattern, url.path)
            if not match or allowed != asked.method.replace("HEAD", "GET"):
                continue
            parts = {k: unquote(v) for k, v in match.groupdict().items() if v is not None}
            request = Request(parts, parse_qs(url.query), asked.body, asked.token)
            with self.lock:
                return self._answer(step, request, respond)
        return Reply(404, b"{}")

    def _answer(
        self, step: str, request: Request, respond: "Callable[[PublishingHub, Request], Reply]"
    ) -> Reply | None:
        self.seen.append(step)
        fault = self.faults.get(step)
        if fault and fault.times > 0:
            fault.times -= 1
            if fault.kind is Kind.LOST:
                self._respond(request, respond)
            if fault.on_hit:
                fault.on_hit()
            if fault.kind is Kind.STATUS:
                headers = {"Retry-After": fault.wait_s} if fault.wait_s else {}
                return Reply(fault.status, b'{"error": "a fault of the stand-in"}', headers)
            return None
        return self._respond(request, respond)

    def _respond(
        self, request: Request, respond: "Callable[[PublishingHub, Request], Reply]"
    ) -> Reply:
        reply = respond(self, request)
        for repository in self.repositories.values():
            if len(repository.commits) > 1:
                self.exposures.append((repository.private, repository.gated))
        return reply

    def look_up(self, request: Request) -> Repository | None:
        """Return the dataset of a request, as far as its token may see it."""
        found = self.repositories.get(request.parts["name"])
        return found if found and (request.token == TOKEN or not found.private) else None


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tell_user(_: PublishingHub, request: Request) -> Reply:
    if request.token != TOKEN:
        return refuse(401, "Unauthorized")
    return send_json({"name": "ann", "type": "user", "orgs": [], "auth": {"type": "access_token"}})


def _create(hub: PublishingHub, request: Request) -> Reply:
    asked = request.json
    name = f"{asked['organization']}/{asked['name']}"
    if request.token != TOKEN:
        return refuse(401, "Unauthorized")
    if name in hub.repositories:
        return send_json({"error": "exists", "url": f"{hub.url}/datasets/{name}"}, 409)
    first = Commit(
        _sha256(name.encode())[:40], "", "initial commit", {".gitattributes": b"*.parquet\n"}
    )
    hub.repositories[name] = Repository([first], private=asked.get("visibility") == "private")
    return send_json({"url": f"{hub.url}/datasets/{name}", "name": name, "id": name})


def _tell_repository(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    if repository is None:
        return refuse(404, "RepoNotFound")
    commit = repository.find(request.parts.get("revision", "main"))
    if commit is None:
        return refuse(404, "RevisionNotFound")
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    state: dict[str, object] = {
        "private": repository.private,
        "gated": repository.gated,
        "tags": [],
    }
    return send_json(
        {"id": request.parts["name"], "sha": commit.oid, "siblings": siblings, **state}
    )


def _tell_refs(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    if repository is None:
        return refuse(404, "RepoNotFound")
    head = repository.commits[-1].oid
    return send_json(
        {
            "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": head}],
            "converts": [],
            "tags": [
                {"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid}
                for name, oid in repository.tags.items()
            ],
        }
    )


def _list_tree(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    commit = repository.find(request.parts["revision"]) if repository else None
    if commit is None:
        return refuse(404, "RevisionNotFound")
    prefix = f"{request.parts.get('path', '').strip('/')}/".lstrip("/")
    below = {p: d for p, d in sorted(commit.files.items()) if p.startswith(prefix)}
    if request.query.get("recursive", ["false"])[0].casefold() == "true":
        return send_json([_describe(path, data) for path, data in below.items()])
    rests = {path: path.removeprefix(prefix).partition("/") for path in below}
    folders = sorted({prefix + head for head, slash, _ in rests.values() if slash})
    files = [_describe(path, below[path]) for path, (_, slash, _) in rests.items() if not slash]
    return send_json(
        [*({"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in folders), *files]
    )


def _describe(path: str, data: bytes) -> dict[str, object]:
    told: dict[str, object] = {"type": "file", "path": path, "size": len(data)}
    if not path.endswith(_LFS):
        return told | {"oid": _git_oid(data)}
    pointer = f"version x\noid sha256:{_sha256(data)}\nsize {len(data)}\n".encode()
    lfs = {"oid": _sha256(data), "size": len(data), "pointerSize": len(pointer)}
    return told | {"oid": _git_oid(pointer), "lfs": lfs}


def _list_commits(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    if repository is None:
        return refuse(404, "RepoNotFound")
    date = "2026-01-01T00:00:00.000Z"
    return send_json(
        [
            {"id": c.oid, "title": c.title, "message": "", "date": date, "authors": []}
            for c in reversed(repository.commits)
        ]
    )


def _check_yaml(_: PublishingHub, __: Request) -> Reply:
    return send_json({"errors": [], "warnings": []})


def _choose_modes(_: PublishingHub, request: Request) -> Reply:
    return send_json(
        {
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(_LFS) else "regular",
                    "shouldIgnore": False,
                }
                for file in request.json["files"]
            ]
        }
    )


def _offer_uploads(hub: PublishingHub, request: Request) -> Reply:
    objects = []
    for wanted in request.json["objects"]:
        offer: dict[str, Any] = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in hub.objects:
            offer["actions"] = {
                "upload": {"href": f"{hub.url}/lfs/{wanted['oid']}", "header": {}},
                "verify": {"href": f"{hub.url}/lfs/{wanted['oid']}/verify", "header": {}},
            }
        objects.append(offer)
    return send_json({"transfer": "basic", "objects": objects})


def _take_object(hub: PublishingHub, request: Request) -> Reply:
    if _sha256(request.body) != request.parts["oid"]:
        return refuse(400, "BadObject")
    hub.objects[request.parts["oid"]] = request.body
    return Reply(200)


def _verify_object(hub: PublishingHub, request: Request) -> Reply:
    return Reply(200 if request.parts["oid"] in hub.objects else 404, b"{}")


def _commit(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    if repository is None or request.token != TOKEN:
        return refuse(404, "RepoNotFound")
    lines = [json.loads(line) for line in request.body.splitlines() if line]
    head = next(line["value"] for line in lines if line["key"] == "header")
    newest = repository.commits[-1]
    if head.get("parentCommit", newest.oid) != newest.oid:
        return send_json(
            {"error": "A commit has happened since. Please refresh and try again."}, 412
        )
    files = dict(newest.files)
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            files[value["path"]] = hub.objects[value["oid"]]
        elif line["key"] == "deletedFile":
            files.pop(value["path"])
    oid = _sha256(repr((newest.oid, sorted(files.items()))).encode())[:40]
    repository.commits.append(Commit(oid, newest.oid, head["summary"], files))
    url = f"{hub.url}/datasets/{request.parts['name']}/commit/{oid}"
    return send_json({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})


def _tag(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    commit = repository.find(request.parts["revision"]) if repository else None
    if repository is None or commit is None:
        return refuse(404, "RevisionNotFound")
    if request.json["tag"] in repository.tags:
        return send_json({"error": "Tag already exists"}, 409)
    repository.tags[request.json["tag"]] = commit.oid
    return send_json({"success": True}, 201)


def _set(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    if repository is None or request.token != TOKEN:
        return refuse(403, "Forbidden")
    asked = request.json
    repository.gated = asked.get("gated", repository.gated)
    if "visibility" in asked:
        repository.private = asked["visibility"] == "private"
    return send_json({"private": repository.private, "gated": repository.gated})


def _send_file(hub: PublishingHub, request: Request) -> Reply:
    repository = hub.look_up(request)
    commit = repository.find(request.parts["revision"]) if repository else None
    if repository is None or commit is None:
        return refuse(404, "RevisionNotFound")
    if repository.gated and request.token != TOKEN:
        return refuse(403, "GatedRepo")
    data = commit.files.get(request.parts["path"])
    if data is None:
        return refuse(404, "EntryNotFound")
    return Reply(200, data, {"X-Repo-Commit": commit.oid, "ETag": f'"{_git_oid(data)}"'})


_NAME = r"datasets/(?P<name>[^/]+/[^/]+?)"
_REVISION = r"(?P<revision>[^/]+)"
_ROUTES: list[tuple[str, str, str, Callable[[PublishingHub, Request], Reply]]] = [
    ("GET", "whoami", r"/api/whoami-v2", _tell_user),
    ("POST", "create", r"/api/repos/create", _create),
    ("POST", "yaml", r"/api/validate-yaml", _check_yaml),
    ("GET", "refs", rf"/api/{_NAME}/refs", _tell_refs),
    ("GET", "tree", rf"/api/{_NAME}/tree/{_REVISION}(/(?P<path>.*))?", _list_tree),
    ("GET", "commits", rf"/api/{_NAME}/commits/{_REVISION}", _list_commits),
    ("POST", "preupload", rf"/api/{_NAME}/preupload/{_REVISION}", _choose_modes),
    ("POST", "lfs_batch", rf"/{_NAME}\.git/info/lfs/objects/batch", _offer_uploads),
    ("PUT", "lfs_put", r"/lfs/(?P<oid>[0-9a-f]{64})", _take_object),
    ("POST", "lfs_verify", r"/lfs/(?P<oid>[0-9a-f]{64})/verify", _verify_object),
    ("POST", "commit", rf"/api/{_NAME}/commit/{_REVISION}", _commit),
    ("POST", "tag", rf"/api/{_NAME}/tag/{_REVISION}", _tag),
    ("PUT", "settings", rf"/api/{_NAME}/settings", _set),
    ("GET", "info", rf"/api/{_NAME}(/revision/{_REVISION})?", _tell_repository),
    ("GET", "resolve", rf"/{_NAME}/resolve/{_REVISION}/(?P<path>.+)", _send_file),
]


@contextmanager
def serve_publishing_hub() -> Iterator[PublishingHub]:
    """Serve an empty stand-in on loopback while the block runs."""
    hub = PublishingHub()
    with serve_http(hub.answer) as hub.url:
        yield hub
