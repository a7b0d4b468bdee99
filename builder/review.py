"""Stages 4 and 5 in a workspace: who reviews what, merging their answers, deciding each item."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotations.adjudication import decide_items
from annotations.rounds import (
    Answers,
    append_annotations,
    check_reviewer,
    make_annotation,
    merge_rounds,
)
from annotations.routing import assign_reviewers, is_positive_shown_first
from annotations.simulation import SIMULATED_PREFIX, simulate_answers
from builder.stage_records import (
    Counts,
    StageInputs,
    describe_inputs,
    make_rejection,
    write_stage,
)
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import DataError, StageError, UsageError
from schemas.labels import Decision
from schemas.storage import Row, append_row, hash_file, index_rows
from schemas.tables import TableName
from schemas.texts import trim
from schemas.validation import validate_rows

if TYPE_CHECKING:
    from annotations.terminal import Session

__all__ = [
    "adjudicate_items",
    "count_decisions",
    "find_adjudication_inputs",
    "find_annotation_inputs",
    "get_answers_path",
    "list_open_items",
    "merge_annotations",
    "prepare_session",
    "record_ruling",
    "simulate_reviewers",
]


def find_annotation_inputs(workspace: Workspace) -> StageInputs:
    """Return what the merged answers depend on."""
    parameters = {"guidelines": hash_file(workspace.guidelines)}
    return StageInputs(files=tuple(workspace.list_rounds()), parameters=parameters)


def find_adjudication_inputs(workspace: Workspace) -> StageInputs:
    """Return what the decisions depend on."""
    return StageInputs(
        files=(
            workspace.get_path(Stage.CHECKED),
            workspace.get_path(Stage.ANNOTATIONS),
            workspace.rulings,
        ),
        parameters=workspace.config.review.model_dump(),
    )


def get_answers_path(workspace: Workspace, reviewer: str, round_number: int) -> Path:
    """Return the file of one reviewer's answers in a round."""
    return workspace.get_round(round_number) / f"{check_reviewer(reviewer)}.jsonl"


def list_round_items(workspace: Workspace, round_number: int) -> dict[str, Row]:
    """Return the items that a round is about, by id: in the first all checked ones, later undecided ones.

    Undecided is told from the answers of earlier rounds alone, so that a round that is taken up again
    is about the same items.
    """
    items = workspace.read_stage(Stage.CHECKED)
    if not items:
        raise StageError("there are no checked items. Run `finebench check` first.")
    if round_number == 1:
        return index_rows(items)
    earlier = [p for p in workspace.list_rounds() if int(p.parent.name) < round_number]
    decisions = decide_items(
        items,
        merge_rounds(earlier).rows,
        read_table(workspace.rulings, TableName.RULING),
        min_votes=workspace.config.review.min_votes,
    )
    undecided = {d["item_id"] for d in decisions if d["decision"] == Decision.UNDECIDED}
    return {item["item_id"]: item for item in items if item["item_id"] in undecided}


def list_open_items(workspace: Workspace, reviewer: str, round_number: int) -> list[Row]:
    """Return the items that a person has yet to see in a round, in the order to show them.

    A person at a terminal sees every item of the round. Items whose text changed since are open again.
    """
    items = list_round_items(workspace, round_number)
    answered = _list_answered(get_answers_path(workspace, reviewer, round_number))
    seed = workspace.config.seed
    routed = assign_reviewers(sorted(items), [reviewer], overlap=1, seed=seed)[reviewer]
    return [items[i] for i in routed if (i, items[i]["content_hash"]) not in answered]


def _list_answered(path: Path) -> set[tuple[str, str]]:
    return {(row["item_id"], row["content_hash"]) for row in merge_rounds([path]).rows}


def simulate_reviewers(workspace: Workspace, count: int, round_number: int) -> int:
    """Let simulated reviewers answer the items routed to them; return how many answers were added.

    Their pseudonyms and rows say that they are simulated.
    """
    reviewers = [f"{SIMULATED_PREFIX}{number}" for number in range(1, count + 1)]
    items = list_round_items(workspace, round_number)
    overlap, seed = workspace.config.review.overlap, workspace.config.seed
    routed = assign_reviewers(sorted(items), reviewers, overlap=overlap, seed=seed)
    return sum(
        _simulate_reviewer(workspace, reviewer, [items[i] for i in routed[reviewer]], round_number)
        for reviewer in reviewers
    )


def _simulate_reviewer(
    workspace: Workspace, reviewer: str, items: Sequence[Row], round_number: int
) -> int:
    path = get_answers_path(workspace, reviewer, round_number)
    guidelines = hash_file(workspace.guidelines)
    seed = workspace.config.seed
    with workspace.hold(f"round-{round_number}-{reviewer}"):
        answered = _list_answered(path)
        rows = [
            make_annotation(
                item,
                simulate_answers(item, reviewer, round_number, seed),
                reviewer=reviewer,
                round_number=round_number,
                guidelines_hash=guidelines,
                positive_first=is_positive_shown_first(item["item_id"], reviewer, seed),
                simulated=True,
            )
            for item in items
            if (item["item_id"], item["content_hash"]) not in answered
        ]
        append_annotations(path, rows)
    return len(rows)


