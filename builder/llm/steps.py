"""Flows of calls written as generators: a flow enters, which yields calls and is sent replies; calls leave.

Where calls depend on the replies before them, a flow reads from top to bottom; many flows run side by
side, each at its own pace, and a reply that answers several of them is asked for once.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from builder.bundle.engine.calls import Call, Reply

__all__ = ["Flow", "Flows", "Steps"]

_T = TypeVar("_T")
Steps = Generator[tuple[Call, ...], tuple[Reply, ...], _T]
"""Yields calls that may be asked side by side, is sent their replies, returns what came of them."""


@dataclass(slots=True, eq=False)
class Flow:
    """One flow on its way. ``failure`` is the error of a call that may succeed another time."""

    steps: Steps[None]
    failure: str = ""
    is_over: bool = False
    _asked: tuple[Call, ...] = ()
    _replies: dict[str, Reply] = field(default_factory=dict)

    def start(self) -> tuple[Call, ...]:
        """Return the first calls; none where there is nothing to ask."""
        return self._advance(lambda: next(self.steps))

    def take(self, reply: Reply) -> tuple[Call, ...]:
        """Return the next calls, once the replies to all of the last ones are there; else none.

        A reply that may come later ends the flow: what would follow cannot be known.
        """
        if self.is_over:
            return ()
        if reply.may_come_later:
            self.failure = reply.error or str(reply.outcome)
            self.is_over = True
            self.steps.close()
            return ()
        self._replies[reply.key] = reply
        keys = [call.key for call in self._asked]
        if not self._replies.keys() >= set(keys):
            return ()
        replies = tuple(self._replies[key] for key in keys)
        return self._advance(lambda: self.steps.send(replies))

    def _advance(self, step: Callable[[], tuple[Call, ...]]) -> tuple[Call, ...]:
        self._replies = {}
        try:
            self._asked = step()
        except StopIteration:
            self.is_over, self._asked = True, ()
        return self._asked


class Flows:
    """All flows of a stage: each reply goes to the flows that wait for it.

    Of each group, told by ``find_group``, the first ``pilot`` flows go ahead; the others start with the
    first success among them, told by ``is_success``. Where all of a group's pilot end without one, nothing
    more of it is asked: whatever is wrong, such as a judge that says the same of everything, would be paid
    for a thousand times. Flows of the group "" all go ahead, and say nothing of others.
    """

    def __init__(
        self,
        flows: Sequence[Flow],
        *,
        pilot: int | None = None,
        is_success: Callable[[Flow], bool] = lambda _: True,
        find_group: Callable[[Flow], str] = lambda _: "all",
    ) -> None:
        self._ahead: list[Flow] = []
        self._waiting: dict[str, list[Flow]] = {}
        counted: Counter[str] = Counter()
        for flow in flows:
            group = find_group(flow)
            counted[group] += 1
            if pilot is None or not group or counted[group] <= pilot:
                self._ahead.append(flow)
            else:
                self._waiting.setdefault(group, []).append(flow)
        self._is_success = is_success
        self._find_group = find_group
        self._owners: dict[str, list[Flow]] = {}
        self._replies: dict[str, Reply] = {}

    @property
    def waiting(self) -> Sequence[Flow]:
        """The flows that are not begun."""
        return [flow for flows in self._waiting.values() for flow in flows]

    def start(self) -> list[Call]:
        """Return the first calls."""
        calls = self._begin(self._ahead)
        # What needs no call may be a success at once.
        return calls + [call for flow in self._ahead for call in self._release(flow)]

    def follow_up(self, reply: Reply) -> list[Call]:
        """Return the calls that a reply makes necessary."""
        self._replies[reply.key] = reply
        owners = self._owners.pop(reply.key, [])
        calls = [call for flow in owners for call in self._own(flow, flow.take(reply))]
        return calls + [call for flow in owners for call in self._release(flow)]

    def _release(self, flow: Flow) -> list[Call]:
        """Begin what waits for a flow's success."""
        if self._waiting and flow.is_over and self._is_success(flow):
            return self._begin(self._waiting.pop(self._find_group(flow), []))
        return []

    def _begin(self, flows: Iterable[Flow]) -> list[Call]:
        return [call for flow in flows for call in self._own(flow, flow.start())]

    def _own(self, flow: Flow, calls: Iterable[Call]) -> list[Call]:
        """Note whose calls these are; one that was answered before, as on an earlier rung, is not made."""
        owned = []
        queue = list(calls)
        for call in queue:  # grows while it is read
            known = self._replies.get(call.key)
            if known is None:
                self._owners.setdefault(call.key, []).append(flow)
                owned.append(call)
            else:
                queue += flow.take(known)
        return owned
