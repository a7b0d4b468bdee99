"""A release proves itself: whatever is changed in it is found and named."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import builder.bundle
from builder.release.manifest import hash_evaluator
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
    told = {"content_hash": row["content_hash"], "version": "1.0.0", "reason": "x"}
    manifest["retired"] = [{"item_id": row["item_id"], **told}]


def _hide_code(folder: Path) -> None:
    (folder / "evaluator" / "engine" / "__pycache__").mkdir()
    (folder / "evaluator" / "engine" / "__pycache__" / "parsing.cpython-311.pyc").write_bytes(b"")


def _hide_file(folder: Path) -> None:
    (folder / "data" / ".cache").mkdir()
    (folder / "data" / ".cache" / "x").write_bytes(b"")


def _link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere.md")
    elsewhere.write_bytes((folder / "guidelines.md").read_bytes())
    (folder / "guidelines.md").unlink()
    (folder / "guidelines.md").symlink_to(elsewhere)


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
    "compiled code": (_hide_code, "not in the manifest"),
    "a link": (_link, "is a link to another place"),
    "a hidden folder": (_hide_file, "not in the manifest"),
    "counts": (
        lambda f: _edit_manifest(f, lambda m: m.update(items=1)),
        "says 1, but the rows give",
    ),
    "dimensions": (
        lambda f: _edit_manifest(f, lambda m: m["dimensions"].pop()),
        "says",
    ),
    "a retired item": (lambda f: _edit_manifest(f, lambda m: _retire(m, f)), "calls retired"),
    "a waiver": (
        lambda f: _edit_manifest(f, lambda m: m.update(waivers={"agreement": "x"})),
        "names other waivers",
    ),
    "a gate gone": (
        lambda f: _edit_manifest(f, lambda m: m["gates"].pop()),
        "tells of the gates",
    ),
    "an older format": (
        lambda f: _edit_manifest(f, lambda m: m.pop("format")),
        "says too little to verify it by",
    ),
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
    """What the Hub leaves beside its files is no difference."""
    (folder / ".gitattributes").write_text("*.parquet filter=lfs\n")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "x.lock").write_bytes(b"")
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


def test_whatever_is_not_known_to_be_harmless_shapes_scores(tmp_path: Path) -> None:
    """A module that somebody adds, or that decides what a reply means, must not pass for a patch."""
    bundle = shutil.copytree(Path(builder.bundle.__file__).parent, tmp_path / "evaluator")
    before = hash_evaluator(bundle)
    with (bundle / "engine" / "cli.py").open("a") as stream:
        stream.write("\n# a change\n")
    after = hash_evaluator(bundle)
    assert after["hash"] != before["hash"]
    assert after["scoring_hash"] == before["scoring_hash"]
    for name in ("client", "calls", "evaluation", "verdicts", "a_new_module"):
        with (bundle / "engine" / f"{name}.py").open("a") as stream:
            stream.write("\n# a change\n")
        changed = hash_evaluator(bundle)
        assert changed["scoring_hash"] != after["scoring_hash"], name
        after = changed


def test_no_reviewer_is_named_in_a_public_manifest(released_unchanged: Path) -> None:
    """Pseudonyms tell who answered what over releases; votes go out under numbers, or not at all."""
    manifest = (released_unchanged / "releases" / "1.0.0" / "manifest.json").read_text()
    assert "rounds/1/" not in manifest
    assert '"rounds":' in manifest


CHANGED = {
    "version": "9.9.9",
    "title": "Another",
    "date": "2020-01-01",
    "canary": "00000000-0000-0000-0000-000000000000",
    "previous": "0.9.0",
    "models": {},
    "review": {"reviewers": 99},
    "checks": {},
    "funnel": [],
    "stages": {},
    "retired": [],
    "versions": {"finebench": "9"},
}


@pytest.mark.parametrize("name", CHANGED)
def test_whatever_the_manifest_says_is_held_by_the_card(folder: Path, name: str) -> None:
    """A figure or a number of which no row tells cannot be changed in the manifest alone."""
    if name == "retired":
        retired = {"item_id": "x", "content_hash": "0" * 64, "version": "1.0.0", "reason": "x"}
        _edit_manifest(folder, lambda m: m.update(retired=[retired]))
    else:
        _edit_manifest(folder, lambda m: m.update({name: CHANGED[name]}))
    assert any("the card names another hash" in str(p) for p in verify_release(folder))


WRONG: tuple[Any, ...] = (None, 5, "x", [], {}, [5], [{}], ["x"], True, {"x": None})


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_manifest_ends_in_a_traceback(released_unchanged: Path, data: st.DataObject) -> None:
    """A manifest comes from a stranger: whatever stands in it, the answer is a list of problems."""
    folder = released_unchanged / "releases" / "1.0.0"
    manifest = json.loads((folder / "manifest.json").read_text())
    name = data.draw(st.sampled_from(sorted(manifest)))
    wrong = data.draw(st.sampled_from(WRONG))
    if wrong == manifest[name]:
        return
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made) / "1.0.0"
        shutil.copytree(folder, copy, copy_function=os.link)
        (copy / "manifest.json").unlink()
        (copy / "manifest.json").write_text(json.dumps(manifest | {name: wrong}))
        assert verify_release(copy)
