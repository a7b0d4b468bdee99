"""The rows of a release: decided items enter; public rows, with baked option orders, leave."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence

from builder.release.lineage import Lineage
from builder.release.splits import Part, Split, choose_held_out
from builder.workspace import Stage, Workspace
from schemas.errors import StageError
from schemas.labels import Decision
from schemas.storage import Row, index_rows

__all__ = ["UNDECIDED_GATE", "choose_orders", "make_parts", "rename_families", "select_items"]

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
    "cell",
    "twin",
    "positive_arm",
    "negative_arm",
    "origin",
    "question_source",
    "question_prompt",
    "positive_source",
    "positive_prompt",
    "positive_verdict",
    "negative_source",
    "negative_prompt",
    "negative_verdict",
    "negative_rung",
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


def make_parts(workspace: Workspace, decisions: Sequence[Row], lineage: Lineage) -> list[Part]:
    """Return the folders of a release with the public row of each decided item, sorted by id.

    The first part is public; a second, held-out one follows where the configuration, or an earlier
    release, keeps items back. Letters are chosen within each part (`choose_orders`).
    """
    items = index_rows(workspace.read_stage(Stage.CHECKED))
    rows = [_make_row(workspace, items.get(d["item_id"]), d, lineage) for d in decisions]
    rows.sort(key=lambda row: row["item_id"])
    config = workspace.config
    held = choose_held_out(
        rows,
        config.release.held_out,
        config.seed,
        public=lineage.shown.ids,
        private=lineage.hidden.ids,
        private_families=lineage.hidden.families,
    )
    private = _set_letters([row for row in rows if row["item_id"] in held], lineage)
    secret = lineage.hidden.families | {row["family"] for row in private}
    shown = rename_families([row for row in rows if row["item_id"] not in held], secret)
    public = _set_letters(shown, lineage)
    if not public:
        raise StageError(
            "every item would be held out. Lower held_out under [release] in bench.toml."
        )
    parts = (Part(Split.TEST, public), Part(Split.HELD_OUT, private))
    return [part for part in parts if part.rows]


def rename_families(rows: Sequence[Row], secret: Collection[str]) -> list[Row]:
    """Return public rows with no name of a family that is held out, with which near-duplicates may tie them."""
    names: dict[str, str] = {}
    for row in rows:  # sorted by id, so that the first of a family names it
        if row["family"] in secret:
            names.setdefault(row["family"], row["item_id"])
    return [row | {"family": names.get(row["family"], row["family"])} for row in rows]


def _make_row(workspace: Workspace, item: Row | None, decision: Row, lineage: Lineage) -> Row:
    if item is None or item["content_hash"] != decision["content_hash"]:
        raise StageError(
            f"{decision['item_id']} changed after it was decided. Run `finebench adjudicate`."
        )
    row = {column: item[column] for column in _COPIED} | {
        "kind": str(workspace.taxonomy[item["dimension"]].kind),
        "decision": decision["decision"],
        "decision_method": decision["method"],
        "decided_by": decision["decided_by"],
    }
    return lineage.take_decision(row)


def _set_letters(rows: Sequence[Row], lineage: Lineage) -> list[Row]:
    by_dimension: dict[str, list[str]] = {}
    for row in rows:
        by_dimension.setdefault(row["dimension"], []).append(row["item_id"])
    letters = choose_orders(by_dimension, lineage.letters)
    return [row | {"order_1_positive": letters[row["item_id"]]} for row in rows]


def choose_orders(
    by_dimension: Mapping[str, Iterable[str]], earlier: Mapping[str, str]
) -> dict[str, str]:
    """Return for each item the letter of its positive option in the first order.

    An item keeps its letter of the release before, new ones take the rarer letter, and where a
    dimension is then out of balance by more than one item, as few as needed change theirs. In each
    order half of each dimension's items, give or take one, so have their positive option as A; the
    odd item of a dimension goes to the letter that is rarer over all, as far as that is free.
    """
    letters: dict[str, str] = {}
    lead = 0  # how many more items have A than B, over the dimensions settled so far
    for _, item_ids in sorted(by_dimension.items()):
        groups: dict[str, list[str]] = {"A": [], "B": []}
        new: list[str] = []
        for item_id in sorted(item_ids):
            (groups[earlier[item_id]] if item_id in earlier else new).append(item_id)
        for item_id in new:
            ahead = len(groups["A"]) - len(groups["B"]) or lead
            groups["B" if ahead > 0 else "A"].append(item_id)
        for more, less in (("A", "B"), ("B", "A")):
            while len(groups[more]) - len(groups[less]) > 1:
                groups[less].append(groups[more].pop())
        lead += len(groups["A"]) - len(groups["B"])
        letters |= {item_id: letter for letter, ids in groups.items() for item_id in ids}
    return letters
