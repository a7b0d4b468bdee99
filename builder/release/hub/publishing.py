"""A verified release enters; one commit, one tag and the right settings on the Hub leave.

Whatever a fault leaves behind, the same command finds it and goes on: what is there is compared hash by
hash before anything is written. A tag is never moved. A dataset is made private and is shown to others last,
behind its gate, so that nothing is ever public and open for a moment.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.release.hub.client import FileHash, Hub, RemoteState, hash_local
from builder.release.reading import MANIFEST, make_tag, read_release
from builder.release.splits import Split
from builder.release.verifying import list_files, verify_release
from builder.workspace import HELD_OUT_SUFFIX, is_version, parse_version
from schemas.errors import DataError, HubError, UsageError
from schemas.storage import Row

__all__ = ["Package", "Published", "Settings", "describe_plan", "pack_release", "publish"]

_KEPT = ".gitattributes"
_FRESH = frozenset({_KEPT, "README.md"})  # what a dataset that was just made may hold
_MOST_TRIES = 5
_COMMITS_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Settings:
    """Who may see what is published.

    ``gated`` is auto or manual; empty leaves the gate that there is, or makes it manual. ``waiver`` is the
    reason for which a public dataset may be without one.
    """

    public: bool = False
    gated: str = ""
    waiver: str = ""

    def choose_gate(self, state: RemoteState | None) -> str:
        """Return the gate that a public dataset is to have; empty where it may be without."""
        if self.waiver:
            return ""
        return self.gated or (state.gated if state else "") or "manual"


@dataclass(frozen=True, slots=True)
class Package:
    """A release that was verified: its files by name, with their hashes, and what it is called."""

    folder: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, Path]
    hashes: Mapping[str, FileHash] = field(repr=False)

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.manifest["version"])

    @property
    def name(self) -> str:
        """What its folder is called in a workspace: the version, and whether it is held out."""
        is_held_out = self.manifest["split"] == Split.HELD_OUT
        return f"{self.version}{HELD_OUT_SUFFIX * is_held_out}"

    @property
    def tag(self) -> str:
        """The tag under which it is found."""
        return make_tag(self.version)

    @property
    def title(self) -> str:
        """The title of its commit."""
        return f"{self.manifest['name']} {self.version}"

    def is_same(self, remote: Mapping[str, FileHash]) -> bool:
        """Whether a revision holds these files and no others."""
        names = remote.keys() - {_KEPT}
        return names == self.hashes.keys() and all(
            self.hashes[name].matches(remote[name]) for name in names
        )


@dataclass(frozen=True, slots=True)
class Published:
    """Where a release lies now. ``was_there`` where nothing had to be written."""

    repository: str
    version: str
    folder: str
    tag: str
    commit: str
    public: bool
    gated: str
    waiver: str
    was_there: bool

    def as_row(self) -> Row:
        """Return what is kept of it."""
        return {
            "repository": self.repository,
            "version": self.version,
            "folder": self.folder,
            "tag": self.tag,
            "commit": self.commit,
            "public": self.public,
            "gated": self.gated,
            "waiver": self.waiver,
        }


def pack_release(folder: Path) -> Package:
    """Return a release ready to be sent; raise `DataError` with every problem where it does not hold."""
    problems = verify_release(folder)
    if problems:
        raise DataError(
            f"{folder} is not what its manifest says, and is not published. Export it again.",
            problems,
        )
    manifest = read_release(folder).manifest
    files = list_files(folder)
    return Package(folder, manifest, files, {n: hash_local(path) for n, path in files.items()})


def check_settings(package: Package, settings: Settings) -> None:
    """Raise `UsageError` where a release must not be published in this way."""
    if settings.public and package.manifest["split"] == Split.HELD_OUT:
        raise UsageError(
            f"{package.folder.name} is a held-out split: once it is public it is worth nothing. Publish it "
            "without --public, to a dataset of its own."
        )


def describe_plan(
    package: Package, settings: Settings, state: RemoteState | None
) -> list[tuple[str, str]]:
    """Return what publishing would do, step by step, without doing it; ``state`` is the dataset's now."""
    steps = [("dataset", "is there already" if state else "is made, private")]
    if state and package.tag in state.tags:
        steps.append(("commit", f"none: {package.tag} is there ({state.tags[package.tag][:12]})"))
    else:
        steps.append(("commit", f"one, {package.title!r}, of {len(package.files)} files"))
        steps.append(("tag", f"{package.tag}, on that commit"))
    gate = settings.choose_gate(state) or f"none, waived: {settings.waiver}"
    shown = f"public, gate: {gate}" if settings.public else "private"
    return [*steps, ("visible to others", shown)]


