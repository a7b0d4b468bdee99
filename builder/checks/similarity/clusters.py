"""Clusters: pairs enter; the groups that chains of pairs join leave (union-find)."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

__all__ = ["join_clusters"]

Member = TypeVar("Member", bound=Hashable)


def join_clusters(pairs: Iterable[tuple[Member, Member]]) -> list[list[Member]]:
    """Return the connected components of ``pairs``, members and clusters in order of appearance.

    >>> join_clusters([("a", "b"), ("c", "d"), ("b", "e")])
    [['a', 'b', 'e'], ['c', 'd']]
    """
    parents: dict[Member, Member] = {}
    for pair in pairs:
        roots = [_find_root(parents, member) for member in pair]
        if roots[0] != roots[1]:
            parents[roots[1]] = roots[0]
    clusters: dict[Member, list[Member]] = {}
    for member in list(parents):
        clusters.setdefault(_find_root(parents, member), []).append(member)
    return list(clusters.values())


def _find_root(parents: dict[Member, Member], member: Member) -> Member:
    """Return the representative of a member's cluster, and halve the way to it for the next time."""
    parents.setdefault(member, member)
    while parents[member] != member:
        parents[member] = parents[parents[member]]
        member = parents[member]
    return member
