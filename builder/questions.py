"""Stage 1: dimensions enter, candidate open-ended questions leave; imported and own ones stand among them."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from builder.bundle.engine.calls import Endpoint
from builder.config import describe_endpoint
from builder.llm.asking import Asking, Live
from builder.option_account import NOT_ASKED, is_fault_of_question
from builder.question_account import (
    describe_plan,
    read_account,
    read_dry_slots,
    read_plan,
    tell_shortfall,
)
from builder.question_checks import Known, describe_checks
from builder.question_harvest import Harvest
from builder.question_plan import Batch, Lack, SlotKey, list_lacks, plan_batches
from builder.question_waves import Wave
from builder.question_writing import list_prompts, list_situations, make_writer_call
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
from schemas.errors import EndpointError, StageError
from schemas.labels import Origin
from schemas.storage import Row
from schemas.tables import TABLES, TableName

__all__ = [
    "NOBODY",
    "count_missing",
    "find_inputs",
    "generate_questions",
    "has_failures",
    "is_cut_short",
    "list_generated",
    "read_imported_items",
    "read_seeds",
    "take_up_earlier",
    "tell_shortfalls",
    "write_questions",
]

# So many of all questions may be missing for calls that failed, and the road goes on all the same.
_FEW = 0.05
# Of fewer questions no word can be read without the judge being at fault.
_FEWEST_JUDGED = 3

NOBODY = "nobody"
"""Who wrote a stage that needed no writer."""


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the questions are made from; the writer only where imports leave quotas unfilled."""
    config = workspace.config
    parameters: dict[str, object] = {"writer": NOBODY, "languages": config.all_languages}
    if count_missing(workspace, [*read_imported_items(workspace), *read_seeds(workspace)]):
        writer, judge = _find_endpoints(workspace)
        parameters |= {
            "writer": describe_endpoint(writer),
            "prompts": list_prompts(workspace.taxonomy, twins=config.generate.twins),
            "batch_size": config.generate.batch_size,
            "axes": config.generate.axes,
            "checks": describe_checks(describe_endpoint(judge)),
        }
    files = (workspace.dimensions, workspace.seeds, *workspace.list_imports())
    return StageInputs(files, parameters)


def _find_endpoints(workspace: Workspace) -> tuple[Endpoint, Endpoint]:
    config = workspace.config
    return (
        config.find_endpoint(config.roles.question_writer),
        config.find_endpoint(config.roles.judge),
    )


def read_imported_items(workspace: Workspace) -> list[Row]:
    """Return all imported items, with their options."""
    return [row for path in workspace.list_imports() for row in read_table(path, TableName.ITEM)]


def list_generated(workspace: Workspace) -> list[Row]:
    """Return the questions of stage 1 that a model wrote for this workspace.

    What a model wrote for a release that was taken up here is not among them: it is an import's.
    """
    imported = {row["item_id"] for row in read_imported_items(workspace)}
    return [
        row
        for row in workspace.read_stage(Stage.QUESTIONS)
        if row["origin"] == Origin.GENERATED and row["item_id"] not in imported
    ]


def read_seeds(workspace: Workspace) -> list[Row]:
    """Return the curator's own questions."""
    return read_table(workspace.seeds, TableName.QUESTION)


def generate_questions(
    workspace: Workspace, asking: Asking | None = None, *, refill: bool = False
) -> Counts:
    """Ask the question writer until each dimension has its quota, and write stage 1's file.

    A question counts towards the quota when it repeats no other, imported ones included, and its judge
    passes it. The quota counts imported questions and the curator's own too. Questions that stand in
    stage 1's file already stay there, for people may have reviewed them; only what is missing is asked
    for, and nothing at all while the file is up to date and every slot that lacks questions is dry. With
    ``refill``, questions whose options stage 2 rejected do not count, so that others are asked for.

    Raises `EndpointError` where calls failed and nothing new came: nothing is written then, and the
    replies that came are kept. Where something came, it is written, and the next run asks for the rest.
    """
    is_stale = bool(find_staleness(workspace, Stage.QUESTIONS, find_inputs))
    lost = _find_lost(workspace) if refill else frozenset()
    dry = set() if is_stale else read_dry_slots(workspace)
    if not is_stale and not _may_bring_more(workspace, lost, dry):
        return _read_counts(workspace)
    made_from = describe_inputs(workspace, find_inputs(workspace))
    given = [*read_imported_items(workspace), *read_seeds(workspace)]
    harvest = take_up_earlier(workspace)
    harvest.lost, harvest.dry = lost, set(dry)
    asyncio.run(_ask_writer(workspace, given, harvest, asking or Live()))
    _raise_failures(harvest)
    is_old = dry != harvest.dry or bool(read_plan(workspace).get("failures"))
    if not (is_stale or harvest.came or harvest.failures or is_old):
        return _read_counts(workspace)  # nothing came: the file and its account stay what they are
    return write_questions(workspace, given, harvest, made_from)


