"""The rows of a release: decided items enter; public rows, with baked option orders, leave."""

from collections.abc import Container, Sequence

from builder.workspace import Stage, Workspace
from schemas.errors import StageError
from schemas.labels import Decision
from schemas.storage import Row, index_rows

__all__ = ["UNDECIDED_GATE", "make_release_rows", "select_items"]

UNDECIDED_GATE = "undecided-items"
"""Waiving this gate takes undecided items into a release, each marked so."""

_COPIED = (
    "item_id",
    "dimension",
    "question",
    "positive_option",
    "negative_option",
    "language",
    "family",
    "polarity",
    "positive_arm",
    "negative_arm",
    "origin",
    "question_source",
    "question_prompt",
    "positive_source",
    "positive_prompt",
    "negative_source",
    "negative_prompt",
    "source_id",
    "content_hash",
)


def select_items(workspace: Workspace, waivers: Container[str]) -> list[Row]:
    """Return the decision rows of the items that go into a release: accepted, or also undecided.

    Raises `StageError` where nothing has been decided yet, or nothing is left.
    """
    if not workspace.get_path(Stage.ADJUDICATED).exists():
        raise StageError("nothing is decided yet. Run `finebench adjudicate` first.")
    wanted = {Decision.ACCEPT} | ({Decision.UNDECIDED} if UNDECIDED_GATE in waivers else set())
    chosen = [row for row in workspace.read_stage(Stage.ADJUDICATED) if row["decision"] in wanted]
    if not chosen:
        raise StageError(
            "no item is accepted. Have items reviewed (`finebench review`), or release undecided "
            f"ones with --waive {UNDECIDED_GATE}=REASON."
        )
    return chosen


def make_release_rows(workspace: Workspace, decisions: Sequence[Row]) -> list[Row]:
    """Return the public row of each decided item, sorted by id.

    ``order_1_positive`` alternates over the items in order of dimension and id, so that in each order
    half of each dimension's items, give or take one, have their positive option as A.
    """
    items = index_rows(workspace.read_stage(Stage.CHECKED))
    ordered = sorted(decisions, key=lambda d: (d["dimension"], d["item_id"]))
    rows = []
    for number, decision in enumerate(ordered):
        item = items.get(decision["item_id"])
        if item is None or item["content_hash"] != decision["content_hash"]:
            raise StageError(
                f"{decision['item_id']} changed after it was decided. Run `finebench adjudicate`."
            )
        rows.append(
            {column: item[column] for column in _COPIED}
            | {
                "kind": str(workspace.taxonomy[item["dimension"]].kind),
                "decision": decision["decision"],
                "decision_method": decision["method"],
                "decided_by": decision["decided_by"],
                "order_1_positive": "AB"[number % 2],
            }
        )
    return sorted(rows, key=lambda row: row["item_id"])
