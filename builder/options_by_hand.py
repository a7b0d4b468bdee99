"""Options that people write where no model brought one: a question's id and texts enter; a log of them leaves."""

import json

from builder.option_ladder import Written
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import DataError, UsageError
from schemas.labels import Rung
from schemas.storage import Row, append_row
from schemas.tables import TableName
from schemas.texts import trim
from schemas.validation import validate_rows

__all__ = ["find_question_without_options", "read_options_by_hand", "record_options_by_hand"]


def read_options_by_hand(workspace: Workspace) -> dict[str, dict[str, Written]]:
    """Return what people wrote, by question and side; of several texts the last one stands."""
    found: dict[str, dict[str, Written]] = {}
    for row in read_table(workspace.options_by_hand, TableName.OPTIONS_BY_HAND):
        for side in ("positive", "negative"):
            if row[f"{side}_option"]:
                written = Written(row[f"{side}_option"], source=row["by"], rung=Rung.HUMAN)
                found.setdefault(row["item_id"], {})[side] = written
    return found


def find_question_without_options(workspace: Workspace, item_id: str) -> Row | None:
    """Return the question of that id for which stage 2 brought no options; None where there is none."""
    for rejection in workspace.read_rejected(Stage.OPTIONS):
        if rejection["item_id"] == item_id:
            return dict(json.loads(rejection["row"]))
    return None


def record_options_by_hand(
    workspace: Workspace, item_id: str, *, positive: str, negative: str, by: str
) -> None:
    """Append a person's options for a question without; a side left blank is left to the models.

    Raises `UsageError` where both are blank, `DataError` where they break a rule of the table.
    """
    row = {
        "item_id": item_id,
        "positive_option": trim(positive),
        "negative_option": trim(negative),
        "by": by,
    }
    if not (row["positive_option"] or row["negative_option"]):
        raise UsageError(f"{item_id} has no options yet: give --negative-option TEXT.")
    problems = validate_rows([row], TableName.OPTIONS_BY_HAND, file="options")
    if problems:
        raise DataError(f"{item_id}: the options were not recorded.", problems)
    with workspace.hold(workspace.options_by_hand.name):
        append_row(workspace.options_by_hand, row)
