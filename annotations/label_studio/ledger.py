"""What was sent to a server and what was fetched: one append-only file, forced to the disk at each step.

The ledger knows which task of the server is which version of which item for whom. A task id belongs to
one version for ever, so that an answer given to an earlier version stays with that version.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from annotations.tasks import ShownTask
from schemas.errors import DataError
from schemas.storage import Row, append_row, hold_lock, read_log
from schemas.texts import canonical_json, hash_text

__all__ = [
    "Ledger",
    "SentTask",
    "Slot",
    "hash_data",
    "make_data",
    "open_ledger",
    "read_ledger",
]


@dataclass(frozen=True, slots=True)
class Slot:
    """One reviewer's place in a round; ``number`` counts from 1 within the round and names nobody."""

    round_number: int
    number: int
    reviewer: str


@dataclass(frozen=True, slots=True)
class SentTask:
    """One task on the server; ``data_hash`` tells whether it still shows what was sent."""

    ext_id: str
    server_id: int
    item_id: str
    content_hash: str
    data_hash: str


@dataclass(slots=True)
class Ledger:
    """The ledger as read from its file; each method that adds writes to the file first.

    ``title`` says what is asked for where that is not rounds of review.
    """

    path: Path
    title: str = ""
    ledger_id: str = ""
    slots: dict[tuple[int, str], Slot] = field(default_factory=dict)
    projects: dict[Slot, int] = field(default_factory=dict)
    tasks: dict[int, dict[str, SentTask]] = field(default_factory=dict)
    """By project and ext_id: every task that was ever sent, the retired ones too."""
    retired: set[tuple[int, str]] = field(default_factory=set)
    pulled: dict[int, str] = field(default_factory=dict)
    """``updated_at`` by annotation id, as of the last pull that was confirmed."""
    pulls: int = 0
    guidelines: dict[Slot, list[tuple[str, str]]] = field(default_factory=dict)
    """What each slot's reviewer was told, as (since when, hash), the latest last."""

    def get_title(self, slot: Slot) -> str:
        """Return the title of a slot's project, which everybody on the server can read."""
        return f"{self.title or f'Round {slot.round_number}'}, slot {slot.number}"

    def find_guidelines(self, slot: Slot, at: str) -> str:
        """Return the hash of the guidelines that a slot's reviewer was told at a time (ISO 8601, UTC)."""
        told = self.guidelines.get(slot, [])
        earlier = [digest for since, digest in told if since <= at]
        return earlier[-1] if earlier else told[0][1] if told else ""

    def get_marker(self, slot: Slot) -> str:
        """Return the text by which the project of a slot is known again, whatever its id."""
        return f"finebench {self.ledger_id} {slot.round_number}.{slot.number}"

    def list_active(self, project_id: int) -> list[SentTask]:
        """Return the tasks of a project that are in force, in the order in which they were sent."""
        return [
            task
            for ext_id, task in self.tasks.get(project_id, {}).items()
            if (project_id, ext_id) not in self.retired
        ]

    def claim_slot(self, round_number: int, reviewer: str) -> Slot:
        """Return a reviewer's slot in a round, giving out the next number where there is none."""
        key = (round_number, reviewer)
        if key not in self.slots:
            number = 1 + sum(slot.round_number == round_number for slot in self.slots.values())
            self._add({"kind": "slot", "round": round_number, "slot": number, "reviewer": reviewer})
        return self.slots[key]

    def add_project(self, slot: Slot, project_id: int) -> None:
        """Note the project of a slot."""
        self._add(
            {
                "kind": "project",
                "round": slot.round_number,
                "reviewer": slot.reviewer,
                "project": project_id,
            }
        )

    def add_guidelines(self, slot: Slot, since: str, digest: str) -> None:
        """Note which guidelines a slot's reviewer is told from now on."""
        self._add(
            {
                "kind": "guidelines",
                "round": slot.round_number,
                "reviewer": slot.reviewer,
                "since": since,
                "hash": digest,
            }
        )

    def add_tasks(self, project_id: int, sent: Iterable[tuple[ShownTask, int]]) -> None:
        """Note tasks that the server holds, with its ids; all of them in one record."""
        tasks = [
            asdict(
                SentTask(
                    ext_id=task.task_id,
                    server_id=server_id,
                    item_id=task.item_id,
                    content_hash=task.content_hash,
                    data_hash=hash_data(make_data(task)),
                )
            )
            for task, server_id in sent
        ]
        if tasks:
            self._add({"kind": "tasks", "project": project_id, "tasks": tasks})

    def retire_task(self, project_id: int, ext_id: str, *, is_removed: bool) -> None:
        """Note that a version is no longer asked about; ``is_removed`` where it left the server."""
        self._add(
            {"kind": "retired", "project": project_id, "ext_id": ext_id, "removed": is_removed}
        )

    def confirm_pull(self, seen: Mapping[int, str]) -> None:
        """Note annotations as fetched; call it once what a pull returned is safely stored."""
        self._add({"kind": "pull", "seen": sorted([key, value] for key, value in seen.items())})

    def _add(self, record: Row) -> None:
        append_row(self.path, record)
        self.apply(record)

    def apply(self, record: Row) -> None:
        """Take up one record of the file."""
        match record:
            case {"kind": "ledger", "id": ledger_id}:
                self.ledger_id, self.title = ledger_id, record.get("title", "")
            case {"kind": "slot", "round": number, "slot": slot, "reviewer": reviewer}:
                self.slots[number, reviewer] = Slot(number, slot, reviewer)
            case {"kind": "project", "round": number, "reviewer": reviewer, "project": project}:
                self.projects[self.slots[number, reviewer]] = project
            case {"kind": "guidelines", "round": number, "reviewer": reviewer}:
                told = self.guidelines.setdefault(self.slots[number, reviewer], [])
                told.append((record["since"], record["hash"]))
            case {"kind": "tasks", "project": project, "tasks": tasks}:
                for task in tasks:
                    self.tasks.setdefault(project, {})[task["ext_id"]] = SentTask(**task)
                    self.retired.discard((project, task["ext_id"]))
            case {"kind": "retired", "project": project, "ext_id": ext_id}:
                self.retired.add((project, ext_id))
            case {"kind": "pull", "seen": seen}:
                self.pulled.update((key, value) for key, value in seen)
                self.pulls += 1
            case _:
                raise KeyError(record.get("kind"))


