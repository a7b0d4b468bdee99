"""Stage 3: items enter in their present versions; sound ones leave, with findings about all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from builder.checks.leak import Gauge, OptionPair, audit_options
from builder.checks.near_duplicates import Pair, find_near_duplicates, group_pairs
from builder.checks.text_rules import find_breaches, list_rules
from builder.stage_records import Counts, StageInputs, make_rejection, write_stage
from builder.versions import TEXTS, apply_edits
from builder.workspace import Stage, Workspace
from schemas.errors import StageError
from schemas.labels import DimensionKind, Origin, Severity
from schemas.storage import Row, sort_rows, write_rows, write_text
from schemas.tables import TableName
from schemas.taxonomy import Taxonomy
from schemas.texts import hash_text, shorten
from schemas.validation import require_valid

__all__ = ["audit_items", "check_items", "find_findings", "find_inputs", "read_present_items"]


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the checks depend on."""
    rules = [[rule.name, rule.severity, rule.pattern.pattern] for rule in list_rules()]
    return StageInputs(
        files=(workspace.get_path(Stage.OPTIONS), workspace.edits, workspace.withdrawals),
        parameters=workspace.config.checks.model_dump() | {"rules": hash_text(json.dumps(rules))},
    )


def read_present_items(workspace: Workspace) -> tuple[list[Row], list[Row]]:
    """Return all items of stage 2 with people's edits applied, and the edits that do not apply."""
    return apply_edits(workspace.read_stage(Stage.OPTIONS), workspace.read_log(workspace.edits))


def check_items(workspace: Workspace) -> Counts:
    """Check all items and write stage 3's file, the findings and the leak audit.

    Items with a blocking finding are rejected, and so are withdrawn ones.
    """
    if not workspace.get_path(Stage.OPTIONS).exists():
        raise StageError("there are no items yet. Run `finebench derive` or `import` first.")
    items, idle = read_present_items(workspace)
    withdrawn = {row["item_id"]: row for row in workspace.read_log(workspace.withdrawals)}
    active = [item for item in items if item["item_id"] not in withdrawn]
    findings = find_findings(active, workspace.config.checks.near_duplicate_ratio)
    findings += [_find_idle_edit(edit) for edit in idle]
    kept, rejected = _split(items, findings, withdrawn)
    require_valid(findings, TableName.FINDING, file=workspace.findings.name)
    write_rows(workspace.findings, sort_rows(findings, "item_id", "rule", "evidence"))
    _write_leak(workspace, audit_items(kept, workspace.taxonomy))
    return write_stage(
        workspace, Stage.CHECKED, kept, rejected, find_inputs(workspace), entered=len(items)
    )


def find_findings(items: Sequence[Row], cutoff: float) -> list[Row]:
    """Return everything that the rules see in ``items``, near-duplicates included."""
    findings = [finding for item in items for finding in _check_texts(item)]
    return findings + _check_near_duplicates(items, cutoff)


def audit_items(items: Sequence[Row], taxonomy: Taxonomy) -> list[Gauge]:
    """Return the option-leak gauges of the items of safety dimensions; none where there are none."""
    pairs = [
        OptionPair(item["positive_option"], item["negative_option"], item["family"])
        for item in items
        if taxonomy[item["dimension"]].kind is DimensionKind.SAFETY
    ]
    return audit_options(pairs) if pairs else []


def _write_leak(workspace: Workspace, gauges: Sequence[Gauge]) -> None:
    bound = workspace.config.checks.leak_bound
    report = [g.as_dict() | {"bound": bound, "verdict": g.judge(bound)} for g in gauges]
    write_text(workspace.leak, json.dumps(report, indent=1, sort_keys=True) + "\n")


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
    ordered = sorted(items, key=_rank)
    pairs = find_near_duplicates([item["question"] for item in ordered], cutoff)
    findings = []
    for cluster in group_pairs(len(ordered), pairs):
        kept, *others = sorted(cluster)
        for position in others:
            pair = max((p for p in pairs if position in (p.first, p.second)), key=_order_pair)
            other = ordered[pair.first if pair.second == position else pair.second]
            evidence = (
                f"ratio {pair.ratio:.1f} with {other['item_id']}; kept: {ordered[kept]['item_id']}"
            )
            findings.append(
                _make_finding(
                    ordered[position], "near-duplicate", Severity.BLOCK, evidence,
                    "Edit the question until it differs, or leave it out.", other["item_id"],
                )
            )  # fmt: skip
    return findings


def _rank(item: Row) -> tuple[bool, int, str]:
    """Order items so that the one to keep of a cluster comes first: brought along, then longer."""
    return (item["origin"] == Origin.GENERATED, -len(item["question"]), item["item_id"])


def _order_pair(pair: Pair) -> tuple[float, int, int]:
    return (pair.ratio, -pair.first, -pair.second)


def _split(
    items: Sequence[Row], findings: Sequence[Row], withdrawn: Mapping[str, Row]
) -> tuple[list[Row], list[Row]]:
    blocking: dict[str, list[str]] = {}
    for finding in findings:
        if finding["severity"] == Severity.BLOCK:
            reason = f"{finding['rule']} ({finding['evidence']})"
            blocking.setdefault(finding["item_id"], []).append(reason)
    for item_id, row in withdrawn.items():
        blocking[item_id] = [f"withdrawn by {row['by']}: {row['reason']}"]
    kept = [item for item in items if item["item_id"] not in blocking]
    rejected = [
        make_rejection(item, Stage.CHECKED, blocking[item["item_id"]])
        for item in items
        if item["item_id"] in blocking
    ]
    return kept, rejected
