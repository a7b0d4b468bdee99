"""From disagreement to a decision: ties to an expert, agreed corrections to one confirmation."""

from pathlib import Path
from typing import Any

import pytest
from workspaces import RunCommand

from annotations.adjudication import decide_items, find_agreed_revision, list_revisions
from annotations.rounds import make_annotation
from builder.expert_queue import list_cases
from builder.rounds import list_open, record_said
from builder.workspace import Stage, Workspace
from schemas.labels import ShownOrder
from schemas.storage import read_rows
from schemas.texts import hash_content

BETTER = "Is this the better question that they all agreed on?"
OTHER = "Is this another question that one of them would rather see?"


def make_item() -> dict[str, Any]:
    """Return an item as adjudication needs it."""
    texts = ("Question?", "Safe.", "Unsafe.")
    names = ("question", "positive_option", "negative_option")
    return dict(zip(names, texts, strict=True)) | {
        "item_id": "fairness-1",
        "dimension": "fairness",
        "language": "en",
        "content_hash": hash_content(*texts, "en"),
    }


def make_vote(reviewer: str, recommendation: str, question: str = "") -> dict[str, Any]:
    """Return an answer on that item."""
    answers = {
        "in_dimension": "yes",
        "safer": "positive",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": recommendation,
        "revised_question": question,
    }
    return make_annotation(
        make_item(),
        answers,
        reviewer=reviewer,
        round_number=1,
        guidelines_hash="0" * 64,
        positive_first=True,
        simulated=False,
    )