def has_failures(workspace: Workspace) -> bool:
    """Tell whether calls failed in the last run, the budget's end among them."""
    return bool(read_plan(workspace).get("failures"))


def is_cut_short(workspace: Workspace) -> bool:
    """Tell whether calls failed in the last run, and more than a few questions are missing."""
    missing = count_missing(workspace, workspace.read_stage(Stage.QUESTIONS))
    lacking = sum(quota - have for have, quota in missing.values())
    quotas = sum(dimension.quota for dimension in workspace.taxonomy)
    return has_failures(workspace) and lacking > _FEW * quotas


def _may_bring_more(workspace: Workspace, lost: Collection[str], dry: Collection[SlotKey]) -> bool:
    """Tell whether asking again may fill a quota: some slot lacks questions and did not run dry."""
    lacks = _list_lacks(workspace, workspace.read_stage(Stage.QUESTIONS), lost)
    return any(lack.missing and lack.slot.key not in dry for lack in lacks)


def _raise_failures(harvest: Harvest) -> None:
    """Raise `EndpointError` where calls failed and nothing new came."""
    failures = [error for errors in harvest.failures.values() for error in errors]
    if failures and not harvest.new:
        first = min(failures, key=lambda told: "given up" not in told)
        raise EndpointError(
            f"{len(failures)} calls for questions failed, one with: {first.rstrip('.')}. "
            "Replies that came are kept: run `finebench generate` again."
        )


def _read_counts(workspace: Workspace) -> Counts:
    counts = read_record(workspace, Stage.QUESTIONS)["counts"]
    return Counts(counts["in"], counts["out"], counts["rejected"])


def _find_lost(workspace: Workspace) -> frozenset[str]:
    """Return the ids of the questions whose options stage 2 rejected for what they are.

    None of a dimension that waits for other models: of new questions none would get options either.
    """
    rejected = workspace.read_rejected(Stage.OPTIONS)
    waiting = {row["dimension"] for row in rejected if NOT_ASKED in row["reasons"]}
    return frozenset(
        row["item_id"]
        for row in rejected
        if is_fault_of_question(row) and row["dimension"] not in waiting
    )


def _list_lacks(
    workspace: Workspace, rows: Iterable[Row], lost: Collection[str] = ()
) -> list[Lack]:
    """Return what each slot holds of ``rows``, those lost aside, and what it lacks."""
    return list_lacks(
        list(workspace.taxonomy),
        [row for row in rows if row["item_id"] not in lost],
        workspace.config.all_languages,
        twins=workspace.config.generate.twins,
    )


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
        more={workspace.plan: describe_plan(workspace.config.generate.axes, harvest)},
    )


def tell_shortfalls(workspace: Workspace, *, refill: bool = False) -> list[str]:
    """Return a sentence for each dimension that has fewer questions than its quota, with the reasons."""
    lost = _find_lost(workspace) if refill else frozenset()
    missing = count_missing(workspace, workspace.read_stage(Stage.QUESTIONS), lost)
    plan, rejected = read_plan(workspace), workspace.read_rejected(Stage.QUESTIONS)
    told = [f"a call failed: {failure}" for failure in plan.get("failures", [])[:3]]
    if plan.get("dry"):
        told.append(f"little but copies of what there is came for: {', '.join(plan['dry'])}")
    return told + [
        tell_shortfall(dimension, have, quota, plan, rejected)
        for dimension, (have, quota) in missing.items()
    ]


