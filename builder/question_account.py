"""The account of stage 1: what asking brought enters; ``01_plan.json``, and sentences on what is short, leave."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builder.question_harvest import Harvest
from builder.question_plan import SlotKey
from builder.workspace import Workspace
from schemas.errors import StorageError
from schemas.storage import Row, read_json

__all__ = [
    "describe_plan",
    "name_slot",
    "read_account",
    "read_dry_slots",
    "read_plan",
    "tell_shortfall",
]

_SHOWN_REASONS = 3
_GROUPS = (
    ("the judge: ", "the judge rejected"),
    ("same words as ", "copies of other questions"),
    ("ratio ", "copies of other questions"),
    ("its situation is taken ", "situations that were taken"),
)


def name_slot(key: SlotKey) -> str:
    """Return a slot as the plan and messages name it."""
    return " / ".join(key)


def describe_plan(axes: Mapping[str, Sequence[str]], harvest: Harvest) -> str:
    """Return as JSON how questions lie on the axes, the account of each slot, and which are dry."""
    dry_cells = {name_slot(key): harvest.find_past(key).list_dry_cells() for key in harvest.tried}
    plan = {
        "axes": _count_values(axes, harvest),
        "slots": {name_slot(key): counts for key, counts in harvest.count_slots().items()},
        "dry": sorted(map(name_slot, harvest.dry)),
        "dry_cells": {name: cells for name, cells in dry_cells.items() if cells},
        "failures": sorted({error for errors in harvest.failures.values() for error in errors}),
    }
    return json.dumps(plan, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _count_values(
    axes: Mapping[str, Sequence[str]], harvest: Harvest
) -> dict[str, dict[str, dict[str, int]]]:
    """Return how many questions of each value of each axis were kept, and how many rejected."""
    counts = {
        axis: {value: {"kept": 0, "rejected": 0} for value in values}
        for axis, values in axes.items()
    }
    rejected = [json.loads(rejection["row"]) for rejection in harvest.rejected]
    for how, rows in (("kept", list(harvest.kept.values())), ("rejected", rejected)):
        for row in rows:
            for told in row.get("cell", "").split("; "):
                axis, _, value = told.partition(": ")
                if value in counts.get(axis, {}):
                    counts[axis][value][how] += 1
    return counts


def read_plan(workspace: Workspace) -> Mapping[str, Any]:
    """Return what the last run wrote of the plan; empty where none did, or it cannot be read."""
    try:
        plan = read_json(workspace.plan) if workspace.plan.exists() else {}
    except StorageError:
        return {}
    return plan if isinstance(plan, dict) else {}


def read_dry_slots(workspace: Workspace) -> set[SlotKey]:
    """Return the slots that ran dry in the last run."""
    return {_split_name(name) for name in read_plan(workspace).get("dry", [])}


def read_account(workspace: Workspace) -> dict[SlotKey, Counter[str]]:
    """Return how many questions were asked for and came in earlier runs, by slot."""
    slots = read_plan(workspace).get("slots", {})
    return {
        _split_name(name): Counter({"asked": counts["asked"], "came": counts["came"]})
        for name, counts in slots.items()
    }


def _split_name(name: str) -> SlotKey:
    dimension, polarity, language = name.split(" / ")
    return dimension, polarity, language


def tell_shortfall(
    dimension: str, have: int, quota: int, plan: Mapping[str, Any], rejected: Iterable[Row]
) -> str:
    """Return the sentence on a dimension that has fewer questions than its quota, with the reasons."""
    slots = {k: v for k, v in plan.get("slots", {}).items() if _split_name(k)[0] == dimension}
    asked, came = (sum(counts[name] for counts in slots.values()) for name in ("asked", "came"))
    reasons = Counter(
        _group(row["reasons"]) for row in rejected if row["dimension"] == dimension
    ).most_common(_SHOWN_REASONS)
    told = ", ".join(f"{reason} ({count})" for reason, count in reasons)
    begun = f"{dimension} has {have} of {quota} questions: {asked} were asked for, {came} came"
    return f"{begun}; not taken: {told}" if told else begun


def _group(reasons: str) -> str:
    """Return a reason without what differs from question to question."""
    for start, group in _GROUPS:
        if reasons.startswith(start):
            return group
    rule, mark, _ = reasons.partition(" (")
    return rule if mark and ":" in rule and " " not in rule else reasons
