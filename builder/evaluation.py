"""Stage 7: a release and models enter; a run folder with replies, verdicts and scores leaves.

The asking and the scoring are the release's own evaluator (`builder.bundle.engine`), with the
workspace's journal handed in.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.bundle.engine.calls import FINAL_OUTCOMES, Endpoint
from builder.bundle.engine.evaluation import Records, evaluate
from builder.bundle.engine.fan_out import OnReply
from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.bundle.engine.store import CallStore
from builder.bundle.engine.verdicts import TargetKind, make_verdicts
from builder.config import OFFLINE_URL, ModelConfig, make_endpoint
from builder.llm.clients import open_clients, open_journal
from builder.questions import describe_endpoint
from builder.workspace import Workspace
from schemas.errors import UsageError
from schemas.storage import Row, hash_file, write_rows, write_text
from schemas.tables import TableName
from schemas.validation import require_valid

__all__ = ["Run", "evaluate_release", "find_model", "list_personas"]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation: its folder and scores, calls without a reply, and who was simulated."""

    folder: Path
    scores: list[Score]
    failed: int
    simulated: tuple[str, ...]


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
    on_reply: OnReply | None = None,
) -> Run:
    """Ask every model every item of a release, score them, and write the run's folder.

    The folder is ``runs/<run>`` in the workspace; ``run`` defaults to the release's version. It holds
    ``responses``, ``judgements`` and ``verdicts`` as JSONL, ``scores.json`` and ``run.json``.
    """
    items_path = release / "evaluator" / "items.jsonl"
    if not items_path.is_file():
        raise UsageError(f"{release} is not a release: it has no evaluator/items.jsonl.")
    name = run or release.resolve().name
    if Path(name).name != name or name.startswith("."):
        raise UsageError(f"{name} cannot name a run: use a plain folder name.")
    items = read_items(items_path)
    targets = [find_model(workspace, model) for model in dict.fromkeys(models)]
    judge_endpoint = find_model(workspace, judge or workspace.config.roles.judge)
    endpoints = (*targets, judge_endpoint)
    simulated = sorted({e.name for e in endpoints if e.base_url == OFFLINE_URL})
    about = {
        "run": name,
        "release": release.resolve().name,
        "items": hash_file(items_path),
        "target_kind": str(target_kind),
        "models": [describe_endpoint(endpoint) for endpoint in targets],
        "judge": describe_endpoint(judge_endpoint),
        "simulated": simulated,
    }
    folder = workspace.runs / name
    with workspace.hold(f"run-{name}"):
        with open_journal(workspace) as journal:
            records = asyncio.run(_ask(items, targets, judge_endpoint, journal, name, on_reply))
        verdicts = make_verdicts(items, records.responses, records.judgements, target_kind)
        scores = score_verdicts(verdicts)
        _write_run(folder, records, verdicts, scores)
        write_text(folder / "run.json", json.dumps(about, indent=1, sort_keys=True) + "\n")
    return Run(folder, scores, _count_failed(records), tuple(simulated))


def _count_failed(records: Records) -> int:
    asked = [*records.responses, *(row for row in records.judgements if row["call"])]
    return sum(Outcome(row["outcome"]) not in FINAL_OUTCOMES for row in asked)


async def _ask(
    items: Sequence[Item],
    targets: Sequence[Endpoint],
    judge: Endpoint,
    store: CallStore,
    run: str,
    on_reply: OnReply | None,
) -> Records:
    async with open_clients([*targets, judge], items=items) as clients:
        chosen = [clients[target.name] for target in targets]
        return await evaluate(items, chosen, clients[judge.name], store, run=run, on_reply=on_reply)


def _write_run(
    folder: Path, records: Records, verdicts: Sequence[Row], scores: Sequence[Score]
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
    plain = [score.as_dict() for score in scores]
    write_text(folder / "scores.json", json.dumps(plain, indent=1, sort_keys=True) + "\n")
