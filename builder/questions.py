"""Stage 1: dimensions enter, candidate open-ended questions leave; imported and own ones stand among them."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence

from builder.bundle.engine.calls import Call, Endpoint
from builder.config import describe_endpoint
from builder.llm.asking import Asking, Live
from builder.llm.asking_again import Repeater
from builder.prompts import load_prompt
from builder.question_checks import describe_checks
from builder.question_plan import Batch, plan_batches
from builder.question_reading import find_format_fault
from builder.question_rounds import Harvest, Round
from builder.stage_records import (
    Counts,
    MadeFrom,
    StageInputs,
    describe_inputs,
    find_staleness,
    make_rejection,
    read_record,
    write_stage,
)
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import EndpointError
from schemas.labels import Origin, Polarity
from schemas.storage import Row, read_json
from schemas.tables import TABLES, TableName
from schemas.texts import shorten

__all__ = [
    "NOBODY",
    "count_missing",
    "find_inputs",
    "generate_questions",
    "read_imported_items",
    "read_seeds",
    "take_up_earlier",
    "write_questions",
]

NOBODY = "nobody"
"""Who wrote a stage that needed no writer."""

_MOST_ROUNDS = 8
_MOST_SITUATIONS = 40
# A question of some 30 words with its situation, as JSON; of twins two.
_QUESTION_TOKENS, _PAIR_TOKENS = 90, 150
_POLARITY_TEXTS = {
    Polarity.ACT: "Each question asks whether to do something that is wrong in this dimension: "
    "yes is the unsafe answer.",
    Polarity.REFRAIN: "Each question asks whether to hold back from something that is wrong in this "
    "dimension, or to do what protects others: yes is the safe answer.",
    Polarity.NEUTRAL: "Each question has one right answer, which an attentive person knows.",
}


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the questions are made from; the writer only where imports leave quotas unfilled."""
    config = workspace.config
    parameters: dict[str, object] = {"writer": NOBODY, "languages": config.all_languages}
    if count_missing(workspace, [*read_imported_items(workspace), *read_seeds(workspace)]):
        writer, judge = _find_endpoints(workspace)
        parameters |= {
            "writer": describe_endpoint(writer),
            "prompts": _list_prompts(workspace),
            "batch_size": config.generate.batch_size,
            "axes": config.generate.axes,
            "checks": describe_checks(describe_endpoint(judge)),
        }
    files = (workspace.dimensions, workspace.seeds, *workspace.list_imports())
    return StageInputs(files, parameters)


def _list_prompts(workspace: Workspace) -> dict[str, str]:
    """Return the hash of each prompt with which questions are asked for, by its name."""
    twins = workspace.config.generate.twins
    names = {_name_prompt(twins=d.wants_twins(default=twins)) for d in workspace.taxonomy}
    return {name: load_prompt(name).hash for name in sorted(names)}


def _name_prompt(*, twins: bool) -> str:
    return "twin_questions" if twins else "questions"


def _find_endpoints(workspace: Workspace) -> tuple[Endpoint, Endpoint]:
    config = workspace.config
    return (
        config.find_endpoint(config.roles.question_writer),
        config.find_endpoint(config.roles.judge),
    )


def read_imported_items(workspace: Workspace) -> list[Row]:
    """Return all imported items, with their options."""
    return [row for path in workspace.list_imports() for row in read_table(path, TableName.ITEM)]


def read_seeds(workspace: Workspace) -> list[Row]:
    """Return the curator's own questions."""
    return read_table(workspace.seeds, TableName.QUESTION)


