"""Stage 7: a release and models enter; a run folder with replies, verdicts and scores leaves.

The asking and the scoring are finebench's evaluator, of which a release holds a copy
(`builder.bundle.engine`), with the workspace's journal handed in.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder.bundle.engine.calls import Endpoint
from builder.bundle.engine.evaluation import Records, evaluate, judge_again, list_failures
from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.judging import Judging, Rubric, read_rubrics, read_template
from builder.bundle.engine.manner import DEFAULT_MANNER, Manner
from builder.bundle.engine.provenance import Versions, find_mapping
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.bundle.engine.verdicts import TargetKind, make_verdicts
from builder.config import OFFLINE_URL, ModelConfig, describe_endpoint, make_endpoint
from builder.kin import describe_kin
from builder.llm.asking import Asker, Asking, Live
from builder.release.reading import ITEMS, read_release
from builder.reply_plans import read_judged_run
from builder.run_records import read_run_record
from builder.run_versions import describe_versions, list_judge_records, record_versions
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

__all__ = [
    "EVALUATION",
    "How",
    "Run",
    "evaluate_release",
    "find_judging",
    "find_model",
    "judge_run",
    "list_personas",
]

EVALUATION = "evaluation"
"""How the journal names the calls of an evaluation."""

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation: its folder and scores, why calls brought no reply, who was simulated.

    ``kin`` says of models with whom they share a family: a writer of the items, or a judge. ``versions`` are those of the data, the evaluator and the judge, which every score names.
    """

    folder: Path
    scores: list[Score]
    failures: list[tuple[str, int]]
    kin: Mapping[str, Sequence[str]]
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


@dataclass(frozen=True, slots=True)
class How:
    """How a run asks and judges: names of its judges, who decide by majority, and a judge prompt of one's own.

    No judge stands for the role in ``bench.toml``. ``target_kind`` is what is evaluated, a model or a system.
    """

    judges: Sequence[str] = ()
    judge_prompt: Path | None = None
    manner: Manner = DEFAULT_MANNER
    target_kind: TargetKind = TargetKind.MODEL


_PLAINLY = How()


def evaluate_release(
    workspace: Workspace,
    release: Path,
    models: Sequence[str],
    *,
    run: str = "",
    how: How = _PLAINLY,
    asking: Asking | None = None,
    is_dry: bool = False,
) -> Run:
    """Ask every model every item of a release, score them, and write the run's folder.

    The folder is ``runs/<run>`` in the workspace; ``run`` defaults to the release's version. It holds
    ``responses``, ``judgements`` and ``verdicts`` as JSONL, ``scores.json`` and ``run.json``. Models
    that the run holds already stay beside the new ones. Nothing is written where ``is_dry``.
    """
    manifest = read_release(release).manifest  # raises where its items are not those that it names
    items = read_items(release / ITEMS)
    name = _check_run_name(run or release.resolve().name)
    targets = [find_model(workspace, model) for model in dict.fromkeys(models)]
    judging = find_judging(workspace, how, manifest)
    about = _describe_run(name, release, how, judging)
    with workspace.hold(f"run-{name}"):
        folder = workspace.runs / name
        earlier = _read_earlier(folder, about, {target.name for target in targets})

        async def work(asker: Asker) -> Records:
            return await evaluate(items, targets, judging, asker.ask, run=name, manner=how.manner)

        endpoints = [*targets, *judging.judges]
        records = _ask(workspace, endpoints, items, asking or Live(), work)
        models_run = earlier.models + [describe_endpoint(target) for target in targets]
        about["models"] = sorted(models_run, key=lambda model: str(model["name"]))
        about["kin"] = describe_kin(workspace, about, manifest)
        return _finish(folder, about, items, _join(earlier, records), records, is_dry=is_dry)


