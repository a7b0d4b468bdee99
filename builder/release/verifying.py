"""Whether a release is what it says: its folder enters; everything in which it is not leaves.

A release proves itself: the manifest names every file with its hash, the tables must hold the rows of
``items.jsonl``, and what the manifest says of the rows must be true of them. Nothing of a workspace is
needed, so that a downloaded release is verified as one's own is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.bundle.engine.items import make_item
from builder.release.card.metadata import check_card
from builder.release.manifest import MANIFEST_FORMAT, SCORING_MODULES, hash_bundle
from builder.release.reading import ITEMS, MANIFEST
from builder.release.tables import CONFIGS, list_columns, make_config_columns, make_features
from schemas.errors import Problem, StorageError, UsageError
from schemas.storage import Row, hash_file, parse_lines, read_bytes, read_json
from schemas.tables import TABLES, TableName
from schemas.texts import canonical_json, hash_text
from schemas.validation import validate_rows

__all__ = ["list_files", "verify_release"]

_REMEDY = "Get the release anew: a released version never changes."
_FOREIGN = (".gitattributes", ".cache", "__pycache__")
_ROWS_AT_ONCE = 5_000


def list_files(folder: Path) -> dict[str, Path]:
    """Return the files of a release by their names; what the Hub and Python leave beside is passed over."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink())
        and not set(path.relative_to(folder).parts).intersection(_FOREIGN)
    }


def verify_release(folder: Path) -> list[Problem]:
    """Return everything in which a release is not what its manifest says; nothing where it all holds.

    Raises `UsageError` where the folder is no release at all.
    """
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder}: a folder without a {MANIFEST} is no release.")
    try:
        manifest = read_json(folder / MANIFEST)
    except StorageError as error:
        return [_problem(folder, MANIFEST, str(error))]
    if isinstance(form := manifest.get("format", 1), int) and form > MANIFEST_FORMAT:
        told = f"of format {form}, which a later finebench wrote"
        return [Problem(f"{folder.name}/{MANIFEST}", 0, "", "", told, "Get a newer finebench.")]
    problems = [*_check_files(folder, manifest)]
    rows, broken = _read_rows(folder)
    problems += broken
    if rows:
        problems += _check_rows(folder, manifest, rows)
        problems += _check_tables(folder, manifest, rows)
    problems += [*_check_evaluator(folder, manifest), *_check_words(folder, manifest)]
    card = folder / "README.md"
    if manifest.get("format", 1) >= MANIFEST_FORMAT and card.is_file():
        problems += check_card(card.read_text(encoding="utf-8", errors="replace"), folder)
    return problems


def _problem(folder: Path, file: str, rule: str, value: str = "") -> Problem:
    return Problem(f"{folder.name}/{file}", 0, "", value, rule, _REMEDY)