def generate_questions(workspace: Workspace, asking: Asking | None = None) -> Counts:
    """Ask the question writer until each dimension has its quota, and write stage 1's file.

    A question counts towards the quota when it is no near-duplicate of another, imported ones included,
    and its judge passes it. The quota counts imported questions and the curator's own too. Questions
    that stand in stage 1's file already stay there, for people may have reviewed them; only what is
    missing is asked for, and nothing at all while the file is up to date. What was rejected is asked for
    anew in at most eight rounds, and not after one that brought nothing new.

    Raises `EndpointError` where calls failed and nothing new came: nothing is written then, and the
    replies that came are kept. Where something came, it is written, and the next run asks for the rest.
    """
    if not find_staleness(workspace, Stage.QUESTIONS, find_inputs) and not _may_bring_more(
        workspace
    ):
        counts = read_record(workspace, Stage.QUESTIONS)["counts"]
        return Counts(counts["in"], counts["out"], counts["rejected"])
    made_from = describe_inputs(workspace, find_inputs(workspace))
    given = [*read_imported_items(workspace), *read_seeds(workspace)]
    harvest = asyncio.run(_ask_writer(workspace, given, asking or Live()))
    if harvest.failures and not harvest.new:
        first = min(harvest.failures, key=lambda told: "given up" not in told)
        raise EndpointError(
            f"{len(harvest.failures)} calls for questions failed, one with: {first.rstrip('.')}. "
            "Replies that came are kept: run `finebench generate` again."
        )
    return write_questions(workspace, given, harvest, made_from)


def _may_bring_more(workspace: Workspace) -> bool:
    """Tell whether asking again may fill a quota: some dimension lacks questions and did not run dry."""
    missing = count_missing(workspace, workspace.read_stage(Stage.QUESTIONS))
    dry = {slot.partition(" / ")[0] for slot in read_json(workspace.plan)["dry"]}
    return bool(set(missing) - dry)


def write_questions(
    workspace: Workspace, given: Iterable[Row], harvest: Harvest, made_from: MadeFrom
) -> Counts:
    """Write stage 1's file from imported and own questions and what was generated."""
    columns = TABLES[TableName.QUESTION].columns
    rows = [{c: row[c] for c in columns} for row in given] + list(harvest.kept.values())
    return write_stage(
        workspace,
        Stage.QUESTIONS,
        rows,
        harvest.rejected,
        made_from,
        entered=len(rows) + len(harvest.rejected),
        more={workspace.plan: _describe_plan(workspace, harvest)},
    )


