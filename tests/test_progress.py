"""Progress: what is shown of calls names everything a user waits for, and says so when nothing comes."""

import time

import pytest

from builder import console
from builder.bundle.engine.fan_out import Progress
from builder.bundle.engine.labels import Outcome
from builder.console import describe_progress, track_calls


def test_progress_names_rate_time_tokens_money_and_failures_by_kind() -> None:
    """Worked by hand: 50 asked in 10 s are 5 a second; 140 left take 28 s."""
    progress = Progress(planned=200, kept=10, asked=50, failed=3, tokens=12_345, cost=1.5)
    progress.outcomes = {Outcome.ANSWERED: 55, Outcome.RATE_LIMITED: 2, Outcome.REFUSED: 3}
    told = describe_progress(progress, 10.0)
    assert told == "5.0/s, 0 min 28 s left, 12,345 tokens, $1.50, 2 rate_limited, 3 refused"


def test_a_long_wait_is_told_in_hours() -> None:
    """Nobody divides 20,000 seconds in their head."""
    progress = Progress(planned=7_300, asked=100)
    assert "20 h 00 min left" in describe_progress(progress, 1_000.0)


def test_without_a_terminal_a_line_comes_even_while_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that is silent while an endpoint asks to wait looks like a run that hangs."""
    monkeypatch.setattr(console, "_LOG_EVERY_S", 0.05)
    with track_calls("questions") as on_reply:
        time.sleep(0.2)
        on_reply(Progress(planned=3, asked=1))
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert "questions: no reply yet" in lines
    assert any(line.startswith("questions: 1 of 3, ") for line in lines)
    count = len(lines)
    time.sleep(0.15)
    assert capsys.readouterr().err == "", "it ends with the calls"
    assert count < 20


def test_an_interruption_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever pressed Ctrl-C must know what is waited for, and how to end that."""
    with track_calls("questions") as on_reply:
        for _ in range(3):
            on_reply(Progress(planned=3, asked=1, is_draining=True))
    told = capsys.readouterr().err
    assert told.count("interrupted: waiting up to 30 s") == 1
