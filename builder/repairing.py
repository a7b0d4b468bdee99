"""Repair: items whose form tells which option is unsafe enter; negative options written anew leave.

What names the items is the auditor of lengths and marks, one of those for repair; the auditor that gates
a release is never asked here. A round rewrites the items that are found most surely, a judge looks at
each new text as at the first, and the round is kept only where the auditor then finds the rewritten ones
less surely, by more than chance. Otherwise its texts are dropped, and the repair is over.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from builder.bundle.engine.calls import Call
from builder.checks.item_leak import list_pairs
from builder.checks.leak.audit import FEWEST_FAMILIES, measure_pair_margins
from builder.checks.leak.auditors import measure_groups
from builder.checks.leak.explain import list_telling_groups, tell_pair
from builder.checks.leak.gauges import OptionPair, count_wins, find_effective_size
from builder.checks.leak.surface import GROUPS
from builder.llm.asking import Asker, Asking, Live
from builder.llm.steps import Flow, Flows
from builder.option_ladder import Task, Team, Written, rewrite_negative
from builder.options import apply_repairs, make_task, make_team
from builder.questions import list_generated
from builder.workspace import Stage, Workspace
from schemas.errors import EndpointError, StageError
from schemas.storage import Row, read_rows, write_rows

__all__ = ["RepairReport", "repair_options"]

_Z = 1.645  # one-sided 95%
_FEWEST_REWRITTEN = 2
_NONE_MAY_BE = (
    "they give options away, and none of those found may be rewritten: repair leaves alone "
    "imported items, own questions, and twins, whose options are each other's"
)


@dataclass(slots=True)
class RepairReport:
    """What a repair came to: the auditor's accuracy before each round and after the last kept one.

    ``rewritten`` counts the texts kept, ``refused`` the new texts that were not fit, by reason.
    """

    accuracies: list[float] = field(default_factory=list)
    rewritten: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    ended: str = ""


def repair_options(
    workspace: Workspace, asking: Asking | None = None, *, rounds: int = 3, is_kept: bool = True
) -> RepairReport:
    """Have negative options rewritten until their form tells no more than chance, or rounds are over.

    The new texts are kept in ``02_repairs.jsonl``, from where `derive_options` takes them, unless
    ``is_kept`` is false. Raises
    `StageError` where there are no options yet, and `EndpointError` where calls failed that may pass
    later: replies that came are kept.
    """
    with workspace.hold(str(Stage.OPTIONS)):
        rows = workspace.read_stage(Stage.OPTIONS)
        if not rows:
            raise StageError("there are no options yet. Run `finebench derive` first.")
        return asyncio.run(_repair(workspace, rows, asking or Live(), rounds, is_kept=is_kept))


async def _repair(
    workspace: Workspace, rows: list[Row], asking: Asking, rounds: int, *, is_kept: bool
) -> RepairReport:
    report = RepairReport()
    team = make_team(workspace.config)
    async with asking.open(workspace, Stage.OPTIONS, team.endpoints) as asker:
        margins = _measure(workspace, rows)
        if not len(margins):
            report.ended = f"fewer than {FEWEST_FAMILIES} families cannot be measured"
            return report
        for _ in range(rounds):
            report.accuracies.append(float(count_wins(margins).mean()))
            if not _is_found(workspace, rows, margins):
                report.ended = "lengths and marks tell no more than chance would"
                return report
            chosen = _choose(workspace, rows, margins, team)
            if not chosen:
                report.ended = _NONE_MAY_BE
                return report
            repairs = await _rewrite(workspace, rows, chosen, asker, report)
            improved = apply_repairs(rows, repairs)
            after = _measure(workspace, improved)
            rewritten = _place(workspace, rows, repairs)
            if not _is_gain(margins[rewritten], after[rewritten]):
                report.ended = "the last round gained no more than chance would; it was dropped"
                return report
            rows, margins = improved, after
            report.rewritten += len(repairs)
            if is_kept:
                kept = read_rows(workspace.repairs) if workspace.repairs.exists() else []
                write_rows(workspace.repairs, [*kept, *repairs])
    report.accuracies.append(float(count_wins(margins).mean()))
    report.ended = "all rounds were made"
    return report


def _measure(workspace: Workspace, rows: Sequence[Row]) -> Any:
    """Return the margins of the auditor of lengths and marks; empty for too few families."""
    pairs = list_pairs(rows, workspace.taxonomy)
    if len({pair.family for pair in pairs}) < FEWEST_FAMILIES:
        return np.zeros(0)
    return measure_pair_margins(pairs, measure_groups(pairs, GROUPS))


def _is_found(workspace: Workspace, rows: Sequence[Row], margins: Any) -> bool:
    """Tell whether the auditor finds the positive option more often than chance does: one-sided 95%."""
    pairs = list_pairs(rows, workspace.taxonomy)
    sizes = np.unique([pair.family for pair in pairs], return_counts=True)[1].tolist()
    chance = 0.5 + _Z * math.sqrt(0.25 / find_effective_size(sizes))
    return float(count_wins(margins).mean()) > chance


def _choose(
    workspace: Workspace, rows: Sequence[Row], margins: Any, team: Team
) -> list[OptionPair]:
    """Return the pairs to rewrite, the surest of those found first.

    A pair of equal form is found half of the time: so as many are rewritten as are found beyond those
    that are not. Empty where none of those found may be rewritten.
    """
    pairs = list_pairs(rows, workspace.taxonomy)
    accuracy = float(count_wins(margins).mean())
    rungs = {rung for rung, _ in team.rungs}
    generated = {row["item_id"] for row in list_generated(workspace)}
    written = {
        row["item_id"]
        for row in rows
        if row["item_id"] in generated
        and row["negative_rung"] in rungs
        and not row["twin"]  # its options are those of its twin too
    }
    order = np.argsort(-margins, kind="stable").tolist()
    found = [pairs[n] for n in order if margins[n] > 0 and pairs[n].item_id in written]
    return found[: max(1, math.ceil((2 * accuracy - 1) * len(pairs)))]


def _place(workspace: Workspace, rows: Sequence[Row], repairs: Sequence[Row]) -> list[int]:
    """Return where the pairs that were rewritten stand among all."""
    rewritten = {repair["item_id"] for repair in repairs}
    pairs = list_pairs(rows, workspace.taxonomy)
    return [n for n, pair in enumerate(pairs) if pair.item_id in rewritten]


async def _rewrite(
    workspace: Workspace,
    rows: Sequence[Row],
    chosen: Sequence[OptionPair],
    asker: Asker,
    report: RepairReport,
) -> list[Row]:
    """Return a repair for each chosen pair whose new text is fit."""
    by_id = {row["item_id"]: row for row in rows}
    groups = list_telling_groups(list_pairs(rows, workspace.taxonomy))
    tasks = [_make_task(workspace, by_id[pair.item_id]) for pair in chosen]
    flows = [
        Flow(rewrite_negative(task, pair.negative, tell_pair(pair, groups)))
        for task, pair in zip(tasks, chosen, strict=True)
    ]
    running = Flows(flows)
    first = running.start()
    likely = {
        call.key: _expect_judging(task, pair.negative)
        for call, task, pair in zip(first, tasks, chosen, strict=False)
    }
    await asker.ask(
        first, follow_up=running.follow_up, expect=lambda call: likely.get(call.key, [])
    )
    failures = [flow.failure for flow in flows if flow.failure]
    if failures:
        raise EndpointError(
            f"{len(failures)} calls for repairs failed, the first with: {failures[0]}. "
            "Replies that came are kept: run `finebench derive --repair` again."
        )
    for task in tasks:
        for fault in task.faults:
            report.refused[fault] = report.refused.get(fault, 0) + 1
    return [_make_repair(task.row, task.negative) for task in tasks if task.negative is not None]


def _expect_judging(task: Task, before: str) -> list[Call]:
    """Return the calls that are likely to follow from a new text: its length is about that of the last."""
    judging, text = task.judging, f"{before} anew"
    return [
        judging.make_fit_call(text, task.arms["negative"]),
        judging.make_verdict_call(text, text),
        judging.make_natural_call(text),
    ]


def _make_task(workspace: Workspace, row: Row) -> Task:
    """Return the task of rewriting an item's negative option, by whoever wrote it."""
    team = make_team(workspace.config)
    rungs = [(rung, endpoint) for rung, endpoint in team.rungs if rung == row["negative_rung"]]
    task = make_task(workspace, row, replace(team, rungs=rungs))
    task.positive = Written(row["positive_option"])
    return task


def _make_repair(row: Mapping[str, Any], written: Written) -> Row:
    return {
        "item_id": row["item_id"],
        "from_call": row["negative_call"],
        "negative_option": written.text,
        "negative_source": written.source,
        "negative_prompt": written.prompt,
        "negative_call": written.call,
        "negative_verdict": str(written.verdict),
    }


def _is_gain(before: Any, after: Any) -> bool:
    """Tell whether rewritten pairs are found less surely, by more than chance: paired, one-sided 95%.

    Margins are compared and not whether a pair is found: a text that came from eight times the length
    to a tenth more is found still, while all the others are as they were.
    """
    gains = before - after
    if len(gains) < _FEWEST_REWRITTEN:
        return False
    spread = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return float(gains.mean()) > _Z * spread
