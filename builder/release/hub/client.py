"""The Hugging Face Hub as publishing needs it: a dataset's state and files leave; one commit, one tag enter.

Everything goes through the real client, which finds its token itself (``HF_TOKEN``, or its own login
store) and its address in ``HF_ENDPOINT``. Reads, and writes that may be repeated, are repeated here a few
times where the Hub is busy; a commit and a tag never are: their caller looks at what became of them.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from builder.checks.contamination.references import parse_hub_address
from builder.hub_client import make_client, resolve_commit
from builder.hub_errors import explain_hub
from schemas.errors import HubError, UsageError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = [
    "FileHash",
    "Hub",
    "RemoteState",
    "check_repository",
    "download_revision",
    "hash_local",
    "parse_hub_name",
]

_Result = TypeVar("_Result")

_LONGEST_WAIT_S = 60.0
_KIND = "dataset"
_FORM = "hub:OWNER/NAME@REVISION, such as hub:lab/bench@v1.0.0"
_DOWNLOAD = "or download it and name the folder"


@dataclass(frozen=True, slots=True)
class FileHash:
    """What identifies a file's content on the Hub: its size and its git or LFS hash."""

    size: int
    git_oid: str
    sha256: str

    def matches(self, other: "FileHash") -> bool:
        """Whether two files have the same content, by whichever hash both know."""
        if self.sha256 and other.sha256:
            return self.size == other.size and self.sha256 == other.sha256
        return self.size == other.size and self.git_oid == other.git_oid


