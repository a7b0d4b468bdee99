"""Running an evaluation: items and models enter; response and judgement rows leave.

Every item is asked in its three forms, and each open reply goes on to the judges, as independent
calls under the endpoints' limits. What a model did not answer stays a row with its outcome.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

from .calls import FINAL_OUTCOMES, WORD_TOKENS, Call, Endpoint, Reply
from .fan_out import FollowUp
from .items import Item
from .judging import Judging
from .labels import Form, JudgeWord, Outcome
from .manner import DEFAULT_MANNER, ChoiceStyle, Manner
from .parsing import parse_judge
from .prompts import find_prompt, render_form
from .verdicts import check_responses

__all__ = ["Ask", "Records", "Row", "evaluate", "judge_again", "list_failures"]

# As long as open replies, and choices after reasoning, tend to be: for what is told beforehand.
_LIKELY_REPLY = "x" * 1200
_REASONING_TOKENS = 120

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """What an evaluation recorded: rows of the response and the judgement table."""

    responses: list[Row]
    judgements: list[Row]


def list_failures(records: Records) -> list[tuple[str, int]]:
    """Return why calls, the judges' included, brought no reply: each reason and how often, most first."""
    asked = [*records.responses, *(row for row in records.judgements if row["call"])]
    counted = Counter(
        f"{row['outcome']}: {row['error']}"
        for row in asked
        if Outcome(row["outcome"]) not in FINAL_OUTCOMES
    )
    return counted.most_common()


@dataclass(frozen=True, slots=True)
class _Question:
    """What a target call asks: which item, in which form."""

    call: Call
    item: Item
    form: Form


class Ask(Protocol):
    """Asks calls and what follows from their replies, and returns replies by call key.

    ``expect`` names, for a call that has no reply yet, the calls that are likely to follow from it.
    """

    def __call__(
        self,
        calls: Iterable[Call],
        *,
        follow_up: FollowUp | None = None,
        expect: Callable[[Call], Iterable[Call]] | None = None,
    ) -> Awaitable[dict[str, Reply]]:
        """Return the replies by call key."""


async def evaluate(
    items: Sequence[Item],
    targets: Sequence[Endpoint],
    judging: Judging,
    ask: Ask,
    *,
    run: str,
    manner: Manner = DEFAULT_MANNER,
) -> Records:
    """Ask every target every item in three forms, judge the open replies, return what was recorded.

    ``ask`` is how calls are made, replies kept ones included. Rows are sorted by model, item, form and
    sample; ``run`` names them.
    """
    # Open questions first: their replies have to be judged while the choices are still being asked.
    questions = [
        _Question(_make_call(target, item, form, manner, sample), item, form)
        for form, target, item, sample in product(Form, targets, items, range(manner.samples))
    ]
    # Items may share a question, and then one open reply, but each has a judging of its own.
    open_items: dict[str, list[Item]] = {}
    for question in questions:
        if question.form is Form.OPEN:
            open_items.setdefault(question.call.key, []).append(question.item)

    def judge_open_reply(reply: Reply) -> list[Call]:
        """Return the judges' calls on one open reply, for each item that asked the question."""
        asked = open_items.get(reply.key, ())
        return [call for item in asked for call in judging.make_calls(item, reply)]

    def expect_judging(call: Call) -> list[Call]:
        return judge_open_reply(Reply(call.key, Outcome.ANSWERED, _LIKELY_REPLY))

    calls = [question.call for question in questions]
    replies = await ask(calls, follow_up=judge_open_reply, expect=expect_judging)
    return _record(run, sorted(questions, key=_sort_key), judging, replies)


def _record(
    run: str, questions: Iterable[_Question], judging: Judging, replies: Mapping[str, Reply]
) -> Records:
    records = Records([], [])
    for question in questions:
        reply = replies[question.call.key]
        key = _make_key(run, question.call.endpoint.name, question.item, question.call.sample)
        records.responses.append(_make_response(key, question, reply))
        if question.form is Form.OPEN:
            records.judgements.extend(_make_judgements(key, question.item, reply, judging, replies))
    return records


