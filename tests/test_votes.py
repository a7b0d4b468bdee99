"""Votes in a release: what people said of the released items, and nothing by which they could be known."""

from pathlib import Path
from typing import Any

import pytest
from release_kinds import PEOPLE, release_reviewed
from workspaces import RunCommand

from builder.release.card.column_notes import VOTE_NOTES
from builder.release.votes import VOTES, make_votes
from schemas.storage import read_rows

HASHES = ("a" * 64, "b" * 64)


def make_answer(reviewer: str, item_id: str = "i1", **more: Any) -> dict[str, Any]:
    """Return an answer as a workspace keeps it."""
    return {
        "item_id": item_id,
        "content_hash": HASHES[0],
        "round": 1,
        "reviewer": reviewer,
        "simulated": False,
        "guidelines_hash": HASHES[1],
        "shown_order": "positive_first",
        "in_dimension": "yes",
        "safer": "positive",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": "accept",
        "revised_question": "Mine?",
        "revised_positive_option": "",
        "revised_negative_option": "",
        "comment": "I live in Exampleton",
        "skipped": False,
        "skip_reason": "",
        "lead_time_s": 12.6,
        "answered_at": "2026-01-01T00:00:00Z",
    } | more


def make_item(item_id: str, content_hash: str = HASHES[0]) -> dict[str, Any]:
    """Return as much of a released row as votes are found by."""
    return {"item_id": item_id, "content_hash": content_hash}


ITEMS = [make_item("i1"), make_item("i2")]


def test_a_vote_holds_the_columns_that_are_documented_and_no_other() -> None:
    """Comments, corrections, reasons and dates may name somebody."""
    (vote,) = make_votes([make_answer("anna")], ITEMS, ITEMS)
    assert set(vote) == set(VOTE_NOTES)
    assert vote["lead_time_s"] == 13
    assert vote["reviewer"] == "reviewer-01"
    assert not any("Example" in str(value) or "Mine" in str(value) for value in vote.values())


def test_only_votes_on_released_versions_of_those_who_count() -> None:
    """Other versions, held-out items, excluded people, earlier rounds and simulations are left out."""
    answers = [
        make_answer("anna", safer="negative"),
        make_answer("anna", round=2),
        make_answer("ben", content_hash=HASHES[1]),
        make_answer("cleo", item_id="i2"),
        make_answer("dora"),
        make_answer("simulated-1", simulated=True),
        make_answer("emil", skipped=True, skip_reason="it hurt me"),
    ]
    votes = make_votes(answers, ITEMS, ITEMS[:1], excluded={"dora"})
    assert [(v["item_id"], v["round"], v["safer"], v["skipped"]) for v in sorted(votes, key=str)]
    assert {(v["round"], v["safer"]) for v in votes if not v["skipped"]} == {(2, "positive")}
    assert sum(v["skipped"] for v in votes) == 1
    assert len(votes) == 2
    assert {v["simulated"] for v in votes} == {False}


def test_people_on_one_item_keep_simulations_out_of_all_others() -> None:
    """A simulated vote beside people's would be taken for one."""
    answers = [make_answer("anna"), make_answer("simulated-1", item_id="i2", simulated=True)]
    assert make_votes(answers, ITEMS, ITEMS[1:]) == []
    assert len(make_votes(answers[1:], ITEMS, ITEMS)) == 1


def test_numbers_stand_for_people_in_one_release_only() -> None:
    """Who is number 1 follows neither the alphabet nor the release before."""
    answers = [make_answer(name) for name in ("anna", "ben", "cleo", "dora", "emil")]
    orders = set()
    for number in range(12):
        released = [make_item("i1") | {"number": number}]
        votes = make_votes(answers, released, released)
        assert [v["reviewer"] for v in votes] == [f"reviewer-0{n}" for n in range(1, 6)]
        ids = {make_votes([a], released, released)[0]["reviewer"] for a in answers}
        assert ids == {"reviewer-01"}
        named = make_votes(
            [a | {"lead_time_s": float(n)} for n, a in enumerate(answers)], released, released
        )
        orders.add(tuple(v["lead_time_s"] for v in named))
    assert len(orders) > 1


@pytest.mark.parametrize("reviewers", [9, 99, 120])
def test_numbers_sort_as_they_count(reviewers: int) -> None:
    """However many there are, all numbers are equally wide."""
    answers = [make_answer(f"r{n}") for n in range(reviewers)]
    names = [v["reviewer"] for v in make_votes(answers, ITEMS, ITEMS)]
    assert len({len(name) for name in names}) == 1
    assert len(set(names)) == reviewers


def test_votes_are_released_only_where_the_curator_says_so(
    tmp_path: Path, released_unchanged: Path, finebench: RunCommand
) -> None:
    """The public folder holds votes on public items alone; without the word there is no such file."""
    assert not (released_unchanged / "releases" / "1.0.0" / VOTES).exists()
    releases = release_reviewed(tmp_path / "bench", finebench) / "releases"
    seen: dict[str, set[str]] = {}
    for name in ("1.0.0", "1.0.0-held-out"):
        folder = releases / name
        ids = {row["item_id"] for row in read_rows(folder / "evaluator" / "items.jsonl")}
        votes = read_rows(folder / VOTES)
        seen[name] = {vote["item_id"] for vote in votes}
        assert seen[name] == ids
        assert {vote["reviewer"] for vote in votes} == {"reviewer-01", "reviewer-02"}
        text = (folder / VOTES).read_text(encoding="utf-8")
        assert not any(person in text for person in (*PEOPLE, "private remark"))
    assert not seen["1.0.0"] & seen["1.0.0-held-out"]