def _check_files(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    named = manifest.get("files")
    if not isinstance(named, dict):
        yield _problem(folder, MANIFEST, "names no files")
        return
    found = list_files(folder)
    found.pop(MANIFEST, None)
    for name in sorted({*named, *found}):
        if name not in named:
            yield _problem(folder, name, "not in the manifest")
        elif name not in found or not found[name].is_file():
            yield _problem(folder, name, "missing")
        elif hash_file(found[name]) != named[name]:
            yield _problem(folder, name, "not the file that the manifest names")


def _read_rows(folder: Path) -> tuple[list[Row], list[Problem]]:
    path = folder / ITEMS
    if not path.is_file():
        return [], [_problem(folder, ITEMS, "missing: nothing can be scored")]
    lines, problems = parse_lines(read_bytes(path), f"{folder.name}/{ITEMS}")
    if not lines and not problems:
        return [], [_problem(folder, ITEMS, "holds no items")]
    rows = [line.row for line in lines]
    numbers = [line.number for line in lines]
    broken = validate_rows(rows, TableName.RELEASE, file=f"{folder.name}/{ITEMS}", lines=numbers)
    return ([] if problems or broken else rows), [*problems, *broken]


def _check_rows(
    folder: Path, manifest: Mapping[str, Any], rows: Sequence[Row]
) -> Iterator[Problem]:
    """Compare what the manifest says of the rows with the rows."""
    ids = [row["item_id"] for row in rows]
    said = {
        "row_hash": hash_file(folder / ITEMS),
        "items": len(rows),
        "decisions": dict(sorted(Counter(row["decision"] for row in rows).items())),
    }
    if manifest.get("format", 1) >= MANIFEST_FORMAT:
        said["languages"] = sorted({row["language"] for row in rows})
        said["dimensions"] = dict(sorted(Counter(row["dimension"] for row in rows).items()))
    for name, value in said.items():
        told = manifest.get(name)
        if name == "dimensions":
            told = {d["id"]: d["items"] for d in manifest.get("dimensions", ()) if d["items"]}
        if told != value:
            yield _problem(folder, MANIFEST, f"says {told!r}, but the rows give {value!r}", name)
    if ids != sorted(ids):
        yield _problem(folder, ITEMS, "is not sorted by id")
    if back := sorted({row["item_id"] for row in manifest.get("retired", ())}.intersection(ids)):
        yield _problem(
            folder, ITEMS, "holds items that the manifest calls retired", ", ".join(back)
        )


def _check_tables(
    folder: Path, manifest: Mapping[str, Any], rows: Sequence[Row]
) -> Iterator[Problem]:
    """Compare the Parquet file of each config with what the rows give."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    split = manifest.get("split", "test")
    dimensions = [d["id"] for d in manifest.get("dimensions", ())]
    for config in CONFIGS:
        name = f"data/{config}/{split}-00000-of-00001.parquet"
        if not (folder / name).is_file():
            yield _problem(folder, name, "missing")
            continue
        try:
            with pq.ParquetFile(folder / name) as file:
                fault = _compare_table(file, config, rows, dimensions)
        except (pa.ArrowException, OSError) as error:
            fault = f"cannot be read ({error})"
        if fault:
            yield _problem(folder, name, fault)


def _compare_table(file: Any, config: str, rows: Sequence[Row], dimensions: Sequence[str]) -> str:
    """Return how a table differs from what the rows give; an empty text where it does not."""
    columns = list_columns(config, TABLES[TableName.RELEASE].columns)
    if sorted(file.schema_arrow.names) != sorted(columns):
        return f"has the columns {', '.join(file.schema_arrow.names)}"
    if file.metadata.num_rows != len(rows):
        return f"has {file.metadata.num_rows} rows, not {len(rows)}"
    names = dimensions or _read_labels(file)
    if dimensions and not file.schema_arrow.equals(
        make_features(file.schema_arrow.names, dimensions).arrow_schema, check_metadata=True
    ):
        return "has other features than a release of these dimensions"
    start = 0
    for batch in file.iter_batches(_ROWS_AT_ONCE):
        chunk = rows[start : start + batch.num_rows]
        wanted = make_config_columns(config, chunk, [make_item(row) for row in chunk])
        for column, values in wanted.items():
            found = batch.column(column).to_pylist()
            if column == "dimension":
                found = [names[label] for label in found]
            if found != values:
                pairs = enumerate(zip(found, values, strict=True))
                first = next(i for i, (a, b) in pairs if a != b)
                return f"differs from {ITEMS} in {column} of {chunk[first]['item_id']}"
        start += batch.num_rows
    return ""


def _read_labels(file: Any) -> list[str]:
    from datasets import Features

    return list(Features.from_arrow_schema(file.schema_arrow)["dimension"].names)


def _check_evaluator(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    told = manifest.get("evaluator")
    if not isinstance(told, dict):
        return
    root = folder / "evaluator"
    paths = [path for name, path in list_files(folder).items() if name.startswith("evaluator/")]
    scoring = [root / "engine" / f"{name}.py" for name in SCORING_MODULES]
    found = {
        "hash": hash_bundle(root, [path for path in paths if path.suffix == ".py"]),
        "scoring_hash": hash_bundle(root, [path for path in scoring if path.is_file()]),
    }
    for name, value in found.items():
        if told.get(name) != value:
            yield _problem(folder, "evaluator", f"is not the evaluator of the manifest ({name})")


def _check_words(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """Check what the manifest says of itself: configuration, guidelines, gates and waivers."""
    if "configuration" in manifest and isinstance(manifest["configuration"], dict):
        digest = hash_text(canonical_json(manifest["configuration"]))
        if manifest.get("configuration_hash") != digest:
            yield _problem(folder, MANIFEST, "names another hash than its configuration has")
    guidelines = folder / "guidelines.md"
    if guidelines.is_file() and manifest.get("guidelines") != hash_file(guidelines):
        yield _problem(folder, "guidelines.md", "is not what the manifest names")
    for gate in manifest.get("gates", ()):
        if not gate.get("passed") and not gate.get("waiver"):
            yield _problem(
                folder, MANIFEST, f"the gate {gate.get('name')} failed and is not waived"
            )
