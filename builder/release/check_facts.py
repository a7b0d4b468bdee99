"""What the checks saw of a release: a workspace and its rows enter; the facts of manifest and card leave."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from builder.checks.item_leak import list_pairs
from builder.checks.leak.audit import audit_options
from builder.stage_records import read_record
from builder.workspace import Stage, Workspace
from schemas.storage import Row, read_json, read_rows

__all__ = ["describe_checks", "describe_funnel"]

_MOST_REASONS = 8


def describe_funnel(workspace: Workspace) -> list[dict[str, Any]]:
    """Return how many rows entered, left and were rejected at each stage, with the reasons by rule.

    A row that is rejected for several reasons counts once, by the first.
    """
    funnel = []
    for stage in (Stage.QUESTIONS, Stage.OPTIONS, Stage.CHECKED, Stage.ADJUDICATED):
        counts = read_record(workspace, stage).get("counts")
        if counts is None:
            continue
        reasons = Counter(_name_reason(r["reasons"]) for r in workspace.read_rejected(stage))
        told = dict(reasons.most_common(_MOST_REASONS))
        if len(reasons) > len(told):
            told["other reasons"] = sum(reasons.values()) - sum(told.values())
        funnel.append({"stage": str(stage), **counts, "reasons": told})
    return funnel


def _name_reason(reasons: str) -> str:
    """Return what the first reason is called: what stands before its evidence, without anybody's name."""
    first = reasons.split("; ", maxsplit=1)[0].partition(" (")[0].partition(": ")[0]
    for verb in ("withdrawn", "accept", "revise", "reject"):
        if first.startswith(f"{verb} by "):
            return f"{verb} in review" if verb != "withdrawn" else verb
    return first


def describe_checks(workspace: Workspace, rows: Sequence[Row], looks: int) -> dict[str, Any]:
    """Return the option leak of the released texts by auditor, and what was found and turned down.

    ``looks`` is how often the auditor that gates was seen until these texts passed it.
    """
    pairs = list_pairs(rows, workspace.taxonomy)
    audit = audit_options(pairs, permutations=0, seed=workspace.config.seed) if pairs else None
    bound = workspace.config.checks.leak_bound
    turned_down = Counter(
        _name_reason(row["reasons"]) for row in workspace.read_rejected(Stage.CHECKED)
    )
    released = {row["item_id"] for row in rows}
    found = read_rows(workspace.findings) if workspace.findings.exists() else []
    warned = Counter(row["rule"] for row in found if row["item_id"] in released)
    sources = read_json(workspace.contamination) if workspace.contamination.exists() else {}
    return {
        "option_leak": {
            "bound": bound,
            "looks": looks,
            "gauges": [
                {**gauge.as_dict(), "verdict": str(gauge.judge(bound))}
                for gauge in (audit.gauges if audit else ())
            ],
        },
        "turned_down": dict(sorted(turned_down.items())),
        "warnings_on_released": dict(sorted(warned.items())),
        "contamination": [_hide_place(source) for source in sources.get("sources", [])],
    }


def _hide_place(source: dict[str, Any]) -> dict[str, Any]:
    """Return what was compared with, a local file by its name alone: where it lay is nobody's affair."""
    name = str(source["source"])
    if name.startswith(("hub:", "release:")):
        return source
    path, mark, column = name.partition("#")
    return source | {"source": f"{PurePath(path).name}{mark}{column}"}
