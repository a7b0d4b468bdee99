"""What asking for questions has brought so far: earlier rows and waves enter; what to ask next leaves.

A slot rests for the remainder of a run once asking on is of no use: it is dry, wave after wave brings it
nothing that counts, or its calls fail.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builder.question_candidates import Candidate, reject
from builder.question_plan import Batch, Past, SlotKey
from builder.question_waves import Brought
from schemas.storage import Row

__all__ = ["Harvest", "find_key"]

# Of fewer questions no share of copies says anything: they are counted together with the next wave's.
_FEWEST_TO_TELL = 3
# One more than a cell is tried, so that a last cell that nobody can write is passed over first. Where
# questions come and are rejected, so many of them: the last one of a quota is asked for by itself, and of
# a judge who passes every other one three in a row are rejected soon.
_MOST_VAIN_WAVES, _MOST_VAIN_QUESTIONS = 4, 10


@dataclass(slots=True)
class _Tally:
    """What the latest waves brought one slot.

    ``vain`` counts the waves running that brought nothing that counts, ``came`` the questions in them.
    """

    new: int = 0
    copies: int = 0
    vain: int = 0
    came: int = 0

    @property
    def is_vain(self) -> bool:
        """Whether wave after wave brought nothing that counts."""
        return self.vain >= _MOST_VAIN_WAVES and not 0 < self.came < _MOST_VAIN_QUESTIONS

    def is_dry(self, novelty: float) -> bool:
        """Tell whether too few of what was sound were new, and begin to count anew where that can be told."""
        seen = self.new + self.copies
        if seen < _FEWEST_TO_TELL:
            return False
        dry = self.new < novelty * seen
        self.new = self.copies = 0
        return dry


@dataclass(slots=True)
class Harvest:
    """Questions kept and rejected, of all runs; ``asked`` counts by slot those asked for earlier.

    ``tried`` counts by slot the cells that were asked for; ``account`` the questions asked for and come,
    of all runs. ``lost`` are ids of kept questions that are to be replaced: they count as tried in vain.
    ``dry`` are slots that brought little but copies. ``came`` counts the candidates of this run, ``new``
    those of them that were kept.
    """

    kept: dict[str, Row] = field(default_factory=dict)
    rejected: list[Row] = field(default_factory=list)
    asked: Counter[SlotKey] = field(default_factory=Counter)
    tried: dict[SlotKey, Counter[str]] = field(default_factory=dict)
    account: dict[SlotKey, Counter[str]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    dry: set[SlotKey] = field(default_factory=set)
    failures: dict[SlotKey, list[str]] = field(default_factory=dict)
    came: int = 0
    new: int = 0
    _tallies: dict[SlotKey, _Tally] = field(default_factory=dict)

    def count_earlier(self, row: Row) -> None:
        """Count a question of an earlier run, kept or rejected, as asked for."""
        key = find_key(row)
        self.asked[key] += 1
        self.tried.setdefault(key, Counter())[row.get("cell", "")] += 1

    def find_past(self, key: SlotKey) -> Past:
        """Return what became of a slot so far."""
        kept = Counter(
            row["cell"]
            for item_id, row in self.kept.items()
            if find_key(row) == key and item_id not in self.lost
        )
        return Past(self.asked[key], self.tried.get(key, Counter()), kept)

    def rests(self, key: SlotKey) -> bool:
        """Tell whether a slot is not to be asked again in this run."""
        tally = self._tallies.get(key)
        is_vain = tally is not None and tally.is_vain
        return is_vain or key in self.dry or key in self.failures

    def take_in(self, batches: Iterable[Batch], brought: Brought, novelty: float) -> None:
        """Keep the questions of a wave that count, reject the others, and note which slots rest."""
        for batch in batches:
            self.asked[batch.slot.key] += batch.size
            for slot in batch.sides:
                self.account.setdefault(slot.key, Counter())["asked"] += batch.size
        for batch, _ in brought.batches:
            self.tried.setdefault(batch.slot.key, Counter()).update(batch.cells)
        for candidate in brought.candidates:
            self.came += 1
            counts = self.account.setdefault(candidate.slot.key, Counter())
            counts["came"] += candidate.is_question
            if candidate.faults:
                self.rejected.append(reject(candidate))
            else:
                self.kept[candidate.row["item_id"]] = candidate.row
                self.new += 1
        for key, errors in brought.failures.items():
            self.failures.setdefault(key, []).extend(errors)
        self._note_dry_slots(brought, novelty)

    def _note_dry_slots(self, brought: Brought, novelty: float) -> None:
        """Note the slots of which so many copies came that asking on is of no use.

        What a judge rejects, or what never comes, is no sign of dryness: it may go otherwise next time.
        """
        found: dict[SlotKey, list[Candidate]] = {}
        for batch, candidates in brought.batches:
            found.setdefault(batch.slot.key, []).extend(candidates)
        for key, candidates in found.items():
            tally = self._tallies.setdefault(key, _Tally())
            new = sum(not candidate.faults for candidate in candidates)
            tally.new += new
            tally.copies += sum(candidate.is_repeat for candidate in candidates)
            tally.vain = 0 if new else tally.vain + 1
            came = sum(candidate.is_question for candidate in candidates)
            tally.came = 0 if new else tally.came + came
            if tally.is_dry(novelty):
                self.dry.add(key)

    def count_slots(self) -> Mapping[SlotKey, Mapping[str, int]]:
        """Return by slot how many questions were asked for, came, were kept and were rejected."""
        counts = {key: Counter(account) for key, account in self.account.items()}
        rejected = (json.loads(rejection["row"]) for rejection in self.rejected)
        for name, rows in (("kept", self.kept.values()), ("rejected", rejected)):
            for row in rows:
                counts.setdefault(find_key(row), Counter())[name] += 1
        names = ("asked", "came", "kept", "rejected")
        return {key: {name: counts[key][name] for name in names} for key in sorted(counts)}


def find_key(row: Row) -> SlotKey:
    """Return the slot that a question stands in."""
    return (row["dimension"], row["polarity"], row["language"])
