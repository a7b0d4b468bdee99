"""Whether a release is what it says: its folder enters; everything in which it is not leaves.

A release proves itself: the manifest names every file with its hash, the card names the hash of what the
manifest says, the tables must hold the rows of ``items.jsonl``, and what the manifest says of the rows must be
true of them. Nothing of a workspace is needed, so that a downloaded release is verified as one's own is.
Whoever writes all of it anew, card and hashes too, has made another release: only where it was got from
(a commit of the Hub) tells the two apart.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.bundle.engine.items import Item, make_item
from builder.release.card.metadata import check_card
from builder.release.gates import GATES
from builder.release.manifest import (
    hash_evaluator,
)
from builder.release.manifest_shape import MANIFEST_FORMAT, find_misshapen, hash_facts
from builder.release.reading import ITEMS, MANIFEST
from builder.release.tables import (
    CONFIGS,
    list_columns,
    make_choice_columns,
    make_columns,
    make_features,
    name_table,
)
from schemas.errors import Problem, StorageError, UsageError
from schemas.storage import Row, hash_file, parse_lines, read_bytes, read_json
from schemas.tables import TABLES, TableName
from schemas.texts import canonical_json, hash_text
from schemas.validation import validate_rows

__all__ = ["list_files", "verify_release"]

_REMEDY = "Get the release anew: a released version never changes."
_ROWS_AT_ONCE = 5_000
# What the Hub and its client leave beside the files of a release.
_FOREIGN = ".gitattributes"
_FOREIGN_FOLDER = ".cache/huggingface/"


def list_files(folder: Path) -> dict[str, Path]:
    """Return the files of a release by their names; what the Hub leaves beside is passed over."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() or path.is_symlink()
    }
    return {
        name: path
        for name, path in found.items()
        if name != _FOREIGN and not name.startswith(_FOREIGN_FOLDER)
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
    form = manifest.get("format", 1)
    if form != MANIFEST_FORMAT:
        later = isinstance(form, int) and form > MANIFEST_FORMAT
        told = "which a later finebench wrote" if later else "which says too little to verify it by"
        cure = "Get a newer finebench." if later else "Export the next version with this finebench."
        return [Problem(f"{folder.name}/{MANIFEST}", 0, "format", repr(form), told, cure)]
    if misshapen := find_misshapen(manifest):
        return [_problem(folder, MANIFEST, rule, place) for place, rule in misshapen]
    problems = [*_check_files(folder, manifest), *_check_links(folder)]
    rows, broken = _read_rows(folder)
    problems += broken
    if rows:
        problems += _check_rows(folder, manifest, rows)
        problems += _check_tables(folder, manifest, rows)
    problems += _check_evaluator(folder, manifest)
    problems += _check_words(folder, manifest)
    return problems + _check_card(folder, manifest)


def _check_card(folder: Path, manifest: Mapping[str, Any]) -> list[Problem]:
    """Check the card's head, and that it was written from this manifest: it names the hash of what that says."""
    path = folder / "README.md"
    if not path.is_file():
        return [_problem(folder, path.name, "missing")]
    text = path.read_text(encoding="utf-8", errors="replace")
    problems = check_card(text, folder)
    if f"`{hash_facts(manifest)}`" not in text:
        rule = "says otherwise than when the card was written: the card names another hash of it"
        problems.append(_problem(folder, MANIFEST, rule))
    return problems


def _check_links(folder: Path) -> Iterator[Problem]:
    """Yield links that lead out of the release; those of the Hub's client lead into its store beside."""
    store = folder.resolve().parent.parent / "blobs"
    for name, path in list_files(folder).items():
        if path.is_symlink() and not path.resolve().is_relative_to(store):
            yield _problem(folder, name, "is a link to another place")


def _problem(folder: Path, file: str, rule: str, value: str = "") -> Problem:
    return Problem(f"{folder.name}/{file}", 0, "", value, rule, _REMEDY)


def _check_files(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    named = manifest["files"]
    found = list_files(folder)
    found.pop(MANIFEST, None)
    for name in sorted({*named, *found}):
        if name not in named:
            cure = "Remove it, if you put it there; else get the release anew."
            yield Problem(f"{folder.name}/{name}", 0, "", "", "not in the manifest", cure)
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
    kinds = {(row["dimension"], row["kind"]) for row in rows}
    said = {
        "row_hash": (manifest["row_hash"], hash_file(folder / ITEMS)),
        "items": (manifest["items"], len(rows)),
        "decisions": (manifest["decisions"], _count(rows, "decision")),
        "languages": (manifest["languages"], sorted({row["language"] for row in rows})),
        "dimensions": (
            {d["id"]: d["items"] for d in manifest["dimensions"] if d["items"]},
            _count(rows, "dimension"),
        ),
        "kinds": (
            sorted({(d["id"], d["kind"]) for d in manifest["dimensions"] if d["items"]}),
            sorted(kinds),
        ),
    }
    for name, (told, value) in said.items():
        if told != value:
            yield _problem(folder, MANIFEST, f"says {told!r}, but the rows give {value!r}", name)
    if ids != sorted(ids):
        yield _problem(folder, ITEMS, "is not sorted by id")
    if back := sorted({row["item_id"] for row in manifest["retired"]}.intersection(ids)):
        yield _problem(
            folder, ITEMS, "holds items that the manifest calls retired", ", ".join(back)
        )


def _count(rows: Sequence[Row], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] for row in rows).items()))


