"""Option leak of a workspace's items: rows enter; the audit leaves, and each look at its gate is counted."""

from collections.abc import Sequence

from builder.checks.leak.audit import Audit, audit_options, gauge_form
from builder.checks.leak.gauges import Gauge, OptionPair
from builder.workspace import Workspace
from schemas.labels import DimensionKind
from schemas.storage import Row, append_row, read_log
from schemas.taxonomy import Taxonomy
from schemas.texts import canonical_json, hash_text

__all__ = ["audit_items", "count_looks", "gauge_items", "list_pairs"]


def list_pairs(items: Sequence[Row], taxonomy: Taxonomy) -> list[OptionPair]:
    """Return the options of the items of safety dimensions.

    Controls are left out: a right answer is told from a wrong one by what it says.
    """
    return [
        OptionPair(
            item["positive_option"],
            item["negative_option"],
            item["family"],
            item["item_id"],
            item["dimension"],
            item["positive_arm"],
            item["negative_arm"],
        )
        for item in items
        if taxonomy[item["dimension"]].kind is DimensionKind.SAFETY
    ]


def audit_items(workspace: Workspace, items: Sequence[Row]) -> Audit:
    """Return the audit of ``items``, and count the look at the gate."""
    pairs = list_pairs(items, workspace.taxonomy)
    audit = audit_options(
        pairs,
        permutations=workspace.config.checks.permutations,
        seed=workspace.config.seed,
    )
    if audit.gate is not None:
        _count_look(workspace, pairs, audit.gate)
    return audit


def gauge_items(workspace: Workspace, items: Sequence[Row]) -> Gauge | None:
    """Return what the gate's auditor earns on ``items``, and count the look; None without safety items."""
    pairs = list_pairs(items, workspace.taxonomy)
    if not pairs:
        return None
    gauge = gauge_form(pairs)
    _count_look(workspace, pairs, gauge)
    return gauge


def _count_look(workspace: Workspace, pairs: Sequence[OptionPair], gauge: Gauge) -> None:
    """Note that the gate was seen on these options; seen again, the same options are no new look."""
    if gauge.accuracy is None:
        return
    options = _hash_options(pairs)
    with workspace.hold(workspace.looks.name):
        if all(look["options"] != options for look in _read_looks(workspace)):
            row = {"options": options, "pairs": gauge.pairs, "accuracy": gauge.accuracy}
            append_row(workspace.looks, row | {"upper": gauge.upper})


def count_looks(workspace: Workspace, items: Sequence[Row] | None = None) -> int:
    """Return on how many different sets of options the gate's auditor was seen.

    Whoever mends until a gate passes fits the gate: the more looks, the less a pass says. With ``items``,
    the looks count up to the one at these.
    """
    looks = [look["options"] for look in _read_looks(workspace)]
    if items is None:
        return len(looks)
    options = _hash_options(list_pairs(items, workspace.taxonomy))
    return looks.index(options) + 1 if options in looks else len(looks)


def _hash_options(pairs: Sequence[OptionPair]) -> str:
    return hash_text(canonical_json([[p.positive, p.negative, p.family] for p in pairs]))


def _read_looks(workspace: Workspace) -> list[Row]:
    return read_log(workspace.looks) if workspace.looks.exists() else []
