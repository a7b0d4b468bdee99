"""What comes of stage 2's tasks: tasks that are over enter; items, rejections and the yield of rungs leave."""

import json
from collections.abc import Sequence

from builder.option_ladder import Task, Written
from builder.option_prompts import SWAPPED
from builder.stage_records import make_rejection
from builder.workspace import Stage
from schemas.labels import Arm, Rung
from schemas.storage import Row
from schemas.texts import hash_content

__all__ = ["count_rungs", "list_items", "list_rejections"]


def list_items(task: Task) -> list[Row]:
    """Return the item of a task, and that of its twin: with the same options, or with options of its own."""
    own = [] if task.apart is None else list_items(task.apart)
    if not task.is_pair:
        return own
    item = _make_item(task)
    if task.twin is None:
        return [item]
    if task.twin_fault:
        return [item | {"twin": ""}, *own]
    return [item, _swap_roles(item, task.twin)]


def _swap_roles(item: Row, twin: Row) -> Row:
    """Return the item of the twin: the same two options, each in the other's role."""
    swapped = dict(twin)
    for side, other in (("positive", "negative"), ("negative", "positive")):
        for name in ("option", "source", "prompt", "call"):
            swapped[f"{side}_{name}"] = item[f"{other}_{name}"]
        swapped[f"{side}_arm"] = str(SWAPPED[Arm(item[f"{other}_arm"])])
    swapped |= {"positive_verdict": item["positive_verdict"], "negative_rung": str(Rung.PLAIN)}
    swapped["negative_verdict"] = item["negative_verdict"]
    texts = (swapped["question"], swapped["positive_option"], swapped["negative_option"])
    return swapped | {"content_hash": hash_content(*texts, swapped["language"])}


def list_rejections(task: Task) -> list[Row]:
    """Return the rejections of a task's question and of its twin's."""
    rejected = []
    if not task.is_pair:
        rejected.append(make_rejection(task.row, Stage.OPTIONS, task.faults))
    if task.twin is not None and (task.twin_fault or not task.is_pair):
        if task.apart is not None and (task.apart.is_pair or task.apart.faults):
            return rejected + list_rejections(task.apart)
        reason = task.twin_fault or f"its twin has no pair ({'; '.join(task.faults)})"
        rejected.append(make_rejection(task.twin, Stage.OPTIONS, [reason]))
    return rejected


def _make_item(task: Task) -> Row:
    item = dict(task.row)
    assert task.positive is not None
    assert task.negative is not None
    item |= _describe_option("positive", task.positive, task.arms["positive"])
    item |= _describe_option("negative", task.negative, task.arms["negative"])
    item["negative_rung"] = str(task.negative.rung)
    texts = (item["question"], item["positive_option"], item["negative_option"])
    return item | {"content_hash": hash_content(*texts, item["language"])}


def _describe_option(side: str, written: Written, arm: Arm) -> Row:
    return {
        f"{side}_option": written.text,
        f"{side}_arm": str(arm),
        f"{side}_source": written.source,
        f"{side}_prompt": written.prompt,
        f"{side}_call": written.call,
        f"{side}_verdict": str(written.verdict),
    }


def count_rungs(tasks: Sequence[Task]) -> str:
    """Return as JSON, for each dimension and rung, how often it was tried and how often it brought one."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for task in [*tasks, *(task.apart for task in tasks if task.apart is not None)]:
        for rung, reason in task.climbed.items():
            rungs = counts.setdefault(task.row["dimension"], {})
            count = rungs.setdefault(str(rung), {"tried": 0, "brought": 0})
            count["tried"] += 1
            count["brought"] += not reason
    return json.dumps(counts, indent=1, sort_keys=True) + "\n"
