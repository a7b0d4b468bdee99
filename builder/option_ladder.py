"""One question's two options, step by step: a question enters; two options, or why there are none, leave.

The positive option is written first and judged as a reply that nobody knows the role of. The negative
one is told its form, and climbs a ladder: asked plainly, of a second writer, in a role play, each rung
only where the one before brought nothing usable; what a person wrote stands in for the whole ladder. A
text with a fault is asked for again with the fault shown. A pair is whole when a judge who sees one
option at a time finds the positive safe and the negative unsafe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from builder.bundle.engine.calls import Call, Endpoint, Reply
from builder.bundle.engine.labels import JudgeWord, Outcome
from builder.llm.asking_again import ask_again
from builder.llm.steps import Steps
from builder.option_account import BY_HAND
from builder.option_faults import find_fault
from builder.option_form import find_length_fault, find_match_fault, is_nearer
from builder.option_judging import DECLINED, UNREADABLE, Judging
from builder.option_prompts import SWAPPED, make_write_call
from builder.refusals import is_refusal
from builder.written import unwrap
from schemas.labels import Arm, DimensionKind, Rung
from schemas.storage import Row
from schemas.texts import trim

__all__ = ["Task", "Team", "Written", "rewrite_negative", "write_pair"]


@dataclass(frozen=True, slots=True)
class Team:
    """Who writes and who judges; ``rungs`` are the ways in which negative options are asked for.

    A text with a fault is asked for again ``repeats`` times at most.
    """

    positive: Endpoint
    rungs: Sequence[tuple[Rung, Endpoint]]
    judge: Endpoint
    repeats: int = 2

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints, each once."""
        found = [self.positive, *(endpoint for _, endpoint in self.rungs), self.judge]
        return list({endpoint.name: endpoint for endpoint in found}.values())


@dataclass(frozen=True, slots=True)
class Written:
    """An option as it came: its text, who wrote it by which prompt and call, and what the judge said.

    ``prompt`` and ``call`` are empty where a person wrote it.
    """

    text: str
    source: str = ""
    prompt: str = ""
    call: str = ""
    verdict: JudgeWord = JudgeWord.NOT_JUDGED
    rung: Rung = Rung.PLAIN


@dataclass(frozen=True, slots=True)
class _NotWritten:
    """Why an attempt brought no usable text."""

    reason: str


@dataclass(slots=True)
class Task:
    """The work on one question: what it starts from, what was written, and what went wrong.

    ``by_hand`` are the options that a person wrote, by side. ``faults`` say why there is no pair.
    ``climbed`` tells for each rung that was tried why it brought nothing, or an empty text. ``twin`` is
    the question for which the two options swap roles; ``twin_fault`` says why they do not, and ``apart``
    is the work on options of the twin's own then.
    """

    row: Row
    kind: DimensionKind
    arms: Mapping[str, Arm]
    team: Team
    by_hand: Mapping[str, Written] = field(default_factory=dict)
    twin: Row | None = None
    positive: Written | None = None
    negative: Written | None = None
    faults: list[str] = field(default_factory=list)
    climbed: dict[Rung, str] = field(default_factory=dict)
    twin_fault: str = ""
    apart: "Task | None" = None

    @property
    def is_pair(self) -> bool:
        """Whether both options were written and judged as they should be."""
        return not self.faults and bool(self.positive and self.negative)

    @property
    def judging(self) -> Judging:
        """How options to this question are judged."""
        return Judging(self.team.judge, self.row, self.kind)


def write_pair(task: Task) -> Steps[None]:
    """Have both options of a task written and judged, and those of its twin judged as well."""
    positive = yield from _write_positive(task)
    if isinstance(positive, _NotWritten):
        task.faults.append(f"positive option: {positive.reason}")
        return
    task.positive = positive
    negative = yield from _climb(task, positive)
    if isinstance(negative, _NotWritten):
        task.faults.append(f"negative option: {negative.reason}")
        return
    task.negative = negative
    if task.twin is not None:
        task.twin_fault = yield from _try_twin(task, task.twin, positive, negative)
        if task.twin_fault and task.apart is not None:
            # Left out, every question that asks to hold back would go, and saying no would be right to all.
            yield from write_pair(task.apart)


def rewrite_negative(task: Task, current: str, told: str) -> Steps[None]:
    """Have the negative option ``current`` written anew in the positive one's form, by who wrote it.

    ``told`` says how the two differ. The task ends with a ``negative`` that the judge finds unsafe and
    natural, or with a fault. The team's one rung is that of the current text.
    """
    assert task.positive is not None
    ((rung, endpoint),) = task.team.rungs
    more = {"other": task.positive.text, "current": current, "told": told}
    call = make_write_call(endpoint, "repair_option", task.row, "negative", task.arms, **more)
    written = yield from _write(task, "negative", call, rung, task.positive)
    if isinstance(written, Written):
        fault = yield from task.judging.find_unnatural(written.text)
        if not fault and not is_nearer(written.text, current, task.positive.text):
            fault = "it is no nearer in form"
        written = _NotWritten(fault) if fault else written
    if isinstance(written, _NotWritten):
        task.faults.append(written.reason)
    else:
        task.negative = written


def _write_positive(task: Task) -> Steps[Written | _NotWritten]:
    by_hand = task.by_hand.get("positive")
    if by_hand is not None:
        return (yield from _take_from_hand(task, "positive", by_hand))
    name = "control_right" if task.kind is DimensionKind.CONTROL else "positive_option"
    call = make_write_call(task.team.positive, name, task.row, "positive", task.arms)
    return (yield from _write(task, "positive", call, Rung.PLAIN, None))


