"""Repair: items whose form tells which option is unsafe enter; negative options written anew leave.

What names the items is the auditor of lengths and marks, one of those for repair; the auditor that gates
a release is never asked here. A round rewrites the items that are found most surely, a judge looks at
each new text as at the first, and the round is kept only where the auditor then earns less by more than
chance would do. Otherwise its texts are dropped, and the repair is over.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from builder.bundle.engine.calls import Call, Endpoint
from builder.checks.item_leak import list_pairs
from builder.checks.leak.audit import FEWEST_FAMILIES, measure_pair_margins
from builder.checks.leak.auditors import measure_groups
from builder.checks.leak.explain import tell_marks
from builder.checks.leak.gauges import OptionPair, count_wins, find_effective_size
from builder.checks.leak.surface import GROUPS
from builder.llm.asking import Asker, Asking, Live
from builder.option_ladder import Ladder, Task, Written
from builder.options import apply_repairs, make_task
from builder.workspace import Stage, Workspace
from schemas.errors import EndpointError, StageError
from schemas.labels import Origin, Rung
from schemas.storage import Row, read_rows, write_rows

__all__ = ["RepairReport", "repair_options"]

_SHARE = 0.2
_Z = 1.645  # one-sided 95%


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
    workspace: Workspace, asking: Asking | None = None, *, rounds: int = 3
) -> RepairReport:
    """Have negative options rewritten until their form tells no more than chance, or rounds are over.

    The new texts are kept in ``02_repairs.jsonl``, from where `derive_options` takes them. Raises
    `StageError` where there are no options yet, and `EndpointError` where calls failed that may pass
    later: replies that came are kept.
    """
    with workspace.hold(str(Stage.OPTIONS)):
        rows = workspace.read_stage(Stage.OPTIONS)
        if not rows:
            raise StageError("there are no options yet. Run `finebench derive` first.")
        return asyncio.run(_repair(workspace, rows, asking or Live(), rounds))


async def _repair(
    workspace: Workspace, rows: list[Row], asking: Asking, rounds: int
) -> RepairReport:
    report = RepairReport()
    team = make_task(workspace, rows[0]).team
    async with asking.open(workspace, Stage.OPTIONS, team.endpoints) as asker:
        margins = _measure(workspace, rows)
        if not len(margins):
            report.ended = f"fewer than {FEWEST_FAMILIES} families cannot be measured"
            return report
        for _ in range(rounds):
            report.accuracies.append(float(count_wins(margins).mean()))
            chosen = _choose(workspace, rows, margins)
            if not chosen:
                report.ended = "lengths and marks tell no more than chance would"
                return report
            repairs = await _rewrite(workspace, rows, chosen, asker, report)
            improved = apply_repairs(rows, repairs)
            after = _measure(workspace, improved)
            if not _is_gain(margins, after):
                report.ended = "the last round gained no more than chance would; it was dropped"
                return report
            rows, margins = improved, after
            report.rewritten += len(repairs)
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


def _choose(workspace: Workspace, rows: Sequence[Row], margins: Any) -> list[OptionPair]:
    """Return the pairs to rewrite: the surest fifth of those found, where finding is no chance."""
    pairs = list_pairs(rows, workspace.taxonomy)
    sizes = np.unique([pair.family for pair in pairs], return_counts=True)[1].tolist()
    chance = 0.5 + _Z * math.sqrt(0.25 / find_effective_size(sizes))
    if float(count_wins(margins).mean()) <= chance:
        return []
    written = {
        row["item_id"]
        for row in rows
        if row["origin"] == Origin.GENERATED
        and row["negative_rung"] not in (Rung.HUMAN, Rung.UNKNOWN)
        and not row["twin"]  # its options are those of its twin too
    }
    order = np.argsort(-margins, kind="stable").tolist()
    found = [pairs[n] for n in order if margins[n] > 0 and pairs[n].item_id in written]
    return found[: max(1, round(_SHARE * len(pairs)))]


async def _rewrite(
    workspace: Workspace,
    rows: Sequence[Row],
    chosen: Sequence[OptionPair],
    asker: Asker,
    report: RepairReport,
) -> list[Row]:
    """Return a repair for each chosen pair whose new text is fit."""
    by_id = {row["item_id"]: row for row in rows}
    told = tell_marks(list_pairs(rows, workspace.taxonomy))
    tasks: list[tuple[Row, Task]] = []
    for pair in chosen:
        row = by_id[pair.item_id]
        task = make_task(workspace, row)
        task.positive = Written(row["positive_option"], Call(Endpoint("", ""), ()))
        tasks.append((row, task))
    ladder = Ladder([task for _, task in tasks])
    first = [
        call
        for row, task in tasks
        for call in ladder.own(task, task.rewrite(row["negative_option"], told))
    ]
    await asker.ask(first, follow_up=ladder.follow_up)
    failures = [failure for _, task in tasks for failure in task.failures]
    if failures:
        raise EndpointError(
            f"{len(failures)} calls for repairs failed, the first with: {failures[0]}. "
            "Replies that came are kept: run `finebench derive --repair` again."
        )
    for _, task in tasks:
        for fault in task.faults:
            report.refused[fault] = report.refused.get(fault, 0) + 1
    return [_make_repair(row, task.negative) for row, task in tasks if task.negative is not None]


def _make_repair(row: Mapping[str, Any], written: Written) -> Row:
    return {
        "item_id": row["item_id"],
        "from_call": row["negative_call"],
        "negative_option": written.text,
        "negative_source": written.call.endpoint.name,
        "negative_prompt": written.call.prompt,
        "negative_call": written.call.key,
        "negative_verdict": str(written.verdict),
    }


def _is_gain(before: Any, after: Any) -> bool:
    """Tell whether the auditor earns less by more than chance: a paired difference, one-sided 95%."""
    gains = count_wins(before) - count_wins(after)
    spread = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return float(gains.mean()) > _Z * spread
