"""Reviewing in the terminal, routing and adjudication: what people answer is what is kept."""

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from annotations.adjudication import decide_items
from annotations.rounds import make_annotation
from annotations.routing import is_positive_shown_first
from annotations.simulation import simulate_answers
from annotations.tasks import ReviewTask
from builder.rounds import list_assigned
from builder.workspace import Workspace
from schemas.errors import DataError
from schemas.storage import read_rows
from schemas.tables import TableName
from schemas.texts import hash_content
from schemas.validation import validate_rows

RunCommand = Callable[..., Result]
Row = dict[str, Any]


@pytest.fixture
def small(tmp_path: Path, finebench: RunCommand) -> Path:
    """A workspace with one checked item in each dimension."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "1")
    finebench(path, "build")
    return path


def make_item(number: int = 1) -> Row:
    """Return an item as adjudication needs it."""
    texts = (f"Question {number}?", "Safe.", "Unsafe.")
    return {
        "item_id": f"fairness-{number}",
        "dimension": "fairness",
        "question": texts[0],
        "positive_option": texts[1],
        "negative_option": texts[2],
        "language": "en",
        "content_hash": hash_content(*texts, "en"),
    }


def make_answer(item: Row, reviewer: str, recommendation: str = "accept", **more: Any) -> Row:
    """Return a reviewer's complete answer."""
    answers = {
        "in_dimension": "yes",
        "safer": "positive",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": recommendation,
    }
    return make_annotation(
        item,
        answers | more,
        reviewer=reviewer,
        round_number=more.pop("round", 1),
        guidelines_hash="0" * 64,
        positive_first=True,
        simulated=False,
    )


def list_order(workspace: Path, reviewer: str) -> list[str]:
    """Return the items that a reviewer sees in round 1, in order."""
    return [a.task.item_id for a in list_assigned(Workspace(workspace), reviewer, 1)]


def answer_all(letter_is_positive: bool) -> list[str]:
    """Return the keys that accept an item whose positive option is shown as A, or as B."""
    return ["", "y", "a" if letter_is_positive else "b", "n", "y", "a", ""]


def test_a_terminal_session_keeps_what_was_answered(small: Path, finebench: RunCommand) -> None:
    """Letters are translated into roles, so that the answers mean the same however shown."""
    seed = 231105915
    items = {row["item_id"]: row for row in read_rows(small / "03_checked.jsonl")}
    order = list_order(small, "anna")
    lines: list[str] = []
    for item_id in order:
        lines += answer_all(is_positive_shown_first(item_id, "anna", seed))
    result = finebench(small, "review", "--reviewer", "anna", input="\n".join(lines) + "\n")
    assert f"{len(items)} answers kept" in result.stderr
    rows = read_rows(small / "rounds" / "1" / "anna.jsonl")
    assert [row["item_id"] for row in rows] == order
    assert {row["safer"] for row in rows} == {"positive"}
    assert {row["recommendation"] for row in rows} == {"accept"}
    assert not any(row["simulated"] for row in rows)
    assert validate_rows(rows, TableName.ANNOTATION) == []


def test_a_session_can_be_left_and_taken_up(small: Path, finebench: RunCommand) -> None:
    """Leaving keeps all earlier answers and not the item at hand; the next session starts with that one."""
    first = [*answer_all(True), "", "y", "q"]
    finebench(small, "review", "--reviewer", "ben", input="\n".join(first) + "\n")
    rows = read_rows(small / "rounds" / "1" / "ben.jsonl")
    assert len(rows) == 1
    finebench(small, "review", "--reviewer", "ben", input="s\ntired\n")
    later = read_rows(small / "rounds" / "1" / "ben.jsonl")
    assert later[0] == rows[0]
    assert later[1]["item_id"] != rows[0]["item_id"]
    assert (later[1]["skipped"], later[1]["skip_reason"]) == (True, "tired")
    assert later[1]["recommendation"] == "not_answered"


def test_wrong_keys_are_asked_again_and_end_of_input_ends_the_session(
    small: Path, finebench: RunCommand
) -> None:
    """A slip of the finger is no answer, and a closed terminal loses nothing that was kept."""
    result = finebench(small, "review", "--reviewer", "cleo", input="\nmaybe\ny\nc\n")
    assert "Please press y/n, s, u or q." in result.stdout
    assert "Please press a/b/2/0, s, u or q." in result.stdout
    assert "Session ended" in result.stdout
    assert not (small / "rounds" / "1" / "cleo.jsonl").exists()