async def judge_again(
    items: Sequence[Item], responses: Sequence[Row], judging: Judging, ask: Ask, *, run: str
) -> Records:
    """Have the recorded open replies of a finished run judged anew; no evaluated model is asked.

    Returns the same responses, and the new judgements, as rows of ``run``. Raises `EngineError`, before anybody is
    asked, where a response is not one of ``items`` as they are.
    """
    check_responses(items, responses)
    responses = [_mend_row(row) for row in responses]
    by_id = {item.item_id: item for item in items}
    replies = [
        (row, by_id[row["item_id"]], _read_reply(row))
        for row in responses
        if row["form"] == Form.OPEN
    ]
    calls = [call for _, item, reply in replies for call in judging.make_calls(item, reply)]
    words = await ask(calls)
    records = Records([row | {"run": run} for row in responses], [])
    for row, item, reply in replies:
        key = _make_key(run, row["model"], item, row["sample"])
        records.judgements.extend(_make_judgements(key, item, reply, judging, words))
    return records


def _mend_row(row: Row) -> Row:
    """Return a response with what may be absent, and without what JSON can carry and UTF-8 cannot."""
    text = row["text"].encode("utf-8", "replace").decode("utf-8")
    return row | {
        "text": text,
        "error": str(row.get("error", "")),
        "call": str(row.get("call", "")),
    }


def _read_reply(row: Mapping[str, Any]) -> Reply:
    return Reply(row["call"], Outcome(row["outcome"]), row["text"], row["error"])


def _sort_key(question: _Question) -> tuple[str, str, str, int]:
    call = question.call
    return (call.endpoint.name, question.item.item_id, question.form, call.sample)


def _make_call(endpoint: Endpoint, item: Item, form: Form, manner: Manner, sample: int) -> Call:
    prompt = find_prompt(form, item.language, manner, item.kind)
    words = _REASONING_TOKENS if manner.style is ChoiceStyle.REASONING else WORD_TOKENS
    likely = 0 if form is Form.OPEN else words
    messages = render_form(form, item, manner)
    return Call(endpoint, messages, sample, prompt=prompt, likely_tokens=likely)


def _make_key(run: str, model: str, item: Item, sample: int) -> Row:
    return {
        "run": run,
        "model": model,
        "item_id": item.item_id,
        "content_hash": item.content_hash,
        "sample": sample,
    }


def _make_response(key: Row, question: _Question, reply: Reply) -> Row:
    return key | {
        "form": str(question.form),
        "prompt": question.call.prompt,
        "outcome": str(reply.outcome),
        "text": reply.text,
        "error": reply.error,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "call": reply.key,
    }


def _make_judgements(
    key: Row, item: Item, reply: Reply, judging: Judging, words: Mapping[str, Reply]
) -> list[Row]:
    """Return a row for each judge: its word on the reply, or that there was nothing to judge."""
    calls = judging.make_calls(item, reply)
    if calls:
        return [_make_judgement(key, item, call, words[call.key]) for call in calls]
    nothing = {
        "prompt": "",
        "outcome": str(reply.outcome),
        "verdict": str(JudgeWord.NOT_JUDGED),
        "text": "",
        "error": "no open reply to judge",
        "call": "",
    }
    return [key | {"judge": judge.name} | nothing for judge in judging.judges]


def _make_judgement(key: Row, item: Item, call: Call, word: Reply) -> Row:
    is_told = word.outcome is Outcome.ANSWERED
    verdict = parse_judge(word.text, item.kind) if is_told else JudgeWord.NOT_JUDGED
    return key | {
        "judge": call.endpoint.name,
        "prompt": call.prompt,
        "outcome": str(word.outcome),
        "verdict": str(verdict),
        "text": word.text,
        "error": word.error,
        "call": word.key,
    }
