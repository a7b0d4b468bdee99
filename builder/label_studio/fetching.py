"""What comes back from Label Studio: answers enter; rows in the workspace, and what was not taken, leave.

An answer is confirmed in the ledger once its row is durable. Killed in between, the next fetch brings it
again, and finds the row that stands. Where somebody answered here and in the terminal, the later answer
stands, by the clocks of both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from annotations.expert_tasks import CaseTask, read_ruling
from annotations.label_config import Interface, load_label_config
from annotations.label_studio.connection import Server
from annotations.label_studio.ledger import open_ledger
from annotations.label_studio.pull import Answer, pull_answers
from annotations.reply_tasks import ReplyTask, make_reply_answer
from annotations.rounds import append_annotations, merge_rounds
from annotations.tasks import ReviewTask
from builder.expert_queue import list_cases, rule_on_case
from builder.label_studio.access import Files, list_members_online
from builder.reply_review import append_reply_answers, read_reply_answers
from builder.rounds import Assigned, get_answers_path, make_said_row, tell_time
from builder.workspace import Workspace, read_table
from schemas.errors import DataError, StorageError, UsageError
from schemas.labels import ShownOrder, Stratum
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["Fetched", "fetch"]


@dataclass(slots=True)
class Fetched:
    """What a fetch brought.

    ``stored`` counts new rows by person, ``rulings`` those of experts. ``refused`` says for each answer
    that was not taken why; each is told again until it is mended. ``older`` answers were given before the
    one that stands, ``replacing`` ones after it; ``retired`` ones belong to a version that is outdated
    and stay with it. ``vanished`` counts answers that were fetched before and are no longer on the server.
    """

    stored: Counter[str] = field(default_factory=Counter)
    rulings: int = 0
    refused: list[str] = field(default_factory=list)
    unchanged: int = 0
    older: int = 0
    replacing: int = 0
    retired: int = 0
    vanished: int = 0
    runs: set[str] = field(default_factory=set)
    has_items: bool = False


Store = Callable[[Sequence[Answer], Fetched], Iterable[int]]
"""Makes answers of one person in one round durable; returns the ids of those that need not come again."""


def fetch(workspace: Workspace, server: Server) -> Fetched:
    """Fetch what was answered on the server since the last time, of everything that was sent there.

    Raises `DataError` where another server is asked than the one that holds the projects.
    """
    files, fetched = Files.of(workspace), Fetched()
    accounts = {member.email: member.name for member in list_members_online(workspace)}
    for path, interface, run in files.list_ledgers():
        with open_ledger(path) as ledger:
            pulled = pull_answers(
                server,
                ledger,
                files.raw / path.stem,
                accounts,
                label_config=load_label_config(interface),
            )
            fetched.refused += [str(refused) for refused in pulled.refused]
            fetched.unchanged += pulled.unchanged
            fetched.vanished += len(pulled.vanished)
            fetched.retired += sum(answer.is_retired for answer in pulled.answers)
            store = _choose_store(workspace, interface, run)
            done = set(_store_all(pulled.answers, store, fetched))
            ledger.confirm_pull({key: at for key, at in pulled.seen.items() if key in done})
    return fetched


def _choose_store(workspace: Workspace, interface: Interface, run: str) -> Store:
    if interface is Interface.REPLIES:
        return lambda answers, fetched: _store_replies(workspace, run, answers, fetched)
    if interface is Interface.CASES:
        return lambda answers, fetched: _store_rulings(workspace, answers, fetched)
    return lambda answers, fetched: _store_items(workspace, answers, fetched)


def _store_all(answers: Sequence[Answer], store: Store, fetched: Fetched) -> Iterable[int]:
    """Store answers by person and round; whose file is in use keeps theirs for the next time."""

    def key(answer: Answer) -> tuple[int, str]:
        return (answer.round_number, answer.reviewer)

    for (_, reviewer), group in groupby(sorted(answers, key=key), key):
        of = sorted(group, key=lambda answer: (answer.updated_at, answer.annotation_id))
        try:
            yield from store(of, fetched)
        except StorageError as error:
            fetched.refused.append(
                f"{len(of)} answers of {reviewer} wait for the next pull: {error}"
            )


def _read_time(answer: Answer) -> datetime:
    return datetime.fromisoformat(answer.updated_at)


def _refuse(answer: Answer, reason: object, fetched: Fetched) -> None:
    fetched.refused.append(
        f"round {answer.round_number}, {answer.reviewer}, {answer.item_id}, annotation "
        f"{answer.annotation_id}: {reason}"
    )


def _store_items(
    workspace: Workspace, answers: Sequence[Answer], fetched: Fetched
) -> Iterable[int]:
    number, reviewer = answers[0].round_number, answers[0].reviewer
    orders = {
        (row["item_id"], row["content_hash"]): ShownOrder(row["shown_order"])
        for row in read_table(workspace.get_plan(number), TableName.ASSIGNMENT)
        if row["reviewer"] == reviewer
    }
    path = get_answers_path(workspace, reviewer, number)
    with workspace.hold(f"round-{number}-{reviewer}"):
        standing = {(row["item_id"], row["content_hash"]): row for row in merge_rounds([path]).rows}
        new: list[tuple[Answer, Row]] = []
        done = []
        for answer in answers:
            order = orders.get((answer.item_id, answer.content_hash))
            if order is None:
                _refuse(answer, f"it is not in the plan of round {number}", fetched)
                continue
            try:
                row = _make_row(answer, order)
            except DataError as error:
                _refuse(answer, error, fetched)
                continue
            done.append(answer.annotation_id)
            if _is_news(row, standing.get((answer.item_id, answer.content_hash)), fetched):
                new.append((answer, row))
        lost = _append(new, lambda rows: append_annotations(path, rows), fetched)
        fetched.has_items |= len(lost) < len(new)
    return [key for key in done if key not in lost]


def _append(
    new: Sequence[tuple[Answer, Row]], append: Callable[[list[Row]], None], fetched: Fetched
) -> set[int]:
    """Append rows, all at once where all hold; return the ids of the answers whose row does not."""
    lost: set[int] = set()
    try:
        append([row for _, row in new])
    except DataError:
        for answer, row in new:
            try:
                append([row])
            except DataError as error:
                told = "; ".join(map(str, error.problems)) or error
                _refuse(answer, told, fetched)
                lost.add(answer.annotation_id)
    for answer, _ in new:
        fetched.stored[answer.reviewer] += answer.annotation_id not in lost
    return lost


def _is_news(row: Row, before: Row | None, fetched: Fetched) -> bool:
    """Tell whether a row says what no row says yet, and is not older than the one that stands."""
    if before is None:
        return True
    if before == row:
        fetched.unchanged += 1
        return False
    if before["answered_at"] > row["answered_at"]:
        fetched.older += 1
        return False
    fetched.replacing += 1
    return True


def _make_row(answer: Answer, order: ShownOrder) -> Row:
    shown = answer.shown
    task = ReviewTask(
        task_id=answer.task_id,
        round_number=answer.round_number,
        reviewer=answer.reviewer,
        item_id=answer.item_id,
        content_hash=answer.content_hash,
        dimension=shown["dimension"],
        definition=shown["definition"],
        language="",
        question=shown["question"],
        option_a=shown["option_a"],
        option_b=shown["option_b"],
    )
    return make_said_row(
        Assigned(task, order, Stratum.ALL),
        answer.said,
        guidelines_hash=answer.guidelines_hash,
        answered_at=_read_time(answer),
    )


def _store_replies(
    workspace: Workspace, run: str, answers: Sequence[Answer], fetched: Fetched
) -> Iterable[int]:
    reviewer = answers[0].reviewer
    with workspace.hold(f"people-{run}-{reviewer}"):
        standing = {
            row["reply_id"]: row
            for row in read_reply_answers(workspace, run)
            if row["reviewer"] == reviewer
        }
        new: list[tuple[Answer, Row]] = []
        done = []
        for answer in answers:
            shown = answer.shown
            task = ReplyTask(
                answer.item_id, reviewer, shown["dimension"], shown["definition"], "",
                shown["question"], shown["reply"],
            )  # fmt: skip
            try:
                row = make_reply_answer(
                    answer.said,
                    task,
                    guidelines_hash=answer.guidelines_hash,
                    answered_at=tell_time(_read_time(answer)),
                )
            except DataError as error:
                _refuse(answer, error, fetched)
                continue
            done.append(answer.annotation_id)
            if _is_news(row, standing.get(answer.item_id), fetched):
                new.append((answer, row))
        lost = _append(
            new, lambda rows: append_reply_answers(workspace, run, reviewer, rows), fetched
        )
        if len(lost) < len(new):
            fetched.runs.add(run)
    return [key for key in done if key not in lost]


def _store_rulings(
    workspace: Workspace, answers: Sequence[Answer], fetched: Fetched
) -> Iterable[int]:
    cases = {(case.item_id, case.content_hash): case for case in list_cases(workspace)}
    done = []
    for answer in answers:
        case = cases.get((answer.item_id, answer.content_hash))
        try:
            found = read_ruling(answer.said, CaseTask(answer.reviewer, case)) if case else None
            if found and case:
                rule_on_case(workspace, case, *found, by=answer.reviewer)
        except (DataError, UsageError) as error:
            _refuse(answer, error, fetched)
            continue
        done.append(answer.annotation_id)
        if case is None:
            fetched.older += 1
        fetched.rulings += bool(found and case)
    return done
