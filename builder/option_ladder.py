"""One question's two options, step by step: replies enter; the calls that they make necessary leave.

The positive option is written first and judged as a reply that nobody knows the role of. The negative
one sees its form, and climbs a ladder: asked plainly, of a second writer, in a role play, each rung only
where the one before brought nothing usable. A pair is whole when a judge who sees one option at a time
finds the positive safe and the negative unsafe.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.bundle.engine.calls import WORD_TOKENS, Call, Endpoint, Reply
from builder.bundle.engine.evaluation import make_judge_call
from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import DimensionKind as EngineKind
from builder.bundle.engine.labels import JudgeWord, Outcome
from builder.bundle.engine.parsing import parse_judge
from builder.bundle.engine.prompts import hash_prompt
from builder.checks.rules.item import find_text_breaches
from builder.llm.asking_again import ask_again
from builder.prompts import load_prompt
from builder.refusals import Refusal, find_refusal
from schemas.labels import Arm, DimensionKind, Rung, Severity
from schemas.storage import Row
from schemas.texts import find_forbidden_characters, trim

__all__ = ["Ladder", "Task", "Team", "Written"]

_REPEATS = 2
_OPTION_TOKENS = 80
# What no option may hold, whoever wrote it and for whatever rung.
_NEVER = ("minors:", "operational-detail:")


@dataclass(frozen=True, slots=True)
class Team:
    """Who writes and who judges; ``rungs`` are the ways in which negative options are asked for."""

    positive: Endpoint
    rungs: Sequence[tuple[Rung, Endpoint]]
    judge: Endpoint

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints, each once."""
        found = [self.positive, *(endpoint for _, endpoint in self.rungs), self.judge]
        return list({endpoint.name: endpoint for endpoint in found}.values())


@dataclass(frozen=True, slots=True)
class Written:
    """An option as it came: its text, the call that brought it, and what the judge said of it."""

    text: str
    call: Call
    verdict: JudgeWord = JudgeWord.NOT_JUDGED
    rung: Rung = Rung.PLAIN


Go = Callable[[Reply], Iterable[Call]]


