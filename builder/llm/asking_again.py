"""Asking again for what could not be read: a reply with a fault enters; a call that shows it leaves.

Models err in the form they were asked for. Shown the fault, most get it right; one that does not is
asked so many times and no more, and its last reply is recorded with its fault, as any other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from builder.bundle.engine.calls import Call, Reply
from builder.bundle.engine.labels import Outcome
from builder.prompts import load_prompt

__all__ = ["Repeater", "ask_again"]

FindFault = Callable[[Reply], str]
"""Returns what is wrong with an answer in one sentence, or an empty text."""


def ask_again(call: Call, reply: Reply, fault: str) -> Call:
    """Return the call that shows a model its own reply and the fault, in the same conversation."""
    told = (("assistant", reply.text), ("user", load_prompt("again").render(fault=fault)))
    return replace(call, messages=(*call.messages, *told))


@dataclass(slots=True)
class Repeater:
    """Asks calls again, at most ``most`` times each, while ``find_fault`` finds one in the answer.

    What the model is shown is its own reply and the fault, in the same conversation, so that the new
    call has a key of its own and a run that was killed finds it in the journal.
    """

    find_fault: FindFault
    most: int
    _calls: dict[str, Call] = field(default_factory=dict)
    _repeats: dict[str, int] = field(default_factory=dict)
    _next: dict[str, str] = field(default_factory=dict)

    def watch(self, calls: Iterable[Call]) -> list[Call]:
        """Take up calls whose answers are to be looked at, and return them."""
        watched = list(calls)
        for call in watched:
            self._calls[call.key] = call
            self._repeats.setdefault(call.key, 0)
        return watched

    def follow_up(self, reply: Reply) -> list[Call]:
        """Return the call that asks again, where the reply is to a call of ours and has a fault."""
        call = self._calls.get(reply.key)
        if call is None or reply.outcome is not Outcome.ANSWERED:
            return []
        repeats = self._repeats[reply.key]
        fault = self.find_fault(reply) if repeats < self.most else ""
        if not fault:
            return []
        again = ask_again(call, reply, fault)
        self._calls[again.key] = again
        self._repeats[again.key] = repeats + 1
        self._next[reply.key] = again.key
        return [again]

    def find_call(self, key: str) -> Call:
        """Return the watched call, or one that asked again, by its key."""
        return self._calls[key]

    def find_last(self, call: Call, replies: Mapping[str, Reply]) -> tuple[Call, Reply]:
        """Return the last call that ``call`` led to, and its reply."""
        key = call.key
        while key in self._next:
            key = self._next[key]
        return self._calls.get(key, call), replies[key]
