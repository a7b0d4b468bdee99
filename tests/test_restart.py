"""The next version from a published one: nothing that the release knew is lost, and nothing is made up."""

import json
import shutil
from pathlib import Path

import pytest
from workspaces import RunCommand, first_item, hash_tree

from builder.release.manifest_shape import hash_facts
from builder.release.restart import start_from_release
from schemas.errors import DataError, UsageError
from schemas.storage import hash_file, read_rows
from schemas.texts import canonical_json, hash_text


def _start(released: Path, target: Path) -> Path:
    return start_from_release(target, released / "releases" / "1.0.0").root


def _walk(path: Path, finebench: RunCommand) -> None:
    finebench(path, "build")
    finebench(path, "check", code=0)
    assert "Next: finebench adjudicate" in finebench(path, "status").stderr
    finebench(path, "adjudicate")


def test_a_release_taken_up_and_exported_again_is_the_same_items(
    released_unchanged: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Ids, families, provenance, letters and decisions come through, byte for byte."""
    path = _start(released_unchanged, tmp_path / "next")
    _walk(path, finebench)
    assert "finebench" in finebench(path, "status").output
    finebench(path, "export", "1.0.1")
    items = [path / "releases" / v / "evaluator" / "items.jsonl" for v in ("1.0.0", "1.0.1")]
    assert items[0].read_bytes() == items[1].read_bytes()
    manifest = json.loads((path / "releases" / "1.0.1" / "manifest.json").read_text())
    before = json.loads((path / "releases" / "1.0.0" / "manifest.json").read_text())
    assert manifest["previous"] == "1.0.0"
    assert manifest["canary"] == before["canary"]
    assert manifest["retired"] == []
    assert manifest["review"]["of_version"] == "1.0.0"
    assert manifest["review"]["agreement"] == before["review"]["agreement"]


def test_how_an_item_was_decided_is_not_forgotten_over_versions(
    released_unchanged: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """The word "simulated" must not be lost because a release stands between."""
    path = _start(released_unchanged, tmp_path / "next")
    _walk(path, finebench)
    for version in ("1.0.1", "1.1.0", "2.0.0"):
        finebench(path, "export", version)
    tables = [path / "releases" / v / "evaluator" / "items.jsonl" for v in ("1.0.0", "2.0.0")]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    assert "simulated" in read_rows(tables[1])[0]["decided_by"]


def test_nobody_is_asked_to_take_up_a_release(released_unchanged: Path, tmp_path: Path) -> None:
    """Whoever starts a version from a published one need not own the models that wrote it."""
    path = _start(released_unchanged, tmp_path / "next")
    assert not (path / "journal" / "calls.jsonl").exists()
    assert len(read_rows(path / "02_options.jsonl")) == len(read_rows(path / "rulings.jsonl"))


def test_an_item_retired_in_one_version_stays_retired_in_the_next(
    released: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Its id and the reason are carried along, also over a start from the release, and it cannot return."""
    item = first_item(released)
    finebench(released, "withdraw", item["item_id"], "--reason", "names a real town")
    finebench(released, "build")
    finebench(released, "export", "1.1.0")
    second = json.loads((released / "releases" / "1.1.0" / "manifest.json").read_text())
    (retired,) = second["retired"]
    assert retired == {
        "item_id": item["item_id"],
        "content_hash": item["content_hash"],
        "dimension": item["dimension"],
        "version": "1.1.0",
        "reason": "withdrawn: names a real town",
    }
    path = start_from_release(tmp_path / "next", released / "releases" / "1.1.0").root
    imported = path / "imports" / "bench-1.1.0" / "items.jsonl"
    imported.write_text(imported.read_text() + json.dumps(item, sort_keys=True) + "\n")
    finebench(path, "build")
    assert item["item_id"] not in {row["item_id"] for row in read_rows(path / "03_checked.jsonl")}
    rejected = {r["item_id"]: r["reasons"] for r in read_rows(path / "03_checked.rejected.jsonl")}
    assert "retired in 1.1.0: withdrawn: names a real town" in rejected[item["item_id"]]
    _walk(path, finebench)
    finebench(path, "export", "1.2.0")
    third = json.loads((path / "releases" / "1.2.0" / "manifest.json").read_text())
    assert third["retired"] == second["retired"]


def test_questions_that_came_with_a_release_are_kept_when_more_are_asked_for(
    released_unchanged: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """They count towards the quota, stand once, and are never rewritten by a repair."""
    path = _start(released_unchanged, tmp_path / "next")
    dimensions = (path / "dimensions.toml").read_text()
    (path / "dimensions.toml").write_text(dimensions.replace("quota = 40", "quota = 42"))
    config = (
        path / "bench.toml"
    ).read_text()  # another seed: the simulator would say the same again
    (path / "bench.toml").write_text(config.replace("seed = 231105915", "seed = 7"))
    finebench(path, "build")
    items = read_rows(path / "02_options.jsonl")
    before = {row["item_id"] for row in read_rows(path / "releases/1.0.0/evaluator/items.jsonl")}
    assert len(items) == len({row["item_id"] for row in items}) > len(before)
    assert before < {row["item_id"] for row in items}
    finebench(path, "generate")
    assert read_rows(path / "02_options.jsonl") == items


def test_held_out_items_come_along_where_they_lie_beside(
    released: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Their owner goes on with both splits; they stay where they were."""
    with (released / "bench.toml").open("a") as stream:
        stream.write("\n[release]\nheld_out = 0.3\n")
    (released / "releases" / "1.0.0").rename(released / "gone")
    finebench(released, "export", "1.0.0", "--waive", "option-leak=too few to tell")
    path = _start(released, tmp_path / "next")
    _walk(path, finebench)
    finebench(path, "export", "1.0.1", "--waive", "option-leak=too few to tell")
    for name in ("", "-held-out"):
        tables = [
            path / "releases" / f"{v}{name}" / "evaluator/items.jsonl" for v in ("1.0.0", "1.0.1")
        ]
        assert tables[0].read_bytes() == tables[1].read_bytes()


def test_a_damaged_release_makes_no_workspace(released: Path, tmp_path: Path) -> None:
    """What was changed after its release must not become the ground of the next."""
    (released / "releases" / "1.0.0" / "guidelines.md").write_text("changed")
    with pytest.raises(DataError, match="not what its manifest says") as caught:
        _start(released, tmp_path / "next")
    assert any("guidelines" in str(problem) for problem in caught.value.problems)
    assert list(tmp_path.glob("*next*")) == []


def test_nothing_that_stands_there_is_written_over(
    released_unchanged: Path, tmp_path: Path
) -> None:
    """A second `new --from` into the same folder is a mistake."""
    path = _start(released_unchanged, tmp_path / "next")
    before = hash_tree(path)
    with pytest.raises(UsageError, match="exists already"):
        _start(released_unchanged, path)
    assert hash_tree(path) == before


def _hold_out(released: Path, finebench: RunCommand) -> None:
    with (released / "bench.toml").open("a") as stream:
        stream.write("\n[release]\nheld_out = 0.3\n")
    (released / "releases" / "1.0.0").rename(released / "gone")
    finebench(released, "export", "1.0.0", "--waive", "option-leak=too few to tell")


def test_a_held_out_split_is_not_the_start_of_a_public_version(
    released: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Its items would be public with the next export."""
    _hold_out(released, finebench)
    folder = released / "releases" / "1.0.0-held-out"
    told = finebench(tmp_path, "new", str(tmp_path / "next"), "--from", str(folder), code=2).stderr
    assert "is a held-out split" in told
    assert not (tmp_path / "next").exists()


def test_a_foreign_folder_beside_is_not_taken_for_the_held_out_part(
    released: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """The public manifest names the hash of the rows that were held out of it."""
    _hold_out(released, finebench)
    public = released / "releases" / "1.0.0"
    shutil.copytree(public, tmp_path / "1.0.0")
    first = first_item(released)["item_id"]
    finebench(released, "withdraw", first, "--reason", "unclear")
    finebench(released, "build")
    finebench(released, "export", "--next", "--waive", "option-leak=too few to tell")
    other = released / "releases" / "1.0.0-held-out"
    manifest = json.loads((other / "manifest.json").read_text())
    shutil.copytree(other, tmp_path / "1.0.0-held-out")
    own = json.loads((tmp_path / "1.0.0" / "manifest.json").read_text())
    assert manifest["row_hash"] == own["sibling"]["row_hash"], "the right one is taken"
    start_from_release(tmp_path / "right", tmp_path / "1.0.0")
    shutil.rmtree(tmp_path / "1.0.0-held-out")
    shutil.copytree(released / "releases" / "1.0.0", tmp_path / "1.0.0-held-out")
    with pytest.raises(DataError, match="is not the held-out split"):
        start_from_release(tmp_path / "wrong", tmp_path / "1.0.0")


def test_somebody_elses_version_does_without_the_held_out_split(
    released: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Who takes up a published release has the public part alone, and is told so."""
    _hold_out(released, finebench)
    shutil.copytree(released / "releases" / "1.0.0", tmp_path / "1.0.0")
    path = tmp_path / "next"
    told = finebench(tmp_path, "new", str(path), "--from", str(tmp_path / "1.0.0")).stderr
    assert "1.0.0-held-out stays with its owner" in told
    _walk(path, finebench)
    finebench(path, "export", "1.1.0", "--waive", "option-leak=too few to tell")
    items = [path / "releases" / v / "evaluator" / "items.jsonl" for v in ("1.0.0", "1.1.0")]
    assert items[0].read_bytes() == items[1].read_bytes()


def _rewrite(folder: Path, configuration: dict[str, object], **told: object) -> None:
    """Write a release's configuration and manifest anew, with all hashes, as its maker could have."""
    path, card = folder / "manifest.json", folder / "README.md"
    manifest = json.loads(path.read_text())
    before = hash_facts(manifest)
    manifest |= told
    manifest["configuration"] |= configuration
    manifest["configuration_hash"] = hash_text(canonical_json(manifest["configuration"]))
    card.write_text(card.read_text().replace(before, hash_facts(manifest)))
    manifest["files"]["README.md"] = hash_file(card)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/b", "x\n[models]", "x" * 200])
def test_a_name_that_is_a_path_makes_no_workspace(
    released: Path, tmp_path: Path, name: str
) -> None:
    """A release comes from a stranger: nothing is written outside of the new folder."""
    folder = released / "releases" / "1.0.0"
    _rewrite(folder, {"name": name}, name=name)
    with pytest.raises(DataError, match="configuration is none of finebench's"):
        start_from_release(tmp_path / "next", folder)
    assert list(tmp_path.glob("*next*")) == []


def test_a_strangers_release_is_taken_up_without_keys_and_names_none_of_ours(
    released: Path, tmp_path: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its models may be real and out of reach, and its endpoint must not be sent a variable of ours."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    folder = released / "releases" / "1.0.0"
    _rewrite(
        folder,
        {
            "models": {
                name: model | {"base_url": "https://models.example/v1", "key_variable": "HOME"}
                for name, model in json.loads((folder / "manifest.json").read_text())[
                    "configuration"
                ]["models"].items()
            }
        },
    )
    told = finebench(tmp_path, "new", str(tmp_path / "next"), "--from", str(folder)).stderr
    assert "https://models.example/v1" in told
    assert "HOME" not in (tmp_path / "next" / "bench.toml").read_text()
    assert len(read_rows(tmp_path / "next" / "02_options.jsonl")) > 200