def merge_annotations(workspace: Workspace) -> Counts:
    """Merge all reviewers' answers of all rounds, and write stage 4's file.

    Answers on items or versions that are no longer there are kept too: they stay with their version.
    An answer that its reviewer gave again later in the round is among the rejected.
    """
    made_from = describe_inputs(workspace, find_annotation_inputs(workspace))
    merged = merge_rounds(workspace.list_rounds())
    rejected = [
        make_rejection(row, Stage.ANNOTATIONS, ["answered again later"])
        for row in merged.superseded
    ]
    return write_stage(
        workspace,
        Stage.ANNOTATIONS,
        merged.rows,
        rejected,
        made_from,
        entered=merged.read,
        sort_by=("item_id", "content_hash", "round", "reviewer"),
    )


def adjudicate_items(workspace: Workspace) -> Counts:
    """Decide every checked item, and write stage 5's file; what is not accepted stands beside it.

    Accepted and undecided items leave; rejected ones, and those to be revised, are among the rejects.
    """
    made_from = describe_inputs(workspace, find_adjudication_inputs(workspace))
    if not workspace.get_path(Stage.CHECKED).exists():
        raise StageError("there are no checked items. Run `finebench check` first.")
    items = workspace.read_stage(Stage.CHECKED)
    decisions = decide_items(
        items,
        workspace.read_stage(Stage.ANNOTATIONS),
        read_table(workspace.rulings, TableName.RULING),
        min_votes=workspace.config.review.min_votes,
    )
    left = [d for d in decisions if d["decision"] in (Decision.ACCEPT, Decision.UNDECIDED)]
    rejected = [
        make_rejection(d, Stage.ADJUDICATED, [_explain(d)])
        for d in decisions
        if d["decision"] not in (Decision.ACCEPT, Decision.UNDECIDED)
    ]
    return write_stage(workspace, Stage.ADJUDICATED, left, rejected, made_from, entered=len(items))


def _explain(decision: Row) -> str:
    remedy = ": edit it with `finebench edit`" if decision["decision"] == Decision.REVISE else ""
    return f"{decision['decision']} by {decision['decided_by']} ({decision['reason']}){remedy}"


def record_ruling(
    workspace: Workspace, item_id: str, decision: Decision, *, by: str, reason: str
) -> None:
    """Append a curator's decision on an item's present version to the log of rulings.

    Raises `UsageError` where there is no such item among the checked ones.
    """
    item = index_rows(workspace.read_stage(Stage.CHECKED)).get(item_id)
    if item is None:
        raise UsageError(f"no checked item {item_id}. `finebench show {item_id}` tells its life.")
    row = {
        "item_id": item_id,
        "content_hash": item["content_hash"],
        "decision": str(decision),
        "by": by,
        "reason": trim(reason),
    }
    problems = validate_rows([row], TableName.RULING, file="ruling")
    if problems:
        raise DataError(f"{item_id}: the ruling was not recorded.", problems)
    with workspace.hold(workspace.rulings.name):
        append_row(workspace.rulings, row)


@contextmanager
def prepare_session(workspace: Workspace, reviewer: str, round_number: int) -> Iterator["Session"]:
    """Yield a terminal session of one reviewer, whose file it holds until the block ends."""
    from annotations.terminal import Session

    path = get_answers_path(workspace, reviewer, round_number)
    guidelines = hash_file(workspace.guidelines)
    seed, taxonomy = workspace.config.seed, workspace.taxonomy

    def is_positive_first(item: Mapping[str, Any]) -> bool:
        return is_positive_shown_first(item["item_id"], reviewer, seed)

    def keep(item: Mapping[str, Any], answers: Answers) -> None:
        row = make_annotation(
            item,
            answers,
            reviewer=reviewer,
            round_number=round_number,
            guidelines_hash=guidelines,
            positive_first=is_positive_first(item),
            simulated=False,
        )
        append_annotations(path, [row])

    def describe(dimension: str) -> str:
        return f"{taxonomy[dimension].name}: {taxonomy[dimension].definition}"

    if reviewer.startswith(SIMULATED_PREFIX):
        raise UsageError(
            f"pseudonyms that begin with {SIMULATED_PREFIX} are for simulated reviewers."
        )
    with workspace.hold(f"round-{round_number}-{reviewer}"):
        items = list_open_items(workspace, reviewer, round_number)
        yield Session(items, describe, is_positive_first, keep)


def count_decisions(workspace: Workspace) -> list[tuple[str, str, int]]:
    """Return how many items were decided how, as (decision, method, items), sorted."""
    decisions = [
        *workspace.read_stage(Stage.ADJUDICATED),
        *(json.loads(row["row"]) for row in workspace.read_rejected(Stage.ADJUDICATED)),
    ]
    counted = Counter((row["decision"], row["method"]) for row in decisions)
    return [(decision, method, n) for (decision, method), n in sorted(counted.items())]
