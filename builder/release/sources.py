"""Where a release is: how people name one enters (a version, a folder, a Hub revision); its folder leaves."""

from collections.abc import Callable
from pathlib import Path

from builder.release.hub.client import download_revision, parse_hub_name
from builder.release.reading import MANIFEST
from builder.workspace import HELD_OUT_SUFFIX, Workspace
from schemas.errors import UsageError

__all__ = ["HUB", "Download", "find_release"]

HUB = "hub:"

Download = Callable[[str, str], Path]
"""Fetches a revision of a dataset on the Hub, by its name and the revision's, into a folder."""


def find_release(
    source: str, workspace: Workspace | None, download: Download | None = None
) -> Path:
    """Return the folder of a release.

    ``source`` is ``hub:owner/name@REVISION`` (the newest where no revision is named), a folder, a version
    of the workspace, or such a version with ``-held-out``. Raises `UsageError` where there is none.
    """
    if source.startswith(HUB):
        return (download or download_revision)(*parse_hub_name(source))
    if (Path(source) / MANIFEST).is_file():
        return Path(source)
    if Path(source).is_dir():
        raise UsageError(f"{source} is no release: it has no {MANIFEST}.")
    if workspace is None:
        raise UsageError(
            f"{source} is no folder, and there is no workspace here to look for such a version in. "
            "Name a folder, or a workspace with `finebench -C DIR …`."
        )
    return _find_version(source, workspace)


def _find_version(source: str, workspace: Workspace) -> Path:
    version = source.removesuffix(HELD_OUT_SUFFIX)
    path = workspace.get_release(version)
    path = workspace.get_held_out(version) if source.endswith(HELD_OUT_SUFFIX) else path
    if not (path / MANIFEST).is_file():
        known = ", ".join(found.name for found in workspace.list_releases())
        told = f"There are: {known}." if known else "Nothing is released yet: finebench export."
        raise UsageError(f"there is no release {source} here. {told}")
    return path
