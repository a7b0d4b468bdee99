"""Review tasks go out: each stands on the server exactly once, whatever fails on the way."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from annotations.label_config import load_label_config
from annotations.label_studio.connection import Server, TaskOnServer
from annotations.label_studio.ledger import Ledger, Slot, make_data
from annotations.label_studio.projects import ProjectFinder
from annotations.tasks import ShownTask
from schemas.errors import DataError, LabelStudioError

__all__ = ["Pushed", "Tell", "make_link", "push_tasks"]

_SEND_TRIES = 6

Tell = Callable[[int, int], None]
"""Is told of progress: how many tasks are on the server by now, and how many there will be."""


def _tell_nobody(_done: int, _total: int) -> None:
    """Keep progress to oneself."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: counts of tasks, and each slot's project.

    ``sent`` were imported now, ``found`` were on the server without our knowing (their reply was lost),
    ``known`` were pushed earlier; the three add up to the tasks given. ``retired`` are earlier versions,
    of which ``removed`` had no answer and left the server; ``doubles`` were removed too.
    """

    sent: int
    found: int
    known: int
    retired: int
    removed: int
    doubles: int
    projects: Mapping[Slot, int]


def make_link(server: Server, project_id: int) -> str:
    """Return the address at which a reviewer, once logged in, is shown one item after the other."""
    return f"{server.url}projects/{project_id}/data?labeling=1"


@dataclass(slots=True)
class _Tally:
    sent: int = 0
    found: int = 0
    known: int = 0
    retired: int = 0
    removed: int = 0
    doubles: int = 0


def push_tasks(
    server: Server,
    tasks: Sequence[ShownTask],
    ledger: Ledger,
    *,
    batch: int = 500,
    label_config: str = "",
    instruction: str = "",
    guidelines: str = "",
    whole: Iterable[tuple[int, str]] = (),
    tell: Tell = _tell_nobody,
) -> Pushed:
    """Put tasks on the server, one project a reviewer and round; run again, it adds what is missing.

    Where an item is given in another version than before, the earlier version's task is retired: without
    answers it is removed, with answers it stays as it is. Items that are not given are left alone, but
    for the rounds and reviewers in ``whole``, of whom all is given that they have yet to answer: what else
    waits for them on the server is removed. ``instruction`` is plain text, shown before the first item;
    ``guidelines`` the hash of what it says, and where that is another than before, projects that are there
    show the new one. Raises `LabelStudioError` where the server refuses or
    stays silent, `DataError` where the ledger belongs to another server; what is done by then is kept.
    """
    tally = _Tally()
    groups: dict[Slot, list[ShownTask]] = {}
    for task in tasks:
        groups.setdefault(ledger.claim_slot(task.round_number, task.reviewer), []).append(task)
    _require_one_version(groups)
    for key in whole:
        if key in ledger.slots:
            groups.setdefault(ledger.slots[key], [])
    known = ProjectFinder(server, ledger)
    for slot, wanted in groups.items():
        config = label_config or load_label_config()
        project_id, is_new = known.ensure(slot, config, instruction)
        _instruct(server, ledger, slot, instruction, guidelines, is_new=is_new)
        is_whole = (slot.round_number, slot.reviewer) in whole
        _retire(server, ledger, project_id, wanted, tally, is_whole=is_whole)
        _send_missing(server, ledger, project_id, wanted, tally, batch=batch, is_new=is_new,
                      tell=lambda: tell(tally.sent + tally.found + tally.known, len(tasks)))  # fmt: skip
    return Pushed(
        tally.sent, tally.found, tally.known, tally.retired, tally.removed, tally.doubles,
        {slot: ledger.projects[slot] for slot in groups},
    )  # fmt: skip


def _require_one_version(groups: Mapping[Slot, Sequence[ShownTask]]) -> None:
    for slot, tasks in groups.items():
        twice = [item for item, n in Counter(task.item_id for task in tasks).items() if n > 1]
        if twice:
            raise DataError(
                f"round {slot.round_number}, {slot.reviewer}: {', '.join(twice[:3])} stands more than once among "
                "the tasks. Give each item to a reviewer in one version."
            )


def _instruct(
    server: Server, ledger: Ledger, slot: Slot, instruction: str, digest: str, *, is_new: bool
) -> None:
    """Have a project show the guidelines in force, and note since when it does."""
    told = ledger.guidelines.get(slot, [])
    if not digest or (told and told[-1][1] == digest):
        return
    if not is_new:
        server.set_instruction(ledger.projects[slot], instruction)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    ledger.add_guidelines(slot, since, digest)


def _retire(
    server: Server,
    ledger: Ledger,
    project_id: int,
    wanted: Sequence[ShownTask],
    tally: _Tally,
    *,
    is_whole: bool,
) -> None:
    """Retire tasks in force whose item is wanted in another version, or ``is_whole``, not at all.

    Of the latter those with answers stay in force: they were answered here.
    """
    versions = {task.item_id: task.task_id for task in wanted}
    active = ledger.list_active(project_id)
    changed = [t for t in active if versions.get(t.item_id, t.ext_id) != t.ext_id]
    unwanted = [t for t in active if is_whole and t.item_id not in versions]
    if not (changed or unwanted):
        return
    there = {task.server_id: task for task in server.list_tasks(project_id)}
    for task in [*changed, *unwanted]:
        on_server = there.get(task.server_id)
        is_answered = on_server is not None and bool(on_server.answers + on_server.skips)
        if is_answered and task in unwanted:
            continue
        if on_server is not None and not is_answered:
            server.delete_task(task.server_id)
        # Removed first and noted after: killed in between, the next run finds it gone, and notes it.
        ledger.retire_task(project_id, task.ext_id, is_removed=not is_answered)
        tally.retired += 1
        tally.removed += not is_answered


def _send_missing(
    server: Server,
    ledger: Ledger,
    project_id: int,
    wanted: Sequence[ShownTask],
    tally: _Tally,
    *,
    batch: int,
    is_new: bool,
    tell: Callable[[], None],
) -> None:
    in_force = {task.ext_id for task in ledger.list_active(project_id)}
    missing = {task.task_id: task for task in wanted if task.task_id not in in_force}
    tally.known += len(wanted) - len(missing)
    if missing and not is_new:
        # An earlier run may have ended between the server's reply and our note of it.
        _take_up(server, ledger, project_id, missing, tally)
    tell()
    while missing:
        part = dict(list(missing.items())[:batch])
        _send(server, ledger, project_id, part, tally)
        for task_id in part:
            del missing[task_id]
        tell()


def _send(
    server: Server,
    ledger: Ledger,
    project_id: int,
    part: dict[str, ShownTask],
    tally: _Tally,
) -> None:
    """Import one batch; where the reply is lost, ask what is there and import only what is not."""
    remaining = dict(part)
    for left in reversed(range(_SEND_TRIES)):
        tasks = list(remaining.values())
        try:
            ids = server.import_tasks(project_id, [make_data(task) for task in tasks])
        except LabelStudioError as error:
            if not error.is_ambiguous or not left:
                raise
        else:
            ledger.add_tasks(project_id, zip(tasks, ids, strict=True))
            tally.sent += len(tasks)
            break
        server.wait_until_up()
        _take_up(server, ledger, project_id, remaining, tally)
        if not remaining:
            break


def _take_up(
    server: Server,
    ledger: Ledger,
    project_id: int,
    missing: dict[str, ShownTask],
    tally: _Tally,
) -> None:
    """Note those of the missing tasks that the server holds, take them off, and remove doubles."""
    there: dict[str, list[TaskOnServer]] = {}
    for held in server.list_tasks(project_id):
        there.setdefault(held.ext_id, []).append(held)
    for copies in there.values():
        # Of a task that stands twice the one with answers stays, or the first.
        copies.sort(key=lambda held: (not held.answers + held.skips, held.server_id))
        for double in copies[1:]:
            if copies[0].ext_id and not double.answers + double.skips:
                server.delete_task(double.server_id)
                tally.doubles += 1
    found = [(task, there[key][0].server_id) for key, task in missing.items() if key in there]
    ledger.add_tasks(project_id, found)
    tally.found += len(found)
    for task, _ in found:
        del missing[task.task_id]
