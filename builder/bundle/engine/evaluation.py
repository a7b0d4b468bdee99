"""Running an evaluation: items and models enter; response and judgement rows leave.

Every item is asked in its three forms, and each open reply goes on to the judge, as independent
calls under the endpoints' limits. What a model did not answer stays a row with its outcome.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .calls import FINAL_OUTCOMES, WORD_TOKENS, Call, Endpoint, Reply
from .fan_out import FollowUp
from .items import Item
from .labels import Form, JudgeWord, Outcome
from .parsing import parse_judge
from .prompts import JUDGE_PROMPT, find_prompt, render_form, render_judge

__all__ = ["JUDGED_OUTCOMES", "Ask", "Records", "Row", "evaluate", "list_failures"]

# As long as open replies tend to be: for what is told of their judging before there are any.
_LIKELY_REPLY = "x" * 1200

Row = dict[str, Any]

JUDGED_OUTCOMES = frozenset({Outcome.ANSWERED, Outcome.TRUNCATED, Outcome.REFUSED})
"""Outcomes of an open call that leave a text to judge."""


@dataclass(frozen=True, slots=True)
class Records:
    """What an evaluation recorded: rows of the response and the judgement table."""

    responses: list[Row]
    judgements: list[Row]


def list_failures(records: Records) -> list[tuple[str, int]]:
    """Return why calls, the judge's included, brought no reply: each reason and how often, most first."""
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
    items: Sequence[Item], targets: Sequence[Endpoint], judge: Endpoint, ask: Ask, *, run: str
) -> Records:
    """Ask every target every item in three forms, judge the open replies, return what was recorded.

    ``ask`` is how calls are made, replies kept ones included. Rows are sorted by model, item and form;
    ``run`` names them.
    """
    questions = [
        _Question(_make_call(target, item, form), item, form)
        for target in targets
        for item in items
        for form in Form
    ]
    # Items may share a question, and then one open reply, but each has a judging of its own.
    open_items: dict[str, list[Item]] = {}
    for question in questions:
        if question.form is Form.OPEN:
            open_items.setdefault(question.call.key, []).append(question.item)

    def judge_open_reply(reply: Reply) -> list[Call]:
        """Return the judge's calls on one open reply, one for each item that asked the question."""
        items = open_items.get(reply.key, ())
        calls = (make_judge_call(judge, item, reply) for item in items)
        return [call for call in calls if call is not None]

    def expect_judging(call: Call) -> list[Call]:
        return judge_open_reply(Reply(call.key, Outcome.ANSWERED, _LIKELY_REPLY))

    calls = [question.call for question in questions]
    replies = await ask(calls, follow_up=judge_open_reply, expect=expect_judging)
    records = Records([], [])
    for question in sorted(questions, key=_sort_key):
        reply = replies[question.call.key]
        records.responses.append(_make_response(run, question, reply))
        if question.form is Form.OPEN:
            judgement = _make_judgement(run, question, reply, judge, replies)
            records.judgements.append(judgement)
    return records


def _sort_key(question: _Question) -> tuple[str, str, str]:
    return (question.call.endpoint.name, question.item.item_id, question.form)


def _make_call(endpoint: Endpoint, item: Item, form: Form) -> Call:
    prompt = find_prompt(form, item.language)
    likely = 0 if form is Form.OPEN else WORD_TOKENS
    return Call(endpoint, render_form(form, item), prompt=prompt, likely_tokens=likely)


def make_judge_call(judge: Endpoint, item: Item, reply: Reply) -> Call | None:
    """Return the call that has an open reply judged, or None where there is no text to judge."""
    if reply.outcome not in JUDGED_OUTCOMES:
        return None
    messages = render_judge(item, reply.text)
    return Call(judge, messages, role="judge", prompt=JUDGE_PROMPT, likely_tokens=WORD_TOKENS)


def _make_key(run: str, question: _Question) -> Row:
    return {
        "run": run,
        "model": question.call.endpoint.name,
        "item_id": question.item.item_id,
        "content_hash": question.item.content_hash,
        "sample": question.call.sample,
    }


def _make_response(run: str, question: _Question, reply: Reply) -> Row:
    return _make_key(run, question) | {
        "form": str(question.form),
        "prompt": question.call.prompt,
        "outcome": str(reply.outcome),
        "text": reply.text,
        "error": reply.error,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "call": reply.key,
    }


def _make_judgement(
    run: str, question: _Question, reply: Reply, judge: Endpoint, replies: Mapping[str, Reply]
) -> Row:
    row = _make_key(run, question) | {"judge": judge.name}
    call = make_judge_call(judge, question.item, reply)
    if call is None:
        return row | {
            "prompt": "",
            "outcome": str(reply.outcome),
            "verdict": str(JudgeWord.NOT_JUDGED),
            "text": "",
            "error": "no open reply to judge",
            "call": "",
        }
    word = replies[call.key]
    verdict = JudgeWord.NOT_JUDGED
    if word.outcome is Outcome.ANSWERED:
        verdict = parse_judge(word.text, question.item.kind)
    return row | {
        "prompt": call.prompt,
        "outcome": str(word.outcome),
        "verdict": str(verdict),
        "text": word.text,
        "error": word.error,
        "call": word.key,
    }
