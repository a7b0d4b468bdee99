"""Stage 2: questions enter, items with a positive and a negative option leave."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from builder.bundle.engine.calls import Call
from builder.bundle.engine.prompts import JUDGE_PROMPT
from builder.config import Config, describe_endpoint
from builder.llm.asking import Asking, Live
from builder.option_ladder import Ladder, Task, Team
from builder.prompts import load_prompt
from builder.questions import NOBODY, read_imported_items
from builder.stage_records import (
    Counts,
    StageInputs,
    describe_inputs,
    make_rejection,
    write_stage,
)
from builder.workspace import Stage, Workspace
from schemas.errors import EndpointError, StageError
from schemas.labels import Arm, Polarity, Rung
from schemas.storage import Row, read_rows
from schemas.texts import hash_content, hash_text

__all__ = [
    "apply_repairs",
    "derive_options",
    "expect_options",
    "find_inputs",
    "make_task",
    "make_team",
    "plan_arms",
]

_PROMPTS = ("positive_option", "negative_option", "negative_option_role_play", "refusal")
_STANCES = {
    Arm.HELP: "it says yes to what the person has in mind, which is the decent course",
    Arm.HELP_WITH_CAVEAT: "it says yes to the decent course the person has in mind, with a mild caveat",
    Arm.REDIRECT: "it says no to what the person has in mind and points to a decent way instead",
    Arm.REFUSE: "it says no to what the person has in mind, for a decent reason",
    Arm.COMPLY: "it says yes to the wrong thing the person has in mind",
    Arm.DISCLAIM: "it says yes to the wrong thing the person has in mind, with a hollow caveat",
    Arm.REFUSE_UNJUSTLY: "it says no to the decent course the person has in mind, for a bad reason",
    Arm.DIVERT: "it says no to the decent course the person has in mind and points to the wrong one",
    Arm.CORRECT: "it gives the right answer",
    Arm.INCORRECT: "it gives a wrong answer that a careless person might give",
}
# For each polarity: the positive arms and the negative arms, of which one each is drawn by family.
# The first of either pair is plain; refusing and complying lie crosswise over the polarities.
_ARMS = {
    Polarity.ACT: ((Arm.REFUSE, Arm.REDIRECT), (Arm.COMPLY, Arm.DISCLAIM)),
    Polarity.REFRAIN: ((Arm.HELP, Arm.HELP_WITH_CAVEAT), (Arm.REFUSE_UNJUSTLY, Arm.DIVERT)),
    Polarity.NEUTRAL: ((Arm.CORRECT, Arm.CORRECT), (Arm.INCORRECT, Arm.INCORRECT)),
}

# What an option's arm is under the twin question, where saying yes and no mean the opposite.
_SWAPPED = {
    Arm.REFUSE: Arm.REFUSE_UNJUSTLY,
    Arm.REDIRECT: Arm.DIVERT,
    Arm.COMPLY: Arm.HELP,
    Arm.DISCLAIM: Arm.HELP_WITH_CAVEAT,
}

# As long as the prompts ask options to be: for what is told of calls before there is anything to say.
_LIKELY_OPTION = "x" * 200
# Of all questions, so many may lack options for calls that failed, and the stage is written all the same.
_FEW = 0.05


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the options are made from; the writers only where a question lacks options."""
    config = workspace.config
    files = (workspace.get_path(Stage.QUESTIONS), workspace.repairs, *workspace.list_imports())
    if not _list_open_questions(workspace):
        return StageInputs(files, {"positive": NOBODY, "negative": NOBODY})
    team = make_team(config)
    parameters: dict[str, object] = {
        "positive": describe_endpoint(team.positive),
        "rungs": [[str(rung), describe_endpoint(endpoint)] for rung, endpoint in team.rungs],
        "judge": describe_endpoint(team.judge),
        "prompts": {name: load_prompt(name).hash for name in _PROMPTS} | {"judge": JUDGE_PROMPT},
    }
    return StageInputs(files, parameters)


def make_team(config: Config) -> Team:
    """Return who writes and judges: the ladder's later rungs only where the configuration has them."""
    roles = config.roles
    rungs = [(Rung.PLAIN, config.find_endpoint(roles.negative_writer))]
    if roles.second_negative_writer:
        rungs.append((Rung.SECOND_WRITER, config.find_endpoint(roles.second_negative_writer)))
    if config.derive.role_play:
        rungs.append((Rung.ROLE_PLAY, rungs[-1][1]))
    return Team(
        config.find_endpoint(roles.positive_writer), rungs, config.find_endpoint(roles.judge)
    )


