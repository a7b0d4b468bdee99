"""People judge evaluated models' replies: a planned run enters; their judgements leave.

In the run's folder, ``people/<reviewer>.jsonl`` holds what each person said, ``votes.jsonl`` their words
as judgements, and ``people.judgements.jsonl`` the majority's. Who judges what is planned by `reply_plans`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from annotations.reply_tasks import ReplyTask, make_reply_answer
from annotations.reply_votes import Judged, count_votes
from annotations.rounds import check_reviewer
from annotations.tasks import Said
from builder.exclusions import read_exclusions
from builder.reply_plans import (
    JudgedRun,
    read_judged_run,
    write_run_table,
)
from builder.rounds import count_shown_today, find_cap, tell_time
from builder.screening import find_reason_to_withhold
from builder.workspace import Workspace, read_table
from schemas.errors import DataError, StageError, UsageError
from schemas.storage import Row, append_rows, hash_file, read_log, sort_rows
from schemas.tables import TableName
from schemas.validation import validate_rows

if TYPE_CHECKING:
    from annotations.terminal import Session

__all__ = [
    "append_reply_answers",
    "list_open_replies",
    "list_reply_tasks",
    "merge_replies",
    "prepare_reply_session",
    "read_reply_answers",
    "record_reply_said",
]


def list_reply_tasks(workspace: Workspace, run: str, reviewer: str) -> list[ReplyTask]:
    """Return the replies that a person judges, in order, judged or not.

    A reply that changed since it was drawn is left out, and one that nobody is ever to read. Raises `UsageError` for who is not in the plan.
    """
    read = read_judged_run(workspace, run)
    rows = read_table(read.plan_path, TableName.REPLY_ASSIGNMENT)
    own = [row for row in rows if row["reviewer"] == check_reviewer(reviewer)]
    if not own:
        raise UsageError(
            f"{reviewer} judges no replies of run {run}. Run `finebench annotate plan --responses {run} "
            f"--reviewer {reviewer}` first."
        )
    tasks = [
        _make_task(workspace, read, row)
        for row in sort_rows(own, "position")
        if row["reply_id"] in read.texts
    ]
    return [
        task
        for task in tasks
        if not find_reason_to_withhold(task.reply, task.language, is_flagged_shown=True)
    ]


def list_open_replies(workspace: Workspace, run: str, reviewer: str) -> list[ReplyTask]:
    """Return the replies that a person has yet to judge, in order."""
    answered = {
        row["reply_id"] for row in read_reply_answers(workspace, run) if row["reviewer"] == reviewer
    }
    tasks = list_reply_tasks(workspace, run, reviewer)
    return [task for task in tasks if task.reply_id not in answered]


def _make_task(workspace: Workspace, read: JudgedRun, row: Row) -> ReplyTask:
    item_id, text = read.texts[row["reply_id"]]
    item = read.items[item_id]
    known = {dimension.id: dimension for dimension in workspace.taxonomy}
    dimension = known.get(item.dimension)
    return ReplyTask(
        reply_id=row["reply_id"],
        reviewer=row["reviewer"],
        dimension=dimension.name if dimension else item.dimension,
        definition=dimension.definition if dimension else "",
        language=item.language,
        question=item.question,
        reply=text,
    )


def read_reply_answers(workspace: Workspace, run: str) -> list[Row]:
    """Return what people said of a run's replies; where somebody answered again, the last answer stands.

    Raises `DataError` where a row breaks a rule of its table, or names another person than its file.
    """
    standing: dict[tuple[str, str], Row] = {}
    for path in sorted((workspace.runs / run / "people").glob("*.jsonl")):
        rows = read_log(path)
        problems = validate_rows(rows, TableName.REPLY_ANSWER, file=path.name, unique=False)
        if problems or any(row["reviewer"] != path.stem for row in rows):
            raise DataError(
                f"{path}: not the answers of {path.stem} as finebench wrote them. Restore the file.",
                problems,
            )
        standing |= {(row["reply_id"], row["reviewer"]): row for row in rows}
    return list(standing.values())


def record_reply_said(
    workspace: Workspace, run: str, task: ReplyTask, said: Said, *, answered_at: str = ""
) -> Row:
    """Append what a person said of a reply to their file, and return the row; it is durable then.

    Raises `DataError` where an answer is missing or none of those asked for; nothing is appended then.
    """
    row = make_reply_answer(
        said,
        task,
        guidelines_hash=hash_file(workspace.guidelines),
        answered_at=answered_at or tell_time(),
    )
    append_reply_answers(workspace, run, task.reviewer, [row])
    return row


def append_reply_answers(
    workspace: Workspace, run: str, reviewer: str, rows: Sequence[Row]
) -> None:
    """Append a person's answers to their file; raise `DataError`, and append none, where one breaks a rule."""
    path = workspace.runs / run / "people" / f"{check_reviewer(reviewer)}.jsonl"
    problems = validate_rows(rows, TableName.REPLY_ANSWER, file=path.name, unique=False)
    if problems:
        raise DataError("the answer was not recorded.", problems)
    if rows:
        append_rows(path, rows)


@contextmanager
def prepare_reply_session(
    workspace: Workspace, run: str, reviewer: str
) -> Iterator["Session[ReplyTask]"]:
    """Yield a terminal session of one person on a run's replies, whose file it holds until the block ends."""
    from annotations.reply_screen import REPLY_WARNING, ask_about_reply
    from annotations.terminal import Session

    tasks = list_reply_tasks(workspace, run, reviewer)
    with workspace.hold(f"people-{run}-{reviewer}"):
        own = [row for row in read_reply_answers(workspace, run) if row["reviewer"] == reviewer]
        place = {row["reply_id"]: number for number, row in enumerate(own)}
        answered = [task for task in tasks if task.reply_id in place]
        left = find_cap(workspace, reviewer) - count_shown_today(workspace, reviewer)

        def keep(task: ReplyTask, said: Said) -> None:
            record_reply_said(workspace, run, task, said)

        yield Session(
            [task for task in tasks if task.reply_id not in place],
            keep,
            ask_about_reply,
            REPLY_WARNING,
            answered=sorted(answered, key=lambda task: place[task.reply_id]),
            left_today=max(0, left),
            contact=workspace.config.review.contact,
            noun="reply",
        )


def merge_replies(workspace: Workspace, run: str) -> Judged:
    """Count what people said of a run's replies, write votes and majorities, and return both.

    Excluded people do not count, nor do answers on replies that changed since. Raises `StageError` where
    nobody was asked yet.
    """
    read = read_judged_run(workspace, run)
    with workspace.hold(f"people-{run}"):
        drawn = read_table(read.slice_path, TableName.REPLY_SLICE)
        if not drawn:
            raise StageError(
                f"no replies of run {run} were drawn. Run `finebench annotate plan --responses {run}`."
            )
        excluded = read_exclusions(workspace)
        answers = [
            row for row in read_reply_answers(workspace, run) if row["reviewer"] not in excluded
        ]
        now = {(r.model, r.item_id, r.sample, r.reply_id) for r in read.replies}
        present = [
            row
            for row in drawn
            if (row["model"], row["item_id"], row["sample"], row["reply_id"]) in now
        ]
        judged = count_votes(present, answers, min_votes=workspace.config.review.min_votes)
        write_run_table(read.folder / "votes.jsonl", judged.votes, TableName.JUDGEMENT)
        write_run_table(
            read.folder / "people.judgements.jsonl", judged.majorities, TableName.JUDGEMENT
        )
    return judged
