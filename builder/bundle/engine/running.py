"""A run of the evaluator alone: its options and the items enter; a folder of results leaves.

The folder holds ``replies.jsonl`` (every reply, kept as it comes), ``responses.jsonl``,
``judgements.jsonl`` and ``run.json``, which says how models were asked and by whom judged.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .calls import Call, Endpoint, Reply
from .client import Client
from .errors import EngineError
from .evaluation import Ask, Records, evaluate, judge_again
from .fan_out import FollowUp, Progress, run_calls
from .items import Item, read_jsonl
from .judging import Judging
from .manner import Manner
from .provenance import find_mapping
from .store import ReplyLog

__all__ = [
    "Plan",
    "ask_judges",
    "ask_models",
    "join_records",
    "read_about",
    "read_earlier",
    "read_records",
    "write_results",
]

JUDGE_PREFIX = "judge:"
"""A judge's calls have a name of their own, so that a model can judge itself under other limits."""

_RUN = "run"
_ABOUT = "run.json"
_TABLES = ("responses", "judgements")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, of whom, and in what manner."""

    items: Sequence[Item]
    targets: Sequence[Endpoint]
    judging: Judging
    manner: Manner


async def ask_models(plan: Plan, store: ReplyLog) -> Records:
    """Ask every model and have its open replies judged."""

    def work(ask: Ask) -> Awaitable[Records]:
        return evaluate(plan.items, plan.targets, plan.judging, ask, run=_RUN, manner=plan.manner)

    return await _work([*plan.targets, *plan.judging.judges], store, work)


async def ask_judges(
    items: Sequence[Item], responses: Sequence[dict[str, Any]], judging: Judging, store: ReplyLog
) -> Records:
    """Have recorded open replies judged anew; no evaluated model is asked."""

    def work(ask: Ask) -> Awaitable[Records]:
        return judge_again(items, responses, judging, ask, run=_RUN)

    return await _work(judging.judges, store, work)


async def _work(
    endpoints: Sequence[Endpoint], store: ReplyLog, work: Callable[[Ask], Awaitable[Records]]
) -> Records:
    clients = {endpoint.name: Client(endpoint) for endpoint in endpoints}

    async def ask(
        calls: Iterable[Call], *, follow_up: FollowUp | None = None, **_: object
    ) -> dict[str, Reply]:
        return await run_calls(calls, clients, store, follow_up=follow_up, on_reply=_show_progress)

    try:
        return await work(ask)
    finally:
        for client in clients.values():
            await client.close()


def _show_progress(progress: Progress) -> None:
    if progress.asked and progress.asked % 50 == 0:
        said = f"{progress.done} of {progress.planned} calls done, {progress.failed} failed"
        print(said, file=sys.stderr)


_SAME = {
    "target_kind": "meaning of a filter",
    "manner": "way of asking",
    "judges": "judge",
    "judge_prompt": "judge prompt",
}
"""What all models of a folder have in common, by its key in ``run.json``."""


def read_earlier(folder: Path, about: Mapping[str, Any], models: Collection[str]) -> Records:
    """Return the records of the models that a folder holds beside those of now, which join them.

    Raises `EngineError` where the folder's run asked other items, or in another way.
    """
    before = read_about(folder)
    if not before:
        return Records([], [])
    differing = [words for key, words in _SAME.items() if before.get(key) != about[key]]
    hashes = [find_mapping(told, "versions").get("row_hash") for told in (before, about)]
    differing += ["set of items"] if hashes[0] not in (None, hashes[1]) else []
    if differing:
        raise EngineError(
            f"{folder} holds a run with another {' and another '.join(differing)}. Name another folder with --out."
        )
    found, _ = read_records([folder])
    if not all(map(_is_named, [*found.responses, *found.judgements])):
        raise EngineError(
            f"{folder} holds rows that name no model, item or sample. Mend them, or name another folder with --out."
        )
    kept = [
        [row for row in rows if row.get("model") not in models]
        for rows in (found.responses, found.judgements)
    ]
    return Records(kept[0], kept[1])


def _is_named(row: Mapping[str, Any]) -> bool:
    names = all(isinstance(row.get(name), str) for name in ("model", "item_id"))
    return names and isinstance(row.get("sample"), int)


def join_records(*parts: Records) -> Records:
    """Return the records of all parts together, sorted by model, item, form and sample."""

    def place(row: Mapping[str, Any]) -> tuple[str, str, str, int]:
        return row["model"], row["item_id"], row.get("form", ""), row["sample"]

    return Records(
        sorted((row for part in parts for row in part.responses), key=place),
        sorted((row for part in parts for row in part.judgements), key=place),
    )


def write_results(folder: Path, records: Records, about: dict[str, Any]) -> None:
    """Write the tables and the record of a run; raise `EngineError` where the disk refuses."""
    for name, rows in zip(_TABLES, (records.responses, records.judgements), strict=True):
        text = "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
        _write(folder / f"{name}.jsonl", text)
    _write(folder / _ABOUT, json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise EngineError(f"{path}: cannot be written ({error.strerror}).") from error


def read_records(paths: Sequence[Path]) -> tuple[Records, Path]:
    """Return the records of a run's folder, or of its two tables, and the folder.

    Raises `EngineError` where that is neither.
    """
    if len(paths) == 1 and paths[0].is_dir():
        paths = [paths[0] / f"{name}.jsonl" for name in _TABLES]
    if len(paths) != len(_TABLES):
        raise EngineError("name the folder of a run, or its responses.jsonl and judgements.jsonl.")
    responses, judgements = (list(read_jsonl(path)) for path in paths)
    return Records(responses, judgements), paths[0].parent


def read_about(folder: Path) -> dict[str, Any]:
    """Return what a run recorded of itself; nothing where it did not."""
    try:
        about = json.loads((folder / _ABOUT).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}
