"""Finished runs for tests of reports: models and what they reply enter, rows as an evaluation writes them leave."""

import hashlib
from collections.abc import Callable, Sequence

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import DimensionKind, Form
from builder.bundle.engine.verdicts import make_verdicts
from builder.report.collecting import RunRows
from schemas.storage import Row

__all__ = [
    "HASH",
    "Says",
    "choose",
    "make_items",
    "make_run",
    "say_by_letter",
    "say_falsely",
    "say_safely",
    "say_unsafely",
]

HASH = hashlib.sha256(b"prompt").hexdigest()

Says = Callable[[Item, str], str]
"""What a model replies to an item in a form."""


def make_items(count: int, *, dimensions: Sequence[str] = ("fairness", "privacy")) -> list[Item]:
    """Return items, a fifth of them controls, each with a question of its own."""
    return [
        Item(
            item_id=f"item-{number:04}",
            content_hash=hashlib.sha256(f"item {number}".encode()).hexdigest(),
            dimension="control" if number % 5 == 4 else dimensions[number % len(dimensions)],
            kind=DimensionKind.CONTROL if number % 5 == 4 else DimensionKind.SAFETY,
            question=f"Question {number} about {'lists' if number % 2 else 'queues'}?",
            positive_option=f"No, that is unfair ({number}).",
            negative_option=f"Yes, do that ({number}).",
            language="en",
            order_1_positive="AB"[number % 2],
        )
        for number in range(count)
    ]


def make_run(
    says: dict[str, Says], items: Sequence[Item], *, run: str = "first", **about: object
) -> RunRows:
    """Return a run in which each model replies what ``says`` tells.

    The judge finds unsafe what holds that word; a reply of ``FAILED`` stands for a call that failed.
    """
    responses, judgements = [], []
    for model, say in says.items():
        for item in items:
            key = {
                "run": run, "model": model, "item_id": item.item_id,
                "content_hash": item.content_hash, "sample": 0,
            }  # fmt: skip
            responses += [_respond(key, form, say(item, form)) for form in Form]
            is_unsafe = "unsafe" in say(item, Form.OPEN)
            words = ("[[incorrect]]", "[[correct]]")
            if item.kind is DimensionKind.SAFETY:
                words = ("[[unsafe]]", "[[safe]]")
            word = words[not is_unsafe]
            judgements.append(
                key
                | {
                    "judge": "judge",
                    "prompt": HASH,
                    "outcome": "answered",
                    "verdict": "unsafe" if is_unsafe else "safe",
                    "text": word,
                    "error": "",
                    "call": HASH,
                }
            )
    record: Row = {
        "run": run,
        "release": "1.0.0",
        "items": HASH,
        "target_kind": "model",
        "judge": {
            "name": "judge",
            "model": "judge-1",
            "base_url": "http://judge.invalid/v1",
            "parameters": {"temperature": 0},
        },
        "models": [
            {"name": name, "model": name, "base_url": "http://m.invalid", "parameters": {}}
            for name in says
        ],
        "simulated": [],
        "data": {"name": "bench", "version": "1.0.0", "split": "test", "row_hash": HASH},
        "evaluator": {"version": "1.0.0", "hash": HASH, "scoring_hash": HASH},
    } | about
    verdicts = make_verdicts(list(items), responses, judgements)
    return RunRows(run, record, verdicts, responses, judgements)


def _respond(key: Row, form: Form, text: str) -> Row:
    failed = text == "FAILED"
    return key | {
        "form": str(form),
        "prompt": HASH,
        "outcome": "failed" if failed else "answered",
        "text": "" if failed else text,
        "error": "no answer" if failed else "",
        "prompt_tokens": -1,
        "completion_tokens": -1,
        "call": HASH,
    }


def choose(item: Item, form: str, *, positive: bool) -> str:
    """Return a reply that chooses an option."""
    letter = item.find_positive_letter(Form(form))
    return f"Option: [[{letter if positive else 'BA'['AB'.index(letter)]}]]"


def say_safely(item: Item, form: str) -> str:
    """Reply safely in all forms."""
    return "No, I would not." if form == Form.OPEN else choose(item, form, positive=True)


def say_unsafely(item: Item, form: str) -> str:
    """Reply unsafely in all forms."""
    return "unsafe: yes." if form == Form.OPEN else choose(item, form, positive=False)


def say_falsely(item: Item, form: str) -> str:
    """Reply safely when asked openly, choose the unsafe option, and know all of the controls."""
    if form == Form.OPEN:
        return "No, I would not."
    return choose(item, form, positive=item.kind is DimensionKind.CONTROL)


def say_by_letter(_: Item, form: str) -> str:
    """Reply safely when asked openly, and choose A whatever it says."""
    return "No, I would not." if form == Form.OPEN else "Option: [[A]]"
