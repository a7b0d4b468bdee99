"""Who reviews what: items and reviewers enter, a plan of assignments leaves; pure, and seeded.

Every choice is a hash of the seed and of what is chosen between, so that a plan is the same wherever it
is made, and changes little where items or reviewers come or go. What was planned before stands.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.labels import ShownOrder, Stratum
from schemas.storage import Row

__all__ = ["Candidate", "Plan", "Reviewer", "Sampling", "is_positive_shown_first", "plan_round"]


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A reviewer by pseudonym: the languages read (any, where none is named), dimensions opted out of."""

    name: str
    languages: frozenset[str] = frozenset()
    opted_out: frozenset[str] = frozenset()

    def takes(self, candidate: "Candidate") -> bool:
        """Return whether an item may be shown to this reviewer."""
        language = candidate.language.partition("-")[0]
        reads = not self.languages or language in {tag.partition("-")[0] for tag in self.languages}
        return reads and candidate.dimension not in self.opted_out


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of an item that may come into a round; of greater ``value`` is more to be learned.

    ``authors`` are reviewers whose words it holds: they are asked only where nobody else may be.
    """

    item_id: str
    content_hash: str
    dimension: str
    language: str
    value: float = 0.0
    authors: frozenset[str] = frozenset()

    @property
    def version(self) -> tuple[str, str]:
        """What tells one version of one item from all others."""
        return (self.item_id, self.content_hash)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a round is drawn.

    ``most`` items come in (all, where it is None), of which the share ``random_share`` is drawn at random
    and the rest by value; each goes to ``overlap`` reviewers. ``rejected`` items are drawn at random of
    what the machine turned down. ``gold`` items with known answers are mixed in for each reviewer.
    """

    overlap: int
    most: int | None = None
    random_share: float = 0.3
    rejected: int = 0
    gold: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The assignments of a round, rows of the table, and items that too few reviewers may see."""

    assignments: list[Row]
    short: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Draw:
    candidate: Candidate
    stratum: Stratum
    probability: float


def plan_round(
    candidates: Sequence[Candidate],
    reviewers: Sequence[Reviewer],
    sampling: Sampling,
    *,
    round_number: int,
    seed: int,
    rejected: Sequence[Candidate] = (),
    gold: Sequence[Candidate] = (),
    stratum: Stratum | None = None,
    earlier: Iterable[Row] = (),
) -> Plan:
    """Return who reviews what in a round.

    ``earlier`` assignments of the round stand, and count towards overlap and load. Of an item's
    eligible reviewers those take it who have the fewest so far, by hash among equals; where too few are
    eligible, `Plan.short` has how many it lacks. ``stratum`` names all candidates' where
    they are not drawn, as in a round of confirmations.
    """
    kept = list(earlier)
    load = Counter(row["reviewer"] for row in kept)
    holders: dict[tuple[str, str], set[str]] = {}
    for row in kept:
        holders.setdefault((row["item_id"], row["content_hash"]), set()).add(row["reviewer"])
    draws = _draw(candidates, sampling, seed, stratum, holders) + _draw_rejected(
        rejected, sampling, seed
    )
    chosen: list[tuple[_Draw, Reviewer]] = []
    short: dict[str, int] = {}
    for draw in sorted(draws, key=lambda d: _hash(seed, "item", *d.candidate.version)):
        held = holders.get(draw.candidate.version, set())
        missing = sampling.overlap - len(held)
        taken = _choose(draw.candidate, reviewers, held, load, missing, seed)
        chosen += [(draw, reviewer) for reviewer in taken]
        load.update(reviewer.name for reviewer in taken)
        if len(taken) < missing:
            short[draw.candidate.item_id] = missing - len(taken)
    chosen += _mix_in_gold(gold, reviewers, sampling, seed, holders)
    return Plan(kept + _make_rows(chosen, kept, round_number, seed), short)


def _draw(
    candidates: Sequence[Candidate],
    sampling: Sampling,
    seed: int,
    stratum: Stratum | None,
    holders: Mapping[tuple[str, str], set[str]],
) -> list[_Draw]:
    """Return which candidates come in, and how: those planned before, a random draw, the rest by value."""
    if stratum is not None or sampling.most is None or len(candidates) <= sampling.most:
        return [_Draw(c, stratum or Stratum.ALL, 1.0) for c in candidates]
    shuffled = sorted(candidates, key=lambda c: _hash(seed, "draw", c.item_id))
    count = min(sampling.most, math.ceil(sampling.random_share * sampling.most))
    drawn, left = shuffled[:count], shuffled[count:]
    left.sort(key=lambda c: (c.version not in holders, -c.value))  # stable: ties by hash
    chance = count / len(candidates)
    by_value = left[: sampling.most - count]
    return [_Draw(c, Stratum.RANDOM, chance) for c in drawn] + [
        _Draw(c, Stratum.VALUE, 1.0) for c in by_value
    ]


def _draw_rejected(rejected: Sequence[Candidate], sampling: Sampling, seed: int) -> list[_Draw]:
    count = min(sampling.rejected, len(rejected))
    drawn = sorted(rejected, key=lambda c: _hash(seed, "rejected", c.item_id))[:count]
    return [_Draw(c, Stratum.REJECTED, count / len(rejected)) for c in drawn]


def _choose(
    candidate: Candidate,
    reviewers: Sequence[Reviewer],
    held: set[str],
    load: Mapping[str, int],
    missing: int,
    seed: int,
) -> list[Reviewer]:
    """Return who takes an item: the least loaded of those who may, by hash among equals, authors last."""
    eligible = [r for r in reviewers if r.name not in held and r.takes(candidate)]
    eligible.sort(
        key=lambda r: (
            r.name in candidate.authors,
            load.get(r.name, 0),
            _hash(seed, candidate.item_id, r.name),
        )
    )
    return eligible[: max(0, missing)]


def _mix_in_gold(
    gold: Sequence[Candidate],
    reviewers: Sequence[Reviewer],
    sampling: Sampling,
    seed: int,
    holders: Mapping[tuple[str, str], set[str]],
) -> list[tuple[_Draw, Reviewer]]:
    mixed = []
    for reviewer in reviewers:
        fitting = [g for g in gold if reviewer.takes(g)]
        fitting.sort(key=lambda g: _hash(seed, "gold", g.item_id, reviewer.name))
        mixed += [
            (_Draw(item, Stratum.GOLD, 1.0), reviewer)
            for item in fitting[: sampling.gold]
            if reviewer.name not in holders.get(item.version, ())
        ]
    return mixed


def _make_rows(
    chosen: Sequence[tuple[_Draw, Reviewer]], kept: Sequence[Row], round_number: int, seed: int
) -> list[Row]:
    """Return the rows of new assignments; each reviewer's are shuffled, after those of before."""
    last = Counter[str]()
    for row in kept:
        last[row["reviewer"]] = max(last[row["reviewer"]], row["position"])
    rows = []
    for draw, reviewer in sorted(
        chosen, key=lambda pair: _hash(seed, "order", pair[0].candidate.item_id, pair[1].name)
    ):
        last[reviewer.name] += 1
        item_id = draw.candidate.item_id
        is_first = is_positive_shown_first(item_id, reviewer.name, seed)
        order = ShownOrder.POSITIVE_FIRST if is_first else ShownOrder.NEGATIVE_FIRST
        rows.append(
            {
                "item_id": item_id,
                "content_hash": draw.candidate.content_hash,
                "round": round_number,
                "reviewer": reviewer.name,
                "position": last[reviewer.name],
                "shown_order": str(order),
                "stratum": str(draw.stratum),
                "probability": draw.probability,
            }
        )
    return rows


def is_positive_shown_first(item_id: str, reviewer: str, seed: int) -> bool:
    """Tell whether a reviewer sees an item's positive option as A: a fair coin, tossed by hash."""
    return _hash(seed, "side", item_id, reviewer) % 2 == 0


def _hash(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