def _check_tables(
    folder: Path, manifest: Mapping[str, Any], rows: Sequence[Row]
) -> Iterator[Problem]:
    """Compare the Parquet file of each config with what the rows give."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    split = manifest["split"]
    dimensions = [d["id"] for d in manifest["dimensions"]]
    full, items = make_columns(rows), [make_item(row) for row in rows]
    for config in CONFIGS:
        name = name_table(config, split)
        if not (folder / name).is_file():
            yield _problem(folder, name, "missing")
            continue
        try:
            with pq.ParquetFile(folder / name) as file:
                fault = _compare_table(file, config, full, items, dimensions)
        except (pa.ArrowException, OSError) as error:
            fault = f"cannot be read ({error})"
        if fault:
            yield _problem(folder, name, fault)


def _compare_table(
    file: Any,
    config: str,
    full: Mapping[str, list[Any]],
    items: Sequence[Item],
    dimensions: Sequence[str],
) -> str:
    """Return how a table differs from what the full one gives; an empty text where it does not."""
    columns = list_columns(config, TABLES[TableName.RELEASE].columns)
    if sorted(file.schema_arrow.names) != sorted(columns):
        return f"has the columns {', '.join(file.schema_arrow.names)}"
    if file.metadata.num_rows != len(items):
        return f"has {file.metadata.num_rows} rows, not {len(items)}"
    if not file.schema_arrow.equals(
        make_features(file.schema_arrow.names, dimensions).arrow_schema, check_metadata=True
    ):
        return "has other features than a release of these dimensions"
    start = 0
    for batch in file.iter_batches(_ROWS_AT_ONCE):
        part = slice(start, start + batch.num_rows)
        own = make_choice_columns(config, items[part])
        for column in columns:
            values = own[column] if column in own else full[column][part]
            found = batch.column(column).to_pylist()
            if column == "dimension":
                found = [dimensions[label] for label in found]
            if found != values:
                pairs = enumerate(zip(found, values, strict=True))
                first = next(i for i, (a, b) in pairs if a != b)
                return f"differs from {ITEMS} in {column} of {items[start + first].item_id}"
        start += batch.num_rows
    return ""


def _check_evaluator(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    told = manifest["evaluator"]
    found = hash_evaluator(folder / "evaluator")
    for name, value in found.items():
        if told.get(name) != value:
            yield _problem(folder, "evaluator", f"is not the evaluator of the manifest ({name})")


def _check_words(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """Check what the manifest says of itself: configuration, guidelines, prompts, gates and waivers."""
    configuration = manifest["configuration"]
    if manifest["configuration_hash"] != hash_text(canonical_json(configuration)):
        yield _problem(folder, MANIFEST, "names another hash than its configuration has")
    for name in ("name", "title", "license", "seed"):
        if configuration.get(name) != manifest[name]:
            yield _problem(folder, MANIFEST, "is not what the configuration says", name)
    guidelines = folder / "guidelines.md"
    if guidelines.is_file() and manifest["guidelines"] != hash_file(guidelines):
        yield _problem(folder, "guidelines.md", "is not what the manifest names")
    names = [gate["name"] for gate in manifest["gates"]]
    if sorted(names) != sorted(GATES):
        yield _problem(folder, MANIFEST, f"tells of the gates {', '.join(names)}")
    waivers = {gate["name"]: gate["waiver"] for gate in manifest["gates"] if gate["waiver"]}
    if waivers != manifest["waivers"]:
        yield _problem(folder, MANIFEST, "names other waivers than its gates")
    for gate in manifest["gates"]:
        if not gate["passed"] and not gate["waiver"]:
            yield _problem(folder, MANIFEST, f"the gate {gate['name']} failed and is not waived")
