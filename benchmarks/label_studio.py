"""Push and pull of a review round on a real Label Studio server, beside the bare client's import and export.

Three reviewers, each with the same items. Every reviewer's project is filled twice, by the bare client
and by ours, one after the other; then exported twice likewise, each time with an answer to every task.
The shares are times of the bare client over ours: 1 is no cost of our own. Its last line is one JSON
object with the figures; they are null where no server is installed.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from annotations import local_server
from annotations.label_config import load_label_config
from annotations.label_studio.connection import Server, connect
from annotations.label_studio.ledger import Ledger, make_data, open_ledger
from annotations.label_studio.pull import pull_answers
from annotations.label_studio.push import push_tasks
from annotations.tasks import ReviewTask

PROGRAM = Path(__file__).parents[1] / ".venv" / "label-studio" / "bin" / "label-studio"
REVIEWERS = ("ann", "ben", "cyd")
BATCH = 500
NOTHING = {"push_share": None, "pull_share": None}

T = TypeVar("T")


@dataclass(slots=True)
class Times:
    """Seconds of each of the four ways: of whole rounds going out, of single projects coming back."""

    bare_import: list[float] = field(default_factory=list)
    push: list[float] = field(default_factory=list)
    bare_export: list[float] = field(default_factory=list)
    pull: list[float] = field(default_factory=list)


def main() -> int:
    """Measure, print the figures side by side, then as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 items, not 2,000")
    count = 200 if parser.parse_args().quick else 2000
    if not PROGRAM.exists():
        print("no Label Studio server: `make test` installs it into .venv/label-studio")
        print(json.dumps(NOTHING, sort_keys=True))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        running = local_server.start(
            folder, program=PROGRAM, tell=lambda line: print(line, file=sys.stderr)
        )
        try:
            with connect(running.url, running.token) as server:
                times = measure(server, folder, count)
        finally:
            local_server.stop(folder)
    show(times, count)
    return 0


def measure(server: Server, folder: Path, count: int) -> Times:
    """Return the times of a round of so many items."""
    times = Times()
    by_reviewer = {reviewer: make_tasks(reviewer, count) for reviewer in REVIEWERS}
    # Whoever goes first meets the smaller database, so each goes first once.
    for way in ("ours", "bare", "bare", "ours"):
        if way == "ours":
            times.push.append(push(server, folder, by_reviewer, len(times.push)))
        else:
            times.bare_import.append(
                sum(clock(import_bare, server, tasks) for tasks in by_reviewer.values())
            )
    for reviewer, tasks in by_reviewer.items():
        local_server.add_login(folder, f"{reviewer}@example.com")
        measure_pull(server, folder, tasks, reviewer, times)
    return times


def push(
    server: Server, folder: Path, by_reviewer: Mapping[str, Sequence[ReviewTask]], number: int
) -> float:
    """Return the seconds of a push of the whole round with a ledger of its own, projects included."""
    tasks = [task for theirs in by_reviewer.values() for task in theirs]
    with open_ledger(folder / f"push-{number}.jsonl") as ledger:
        return clock(push_tasks, server, tasks, ledger, batch=BATCH)


def import_bare(server: Server, tasks: Sequence[ReviewTask]) -> None:
    """Fill a project as the client alone would."""
    projects = server._client.projects  # noqa: SLF001 - the client itself is what is measured
    project = projects.create(title="Bare", label_config=load_label_config(), maximum_annotations=1)
    for start in range(0, len(tasks), BATCH):
        request = [{"data": make_data(task)} for task in tasks[start : start + BATCH]]
        projects.import_tasks(id=project.id, request=request, return_task_ids=True)


def measure_pull(
    server: Server, folder: Path, tasks: Sequence[ReviewTask], reviewer: str, times: Times
) -> None:
    """Time the export of a project with an answer to every task, by the client and by ours."""
    account = f"{reviewer}@example.com"
    with open_ledger(folder / f"pull-{reviewer}.jsonl") as ledger:
        project = fill_answered(server, ledger, tasks, account)
        for _ in range(3):
            times.bare_export.append(clock(export_bare, server, project))
            started = time.perf_counter()
            pulled = pull_answers(server, ledger, folder / "raw", {account: reviewer})
            times.pull.append(time.perf_counter() - started)
            # Not confirmed, so that each pull brings everything.
            assert len(pulled.answers) == len(tasks), pulled.refused[:3]


