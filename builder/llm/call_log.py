"""Looking into the journal: filters enter; records, sums and a purged journal leave."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from builder.bundle.engine.calls import FINAL_OUTCOMES, Price, make_reply
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.store import hold_log
from builder.llm.batch_files import forget_requests
from builder.llm.journal import read_cost
from builder.workspace import Stage, Workspace
from schemas.errors import DataError, StorageError, UsageError

__all__ = [
    "CallFilter",
    "CallSum",
    "Purge",
    "find_call",
    "find_unknown",
    "purge_calls",
    "read_calls",
    "sum_calls",
]

Record = dict[str, Any]

_TEXTS = ("messages", "text", "error", "parameters")
_CALL_COLUMNS = ("question_call", "positive_call", "negative_call")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are meant: an empty field means any.

    ``model`` is an endpoint's name or its model. ``before`` and ``since`` are compared with the time
    of the call; a call of before times were kept is older than any.
    """

    role: str = ""
    stage: str = ""
    model: str = ""
    outcome: str = ""
    since: datetime | None = None
    before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every call is meant."""
        return self == CallFilter()

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a record is one of those."""
        at = record.get("at", "")
        return (
            self.role in ("", record["role"])
            and self.stage in ("", record.get("stage", ""))
            and self.model in ("", record["endpoint"], record["model"])
            and self.outcome in ("", record["outcome"])
            and (self.since is None or (bool(at) and datetime.fromisoformat(at) >= self.since))
            and (self.before is None or not at or datetime.fromisoformat(at) < self.before)
        )


def read_calls(path: Path, wanted: CallFilter | None = None) -> Iterator[Record]:
    """Yield the records of a journal in the order in which the calls ended; a torn last line is none.

    Raises `DataError` for a line that is no record, `StorageError` where the file cannot be read.
    """
    chosen = wanted or CallFilter()
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return
                record = _parse(line, path, number)
                if chosen.matches(record):
                    yield record
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}).") from error


def _parse(line: bytes, path: Path, number: int) -> Record:
    try:
        record = dict(json.loads(line))
        if not record.get("purged"):
            make_reply(record)
        _check_record(record)
    except (ValueError, TypeError, RecursionError, EngineError) as error:
        raise DataError(
            f"{path}:{number}: {error}. Remove that line to ask the call again."
        ) from None
    return record


def _check_record(record: Record) -> None:
    """Raise ValueError or TypeError where a record lacks what every reader takes for granted."""
    for name in ("key", "role", "endpoint", "model", "outcome"):
        if not isinstance(record.get(name), str):
            raise TypeError(f"not a record of a call ({name} is no text)")
    at = record.get("at", "")
    if at and datetime.fromisoformat(at).tzinfo is None:
        raise ValueError(f"not a record of a call ({at} names no time zone)")
    read_cost(record)


def find_unknown(path: Path, wanted: CallFilter) -> list[str]:
    """Return a sentence for each filter whose value no call of a journal has: most likely a slip."""
    if not path.exists():
        return []
    known: dict[str, set[str]] = {"role": set(), "stage": set(), "model": set()}
    for record in read_calls(path):
        known["role"].add(record["role"])
        known["stage"].add(record.get("stage", ""))
        known["model"] |= {record["endpoint"], record["model"]}
    return [
        f"no call has the {name} {value} (there are: {', '.join(sorted(values - {''}))})"
        for name, values in known.items()
        for value in [getattr(wanted, name)]
        if value and values and value not in values
    ]


def find_call(path: Path, key: str) -> Record:
    """Return the newest record whose key begins with ``key``; raise `UsageError` for none or several."""
    found = {record["key"]: record for record in read_calls(path) if record["key"].startswith(key)}
    if len(found) != 1:
        told = "no call has" if not found else f"{len(found)} calls have"
        raise UsageError(
            f"{told} a key that begins with {key!r}. `finebench calls` lists the keys."
        )
    return next(iter(found.values()))


