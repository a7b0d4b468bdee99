"""How far a round is, on Label Studio and in the terminal alike: a server and files enter; figures leave."""

from dataclasses import asdict, dataclass
from typing import Any

from annotations.label_studio.connection import Server
from annotations.label_studio.ledger import open_ledger, read_ledger
from annotations.label_studio.status import SlotStatus, get_status
from annotations.rounds import merge_rounds
from builder.label_studio.access import Files
from builder.rounds import find_cap, get_answers_path
from builder.workspace import Workspace, read_table
from schemas.storage import Row, hash_file, read_log
from schemas.tables import TableName

__all__ = [
    "Progress",
    "find_progress",
    "find_those_over_their_cap",
    "is_answer_awaited",
    "list_told_otherwise",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """One reviewer's round: ``planned`` items, ``kept`` answers in the workspace, and what the server tells.

    ``online`` is None for who answers in the terminal alone.
    """

    round_number: int
    reviewer: str
    planned: int
    kept: int
    online: SlotStatus | None

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        return asdict(self)


def find_progress(workspace: Workspace, server: Server | None) -> list[Progress]:
    """Return how far each reviewer of each planned round is; without a server, by the files alone."""
    online: dict[tuple[int, str], SlotStatus] = {}
    path = Files.of(workspace).items
    if server is not None and path.exists():
        with open_ledger(path) as ledger:
            online = {(s.round_number, s.reviewer): s for s in get_status(server, ledger)}
    planned: dict[tuple[int, str], int] = {}
    for plan in workspace.list_plans().values():
        for row in read_table(plan, TableName.ASSIGNMENT):
            key = (row["round"], row["reviewer"])
            planned[key] = planned.get(key, 0) + 1
    kept: dict[tuple[int, str], int] = {}
    for row in merge_rounds(workspace.list_rounds()).rows:
        key = (row["round"], row["reviewer"])
        kept[key] = kept.get(key, 0) + 1
    return [
        Progress(number, name, planned.get((number, name), 0), kept.get((number, name), 0),
                 online.get((number, name)))
        for number, name in sorted({*planned, *kept, *online})
    ]  # fmt: skip


def find_those_over_their_cap(workspace: Workspace) -> list[tuple[str, str, int, int]]:
    """Return who answered more on a day than their cap, as (reviewer, day, answers, cap)."""
    counts: dict[tuple[str, str], int] = {}
    for row in _list_peoples_rows(workspace):
        key = (row["reviewer"], row["answered_at"][:10])
        counts[key] = counts.get(key, 0) + 1
    caps = {name: find_cap(workspace, name) for name, _ in counts}
    return [
        (name, day, count, caps[name])
        for (name, day), count in sorted(counts.items())
        if count > caps[name]
    ]


def _list_peoples_rows(workspace: Workspace) -> list[Row]:
    rows = merge_rounds(workspace.list_rounds()).rows
    for path in workspace.list_reply_answers():
        rows += {row["reply_id"]: row for row in read_log(path)}.values()
    return [row for row in rows if row["answered_at"] and not row["simulated"]]


def list_told_otherwise(workspace: Workspace) -> list[str]:
    """Return whose projects of review rounds show other guidelines than ``guidelines.md`` has now."""
    now = hash_file(workspace.guidelines)
    told = read_ledger(Files.of(workspace).items).guidelines
    return sorted({slot.reviewer for slot, of in told.items() if of[-1][1] != now})


def is_answer_awaited(workspace: Workspace) -> bool:
    """Tell whether anything that is in force on Label Studio has no answer in the workspace yet."""
    ledger = read_ledger(Files.of(workspace).items)
    for slot, project_id in ledger.projects.items():
        path = get_answers_path(workspace, slot.reviewer, slot.round_number)
        answered = {(row["item_id"], row["content_hash"]) for row in merge_rounds([path]).rows}
        active = ledger.list_active(project_id)
        if any((task.item_id, task.content_hash) not in answered for task in active):
            return True
    return False
