"""One round of asking for questions: batches go out; what is read, judged and new comes into the harvest."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.checks.rules.item import find_text_breaches
from builder.llm.asking_again import Repeater
from builder.question_checks import find_copies, find_word_fault, make_judge_call, read_judge
from builder.question_plan import Batch
from builder.question_reading import Found, read_questions
from builder.stage_records import make_rejection
from builder.workspace import Stage, Workspace
from schemas.labels import Origin, Polarity
from schemas.storage import Row
from schemas.texts import allocate_item_id, find_forbidden_characters, normalise_for_comparison

__all__ = ["Harvest", "Round"]

# What no question may hold; all else that rules see is told in stage 3.
_NEVER = ("minors:",)
_LIKELY_QUESTION = "x" * 180


@dataclass(slots=True)
class Harvest:
    """What the batches have brought so far; ``asked`` counts the questions asked for by slot.

    ``dry`` are the slots of which a round brought little but copies of what there is; ``new`` counts
    the questions of this run that count.
    """

    kept: dict[str, Row]
    rejected: list[Row]
    asked: dict[tuple[str, str, str], int]
    failures: list[str] = field(default_factory=list)
    dry: list[str] = field(default_factory=list)
    new: int = 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A question that was read: its row, the call and place that it came from, and its faults."""

    row: Row
    call: Call
    number: int
    faults: list[str]


@dataclass(slots=True)
class Round:
    """One round of calls: each batch's questions, and the judging of each question that can be read."""

    workspace: Workspace
    judge: Endpoint
    repeater: Repeater
    batches: dict[str, Batch] = field(default_factory=dict)
    words: Repeater = field(init=False)

    def __post_init__(self) -> None:
        self.words = Repeater(find_word_fault, self.repeater.most)

    def start(self, calls: Iterable[tuple[Batch, Call]]) -> list[Call]:
        """Take up the round's calls and return them."""
        for batch, call in calls:
            self.batches[call.key] = batch
            self.repeater.watch([call])
        return [call for _, call in calls]

    def follow_up(self, reply: Reply) -> list[Call]:
        """Return the call that asks again for what cannot be read, or those that have it judged."""
        batch = self.batches.get(reply.key)
        if batch is None:
            return self.words.follow_up(reply)
        again = self.repeater.follow_up(reply)
        for call in again:
            self.batches[call.key] = batch
        if again:
            return again
        call = self.repeater.find_call(reply.key)
        return self.words.watch(
            self.make_judge_call(batch, candidate.row["question"])
            for candidate in _read_candidates(batch, call, reply)
            if not candidate.faults
        )

    def expect(self, call: Call) -> list[Call]:
        """Return as many judgings as a call asks for questions."""
        batch = self.batches.get(call.key)
        if batch is None:
            return []
        count = batch.size * (2 if batch.twins else 1)
        texts = (f"{_LIKELY_QUESTION}{number}" for number in range(count))
        return [self.make_judge_call(batch, text) for text in texts]

    def make_judge_call(self, batch: Batch, question: str) -> Call:
        """Return the call that has one question judged."""
        return make_judge_call(self.judge, batch.slot, question)

    def take_in(
        self,
        harvest: Harvest,
        calls: Sequence[tuple[Batch, Call]],
        replies: Mapping[str, Reply],
        have: Sequence[Row],
    ) -> bool:
        """Keep the questions that count; return whether another round is worth asking.

        ``have`` are the questions that counted before this round.
        """
        found = [
            candidate
            for batch, call in calls
            for candidate in self._read_batch(harvest, batch, call, replies)
        ]
        sound = [candidate for candidate in found if not candidate.faults]
        cutoff = self.workspace.config.checks.near_duplicate_ratio
        copies = find_copies([*have, *(c.row for c in sound)], len(have), cutoff)
        for place, candidate in enumerate(sound, start=len(have)):
            if place in copies:
                candidate.faults.append(copies[place])
            elif candidate.row["item_id"] in harvest.kept:
                candidate.faults.append("asked for before")
        _reject_halves(found)
        new: Counter[tuple[str, str, str]] = Counter()
        for row in (candidate.row for candidate in found if not candidate.faults):
            harvest.kept[row["item_id"]] = row
            new[_name_slot(row)] += 1
        harvest.rejected += [_reject(candidate) for candidate in found if candidate.faults]
        harvest.new += sum(new.values())
        repeated = Counter(_name_slot(sound[place - len(have)].row) for place in copies)
        self._note_dry_slots(harvest, [batch for batch, _ in calls], repeated)
        return bool(new) and not harvest.failures

    def _read_batch(
        self, harvest: Harvest, batch: Batch, call: Call, replies: Mapping[str, Reply]
    ) -> Iterator[_Candidate]:
        last, reply = self.repeater.find_last(call, replies)
        if reply.may_come_later:
            harvest.failures.append(reply.error)
            return
        for candidate in _read_candidates(batch, last, reply):
            if not candidate.faults:
                asked = self.make_judge_call(batch, candidate.row["question"])
                _, word = self.words.find_last(asked, replies)
                if word.may_come_later:
                    harvest.failures.append(word.error)
                    continue
                candidate.faults.extend(filter(None, [read_judge(word)]))
            yield candidate

    def _note_dry_slots(
        self,
        harvest: Harvest,
        batches: Sequence[Batch],
        repeated: Mapping[tuple[str, str, str], int],
    ) -> None:
        """Note the slots for which so many copies came that asking on is of no use.

        What a judge rejects, or a call that fails, is no sign of dryness: it may go otherwise next time.
        """
        asked: Counter[tuple[str, str, str]] = Counter()
        for batch in batches:
            asked[batch.slot.key] += batch.size
        most = 1 - self.workspace.config.generate.novelty
        harvest.dry = [
            " / ".join(slot)
            for slot, count in asked.items()
            if repeated.get(slot, 0) > most * count
        ]


