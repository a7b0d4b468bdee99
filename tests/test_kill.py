"""The road survives SIGKILL: nothing durable is asked again, and the release is the same."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from builder.llm.offline.personas import PERSONAS
from builder.llm.offline.transport import REQUEST_LOG_VARIABLE

DEMO = Path(__file__).parents[1] / "examples" / "demo.sh"
KILLS = 10
# Each endpoint has at most 8 calls in flight; a group of 64 may wait for the disk.
MOST_IN_FLIGHT = 8 * (len(PERSONAS) + 1) + 64


def start_demo(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the demo on the workspace ``bench`` in ``folder``, in a process group of its own."""
    folder.mkdir(exist_ok=True)
    environment = os.environ | {
        REQUEST_LOG_VARIABLE: str(folder / "requests"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SOURCE_DATE_EPOCH": "1700000000",
    }
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            ["sh", str(DEMO), str(folder / "bench")],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def finish_demo(folder: Path) -> None:
    """Walk the demo's road to its end."""
    process = start_demo(folder)
    assert process.wait(timeout=300) == 0, (folder / "output").read_text()


def kill_demo(folder: Path, after_s: float) -> bool:
    """Start the demo and kill it; tell whether the kill came before its end."""
    process = start_demo(folder)
    try:
        code = process.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    assert code == 0, (folder / "output").read_text()
    return False


def name_request(row: dict[str, Any]) -> str:
    """Return what tells one request from another: the model and the messages."""
    # A request holds a message as an object, the journal as a pair.
    messages = [m if isinstance(m, list) else [m["role"], m["content"]] for m in row["messages"]]
    return hashlib.sha256(json.dumps([row["model"], messages]).encode()).hexdigest()


def read_requests(folder: Path) -> list[str]:
    """Return what the simulator was asked, by its own account."""
    log = folder / "requests"
    if not log.exists():
        return []
    return [name_request(json.loads(line)) for line in log.read_text().splitlines()]


def read_durable(folder: Path) -> set[str]:
    """Return the requests whose replies are durable in the journal, a torn last line aside."""
    journal = folder / "bench" / "journal" / "calls.jsonl"
    if not journal.exists():
        return set()
    text = journal.read_text()
    lines = text[: text.rfind("\n") + 1].splitlines()
    return {name_request(json.loads(line)) for line in lines}


def hash_results(folder: Path) -> dict[str, str]:
    """Return the hash of every result: stage files, rounds, releases, runs."""
    workspace = folder / "bench"
    skipped = {".locks", "journal", "__pycache__"}
    return {
        path.relative_to(workspace).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and not skipped & set(path.parts) and not path.name.endswith(".tmp")
    }


@pytest.mark.slow
def test_ten_kills_change_nothing_and_repeat_no_durable_call(tmp_path: Path) -> None:
    """Whoever loses power or patience loses at most the calls in flight, and nothing of the result."""
    undisturbed = tmp_path / "undisturbed"
    started = time.monotonic()
    finish_demo(undisturbed)
    whole = time.monotonic() - started
    expected = read_requests(undisturbed)
    assert len(expected) == len(set(expected)), "the undisturbed road asked twice"

    chance = random.Random(20231109)
    folder = tmp_path / "killed"
    kills = repeated = 0
    while kills < KILLS:
        asked_before, durable_before = read_requests(folder), read_durable(folder)
        if not kill_demo(folder, after_s=chance.uniform(0.02, 0.5) * whole):
            # The road came to its end first: go on killing on a fresh one.
            assert hash_results(folder) == hash_results(undisturbed)
            folder = tmp_path / f"killed-{kills}"
            continue
        kills += 1
        asked_now = read_requests(folder)[len(asked_before) :]
        assert not durable_before & set(asked_now), "a durable reply was asked for again"
        repeated_now = len(set(asked_now) & set(asked_before))
        assert repeated_now <= MOST_IN_FLIGHT
        repeated += repeated_now
    durable, asked_before = read_durable(folder), read_requests(folder)
    finish_demo(folder)
    assert not durable & set(read_requests(folder)[len(asked_before) :])
    assert hash_results(folder) == hash_results(undisturbed)
    assert set(read_requests(folder)) == set(expected)
    print(f"{kills} kills, {repeated} calls repeated, {len(expected)} calls in all")
