"""An item's whole life, and where all items stand: a workspace's files enter, rows to show leave."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.versions import TEXTS, read_present_items
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import UsageError
from schemas.labels import Decision
from schemas.storage import Row, index_rows
from schemas.tables import TableName

__all__ = ["STANDINGS", "Event", "count_standings", "find_present_item", "tell_life"]

STANDINGS = (
    "question",
    "to check",
    "to review",
    "undecided",
    "accepted",
    "rejected",
    "withdrawn",
    "released",
)
"""Where an item can stand, from its first to its last station."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an item: at which station, and what."""

    station: str
    what: str


def find_present_item(workspace: Workspace, item_id: str) -> Row:
    """Return an item in its present version; raise `UsageError` where there is none."""
    items, _ = read_present_items(workspace)
    item = index_rows(items).get(item_id)
    if item is None:
        raise UsageError(
            f"no item {item_id} with options. `finebench status` counts what there is."
        )
    return item


def tell_life(workspace: Workspace, item_id: str) -> list[Event]:
    """Return all that happened to an item, in the order of the road.

    Raises `UsageError` where nothing is known of it.
    """
    events = [
        *_tell_birth(workspace, item_id),
        *_tell_rejections(workspace, item_id),
        *_tell_edits(workspace, item_id),
        *_tell_findings(workspace, item_id),
        *_tell_answers(workspace, item_id),
        *_tell_decision(workspace, item_id),
        *_tell_releases(workspace, item_id),
    ]
    if not events:
        raise UsageError(f"nothing is known of item {item_id}.")
    return events


def _tell_birth(workspace: Workspace, item_id: str) -> Iterator[Event]:
    question = index_rows(workspace.read_stage(Stage.QUESTIONS)).get(item_id)
    if question:
        call = f", call {question['question_call'][:12]}" if question["question_call"] else ""
        told = (
            f"{question['origin']} by {question['question_source']}{call}: {question['question']}"
        )
        yield Event("question", told)
    item = index_rows(workspace.read_stage(Stage.OPTIONS)).get(item_id)
    for side in ("positive", "negative") if item else ():
        assert item is not None
        told = f"({item[f'{side}_arm']}, by {item[f'{side}_source']}): {item[f'{side}_option']}"
        yield Event(f"{side} option", told)


def _tell_rejections(workspace: Workspace, item_id: str) -> Iterator[Event]:
    for stage in Stage:
        for row in workspace.read_rejected(stage):
            if row["item_id"] == item_id:
                yield Event("rejected", f"at {stage}: {row['reasons']}")


def _tell_edits(workspace: Workspace, item_id: str) -> Iterator[Event]:
    for edit in read_table(workspace.edits, TableName.EDIT):
        if edit["item_id"] == item_id:
            why = f" ({edit['reason']})" if edit["reason"] else ""
            told = f"by {edit['by']}{why}: {edit['from_hash'][:12]} → {edit['content_hash'][:12]}"
            yield Event("edited", told)
            for text in TEXTS:
                yield Event(f"  {text.replace('_', ' ')}", edit[text])
    for row in read_table(workspace.withdrawals, TableName.WITHDRAWAL):
        if row["item_id"] == item_id:
            yield Event("withdrawn", f"by {row['by']}: {row['reason']}")


def _tell_findings(workspace: Workspace, item_id: str) -> Iterator[Event]:
    for finding in read_table(workspace.findings, TableName.FINDING):
        if finding["item_id"] == item_id:
            told = f"{finding['severity']}: {finding['rule']} ({finding['evidence']})"
            yield Event("finding", told)


def _tell_answers(workspace: Workspace, item_id: str) -> Iterator[Event]:
    for row in workspace.read_stage(Stage.ANNOTATIONS):
        if row["item_id"] != item_id:
            continue
        who = row["reviewer"] + (" (simulated)" if row["simulated"] else "")
        said = f"skipped: {row['skip_reason']}" if row["skipped"] else (
            f"{row['recommendation']}; safer: {row['safer']}"
            + (f"; {row['comment']}" if row["comment"] else "")
        )  # fmt: skip
        version = f"on {row['content_hash'][:12]}"
        yield Event("answer", f"round {row['round']}, {who} {version}: {said}")


def _tell_decision(workspace: Workspace, item_id: str) -> Iterator[Event]:
    decision = index_rows(workspace.read_stage(Stage.ADJUDICATED)).get(item_id)
    if decision:
        version = f"on {decision['content_hash'][:12]}"
        told = (
            f"{decision['decision']} by {decision['decided_by']} {version} ({decision['reason']})"
        )
        yield Event("decision", told)


def _tell_releases(workspace: Workspace, item_id: str) -> Iterator[Event]:
    for path in workspace.list_releases():
        if any(row["item_id"] == item_id for row in _read_released(path)):
            yield Event("released", f"in {path.name}")


def _read_released(path: Path) -> list[Row]:
    return read_table(path / "evaluator" / "items.jsonl", TableName.RELEASE)


def count_standings(workspace: Workspace) -> dict[str, dict[str, int]]:
    """Return how many items stand where, by dimension and then by standing.

    Each item is counted once, at the last station that it has reached.
    """
    standing = _find_standings(workspace)
    dimension = {
        row["item_id"]: row["dimension"] for row in workspace.read_rejected(Stage.QUESTIONS)
    }
    for stage in (Stage.QUESTIONS, Stage.OPTIONS):
        dimension |= {row["item_id"]: row["dimension"] for row in workspace.read_stage(stage)}
    counts = {d: dict.fromkeys(STANDINGS, 0) for d in workspace.taxonomy.ids}
    for item_id, where in standing.items():
        if dimension.get(item_id) in counts:
            counts[dimension[item_id]][where] += 1
    return counts


def _find_standings(workspace: Workspace) -> dict[str, str]:
    standing = {row["item_id"]: "question" for row in workspace.read_stage(Stage.QUESTIONS)}
    items, _ = read_present_items(workspace)
    checked = index_rows(workspace.read_stage(Stage.CHECKED))
    for item in items:
        same = checked.get(item["item_id"], {}).get("content_hash") == item["content_hash"]
        standing[item["item_id"]] = "to review" if same else "to check"
    decided = {Decision.ACCEPT: "accepted", Decision.UNDECIDED: "undecided"}
    for row in workspace.read_stage(Stage.ADJUDICATED):
        if standing.get(row["item_id"]) == "to review":
            standing[row["item_id"]] = decided[Decision(row["decision"])]
    releases = workspace.list_releases()
    for row in _read_released(releases[-1]) if releases else []:
        decided_here = standing.get(row["item_id"]) in ("accepted", "undecided")
        if decided_here and checked[row["item_id"]]["content_hash"] == row["content_hash"]:
            standing[row["item_id"]] = "released"
    present = {item["item_id"]: item["content_hash"] for item in items}
    for stage in Stage:
        for row in workspace.read_rejected(stage):
            # A rejection counts for the version that it was spoken on.
            rejected_hash = json.loads(row["row"]).get("content_hash")
            if row["item_id"] not in present or present[row["item_id"]] == rejected_hash:
                standing[row["item_id"]] = "rejected"
    standing |= {
        row["item_id"]: "withdrawn"
        for row in read_table(workspace.withdrawals, TableName.WITHDRAWAL)
    }
    return standing
