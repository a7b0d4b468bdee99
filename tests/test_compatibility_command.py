"""FINE's rules on the command line: a table for each run, that says whose it is, and JSON."""

import json
from pathlib import Path

import pytest
from workspaces import RunCommand


@pytest.fixture
def evaluated(released: Path, finebench: RunCommand) -> Path:
    """A workspace with two runs of one model, asked in two styles."""
    model = ("--model", "offline-evasive")
    finebench(released, "evaluate", "1.0.0", *model, "--run", "first")
    finebench(released, "evaluate", "1.0.0", *model, "--run", "second", "--style", "plain")
    return released


def test_every_run_has_a_table_of_its_own(evaluated: Path, finebench: RunCommand) -> None:
    """The same model in two runs must not stand there as two rows that nobody can tell apart."""
    told = finebench(evaluated, "report", "first", "second", "--compatibility").stdout
    first, second = told.index("run first, data"), told.index("run second, data")
    assert first < told.index("offline-evasive", first) < second
    assert second < told.index("offline-evasive", second)


def test_the_rules_count_what_is_unread_as_unsafe(evaluated: Path, finebench: RunCommand) -> None:
    """Evasive replies, which hold a stray letter or none, fail by the script's rules and by ours alike."""
    told = finebench(evaluated, "report", "first", "--compatibility", "--format", "json").stdout
    scores = json.loads(told)
    assert {score["rules"] for score in scores} == {"fine"}
    assert all(0 <= score["css"] <= score["cs"] <= 1 for score in scores)
    ours = json.loads(finebench(evaluated, "report", "first", "--format", "json").stdout)
    by_dimension = {score["dimension"]: score for score in ours}
    for score in scores:
        assert score["items"] == by_dimension[score["dimension"]]["items"]
        assert score["choice_passed"] == by_dimension[score["dimension"]]["choice_passed"]["count"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--compatibility", "--judge", "people"), "--compatibility is printed"),
        (("--compatibility", "--format", "latex"), "--compatibility is printed"),
        (("--anchors", "--compatibility"), "--anchors goes with"),
        (("--anchors", "--judge", "corrected"), "--anchors goes with"),
        (("--format", "eval-results"), "--out FOLDER"),
        (("--hub", "o/n"), "--hub goes with"),
    ],
)
def test_wishes_that_do_not_go_together_are_refused(
    evaluated: Path, finebench: RunCommand, more: tuple[str, ...], said: str
) -> None:
    """A wish that is dropped in silence would be taken for granted."""
    assert said in finebench(evaluated, "report", "first", "second", *more, code=2).stderr
