"""References on the Hub: the real client reads a dataset of a loopback stand-in, or says what to do."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import HubRepository, serve_hub

pytestmark = pytest.mark.server

CARD = """---
configs:
- config_name: main
  default: true
  data_files:
  - split: train
    path: data/train.parquet
  - split: test
    path: data/test.parquet
- config_name: broken
  data_files:
  - split: train
    path: data/broken.parquet
---
A dataset.
"""

# The client reads its settings when it is imported: they must be in the environment of a new process.
READ = """
import json, sys
from pathlib import Path
from builder.checks.contamination.references import fingerprint, parse_reference, read_reference
from schemas.errors import FineBenchError
root, told = Path("."), {}
for source in sys.argv[1:]:
    try:
        reference = parse_reference(source, root=root)
        passages = [[p.place, p.text] for p in read_reference(reference, root=root)]
        told[source] = {"passages": passages, "commit": fingerprint(reference, root=root)}
    except FineBenchError as error:
        told[source] = {"error": type(error).__name__, "message": str(error)}
print(json.dumps(told))
"""

SOURCES = {
    "plain": "hub:acme/qa#question",
    "full": "hub:acme/qa/main:test@v1#question,chat",
    "column": "hub:acme/qa#nope",
    "numbers": "hub:acme/qa#number",
    "config": "hub:acme/qa/none#question",
    "split": "hub:acme/qa:dev#question",
    "revision": "hub:acme/qa@v9#question",
    "damaged": "hub:acme/qa/broken#question",
    "missing": "hub:acme/none#question",
    "gated": "hub:acme/gated#question",
    "locked": "hub:acme/locked#question",
}
Told = dict[str, dict[str, Any]]


def write_table(**columns: Sequence[object]) -> bytes:
    """Return a Parquet file."""
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def read_sources(url: str, home: Path) -> Told:
    """Read every source in a process of its own that takes ``url`` for the Hub."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", READ, *SOURCES.values()]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    return {name: told[source] for name, source in SOURCES.items()}


def make_repository() -> HubRepository:
    """Return a dataset with two splits, and a config whose file is damaged."""
    chat = [[{"role": "user", "content": "Hi"}], []]
    train = write_table(question=["one", "two"], number=[1, 2], chat=chat)
    test = write_table(question=["three", ""], number=[3, 4], chat=chat)
    files = {
        "README.md": CARD.encode(),
        "data/train.parquet": train,
        "data/test.parquet": test,
        "data/broken.parquet": train[:-60],
    }
    return HubRepository(files, branches=("main", "v1"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """What each source gave."""
    repository = make_repository()
    repositories = {
        "acme/qa": repository,
        "acme/gated": HubRepository(repository.files, refusal=403),
        "acme/locked": HubRepository(repository.files, refusal=401),
    }
    with serve_hub(repositories) as hub:
        yield read_sources(hub.url, tmp_path_factory.mktemp("hub"))


def test_every_split_is_read_where_none_is_named(told: Told) -> None:
    """A question may have leaked into any of them."""
    assert told["plain"]["passages"] == [
        ["split train, row 1, column question", "one"],
        ["split train, row 2, column question", "two"],
        ["split test, row 1, column question", "three"],
    ]


def test_config_split_revision_and_columns_are_those_named(told: Told) -> None:
    """Another split would be another comparison than the one that was asked for."""
    assert told["full"]["passages"] == [
        ["split test, row 1, column question", "three"],
        ["split test, row 1, column chat[0].content", "Hi"],
    ]


def test_the_fingerprint_is_the_commit(told: Told) -> None:
    """A branch moves; what was compared with must be told apart."""
    assert told["plain"]["commit"] == make_repository().commit


@pytest.mark.parametrize(
    ("name", "error", "parts"),
    [
        ("column", "UsageError", ("no column nope", "question, number, chat")),
        ("numbers", "UsageError", ("no text stands in column number",)),
        ("config", "UsageError", ("'none' not found", "'main'", "config and split")),
        ("split", "UsageError", ("Bad split: dev", "'train', 'test'")),
        ("revision", "UsageError", ("no such revision", "branch, tag or commit")),
        ("damaged", "DataError", ("files of the dataset cannot be read", "download the file")),
        ("missing", "UsageError", ("no such dataset", "HF_TOKEN")),
        ("gated", "HubError", ("is gated", "HF_TOKEN", "download the file")),
        ("locked", "HubError", ("is gated", "HF_TOKEN", "download the file")),
    ],
)
def test_what_cannot_be_read_says_what_to_do(
    told: Told, name: str, error: str, parts: tuple[str, ...]
) -> None:
    """The client's own errors speak of addresses and classes, not of the source as it was written."""
    assert told[name]["error"] == error, told[name]
    assert told[name]["message"].startswith(SOURCES[name])
    for part in parts:
        assert part in told[name]["message"]


def test_a_hub_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """Without a network the way is to download the file elsewhere and name its path."""
    with serve_hub({}) as hub:
        url = hub.url
    for told in read_sources(url, tmp_path).values():
        assert told["error"] == "HubError"
        assert "Check the connection" in told["message"]
        assert "download the file and name its path" in told["message"]
