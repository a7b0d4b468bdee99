"""Questions that may mean the same: items enter; pairs whose embeddings are alike leave, for people to judge.

Words that differ hide a copy from `similarity`; an embedding model sees it, and errs in both ways. So a
pair is a candidate that reviewers are shown, and no item is rejected for it.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from builder.bundle.engine.calls import Api, Call, Endpoint, Reply
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.vectors import read_vector
from builder.checks.duplicates import NEAR_DUPLICATE, are_twins
from builder.checks.findings import make_finding
from builder.config import Config
from builder.llm.asking import Asking, Live
from builder.workspace import Stage, Workspace
from schemas.errors import EndpointError
from schemas.labels import Severity
from schemas.storage import Row

__all__ = [
    "AlikePair",
    "expect_embeddings",
    "find_alike",
    "find_embedder",
    "find_same_meanings",
]

RULE = f"{NEAR_DUPLICATE}:meaning"
_UNCOMPARED = f"{NEAR_DUPLICATE}:meaning-unknown"
# So many similarities are held at a time: 64 MB of them.
_BLOCK = 16_000_000

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two rows of a table of vectors, and the cosine of the angle between them."""

    first: int
    second: int
    cosine: float


def find_embedder(config: Config) -> Endpoint | None:
    """Return the endpoint that embeds questions; None where the benchmark has none."""
    name = config.roles.embedder
    return replace(config.find_endpoint(name), api=Api.EMBEDDINGS) if name else None


def expect_embeddings(workspace: Workspace, questions: Sequence[str]) -> list[Call]:
    """Return the calls that embed questions; none where the benchmark has no embedder."""
    embedder = find_embedder(workspace.config)
    if embedder is None:
        return []
    return [Call(embedder, (("user", text),), role="embedder") for text in questions]


def find_same_meanings(
    workspace: Workspace, items: Sequence[Row], asking: Asking | None = None
) -> list[Row]:
    """Return a finding for each item whose question an earlier one seems to ask in other words.

    Each question is embedded once, by the model that ``roles.embedder`` names, and kept in the journal;
    without one there is nothing to find. Twins are left out. Raises `EndpointError` where calls failed
    that may succeed later, or where the vectors are not of one length.
    """
    embedder = find_embedder(workspace.config)
    if embedder is None or not items:
        return []
    calls = expect_embeddings(workspace, [item["question"] for item in items])
    replies = asyncio.run(_ask(workspace, embedder, calls, asking or Live()))
    answers = [replies[call.key] for call in calls]
    _require_answers(answers)
    known = [n for n, reply in enumerate(answers) if reply.outcome is Outcome.ANSWERED]
    compared = [items[n] for n in known]
    pairs = find_alike(
        _stack(embedder, [answers[n].text for n in known]),
        workspace.config.checks.same_meaning_cosine,
        twins=_list_twins(compared),
    )
    findings = [_tell_alike(compared[pair.second], compared[pair.first], pair) for pair in pairs]
    findings += [
        _tell_unknown(item, reply)
        for item, reply in zip(items, answers, strict=True)
        if reply.outcome is not Outcome.ANSWERED
    ]
    return findings


async def _ask(
    workspace: Workspace, embedder: Endpoint, calls: Sequence[Call], asking: Asking
) -> Mapping[str, Reply]:
    async with asking.open(workspace, Stage.CHECKED, [embedder]) as asker:
        return await asker.ask(calls)


def _require_answers(replies: Sequence[Reply]) -> None:
    failed = [reply for reply in replies if reply.may_come_later]
    if failed:
        told = min((reply.error for reply in failed), key=lambda error: "given up" not in error)
        raise EndpointError(
            f"{len(failed)} calls for embeddings failed, one with: {told.rstrip('.')}. Replies that came "
            "are kept: run `finebench check` again."
        )


def _stack(embedder: Endpoint, texts: Sequence[str]) -> Vectors:
    """Return the vectors as rows of length 1."""
    if not texts:
        return np.zeros((0, 1), np.float32)
    rows = [np.array(read_vector(text), np.float32) for text in texts]
    if len({row.size for row in rows}) > 1:
        raise EndpointError(
            f"model {embedder.name}: its embeddings are not of one length, so that they cannot be compared. "
            "Purge them (finebench calls --purge --role embedder) and ask one model for all."
        )
    table: Vectors = np.stack(rows)
    # The greatest number first: squares of large ones would be infinite.
    table /= np.abs(table).max(axis=1, keepdims=True)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return table


def _list_twins(items: Sequence[Row]) -> frozenset[tuple[int, int]]:
    """Return the places of twins, the earlier one first."""
    families: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        families.setdefault(item["family"], []).append(place)
    return frozenset(
        (first, second)
        for places in families.values()
        for second in places
        for first in places
        if first < second and are_twins(items[first], items[second])
    )


def find_alike(
    vectors: Vectors, cutoff: float, *, twins: frozenset[tuple[int, int]] = frozenset()
) -> list[AlikePair]:
    """Return for each row the earlier row most like it, where their cosine is ``cutoff`` or more.

    ``vectors`` are of shape (rows, length), each of length 1. Pairs of ``twins`` are passed over.
    """
    excluded: dict[int, list[int]] = {}
    for first, second in twins:
        excluded.setdefault(second, []).append(first)
    return [pair for pair in _find_nearest(vectors, excluded) if pair.cosine >= cutoff]


def _find_nearest(vectors: Vectors, excluded: Mapping[int, Sequence[int]]) -> Iterator[AlikePair]:
    """Yield for each row but the first the nearest of those before it."""
    step = max(1, _BLOCK // max(1, len(vectors)))
    for start in range(0, len(vectors), step):
        block = vectors[start : start + step]
        cosines = block @ vectors[: start + len(block)].T
        for offset, row in enumerate(cosines):
            second = start + offset
            row[second:] = -np.inf
            row[list(excluded.get(second, ()))] = -np.inf
            if second and np.isfinite(row.max()):
                first = int(row.argmax())
                yield AlikePair(first, second, float(row[first]))


def _tell_alike(item: Row, other: Row, pair: AlikePair) -> Row:
    evidence = f"cosine {pair.cosine:.3f} with {other['item_id']}"
    remedy = "Reviewers decide whether both ask the same; withdraw one if they do."
    return make_finding(item, RULE, Severity.WARN, evidence, remedy, related=other["item_id"])


def _tell_unknown(item: Row, reply: Reply) -> Row:
    evidence = f"its question has no embedding: the call was {reply.outcome} ({reply.error})"
    remedy = "It was compared with no other by meaning: look at it, or edit its question."
    return make_finding(item, _UNCOMPARED, Severity.INFO, evidence, remedy)
