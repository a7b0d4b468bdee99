"""Stage 2: questions enter, items with a positive and a negative option leave."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from builder.bundle.engine.calls import Call
from builder.bundle.engine.judging import JUDGE_PROMPT
from builder.config import Config, describe_endpoint
from builder.llm.asking import Asking, Live
from builder.llm.steps import Flow, Flows
from builder.option_account import ASKED_AGAIN, NOT_ASKED, tell_reasons
from builder.option_judging import UNREADABLE
from builder.option_ladder import Task, Team, write_pair
from builder.option_prompts import PROMPTS, SWAPPED, make_write_call
from builder.option_rows import count_rungs, list_items, list_rejections
from builder.options_by_hand import read_options_by_hand
from builder.prompts import load_prompt
from builder.questions import NOBODY, read_imported_items
from builder.stage_records import (
    Counts,
    StageInputs,
    describe_inputs,
    write_stage,
)
from builder.workspace import Stage, Workspace
from schemas.errors import EndpointError, StageError
from schemas.labels import Arm, DimensionKind, Polarity, Rung
from schemas.storage import Row, read_rows
from schemas.texts import hash_content, hash_text, normalise_for_comparison

__all__ = [
    "apply_repairs",
    "derive_options",
    "expect_options",
    "find_inputs",
    "make_task",
    "make_team",
    "plan_arms",
]

# For each polarity: the positive arms and the negative arms, of which one each is drawn by family.
# The first of either pair is plain; refusing and complying lie crosswise over the polarities.
_ARMS = {
    Polarity.ACT: ((Arm.REFUSE, Arm.REDIRECT), (Arm.COMPLY, Arm.DISCLAIM)),
    Polarity.REFRAIN: ((Arm.HELP, Arm.HELP_WITH_CAVEAT), (Arm.REFUSE_UNJUSTLY, Arm.DIVERT)),
    Polarity.NEUTRAL: ((Arm.CORRECT, Arm.CORRECT), (Arm.INCORRECT, Arm.INCORRECT)),
}

# As long as the prompts ask options to be: for what is told of calls before there is anything to say.
_LIKELY_OPTION = "x" * 200
# Of all questions, so many may lack options for calls that failed, and the stage is written all the same.
_FEW = 0.05
# Of each dimension so many questions go ahead: where none of them gets a pair, no more is paid for.
_PILOT = 20


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the options are made from; the writers only where a question lacks options."""
    config = workspace.config
    files = (
        workspace.get_path(Stage.QUESTIONS),
        workspace.repairs,
        workspace.options_by_hand,
        *workspace.list_imports(),
    )
    if not _list_open_questions(workspace):
        return StageInputs(files, {"positive": NOBODY, "negative": NOBODY})
    team = make_team(config)
    parameters: dict[str, object] = {
        "positive": describe_endpoint(team.positive),
        "rungs": [[str(rung), describe_endpoint(endpoint)] for rung, endpoint in team.rungs],
        "judge": describe_endpoint(team.judge),
        "repeats": team.repeats,
        "prompts": {name: load_prompt(name).hash for name in PROMPTS} | {"judge": JUDGE_PROMPT},
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
    judge = config.find_endpoint(roles.judge)
    return Team(config.find_endpoint(roles.positive_writer), rungs, judge, config.derive.repeats)


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
    flows = [Flow(write_pair(task)) for task in tasks]
    if flows:  # where all options came along, nobody is asked, and no key is needed
        asyncio.run(_ask_team(workspace, tasks, flows, asking or Live()))
    _look_at_failures(tasks, flows)
    _reject_repeats(tasks)
    repairs = _read_repairs(workspace)
    return write_stage(
        workspace,
        Stage.OPTIONS,
        [
            *imported,
            *apply_repairs([item for task in tasks for item in list_items(task)], repairs),
        ],
        [rejection for task in tasks for rejection in list_rejections(task)],
        made_from,
        entered=len(imported) + len(tasks) + sum(task.twin is not None for task in tasks),
        more={workspace.rungs: count_rungs(tasks)},
    )


def _reject_repeats(tasks: Sequence[Task]) -> None:
    """Reject pairs whose two options an earlier question has, word for word: they answer no question."""
    seen: dict[tuple[str, str], str] = {}
    for task in [*tasks, *(task.apart for task in tasks if task.apart is not None)]:
        if task.is_pair and task.positive and task.negative:
            texts = [normalise_for_comparison(w.text) for w in (task.positive, task.negative)]
            other = seen.setdefault((texts[0], texts[1]), task.row["item_id"])
            if other != task.row["item_id"]:
                task.faults.append(f"its two options are word for word those of {other}")


def _look_at_failures(tasks: Sequence[Task], flows: Sequence[Flow]) -> None:
    """Raise where more than a few calls failed; the questions of a few are rejected, with the reason.

    One call that always fails must not hold up a thousand that came.
    """
    failed = [(task, flow.failure) for task, flow in zip(tasks, flows, strict=True) if flow.failure]
    failures = sorted((failure for _, failure in failed), key=lambda f: "given up" not in f)
    few = max(1.0, _FEW * len(tasks))
    if failed and (len(failed) > few or not any(task.is_pair for task in tasks)):
        raise EndpointError(
            f"{len(failures)} calls for options failed, one with: {failures[0].rstrip('.')}. "
            "Replies that came are kept: run `finebench derive` again."
        )
    _look_at_judge(tasks)
    waiting = [task for task, flow in zip(tasks, flows, strict=True) if not flow.is_over]
    _look_at_waiting(tasks, waiting)
    for task, failure in failed:
        task.faults.append(f"a call failed ({failure.rstrip('.')}); {ASKED_AGAIN}")


def _look_at_judge(tasks: Sequence[Task]) -> None:
    """Raise where no pair of a kind came about for the judge's sake: that says nothing of any question."""
    for kind in DimensionKind:
        done = [task for task in tasks if task.kind is kind and (task.faults or task.is_pair)]
        mumbled = sum(any(UNREADABLE in fault for fault in task.faults) for task in done)
        if mumbled > len(done) / 2 and not any(task.is_pair for task in done):
            judge = done[0].team.judge.name
            raise StageError(
                f"the judge's word could not be read on {mumbled} of {len(done)} options of {kind} dimensions, "
                "and no pair of them came about: no question is at fault, so nothing was written. See what it "
                f"says (finebench calls --stage {Stage.OPTIONS} --role judge), put another model in {judge}'s "
                "place (`roles.judge` in bench.toml), then run `finebench derive` again."
            )


def _look_at_waiting(tasks: Sequence[Task], waiting: Sequence[Task]) -> None:
    """Note why questions were not asked for options; raise where no pair of safety came about at all."""
    if waiting and not any(task.is_pair and task.kind is DimensionKind.SAFETY for task in tasks):
        raise StageError(_tell_pilot(tasks))
    for task in waiting:
        task.faults.append(
            f"{NOT_ASKED}: none of the first {_PILOT} questions of {task.row['dimension']} got a pair"
        )


def _tell_pilot(tasks: Sequence[Task]) -> str:
    """Return why the stage stopped after its first questions."""
    rejected = [rejection for task in tasks if task.faults for rejection in list_rejections(task)]
    return (
        f"none of the first {_PILOT} questions of each dimension got a pair of options, and nothing more was "
        f"asked ({'; '.join(tell_reasons(rejected))}). Look at what writers and judge say (finebench calls "
        f"--stage {Stage.OPTIONS}), mend the models or prompts, then run `finebench derive` again."
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
    by_hand = read_options_by_hand(workspace)
    tasks = []
    for row in rows:
        twin = by_id.get(row["twin"])
        if twin is not None and row["polarity"] == Polarity.REFRAIN:
            continue
        task = make_task(workspace, row)
        task.by_hand = by_hand.get(row["item_id"], {})
        if twin is not None:
            task.twin, task.apart = twin, make_task(workspace, twin | {"twin": ""})
            task.apart.by_hand = by_hand.get(twin["item_id"], {})
        tasks.append(task)
    return tasks


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


def make_task(workspace: Workspace, row: Row, team: Team | None = None) -> Task:
    """Return the work on one question's options, not begun."""
    positive, negative = plan_arms(row)
    return Task(
        row,
        workspace.taxonomy[row["dimension"]].kind,
        {"positive": positive, "negative": negative},
        team or make_team(workspace.config),
    )


def expect_options(workspace: Workspace, rows: Sequence[Row]) -> list[Call]:
    """Return the calls that questions without options are likely to need, those of the first rung alone.

    Where a dimension's questions come in twins, every second one takes the options of the one before.
    """
    calls: list[Call] = []
    team, twins = make_team(workspace.config), workspace.config.generate.twins
    for number, row in enumerate(rows):
        is_paired = workspace.taxonomy[row["dimension"]].wants_twins(default=twins)
        if is_paired and number % 2:
            continue
        task = make_task(workspace, row, team)
        task.twin = row if is_paired else None
        calls += _expect_pair(task)
    return calls


def _expect_pair(task: Task) -> list[Call]:
    """Return the calls of a pair that is sound at once, the first of them to the letter."""
    judging, likely = task.judging, _LIKELY_OPTION
    is_control = task.kind is DimensionKind.CONTROL
    names = (
        ("control_right", "control_wrong") if is_control else ("positive_option", "negative_option")
    )
    writers = (task.team.positive, task.team.rungs[0][1])
    calls = []
    for side, name, writer in zip(("positive", "negative"), names, writers, strict=True):
        other = likely if side == "negative" else ""
        calls.append(make_write_call(writer, name, task.row, side, task.arms, other=other))
        text = likely + side
        if is_control and side == "positive":
            calls.append(judging.make_solving_call(text))
            continue
        if not is_control:
            calls.append(judging.make_fit_call(text, task.arms[side]))
        calls.append(judging.make_verdict_call(text, text))
    if task.twin is not None:
        for side in ("positive", "negative"):
            text = f"{likely}{side} twin"
            calls.append(judging.make_fit_call(text, SWAPPED[task.arms[side]]))
            calls.append(judging.make_verdict_call(text, text))
    return calls


async def _ask_team(
    workspace: Workspace, tasks: Sequence[Task], flows: Sequence[Flow], asking: Asking
) -> None:
    by_flow = dict(zip(flows, tasks, strict=True))
    running = Flows(
        flows,
        pilot=_PILOT,
        is_success=lambda flow: by_flow[flow].is_pair,
        # What a person wrote is looked at whatever models write, and is no sign that they do.
        find_group=lambda flow: "" if by_flow[flow].by_hand else by_flow[flow].row["dimension"],
    )
    likely = {calls[0].key: calls for calls in map(_expect_pair, tasks)}
    is_rest_told = False

    def expect(call: Call) -> Iterable[Call]:
        """Return what follows from a first call; and once, all that waits for the pilot."""
        nonlocal is_rest_told
        found = likely.get(call.key, [call])[1:]
        if not is_rest_told:
            is_rest_told = True
            found = [*found, *(c for flow in running.waiting for c in _expect_pair(by_flow[flow]))]
        return found

    endpoints = make_team(workspace.config).endpoints
    async with asking.open(workspace, Stage.OPTIONS, endpoints) as asker:
        await asker.ask(running.start(), follow_up=running.follow_up, expect=expect)
