"""Stages 4 and 5 in a workspace: sessions, merging reviewers' answers, deciding each item."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from annotations.adjudication import decide_items
from annotations.rounds import append_annotations, make_annotation, merge_rounds
from annotations.routing import Reviewer
from annotations.simulation import SIMULATED_PREFIX, simulate_answers
from annotations.tasks import ReviewTask, Said
from builder.exclusions import read_exclusions
from builder.round_plans import plan_review
from builder.rounds import (
    count_shown_today,
    find_cap,
    get_answers_path,
    list_answered,
    list_open,
    record_said,
)
from builder.stage_records import (
    Counts,
    StageInputs,
    describe_inputs,
    make_rejection,
    write_stage,
)
from builder.versions import list_revised_versions
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import DataError, StageError, UsageError
from schemas.labels import Decision, ShownOrder
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
    "merge_annotations",
    "prepare_session",
    "record_ruling",
    "simulate_reviewers",
]


def find_annotation_inputs(workspace: Workspace) -> StageInputs:
    """Return what the merged answers depend on."""
    parameters = {"guidelines": hash_file(workspace.guidelines)}
    files = (*workspace.list_rounds(), workspace.exclusions)
    return StageInputs(files=files, parameters=parameters)


def find_adjudication_inputs(workspace: Workspace) -> StageInputs:
    """Return what the decisions depend on."""
    return StageInputs(
        files=(
            workspace.get_path(Stage.CHECKED),
            workspace.get_path(Stage.ANNOTATIONS),
            workspace.rulings,
            workspace.edits,
        ),
        parameters={"min_votes": workspace.config.review.min_votes},
    )


def simulate_reviewers(workspace: Workspace, count: int, round_number: int) -> int:
    """Let simulated reviewers answer the items planned for them; return how many answers were added.

    Their pseudonyms and rows say that they are simulated.
    """
    names = [f"{SIMULATED_PREFIX}{number}" for number in range(1, count + 1)]
    plan_review(workspace, round_number, [Reviewer(name) for name in names])
    return sum(_simulate_reviewer(workspace, name, round_number) for name in names)


def _simulate_reviewer(workspace: Workspace, reviewer: str, round_number: int) -> int:
    guidelines = hash_file(workspace.guidelines)
    with workspace.hold(f"round-{round_number}-{reviewer}"):
        rows = [
            make_annotation(
                {"item_id": assigned.task.item_id, "content_hash": assigned.task.content_hash},
                simulate_answers(
                    assigned.task.content_hash, reviewer, round_number, workspace.config.seed
                ),
                reviewer=reviewer,
                round_number=round_number,
                guidelines_hash=guidelines,
                positive_first=assigned.shown_order is ShownOrder.POSITIVE_FIRST,
                simulated=True,
            )
            for assigned in list_open(workspace, reviewer, round_number)
        ]
        append_annotations(get_answers_path(workspace, reviewer, round_number), rows)
    return len(rows)


def merge_annotations(workspace: Workspace) -> Counts:
    """Merge all reviewers' answers of all rounds, and write stage 4's file.

    Answers on items or versions that are no longer there are kept too: they stay with their version.
    An answer that its reviewer gave again later in the round is among the rejected, and so are all of a
    reviewer who is excluded.
    """
    made_from = describe_inputs(workspace, find_annotation_inputs(workspace))
    merged = merge_rounds(workspace.list_rounds())
    excluded = read_exclusions(workspace)
    rejected = [
        make_rejection(row, Stage.ANNOTATIONS, ["answered again later"])
        for row in merged.superseded
    ]
    rejected += [
        make_rejection(row, Stage.ANNOTATIONS, [f"reviewer excluded: {excluded[row['reviewer']]}"])
        for row in merged.rows
        if row["reviewer"] in excluded
    ]
    return write_stage(
        workspace,
        Stage.ANNOTATIONS,
        [row for row in merged.rows if row["reviewer"] not in excluded],
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
        confirmed_by_one=list_revised_versions(workspace),
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
def prepare_session(
    workspace: Workspace, reviewer: str, round_number: int
) -> Iterator["Session[ReviewTask]"]:
    """Yield a terminal session of one reviewer, whose file it holds until the block ends.

    What is shown is told by `builder.rounds.list_assigned`.
    """
    from annotations.item_screen import WARNING, ask_about_item
    from annotations.terminal import Session

    if reviewer.startswith(SIMULATED_PREFIX):
        raise UsageError(
            f"pseudonyms that begin with {SIMULATED_PREFIX} are for simulated reviewers."
        )
    excluded = read_exclusions(workspace)
    if reviewer in excluded:
        raise UsageError(
            f"{reviewer} is excluded ({excluded[reviewer]}). Their answers would not count: talk to the curator."
        )
    guidelines = hash_file(workspace.guidelines)
    with workspace.hold(f"round-{round_number}-{reviewer}"):
        opened = list_open(workspace, reviewer, round_number)
        answered = list_answered(workspace, reviewer, round_number)
        by_id = {assigned.task.task_id: assigned for assigned in (*answered, *opened)}

        def keep(task: ReviewTask, said: Said) -> None:
            record_said(workspace, by_id[task.task_id], said, guidelines_hash=guidelines)

        left = find_cap(workspace, reviewer) - count_shown_today(workspace, reviewer)
        yield Session(
            [assigned.task for assigned in opened],
            keep,
            ask_about_item,
            WARNING,
            answered=[assigned.task for assigned in answered],
            left_today=max(0, left),
            contact=workspace.config.review.contact,
        )


def count_decisions(workspace: Workspace) -> list[tuple[str, str, int]]:
    """Return how many items were decided how, as (decision, method, items), sorted."""
    decisions = [
        *workspace.read_stage(Stage.ADJUDICATED),
        *(json.loads(row["row"]) for row in workspace.read_rejected(Stage.ADJUDICATED)),
    ]
    counted = Counter((row["decision"], row["method"]) for row in decisions)
    return [(decision, method, n) for (decision, method), n in sorted(counted.items())]