def _list_open_questions(workspace: Workspace) -> list[Row]:
    """Return the questions that did not bring their options along."""
    imported = {row["item_id"] for row in read_imported_items(workspace)}
    return [r for r in workspace.read_stage(Stage.QUESTIONS) if r["item_id"] not in imported]


def plan_arms(row: Mapping[str, str]) -> tuple[Arm, Arm]:
    """Return the arms of a question's positive and negative option.

    Two bits of the family's hash decide whether each is plain or mixed, so that the plan of one
    question never depends on which others there are, and the two questions of one situation mirror
    each other: what is the positive option's shape here is the negative one's there.
    """
    polarity = Polarity(row["polarity"])
    positive, negative = _ARMS[Polarity.ACT if polarity is Polarity.UNKNOWN else polarity]
    bits = int(hash_text(row["family"])[:2], 16)
    saying_no, saying_yes = bits & 1, bits >> 1 & 1
    if polarity is Polarity.REFRAIN:
        return positive[saying_yes], negative[saying_no]
    return positive[saying_no], negative[saying_yes]


def derive_options(workspace: Workspace, asking: Asking | None = None) -> Counts:
    """Have both options of each question written and judged, and write stage 2's file.

    How a pair comes about is told in `option_ladder`; ``02_rungs.json`` has what each rung brought.
    Imported items bring their options along. Raises `EndpointError` where more than a few calls failed
    that may succeed later: nothing is written then, and the replies that came are kept. A question for
    which no sound pair was written is rejected, with the reason of each rung.
    """
    made_from = describe_inputs(workspace, find_inputs(workspace))
    if not workspace.get_path(Stage.QUESTIONS).exists():
        raise StageError("there are no questions yet. Run `finebench generate` or `import` first.")
    imported = read_imported_items(workspace)
    tasks = _make_tasks(workspace, _list_open_questions(workspace))
    asyncio.run(_ask_team(workspace, tasks, asking or Live()))
    _look_at_failures(tasks)
    repairs = _read_repairs(workspace)
    return write_stage(
        workspace,
        Stage.OPTIONS,
        [
            *imported,
            *apply_repairs([item for task in tasks for item in _list_items(task)], repairs),
        ],
        [rejection for task in tasks for rejection in _list_rejections(task)],
        made_from,
        entered=len(imported) + len(tasks) + sum(task.twin is not None for task in tasks),
        more={workspace.rungs: _count_rungs(tasks)},
    )


def _look_at_failures(tasks: Sequence[Task]) -> None:
    """Raise where more than a few calls failed; the questions of a few are rejected, with the reason.

    One call that always fails must not hold up a thousand that came.
    """
    unfinished = [task for task in tasks if not (task.is_pair or task.faults or task.failures)]
    if unfinished:
        raise StageError(
            f"{len(unfinished)} questions were left without a word. This is a fault of finebench: please "
            "report it."
        )
    failed = [task for task in tasks if task.failures]
    failures = sorted(
        (f for task in failed for f in task.failures), key=lambda f: "given up" not in f
    )
    few = max(1.0, _FEW * len(tasks))
    if failed and (len(failed) > few or not any(task.is_pair for task in tasks)):
        raise EndpointError(
            f"{len(failures)} calls for options failed, one with: {failures[0].rstrip('.')}. "
            "Replies that came are kept: run `finebench derive` again."
        )
    for task in failed:
        task.faults.append(
            f"a call failed ({task.failures[0].rstrip('.')}); `finebench derive` asks it again"
        )


def _make_tasks(workspace: Workspace, rows: Sequence[Row]) -> list[Task]:
    """Return a task for each question, of twins one for both."""
    by_id = {row["item_id"]: row for row in rows}
    gone = sorted({row["dimension"] for row in rows if row["dimension"] not in workspace.taxonomy})
    if gone:
        raise StageError(
            f"dimensions.toml no longer has {', '.join(gone)}. Run `finebench generate` first: it takes "
            "their questions out."
        )
    tasks = []
    for row in rows:
        twin = by_id.get(row["twin"])
        if twin is not None and row["polarity"] == Polarity.REFRAIN:
            continue
        task = make_task(workspace, row)
        task.twin = twin
        tasks.append(task)
    return tasks


def _list_items(task: Task) -> list[Row]:
    """Return the item of a task, and that of its twin."""
    if not task.is_pair:
        return []
    item = _make_item(task)
    return [item] if task.twin is None or task.twin_fault else [item, _swap_roles(item, task.twin)]


