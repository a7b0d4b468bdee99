"""Rounds of review in a workspace: what a reviewer is shown, what is still open, and answers as they come.

A round's plan is ``rounds/N.plan.jsonl``, each reviewer's answers ``rounds/N/<reviewer>.jsonl``. The
terminal and Label Studio work from the one plan and write the same rows, so that a round may mix both.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from annotations.rounds import append_annotations, check_reviewer, make_annotation, merge_rounds
from annotations.simulation import SIMULATED_PREFIX
from annotations.tasks import ReviewTask, Said, make_answers, make_task
from builder.round_plans import find_members, list_rejected_items, plan_for_one, read_gold
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.labels import ShownOrder, Stratum
from schemas.storage import Row, hash_file, index_rows, read_log, sort_rows
from schemas.tables import TableName
from schemas.taxonomy import Dimension

__all__ = [
    "Assigned",
    "count_shown_today",
    "find_cap",
    "find_last_round",
    "get_answers_path",
    "list_answered",
    "list_assigned",
    "list_open",
    "make_said_row",
    "record_said",
    "tell_time",
]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A task with what its reviewer is not told: the order of its options, and why it is in the round."""

    task: ReviewTask
    shown_order: ShownOrder
    stratum: Stratum


def get_answers_path(workspace: Workspace, reviewer: str, round_number: int) -> Path:
    """Return the file of one reviewer's answers in a round."""
    return workspace.get_round(round_number) / f"{check_reviewer(reviewer)}.jsonl"


def list_assigned(workspace: Workspace, reviewer: str, round_number: int) -> list[Assigned]:
    """Return what a reviewer sees in a round, in order, answered or not.

    Who is in the round's plan sees what was planned. In a round without a plan, or planned for simulated
    reviewers alone, whoever comes sees all of it. An item whose text changed since the plan was made is
    left out: its new version needs a new plan. Raises `UsageError` for who is not in a plan for others.
    """
    check_reviewer(reviewer)
    rows = read_table(workspace.get_plan(round_number), TableName.ASSIGNMENT)
    own = [row for row in rows if row["reviewer"] == reviewer]
    if not own:
        people = {r["reviewer"] for r in rows if not r["reviewer"].startswith(SIMULATED_PREFIX)}
        if people:
            raise UsageError(
                f"{reviewer} is not in the plan of round {round_number} ({', '.join(sorted(people))}). Run "
                f"`finebench annotate plan --round {round_number} --reviewer {reviewer}`, which gives them "
                "what lacks reviewers."
            )
        own = plan_for_one(workspace, round_number, reviewer)
    items = workspace.read_stage(Stage.CHECKED)
    rejected = list_rejected_items(workspace)
    sources = read_gold(workspace) | index_rows(items)
    assigned = []
    for row in sort_rows(own, "position"):
        # What the checks turned down since it was planned is shown only as a draw of such items.
        is_rejected = row["stratum"] == Stratum.REJECTED
        item = (rejected if is_rejected else sources).get(row["item_id"])
        if item is not None and item["content_hash"] == row["content_hash"]:
            assigned.append(_assign(item, row, _find_dimension(workspace, item["dimension"])))
    return assigned


def _assign(item: Row, row: Row, dimension: Dimension) -> Assigned:
    order = ShownOrder(row["shown_order"])
    task = make_task(
        item,
        dimension,
        reviewer=row["reviewer"],
        round_number=row["round"],
        shown_order=order,
    )
    return Assigned(task, order, Stratum(row["stratum"]))


def _find_dimension(workspace: Workspace, name: str) -> Dimension:
    if name not in workspace.taxonomy:
        raise StageError(f"dimensions.toml no longer has {name}. Run `finebench check` first.")
    return workspace.taxonomy[name]


def list_open(workspace: Workspace, reviewer: str, round_number: int) -> list[Assigned]:
    """Return what a reviewer has yet to answer in a round, in order."""
    answered = set(_list_versions(workspace, reviewer, round_number))
    return [
        assigned
        for assigned in list_assigned(workspace, reviewer, round_number)
        if _get_version(assigned) not in answered
    ]