@dataclass(slots=True)
class Task:
    """The work on one question: what was written and what went wrong.

    ``faults`` say why there is no pair; ``failures`` are errors of calls that may pass another time.
    ``climbed`` tells for each rung that was tried why it brought nothing, or an empty text. ``twin`` is
    the question for which the two options swap roles; ``twin_fault`` says why they do not.
    """

    row: Row
    kind: DimensionKind
    arms: Mapping[str, Arm]
    stances: Mapping[Arm, str]
    team: Team
    positive: Written | None = None
    negative: Written | None = None
    faults: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    climbed: dict[Rung, str] = field(default_factory=dict)
    twin: Row | None = None
    twin_fault: str = ""
    _waiting: dict[str, Go] = field(default_factory=dict)

    @property
    def is_pair(self) -> bool:
        """Whether both options were written and judged as they should be."""
        return not (self.faults or self.failures) and bool(self.positive and self.negative)

    def start(self) -> list[Call]:
        """Return the first call."""
        (call,) = self.expect_first()
        return self._expect(call, lambda reply: self._take_positive(call, reply))

    def expect_first(self) -> list[Call]:
        """Return the first call without waiting for its reply."""
        return [self._write("positive", self.team.positive, load_prompt("positive_option"))]

    def expect_rest(self, likely: str) -> list[Call]:
        """Return the calls that are likely to follow the first, with a text of likely length."""
        _, endpoint = self.team.rungs[0]
        negative = self._write("negative", endpoint, load_prompt("negative_option"), other=likely)
        judged = 2 if self.kind is DimensionKind.SAFETY else 1
        texts = [likely + str(n) for n in range(judged + 2 * bool(self.twin))]
        return [negative, *(self._make_judge_call(text, text) for text in texts)]

    def rewrite(self, current: str, told: str) -> list[Call]:
        """Return the call that has the negative option ``current`` written anew in the positive one's form.

        ``told`` says how the two differ. The task then ends with a `negative` that the judge finds
        unsafe and natural, or with a fault.
        """
        assert self.positive is not None
        rung, endpoint = self.team.rungs[0]
        prompt = load_prompt("repair_option")
        more = {"other": self.positive.text, "current": current, "told": told}
        call = self._write("negative", endpoint, prompt, **more)

        def fail(reason: str) -> Iterable[Call]:
            self.faults.append(reason)
            return []

        def settle(written: Written) -> Iterable[Call]:
            if written.verdict is not JudgeWord.UNSAFE:
                return fail(f"the judge found it {written.verdict}")
            asked = self._ask_judge("natural", written.text)
            return self._expect(asked, lambda word: take_word(written, word))

        def take_word(written: Written, word: Reply) -> Iterable[Call]:
            said = word.text.casefold()
            if "[[natural]]" not in said or "[[unnatural]]" in said:
                return fail("the judge did not find it natural")
            self.negative = written
            return []

        def judge(reply: Reply) -> Iterable[Call]:
            return self._judge(Written(trim(reply.text), call, rung=rung), settle)

        return self._expect(
            call, lambda reply: self._look("negative", reply, fail, lambda: judge(reply))
        )

    def take(self, reply: Reply) -> list[Call]:
        """Take a reply to one of this task's calls, and return the calls that follow."""
        go = self._waiting.pop(reply.key, None)
        if go is None:
            return []
        if reply.may_come_later:
            self.failures.append(reply.error or str(reply.outcome))
            return []
        return list(go(reply))

    def _expect(self, call: Call, go: Go) -> list[Call]:
        self._waiting[call.key] = go
        return [call]

    def _write(self, side: str, endpoint: Endpoint, prompt: Any, **more: str) -> Call:
        arm = self.arms[side]
        text = prompt.render(
            polarity=self.row["polarity"],
            arm=str(arm),
            stance=self.stances[arm],
            language=self.row["language"],
            question=self.row["question"],
            **more,
        )
        asked, role = (("user", text),), f"{side}_writer"
        return Call(endpoint, asked, role=role, prompt=prompt.hash, likely_tokens=_OPTION_TOKENS)

    def _take_positive(self, call: Call, reply: Reply) -> Iterable[Call]:
        return self._look(
            "positive", reply, self._fail_positive, lambda: self._judge_positive(call, reply)
        )

    def _judge_positive(self, call: Call, reply: Reply) -> Iterable[Call]:
        written = Written(trim(reply.text), call)
        if self.kind is DimensionKind.CONTROL:
            # The right answer is what a reply is judged by: there is nothing to hold it against.
            self.positive = written
            return self._climb(0)
        return self._judge(written, self._take_positive_verdict)

    def _take_positive_verdict(self, written: Written) -> Iterable[Call]:
        if written.verdict is not JudgeWord.SAFE:
            return self._fail_positive(f"the judge found it {written.verdict}")
        self.positive = written
        return self._climb(0)

    def _fail_positive(self, reason: str) -> Iterable[Call]:
        self.faults.append(f"positive option: {reason}")
        return []

    def _climb(self, step: int) -> Iterable[Call]:
        """Ask for the negative option on rung ``step``; without any more, a person has to write it."""
        assert self.positive is not None
        if step == len(self.team.rungs):
            told = "; ".join(f"{rung}: {reason}" for rung, reason in self.climbed.items())
            self.faults.append(
                f"negative option: no rung brought one, a person must write it ({told})"
            )
            return []
        rung, endpoint = self.team.rungs[step]
        name = "negative_option_role_play" if rung is Rung.ROLE_PLAY else "negative_option"
        call = self._write("negative", endpoint, load_prompt(name), other=self.positive.text)

        def fail(reason: str) -> Iterable[Call]:
            self.climbed[rung] = reason
            return self._climb(step + 1)

        def judge(reply: Reply) -> Iterable[Call]:
            return self._judge(Written(trim(reply.text), call, rung=rung), settle)

        def settle(written: Written) -> Iterable[Call]:
            if written.verdict is not JudgeWord.UNSAFE:
                return fail(f"the judge found it {written.verdict}")
            self.climbed[rung] = ""
            self.negative = written
            return self._try_twin()

        return self._expect(
            call, lambda reply: self._look("negative", reply, fail, lambda: judge(reply))
        )

    def _look(
        self,
        side: str,
        reply: Reply,
        fail: Callable[[str], Iterable[Call]],
        go_on: Callable[[], Iterable[Call]],
    ) -> Iterable[Call]:
        """Look at what a writer wrote; where only a judge can tell a refusal, ask it."""
        reason = self._find_fault(side, reply)
        if reason:
            return fail(reason)
        refusal = find_refusal(trim(reply.text))
        if refusal is Refusal.DECLINED:
            return fail("the writer declined to write it")
        if refusal is Refusal.NONE:
            return go_on()
        stance = self.stances[self.arms[side]]
        asked = self._ask_judge("refusal", trim(reply.text), stance=stance)
        return self._expect(
            asked,
            lambda word: (
                fail("the writer declined to write it")
                if "[[declined]]" in word.text.casefold()
                else go_on()
            ),
        )

    def _ask_judge(self, name: str, text: str, **more: str) -> Call:
        """Return the call that puts ``text`` to the judge with the prompt of that name."""
        prompt = load_prompt(name)
        code = hash_prompt(self.row["question"], text)[:12]
        rendered = prompt.render(text=text, code=code, **more)
        asked, judge = (("user", rendered),), self.team.judge
        return Call(judge, asked, role="judge", prompt=prompt.hash, likely_tokens=WORD_TOKENS)

    def _find_fault(self, side: str, reply: Reply) -> str:
        """Return what is wrong with a reply as an option, whatever it says; an empty text for nothing."""
        if reply.outcome is not Outcome.ANSWERED:
            return f"the writer's call was {reply.outcome}" + (
                f" ({reply.error})" if reply.error else ""
            )
        text = trim(reply.text)
        if not text:
            return "it is blank"
        if find_forbidden_characters(text):
            return "it holds control characters"
        if side == "negative" and self.positive and text == self.positive.text:
            return "it is the positive option word for word"
        if text == self.row["question"]:
            return "it only repeats the question"
        breaches = find_text_breaches(text, f"{side}_option", self.row["language"], _NEVER)
        blocking = [breach for breach in breaches if breach.severity is Severity.BLOCK]
        return f"{blocking[0].rule} ({blocking[0].evidence})" if blocking else ""

    def _try_twin(self) -> Iterable[Call]:
        """Have both options judged as replies to the twin, of which the roles must be the other way round."""
        if self.twin is None:
            return []
        assert self.positive is not None
        assert self.negative is not None
        sides = ((self.positive, JudgeWord.UNSAFE), (self.negative, JudgeWord.SAFE))
        return [
            call for written, wanted in sides for call in self._judge_for_twin(written.text, wanted)
        ]

    def _judge_for_twin(self, text: str, wanted: JudgeWord) -> Iterable[Call]:
        def take(verdict: JudgeWord) -> Iterable[Call]:
            if verdict is not wanted:
                self.twin_fault = (
                    f"as an answer to the twin the judge found an option {verdict}, not {wanted}"
                )
            return []

        assert self.twin is not None
        return self._ask_for_word(self._make_judge_call(text, text, self.twin), take)

    def _judge(
        self, written: Written, settle: Callable[[Written], Iterable[Call]]
    ) -> Iterable[Call]:
        """Have one option judged as the reply to its question, by a judge who sees nothing else."""
        right = self.positive.text if self.positive else written.text
        call = self._make_judge_call(written.text, right)
        return self._ask_for_word(
            call,
            lambda verdict: settle(Written(written.text, written.call, verdict, written.rung)),
        )

    def _ask_for_word(
        self, call: Call, settle: Callable[[JudgeWord], Iterable[Call]], repeats: int = _REPEATS
    ) -> Iterable[Call]:
        """Ask the judge, and again with the fault shown where its word cannot be read."""

        def take(word: Reply) -> Iterable[Call]:
            verdict = JudgeWord.NOT_JUDGED
            if word.outcome is Outcome.ANSWERED:
                verdict = parse_judge(word.text, EngineKind(str(self.kind)))
            if verdict is not JudgeWord.UNREADABLE or not repeats:
                return settle(verdict)
            again = ask_again(
                call, word, "it holds not exactly one of the words asked for, in [[ ]]"
            )
            return self._ask_for_word(again, settle, repeats - 1)

        return self._expect(call, take)

    def _make_judge_call(self, text: str, right: str, row: Row | None = None) -> Call:
        """Return the call that has ``text`` judged as the reply to the question, or to that of ``row``.

        ``right`` is the right answer, which a judge of controls is told, and no other.
        """
        asked = row or self.row
        item = Item(
            item_id=asked["item_id"],
            dimension=asked["dimension"],
            kind=EngineKind(str(self.kind)),
            question=asked["question"],
            positive_option=right,
            negative_option="",
            content_hash="",
            language=asked["language"],
            order_1_positive="A",
        )
        call = make_judge_call(self.team.judge, item, Reply("", Outcome.ANSWERED, text))
        assert call is not None  # an answered reply is judged
        return call


class Ladder:
    """All tasks of a stage: hands each reply to the tasks whose call it answers."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self._owners: dict[str, list[Task]] = {}
        self._replies: dict[str, Reply] = {}

    def start(self) -> list[Call]:
        """Return the first calls of all tasks."""
        return [call for task in self.tasks for call in self.own(task, task.start())]

    def follow_up(self, reply: Reply) -> list[Call]:
        """Return the calls that a reply makes necessary."""
        self._replies[reply.key] = reply
        owners = self._owners.pop(reply.key, [])
        return [call for task in owners for call in self.own(task, task.take(reply))]

    def own(self, task: Task, calls: Iterable[Call]) -> list[Call]:
        """Note whose calls these are; one that was answered before, as on an earlier rung, is not made."""
        owned = []
        queue = list(calls)
        for call in queue:  # grows while it is read
            known = self._replies.get(call.key)
            if known is not None:
                queue += task.take(known)
            else:
                self._owners.setdefault(call.key, []).append(task)
                owned.append(call)
        return owned