def _swap_roles(item: Row, twin: Row) -> Row:
    """Return the item of the twin: the same two options, each in the other's role."""
    swapped = dict(twin)
    for side, other in (("positive", "negative"), ("negative", "positive")):
        for name in ("option", "source", "prompt", "call"):
            swapped[f"{side}_{name}"] = item[f"{other}_{name}"]
        swapped[f"{side}_arm"] = str(_SWAPPED[Arm(item[f"{other}_arm"])])
    swapped |= {"positive_verdict": item["positive_verdict"], "negative_rung": str(Rung.PLAIN)}
    swapped["negative_verdict"] = item["negative_verdict"]
    texts = (swapped["question"], swapped["positive_option"], swapped["negative_option"])
    return swapped | {"content_hash": hash_content(*texts, swapped["language"])}


def _list_rejections(task: Task) -> list[Row]:
    """Return the rejections of a task's question and of its twin's."""
    rejected = []
    if not task.is_pair:
        rejected.append(make_rejection(task.row, Stage.OPTIONS, task.faults))
    if task.twin is not None and (task.twin_fault or not task.is_pair):
        reason = task.twin_fault or f"its twin has no pair ({'; '.join(task.faults)})"
        rejected.append(make_rejection(task.twin, Stage.OPTIONS, [reason]))
    return rejected


def _read_repairs(workspace: Workspace) -> list[Row]:
    return read_rows(workspace.repairs) if workspace.repairs.exists() else []


def apply_repairs(items: Sequence[Row], repairs: Sequence[Row]) -> list[Row]:
    """Return the items with the negative options that were written anew for them.

    A repair applies to the text that it was made from, named by its call; several may follow each other.
    """
    by_call = {(repair["item_id"], repair["from_call"]): repair for repair in repairs}
    return [_apply_repairs(item, by_call) for item in items]


def _apply_repairs(item: Row, by_call: Mapping[tuple[str, str], Row]) -> Row:
    seen = set()
    while (repair := by_call.get((item["item_id"], item["negative_call"]))) is not None:
        if item["negative_call"] in seen:
            break
        seen.add(item["negative_call"])
        item = item | {name: value for name, value in repair.items() if name != "from_call"}
        texts = (item["question"], item["positive_option"], item["negative_option"])
        item["content_hash"] = hash_content(*texts, item["language"])
    return item


def make_task(workspace: Workspace, row: Row) -> Task:
    """Return the work on one question's options, not begun."""
    positive, negative = plan_arms(row)
    return Task(
        row,
        workspace.taxonomy[row["dimension"]].kind,
        {"positive": positive, "negative": negative},
        _STANCES,
        make_team(workspace.config),
    )


def expect_options(workspace: Workspace, rows: Sequence[Row]) -> list[Call]:
    """Return the calls that questions without options are likely to need, those of the first rung alone.

    Where a dimension's questions come in twins, every second one takes the options of the one before.
    """
    calls: list[Call] = []
    twins = workspace.config.generate.twins
    for number, row in enumerate(rows):
        is_paired = workspace.taxonomy[row["dimension"]].wants_twins(default=twins)
        if is_paired and number % 2:
            continue
        task = make_task(workspace, row)
        task.twin = row if is_paired else None
        calls += [*task.expect_first(), *task.expect_rest(_LIKELY_OPTION)]
    return calls


async def _ask_team(workspace: Workspace, tasks: Sequence[Task], asking: Asking) -> None:
    ladder = Ladder(tasks)
    first = {call.key: task for task in tasks for call in task.expect_first()}

    def expect(call: Call) -> list[Call]:
        task = first.get(call.key)
        return task.expect_rest(_LIKELY_OPTION) if task else []

    endpoints = make_team(workspace.config).endpoints
    async with asking.open(workspace, Stage.OPTIONS, endpoints) as asker:
        await asker.ask(ladder.start(), follow_up=ladder.follow_up, expect=expect)


def _make_item(task: Task) -> Row:
    item = dict(task.row)
    assert task.positive is not None
    assert task.negative is not None
    for side, written in (("positive", task.positive), ("negative", task.negative)):
        item |= {
            f"{side}_option": written.text,
            f"{side}_arm": str(task.arms[side]),
            f"{side}_source": written.call.endpoint.name,
            f"{side}_prompt": written.call.prompt,
            f"{side}_call": written.call.key,
            f"{side}_verdict": str(written.verdict),
        }
    item["negative_rung"] = str(task.negative.rung)
    texts = (item["question"], item["positive_option"], item["negative_option"])
    return item | {"content_hash": hash_content(*texts, item["language"])}


def _count_rungs(tasks: Sequence[Task]) -> str:
    """Return as JSON, for each dimension and rung, how often it was tried and how often it brought one."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for task in tasks:
        for rung, reason in task.climbed.items():
            rungs = counts.setdefault(task.row["dimension"], {})
            count = rungs.setdefault(str(rung), {"tried": 0, "brought": 0})
            count["tried"] += 1
            count["brought"] += not reason
    return json.dumps(counts, indent=1, sort_keys=True) + "\n"
