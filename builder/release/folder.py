"""Stage 6: decided items enter; a release folder with data, card, manifest and evaluator leaves.

The folder appears whole or not at all, and an existing version is never changed: exporting it again
must give the same bytes, or is refused. Items that are held out lie in a folder of their own beside it,
of the same make.
"""

import filecmp
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from builder.pipeline import find_next_step, find_stale_stages
from builder.release.contents import write_data, write_texts
from builder.release.drafting import Draft, Proposal, draft_next, draft_release, propose_release
from builder.release.gates import Gate
from builder.release.reading import ITEMS
from builder.release.secrecy import require_no_trace
from builder.release.splits import Part, Split
from builder.release.versions.changelog import CHANGELOG, write_changelog
from builder.release.versions.split_diff import Splits
from builder.workspace import Workspace
from schemas.errors import GateError, StageError, StorageError, UsageError
from schemas.storage import Row, hash_file, read_bytes, read_json

__all__ = ["Release", "draft_export", "export_release", "propose_export"]


@dataclass(frozen=True, slots=True)
class Release:
    """An exported release: its folder, its rows, how its gates stood, and whether it is new.

    ``held_out`` is the folder of the private split, where there is one.
    """

    path: Path
    rows: Sequence[Row]
    gates: list[Gate]
    is_new: bool
    held_out: Path | None = None


def export_release(workspace: Workspace, version: str, waivers: Mapping[str, str]) -> Release:
    """Write release ``version`` of the workspace's decided items.

    ``waivers`` maps the names of gates to reasons; a gate that fails is held against the release
    unless it is waived. Raises `GateError` with the gates that hold it back, and `UsageError` where
    the version exists with other content.
    """
    path = workspace.get_release(version)
    with workspace.hold("releases"):
        _require_fresh(workspace)
        folders = {split: _find_draft(workspace, version, split) for split in Split}
        try:
            draft = _write_draft(workspace, version, waivers, folders)
            drafts = {part.split: folders[part.split] for part in draft.parts}
            is_new = _put_in_place(workspace, version, drafts)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror}).") from error
        finally:
            for folder in folders.values():
                shutil.rmtree(folder, ignore_errors=True)
    held_out = workspace.get_held_out(version) if Split.HELD_OUT in drafts else None
    return Release(path, draft.parts[0].rows, draft.gates, is_new, held_out)


def propose_export(workspace: Workspace, waivers: Mapping[str, str]) -> Proposal:
    """Return which version an export would be now, and why; nothing is written.

    Raises `StageError` where the workspace is not up to date.
    """
    with workspace.hold("releases"):
        _require_fresh(workspace)
        return propose_release(workspace, waivers)


def draft_export(workspace: Workspace) -> Splits:
    """Return what an export would write now; raise `StageError` where the workspace is not up to date."""
    with workspace.hold("releases"):
        _require_fresh(workspace)
        return draft_next(workspace)


def _require_fresh(workspace: Workspace) -> None:
    stale = find_stale_stages(workspace)
    if stale:
        told = "; ".join(f"{stage}: {', '.join(reasons)}" for stage, reasons in stale.items())
        raise StageError(
            f"the workspace is not up to date ({told}). Run `{find_next_step(workspace)}` and what "
            "comes after it, then export again."
        )


def _require_passed(gates: Sequence[Gate]) -> None:
    failed = [gate for gate in gates if gate.holds_back]
    if failed:
        told = "; ".join(f"{gate.name}: {gate.detail}{_name_items(gate)}" for gate in failed)
        raise GateError(
            f"held back by {len(failed)} gate{'s' * (len(failed) > 1)}: {told}. Mend what they name, or waive one with a "
            f"reason: --waive {failed[0].name}=REASON.",
            [gate.name for gate in failed],
        )


def _name_items(gate: Gate) -> str:
    shown = ", ".join(gate.items[:_MOST_NAMED])
    more = f" and {len(gate.items) - _MOST_NAMED} more" if len(gate.items) > _MOST_NAMED else ""
    return f" ({shown}{more})" if shown else ""


