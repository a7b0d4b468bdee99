"""A release proves itself: whatever is changed in it is found and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.release.verifying import verify_release
from schemas.errors import UsageError
from schemas.storage import hash_file

Damage = Callable[[Path], object]


@pytest.fixture
def folder(released_unchanged: Path, tmp_path: Path) -> Path:
    """A copy of a release, to be damaged."""
    return shutil.copytree(released_unchanged / "releases" / "1.0.0", tmp_path / "1.0.0")


def _edit_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def _sign_anew(folder: Path) -> None:
    """Write the hashes of all files into the manifest, as a forger would."""

    def sign(manifest: dict[str, Any]) -> None:
        for name in manifest["files"]:
            manifest["files"][name] = hash_file(folder / name)
        manifest["row_hash"] = manifest["files"]["evaluator/items.jsonl"]

    _edit_manifest(folder, sign)


def _swap_options(folder: Path) -> None:
    path = folder / "data" / "mcq_order_1" / "test-00000-of-00001.parquet"
    table = pq.read_table(path)
    names = [
        "option_b" if n == "option_a" else "option_a" if n == "option_b" else n
        for n in table.column_names
    ]
    pq.write_table(table.rename_columns(names).select(table.column_names).cast(table.schema), path)
    _sign_anew(folder)


def _drop_rows(folder: Path) -> None:
    path = folder / "data" / "open" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    _sign_anew(folder)


def _add_column(folder: Path) -> None:
    path = folder / "data" / "open" / "test-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("more", pa.array(["x"] * table.num_rows)), path)
    _sign_anew(folder)


def _edit_item(folder: Path) -> None:
    path = folder / "evaluator" / "items.jsonl"
    first, _, rest = path.read_text().partition("\n")
    row = json.loads(first)
    path.write_text(json.dumps(row | {"question": f"{row['question']} Really?"}) + "\n" + rest)
    _sign_anew(folder)


def _edit_parser(folder: Path) -> None:
    path = folder / "evaluator" / "engine" / "parsing.py"
    path.write_text(path.read_text() + "\n# a change\n")
    _sign_anew(folder)


def _retire(manifest: dict[str, Any], folder: Path) -> None:
    row = json.loads((folder / "evaluator" / "items.jsonl").read_text().partition("\n")[0])
    manifest["retired"] = [{"item_id": row["item_id"]}]


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a byte of a table": (
        lambda f: (f / "data/open/test-00000-of-00001.parquet").write_bytes(b"PAR1"),
        "not the file that the manifest names",
    ),
    "a file gone": (lambda f: (f / "guidelines.md").unlink(), "missing"),
    "a file more": (lambda f: (f / "extra.txt").write_text("x"), "not in the manifest"),
    "no JSON": (lambda f: (f / "manifest.json").write_text("{"), "damaged"),
    "options swapped and signed anew": (_swap_options, "differs from evaluator/items.jsonl in option_a"),
    "a row gone and signed anew": (_drop_rows, "rows, not"),
    "a column more and signed anew": (_add_column, "has the columns"),
    "a text edited and signed anew": (_edit_item, "hash matches content"),
    "the parser edited and signed anew": (_edit_parser, "is not the evaluator of the manifest"),
    "counts": (
        lambda f: _edit_manifest(f, lambda m: m.update(items=1)),
        "says 1, but the rows give",
    ),
    "dimensions": (
        lambda f: _edit_manifest(f, lambda m: m["dimensions"].pop()),
        "says",
    ),
    "a retired item": (lambda f: _edit_manifest(f, lambda m: _retire(m, f)), "calls retired"),
    "a gate": (
        lambda f: _edit_manifest(f, lambda m: m["gates"][0].update(passed=False)),
        "failed and is not waived",
    ),
    "the configuration": (
        lambda f: _edit_manifest(f, lambda m: m["configuration"].update(seed=1)),
        "another hash than its configuration",
    ),
    "a later format": (
        lambda f: _edit_manifest(f, lambda m: m.update(format=99)),
        "a later finebench wrote",
    ),
}  # fmt: skip


def test_a_release_as_exported_holds(folder: Path) -> None:
    """What the Hub and Python leave beside its files is no difference."""
    (folder / ".gitattributes").write_text("*.parquet filter=lfs\n")
    (folder / "evaluator" / "engine" / "__pycache__").mkdir()
    (folder / "evaluator" / "engine" / "__pycache__" / "x.pyc").write_bytes(b"")
    assert verify_release(folder) == []


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_is_found_and_named(folder: Path, name: str) -> None:
    """A score is worth as much as the data it was made on; a forger who signs anew is found too."""
    damage, told = DAMAGES[name]
    damage(folder)
    problems = verify_release(folder)
    assert any(told in str(problem) for problem in problems), list(map(str, problems))


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    """Verifying a wrong folder must not look like a release in which all is missing."""
    with pytest.raises(UsageError, match="is no release"):
        verify_release(tmp_path)