def publish(
    hub: Hub, package: Package, settings: Settings, tell: Callable[[str], None]
) -> Published:
    """Bring a release to the Hub and verify it there; what is there already is not sent again.

    ``tell`` is told each step. Raises `UsageError` where the tag holds something else or the dataset is
    public and that was not asked for, and `HubError` for what the Hub refuses.
    """
    check_settings(package, settings)
    hub.find_user()
    state = hub.find_state()
    if state is None:
        hub.create()
        tell(f"made {hub.name}, private")
        state = _require_state(hub)
    if settings.public:
        _require_nothing_held_out(hub, state)
    there = _find_place(hub, package, state)
    _guard(hub, state, settings, tell)
    commit = _bring(hub, package, state, there, tell)
    was_there = package.tag in state.tags
    _verify(hub, package, commit)
    tell(f"verified: {package.tag} holds these {len(package.files)} files, hash by hash")
    state = _show(hub, settings, tell)
    return Published(
        hub.name,
        package.version,
        package.name,
        package.tag,
        commit,
        public=not state.private,
        gated=state.gated,
        waiver=settings.waiver if settings.public and not state.gated else "",
        was_there=was_there,
    )


def _require_state(hub: Hub) -> RemoteState:
    state = hub.find_state()
    if state is None:
        raise HubError(
            f"{hub.name}: it was made, and the token may not see it. Give it read and write access."
        )
    return state


def _guard(hub: Hub, state: RemoteState, settings: Settings, tell: Callable[[str], None]) -> None:
    """See to the gate of a dataset that is public already, before anything is added to it."""
    if state.private:
        return
    if not settings.public:
        raise UsageError(
            f"{hub.name} is public. Say --public to add a version there, or name another dataset."
        )
    _set_gate(hub, state, settings, tell)


def _set_gate(
    hub: Hub, state: RemoteState, settings: Settings, tell: Callable[[str], None]
) -> None:
    """See to the gate of a dataset that is or will be public."""
    gate = settings.choose_gate(state)
    if gate == state.gated:
        return
    hub.set_gated(gate)
    if _require_state(hub).gated != gate:
        raise HubError(f"{hub.name}: the Hub did not set the gate. Nothing more was done.")
    tell(f"gate: {gate or f'none, waived: {settings.waiver}'}")


def _find_place(hub: Hub, package: Package, state: RemoteState) -> str:
    """Return the commit that holds this release already; an empty text where it is to be made.

    Raises `UsageError` where the tag holds something else, or a commit would put the release over what is
    no earlier one.
    """
    target = state.tags.get(package.tag, "")
    if target and not package.is_same(hub.list_files(target)):
        raise UsageError(
            f"{hub.name} has a tag {package.tag} on {target[:12]}, which holds other files. A tag is never "
            "moved: publish the next version."
        )
    commit = target or _find_commit(hub, package, state.head)
    if not commit:
        _require_place(hub, package, state.head)
    return commit


def _require_nothing_held_out(hub: Hub, state: RemoteState) -> None:
    """Raise `UsageError` where any commit of a dataset that is to be public holds a held-out split."""
    commits = {commit for commit, _ in hub.list_commits()}
    for revision in sorted({state.head, *state.tags.values(), *commits}):
        if any("/held_out-" in name for name in hub.list_files(revision)):
            raise UsageError(
                f"{hub.name} holds a held-out split ({revision[:12]}): made public, it would be worth nothing. "
                "Publish to another dataset."
            )


def _require_place(hub: Hub, package: Package, head: str) -> None:
    """Raise `UsageError` where the newest commit holds what must not be written over."""
    names = hub.list_files(head).keys() - _FRESH
    if not names:
        return
    standing = _read_standing(hub, head) if MANIFEST in names else {}
    named = standing.get("files")
    foreign = sorted(names - {MANIFEST} - set(named if isinstance(named, dict) else ()))
    if foreign:
        raise UsageError(
            f"{hub.name} holds files that no release wrote, such as {foreign[0]}, and publishing would remove "
            "them. Name another dataset, or take them away on its page first."
        )
    if standing.get("name") != package.manifest["name"]:
        raise UsageError(
            f"{hub.name} holds another benchmark, {standing.get('name')}. Name another dataset for this one."
        )
    if standing.get("split", "test") != package.manifest.get("split", "test"):
        raise UsageError(
            f"{hub.name} holds the other split of this benchmark. Each has a dataset of its own: name another."
        )
    version = str(standing.get("version"))
    if is_version(version) and parse_version(version) > parse_version(package.version):
        raise UsageError(
            f"{hub.name} holds {version} already, which is newer: whoever names no version would get the older "
            f"{package.version}. Publish in order of version, or to another dataset."
        )


