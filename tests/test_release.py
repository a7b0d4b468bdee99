"""A release: it loads as datasets, proves its bytes, says what it is, and is never changed."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from datasets import ClassLabel, Value, load_dataset
from workspaces import RunCommand, hash_tree, read_release

from schemas.storage import read_rows
from schemas.texts import canonical_rows, hash_text

CONFIGS = ("items", "open", "mcq_order_1", "mcq_order_2")


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("streaming", [False, True])
def test_release_loads_as_a_dataset(
    released_unchanged: Path, config: str, streaming: bool, tmp_path: Path
) -> None:
    """`datasets.load_dataset` reads each config from the folder alone, with the features as stated."""
    folder, rows, _ = read_release(released_unchanged)
    dataset = load_dataset(
        str(folder), config, split="test", streaming=streaming, cache_dir=str(tmp_path)
    )
    loaded = list(dataset)
    assert [row["item_id"] for row in loaded] == [row["item_id"] for row in rows]
    features = dataset.features
    assert features["dimension"] == ClassLabel(
        names=["fairness", "individual_harm", "legality", "privacy", "civic_virtue", "control"]
    )
    assert features["question"] == Value("string")
    names = features["dimension"].names
    assert [names[row["dimension"]] for row in loaded] == [row["dimension"] for row in rows]


@pytest.mark.parametrize("order", ["mcq_order_1", "mcq_order_2"])
def test_always_choosing_a_earns_half_in_each_order(
    released_unchanged: Path, order: str, tmp_path: Path
) -> None:
    """Positions are balanced in each dimension, so that a config does not give its answer away."""
    folder, rows, _ = read_release(released_unchanged)
    loaded = load_dataset(str(folder), order, split="test", cache_dir=str(tmp_path))
    by_id = {row["item_id"]: row for row in rows}
    counts: dict[str, Counter[str]] = {}
    for row in loaded:
        item = by_id[row["item_id"]]
        shown = {"A": row["option_a"], "B": row["option_b"]}
        assert shown[row["answer"]] == item["positive_option"]
        counts.setdefault(item["dimension"], Counter())[row["answer"]] += 1
    for dimension, letters in counts.items():
        assert abs(letters["A"] - letters["B"]) <= 1, dimension
    assert abs(sum(c["A"] for c in counts.values()) - sum(c["B"] for c in counts.values())) <= 1


def test_the_two_orders_swap_every_item(released_unchanged: Path, tmp_path: Path) -> None:
    """An item that has its positive option as A in one order has it as B in the other."""
    folder, _, _ = read_release(released_unchanged)
    orders = [
        load_dataset(str(folder), c, split="test", cache_dir=str(tmp_path)) for c in CONFIGS[2:]
    ]
    for first, second in zip(*orders, strict=True):
        assert first["item_id"] == second["item_id"]
        assert {first["answer"], second["answer"]} == {"A", "B"}
        assert (first["option_a"], first["option_b"]) == (second["option_b"], second["option_a"])


def test_manifest_hashes_match_every_file(released_unchanged: Path) -> None:
    """Whoever downloads a release can tell whether a byte of it was changed."""
    folder, rows, manifest = read_release(released_unchanged)
    found = hash_tree(folder)
    found.pop("manifest.json")
    assert manifest["files"] == found
    assert manifest["row_hash"] == hash_text(canonical_rows(rows))
    assert manifest["row_hash"] == found["evaluator/items.jsonl"]
    assert manifest["items"] == len(rows)


def test_card_has_valid_metadata_and_says_what_was_simulated(released_unchanged: Path) -> None:
    """The Hub reads the YAML head; people must not take the demo for a reviewed benchmark."""
    folder, rows, _ = read_release(released_unchanged)
    _, head, body = (folder / "README.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert [config["config_name"] for config in metadata["configs"]] == list(CONFIGS)
    assert metadata["license"] == "cc-by-4.0"
    assert metadata["language"] == ["en"]
    assert "Simulated." in body
    assert "reviewers simulated" in body
    assert f"{len(rows)} items" in body
    assert not re.search(r"\$[a-z{]", body), "a slot of the template was left open"


def test_release_holds_the_evaluator_verbatim(released_unchanged: Path) -> None:
    """What is scored with from a release is the code that the suite tests."""
    folder, _, _ = read_release(released_unchanged)
    source = Path(__file__).parents[1] / "builder" / "bundle"
    for path in sorted(source.rglob("*.py")):
        copy = folder / "evaluator" / path.relative_to(source)
        assert copy.read_bytes() == path.read_bytes()


def test_a_released_version_is_never_changed(released: Path, finebench: RunCommand) -> None:
    """Exporting an existing version differently is refused, and names what would differ."""
    _, rows, _ = read_release(released)
    before = hash_tree(released / "releases")
    finebench(released, "withdraw", rows[0]["item_id"], "--reason", "test")
    finebench(released, "build")
    result = finebench(released, "export", "1.0.0", code=2)
    assert "released already" in result.stderr
    assert "data/items/test-00000-of-00001.parquet" in result.stderr
    assert hash_tree(released / "releases") == before


def test_nothing_undecided_is_released_unless_waived_by_name(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """The waiver stands in manifest, card and rows, with its reason."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "4")
    finebench(path, "build")
    finebench(path, "adjudicate")
    assert "no item is accepted" in finebench(path, "export", "0.1.0", code=1).stderr
    reasons: tuple[str, ...] = ("--waive", "undecided-items=a trial")
    held = finebench(path, "export", "0.1.0", *reasons, code=1)
    assert "option-leak" in held.stderr, "24 items are too few to show that nothing leaks"
    assert "nobody answered" in held.stderr
    reasons += ("--waive", "option-leak=too few items to tell", "--waive", "agreement=a trial")
    finebench(path, "export", "0.1.0", *reasons)
    folder = path / "releases" / "0.1.0"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["waivers"] == {
        "undecided-items": "a trial",
        "option-leak": "too few items to tell",
        "agreement": "a trial",
    }
    card = (folder / "README.md").read_text()
    assert "**undecided-items** was waived by the curator: a trial" in card
    rows = read_rows(folder / "evaluator" / "items.jsonl")
    assert {row["decision"] for row in rows} == {"undecided"}


@pytest.mark.parametrize("seconds", ["²", "-5", "99999999999999999999", "999999999999", "today"])
def test_a_date_that_is_none_is_told(
    released: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    """A build server's variable ends in a sentence, and never in a release of 1969."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", seconds)
    told = finebench(released, "export", "1.0.1", code=2).stderr
    assert "SOURCE_DATE_EPOCH is" in told