def test_the_text_is_hidden_until_asked_for(small: Path, finebench: RunCommand) -> None:
    """Nobody meets a harmful text without having asked for it."""
    result = finebench(small, "review", "--reviewer", "dora", input="q\n")
    shown = " ".join(result.stdout.split())
    assert "Content warning" in shown
    for row in read_rows(small / "03_checked.jsonl"):
        assert row["question"][:30] not in shown
        assert row["negative_option"][:30] not in shown


def test_a_skip_holds_at_every_question(small: Path, finebench: RunCommand) -> None:
    """A reviewer may stop at any moment without a reason, and no half answer is kept."""
    asked = ["", "y", "a", "n", "y", "a"]
    for count in range(len(asked) + 1):
        keys = [*asked[:count], "s", "", "q"]
        finebench(small, "review", "--reviewer", f"nell{count}", input="\n".join(keys) + "\n")
        (row,) = read_rows(small / "rounds" / "1" / f"nell{count}.jsonl")
        assert (row["skipped"], row["safer"]) == (True, "not_answered")


def test_going_back_asks_the_question_or_the_item_before(
    small: Path, finebench: RunCommand
) -> None:
    """A slip of the finger is mended at once: the last answer given is the one that stands."""
    keys = ["", "y", "u", "n", "b", "n", "y", "u", "n", "x", "", "", "u", "u", ""]
    keys += ["y", "a", "n", "y", "a", "c", "better so", "q"]
    finebench(small, "review", "--reviewer", "uma", input="\n".join(keys) + "\n")
    rows = read_rows(small / "rounds" / "1" / "uma.jsonl")
    assert [row["item_id"] for row in rows] == [rows[0]["item_id"]] * 2
    first, second = rows
    assert (first["in_dimension"], first["natural"], first["recommendation"]) == (
        "no", "no", "reject",
    )  # fmt: skip
    assert (second["in_dimension"], second["recommendation"]) == ("yes", "accept")
    assert second["comment"] == "better so"
    finebench(small, "annotate", "merge")
    (kept,) = read_rows(small / "04_annotations.jsonl")
    assert kept["recommendation"] == "accept"


def test_a_later_session_goes_back_to_the_last_answer_of_an_earlier_one(
    small: Path, finebench: RunCommand
) -> None:
    """Who remembers over night that an answer was wrong can still mend it."""
    finebench(
        small, "review", "--reviewer", "vera", input="\n".join([*answer_all(True), "q"]) + "\n"
    )
    keys = ["u", "", "n", "b", "n", "y", "x", "", "q"]
    told = finebench(small, "review", "--reviewer", "vera", input="\n".join(keys) + "\n").stdout
    assert "item 2 of 6" in told
    first, second = read_rows(small / "rounds" / "1" / "vera.jsonl")
    assert (first["item_id"], first["recommendation"]) == (second["item_id"], "accept")
    assert second["recommendation"] == "reject"


def test_a_day_has_an_end(small: Path, finebench: RunCommand) -> None:
    """Harmful texts wear people down: the cap holds over sessions, and does not count corrections twice."""
    path = small / "bench.toml"
    path.write_text(path.read_text().replace("[review]", "[review]\ndaily_cap = 2"))
    keys = [*answer_all(True), "q"]
    finebench(small, "review", "--reviewer", "wim", input="\n".join(keys) + "\n")
    told = finebench(small, "review", "--reviewer", "wim", input="\n".join(keys) + "\n").stdout
    assert "That is enough for today" in told
    assert len(read_rows(small / "rounds" / "1" / "wim.jsonl")) == 2
    told = finebench(small, "review", "--reviewer", "wim", input="\n".join(keys) + "\n").stdout
    assert "That is enough for today" in told
    assert len(read_rows(small / "rounds" / "1" / "wim.jsonl")) == 2


def test_revising_asks_until_a_text_was_corrected(small: Path, finebench: RunCommand) -> None:
    """A revision without a correction cannot be acted upon."""
    keys = ["", "y", "a", "n", "y", "r", "", "", "", "", "A better question?", "", "", "", "q"]
    result = finebench(small, "review", "--reviewer", "emil", input="\n".join(keys) + "\n")
    assert "A revision needs at least one corrected text" in result.stdout
    row = read_rows(small / "rounds" / "1" / "emil.jsonl")[0]
    assert row["recommendation"] == "revise"
    revised = [row[f"revised_{t}"] for t in ("question", "positive_option", "negative_option")]
    assert [text for text in revised if text] == ["A better question?"]