def _find_date(path: Path) -> str:
    """Return the date of the release's first export: the one it has already, or today's.

    ``SOURCE_DATE_EPOCH`` (reproducible-builds.org) stands for today where it is set.
    """
    manifest = path / "manifest.json"
    if manifest.exists():
        return str(read_json(manifest).get("date", ""))
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        return datetime.now(UTC).date().isoformat()
    try:
        # Digits of ASCII alone: int() takes other scripts' and a sign as well.
        number = int(seconds) if seconds.isascii() and seconds.isdigit() else -1
        if number >= 0:
            return datetime.fromtimestamp(number, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        pass  # a number beyond all dates is told like one that is none
    raise UsageError(f"SOURCE_DATE_EPOCH is {seconds!r}, which is no number of seconds since 1970.")


def _write_draft(
    workspace: Workspace, version: str, waivers: Mapping[str, str], folders: Mapping[Split, Path]
) -> Draft:
    """Write each part beside its place, and return what was written; raise `GateError` where a gate fails."""

    def write(part: Part, dimensions: Sequence[str]) -> str:
        shutil.rmtree(folders[part.split], ignore_errors=True)
        return write_data(folders[part.split], part.rows, dimensions, str(part.split))

    date = _find_date(workspace.get_release(version))
    draft = draft_release(workspace, version, waivers, date, write)
    _require_passed(draft.gates)
    for part in draft.parts:
        write_texts(
            workspace,
            folders[part.split],
            part.rows,
            draft.manifests[part.split],
            _write_changelog(draft, part.split),
        )
    held_out = [row for part in draft.parts[1:] for row in part.rows]
    require_no_trace(folders[Split.TEST], held_out, draft.lineage.hidden.ids)
    return draft


def _find_draft(workspace: Workspace, version: str, split: Split) -> Path:
    return workspace.releases / f".{_find_path(workspace, version, split).name}.tmp"


def _write_changelog(draft: Draft, split: Split) -> str:
    """Return the changelog of one folder, which goes on from that of the same split before."""
    lineage, manifest, diff = draft.lineage, draft.manifests[split], draft.diff
    before = lineage.latest if split is Split.TEST else lineage.held_out
    if before is None or diff is None:
        return write_changelog("", None, manifest)
    path = before.path / CHANGELOG
    earlier = read_bytes(path).decode("utf-8", "replace") if path.exists() else ""
    return write_changelog(earlier, diff.public if split is Split.TEST else diff.held_out, manifest)


def _find_path(workspace: Workspace, version: str, split: Split) -> Path:
    if split is Split.TEST:
        return workspace.get_release(version)
    return workspace.get_held_out(version)


def _put_in_place(workspace: Workspace, version: str, drafts: Mapping[Split, Path]) -> bool:
    """Give the drafts their names; return whether the version is new.

    The public folder comes last: with it the version is released. A held-out folder without it is what a
    killed export left, if its rows are the same; else somebody moved the public one, and nothing is touched.
    """
    path = workspace.get_release(version)
    held_out = workspace.get_held_out(version)
    if path.exists():
        for split, draft in drafts.items():
            _require_same(draft, _find_path(workspace, version, split))
        if held_out.exists() and Split.HELD_OUT not in drafts:
            raise UsageError(f"{held_out.name} would be gone. {_NEVER}")
        return False
    if held_out.exists():
        _require_same_rows(held_out, drafts.get(Split.HELD_OUT))
        shutil.rmtree(held_out)
    if Split.HELD_OUT in drafts:
        drafts[Split.HELD_OUT].replace(held_out)
    drafts[Split.TEST].replace(path)
    return True


def _require_same_rows(held_out: Path, draft: Path | None) -> None:
    hashes = [
        hash_file(path / ITEMS) if path and (path / ITEMS).exists() else ""
        for path in (held_out, draft)
    ]
    if hashes[0] != hashes[1]:
        raise UsageError(
            f"{held_out} is there without its public folder, and holds other items than this export would. Put "
            "the public one back beside it, or move this one away if nothing was released with it."
        )


_MOST_NAMED = 5
_NEVER = "A released version never changes: choose the next version number."


def _require_same(draft: Path, path: Path) -> None:
    """Raise `UsageError` naming the files in which a new export differs from the released one."""
    names = {
        p.relative_to(root).as_posix()
        for root in (draft, path)
        for p in root.rglob("*")
        if p.is_file()
    }
    differing = sorted(
        name
        for name in names
        if not (draft / name).is_file()
        or not (path / name).is_file()
        or not filecmp.cmp(draft / name, path / name, shallow=False)
    )
    if differing:
        shown = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
        raise UsageError(
            f"{path.name} is released already, and this export would differ in {shown}. {_NEVER}"
        )
