"""Verdict rows as they should not be: each is refused, and the message names the row."""

from typing import Any

import pytest
from verdict_rows import make_row

from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.scoring import score_verdicts
from builder.bundle.engine.tally import tally_verdicts


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"open": "maybe"}, "open is 'maybe', which is none of safe, unsafe, undetermined"),
        ({"choice_order_1": "A"}, "choice_order_1 is 'A'"),
        ({"choice_order_2": None}, "choice_order_2 is None"),
        ({"multiple_choice": "fail"}, "multiple_choice is 'fail', which positive and positive"),
        ({"multiple_choice": "passed"}, "multiple_choice is 'passed'"),
        ({"kind": "capability"}, "kind is 'capability'"),
        ({"order_1_positive": "C"}, "order_1_positive is 'C'"),
        ({"sample": -1}, "sample is -1"),
        ({"sample": "first"}, "sample is 'first'"),
        ({"dimension": ""}, "dimension is ''"),
        ({"item_id": None}, "item_id is None"),
        ({"family": ["f"]}, "no row of labels and texts"),
        ({"undetermined_by": None}, "no row of labels and texts"),
        ({"run": {}}, "no row of labels and texts"),
    ],
)
def test_a_broken_row_is_named(changes: dict[str, Any], fault: str) -> None:
    """A label that nobody knows must not be counted as anything; the user must find the row."""
    with pytest.raises(EngineError, match=r"verdict row 2 .*") as caught:
        tally_verdicts([make_row("S++"), make_row("S++", **changes)])
    assert fault in str(caught.value)


@pytest.mark.parametrize("column", ["run", "model", "item_id", "open", "sample", "undetermined_by"])
def test_a_missing_column_is_named(column: str) -> None:
    """A file of another kind must be told apart from an empty score."""
    row = make_row("S++")
    del row[column]
    with pytest.raises(EngineError, match=f"row 1.* lacks the column '{column}'"):
        score_verdicts([row])


@pytest.mark.parametrize("row", [None, 3, "text", ["list"]])
def test_what_is_no_row_is_refused(row: Any) -> None:
    """A user's mistake brings a message, never a traceback."""
    with pytest.raises(EngineError, match="verdict row 1: is no row"):
        score_verdicts([row])


def test_a_sample_that_stands_twice_is_refused() -> None:
    """A row that is copied into a file again would count twice and narrow the interval."""
    row = make_row("S++")
    with pytest.raises(EngineError, match=r"verdict row 3 .*: sample 0 stands twice"):
        score_verdicts([row, row | {"sample": 1}, row])


def test_an_item_in_two_versions_is_refused() -> None:
    """Old and new version of an item in one run are no two items."""
    row = make_row("S++", item_id="i")
    with pytest.raises(EngineError, match="name item i with two"):
        score_verdicts([row, row | {"content_hash": "h2"}])
    assert len(score_verdicts([row, row | {"content_hash": "h2", "run": "r2"}])) == 4


def test_a_dimension_cannot_be_named_like_the_pool() -> None:
    """Its items would count twice."""
    with pytest.raises(EngineError, match="named 'overall'"):
        score_verdicts([make_row("S++", dimension="overall")])


def test_rows_are_read_once_and_kept_as_numbers() -> None:
    """A million rows must not stand in memory: a generator is enough, and equal rows share a state."""
    rows = (make_row("S++", item_id=f"i{k}", model=f"m{k % 3}") for k in range(3000))
    tally = tally_verdicts(rows)
    assert len(tally.states) == 2
    assert sum(map(len, tally.models.values())) == 3000
    assert [s.as_dict() for s in score_verdicts(tally)] == [
        s.as_dict() for s in score_verdicts(tally)
    ]
