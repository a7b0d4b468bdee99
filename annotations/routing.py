"""Who reviews what: items and reviewers enter, an assignment leaves; pure, and seeded."""

import hashlib
from collections.abc import Sequence

__all__ = ["assign_reviewers", "is_positive_shown_first"]


def assign_reviewers(
    item_ids: Sequence[str], reviewers: Sequence[str], *, overlap: int, seed: int
) -> dict[str, list[str]]:
    """Return each reviewer's items, in the order in which to show them.

    Each item goes to ``overlap`` reviewers (to all, where there are fewer): those with the greatest
    hash of seed, item and reviewer. An item's reviewers therefore stay the same when other items come
    or go, and change little when a reviewer joins; loads are equal on average. The order is shuffled
    for each reviewer alike by hash.
    """
    assigned: dict[str, list[str]] = {reviewer: [] for reviewer in reviewers}
    for item_id in item_ids:
        ranked = sorted(reviewers, key=lambda reviewer: _hash(seed, item_id, reviewer))
        for reviewer in ranked[-overlap:]:
            assigned[reviewer].append(item_id)
    for reviewer, items in assigned.items():
        items.sort(key=lambda item_id: _hash(seed, "order", item_id, reviewer))
    return assigned


def is_positive_shown_first(item_id: str, reviewer: str, seed: int) -> bool:
    """Tell whether a reviewer sees an item's positive option as A: a fair coin, tossed by hash."""
    return _hash(seed, "side", item_id, reviewer) % 2 == 0


def _hash(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
