"""The log of replies: what was kept stays kept, through kills, full disks and damage."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import SECRET, fill_disk, make_call, make_endpoint

from builder.bundle.engine.calls import FINAL_OUTCOMES, Call, Reply
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.store import ReplyLog

REPOSITORY = Path(__file__).parents[1]
TEXT = 'Line one\nline two\u2028 "quoted" 是 \0 end'

pytestmark = pytest.mark.usefixtures("known_key")


def make_reply(call: Call, outcome: Outcome = Outcome.ANSWERED, text: str = TEXT) -> Reply:
    """Return a reply to a call."""
    return Reply(call.key, outcome, text, prompt_tokens=3)


def fill(path: Path, count: int) -> list[Call]:
    """Write a log of so many answered calls and return them."""
    calls = [make_call(f"question {i}") for i in range(count)]
    with ReplyLog(path) as log:
        for call in calls:
            log.put(call, make_reply(call))
    return calls


def put_many(log: ReplyLog, count: int) -> None:
    """Put so many answered calls into a log."""
    for i in range(count):
        call = make_call(str(i))
        log.put(call, make_reply(call))


@pytest.mark.parametrize("outcome", sorted(FINAL_OUTCOMES))
def test_a_reply_comes_back_as_it_was_put(outcome: Outcome, tmp_path: Path) -> None:
    """What a model said is kept to the character, now and after the file is opened again."""
    path, call = tmp_path / "new" / "replies.jsonl", make_call()
    reply = make_reply(call, outcome)
    with ReplyLog(path) as log:
        assert log.get(call.key) is None
        log.put(call, reply)
        assert log.get(call.key) == reply
    with ReplyLog(path) as log:
        assert log.get(call.key) == reply
        assert len(log) == 1


def test_a_record_tells_what_was_asked(tmp_path: Path) -> None:
    """A log of replies without their questions could not be checked by anybody."""
    path = tmp_path / "replies.jsonl"
    call = make_call(endpoint=make_endpoint(parameters={"seed": 7}), role="judge", prompt="p1")
    with ReplyLog(path) as log:
        log.put(call, make_reply(call))
    (line,) = path.read_bytes().splitlines()
    record = json.loads(line)
    assert record["messages"] == [["user", "Hello?"]]
    told = (record["endpoint"], record["model"], record["parameters"], record["sample"])
    assert told == ("m1", "model of m1", {"seed": 7}, 0)
    assert (record["role"], record["prompt"]) == ("judge", "p1")
    assert SECRET not in path.read_text("utf-8")


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - FINAL_OUTCOMES))
def test_a_failed_call_is_recorded_but_not_kept_as_a_reply(
    outcome: Outcome, tmp_path: Path
) -> None:
    """Failures stand in the account, and are asked again: nobody has spoken yet."""
    path, call = tmp_path / "replies.jsonl", make_call()
    for _ in range(2):
        with ReplyLog(path) as log:
            assert log.get(call.key) is None
            log.put(call, make_reply(call, outcome, ""))
            assert log.get(call.key) is None
    assert path.read_bytes().count(b"\n") == 2


def test_a_failure_after_a_reply_does_not_take_the_reply_away(tmp_path: Path) -> None:
    """Once a model has spoken, no later accident undoes it."""
    path = tmp_path / "replies.jsonl"
    (call,) = fill(path, 1)
    with ReplyLog(path) as log:
        log.put(call, make_reply(call, Outcome.FAILED, ""))
    with ReplyLog(path) as log:
        assert log.get(call.key) == make_reply(call)


def test_a_record_torn_at_any_byte_costs_no_earlier_reply(tmp_path: Path) -> None:
    """A kill may stop a write anywhere; what was kept before is kept, and writing goes on."""
    path = tmp_path / "replies.jsonl"
    first, second, torn = fill(path, 3)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for length in range(start, len(whole)):
        path.write_bytes(whole[:length])
        with ReplyLog(path) as log:
            assert log.get(first.key) == make_reply(first)
            assert log.get(second.key) == make_reply(second)
            assert log.get(torn.key) is None
            log.put(torn, make_reply(torn))
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "damage",
    [
        b"{]\n",
        b"\n",
        b"[1]\n",
        b"null\n",
        b'{"key": "k"}\n',
        b'{"key": "\xff"}\n',
        b"\0\0\0\0\n",
    ],
)
def test_a_damaged_line_in_the_middle_is_named(damage: bytes, tmp_path: Path) -> None:
    """Damage that no kill explains is told, with file and line, and nothing is thrown away."""
    path = tmp_path / "replies.jsonl"
    fill(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = damage
    path.write_bytes(b"".join(lines))
    with pytest.raises(EngineError, match=re.escape(f"{path}:2: ")):
        ReplyLog(path)
    assert path.read_bytes() == b"".join(lines)


def test_an_unknown_outcome_is_damage(tmp_path: Path) -> None:
    """A label of a later version must not be taken for an answer."""
    path = tmp_path / "replies.jsonl"
    fill(path, 1)
    path.write_bytes(path.read_bytes().replace(b'"answered"', b'"divined"'))
    with pytest.raises(EngineError, match="divined"):
        ReplyLog(path)


def test_a_path_that_cannot_be_a_log_is_an_error_for_users(tmp_path: Path) -> None:
    """A folder in the log's place is named, without a traceback."""
    with pytest.raises(EngineError, match="cannot be opened"):
        ReplyLog(tmp_path)


HOLD = """
import sys
from pathlib import Path
from builder.bundle.engine.store import ReplyLog
log = ReplyLog(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_log_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    """Two runs that append to one file would ask, and pay, twice; a killed run must not lock it."""
    path = tmp_path / "replies.jsonl"
    (call,) = fill(path, 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(EngineError, match="in use by another run"):
                ReplyLog(path)
        finally:
            os.kill(holder.pid, signal.SIGKILL)
    with ReplyLog(path) as log:
        assert log.get(call.key) == make_reply(call)


def test_a_full_disk_is_an_error_and_costs_no_earlier_reply(tmp_path: Path) -> None:
    """Half a record in the middle of the log would be damage that nobody can explain."""
    path = tmp_path / "replies.jsonl"
    (kept,) = fill(path, 1)
    before, lost = path.read_bytes(), make_call("lost")
    with ReplyLog(path) as log:
        fill_disk(log)
        with pytest.raises(EngineError, match="Earlier replies are intact"):
            log.put(lost, make_reply(lost))
        assert log.get(lost.key) is None
        assert log.get(kept.key) == make_reply(kept)
    assert path.read_bytes() == before
    with ReplyLog(path) as log:
        log.put(lost, make_reply(lost))
        assert len(log) == 2


def test_a_disk_that_refuses_to_sync_is_an_error_for_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems report that they are full only when forced: users read a sentence then too."""

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    with ReplyLog(tmp_path / "replies.jsonl") as log, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(EngineError):
            put_many(log, 200)


def test_records_are_forced_to_the_disk_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of power may cost what the docstring says, 64 records, and no more."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with ReplyLog(tmp_path / "replies.jsonl") as log:
        put_many(log, 130)
        assert len(synced) == 2
    assert len(synced) == 3
