"""Answers come back: new and changed ones, checked, each attached to the version that was shown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotations.label_config import LabelConfig, load_label_config, parse_label_config
from annotations.label_studio.connection import Server
from annotations.label_studio.ledger import Ledger, SentTask, Slot, hash_data
from annotations.label_studio.projects import require_projects
from annotations.tasks import Said
from schemas.errors import DataError
from schemas.storage import write_text

__all__ = ["Answer", "Pulled", "Refused", "pull_answers"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reviewer said of one version of one item; ``is_retired`` where that version is outdated.

    ``shown`` are the texts that were shown, by name; ``guidelines_hash`` what the reviewer was told then.
    """

    task_id: str
    round_number: int
    reviewer: str
    item_id: str
    content_hash: str
    said: Said
    annotation_id: int
    updated_at: str
    is_retired: bool
    shown: Mapping[str, str] = field(default_factory=dict)
    guidelines_hash: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """An annotation that was not taken, and why; it is told again by every pull until it is mended."""

    round_number: int
    reviewer: str
    task_id: str
    item_id: str
    annotation_id: int
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """Say where it is and what is wrong with it."""
        what = self.item_id or f"task {self.task_id or 'without an id'}"
        place = f"round {self.round_number}, {self.reviewer}, {what}"
        return f"{place}, annotation {self.annotation_id}: {'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought: answers, what was not taken, and the server's own exports.

    ``unchanged`` annotations were pulled before. ``vanished`` are the ids of annotations that were pulled
    before and are no longer on the server. ``seen`` goes to `Ledger.confirm_pull` once the answers are
    stored; without that the next pull brings them again.
    """

    answers: tuple[Answer, ...]
    refused: tuple[Refused, ...]
    unchanged: int
    superseded: int
    vanished: tuple[int, ...]
    raw_files: tuple[Path, ...]
    seen: Mapping[int, str]


def pull_answers(
    server: Server,
    ledger: Ledger,
    raw_folder: Path,
    accounts: Mapping[str, str],
    *,
    label_config: str = "",
) -> Pulled:
    """Return what was answered or changed since the last confirmed pull.

    ``accounts`` says which reviewer an account belongs to, by its e-mail address or its id as text. The
    export of each project is kept in ``raw_folder`` first, as ``pull-0001-round-1-slot-1.json``. An
    annotation is refused where it breaks the label configuration, was completed by somebody else than
    the slot's reviewer, was edited afterwards by somebody else, or where its task no longer shows what
    was sent.
    """
    require_projects(server, ledger)
    config = parse_label_config(label_config or load_label_config())
    users = _read_accounts(server, accounts)
    raw_files: list[Path] = []
    readings: list[_Reading] = []
    for slot, project_id in ledger.projects.items():
        raw = server.export(project_id)
        name = f"pull-{ledger.pulls + 1:04}-round-{slot.round_number}-slot-{slot.number}.json"
        raw_files.append(raw_folder / name)
        write_text(raw_files[-1], _decode(raw, server.url, project_id))
        reading = _Reading(slot, project_id, ledger, config, users)
        reading.read(_parse(raw, server.url, project_id))
        readings.append(reading)
    return _gather(readings, ledger, raw_files)


def _gather(readings: Sequence["_Reading"], ledger: Ledger, raw_files: Sequence[Path]) -> Pulled:
    there = {number for reading in readings for number in reading.there}
    return Pulled(
        answers=tuple(answer for reading in readings for answer in reading.answers),
        refused=tuple(refused for reading in readings for refused in reading.refused),
        unchanged=sum(reading.unchanged for reading in readings),
        superseded=sum(reading.superseded for reading in readings),
        vanished=tuple(sorted(set(ledger.pulled) - there)),
        raw_files=tuple(raw_files),
        seen={key: value for reading in readings for key, value in reading.seen.items()},
    )


class _Reading:
    """Reads the export of one project."""

    def __init__(
        self,
        slot: Slot,
        project_id: int,
        ledger: Ledger,
        config: LabelConfig,
        users: Mapping[int, str],
    ) -> None:
        self._slot = slot
        self._project_id = project_id
        self._ledger = ledger
        self._config = config
        self._users = users
        self.answers: list[Answer] = []
        self.refused: list[Refused] = []
        self.unchanged = 0
        self.superseded = 0
        self.there: set[int] = set()
        self.seen: dict[int, str] = {}

    def read(self, tasks: Iterable[Mapping[str, Any]]) -> None:
        """Read the annotations of all tasks, the latest of each task first."""
        sent = self._ledger.tasks.get(self._project_id, {})
        for task in tasks:
            data = task.get("data")
            ext_id = str(data.get("ext_id") or "") if isinstance(data, Mapping) else ""
            known = sent.get(ext_id)
            is_changed = known is not None and hash_data(data or {}) != known.data_hash
            annotations = sorted(task.get("annotations") or [], key=_get_age, reverse=True)
            self.there.update(annotation["id"] for annotation in annotations)
            is_answered = False
            for annotation in annotations:
                if is_answered:
                    # The reviewer answered again; what stands is the latest.
                    self.superseded += 1
                    continue
                faults = self._check(annotation, known, is_changed=is_changed)
                is_answered = self._take(annotation, known, ext_id, data or {}, faults)

    def _take(
        self,
        annotation: Mapping[str, Any],
        known: SentTask | None,
        ext_id: str,
        data: Mapping[str, Any],
        faults: list[str],
    ) -> bool:
        """Sort one annotation in; tell whether it stands as the answer of its task."""
        number, updated_at = annotation["id"], str(annotation.get("updated_at"))
        if not faults and self._ledger.pulled.get(number) == updated_at:
            self.unchanged += 1
            return True
        said: Said = {}
        if not faults:
            reading = self._config.read_result(
                annotation.get("result"),
                is_skipped=bool(annotation.get("was_cancelled")),
                lead_time_s=annotation.get("lead_time"),
            )
            said, faults = reading.said, list(reading.problems)
        if faults or known is None:
            item_id = known.item_id if known else ""
            self.refused.append(
                Refused(
                    self._slot.round_number, self._slot.reviewer, ext_id, item_id, number,
                    tuple(faults),
                )
            )  # fmt: skip
            return False
        self.answers.append(
            Answer(
                ext_id, self._slot.round_number, self._slot.reviewer, known.item_id,
                known.content_hash, said, number, updated_at,
                is_retired=(self._project_id, ext_id) in self._ledger.retired,
                shown={name: str(text) for name, text in data.items() if name != "ext_id"},
                guidelines_hash=self._ledger.find_guidelines(self._slot, updated_at),
            )
        )  # fmt: skip
        self.seen[number] = updated_at
        return True

    def _check(
        self, annotation: Mapping[str, Any], known: SentTask | None, *, is_changed: bool
    ) -> list[str]:
        """Say why an annotation cannot be the answer of this slot's reviewer, before reading it."""
        if known is None:
            return ["the task is none that was sent: somebody added it on the server"]
        faults = []
        by, edited_by = annotation.get("completed_by"), annotation.get("updated_by")
        author = self._users.get(by) if isinstance(by, int) else None
        if author != self._slot.reviewer:
            who = f"{author}" if author else f"account {by}, which belongs to no reviewer,"
            faults.append(f"completed by {who} and not by {self._slot.reviewer}")
        if edited_by not in (None, by):
            editor = self._users.get(edited_by) if isinstance(edited_by, int) else None
            faults.append(f"edited afterwards by {editor or f'account {edited_by}'}")
        if is_changed:
            faults.append("the task was changed on the server and no longer shows what was sent")
        return faults


def _get_age(annotation: Mapping[str, Any]) -> tuple[str, int]:
    return str(annotation.get("updated_at") or ""), int(annotation["id"])


def _read_accounts(server: Server, accounts: Mapping[str, str]) -> dict[int, str]:
    """Return the reviewer of each account by the server's id."""
    by_name = {name.casefold(): reviewer for name, reviewer in accounts.items()}
    users = {}
    for number, email in server.list_users().items():
        reviewer = by_name.get(str(number)) or by_name.get(email.casefold())
        if reviewer:
            users[number] = reviewer
    return users


def _decode(raw: bytes, url: str, project_id: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{url}: the export of project {project_id} is not UTF-8.") from None


def _parse(raw: bytes, url: str, project_id: int) -> list[dict[str, Any]]:
    try:
        tasks = json.loads(raw)
    except ValueError:
        tasks = None
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DataError(
            f"{url}: the export of project {project_id} is no list of tasks. It is kept beside the "
            "other raw exports; check that the server runs the pinned version."
        )
    return tasks