def test_reviewers_answers_become_decisions(small: Path, finebench: RunCommand) -> None:
    """Two people who accept settle an item; the one who saw it alone does not."""
    seed = 231105915
    for reviewer, count in (("fay", 6), ("gus", 2)):
        order = list_order(small, reviewer)
        keys = [
            k for i in order[:count] for k in answer_all(is_positive_shown_first(i, reviewer, seed))
        ]
        finebench(small, "review", "--reviewer", reviewer, input="\n".join([*keys, "q"]) + "\n")
    finebench(small, "build")
    decisions = Counter(r["decision"] for r in read_rows(small / "05_adjudicated.jsonl"))
    assert decisions == {"accept": 2, "undecided": 4}


def test_a_curators_ruling_settles_an_item(small: Path, finebench: RunCommand) -> None:
    """Ties go to a person, whose name and reason stay with the decision."""
    item_id = read_rows(small / "03_checked.jsonl")[0]["item_id"]
    ruling = ("--item", item_id, "--decision", "accept", "--reason", "clear", "--by", "hanna")
    finebench(small, "adjudicate", *ruling)
    decision = {r["item_id"]: r for r in read_rows(small / "05_adjudicated.jsonl")}[item_id]
    assert decision["method"] == "curator"
    assert (decision["decided_by"], decision["reason"]) == ("hanna", "clear")
    blank = finebench(small, "adjudicate", *ruling[:4], "--reason", " ", code=2)
    assert "needs a reason" in blank.stderr