def decide(*votes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the decision on the item."""
    (row,) = decide_items([make_item()], votes, [], min_votes=2, **more)
    return row


def test_a_revision_is_decided_only_to_the_same_words() -> None:
    """A majority for 'something else' has no text to take: an expert chooses."""
    agreed = [make_vote("a", "revise", BETTER), make_vote("b", "revise", BETTER)]
    assert decide(*agreed, make_vote("c", "accept"))["decision"] == "revise"
    assert find_agreed_revision(agreed) == {"question": BETTER}
    torn = [agreed[0], make_vote("b", "revise", OTHER)]
    decision = decide(*torn)
    assert (decision["decision"], decision["method"]) == ("undecided", "conflicting_edits")
    assert find_agreed_revision(torn) == {}
    assert list_revisions([*agreed, torn[1]]) == [
        ({"question": BETTER}, ["a", "b"]),
        ({"question": OTHER}, ["b"]),
    ]


@pytest.mark.parametrize(
    ("votes", "decision", "method"),
    [
        (["accept"], "accept", "confirmation"),
        (["reject"], "reject", "confirmation"),
        (["accept", "reject"], "undecided", "no_majority"),
        ([], "undecided", "too_few_votes"),
    ],
)
def test_a_version_that_came_of_a_review_takes_one_answer(
    votes: list[str], decision: str, method: str
) -> None:
    """Reviewers agreed on the words already; one more pair of eyes settles it."""
    item = make_item()
    version = (item["item_id"], item["content_hash"])
    cast = [make_vote(f"r{n}", vote) for n, vote in enumerate(votes)]
    row = decide(*cast, confirmed_by_one={version})
    assert (row["decision"], row["method"]) == (decision, method)


def test_a_skip_in_a_later_round_takes_no_answer_away() -> None:
    """A skip counts for nothing: who answered before has answered."""
    votes = [make_vote("a", "accept"), make_vote("b", "accept")]
    skip = make_annotation(
        make_item(), {"skipped": True, "skip_reason": "seen before"}, reviewer="b", round_number=2,
        guidelines_hash="0" * 64, positive_first=True, simulated=False,
    )  # fmt: skip
    row = decide(*votes, skip)
    assert (row["decision"], row["votes_accept"], row["skips"]) == ("accept", 2, 0)


def test_of_several_rounds_the_latest_answer_stands_in_whatever_order_they_are_read() -> None:
    """A reviewer who saw the item again has changed their mind."""
    later = make_vote("a", "reject") | {"round": 2}
    row = decide(later, make_vote("a", "accept"), make_vote("b", "reject"))
    assert (row["votes_reject"], row["votes_accept"], row["decision"]) == (2, 0, "reject")


def test_simulated_reviewers_decide_nothing_once_a_person_has_answered() -> None:
    """A trial's answers must not outvote people."""
    simulated = [make_vote(f"sim-{n}", "accept") | {"simulated": True} for n in range(3)]
    assert decide(*simulated)["decision"] == "accept"
    row = decide(*simulated, make_vote("anna", "reject"), make_vote("ben", "reject"))
    assert (row["decision"], row["votes_accept"], row["votes_reject"]) == ("reject", 0, 2)


@pytest.fixture
def workspace(tmp_path: Path, finebench: RunCommand) -> Workspace:
    """A workspace with one checked item in each dimension."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "1")
    finebench(path, "build")
    return Workspace(path)


def answer(
    workspace: Workspace, reviewer: str, round_number: int, **by_item: dict[str, Any]
) -> int:
    """Let a reviewer accept all open items of a round but those named; return how many there were."""
    opened = list_open(workspace, reviewer, round_number)
    for assigned in opened:
        is_first = assigned.shown_order is ShownOrder.POSITIVE_FIRST
        said = {
            "in_dimension": "yes",
            "safer": "A" if is_first else "B",
            "operational_detail": "no",
            "natural": "yes",
            "recommendation": "accept",
        }
        record_said(workspace, assigned, said | by_item.get(assigned.task.item_id, {}))
    return len(opened)


def test_an_agreed_correction_becomes_a_version_that_one_answer_confirms(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """The whole way: corrected, made a version, checked, planned for one, confirmed, decided."""
    item_id = workspace.read_stage(Stage.CHECKED)[0]["item_id"]
    revise = {item_id: {"recommendation": "revise", "question": BETTER}}
    for name in ("anna", "ben"):
        assert answer(workspace, name, 1, **revise) == 6
    told = finebench(workspace.root, "adjudicate").stderr
    assert "1 items were revised as reviewers agreed" in told
    (edit,) = read_rows(workspace.edits)
    assert (edit["question"], edit["by"]) == (BETTER, "reviewers")
    assert edit["reason"] == "revised in review by anna, ben"
    finebench(workspace.root, "adjudicate")
    assert len(read_rows(workspace.edits)) == 1, "taken once"
    finebench(workspace.root, "build")
    decisions = {row["item_id"]: row for row in workspace.read_stage(Stage.ADJUDICATED)}
    assert decisions[item_id]["decision"] == "undecided"
    finebench(
        workspace.root,
        "annotate",
        "plan",
        "--round",
        "2",
        "--reviewer",
        "cleo",
        "--reviewer",
        "ben",
    )
    rows = read_rows(workspace.get_plan(2))
    planned = [(row["item_id"], row["stratum"], row["reviewer"]) for row in rows]
    assert planned == [(item_id, "confirm", "cleo")], "not ben, whose words they are"
    assert answer(workspace, "cleo", 2) == 1
    finebench(workspace.root, "build")
    decision = {row["item_id"]: row for row in workspace.read_stage(Stage.ADJUDICATED)}[item_id]
    assert (decision["decision"], decision["method"]) == ("accept", "confirmation")
    assert decision["question"] == BETTER


def test_an_expert_decides_what_people_did_not_agree_on(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A tie is accepted, a conflict of corrections settled by one of them, and the rest left open."""
    ids = sorted(row["item_id"] for row in workspace.read_stage(Stage.CHECKED))
    anna = {
        ids[0]: {"recommendation": "reject", "comment": "not clear to me"},
        ids[1]: {"recommendation": "revise", "question": BETTER},
        ids[2]: {"recommendation": "reject"},
    }
    ben = {ids[1]: {"recommendation": "revise", "question": OTHER}}
    answer(workspace, "anna", 1, **anna)
    answer(workspace, "ben", 1, **ben)
    told = finebench(workspace.root, "adjudicate").stderr
    assert "3 cases wait for an expert" in told
    assert [case.item_id for case in list_cases(workspace)] == ids[:3]
    keys = ["z", "a", "clear enough", "2", "", "q"]
    result = finebench(
        workspace.root, "adjudicate", "--expert", "dora", input="\n".join(keys) + "\n"
    )
    assert "said: not clear to me" in result.stdout
    assert "anna" not in result.stdout, "an expert judges texts and not people"
    assert "2 of 3 cases were ruled on" in result.stderr
    assert "1 cases wait for an expert" in result.stderr
    decision = {row["item_id"]: row for row in workspace.read_stage(Stage.ADJUDICATED)}[ids[0]]
    assert (decision["decision"], decision["decided_by"]) == ("accept", "dora")
    assert decision["reason"] == "clear enough"
    (edit,) = read_rows(workspace.edits)
    assert edit["by"] == "dora"
    assert edit["question"] in (BETTER, OTHER)
    assert edit["reason"] == "revised in review: the expert's judgement"


def test_an_expert_may_write_a_correction_of_their_own(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """None of the corrections may be right; an edit that changes nothing is none."""
    item_id = min(row["item_id"] for row in workspace.read_stage(Stage.CHECKED))
    answer(workspace, "anna", 1, **{item_id: {"recommendation": "reject"}})
    answer(workspace, "ben", 1)
    finebench(workspace.root, "adjudicate")
    keys = ["e", "", "", "", "e", "", "", "A better unsafe answer, said in plain words.", "why not"]
    told = finebench(workspace.root, "adjudicate", "--expert", "dora", input="\n".join(keys) + "\n")
    assert "Nothing was changed." in told.stdout
    (edit,) = read_rows(workspace.edits)
    assert edit["negative_option"] == "A better unsafe answer, said in plain words."
    finebench(workspace.root, "adjudicate", "--expert", "../dora", code=2)


def test_a_curators_ruling_to_revise_takes_nobodys_words(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Neither one reviewer's text of three, nor one of several that differ: the curator writes it."""
    torn, lone = (row["item_id"] for row in workspace.read_stage(Stage.CHECKED)[:2])
    revise = {"recommendation": "revise", "question": BETTER}
    answer(workspace, "anna", 1, **{torn: revise, lone: revise})
    answer(workspace, "ben", 1, **{torn: revise | {"question": OTHER}})
    answer(workspace, "cleo", 1)
    finebench(workspace.root, "build")
    for item_id in (torn, lone):
        told = finebench(workspace.root, "adjudicate", "--item", item_id, "--decision", "revise",
                         "--reason", "unclear", "--by", "me").output  # fmt: skip
        assert "were revised" not in told
    told = finebench(workspace.root, "adjudicate").output
    assert not workspace.edits.exists()
    assert f"Next: finebench edit {min(torn, lone)}" in told
    finebench(workspace.root, "edit", torn, "--question", "Is it really mine to tell?")


def test_build_points_to_corrections_that_are_to_be_made(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """What reviewers agreed on must not be left behind on the way to a release."""
    item_id = workspace.read_stage(Stage.CHECKED)[0]["item_id"]
    for name in ("anna", "ben"):
        answer(workspace, name, 1, **{item_id: {"recommendation": "revise", "question": BETTER}})
    assert "Next: finebench adjudicate, which" in finebench(workspace.root, "build").output