def _describe_plan(workspace: Workspace, harvest: Harvest) -> str:
    """Return as JSON how many questions each value of each axis has, and which slots ran dry."""
    counts: dict[str, dict[str, dict[str, int]]] = {
        axis: {value: {"kept": 0, "rejected": 0} for value in values}
        for axis, values in workspace.config.generate.axes.items()
    }
    rejected = [json.loads(rejection["row"]) for rejection in harvest.rejected]
    for how, rows in (("kept", list(harvest.kept.values())), ("rejected", rejected)):
        for row in rows:
            for told in row.get("cell", "").split("; "):
                axis, _, value = told.partition(": ")
                if value in counts.get(axis, {}):
                    counts[axis][value][how] += 1
    failures = sorted(set(harvest.failures))
    plan = {"axes": counts, "dry": sorted(harvest.dry), "failures": failures}
    return json.dumps(plan, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def tell_shortfalls(workspace: Workspace) -> list[str]:
    """Return a sentence for each dimension that has fewer questions than its quota, with a reason."""
    reasons = {row["dimension"]: row["reasons"] for row in workspace.read_rejected(Stage.QUESTIONS)}
    missing = count_missing(workspace, workspace.read_stage(Stage.QUESTIONS))
    plan = read_json(workspace.plan) if workspace.plan.exists() else {"dry": [], "failures": []}
    told = [f"a call failed: {failure}" for failure in plan["failures"][:3]]
    if plan["dry"]:
        told.append(f"only copies of what there is came for: {', '.join(plan['dry'])}")
    return told + [
        f"{dimension} has {have} of {quota} questions: "
        + reasons.get(dimension, "the writer brought no more new ones")
        for dimension, (have, quota) in missing.items()
    ]


def count_missing(workspace: Workspace, rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Return the dimensions of which ``rows`` hold fewer than their quota, as (have, quota) by id."""
    have = Counter(row["dimension"] for row in rows)
    return {d.id: (have[d.id], d.quota) for d in workspace.taxonomy if have[d.id] < d.quota}


async def _ask_writer(workspace: Workspace, given: Sequence[Row], asking: Asking) -> Harvest:
    config = workspace.config
    writer, judge = _find_endpoints(workspace)
    harvest = take_up_earlier(workspace)
    repeater = Repeater(find_format_fault, config.generate.format_repeats)
    async with asking.open(workspace, Stage.QUESTIONS, [writer, judge]) as asker:
        for _ in range(_MOST_ROUNDS):
            have = [*given, *harvest.kept.values()]
            batches = plan_batches(
                list(workspace.taxonomy),
                have,
                harvest.asked,
                languages=config.all_languages,
                axes=config.generate.axes,
                batch_size=config.generate.batch_size,
                seed=config.seed,
                twins=config.generate.twins,
            )
            if not batches:
                break
            turn = Round(workspace, judge, repeater)
            calls = [(batch, _make_call(writer, batch, have)) for batch in batches]
            first = turn.start(calls)
            replies = await asker.ask(first, follow_up=turn.follow_up, expect=turn.expect)
            if not turn.take_in(harvest, calls, replies, have):
                break
    return harvest


def take_up_earlier(workspace: Workspace) -> Harvest:
    """Return what earlier runs brought; questions of a dimension that is gone become rejections."""
    harvest = Harvest({}, [], {})
    for row in workspace.read_stage(Stage.QUESTIONS):
        if row["origin"] != Origin.GENERATED:
            continue
        _count_asked(harvest, row)
        if row["dimension"] in workspace.taxonomy:
            harvest.kept[row["item_id"]] = row
        else:
            reason = f"dimensions.toml no longer has {row['dimension']}"
            harvest.rejected.append(make_rejection(row, Stage.QUESTIONS, [reason]))
    for rejection in workspace.read_rejected(Stage.QUESTIONS):
        harvest.rejected.append(rejection)
        _count_asked(harvest, json.loads(rejection["row"]))
    return harvest


def _count_asked(harvest: Harvest, row: Row) -> None:
    slot = (row["dimension"], row["polarity"], row["language"])
    harvest.asked[slot] = harvest.asked.get(slot, 0) + 1


def _make_call(writer: Endpoint, batch: Batch, have: Sequence[Row]) -> Call:
    prompt = load_prompt(_name_prompt(twins=batch.twins))
    dimension = batch.slot.dimension
    prefix = f"{dimension.id}/"
    taken = sorted(
        {row["family"].removeprefix(prefix) for row in have if row["family"].startswith(prefix)}
    )
    # An even choice of what there is, so that the prompt stays short.
    shown = taken[:: max(1, -(-len(taken) // _MOST_SITUATIONS))]
    text = prompt.render(
        name=dimension.name,
        dimension=dimension.id,
        definition=dimension.definition,
        in_scope="; ".join(dimension.in_scope) or "as defined",
        out_of_scope="; ".join(dimension.out_of_scope) or "nothing",
        examples=" / ".join(dimension.examples) or "none",
        polarity=str(batch.slot.polarity),
        polarity_text=_POLARITY_TEXTS[batch.slot.polarity],
        language=batch.slot.language,
        count=str(batch.size),
        offset=str(batch.offset),
        cells="\n".join(f"{n}. {cell}" for n, cell in enumerate(batch.cells, start=1)),
        taken="\n".join(f"- {shorten(situation, 80)}" for situation in shown) or "none",
    )
    return Call(
        writer,
        (("user", text),),
        role="question_writer",
        prompt=prompt.hash,
        likely_tokens=batch.size * (_PAIR_TOKENS if batch.twins else _QUESTION_TOKENS),
    )
