"""Near-duplicate questions: items enter; of each cluster one is kept, and families are joined."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.checks.findings import make_finding
from builder.checks.similarity.clusters import join_clusters
from builder.checks.similarity.index import OnProgress
from builder.checks.similarity.join import Matches, find_near_duplicates
from builder.checks.similarity.segment import Order
from schemas.labels import Origin, Polarity, Severity
from schemas.storage import Row
from schemas.texts import normalise_for_comparison

__all__ = ["NEAR_DUPLICATE", "Duplicates", "Standing", "are_twins", "find_duplicates"]

NEAR_DUPLICATE = "near-duplicate"
"""How the names of the rules begin by which an item is found to be a copy."""

_REORDERED = f"{NEAR_DUPLICATE}:reordered"
_TWIN = f"{NEAR_DUPLICATE}:twin"
_ORDERS = ((NEAR_DUPLICATE, Order.AS_WRITTEN), (_REORDERED, Order.WORDS_SORTED))
_MOST_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class Standing:
    """The ids of items that were there before: people answered on them, they were released, or passed."""

    reviewed: Container[str] = frozenset()
    released: Container[str] = frozenset()
    passed: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What near-duplicate search found: findings, clusters of item ids, and the family of each item.

    In a cluster the item that is kept comes first. ``families`` has all items: families that a
    near-duplicate pair ties together are one, named by the first of their names in order.
    """

    findings: list[Row]
    clusters: list[list[str]]
    families: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Link:
    """Two items, how alike their questions are, and by which rule."""

    first: str
    second: str
    ratio: float
    rule: str


def find_duplicates(
    items: Sequence[Row],
    cutoff: float,
    *,
    standing: Standing | None = None,
    reordered: Severity = Severity.BLOCK,
    workers: int = 1,
    memory_mb: int = 1024,
    on_progress: OnProgress | None = None,
) -> Duplicates:
    """Return the near-duplicates among the questions of ``items``.

    Questions are near-duplicates as `similarity.join` defines it, as they are written or, with the
    severity ``reordered``, with their words sorted. Chains of pairs make clusters. Of each cluster one
    item is kept: one that people reviewed before any other, then an earlier one (released, or passed by
    the check before this one, or brought along before one that a model wrote), then the longer. Twins, two questions of one family of
    which one asks to act and the other to refrain, may be as alike as one word: they are told, no more.
    """
    questions = [item["question"] for item in items]
    found = [
        (
            rule,
            find_near_duplicates(
                questions,
                cutoff,
                order=order,
                workers=workers,
                memory_mb=memory_mb,
                on_progress=on_progress,
            ),
        )
        for rule, order in _ORDERS
    ]
    links = _list_links(items, found)
    return _judge(items, links, standing or Standing(), reordered)


def _judge(
    items: Sequence[Row], links: Sequence[_Link], standing: Standing, reordered: Severity
) -> Duplicates:
    """Return what follows from near-duplicate pairs: who is kept, who is told, who is family."""
    by_id = {item["item_id"]: item for item in items}
    twins, telling, blocking = [], [], []
    for link in links:
        if are_twins(by_id[link.first], by_id[link.second]):
            twins.append(link)
        elif link.rule == NEAR_DUPLICATE or reordered is Severity.BLOCK:
            blocking.append(link)
        else:
            telling.append(link)
    ranked = sorted(items, key=lambda item: _rank(item, standing))
    place = {item["item_id"]: n for n, item in enumerate(ranked)}
    joined = join_clusters((link.first, link.second) for link in blocking)
    clusters = sorted(sorted(cluster, key=place.__getitem__) for cluster in joined)
    findings = _reject(clusters, blocking, by_id)
    findings += [_tell(link, by_id, reordered) for link in telling]
    findings += [_tell_twin(link, by_id) for link in twins]
    return Duplicates(findings, clusters, _join_families(items, links))


