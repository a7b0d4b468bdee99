"""Versions of items: the items of stage 2 and what people wrote since enter; present texts leave."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from annotations.adjudication import TEXTS
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import DataError, UsageError
from schemas.labels import JudgeWord, Rung
from schemas.storage import Row, append_row, index_rows
from schemas.tables import TableName
from schemas.texts import hash_content, trim
from schemas.validation import validate_rows

__all__ = [
    "REVISED",
    "TEXTS",
    "apply_edits",
    "list_revised_versions",
    "read_present_items",
    "record_edit",
    "record_withdrawal",
]

REVISED = "revised in review"
"""How the reason of an edit begins that reviewers agreed on, or an expert made of their corrections."""


def read_present_items(workspace: Workspace) -> tuple[list[Row], list[Row]]:
    """Return all items of stage 2 with people's edits applied, and the edits that do not apply."""
    return apply_edits(
        workspace.read_stage(Stage.OPTIONS), read_table(workspace.edits, TableName.EDIT)
    )


def apply_edits(items: Sequence[Row], edits: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the items in their present versions, and the edits that no longer apply.

    An edit applies to the version whose hash it names; one made on a text that has been written anew
    since is not applied.
    """
    present = {item["item_id"]: dict(item) for item in items}
    idle: list[Row] = []
    for edit in edits:
        item = present.get(edit["item_id"])
        if item is None or item["content_hash"] != edit["from_hash"]:
            idle.append(edit)
        else:
            present[edit["item_id"]] = _apply_edit(item, edit)
    return list(present.values()), idle


def _apply_edit(item: Row, edit: Row) -> Row:
    edited = item | {text: edit[text] for text in TEXTS} | {"content_hash": edit["content_hash"]}
    for text, source in zip(TEXTS, ("question", "positive", "negative"), strict=True):
        if edit[text] != item[text]:
            # The text is that person's now, and no call stands behind it any more.
            edited |= {f"{source}_source": edit["by"], f"{source}_prompt": "", f"{source}_call": ""}
            edited |= _forget_verdicts(source)
    return edited


def _forget_verdicts(source: str) -> Row:
    """Return what is no longer known of an item when one of its texts was edited."""
    unknown = {f"{side}_verdict": str(JudgeWord.NOT_JUDGED) for side in ("positive", "negative")}
    if source == "question":
        return unknown
    changed = {f"{source}_verdict": unknown[f"{source}_verdict"]}
    return changed | ({"negative_rung": str(Rung.HUMAN)} if source == "negative" else {})


def list_revised_versions(workspace: Workspace) -> frozenset[tuple[str, str]]:
    """Return the versions that came of a review, which one more answer confirms."""
    return frozenset(
        (edit["item_id"], edit["content_hash"])
        for edit in read_table(workspace.edits, TableName.EDIT)
        if edit["reason"].startswith(REVISED)
    )


def record_edit(
    workspace: Workspace, item: Row, texts: Mapping[str, str], *, by: str, reason: str
) -> Row:
    """Append a new version of ``item`` to the log of edits and return its row.

    Texts are trimmed. Raises `UsageError` where nothing was changed, and `DataError` where the new
    texts break a rule; nothing is written then.
    """
    new = {text: trim(texts[text]) for text in TEXTS}
    if all(new[text] == item[text] for text in TEXTS):
        raise UsageError(f"{item['item_id']}: nothing was changed.")
    edit: Row = new | {
        "item_id": item["item_id"],
        "from_hash": item["content_hash"],
        "language": item["language"],
        "content_hash": hash_content(
            new["question"], new["positive_option"], new["negative_option"], item["language"]
        ),
        "by": by,
        "reason": trim(reason),
    }
    with workspace.hold(workspace.edits.name):
        present = index_rows(read_present_items(workspace)[0])
        if present[item["item_id"]]["content_hash"] != item["content_hash"]:
            raise UsageError(
                f"{item['item_id']} was edited meanwhile. Look at it and edit it again."
            )
        _append_valid(workspace.edits, edit, TableName.EDIT)
    return edit


def record_withdrawal(workspace: Workspace, item_id: str, *, by: str, reason: str) -> None:
    """Append an item to the log of withdrawals; raise `UsageError` where it stands there already."""
    row = {"item_id": item_id, "by": by, "reason": trim(reason)}
    with workspace.hold(workspace.withdrawals.name):
        if any(
            w["item_id"] == item_id for w in read_table(workspace.withdrawals, TableName.WITHDRAWAL)
        ):
            raise UsageError(f"{item_id} is withdrawn already.")
        _append_valid(workspace.withdrawals, row, TableName.WITHDRAWAL)


def _append_valid(path: Path, row: Row, table: TableName) -> None:
    problems = validate_rows([row], table, file=str(table))
    if problems:
        raise DataError(f"{row['item_id']}: the {table} was not recorded.", problems)
    append_row(path, row)