@contextmanager
def open_ledger(path: Path, title: str = "") -> Iterator[Ledger]:
    """Hold the ledger at ``path``, making it where there is none; nobody else writes it meanwhile.

    ``title`` is what a new ledger's projects are called; without it they are rounds of review.

    Raises `StorageError` where another process holds it, `DataError` where it is damaged.
    """
    with hold_lock(path.with_name(f"{path.name}.lock"), path.name):
        ledger = read_ledger(path)
        if not ledger.ledger_id:
            record = {"kind": "ledger", "id": secrets.token_hex(8), "title": title}
            append_row(path, record)
            ledger.apply(record)
        yield ledger


def read_ledger(path: Path) -> Ledger:
    """Return the ledger at ``path`` to be looked at, not to be added to; without a file it is empty.

    Raises `DataError` where it is damaged.
    """
    ledger = Ledger(path)
    for number, record in enumerate(read_log(path), start=1):
        try:
            ledger.apply(record)
        except (KeyError, TypeError, ValueError):
            raise DataError(
                f"{path}:{number} is no record of a ledger. Restore the file from a copy: "
                "without it a push cannot tell what the server already holds."
            ) from None
    return ledger


def make_data(task: ShownTask) -> dict[str, str]:
    """Return all that the server is told of a task: its id and what the reviewer is shown."""
    return {"ext_id": task.task_id} | dict(task.shown)


def hash_data(data: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that change when anything that a task shows changes."""
    return hash_text(canonical_json(dict(data)))[:16]
