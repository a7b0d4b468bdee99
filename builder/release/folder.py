"""Stage 6: decided items enter; a release folder with data, card, manifest and evaluator leaves.

The folder appears whole or not at all, and an existing version is never changed: exporting it again
must give the same bytes, or is refused.
"""

import filecmp
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import builder.bundle
from builder.pipeline import find_next_step, find_stale_stages
from builder.release.card import write_card
from builder.release.gates import Gate, run_gates
from builder.release.rows import make_release_rows, select_items
from builder.release.tables import CONFIGS, write_tables
from builder.stage_records import list_versions, read_record
from builder.workspace import Stage, Workspace
from schemas.errors import GateError, StageError, StorageError, UsageError
from schemas.storage import Row, hash_file, read_json, write_text
from schemas.tables import SCHEMA_VERSION, TableName
from schemas.texts import canonical_rows, hash_text
from schemas.validation import require_valid

__all__ = ["Release", "export_release"]


@dataclass(frozen=True, slots=True)
class Release:
    """An exported release: its folder, its rows, how its gates stood, and whether it is new."""

    path: Path
    rows: list[Row]
    gates: list[Gate]
    is_new: bool


def export_release(workspace: Workspace, version: str, waivers: Mapping[str, str]) -> Release:
    """Write release ``version`` of the workspace's decided items.

    ``waivers`` maps the names of gates to reasons; a gate that fails is held against the release
    unless it is waived. Raises `GateError` with the gates that hold it back, and `UsageError` where
    the version exists with other content.
    """
    path = workspace.get_release(version)
    with workspace.hold("releases"):
        _require_fresh(workspace)
        rows = make_release_rows(workspace, select_items(workspace, waivers), version)
        require_valid(rows, TableName.RELEASE, file="release", dimensions=workspace.taxonomy)
        gates = run_gates(workspace, rows, waivers)
        _require_passed(gates)
        draft = workspace.releases / f".{version}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            _write_folder(workspace, draft, version, rows, gates, _find_date(path))
            is_new = not path.exists()
            if is_new:
                draft.replace(path)
            else:
                _require_same(draft, path)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror}).") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Release(path, rows, gates, is_new)


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
        told = "; ".join(f"{gate.name}: {gate.detail}" for gate in failed)
        raise GateError(
            f"held back by {len(failed)} gates: {told}. Mend what they name, or waive one with a "
            f"reason: --waive {failed[0].name}=REASON.",
            [gate.name for gate in failed],
        )


def _find_date(path: Path) -> str:
    """Return the date of the release's first export: the one it has already, or today's.

    ``SOURCE_DATE_EPOCH`` (reproducible-builds.org) stands for today where it is set.
    """
    manifest = path / "manifest.json"
    if manifest.exists():
        return str(read_json(manifest).get("date", ""))
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if seconds and not seconds.isdigit():
        raise UsageError(f"SOURCE_DATE_EPOCH is {seconds!r}, which is no number of seconds.")
    now = datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.now(UTC)
    return now.date().isoformat()


def _write_folder(
    workspace: Workspace,
    folder: Path,
    version: str,
    rows: Sequence[Row],
    gates: Sequence[Gate],
    date: str,
) -> None:
    items = canonical_rows(rows)
    write_tables(folder, rows, workspace.taxonomy)
    _copy_evaluator(folder / "evaluator")
    write_text(folder / "evaluator" / "items.jsonl", items)
    shutil.copyfile(workspace.guidelines, folder / "guidelines.md")
    manifest = _make_manifest(workspace, version, rows, gates, date)
    write_text(folder / "README.md", write_card(workspace, manifest, rows))
    manifest["files"] = {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_text(folder / "manifest.json", text)


def _copy_evaluator(target: Path) -> None:
    source = Path(builder.bundle.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source, target, ignore=ignored)


def _make_manifest(
    workspace: Workspace,
    version: str,
    rows: Sequence[Row],
    gates: Sequence[Gate],
    date: str,
) -> dict[str, Any]:
    stages = {str(stage): read_record(workspace, stage) for stage in Stage}
    decisions: dict[str, int] = {}
    for row in rows:
        decisions[row["decision"]] = decisions.get(row["decision"], 0) + 1
    return {
        "name": workspace.config.name,
        "version": version,
        "date": date,
        "schema": SCHEMA_VERSION,
        "items": len(rows),
        "row_hash": hash_text(canonical_rows(rows)),
        "configs": list(CONFIGS),
        "seed": workspace.config.seed,
        "guidelines": hash_file(workspace.guidelines),
        "evaluator": _hash_folder(Path(builder.bundle.__file__).parent),
        "configuration": hash_text(workspace.config.model_dump_json()),
        "judge": workspace.config.roles.judge,
        "stages": stages,
        "decisions": decisions,
        "gates": [gate.as_dict() for gate in gates],
        "waivers": {gate.name: gate.waiver for gate in gates if gate.waiver},
        "versions": dict(list_versions()),
    }


def _hash_folder(folder: Path) -> str:
    """Return one SHA-256 over the names and contents of a folder's Python files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _require_same(draft: Path, path: Path) -> None:
    """Raise `UsageError` naming the files in which a new export differs from the released one."""
    names = {
        p.relative_to(root).as_posix()
        for root in (draft, path)
        for p in root.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
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
            f"{path.name} is released already, and this export would differ in {shown}. "
            "A released version never changes: choose the next version number."
        )