def test_answers_in_another_reviewers_file_are_refused(small: Path, finebench: RunCommand) -> None:
    """One person has one vote: a file cannot speak for others, nor hide that it is simulated."""
    path = small / "rounds" / "1" / "mallory.jsonl"
    path.parent.mkdir(parents=True)
    rows = [
        make_answer(make_item(), "p0"),
        make_answer(make_item(), "mallory") | {"simulated": True},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = finebench(small, "annotate", "merge", code=1).stderr
    assert "mallory.jsonl:1: reviewer" in told
    assert "mallory.jsonl:2: simulated" in told


def test_an_answer_given_again_replaces_the_earlier_which_is_kept_beside(
    small: Path, finebench: RunCommand
) -> None:
    """The account of a merge holds every answer that was ever given."""
    path = small / "rounds" / "1" / "olga.jsonl"
    path.parent.mkdir(parents=True)
    first, second = (make_answer(make_item(), "olga", r) for r in ("reject", "accept"))
    path.write_text("".join(json.dumps(row) + "\n" for row in (first, second)))
    told = finebench(small, "annotate", "merge").stderr
    assert "2 in = 1 out + 1 rejected" in told
    assert read_rows(small / "04_annotations.jsonl")[0]["recommendation"] == "accept"


def test_damaged_answers_are_told_and_nothing_is_merged(small: Path, finebench: RunCommand) -> None:
    """A reviewer's file that was changed by hand stops the merge, with every breach named."""
    path = small / "rounds" / "1" / "ida.jsonl"
    path.parent.mkdir(parents=True)
    good = make_answer(make_item(), "ida")
    bad = good | {"item_id": "fairness-2", "safer": "left"}
    path.write_text("".join(json.dumps(row) + "\n" for row in (good, bad)))
    result = finebench(small, "annotate", "merge", code=1)
    assert "1/ida.jsonl" in result.stderr
    assert "known label" in result.stderr
    assert not (small / "04_annotations.jsonl").exists()


@pytest.mark.parametrize(
    ("recommendations", "decision", "method"),
    [
        (["accept", "accept", "reject"], "accept", "majority"),
        (["reject", "reject", "accept"], "reject", "majority"),
        (["revise", "revise"], "revise", "majority"),
        (["accept", "reject"], "undecided", "no_majority"),
        (["accept", "reject", "revise"], "undecided", "no_majority"),
        (["accept"], "undecided", "too_few_votes"),
        ([], "undecided", "too_few_votes"),
    ],
)
def test_majority_decides_and_ties_stay_undecided(
    recommendations: list[str], decision: str, method: str
) -> None:
    """More than half of the answers, and never fewer than two."""
    item = make_item()
    answers = [
        make_answer(item, f"r{i}", r, **({"revised_question": "Q?"} if r == "revise" else {}))
        for i, r in enumerate(recommendations)
    ]
    row = decide_items([item], answers, [], min_votes=2)[0]
    assert (row["decision"], row["method"]) == (decision, method)
    assert row["votes_accept"] == recommendations.count("accept")
    assert validate_rows([row], TableName.DECISION) == []


@pytest.mark.parametrize(
    "contradiction",
    [
        {"safer": "negative"},
        {"safer": "both_unsafe"},
        {"operational_detail": "yes"},
        {"in_dimension": "no"},
    ],
)
def test_an_acceptance_that_contradicts_itself_does_not_count(contradiction: Row) -> None:
    """Who finds the negative option safer, or detail in it, cannot have accepted the item as labelled."""
    item = make_item()
    answers = [make_answer(item, f"r{i}", **contradiction) for i in range(2)]
    assert decide_items([item], answers, [], min_votes=2)[0]["decision"] == "reject"


def test_answers_on_an_earlier_version_do_not_count() -> None:
    """An edited item has not been reviewed."""
    old = make_item()
    new = old | {"question": "Another?"}
    new["content_hash"] = hash_content("Another?", "Safe.", "Unsafe.", "en")
    answers = [make_answer(old, f"r{i}") for i in range(3)]
    assert decide_items([new], answers, [], min_votes=2)[0]["method"] == "too_few_votes"


def test_a_reviewers_later_round_replaces_the_earlier() -> None:
    """One person has one vote, the latest."""
    item = make_item()
    answers = [
        make_answer(item, "a", "reject", round=1),
        make_answer(item, "a", "accept") | {"round": 2},
        make_answer(item, "b", "accept"),
    ]
    row = decide_items([item], answers, [], min_votes=2)[0]
    assert (row["decision"], row["votes_accept"], row["votes_reject"]) == ("accept", 2, 0)


def test_skips_count_for_nothing() -> None:
    """A skip is not a vote against, and not one towards the votes needed."""
    item = make_item()
    skip = make_annotation(
        item,
        {"skipped": True, "skip_reason": "x"},
        reviewer="c",
        round_number=1,
        guidelines_hash="0" * 64,
        positive_first=True,
        simulated=False,
    )
    row = decide_items([item], [make_answer(item, "a"), skip], [], min_votes=2)[0]
    assert (row["decision"], row["skips"]) == ("undecided", 1)


def test_simulated_reviewers_err_and_skip_as_often_as_they_say() -> None:
    """4% errors and 2% skips, within five standard deviations of 5,000 draws."""
    answers = [
        simulate_answers(make_item(i)["content_hash"], "simulated-1", 1, seed=3)
        for i in range(5000)
    ]
    skips = sum(bool(a.get("skipped")) for a in answers)
    errors = sum(a.get("safer") == "negative" for a in answers)
    assert abs(skips - 100) < 5 * (5000 * 0.02 * 0.98) ** 0.5
    assert abs(errors - 200) < 5 * (5000 * 0.04 * 0.96) ** 0.5


def test_a_row_that_breaks_a_rule_is_never_appended(tmp_path: Path) -> None:
    """The log of a reviewer holds only rows that hold."""
    from annotations.rounds import append_annotations

    row = make_answer(make_item(), "a", "revise")
    with pytest.raises(DataError):
        append_annotations(tmp_path / "a.jsonl", [make_answer(make_item(), "a"), row])
    assert not (tmp_path / "a.jsonl").exists()


def test_console_markup_in_texts_is_shown_and_not_run() -> None:
    """An item's text must not be able to paint the reviewer's terminal."""
    from rich.console import Console

    from annotations.item_screen import WARNING, ask_about_item
    from annotations.keys import LineKeys
    from annotations.terminal import Session, run_session

    task = ReviewTask(
        "t", 1, "a", "i", "h", "Fairness", "D.", "en", "[bold]Is [red]this[/red] text?", "A.", "B."
    )
    out = io.StringIO()
    console = Console(file=out, width=100)
    lines = iter(["", "q"])
    console.input = lambda *_args, **_kwargs: next(lines)  # type: ignore[method-assign]
    session = Session([task], lambda _t, _s: None, ask_about_item, WARNING)
    assert run_session(session, console, LineKeys(console)) == 0
    assert "[bold]Is [red]this[/red] text?" in out.getvalue()
