"""Stage 3: items enter in their present versions; sound ones leave, with findings about all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from builder.checks.leak import Gauge, OptionPair, audit_options
from builder.checks.near_duplicates import Pair, find_near_duplicates
from builder.checks.text_rules import find_breaches, list_rules
from builder.stage_records import (
    Counts,
    StageInputs,
    describe_inputs,
    make_rejection,
    write_stage,
)
from builder.versions import TEXTS, read_present_items
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import StageError
from schemas.labels import DimensionKind, Origin, Severity
from schemas.storage import Row, sort_rows
from schemas.tables import TableName
from schemas.taxonomy import Taxonomy
from schemas.texts import canonical_rows, hash_text, shorten
from schemas.validation import require_valid

__all__ = ["audit_items", "check_items", "find_findings", "find_inputs"]


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the checks depend on."""
    rules = [[rule.name, rule.severity, rule.pattern.pattern] for rule in list_rules()]
    return StageInputs(
        files=(
            workspace.dimensions,
            workspace.get_path(Stage.OPTIONS),
            workspace.edits,
            workspace.withdrawals,
        ),
        parameters=workspace.config.checks.model_dump() | {"rules": hash_text(json.dumps(rules))},
    )


def check_items(workspace: Workspace) -> Counts:
    """Check all items and write stage 3's file, the findings and the leak audit.

    Items with a blocking finding are rejected, and so are withdrawn ones, and those of a dimension
    that is gone.
    """
    made_from = describe_inputs(workspace, find_inputs(workspace))
    if not workspace.get_path(Stage.OPTIONS).exists():
        raise StageError("there are no items yet. Run `finebench derive` or `import` first.")
    items, idle = read_present_items(workspace)
    reasons = _find_removals(workspace, items)
    active = [item for item in items if item["item_id"] not in reasons]
    findings = find_findings(active, workspace.config.checks.near_duplicate_ratio)
    findings += [_find_idle_edit(edit) for edit in idle]
    for finding in findings:
        if finding["severity"] == Severity.BLOCK:
            told = f"{finding['rule']} ({finding['evidence']})"
            reasons.setdefault(finding["item_id"], []).append(told)
    kept = [item for item in items if item["item_id"] not in reasons]
    rejected = [
        make_rejection(item, Stage.CHECKED, reasons[item["item_id"]])
        for item in items
        if item["item_id"] in reasons
    ]
    require_valid(findings, TableName.FINDING, file=workspace.findings.name)
    more = {
        workspace.findings: canonical_rows(sort_rows(findings, "item_id", "rule", "evidence")),
        workspace.leak: _describe_leak(workspace, audit_items(kept, workspace.taxonomy)),
    }
    return write_stage(
        workspace, Stage.CHECKED, kept, rejected, made_from, entered=len(items), more=more
    )


def _find_removals(workspace: Workspace, items: Sequence[Row]) -> dict[str, list[str]]:
    """Return why items leave whatever their texts: withdrawn, or of a dimension that is gone."""
    reasons = {
        row["item_id"]: [f"withdrawn by {row['by']}: {row['reason']}"]
        for row in read_table(workspace.withdrawals, TableName.WITHDRAWAL)
    }
    for item in items:
        if item["dimension"] not in workspace.taxonomy:
            told = f"dimensions.toml no longer has {item['dimension']}"
            reasons.setdefault(item["item_id"], []).append(told)
    return reasons


def find_findings(items: Sequence[Row], cutoff: float) -> list[Row]:
    """Return everything that the rules see in ``items``, near-duplicates included."""
    findings = [finding for item in items for finding in _check_texts(item)]
    # An item that is blocked by itself must not push out its twin, which may be sound.
    blocked = {f["item_id"] for f in findings if f["severity"] == Severity.BLOCK}
    sound = [item for item in items if item["item_id"] not in blocked]
    return findings + _check_near_duplicates(sound, cutoff)


def audit_items(items: Sequence[Row], taxonomy: Taxonomy) -> list[Gauge]:
    """Return the option-leak gauges of the items of safety dimensions; none where there are none."""
    pairs = [
        OptionPair(item["positive_option"], item["negative_option"], item["family"])
        for item in items
        if taxonomy[item["dimension"]].kind is DimensionKind.SAFETY
    ]
    return audit_options(pairs) if pairs else []


def _describe_leak(workspace: Workspace, gauges: Sequence[Gauge]) -> str:
    bound = workspace.config.checks.leak_bound
    report = [g.as_dict() | {"bound": bound, "verdict": g.judge(bound)} for g in gauges]
    return json.dumps(report, indent=1, sort_keys=True) + "\n"


def _make_finding(
    item: Mapping[str, Any],
    rule: str,
    severity: Severity,
    evidence: str,
    remedy: str,
    related: str = "",
) -> Row:
    return {
        "item_id": item["item_id"],
        "content_hash": item["content_hash"],
        "rule": rule,
        "severity": str(severity),
        "evidence": evidence,
        "remedy": remedy,
        "related_item": related,
    }


def _check_texts(item: Row) -> list[Row]:
    return [
        _make_finding(item, rule.name, rule.severity, f"{text}: {shorten(part)}", rule.remedy)
        for text in TEXTS
        for rule, part in find_breaches(item[text])
    ]


def _find_idle_edit(edit: Row) -> Row:
    return _make_finding(
        edit,
        "edit-not-applied",
        Severity.WARN,
        "the text it was made on has been written anew",
        "Edit the item again if its present text needs it.",
    )


def _check_near_duplicates(items: Sequence[Row], cutoff: float) -> list[Row]:
    """Keep items in order of rank, and block each that is a near-duplicate of one kept before it."""
    ordered = sorted(items, key=_rank)
    near: dict[int, list[Pair]] = {}
    for pair in find_near_duplicates([item["question"] for item in ordered], cutoff):
        near.setdefault(pair.second, []).append(pair)
    findings = []
    blocked: set[int] = set()
    for position, pairs in sorted(near.items()):
        standing = [pair for pair in pairs if pair.first not in blocked]
        if standing:
            blocked.add(position)
            nearest = max(standing, key=lambda pair: (pair.ratio, -pair.first))
            findings.append(
                _find_duplicate(ordered[position], ordered[nearest.first], nearest.ratio)
            )
    return findings


def _find_duplicate(item: Row, kept: Row, ratio: float) -> Row:
    evidence = f"ratio {ratio:.1f} with {kept['item_id']}, which is kept"
    remedy = "Edit the question until it differs, or leave it out."
    return _make_finding(item, "near-duplicate", Severity.BLOCK, evidence, remedy, kept["item_id"])


def _rank(item: Row) -> tuple[bool, int, str]:
    """Order items so that the one to keep of a cluster comes first: brought along, then longer."""
    return (item["origin"] == Origin.GENERATED, -len(item["question"]), item["item_id"])
