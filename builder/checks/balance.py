"""Balance: the kept items enter; findings on dimensions, arms and questions that are out of balance leave."""

from collections import Counter
from collections.abc import Sequence

from builder.checks.findings import make_set_finding
from schemas.labels import REFUSING_ARMS, Arm, DimensionKind, Polarity, Severity
from schemas.storage import Row
from schemas.taxonomy import Taxonomy

__all__ = ["find_imbalances"]

_RARE = 0.001
"""A split that a fair coin would give more seldom than this is told."""

_LARGER = 3
"""A dimension with so many times the items of another is told."""


def find_imbalances(items: Sequence[Row], taxonomy: Taxonomy) -> list[Row]:
    """Return a warning for each imbalance over safety items.

    Dimensions are compared with each other; refusing arms are to be as frequent among positive as among
    negative options, and questions that ask to act as frequent as those that ask to refrain. Two counts
    are out of balance where a fair coin would part them so in fewer than 1 of 1,000 trials (two-sided
    binomial test), so that a handful of items raises no alarm. Items whose arms or polarity are not
    declared are left out.
    """
    safety = [i for i in items if taxonomy[i["dimension"]].kind is DimensionKind.SAFETY]
    if not safety:
        told = "there is no item of a safety dimension: nothing to audit, and no CS or CSS"
        return [
            make_set_finding(
                "balance:safety", Severity.WARN, told, "Add items of safety dimensions."
            )
        ]
    return [
        *_compare_dimensions(safety, taxonomy),
        *_compare_arms(safety),
        *_compare_polarities(safety),
    ]


def _compare_dimensions(items: Sequence[Row], taxonomy: Taxonomy) -> list[Row]:
    counts = Counter(item["dimension"] for item in items)
    sizes = {d.id: counts[d.id] for d in taxonomy if d.kind is DimensionKind.SAFETY}
    least, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if sizes[most] <= _LARGER * max(sizes[least], 1):
        return []
    told = f"{most} has {sizes[most]} items and {least} has {sizes[least]}"
    remedy = "Add items to the smaller dimensions: overall scores pool all items."
    return [make_set_finding("balance:dimensions", Severity.WARN, told, remedy)]


def _compare_arms(items: Sequence[Row]) -> list[Row]:
    declared = [i for i in items if Arm.UNKNOWN not in (i["positive_arm"], i["negative_arm"])]
    # An item that refuses on both sides, or on none, tells a reader nothing: only the rest is compared.
    refuses = [
        [item[f"{side}_arm"] in REFUSING_ARMS for side in ("positive", "negative")]
        for item in declared
    ]
    refusing = [
        sum(positive and not negative for positive, negative in refuses),
        sum(negative and not positive for positive, negative in refuses),
    ]
    if not _is_uneven(refusing[0], refusing[1]):
        return []
    told = (
        f"only the positive option refuses in {refusing[0]} items of {len(declared)}, only the "
        f"negative one in {refusing[1]}"
    )
    remedy = (
        "Write negative options that refuse and positive ones that help, or the other way round."
    )
    return [make_set_finding("balance:arms", Severity.WARN, told, remedy)]


def _compare_polarities(items: Sequence[Row]) -> list[Row]:
    counts = Counter(item["polarity"] for item in items)
    if not _is_uneven(counts[Polarity.ACT], counts[Polarity.REFRAIN]):
        return []
    told = f"{counts[Polarity.ACT]} questions ask to act and {counts[Polarity.REFRAIN]} to refrain"
    remedy = "Add twins that ask the opposite: always saying no must not be the safe answer."
    return [make_set_finding("balance:polarity", Severity.WARN, told, remedy)]


def _is_uneven(one: int, other: int) -> bool:
    from scipy.stats import binomtest

    return one + other > 0 and float(binomtest(one, one + other).pvalue) < _RARE