def judge_run(
    workspace: Workspace,
    run: str,
    new_run: str,
    *,
    how: How = _PLAINLY,
    asking: Asking | None = None,
    is_dry: bool = False,
) -> Run:
    """Have the replies of a finished run judged anew, as another run; no evaluated model is asked.

    What was asked stays as it was; its replies are read by the present parser. Raises `UsageError` where there is
    no such run, or another run has the new name; the same judging goes on where calls had failed. Nothing is written
    where ``is_dry``.
    """
    name = _check_run_name(new_run)
    read = read_judged_run(workspace, run)
    about = read_run_record(workspace, run)
    release = workspace.releases / str(about["release"])
    manifest = read_release(release).manifest
    items = list(read.items.values())
    judging = find_judging(workspace, how, manifest)
    kind = TargetKind(about["target_kind"])
    told = _describe_run(name, release, replace(how, target_kind=kind), judging)
    about |= told | {"manner": about.get("manner", DEFAULT_MANNER.as_dict()), "judged_again": run}
    _require_own(workspace.runs / name, about)
    responses = read_table(read.folder / "responses.jsonl", TableName.RESPONSE)
    with workspace.hold(f"run-{name}"):

        async def work(asker: Asker) -> Records:
            return await judge_again(items, responses, judging, asker.ask, run=name)

        records = _ask(workspace, judging.judges, items, asking or Live(), work)
        about["kin"] = describe_kin(workspace, about, manifest)
        folder = workspace.runs / name
        return _finish(folder, about, items, records, records, is_dry=is_dry)


def _require_own(folder: Path, about: Row) -> None:
    """Raise `UsageError` where a folder holds another run than this judging, which may have been left half done."""
    if not folder.exists():
        return
    before = read_json(folder / "run.json") if (folder / "run.json").exists() else {}
    same = ("judged_again", "items", "judges", "judge_prompt")
    if any(before.get(key) != about[key] for key in same):
        raise UsageError(f"a run named {folder.name} is there already. Choose another name.")


def find_judging(workspace: Workspace, how: How, manifest: Mapping[str, Any]) -> Judging:
    """Return the judges of a run, with the rubrics of a release's dimensions."""
    names = how.judges or (workspace.config.roles.judge,)
    judges = [find_model(workspace, judge) for judge in dict.fromkeys(names)]
    template = read_template(how.judge_prompt) if how.judge_prompt else ""
    return Judging(judges, Rubric(read_rubrics(manifest), template))


def _describe_run(name: str, release: Path, how: How, judging: Judging) -> Row:
    items_path = release / ITEMS
    return {
        "run": name,
        "release": release.resolve().name,
        "items": hash_file(items_path),
        "target_kind": str(how.target_kind),
        "manner": how.manner.as_dict(),
        "judges": [describe_endpoint(judge) for judge in judging.judges],
        "judge_prompt": judging.rubric.template,
    } | record_versions(items_path)


def _finish(
    folder: Path,
    about: Row,
    items: Sequence[Item],
    everything: Records,
    asked: Records,
    *,
    is_dry: bool,
) -> Run:
    """Score all records of a run and, unless ``is_dry``, write its folder; ``asked`` are those of this time."""
    kind = TargetKind(about["target_kind"])
    verdicts = make_verdicts(items, everything.responses, everything.judgements, kind)
    scores = score_verdicts(verdicts)
    endpoints = [*about["judges"], *about["models"]]
    about["simulated"] = sorted({e["name"] for e in endpoints if e["base_url"] == OFFLINE_URL})
    versions = describe_versions(about)
    if not is_dry:
        _write_run(folder, everything, verdicts, scores, versions)
        write_text(folder / "run.json", json.dumps(about, indent=1, sort_keys=True) + "\n")
    return Run(
        folder, scores, list_failures(asked), about["kin"], tuple(about["simulated"]), versions
    )


def _join(earlier: "_Earlier", records: Records) -> Records:
    return Records(
        sort_rows([*earlier.responses, *records.responses], "model", "item_id", "form", "sample"),
        sort_rows([*earlier.judgements, *records.judgements], "model", "item_id", "sample"),
    )


def _check_run_name(name: str) -> str:
    if not _RUN_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a run: use letters, digits, '.', '_' and '-'.")
    return name


_SAME = {
    "items": "items",
    "target_kind": "meaning of a filter",
    "manner": "way of asking",
    "judges": "judge",
    "judge_prompt": "judge prompt",
}
"""What all models of a run have in common, by its key in ``run.json``."""

_READ_SO: Row = {"manner": DEFAULT_MANNER.as_dict(), "judge_prompt": ""}
"""What runs that do not tell of it had."""


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
    before = _READ_SO | {"judges": list_judge_records(before)} | before
    differing = [words for key, words in _SAME.items() if before.get(key) != about[key]]
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


def _ask(
    workspace: Workspace,
    endpoints: Sequence[Endpoint],
    items: Sequence[Item],
    asking: Asking,
    work: Callable[[Asker], Awaitable[Records]],
) -> Records:
    async def ask() -> Records:
        async with asking.open(workspace, EVALUATION, endpoints, items) as asker:
            return await work(asker)

    return asyncio.run(ask())


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
