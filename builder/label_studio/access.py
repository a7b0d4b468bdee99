"""Which Label Studio server a workspace uses, and who is who there: the workspace enters; both leave."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from annotations import local_server
from annotations.label_config import Interface
from annotations.local_server import LocalServer
from annotations.server_install import install_server
from builder.roster import Member, read_roster
from builder.workspace import Workspace
from schemas.errors import StorageError, UsageError
from schemas.storage import hold_lock

__all__ = [
    "Access",
    "Files",
    "Started",
    "find_access",
    "list_members_online",
    "start_server",
    "stop_server",
]


@dataclass(frozen=True, slots=True)
class Access:
    """A server's address and a token for it; ``is_ours`` where `start_server` started it."""

    url: str
    token: str = field(repr=False)
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Files:
    """Where a workspace keeps what belongs to Label Studio: in ``private/``, which git does not see."""

    folder: Path

    @classmethod
    def of(cls, workspace: Workspace) -> "Files":
        """Return the files of a workspace."""
        return cls(workspace.root / "private" / "label-studio")

    @property
    def items(self) -> Path:
        """The ledger of review rounds."""
        return self.folder / "ledgers" / "items.jsonl"

    @property
    def cases(self) -> Path:
        """The ledger of experts' cases."""
        return self.folder / "ledgers" / "cases.jsonl"

    def get_replies(self, run: str) -> Path:
        """Return the ledger of a run's replies."""
        return self.folder / "ledgers" / f"replies-{run}.jsonl"

    def list_ledgers(self) -> list[tuple[Path, Interface, str]]:
        """Return all ledgers there are, with what they ask about, and the run of replies."""
        found = [(self.items, Interface.ITEMS, ""), (self.cases, Interface.CASES, "")]
        found += [
            (path, Interface.REPLIES, path.stem.removeprefix("replies-"))
            for path in sorted((self.folder / "ledgers").glob("replies-*.jsonl"))
        ]
        return [entry for entry in found if entry[0].exists()]

    @property
    def raw(self) -> Path:
        """The folder of the server's own exports."""
        return self.folder / "raw"


def find_access(workspace: Workspace, url: str = "") -> Access:
    """Return the server at ``url``; without it the one started here, else the one of ``bench.toml``.

    Raises `UsageError` where there is none, or no token for it.
    """
    folder, review = Files.of(workspace).folder, workspace.config.review
    ours = local_server.find(folder)
    address = (url or (ours.url if ours else "") or review.label_studio).rstrip("/")
    if ours and address == ours.url:
        return Access(ours.url, ours.token, is_ours=True)
    if not address:
        begun = (folder / "server.json").exists()
        raise UsageError(
            "the Label Studio server of this workspace is stopped. Start it: `finebench annotate up`."
            if begun
            else "no Label Studio server is known. Start one with `finebench annotate up`, or write the "
            'address of yours into bench.toml, under [review]: label_studio = "https://…".'
        )
    token = os.environ.get(review.token_variable, "").strip()
    if not token:
        raise UsageError(
            f"{address} asks for a token: copy yours from its account page into the environment variable "
            f"{review.token_variable}."
        )
    return Access(address, token, is_ours=False)


def list_members_online(workspace: Workspace) -> list[Member]:
    """Return the members of the roster who have an account."""
    roster = read_roster(workspace.roster, workspace.taxonomy)
    return [member for member in roster if member.email]


@dataclass(frozen=True, slots=True)
class Started:
    """A server that runs, and the logins that are new; ``logins`` are (who, e-mail, password)."""

    server: LocalServer
    logins: list[tuple[str, str, str]]
    is_new: bool


def start_server(
    workspace: Workspace,
    *,
    host: str,
    port: int,
    program: Path | None,
    is_all_shown: bool,
    reset: Collection[str] = (),
    tell: Callable[[str], None],
) -> Started:
    """Start the workspace's own server, installing it first where it is not, with a login for each member.

    ``program`` is an installed ``label-studio``; without one it is installed once for all workspaces of
    this user. Logins that were made before are left out unless ``is_all_shown``; members named in
    ``reset`` get another password. Raises `UsageError` where the port is taken or one of them has no
    account, `LabelStudioError` where the server cannot be installed or does not start.
    """
    folder = Files.of(workspace).folder
    members = list_members_online(workspace)
    strangers = sorted(set(reset) - {member.name for member in members})
    if strangers:
        raise UsageError(f"{', '.join(strangers)}: nobody in private/roster.toml with an `email`.")
    _make_private(folder)
    before = local_server.find(folder)
    is_first = not (folder / "server.json").exists()
    executable = program or (_install(tell) if before is None or reset else None)
    server = before or local_server.start(
        folder, host=host, port=port, program=executable, tell=tell
    )
    logins = [("curator", server.login, server.password)] if is_first or is_all_shown else []
    for member in members:
        if member.name in reset and executable:
            password = local_server.reset_login(folder, member.email, executable)
        else:
            password = local_server.add_login(folder, member.email)
        if member.email not in server.logins or member.name in reset or is_all_shown:
            logins.append((member.name, member.email, password))
    return Started(server, logins, is_new=before is None)


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be made ({error.strerror}). Make room or change permissions, then run again."
        ) from error


def _install(tell: Callable[[str], None]) -> Path:
    """Return the program of the environment that all workspaces of this user share: it takes 1 GB."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "finebench" / "label-studio"
    _make_private(folder)
    with hold_lock(folder / "install.lock", "the installation of Label Studio"):
        return install_server(folder, tell)


def stop_server(workspace: Workspace) -> bool:
    """End the workspace's own server; tell whether it ran."""
    return local_server.stop(Files.of(workspace).folder)
