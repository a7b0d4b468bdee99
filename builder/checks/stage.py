"""Stage 3: items enter in their present versions; sound ones leave, with findings about all."""

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from annotations.rounds import merge_rounds
from builder.checks.balance import find_imbalances
from builder.checks.boilerplate import find_boilerplate
from builder.checks.contamination.workspace_references import (
    compare_with_references,
    find_reference_files,
)
from builder.checks.duplicates import Duplicates, Standing, find_duplicates
from builder.checks.findings import make_finding
from builder.checks.item_leak import audit_items
from builder.checks.leak.audit import Audit
from builder.checks.leak.explain import explain
from builder.checks.meaning import find_embedder, find_same_meanings
from builder.checks.page import write_page
from builder.checks.rules.item import find_breaches, list_rules
from builder.checks.similarity.index import OnProgress
from builder.checks.trimming import find_trimmed_edges
from builder.config import CheckConfig, describe_endpoint
from builder.llm.asking import Asking
from builder.stage_records import (
    Counts,
    StageInputs,
    describe_inputs,
    make_rejection,
    write_stage,
)
from builder.versions import read_present_items
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import StageError
from schemas.labels import Severity
from schemas.storage import Row, read_json, sort_rows
from schemas.tables import TableName
from schemas.texts import canonical_rows, hash_text
from schemas.validation import require_valid

OnCheck = Callable[[str, int, int | None], None]
"""Told what is being compared, how much is done, and of how much where that is known."""

__all__ = ["OnCheck", "check_items", "find_findings", "find_inputs"]


def find_inputs(workspace: Workspace) -> StageInputs:
    """Return what the checks depend on."""
    rules = [[rule.name, rule.severity, rule.description] for rule in list_rules()]
    parameters = workspace.config.checks.thresholds | {"rules": hash_text(json.dumps(rules))}
    embedder = find_embedder(workspace.config)
    if embedder:
        parameters["embedder"] = describe_endpoint(embedder)
    return StageInputs(
        files=(
            workspace.dimensions,
            workspace.get_path(Stage.OPTIONS),
            workspace.edits,
            workspace.withdrawals,
            workspace.references,
            *find_reference_files(workspace),
        ),
        parameters=parameters,
    )


def check_items(
    workspace: Workspace, asking: Asking | None = None, on_progress: OnCheck | None = None
) -> Counts:
    """Check all items and write stage 3's file, the findings, the leak audit and a page of both.

    Items with a blocking finding are rejected, and so are withdrawn ones, and those of a dimension
    that is gone. Families that near-duplicates tie together leave as one. Models are asked only where
    the configuration names an embedder.
    """
    made_from = describe_inputs(workspace, find_inputs(workspace))
    if not workspace.get_path(Stage.OPTIONS).exists():
        raise StageError("there are no items yet. Run `finebench derive` or `import` first.")
    items, idle = read_present_items(workspace)
    reasons = _find_removals(workspace, items)
    active = [item for item in items if item["item_id"] not in reasons]
    families = {item["item_id"]: item["family"] for item in items}
    found, sources = _compare(workspace, active, families, on_progress or _ignore)
    findings = found.findings + [_find_idle_edit(edit) for edit in idle]
    for finding in findings:
        if finding["severity"] == Severity.BLOCK:
            reason = f"{finding['rule']} ({finding['evidence']})"
            reasons.setdefault(finding["item_id"], []).append(reason)
    kept = [
        item | {"family": found.families[item["item_id"]]}
        for item in items
        if item["item_id"] not in reasons
    ]
    rejected = [
        make_rejection(item, Stage.CHECKED, reasons[item["item_id"]])
        for item in items
        if item["item_id"] in reasons
    ]
    findings += find_same_meanings(workspace, kept, asking)
    more = _write_reports(workspace, kept, replace(found, findings=findings), sources)
    return write_stage(
        workspace, Stage.CHECKED, kept, rejected, made_from, entered=len(items), more=more
    )


def _compare(
    workspace: Workspace,
    items: Sequence[Row],
    families: Mapping[str, str],
    on_progress: OnCheck,
) -> tuple[Duplicates, list[dict[str, Any]]]:
    """Return what is seen in ``items`` one by one, among them and in references; and what was read."""
    found = find_findings(
        items,
        workspace.config.checks,
        find_standing(workspace),
        lambda done, total: on_progress("near-duplicates", done, total),
    )
    comparison = compare_with_references(
        workspace, items, lambda source, done: on_progress(source, done, None), families
    )
    return replace(found, findings=found.findings + comparison.findings), comparison.sources


