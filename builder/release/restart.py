"""Starting a new version from a published one: a release folder enters, a workspace leaves.

The workspace knows what the release knew: its items with their provenance, what was decided on them,
what was retired, and the release itself, so that the next version takes over ids, letters and splits.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.config import Config
from builder.importing import write_stages
from builder.release.lineage import name_release
from builder.release.reading import ReleaseData, read_release
from builder.release.splits import Split
from builder.release.verifying import verify_release
from builder.workspace import HELD_OUT_SUFFIX, Stage, Workspace, create_workspace
from schemas.errors import DataError, StorageError, UsageError
from schemas.labels import Decision
from schemas.storage import Row, write_rows, write_text
from schemas.tables import TABLES, TableName

__all__ = ["start_from_release"]

_MISSING = {"question_call": "", "positive_call": "", "negative_call": "", "source_record": ""}


def start_from_release(path: Path, folder: Path) -> Workspace:
    """Make a workspace in ``path`` from the release in ``folder``, and return it.

    Models are named as they were there, without the variables of their keys.
    The held-out part is taken up where it lies beside the public one. Raises `DataError` with every
    problem where a part is not what its manifest says, or the folder beside is not its held-out part, and `UsageError` where something stands in
    ``path`` already; nothing is made then.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} exists already. Choose another folder.")
    parts = _read_parts(folder)
    manifest = parts[0].manifest
    config = _forget_keys(_check_configuration(folder, manifest))
    temporary = path.resolve().with_name(f".{path.resolve().name}.from")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        workspace = create_workspace(temporary)
        counts = Counter(row["dimension"] for part in parts for row in part.rows)
        _write_configuration(workspace, manifest, config, counts)
        shutil.copyfile(folder / "guidelines.md", workspace.guidelines)
        for part in parts:
            shutil.copytree(part.path, _find_place(workspace, part))
        if manifest["sibling"]["items"] and len(parts) == 1:
            write_text(workspace.get_elsewhere(parts[0].version), "")
        _write_items(workspace, parts)
        with workspace.hold(str(Stage.QUESTIONS)), workspace.hold(str(Stage.OPTIONS)):
            write_stages(workspace)
        shutil.rmtree(temporary / ".locks", ignore_errors=True)
        return _move(temporary, path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be made ({error.strerror}).") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read_parts(folder: Path) -> list[ReleaseData]:
    """Return the public part of a release, and the held-out one where it lies beside."""
    public = _read_verified(folder)
    if public.split != Split.TEST:
        raise UsageError(
            f"{folder} is a held-out split, which is never published: start from the public folder beside it."
        )
    beside = folder.resolve().with_name(f"{folder.resolve().name}{HELD_OUT_SUFFIX}")
    told = public.manifest["sibling"]
    if not told["items"] or not beside.is_dir():
        return [public]
    held_out = _read_verified(beside)
    if held_out.manifest["row_hash"] != told["row_hash"]:
        raise DataError(
            f"{beside} is not the held-out split of {folder}. Put that one there, or move this one away."
        )
    return [public, held_out]


def _check_configuration(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a release; raise `DataError` where it is none that could stand here."""
    configuration = _drop_nothing(manifest["configuration"])
    try:
        Config.model_validate(configuration)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]
        )
        raise DataError(f"{folder}: its configuration is none of finebench's ({faults}).") from None
    return dict(configuration)


def _forget_keys(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with no key named: a stranger's endpoint must not be sent a variable of ours."""
    models = {
        name: model | {"key_variable": ""} for name, model in config.get("models", {}).items()
    }
    return config | {"models": models}


def _read_verified(folder: Path) -> ReleaseData:
    problems = verify_release(folder)
    if problems:
        raise DataError(f"{folder} is not what its manifest says.", problems)
    return read_release(folder)


def _find_place(workspace: Workspace, part: ReleaseData) -> Path:
    if part.split == Split.HELD_OUT:
        return workspace.get_held_out(part.version)
    return workspace.get_release(part.version)


def _write_configuration(
    workspace: Workspace,
    manifest: Mapping[str, Any],
    config: Mapping[str, Any],
    counts: Mapping[str, int],
) -> None:
    """Write ``bench.toml`` and ``dimensions.toml`` with quotas of what there is, so that none is missing."""
    import tomli_w

    told = (
        f"# Taken over from {manifest['name']} {manifest['version']}. Keys of models come from the "
        "environment and never stand here.\n# All that can stand here: `finebench new` makes a commented one.\n"
    )
    write_text(workspace.root / "bench.toml", told + tomli_w.dumps(config))
    dimensions = [
        _drop_nothing(row) | {"quota": counts[row["id"]]} for row in manifest["dimensions"]
    ]
    for dimension in dimensions:
        del dimension["items"]
    write_text(workspace.dimensions, tomli_w.dumps({"dimension": dimensions}))


def _drop_nothing(value: Any) -> Any:
    """Return the value without what is None, which TOML has no word for."""
    if isinstance(value, Mapping):
        return {name: _drop_nothing(part) for name, part in value.items() if part is not None}
    return [_drop_nothing(part) for part in value] if isinstance(value, list) else value


def _write_items(workspace: Workspace, parts: Sequence[ReleaseData]) -> None:
    """Write the items as an import, what was decided as rulings, and what was retired as withdrawals."""
    public = parts[0]
    by = name_release(public)
    rows = sorted((row for part in parts for row in part.rows), key=lambda row: row["item_id"])
    columns = TABLES[TableName.ITEM].columns
    items = [{c: row[c] if c in row else _MISSING[c] for c in columns} for row in rows]
    write_rows(workspace.root / "imports" / by.replace(" ", "-") / "items.jsonl", items)
    write_rows(workspace.rulings, _make_rulings(rows, by))
    retired = {row["item_id"]: row for part in parts for row in part.manifest.get("retired", ())}
    write_rows(
        workspace.withdrawals,
        [
            {
                "item_id": row["item_id"],
                "by": by,
                "reason": f"retired in {row['version']}: {row['reason']}",
            }
            for _, row in sorted(retired.items())
        ],
    )


def _make_rulings(rows: Iterable[Row], by: str) -> list[Row]:
    return [
        {
            "item_id": row["item_id"],
            "content_hash": row["content_hash"],
            "decision": row["decision"],
            "by": by,
            "reason": f"{row['decision']} there by {row['decision_method']}",
        }
        for row in rows
        if row["decision"] == Decision.ACCEPT
    ]


def _move(temporary: Path, path: Path) -> Workspace:
    """Give a finished workspace its name; an empty folder may stand there, as `finebench new` allows."""
    target = path.resolve()
    if target.exists():
        for made in sorted(temporary.iterdir(), key=lambda made: made.name == "bench.toml"):
            made.rename(target / made.name)
    else:
        temporary.rename(target)
    return Workspace(path)