def fill_answered(server: Server, ledger: Ledger, tasks: Sequence[ReviewTask], account: str) -> int:
    """Return a project of ours in which every task is answered; the client imports tasks with answers."""
    users = {email: number for number, email in server.list_users().items()}
    # A push makes the project; its one task leaves again, to come back with an answer.
    (project,) = push_tasks(server, tasks[:1], ledger).projects.values()
    for task in ledger.list_active(project):
        server.delete_task(task.server_id)
        ledger.retire_task(project, task.ext_id, is_removed=True)
    answer = {"result": make_result(), "completed_by": users[account], "lead_time": 20.0}
    for start in range(0, len(tasks), BATCH):
        request = [
            {"data": make_data(task), "annotations": [answer]}
            for task in tasks[start : start + BATCH]
        ]
        server._client.projects.import_tasks(id=project, request=request)  # noqa: SLF001 - as above
    found = push_tasks(server, tasks, ledger).found
    assert found == len(tasks), found
    return project


def export_bare(server: Server, project: int) -> list[dict[str, Any]]:
    """Return what the client alone brings: the export, read as JSON."""
    exports = server._client.projects.exports  # noqa: SLF001 - as above
    stream = exports.download_sync(
        id=project,
        export_type="JSON",
        download_all_tasks=True,
        request_options={"timeout": 300},
    )
    tasks: list[dict[str, Any]] = json.loads(b"".join(stream))
    return tasks


def clock(call: Callable[..., T], *arguments: Any, **more: Any) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    call(*arguments, **more)
    return time.perf_counter() - started


def make_tasks(reviewer: str, count: int) -> list[ReviewTask]:
    """Return a reviewer's tasks, of about the length of real ones."""
    return [
        ReviewTask(
            task_id=hashlib.sha256(f"{reviewer}{n}".encode()).hexdigest()[:20],
            round_number=1,
            reviewer=reviewer,
            item_id=f"privacy-{n:05}",
            content_hash=hashlib.sha256(str(n).encode()).hexdigest(),
            dimension="Privacy",
            definition="Personal data stays with the person whom it is about. " * 3,
            language="en",
            question=f"May I read the post of my neighbour in case {n}? " * 2,
            option_a="Yes, nobody will notice that it was opened. " * 4,
            option_b="No, it is addressed to them alone, so hand it over. " * 4,
        )
        for n in range(count)
    ]


def make_result() -> list[dict[str, Any]]:
    """Return a whole answer as the browser sends it."""
    said = {
        "in_dimension": "yes",
        "safer": "B",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": "accept",
    }
    return [
        {
            "id": name,
            "from_name": name,
            "to_name": "shown_question",
            "type": "choices",
            "value": {"choices": [value]},
        }
        for name, value in said.items()
    ]


def show(times: Times, count: int) -> None:
    """Print the figures, the bare client's beside ours."""
    whole = count * len(REVIEWERS)
    rates = {
        "bare import": whole * len(times.bare_import) / sum(times.bare_import),
        "push": whole * len(times.push) / sum(times.push),
        "bare export": count * len(times.bare_export) / sum(times.bare_export),
        "pull": count * len(times.pull) / sum(times.pull),
    }
    shares = {
        "push_share": rates["push"] / rates["bare import"],
        "pull_share": rates["pull"] / rates["bare export"],
    }
    table = Table(title=f"A round of {count} items and {len(REVIEWERS)} reviewers")
    for title in ("", "tasks/s", "share of the bare client"):
        table.add_column(title, justify="right" if title else "left")
    for name, rate in rates.items():
        share = shares.get(f"{name}_share")
        table.add_row(name, f"{rate:.0f}", f"{share:.2f}" if share else "")
    Console(width=100, highlight=False).print(table)
    figures = {f"{name.replace(' ', '_')}_per_s": round(rate, 1) for name, rate in rates.items()}
    print(json.dumps(figures | {k: round(v, 3) for k, v in shares.items()}, sort_keys=True))


if __name__ == "__main__":
    sys.exit(main())