def _name_slot(row: Row) -> tuple[str, str, str]:
    return (row["dimension"], row["polarity"], row["language"])


def _reject(candidate: _Candidate) -> Row:
    # The id of a question belongs to the one that is kept; a rejected one is named by its call.
    row = candidate.row
    item_id = allocate_item_id(row["dimension"], candidate.call.key, str(candidate.number))
    return make_rejection(row | {"item_id": item_id}, Stage.QUESTIONS, candidate.faults)


def _read_candidates(batch: Batch, call: Call, reply: Reply) -> list[_Candidate]:
    """Return the questions of a reply, of twins both, with what is wrong with them unasked."""
    candidates = []
    for number, found in enumerate(read_questions(reply)):
        sides = [(batch.slot.polarity, found.question, found.twin)]
        if batch.twins:
            sides.append((Polarity.REFRAIN, found.twin, found.question))
        for polarity, question, other in sides:
            row = _make_row(batch, call, found, number)
            row |= {"question": question, "polarity": str(polarity)}
            row["item_id"] = allocate_item_id(row["dimension"], question)
            row["twin"] = allocate_item_id(row["dimension"], other) if batch.twins else ""
            faults = _find_faults(row, found, batch, number)
            candidates.append(
                _Candidate(row, call, 2 * number + (polarity is Polarity.REFRAIN), faults)
            )
    return candidates


def _reject_halves(candidates: Sequence[_Candidate]) -> None:
    """Let no question stand whose twin does not: the options of the two balance each other."""
    stand = {candidate.row["item_id"] for candidate in candidates if not candidate.faults}
    for candidate in candidates:
        if not candidate.faults and candidate.row["twin"] and candidate.row["twin"] not in stand:
            candidate.faults.append("its twin was rejected")


def _make_row(batch: Batch, call: Call, found: Found, number: int) -> Row:
    """Return what a question's row has whichever of twins it is."""
    dimension = batch.slot.dimension.id
    line = found.line - 1 if 0 < found.line <= batch.size else number
    return {
        "dimension": dimension,
        "language": batch.slot.language,
        "family": _name_family(dimension, found),
        "cell": batch.cells[line] if line < batch.size else "",
        "origin": str(Origin.GENERATED),
        "question_source": call.endpoint.name,
        "question_prompt": call.prompt,
        "question_call": call.key,
        "source_id": "",
        "source_record": "",
    }


def _name_family(dimension: str, found: Found) -> str:
    """Return the family of a question: those of one dimension that share a situation are one."""
    return f"{dimension}/{normalise_for_comparison(found.situation or found.question)}"


def _find_faults(row: Row, found: Found, batch: Batch, number: int) -> list[str]:
    """Return what is wrong with a question without asking anybody."""
    if found.fault:
        return [found.fault]
    if number >= batch.size:
        return [f"more than the {batch.size} questions asked for"]
    if not row["question"]:
        return ["the question is blank"]
    if find_forbidden_characters(row["question"] + row["family"]):
        return ["the question holds control characters"]
    breaches = find_text_breaches(row["question"], "question", row["language"], _NEVER)
    return [f"{breach.rule} ({breach.evidence})" for breach in breaches]