def _write_reports(
    workspace: Workspace,
    kept: Sequence[Row],
    found: Duplicates,
    sources: Sequence[Mapping[str, Any]],
) -> dict[Path, str]:
    """Return the texts of all files beside the stage's own: findings, leak, sources and the page."""
    findings = [
        *found.findings,
        *find_imbalances(kept, workspace.taxonomy),
        *find_boilerplate(kept),
        *find_trimmed_edges(kept),
    ]
    findings = sort_rows(findings, "item_id", "rule", "evidence")
    require_valid(findings, TableName.FINDING, file=workspace.findings.name)
    leak = _describe_leak(workspace, audit_items(workspace, kept))
    title = workspace.config.title
    return {
        workspace.findings: canonical_rows(findings),
        workspace.leak: _write_json(leak),
        workspace.contamination: _write_json({"sources": sources}),
        workspace.check_page: write_page(
            title,
            kept,
            findings,
            leak,
            found.clusters,
            sources,
        ),
    }


def _ignore(subject: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def _write_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def find_standing(workspace: Workspace) -> Standing:
    """Return which items people answered or ruled on, which were released, and which passed before."""
    answers = merge_rounds(workspace.list_rounds()).rows
    rulings = read_table(workspace.rulings, TableName.RULING)
    released = [
        row
        for path in workspace.list_release_tables()
        for row in read_table(path, TableName.RELEASE)
    ]
    return Standing(
        reviewed=frozenset(row["item_id"] for row in (*answers, *rulings)),
        released=frozenset(row["item_id"] for row in released),
        passed=frozenset(row["item_id"] for row in workspace.read_stage(Stage.CHECKED)),
    )


def _find_removals(workspace: Workspace, items: Sequence[Row]) -> dict[str, list[str]]:
    """Return why items leave whatever their texts: withdrawn, or of a dimension that is gone."""
    reasons = {
        row["item_id"]: [f"withdrawn by {row['by']}: {row['reason']}"]
        for row in read_table(workspace.withdrawals, TableName.WITHDRAWAL)
    }
    gone = _find_withdrawn_texts(workspace, items, reasons)
    for item in items:
        if (earlier := gone.get(item["content_hash"])) and item["item_id"] not in reasons:
            reasons[item["item_id"]] = [f"has the texts of {earlier}, which was withdrawn"]
        if item["dimension"] not in workspace.taxonomy:
            told = f"dimensions.toml no longer has {item['dimension']}"
            reasons.setdefault(item["item_id"], []).append(told)
    return reasons


def _find_withdrawn_texts(
    workspace: Workspace, items: Sequence[Row], withdrawn: Container[str]
) -> dict[str, str]:
    """Return the items that were withdrawn by the hash of their texts, present or as they were released."""
    rows = list(items)
    for path in workspace.list_release_tables():
        rows += read_table(path, TableName.RELEASE)
        told = read_json(path.parents[1] / "manifest.json").get("retired")
        rows += [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    return {
        row["content_hash"]: row["item_id"]
        for row in rows
        if row.get("item_id") in withdrawn and "content_hash" in row
    }


def find_findings(
    items: Sequence[Row],
    config: CheckConfig,
    standing: Standing | None = None,
    on_progress: OnProgress | None = None,
) -> Duplicates:
    """Return everything that rules and near-duplicate search see in ``items``."""
    findings = [finding for item in items for finding in _check_texts(item)]
    # An item that is blocked by itself must not push out its twin, which may be sound.
    blocked = {f["item_id"] for f in findings if f["severity"] == Severity.BLOCK}
    found = find_duplicates(
        [item for item in items if item["item_id"] not in blocked],
        config.near_duplicate_ratio,
        standing=standing,
        reordered=Severity(config.reordered),
        workers=config.workers,
        memory_mb=config.memory_mb,
        on_progress=on_progress,
    )
    return replace(found, findings=findings + found.findings)


def _describe_leak(workspace: Workspace, audit: Audit) -> dict[str, Any]:
    bound = workspace.config.checks.leak_bound
    null = None
    if audit.null:
        null = {
            "observed": audit.null.observed,
            "p_value": audit.null.p_value,
            "median": audit.null.find_quantile(0.5),
            "upper_5_percent": audit.null.find_quantile(0.95),
            "permutations": len(audit.null.accuracies),
            "pairs": audit.null.pairs,
        }
    return {
        "bound": bound,
        "gauges": [g.as_dict() | {"verdict": g.judge(bound)} for g in audit.gauges],
        "null": null,
        "explanation": explain(audit).as_dict(),
    }


def _check_texts(item: Row) -> list[Row]:
    return [
        make_finding(
            item,
            breach.rule,
            breach.severity,
            f"{breach.text}: {breach.evidence}" if breach.text else breach.evidence,
            breach.remedy,
        )
        for breach in find_breaches(item)
    ]


def _find_idle_edit(edit: Mapping[str, str]) -> Row:
    return make_finding(
        edit,
        "edit-not-applied",
        Severity.WARN,
        "the text it was made on has been written anew",
        "Edit the item again if its present text needs it.",
    )
