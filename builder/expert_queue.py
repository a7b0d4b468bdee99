"""What follows from decisions: agreed corrections become new versions, and open cases go to an expert."""

import json
from collections.abc import Mapping

from annotations.adjudication import (
    TEXTS,
    find_agreed_revision,
    group_votes,
    list_revisions,
    needs_expert,
)
from annotations.expert import Case, Ruling
from builder.review import record_ruling
from builder.versions import REVISED, read_present_items, record_edit
from builder.workspace import Stage, Workspace
from schemas.errors import DataError
from schemas.labels import Decision, DecisionMethod
from schemas.storage import Row, index_rows

__all__ = [
    "apply_revisions",
    "list_agreed_revisions",
    "list_cases",
    "list_texts_to_write",
    "rule_on_case",
]

_REVIEWERS = "reviewers"


def apply_revisions(workspace: Workspace) -> tuple[list[str], list[str]]:
    """Make a new version of each item that most would revise to the same words.

    Returns the ids of these items, and a sentence for each correction that breaks a rule. The new
    versions are checked with the next `finebench check`, and settled by one more answer.
    """
    revised, faults = [], []
    for item, texts, names in list_agreed_revisions(workspace):
        try:
            reason = f"{REVISED} by {', '.join(names)}"
            record_edit(workspace, item, _merge(item, texts), by=_REVIEWERS, reason=reason)
        except DataError as error:
            faults.append(f"{item['item_id']}: the correction was not taken: {error}")
        else:
            revised.append(item["item_id"])
    return revised, faults


def list_agreed_revisions(workspace: Workspace) -> list[tuple[Row, dict[str, str], list[str]]]:
    """Return the items that reviewers decided to revise to the same words, the texts, and whose they are.

    Where a curator ruled that an item is to be revised, the text is yet to be written: no reviewer's
    words stand in for it.
    """
    votes = group_votes(workspace.read_stage(Stage.ANNOTATIONS))
    agreed = []
    for decision, item in _list_revised(workspace):
        found = votes.get((item["item_id"], item["content_hash"]), [])
        texts = find_agreed_revision(found)
        if decision["method"] != DecisionMethod.CURATOR and texts:
            agreed.append((item, texts, list_revisions(found)[0][1]))
    return agreed


def list_texts_to_write(workspace: Workspace) -> list[str]:
    """Return the ids of the items that a curator ruled are to be revised, and that nobody edited since."""
    return [
        item["item_id"]
        for decision, item in _list_revised(workspace)
        if decision["method"] == DecisionMethod.CURATOR
    ]


def _list_revised(workspace: Workspace) -> list[tuple[Row, Row]]:
    """Return the decisions to revise, each with its item, but for items that were edited since."""
    decisions = _read_decisions(workspace, Decision.REVISE)
    present = index_rows(read_present_items(workspace)[0]) if decisions else {}
    return [
        (decision, item)
        for decision in decisions
        if (item := present.get(decision["item_id"])) is not None
        and item["content_hash"] == decision["content_hash"]
    ]


def _read_decisions(workspace: Workspace, decision: Decision) -> list[Row]:
    rejected = (json.loads(row["row"]) for row in workspace.read_rejected(Stage.ADJUDICATED))
    rows = [*workspace.read_stage(Stage.ADJUDICATED), *rejected]
    return [row for row in rows if row["decision"] == decision]


def _merge(item: Mapping[str, str], texts: Mapping[str, str]) -> dict[str, str]:
    return {name: texts.get(name) or item[name] for name in TEXTS}


def list_cases(workspace: Workspace) -> list[Case]:
    """Return the items that wait for an expert, in the order of their ids; not those edited since."""
    present = index_rows(read_present_items(workspace)[0])
    votes = group_votes(workspace.read_stage(Stage.ANNOTATIONS))
    cases = []
    for decision in workspace.read_stage(Stage.ADJUDICATED):
        item = present.get(decision["item_id"])
        is_present = item is not None and item["content_hash"] == decision["content_hash"]
        if not (is_present and needs_expert(decision)):
            continue
        found = votes.get((decision["item_id"], decision["content_hash"]), [])
        counts = ", ".join(
            f"{decision[f'votes_{vote}']} {vote}" for vote in ("accept", "revise", "reject")
        )
        cases.append(
            Case(
                item_id=decision["item_id"],
                content_hash=decision["content_hash"],
                dimension=workspace.taxonomy[decision["dimension"]].name,
                definition=workspace.taxonomy[decision["dimension"]].definition,
                texts={name: decision[name] for name in TEXTS},
                votes=f"{counts} ({decision['reason']})",
                said=[row["comment"] for row in found if row["comment"]],
                revisions=[(texts, len(names)) for texts, names in list_revisions(found)],
            )
        )
    return cases


def rule_on_case(
    workspace: Workspace,
    case: Case,
    ruling: Ruling,
    texts: Mapping[str, str],
    reason: str,
    *,
    by: str,
) -> None:
    """Make an expert's ruling durable: a decision on the present version, or a new version."""
    if ruling is not Ruling.REVISE:
        record_ruling(workspace, case.item_id, Decision(str(ruling)), by=by, reason=reason)
        return
    item = index_rows(read_present_items(workspace)[0])[case.item_id]
    record_edit(workspace, item, _merge(item, texts), by=by, reason=f"{REVISED}: {reason}")