def _read_standing(hub: Hub, head: str) -> Row:
    """Return the manifest of what is there; nothing where it is none."""
    try:
        found = json.loads(hub.read_file(head, MANIFEST))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _bring(
    hub: Hub, package: Package, state: RemoteState, there: str, tell: Callable[[str], None]
) -> str:
    """See to commit and tag, as far as they are not ``there``; return the commit."""
    if package.tag in state.tags:
        return there
    commit = there or _commit(hub, package, state.head)
    tell(
        f"{'found the commit' if there else f'committed {len(package.files)} files'}: {commit[:12]}"
    )
    _tag(hub, package, commit)
    tell(f"tagged {package.tag}")
    return commit


def _find_commit(hub: Hub, package: Package, head: str) -> str:
    """Return a commit that holds just this release: the newest, or one that another was put on since."""
    if package.is_same(hub.list_files(head)):
        return head
    for commit, title in hub.list_commits()[:_COMMITS_LOOKED_AT]:
        if title == package.title and package.is_same(hub.list_files(commit)):
            return commit
    return ""


def _commit(hub: Hub, package: Package, parent: str) -> str:
    """Make the commit. Where it is not known whether it was made, look; only where it was not, try again."""
    removed = sorted(hub.list_files(parent).keys() - package.files.keys() - {_KEPT})
    for trial in range(_MOST_TRIES):
        try:
            return hub.commit(package.files, removed, parent, package.title)
        except HubError as error:
            if not error.is_ambiguous and error.status != 429:
                raise
            head = _require_state(hub).head if error.is_ambiguous else parent
            if head != parent:
                if found := _find_commit(hub, package, head):
                    return found
                raise HubError(
                    f"{hub.name}: somebody else committed meanwhile. Look at the dataset's commits, then run "
                    "the same command again.",
                    status=412,
                ) from error
            if trial == _MOST_TRIES - 1:
                raise
            hub.wait(error, trial)
    raise AssertionError("the loop returns or raises")


def _tag(hub: Hub, package: Package, commit: str) -> None:
    """Make the tag. Where it is not known whether it was made, look; it must point at ``commit``."""
    for trial in range(_MOST_TRIES):
        try:
            hub.tag(package.tag, commit, package.title)
        except HubError as error:
            is_passing = error.is_ambiguous or error.status in (409, 429)
            if not is_passing:
                raise
            target = _require_state(hub).tags.get(package.tag, "")
            if target:
                _require_target(hub, package, target, commit)
                return
            if trial == _MOST_TRIES - 1:
                raise
            hub.wait(error, trial)
        else:
            return


def _require_target(hub: Hub, package: Package, target: str, commit: str) -> None:
    if target != commit:
        raise UsageError(
            f"{hub.name}: somebody tagged {target[:12]} as {package.tag} meanwhile, and not {commit[:12]}. A tag "
            "is never moved: publish the next version, or take that tag away by hand."
        )


def _verify(hub: Hub, package: Package, commit: str) -> None:
    """Read tag and files back; raise `HubError` where they are not what was sent."""
    _require_target(hub, package, _require_state(hub).tags.get(package.tag, ""), commit)
    remote = hub.list_files(commit)
    sent = (package.folder / MANIFEST).read_bytes()
    if not package.is_same(remote) or hub.read_file(commit, MANIFEST) != sent:
        differing = sorted(
            name
            for name in package.hashes.keys() | (remote.keys() - {_KEPT})
            if name not in remote
            or name not in package.hashes
            or not package.hashes[name].matches(remote[name])
        )
        raise HubError(
            f"{hub.name}: what the Hub holds under {package.tag} differs from what was sent in "
            f"{', '.join(differing[:5]) or MANIFEST}. Do not use that tag; publish the next version."
        )


def _show(hub: Hub, settings: Settings, tell: Callable[[str], None]) -> RemoteState:
    """See to gate and visibility, the gate first; return what the Hub then says of them."""
    state = _require_state(hub)
    if settings.public:
        _set_gate(hub, state, settings, tell)
        if state.private:
            hub.set_public()
            tell("public")
    elif not state.private:
        raise HubError(
            f"{hub.name} was made public meanwhile, which was not asked for. Make it private on its page, or say "
            "--public."
        )
    return _require_state(hub)
