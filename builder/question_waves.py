"""One wave of asking for questions: batches go out side by side; candidates come back, read and judged."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.llm.asking_again import Repeater
from builder.question_candidates import Candidate, mark_repeats, read_candidates, reject_halves
from builder.question_checks import UNREADABLE, Known, find_word_fault, make_judge_call, read_judge
from builder.question_plan import Batch, SlotKey
from builder.question_reading import find_format_fault

__all__ = ["Brought", "Wave"]

_LIKELY_QUESTION = "x" * 180

MakeCall = Callable[[Batch], Call]
"""Makes the call that asks for a batch."""


@dataclass(slots=True)
class Brought:
    """What a wave brought: its batches with their candidates, and the errors of calls that failed, by slot.

    A failed call may come another time; what it was to bring is no candidate.
    """

    batches: list[tuple[Batch, list[Candidate]]] = field(default_factory=list)
    failures: dict[SlotKey, list[str]] = field(default_factory=dict)

    @property
    def candidates(self) -> list[Candidate]:
        """All candidates, in the order in which they were asked for, whenever they came."""
        return [candidate for _, candidates in self.batches for candidate in candidates]


@dataclass(slots=True)
class Wave:
    """The calls of one wave: each batch's questions, and the judging of each that is worth it.

    ``known`` are the questions that counted when the wave began. What repeats one of them, or an earlier
    one of its own reply, is not judged. That depends on the reply alone and on no other of the wave.
    ``later`` are batches that will follow where all that is asked for comes.
    """

    judge: Endpoint
    known: Known
    make_call: MakeCall
    repeats: int
    later: Sequence[Batch] = ()
    asked: list[tuple[Batch, Call]] = field(default_factory=list, init=False)
    batches: dict[str, Batch] = field(default_factory=dict, init=False)
    repeater: Repeater = field(init=False)
    words: Repeater = field(init=False)
    _is_told: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.repeater = Repeater(find_format_fault, self.repeats)
        self.words = Repeater(find_word_fault, self.repeats)

    def start(self, batches: Iterable[Batch]) -> list[Call]:
        """Take up the wave's batches and return the calls that ask for them."""
        self.asked = [(batch, self.make_call(batch)) for batch in batches]
        self.batches = {call.key: batch for batch, call in self.asked}
        return self.repeater.watch(call for _, call in self.asked)

    def follow_up(self, reply: Reply) -> list[Call]:
        """Return the call that asks again for what cannot be read, or those that have it judged."""
        batch = self.batches.get(reply.key)
        if batch is None:
            return self.words.follow_up(reply)
        again = self.repeater.follow_up(reply)
        for call in again:
            self.batches[call.key] = batch
        if again or reply.may_come_later:
            return again
        return self.words.watch(
            self._make_judge_call(candidate)
            for candidate in self._read(batch, reply)
            if not candidate.faults
        )

    def expect(self, call: Call) -> list[Call]:
        """Return as many judgings as a call asks for questions; of the first, all later waves' calls too."""
        following = self._expect_judging(self.batches.get(call.key))
        if not self._is_told:
            self._is_told = True
            for batch in self.later:
                following += [self.make_call(batch), *self._expect_judging(batch)]
        return following

    def read_replies(self, replies: Mapping[str, Reply]) -> Brought:
        """Return what the wave brought; repeats among its replies are told in the order of asking."""
        brought = Brought()
        for batch, call in self.asked:
            _, reply = self.repeater.find_last(call, replies)
            if reply.may_come_later:
                brought.failures.setdefault(batch.slot.key, []).append(reply.error)
                continue
            candidates = list(self._judge(batch, self._read(batch, reply), replies, brought))
            brought.batches.append((batch, candidates))
        mark_repeats(brought.candidates, self.known)
        for _, candidates in brought.batches:
            reject_halves(candidates)
        return brought

    def _read(self, batch: Batch, reply: Reply) -> list[Candidate]:
        candidates = read_candidates(batch, self.repeater.find_call(reply.key), reply)
        mark_repeats(candidates, self.known)
        reject_halves(candidates)
        return candidates

    def _judge(
        self,
        batch: Batch,
        candidates: Iterable[Candidate],
        replies: Mapping[str, Reply],
        brought: Brought,
    ) -> Iterator[Candidate]:
        for candidate in candidates:
            if not candidate.faults:
                _, word = self.words.find_last(self._make_judge_call(candidate), replies)
                if word.may_come_later:
                    brought.failures.setdefault(batch.slot.key, []).append(word.error)
                    continue
                fault = read_judge(word)
                candidate.is_judged, candidate.is_mumbled = True, fault.endswith(UNREADABLE)
                candidate.faults.extend(filter(None, [fault]))
            yield candidate

    def _make_judge_call(self, candidate: Candidate) -> Call:
        return make_judge_call(self.judge, candidate.slot, candidate.row["question"])

    def _expect_judging(self, batch: Batch | None) -> list[Call]:
        if batch is None:
            return []
        return [
            make_judge_call(self.judge, slot, f"{_LIKELY_QUESTION}{batch.offset + number}")
            for number in range(batch.size)
            for slot in batch.sides
        ]
