"""How far each reviewer is, as the server tells it."""

from dataclasses import dataclass

from annotations.label_studio.connection import Server
from annotations.label_studio.ledger import Ledger
from annotations.label_studio.projects import require_projects

__all__ = ["SlotStatus", "get_status"]


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One reviewer's round. ``tasks`` = ``answered`` + ``skipped`` + ``left`` + ``lost``.

    ``lost`` tasks are no longer on the server. ``last_activity`` is ISO 8601, or empty before the first
    answer.
    """

    round_number: int
    slot: int
    reviewer: str
    project_id: int
    tasks: int
    answered: int
    skipped: int
    left: int
    lost: int
    retired: int
    last_activity: str


def get_status(server: Server, ledger: Ledger) -> tuple[SlotStatus, ...]:
    """Return how far each reviewer is, by round and slot; retired versions are counted apart."""
    require_projects(server, ledger)
    found = []
    for slot, project_id in ledger.projects.items():
        there = {task.ext_id: task for task in server.list_tasks(project_id)}
        active = [there.get(task.ext_id) for task in ledger.list_active(project_id)]
        held = [task for task in active if task is not None]
        answered = sum(task.answers > 0 for task in held)
        skipped = sum(task.skips > 0 and not task.answers for task in held)
        found.append(
            SlotStatus(
                round_number=slot.round_number,
                slot=slot.number,
                reviewer=slot.reviewer,
                project_id=project_id,
                tasks=len(active),
                answered=answered,
                skipped=skipped,
                left=len(held) - answered - skipped,
                lost=len(active) - len(held),
                retired=len(ledger.tasks.get(project_id, {})) - len(active),
                last_activity=max(
                    (task.updated_at for task in there.values() if task.answers + task.skips),
                    default="",
                ),
            )
        )
    return tuple(sorted(found, key=lambda status: (status.round_number, status.slot)))