def list_answered(workspace: Workspace, reviewer: str, round_number: int) -> list[Assigned]:
    """Return what a reviewer has answered in a round, the last one last."""
    place = {v: n for n, v in enumerate(_list_versions(workspace, reviewer, round_number))}
    answered = [
        assigned
        for assigned in list_assigned(workspace, reviewer, round_number)
        if _get_version(assigned) in place
    ]
    return sorted(answered, key=lambda assigned: place[_get_version(assigned)])


def find_last_round(workspace: Workspace) -> tuple[int, bool]:
    """Return the number of the last round, and whether people have yet to answer something planned in it.

    The number is 0 where nobody was asked yet.
    """
    answered = [int(path.parent.name) for path in workspace.list_rounds()]
    number = max([*workspace.list_plans(), *answered], default=0)
    rows = read_table(workspace.get_plan(number), TableName.ASSIGNMENT)
    names = {row["reviewer"] for row in rows}
    return number, any(list_open(workspace, name, number) for name in sorted(names))


def _get_version(assigned: Assigned) -> tuple[str, str]:
    return (assigned.task.item_id, assigned.task.content_hash)


def _list_versions(workspace: Workspace, reviewer: str, round_number: int) -> list[tuple[str, str]]:
    """Return the versions that a reviewer has answered in a round, in the order of the first answers."""
    path = get_answers_path(workspace, reviewer, round_number)
    return [(row["item_id"], row["content_hash"]) for row in merge_rounds([path]).rows]


def record_said(
    workspace: Workspace,
    assigned: Assigned,
    said: Said,
    *,
    guidelines_hash: str = "",
    answered_at: datetime | None = None,
) -> Row:
    """Append what a reviewer said of a task to their file, and return the row; it is durable then.

    ``answered_at`` is now, unless it was said elsewhere before. Raises `DataError` where an answer is
    missing or breaks a rule; nothing is appended then.
    """
    task = assigned.task
    row = make_said_row(
        assigned,
        said,
        guidelines_hash=guidelines_hash or hash_file(workspace.guidelines),
        answered_at=answered_at,
    )
    append_annotations(get_answers_path(workspace, task.reviewer, task.round_number), [row])
    return row


def make_said_row(
    assigned: Assigned, said: Said, *, guidelines_hash: str, answered_at: datetime | None = None
) -> Row:
    """Return what a reviewer said of a task as a row of the annotation table.

    Raises `DataError` where an answer is missing or none of those asked for.
    """
    task = assigned.task
    return make_annotation(
        {"item_id": task.item_id, "content_hash": task.content_hash},
        {**make_answers(said, task, assigned.shown_order), "answered_at": tell_time(answered_at)},
        reviewer=task.reviewer,
        round_number=task.round_number,
        guidelines_hash=guidelines_hash,
        positive_first=assigned.shown_order is ShownOrder.POSITIVE_FIRST,
        simulated=task.reviewer.startswith(SIMULATED_PREFIX),
    )


def tell_time(at: datetime | None = None) -> str:
    """Return a time, now where none is given, as rows have it: UTC, to the second."""
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def count_shown_today(workspace: Workspace, reviewer: str, now: datetime | None = None) -> int:
    """Return how many items and replies a reviewer judged or skipped on this day (UTC), wherever."""
    today = tell_time(now)[:10]
    paths = [path for path in workspace.list_rounds() if path.stem == reviewer]
    rows = merge_rounds(paths).rows
    for path in workspace.list_reply_answers():
        if path.stem == reviewer:
            rows += {row["reply_id"]: row for row in read_log(path)}.values()
    return sum(row["answered_at"].startswith(today) for row in rows)


def find_cap(workspace: Workspace, reviewer: str) -> int:
    """Return the most items that a reviewer is shown a day."""
    (member,) = find_members(workspace, [reviewer])
    return member.daily_cap or workspace.config.review.daily_cap