@dataclass(slots=True)
class CallSum:
    """The calls of one stage, role and model.

    ``unpriced`` replies had no price, and are not in ``cost`` (US dollars); ``guessed`` ones had no
    count of tokens, and were charged by their length.
    """

    calls: int = 0
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    guessed: int = 0

    def add(self, record: Mapping[str, Any], prices: Mapping[str, Price]) -> None:
        """Count one record, at the price of its time or, where there was none, at that of now."""
        cost = read_cost(record, prices)
        is_reply = record["outcome"] in FINAL_OUTCOMES
        self.calls += 1
        self.replies += is_reply
        self.prompt_tokens += record["prompt_tokens"] or 0
        self.completion_tokens += record["completion_tokens"] or 0
        self.cost += cost or 0.0
        self.unpriced += is_reply and cost is None
        self.guessed += bool(record.get("cost_guessed"))


def sum_calls(
    path: Path, wanted: CallFilter | None = None, prices: Mapping[str, Price] | None = None
) -> dict[tuple[str, str, str], CallSum]:
    """Return the sums by stage, role and endpoint, in the order of their names.

    ``prices`` are those now configured, by endpoint, for calls that were made before there were any.
    """
    sums: dict[tuple[str, str, str], CallSum] = defaultdict(CallSum)
    for record in read_calls(path, wanted):
        sums[record.get("stage", ""), record["role"], record["endpoint"]].add(record, prices or {})
    return dict(sorted(sums.items()))


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge took: records by role, and what can then no longer be reproduced.

    ``rows`` counts, by stage file, the rows whose texts came from a purged reply.
    """

    by_role: Mapping[str, int]
    rows: Mapping[str, int]

    @property
    def purged(self) -> int:
        """How many records lost their texts."""
        return sum(self.by_role.values())


def purge_calls(workspace: Workspace, wanted: CallFilter, *, pretend: bool = False) -> Purge:
    """Take the texts out of the records that ``wanted`` names; what they cost stays in the account.

    A purged reply is no longer kept: its call is made and paid for again where it is needed. With
    ``pretend`` nothing is changed. Raises `UsageError` where every call would be meant, and
    `EngineError` while another run holds the journal.
    """
    if wanted.is_empty:
        raise UsageError(
            "--purge needs at least one of --role, --stage, --model, --outcome, --before."
        )
    path = workspace.journal
    if not path.exists():
        return Purge({}, {})
    by_role: dict[str, int] = defaultdict(int)
    keys = set()
    with hold_log(path):
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            with temporary.open("wb") as output:
                os.fchmod(output.fileno(), 0o600)
                for record in read_calls(path):
                    kept = record
                    if wanted.matches(record) and not record.get("purged"):
                        by_role[record["role"]] += 1
                        if record["outcome"] in FINAL_OUTCOMES:
                            keys.add(record["key"])
                        kept = {k: v for k, v in record.items() if k not in _TEXTS} | {
                            "purged": True
                        }
                    line = json.dumps(kept, ensure_ascii=False, sort_keys=True)
                    output.write(line.encode("utf-8") + b"\n")
                output.flush()
                os.fsync(output.fileno())
            if not pretend:
                temporary.replace(path)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror}).") from error
        finally:
            temporary.unlink(missing_ok=True)
    if not pretend:
        forget_requests(workspace, keys)
    return Purge(dict(sorted(by_role.items())), _count_rows(workspace, keys))


def _count_rows(workspace: Workspace, keys: set[str]) -> dict[str, int]:
    counts = {}
    for stage in (Stage.QUESTIONS, Stage.OPTIONS, Stage.CHECKED):
        rows: Sequence[Mapping[str, Any]] = workspace.read_stage(stage)
        count = sum(any(row.get(column) in keys for column in _CALL_COLUMNS) for row in rows)
        if count:
            counts[workspace.get_path(stage).name] = count
    return counts
