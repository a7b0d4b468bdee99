"""Croissant metadata: what a machine reads of a release is what the release holds."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from release_kinds import HOSTILE, release_reviewed
from workspaces import RunCommand, read_release

from builder.release.card.tally import make_tally
from builder.release.croissant import CROISSANT, make_croissant
from schemas.storage import hash_file, read_rows

PEER = Path(__file__).parents[1] / ".venv" / "peers" / "bin" / "mlcroissant"


def read_croissant(folder: Path) -> dict[str, Any]:
    """Return the metadata of a release."""
    found: dict[str, Any] = json.loads((folder / CROISSANT).read_text(encoding="utf-8"))
    return found


def test_files_are_named_by_relative_paths_with_their_hashes(released_unchanged: Path) -> None:
    """A release may lie anywhere: no address and no path of this machine is in it."""
    folder, _, manifest = read_release(released_unchanged)
    document = read_croissant(folder)
    for node in document["distribution"]:
        assert node["contentUrl"] == node["@id"]
        assert node["sha256"] == hash_file(folder / node["contentUrl"])
        assert node["sha256"] == manifest["files"][node["contentUrl"]]
        assert node["contentSize"] == f"{(folder / node['contentUrl']).stat().st_size} B"
    assert str(released_unchanged) not in (folder / CROISSANT).read_text(encoding="utf-8")
    assert document["version"] == "1.0.0"


def test_every_column_of_every_table_is_a_field(released_unchanged: Path) -> None:
    """Fields are those of the Parquet files, each with a note, and the dimension with its names."""
    import pyarrow.parquet as pq

    folder, _, manifest = read_release(released_unchanged)
    records = {record["@id"]: record for record in read_croissant(folder)["recordSet"]}
    assert list(records) == ["dimensions", "items", "open", "mcq_order_1", "mcq_order_2"]
    for name in list(records)[1:]:
        (path,) = {f["source"]["fileObject"]["@id"] for f in records[name]["field"]}
        columns = {f["source"]["extract"]["column"] for f in records[name]["field"]}
        assert columns == set(pq.read_schema(folder / path).names)
        assert all(field["description"] for field in records[name]["field"])
    labels = [row["dimensions/name"] for row in records["dimensions"]["data"]]
    assert labels == [dimension["id"] for dimension in manifest["dimensions"]]


def test_it_is_the_same_however_the_manifest_is_ordered(released_unchanged: Path) -> None:
    """From the folder alone the same bytes are made again."""
    folder, rows, manifest = read_release(released_unchanged)
    text = (folder / CROISSANT).read_text(encoding="utf-8")
    shuffled = dict(reversed(manifest.items()))
    assert make_croissant(shuffled, make_tally(rows), folder) == text


def test_what_is_known_of_people_limits_and_uses_is_told(released_unchanged: Path) -> None:
    """The vocabulary for responsible AI is filled from the manifest, in plain text."""
    document = read_croissant(read_release(released_unchanged)[0])
    told = {key: value for key, value in document.items() if key.startswith("rai:")}
    assert "3 simulated reviewers gave" in told["rai:dataAnnotationProtocol"]
    assert any("Simulation." in limit for limit in told["rai:dataBiases"])
    assert any(
        "AC1 of simulated reviewers on safer" in a for a in told["rai:dataAnnotationAnalysis"]
    )
    assert "rai:annotatorDemographics" not in told, "nothing was stated"
    for text in re.findall(r'"rai:.*?(?="rai:|\Z)', json.dumps(told)):
        assert "**" not in text
        assert "&#" not in text


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, finebench: RunCommand) -> Path:
    """The releases of a workspace with a hostile title, votes and a held-out part."""
    return release_reviewed(tmp_path_factory.mktemp("people") / "bench", finebench) / "releases"


def test_hostile_texts_are_shown_as_they_were_written(reviewed: Path) -> None:
    """JSON quotes them; Markdown's escapes are not in them."""
    document = read_croissant(reviewed / "1.0.0")
    assert document["alternateName"] == " ".join(HOSTILE.split())
    assert document["creator"] == [
        {"@type": "sc:Person", "name": "Ada Example"},
        {"@type": "sc:Organization", "name": "Some | Lab <x>"},
    ]
    assert document["url"] == "https://example.org/bench"
    assert "# One country's law. --- | a | b |" in document["rai:dataBiases"]
    assert "pay: $20 an hour." in document["rai:annotatorDemographics"]
    votes = next(r for r in document["recordSet"] if r["@id"] == "votes")
    assert len(votes["field"]) == 14


def run_peer(folder: Path, *arguments: str) -> str:
    """Run mlcroissant on the metadata of a folder, without a network to reach for."""
    if not PEER.exists():
        pytest.skip("mlcroissant is not in .venv/peers: run `make test`")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "no_proxy": "*"}
    environment |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = [str(PEER), arguments[0], "--jsonld", CROISSANT, *arguments[1:]]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    told = result.stdout + result.stderr
    assert result.returncode == 0, told[-3000:]
    return told


@pytest.mark.slow
@pytest.mark.parametrize("part", ["1.0.0", "1.0.0-held-out"])
def test_mlcroissant_accepts_and_loads_a_release(reviewed: Path, part: str, tmp_path: Path) -> None:
    """The reference library validates the metadata without a warning, and reads every row by them."""
    folder = shutil.copytree(reviewed / part, tmp_path / "elsewhere")
    validated = run_peer(folder, "validate")
    assert "Done." in validated
    assert not re.search(r"warning|error", validated, re.IGNORECASE), validated
    rows = read_rows(folder / "evaluator" / "items.jsonl")
    for record in ("items", "open", "mcq_order_1", "mcq_order_2", "votes", "dimensions"):
        loaded = run_peer(folder, "load", "--record_set", record, "--num_records", "-1")
        found = [line for line in loaded.splitlines() if line.startswith("{")]
        if record == "votes":
            assert len(found) == len(read_rows(folder / "annotations" / "votes.jsonl"))
        elif record != "dimensions":
            assert len(found) == len(rows)
            assert all(row["item_id"] in line for row, line in zip(rows, found, strict=True))
