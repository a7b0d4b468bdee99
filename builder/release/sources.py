"""Which release is meant: a version, a folder or a revision on the Hub enters; a folder leaves."""

from pathlib import Path

from builder.release.hub import download_revision, parse_hub_name
from builder.release.reading import MANIFEST
from builder.workspace import Workspace
from schemas.errors import UsageError

__all__ = ["find_release"]


def find_release(source: str, workspace: Workspace | None) -> Path:
    """Return the folder of a release: ``1.0.0`` of the workspace, a path, or ``hub:owner/name@v1.0.0``.

    Raises `UsageError` where there is none.
    """
    if source.startswith("hub:"):
        return download_revision(*parse_hub_name(source))
    inside = workspace.releases / source if workspace else None
    for folder in (inside, Path(source)):
        if folder is not None and (folder / MANIFEST).is_file():
            return folder
    known = ", ".join(path.name for path in workspace.list_releases()) if workspace else ""
    there = f" The workspace has {known}." if known else ""
    raise UsageError(
        f"{source} is no release: name a version, a folder with a {MANIFEST}, or hub:owner/name@v1.0.0.{there}"
    )
