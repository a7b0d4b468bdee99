"""A review session in a real pseudo-terminal: one key an answer, and kill -9 loses nothing."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workspaces import RunCommand

from schemas.storage import read_rows

pytestmark = pytest.mark.slow

WIDTH = 80


class Terminal:
    """A session of `finebench review` at the other end of a pseudo-terminal of 80 columns, without colour."""

    def __init__(self, workspace: Path, reviewer: str) -> None:
        self.master, end = pty.openpty()
        environment = os.environ | {
            "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": str(WIDTH), "LINES": "24",
        }  # fmt: skip
        command = "from builder.cli import main; main()"
        arguments = ["-C", str(workspace), "review", "--reviewer", reviewer]
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, *arguments],
            stdin=end, stdout=end, stderr=end, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(end)
        self.seen = ""

    def wait_for(self, told: str, seconds: float = 120.0) -> str:
        """Read until ``told`` is on the screen; return what was read since the last time."""
        until = time.monotonic() + seconds
        read = ""
        while told not in read:
            left = until - time.monotonic()
            assert left > 0, f"{told!r} did not come: {read[-500:]}"
            if select.select([self.master], [], [], left)[0]:
                try:
                    read += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError as error:  # how Linux tells that the other end is closed
                    raise AssertionError(f"{told!r} did not come: {read[-500:]}") from error
        self.seen += read
        return read

    def press(self, keys: str, *prompts: str) -> None:
        """Press keys one by one, each when its prompt is there."""
        for key, prompt in zip(keys, prompts, strict=True):
            self.wait_for(prompt)
            os.write(self.master, key.encode())

    def end(self) -> int:
        """Wait for the session's end."""
        self.wait_for("answers kept")
        code = self.process.wait(timeout=120)
        os.close(self.master)
        return code


ITEM = ("shows the item", "clear?", "safer?", "detail?", "like this?", "reject?", "Enter keeps")


def test_answer_undo_kill_resume_lose_nothing(tmp_path: Path, finebench: RunCommand) -> None:
    """A reviewer's afternoon over ssh ends when the line drops, and goes on the next day."""
    workspace = tmp_path / "bench"
    finebench(workspace, "new", str(workspace), "--quota", "1")
    finebench(workspace, "build")
    answers = workspace / "rounds" / "1" / "anna.jsonl"
    terminal = Terminal(workspace, "anna")
    terminal.press("\nyanya\n", *ITEM)
    terminal.press("u", "shows the item")
    terminal.press("\nybnyx\n", *ITEM)
    terminal.press("\nya", *ITEM[:3])
    terminal.wait_for("detail?")
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.process.wait()
    os.close(terminal.master)
    first, second = read_rows(answers)
    assert (first["item_id"], first["recommendation"]) == (second["item_id"], "accept")
    assert second["recommendation"] == "reject"
    terminal = Terminal(workspace, "anna")
    # One wait at a time: what stands on one screen may be read in one go.
    terminal.press("\nyanya\n", *ITEM)
    assert "item 2 of 6" in terminal.seen
    terminal.press("q", "shows the item")
    assert terminal.end() == 0
    rows = read_rows(answers)
    assert rows[:2] == [first, second]
    assert len(rows) == 3
    assert rows[2]["item_id"] != first["item_id"]
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.seen).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "\x1b[3" not in terminal.seen, "no colour is needed"


def test_two_reviewers_sit_side_by_side_and_one_name_once(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """Each has a file of their own; a second session of the same person would answer items twice."""
    workspace = tmp_path / "bench"
    finebench(workspace, "new", str(workspace), "--quota", "1")
    finebench(workspace, "build")
    anna, ben = Terminal(workspace, "anna"), Terminal(workspace, "ben")
    for terminal in (anna, ben):
        terminal.wait_for("shows the item")
    again = finebench(workspace, "review", "--reviewer", "anna", input="q\n", code=1).stderr
    assert "round-1-anna" in again
    for terminal in (anna, ben):
        os.write(terminal.master, b"q")
        assert terminal.end() == 0


def test_an_arrow_key_is_no_answer(tmp_path: Path, finebench: RunCommand) -> None:
    """It sends ESC [ A, and A is an answer to the next question: a sequence is one key that says nothing."""
    workspace = tmp_path / "bench"
    finebench(workspace, "new", str(workspace), "--quota", "1")
    finebench(workspace, "build")
    terminal = Terminal(workspace, "anna")
    terminal.press("\ny", *ITEM[:2])
    terminal.wait_for("safer?")
    for sequence in (b"\x1b[A", b"\x1bOB", b"\x1b[1;5A"):
        os.write(terminal.master, sequence)
        terminal.wait_for("Please press a/b/2/0")
    os.write(terminal.master, b"b")
    terminal.press("nya\n", *ITEM[3:])
    terminal.press("q", "shows the item")
    assert terminal.end() == 0
    (row,) = read_rows(workspace / "rounds" / "1" / "anna.jsonl")
    shown_first = row["shown_order"] == "positive_first"
    assert row["safer"] == ("negative" if shown_first else "positive")