def _climb(task: Task, positive: Written) -> Steps[Written | _NotWritten]:
    """Ask for the negative option, rung by rung; without any more, a person has to write it."""
    by_hand = task.by_hand.get("negative")
    if by_hand is not None:
        written = yield from _take_from_hand(task, "negative", by_hand, positive)
        task.climbed[Rung.HUMAN] = "" if isinstance(written, Written) else written.reason
        return written
    for rung, endpoint in task.team.rungs:
        name = _name_prompt(task.kind, rung)
        other = {"other": positive.text}
        call = make_write_call(endpoint, name, task.row, "negative", task.arms, **other)
        written = yield from _write(task, "negative", call, rung, positive)
        if isinstance(written, Written):
            task.climbed[rung] = ""
            return written
        task.climbed[rung] = written.reason
        if written.reason == UNREADABLE:
            return written
    told = "; ".join(f"{rung}: {reason}" for rung, reason in task.climbed.items())
    return _NotWritten(f"no rung brought one, {BY_HAND} ({told})")


def _name_prompt(kind: DimensionKind, rung: Rung) -> str:
    if kind is DimensionKind.CONTROL:
        return "control_wrong"
    return "negative_option_role_play" if rung is Rung.ROLE_PLAY else "negative_option"


def _write(
    task: Task, side: str, call: Call, rung: Rung, positive: Written | None
) -> Steps[Written | _NotWritten]:
    """Have one option written, and again with its fault shown, as often as the team allows."""
    fault = ""
    for left in range(task.team.repeats, -1, -1):
        (reply,) = yield (call,)
        if reply.outcome is not Outcome.ANSWERED:
            return _NotWritten(_tell_outcome(reply))
        text = unwrap(reply.text)
        fault = DECLINED if is_refusal(text) else ""
        other = positive.text if positive else ""
        fault = fault or find_fault(side, text, task.row, task.kind, other)
        fault = fault or _find_form_fault(task, text, positive, is_last=not left)
        if not fault:
            written = Written(text, call.endpoint.name, call.prompt, call.key, rung=rung)
            judged = yield from _judge(task, side, written, positive)
            if isinstance(judged, Written):
                return judged
            fault = judged.reason
        if fault == UNREADABLE:
            break  # nothing is known of this text, and another would not be read either
        if fault == DECLINED and side == "negative":
            break  # who will not write it is not talked into it: the next rung is another way
        call = ask_again(call, reply, fault)
    return _NotWritten(fault)


def _tell_outcome(reply: Reply) -> str:
    return f"the writer's call was {reply.outcome}" + (f" ({reply.error})" if reply.error else "")


def _find_form_fault(task: Task, text: str, positive: Written | None, *, is_last: bool) -> str:
    if positive is not None:
        return find_match_fault(text, positive.text, is_last=is_last)
    if task.kind is DimensionKind.CONTROL:
        return ""  # a right answer is as long as it is
    return find_length_fault(text, task.row["language"], is_last=is_last)


def _take_from_hand(
    task: Task, side: str, written: Written, positive: Written | None = None
) -> Steps[Written | _NotWritten]:
    """Have a person's text judged as any other; its form is that person's affair."""
    written = replace(written, text=trim(written.text), rung=Rung.HUMAN)
    fault = find_fault(side, written.text, task.row, task.kind, positive.text if positive else "")
    if not fault:
        judged = yield from _judge(task, side, written, positive)
        if isinstance(judged, Written):
            return judged
        fault = judged.reason
    return _NotWritten(f"what {written.source} wrote: {fault}")


def _judge(
    task: Task, side: str, written: Written, positive: Written | None
) -> Steps[Written | _NotWritten]:
    """Have an option judged: whether it is one at all, and, blind, whether it is safe."""
    wanted = JudgeWord.SAFE if side == "positive" else JudgeWord.UNSAFE
    fault, verdict = "", JudgeWord.NOT_JUDGED
    if task.kind is DimensionKind.SAFETY:
        fault, verdict = yield from task.judging.judge_option(written.text, task.arms[side])
    elif positive is None:
        verdict = yield from task.judging.solve(written.text)
    else:
        verdict = yield from task.judging.compare(written.text, positive.text)
    if not fault and verdict is not wanted:
        fault = task.judging.tell(verdict)
    return _NotWritten(fault) if fault else replace(written, verdict=verdict)


def _try_twin(task: Task, twin: Row, positive: Written, negative: Written) -> Steps[str]:
    """Have both options judged as replies to the twin; return why their roles are not the other way round.

    Each must take there the stance that is its arm's in the other role.
    """
    judging = Judging(task.team.judge, twin, task.kind)
    sides = (("positive", positive, JudgeWord.UNSAFE), ("negative", negative, JudgeWord.SAFE))
    for side, written, wanted in sides:
        arm = SWAPPED[task.arms[side]]
        fault, verdict = yield from judging.judge_option(written.text, arm)
        if fault or verdict in (JudgeWord.UNREADABLE, JudgeWord.NOT_JUDGED):
            return f"as an answer to the twin: {fault or judging.tell(verdict)}"
        if verdict is not wanted:
            return f"as an answer to the twin the judge found an option {verdict}, not {wanted}"
    return ""
