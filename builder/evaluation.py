"""Stage 7: a release and models enter; a run folder with replies, verdicts and scores leaves.

The asking and the scoring are finebench's evaluator, of which a release holds a copy
(`builder.bundle.engine`), with the workspace's journal handed in.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.bundle.engine.calls import Endpoint
from builder.bundle.engine.evaluation import Records, evaluate, list_failures
from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.provenance import Versions
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.bundle.engine.verdicts import TargetKind, make_verdicts
from builder.config import OFFLINE_URL, ModelConfig, describe_endpoint, make_endpoint
from builder.llm.asking import Asking, Live
from builder.release.reading import ITEMS, read_release
from builder.release.versions.manifest_diff import find_mapping
from builder.run_versions import describe_versions, record_versions
from builder.workspace import Workspace, read_table
from schemas.errors import UsageError
from schemas.storage import (
    Row,
    hash_file,
    read_json,
    sort_rows,
    write_rows,
    write_text,
)
from schemas.tables import TableName
from schemas.validation import require_valid

__all__ = ["EVALUATION", "Run", "evaluate_release", "find_model", "list_personas"]

EVALUATION = "evaluation"
"""How the journal names the calls of an evaluation."""

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation: its folder and scores, why calls brought no reply, who was simulated.

    ``versions`` are those of the data, the evaluator and the judge, which every score names.
    """

    folder: Path
    scores: list[Score]
    failures: list[tuple[str, int]]
    simulated: tuple[str, ...]
    versions: Versions


def list_personas() -> list[str]:
    """Return the names of the simulated targets."""
    from builder.llm.offline.personas import PERSONAS

    return list(PERSONAS)


def find_model(workspace: Workspace, name: str) -> Endpoint:
    """Return the endpoint of a model named on the command line.

    That is a model of ``bench.toml``, or one of the offline personas. Raises `EndpointError` where
    it is neither.
    """
    if name in list_personas() and name not in workspace.config.models:
        persona = ModelConfig(model=name, base_url=OFFLINE_URL, parameters={"temperature": 0})
        return make_endpoint(name, persona, workspace.config.seed)
    return workspace.config.find_endpoint(name)


def evaluate_release(
    workspace: Workspace,
    release: Path,
    models: Sequence[str],
    *,
    judge: str = "",
    run: str = "",
    target_kind: TargetKind = TargetKind.MODEL,
    asking: Asking | None = None,
) -> Run:
    """Ask every model every item of a release, score them, and write the run's folder.

    The folder is ``runs/<run>`` in the workspace; ``run`` defaults to the release's version. It holds
    ``responses``, ``judgements`` and ``verdicts`` as JSONL, ``scores.json`` and ``run.json``. Models
    that the run holds already stay beside the new ones.
    """
    items_path = release / ITEMS
    read_release(release)  # raises where its items are not those that its manifest names
    name = _check_run_name(run or release.resolve().name)
    items = read_items(items_path)
    targets = [find_model(workspace, model) for model in dict.fromkeys(models)]
    judge_endpoint = find_model(workspace, judge or workspace.config.roles.judge)
    folder = workspace.runs / name
    about: Row = {
        "run": name,
        "release": release.resolve().name,
        "items": hash_file(items_path),
        "target_kind": str(target_kind),
        "judge": describe_endpoint(judge_endpoint),
    } | record_versions(items_path)
    versions = describe_versions(about)
    with workspace.hold(f"run-{name}"):
        earlier = _read_earlier(folder, about, {target.name for target in targets})
        records = asyncio.run(
            _ask(workspace, items, targets, judge_endpoint, name, asking or Live())
        )
        everything = _join(earlier, records)
        verdicts = make_verdicts(items, everything.responses, everything.judgements, target_kind)
        scores = score_verdicts(verdicts)
        models_run = earlier.models + [describe_endpoint(target) for target in targets]
        about["models"] = sorted(models_run, key=lambda model: str(model["name"]))
        endpoints = [about["judge"], *about["models"]]
        about["simulated"] = sorted({e["name"] for e in endpoints if e["base_url"] == OFFLINE_URL})
        _write_run(folder, everything, verdicts, scores, versions)
        write_text(folder / "run.json", json.dumps(about, indent=1, sort_keys=True) + "\n")
    return Run(folder, scores, list_failures(records), tuple(about["simulated"]), versions)


def _join(earlier: "_Earlier", records: Records) -> Records:
    return Records(
        sort_rows([*earlier.responses, *records.responses], "model", "item_id", "form"),
        sort_rows([*earlier.judgements, *records.judgements], "model", "item_id"),
    )


def _check_run_name(name: str) -> str:
    if not _RUN_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a run: use letters, digits, '.', '_' and '-'.")
    return name


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What a run holds of models that are not asked now."""

    models: list[Row]
    responses: list[Row]
    judgements: list[Row]


def _read_earlier(folder: Path, about: Row, asked_now: set[str]) -> _Earlier:
    """Return the records of a run's other models, which the new ones join.

    Raises `UsageError` where the run was made with other items, another judge or another meaning of
    a provider's filter.
    """
    if not (folder / "run.json").exists():
        return _Earlier([], [], [])
    before = read_json(folder / "run.json")
    differing = [k for k in ("items", "target_kind", "judge") if before.get(k) != about[k]]
    if differing:
        raise UsageError(
            f"run {about['run']} was made with another {' and '.join(differing)}. "
            "Give this one a name of its own: --run NAME."
        )
    others = [model for model in before["models"] if model["name"] not in asked_now]
    if others and _asks_otherwise(before, about):
        raise UsageError(
            f"run {about['run']} holds models that another evaluator asked or scores otherwise. "
            "Name them all again, or give this one a name of its own: --run NAME."
        )
    names = {model["name"] for model in others}
    responses, judgements = (
        [row for row in read_table(folder / f"{table}s.jsonl", table) if row["model"] in names]
        for table in (TableName.RESPONSE, TableName.JUDGEMENT)
    )
    return _Earlier(others, responses, judgements)


def _asks_otherwise(before: Row, about: Row) -> bool:
    """Tell whether an earlier part of a run had other prompts, parser or scores; older ones do not tell."""
    hashes = [find_mapping(told, "evaluator").get("scoring_hash") for told in (before, about)]
    return hashes[0] is not None and hashes[0] != hashes[1]


async def _ask(
    workspace: Workspace,
    items: Sequence[Item],
    targets: Sequence[Endpoint],
    judge: Endpoint,
    run: str,
    asking: Asking,
) -> Records:
    async with asking.open(workspace, EVALUATION, [*targets, judge], items) as asker:
        return await evaluate(items, targets, judge, asker.ask, run=run)


def _write_run(
    folder: Path,
    records: Records,
    verdicts: Sequence[Row],
    scores: Sequence[Score],
    versions: Versions,
) -> None:
    tables = (
        (TableName.RESPONSE, records.responses),
        (TableName.JUDGEMENT, records.judgements),
        (TableName.VERDICT, verdicts),
    )
    for table, rows in tables:
        path = folder / f"{table}s.jsonl"
        require_valid(rows, table, file=path.name)
        write_rows(path, rows)
    plain = [score.as_dict() | {"versions": versions.as_dict()} for score in scores]
    write_text(folder / "scores.json", json.dumps(plain, indent=1, sort_keys=True) + "\n")