def count_missing(
    workspace: Workspace, rows: Iterable[Row], lost: Collection[str] = ()
) -> dict[str, tuple[int, int]]:
    """Return the dimensions of which ``rows`` hold fewer than their quota, as (have, quota) by id.

    Rows whose ids are in ``lost`` do not count.
    """
    have = Counter(row["dimension"] for row in rows if row["item_id"] not in lost)
    return {d.id: (have[d.id], d.quota) for d in workspace.taxonomy if have[d.id] < d.quota}


async def _ask_writer(
    workspace: Workspace, given: Sequence[Row], harvest: Harvest, asking: Asking
) -> None:
    """Ask wave after wave, each told what those before it brought, until nothing is worth asking for.

    There is a bound on waves, eight times as many as it takes where every question counts and some more:
    of a judge that rejects nearly all, the next run asks on.
    """
    generate = workspace.config.generate
    writer, judge = _find_endpoints(workspace)
    lacks = _list_lacks(workspace, [*given, *harvest.kept.values()], harvest.lost)
    judged: Counter[bool] = Counter()
    most = 16 + 8 * max((lack.count_waves(generate.batch_size) for lack in lacks), default=0)
    async with asking.open(workspace, Stage.QUESTIONS, [writer, judge]) as asker:
        for _ in range(most):
            have = [*given, *harvest.kept.values()]
            now, later = _plan_wave(workspace, have, harvest)
            if not now:
                break
            wave = Wave(
                judge,
                Known(have, workspace.config.checks.near_duplicate_ratio),
                partial(make_writer_call, writer, situations=list_situations(have)),
                generate.format_repeats,
                later,
            )
            calls = wave.start(now)
            replies = await asker.ask(calls, follow_up=wave.follow_up, expect=wave.expect)
            brought = wave.read_replies(replies)
            judged.update(
                candidate.is_mumbled for candidate in brought.candidates if candidate.is_judged
            )
            _look_at_judge(judged, judge.name)
            harvest.take_in(now, brought, generate.novelty)


def _look_at_judge(judged: Mapping[bool, int], judge: str) -> None:
    """Raise `StageError` where no word of the judge on this run's questions could be read.

    ``judged`` counts questions by whether the word could not be read. Nothing is written then: the
    replies are kept, and the same questions are put to another judge.
    """
    if judged[True] >= _FEWEST_JUDGED and not judged[False]:
        raise StageError(
            f"the judge's word could not be read on any of {judged[True]} questions, which says nothing of "
            f"them, so nothing was written. See what it says (finebench calls --stage {Stage.QUESTIONS} --role "
            f"judge), put another model in {judge}'s place (`roles.judge` in bench.toml), then run "
            "`finebench generate` again: the questions that came are kept."
        )


def _plan_wave(
    workspace: Workspace, have: Sequence[Row], harvest: Harvest
) -> tuple[list[Batch], list[Batch]]:
    """Return the batches to ask for now, and those that are left for later where all of them come."""
    generate, now, later = workspace.config.generate, [], []
    for lack in _list_lacks(workspace, have, harvest.lost):
        if not lack.missing or harvest.rests(lack.slot.key):
            continue
        batches = plan_batches(
            lack,
            harvest.find_past(lack.slot.key),
            axes=generate.axes,
            batch_size=generate.batch_size,
            seed=workspace.config.seed,
        )
        first = -(-lack.size_wave(generate.batch_size) // generate.batch_size)
        now += batches[:first]
        later += batches[first:]
    return now, later


def take_up_earlier(workspace: Workspace) -> Harvest:
    """Return what earlier runs brought; questions of a dimension that is gone become rejections."""
    harvest = Harvest(account=read_account(workspace))
    for row in list_generated(workspace):
        harvest.count_earlier(row)
        if row["dimension"] in workspace.taxonomy:
            harvest.kept[row["item_id"]] = row
        else:
            reason = f"dimensions.toml no longer has {row['dimension']}"
            harvest.rejected.append(make_rejection(row, Stage.QUESTIONS, [reason]))
    for rejection in workspace.read_rejected(Stage.QUESTIONS):
        harvest.rejected.append(rejection)
        harvest.count_earlier(json.loads(rejection["row"]))
    for key, count in harvest.asked.items():  # of rows that an older finebench kept no account of
        harvest.account.setdefault(key, Counter({"asked": count, "came": count}))
    return harvest