@dataclass(frozen=True, slots=True)
class RemoteState:
    """A dataset on the Hub: its newest commit, whether it is private and gated, its tags with targets."""

    head: str
    private: bool
    gated: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Hub:
    """One dataset of the Hub, ``owner/name``.

    ``sleep`` is how waiting is done, ``tries`` how often what may be repeated is tried at most.
    """

    name: str
    tries: int = 5
    sleep: Callable[[float], None] = time.sleep
    on_wait: Callable[[str], None] = field(default=lambda _: None)

    @cached_property
    def _api(self) -> "HfApi":
        return make_client()

    def find_user(self) -> str:
        """Return whose token it is; raise `HubError` where there is none, or the Hub knows it not."""
        return str(self._persist("asking who you are", lambda: self._api.whoami()["name"]))

    def find_state(self) -> RemoteState | None:
        """Return the dataset as it is now; None where there is none, or none that the token may see."""
        try:
            info = self._persist(
                "looking at the dataset", lambda: self._api.repo_info(self.name, repo_type=_KIND)
            )
            refs = self._persist(
                "reading its tags", lambda: self._api.list_repo_refs(self.name, repo_type=_KIND)
            )
        except HubError as error:
            if error.status == 404:
                return None
            raise
        tags = {tag.name: str(tag.target_commit) for tag in refs.tags}
        return RemoteState(str(info.sha), bool(info.private), str(info.gated or ""), tags)

    def list_files(self, revision: str) -> dict[str, FileHash]:
        """Return the files of a revision with their hashes."""
        from huggingface_hub.hf_api import RepoFile

        def read() -> dict[str, FileHash]:
            tree = self._api.list_repo_tree(
                self.name, recursive=True, revision=revision, repo_type=_KIND
            )
            return {
                file.path: FileHash(file.size, file.blob_id, file.lfs.sha256 if file.lfs else "")
                for file in tree
                if isinstance(file, RepoFile)
            }

        return self._persist("listing its files", read)

    def list_commits(self) -> list[tuple[str, str]]:
        """Return the commits of the main branch as (id, title), the newest first."""

        def read() -> list[tuple[str, str]]:
            commits = self._api.list_repo_commits(self.name, repo_type=_KIND)
            return [(commit.commit_id, commit.title) for commit in commits]

        return self._persist("listing its commits", read)

    def read_file(self, revision: str, path: str) -> bytes:
        """Return the content of a small file, downloaded anew."""
        import tempfile

        def read() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                found = self._api.hf_hub_download(
                    self.name, path, revision=revision, repo_type=_KIND, cache_dir=folder
                )
                return Path(found).read_bytes()

        return self._persist(f"reading {path} back", read)

    def create(self) -> None:
        """Make the dataset, private; that it is there already is no fault."""
        self._persist(
            "making the dataset",
            lambda: self._api.create_repo(self.name, private=True, repo_type=_KIND, exist_ok=True),
        )

    def set_gated(self, gated: str) -> None:
        """Have access asked for: ``auto`` or ``manual``; an empty text takes the gate away."""
        self._persist("setting the gate", lambda: self._set(gated=gated or False))

    def set_public(self) -> None:
        """Show the dataset to everybody."""
        self._persist("making it public", lambda: self._set(private=False))

    def _set(self, **settings: Any) -> None:
        self._api.update_repo_settings(self.name, repo_type=_KIND, **settings)

    def commit(
        self, files: Mapping[str, Path], removed: Iterable[str], parent: str, message: str
    ) -> str:
        """Make one commit on ``parent`` and return its id. It is tried once.

        Raises `HubError`, ambiguous where the commit may have been made all the same.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        with explain_hub(f"{self.name}, the commit", deed="write to"):
            operations = [CommitOperationAdd(name, str(path)) for name, path in files.items()]
            gone = [CommitOperationDelete(name) for name in removed]
            made = self._api.create_commit(
                self.name,
                [*operations, *gone],
                commit_message=message,
                repo_type=_KIND,
                parent_commit=parent,
            )
            return str(made.oid)

    def tag(self, tag: str, revision: str, message: str) -> None:
        """Make a tag. It is tried once; raises `HubError`, ambiguous where it may be there all the same."""
        with explain_hub(f"{self.name}, the tag {tag}", deed="write to"):
            self._api.create_tag(
                self.name, tag=tag, tag_message=message, revision=revision, repo_type=_KIND
            )

    def _persist(self, doing: str, action: Callable[[], _Result]) -> _Result:
        """Do what may be done again, a few times where the Hub is busy or cannot be reached."""
        for trial in range(self.tries):
            try:
                with explain_hub(f"{self.name}, {doing}", deed="write to"):
                    return action()
            except HubError as error:
                if not error.may_pass or trial == self.tries - 1:
                    raise
                self.wait(error, trial)
        raise AssertionError("the loop returns or raises")

    def wait(self, error: HubError, trial: int) -> None:
        """Wait before another try: as long as the Hub asks for, or longer each time, a minute at most."""
        seconds = min(_LONGEST_WAIT_S, error.wait_s or 2.0**trial)
        self.on_wait(f"the Hub is busy or out of reach: waiting {seconds:.0f} s")
        self.sleep(seconds)


def hash_local(path: Path) -> FileHash:
    """Return the hashes by which the Hub knows a file's content, whichever way it keeps it."""
    size = path.stat().st_size
    git, sha256 = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            git.update(block)
            sha256.update(block)
    return FileHash(size, git.hexdigest(), sha256.hexdigest())


def check_repository(name: str) -> None:
    """Raise `UsageError` where ``name`` cannot be that of a dataset: namespace and name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        told = str(error).rstrip(".")
        raise UsageError(f"{name} cannot name a dataset: {told}.") from None
    if name.count("/") != 1:
        raise UsageError(f"{name} cannot name a dataset: write it as namespace/name.")


def parse_hub_name(source: str) -> tuple[str, str]:
    """Return name and revision of ``hub:owner/name@revision``; without one, of the main branch.

    >>> parse_hub_name("hub:lab/bench@v1.0.0")
    ('lab/bench', 'v1.0.0')
    """
    parts = parse_hub_address(source.removeprefix("hub:"), source, _FORM)
    if parts["config"] or parts["split"]:
        raise UsageError(f"{source}: a release is the whole dataset. Write {_FORM}.")
    return parts["name"], parts["revision"] or "main"


def download_revision(name: str, revision: str) -> Path:
    """Return a folder with one revision of a dataset, from the client's cache where it is there already.

    The commit that ``revision`` means is found out first, so that all files are of one.
    """
    from huggingface_hub import snapshot_download

    source = f"hub:{name}@{revision}"
    make_client()
    with explain_hub(source, otherwise=_DOWNLOAD):
        commit = resolve_commit(name, revision, source, otherwise=_DOWNLOAD)
        return Path(snapshot_download(name, repo_type=_KIND, revision=commit))