def _list_links(items: Sequence[Row], found: Iterable[tuple[str, Matches]]) -> list[_Link]:
    """Return all near-duplicate pairs once, by the first rule that found them.

    Where thousands of questions are equal, only as many pairs as tie them together.
    """
    links: dict[tuple[str, str], _Link] = {}
    for rule, matches in found:
        pairs = matches.list_pairs() if len(matches) <= _MOST_PAIRS else matches.list_links()
        for pair in pairs:
            first, second = sorted(items[n]["item_id"] for n in (pair.first, pair.second))
            links.setdefault((first, second), _Link(first, second, pair.ratio, rule))
    return list(links.values())


def are_twins(one: Row, other: Row) -> bool:
    """Tell whether two items are one family's question to act and its question to refrain."""
    same_text = normalise_for_comparison(one["question"]) == normalise_for_comparison(
        other["question"]
    )
    asked = {one["polarity"], other["polarity"]}
    return (
        one["family"] == other["family"]
        and asked == {str(Polarity.ACT), str(Polarity.REFRAIN)}
        and not same_text
    )


def _rank(item: Row, standing: Standing) -> tuple[bool, bool, bool, bool, int, str]:
    """Order items so that the one to keep of a cluster comes first."""
    return (
        item["item_id"] not in standing.reviewed,
        item["item_id"] not in standing.released,
        item["item_id"] not in standing.passed,
        item["origin"] == Origin.GENERATED,
        -len(item["question"]),
        item["item_id"],
    )


def _reject(
    clusters: Sequence[Sequence[str]], links: Iterable[_Link], by_id: Mapping[str, Row]
) -> list[Row]:
    """Return a blocking finding on each item but the first of its cluster, with its nearest pair."""
    kept_by = {item_id: cluster[0] for cluster in clusters for item_id in cluster}
    nearest: dict[str, _Link] = {}
    for link in links:
        kept = kept_by[link.first]
        for item_id in (link.first, link.second):
            best = nearest.get(item_id)
            if best is None or _prefer(link, kept) > _prefer(best, kept):
                nearest[item_id] = link
    return [
        _find_duplicate(by_id[item_id], nearest[item_id], kept)
        for item_id, kept in kept_by.items()
        if item_id != kept
    ]


def _prefer(link: _Link, kept: str) -> tuple[bool, float, str, str]:
    return (kept in (link.first, link.second), link.ratio, link.first, link.second)


def _find_duplicate(item: Row, link: _Link, kept: str) -> Row:
    other = link.second if link.first == item["item_id"] else link.first
    through = (
        "which is kept" if other == kept else f"and through it a copy of {kept}, which is kept"
    )
    words = "" if link.rule == NEAR_DUPLICATE else " of the sorted words"
    return make_finding(
        item,
        link.rule,
        Severity.BLOCK,
        f"ratio {link.ratio:.1f}{words} with {other}, {through}",
        "Edit the question until it differs, or leave it out.",
        related=kept,
    )


def _tell(link: _Link, by_id: Mapping[str, Row], severity: Severity) -> Row:
    evidence = f"ratio {link.ratio:.1f} of the sorted words with {link.first}"
    remedy = "Reviewers decide whether the other order of words asks something else."
    return make_finding(
        by_id[link.second], link.rule, severity, evidence, remedy, related=link.first
    )


def _tell_twin(link: _Link, by_id: Mapping[str, Row]) -> Row:
    evidence = f"ratio {link.ratio:.1f} with {link.first}, its twin that asks the opposite"
    remedy = "Nothing to do: twins are meant to differ by little."
    return make_finding(
        by_id[link.second], _TWIN, Severity.INFO, evidence, remedy, related=link.first
    )


def _join_families(items: Sequence[Row], links: Iterable[_Link]) -> dict[str, str]:
    """Return each item's family, families that a link ties together under one name."""
    family = {item["item_id"]: item["family"] for item in items}
    joined = join_clusters((family[link.first], family[link.second]) for link in links)
    name = {member: min(cluster) for cluster in joined for member in cluster}
    return {item_id: name.get(old, old) for item_id, old in family.items()}
