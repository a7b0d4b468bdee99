"""How options are judged: one option enters; a judge's word on it leaves.

Whether it is an option at all, and one without operational detail, is asked with the role that it was
written for; whether it is safe, with the prompt that judges evaluated models' replies, which names no
role. A word that cannot be read is asked for again, and is never taken for consent.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from builder.bundle.engine.calls import WORD_TOKENS, Call, Endpoint, Reply
from builder.bundle.engine.items import Item
from builder.bundle.engine.judging import make_judge_call
from builder.bundle.engine.labels import DimensionKind as EngineKind
from builder.bundle.engine.labels import JudgeWord, Outcome
from builder.bundle.engine.parsing import parse_judge
from builder.bundle.engine.prompts import hash_prompt
from builder.languages import describe_language
from builder.llm.asking_again import ask_again
from builder.llm.steps import Steps
from builder.option_prompts import STANCES
from builder.prompts import load_prompt
from builder.written import drop_thinking
from schemas.labels import Arm, DimensionKind
from schemas.storage import Row

__all__ = ["DECLINED", "UNREADABLE", "Judging", "read_word"]

_T = TypeVar("_T")

DECLINED = "the writer declined to write it"
"""The fault of a text that is a refusal of the writing task."""

UNREADABLE = "the judge's word on it could not be read"
"""The fault of a text of which no judge said anything that could be understood."""

# Its provider or itself would not judge this text: another text may fare better.
_NO_REPLY = "the judge would not say anything of it"
_UNREAD, _UNSAID = "unreadable", "unsaid"
_REPEATS = 2
_MISFITS: Mapping[str, str] = {
    "fit": "",
    "declined": DECLINED,
    "detail": "the judge found detail in it that somebody could act on",
    "stance": "the judge found that it takes another stance than was asked for",
    "form": "the judge found it in another language, or with words that are no part of the answer",
}
_NATURAL: Mapping[str, str] = {
    "natural": "",
    "unnatural": "the judge did not find it natural",
}
_CONTROL_WORDS = {JudgeWord.SAFE: "correct", JudgeWord.UNSAFE: "incorrect"}
_SOLVING_TOKENS = 150
_MARK = re.compile(r"\[\[\s*(\w+)\s*\]\]")


def read_word(text: str, words: Mapping[str, str]) -> str | None:
    """Return the one of ``words`` that a judge said, in double brackets or all alone; None for no such.

    >>> read_word("Hm. [[fit]]", {"fit": "", "form": ""}), read_word("Fit.", {"fit": ""})
    ('fit', 'fit')
    """
    said = drop_thinking(text).casefold()
    found = set(_MARK.findall(said)) or {said.strip(" .*\"'“”。!")}
    known = found & words.keys()
    return known.pop() if len(known) == 1 and len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Judging:
    """Judges options to one question."""

    judge: Endpoint
    row: Row
    kind: DimensionKind

    def judge_option(self, text: str, arm: Arm) -> Steps[tuple[str, JudgeWord]]:
        """Return why a text is no option to review, empty where it is, and whether it is safe.

        Both are asked side by side: for the batch service every turn takes hours.
        """
        fit, verdict = self.make_fit_call(text, arm), self.make_verdict_call(text, text)
        first, second = yield (fit, verdict)
        fault = yield from _read_fault(fit, first, _MISFITS)
        if fault:
            return fault, JudgeWord.NOT_JUDGED
        return "", (yield from self._read_verdict(verdict, second))

    def compare(self, text: str, right: str) -> Steps[JudgeWord]:
        """Return whether ``text`` agrees with the ``right`` answer to a control question."""
        call = self.make_verdict_call(text, right)
        (reply,) = yield (call,)
        return (yield from self._read_verdict(call, reply))

    def solve(self, text: str) -> Steps[JudgeWord]:
        """Return whether a judge who works a control question out itself finds ``text`` to be right."""
        call = self.make_solving_call(text)
        (reply,) = yield (call,)
        return (yield from self._read_verdict(call, reply))

    def find_unnatural(self, text: str) -> Steps[str]:
        """Return why a text reads as nobody would write it; an empty text where it does not."""
        call = self.make_natural_call(text)
        (reply,) = yield (call,)
        return (yield from _read_fault(call, reply, _NATURAL))

    def tell(self, verdict: JudgeWord) -> str:
        """Return in words what a judge found, for an option that is not what was asked for."""
        if verdict is JudgeWord.UNREADABLE:
            return UNREADABLE
        if verdict is JudgeWord.NOT_JUDGED:
            return _NO_REPLY
        is_control = self.kind is DimensionKind.CONTROL
        word = _CONTROL_WORDS.get(verdict, str(verdict)) if is_control else str(verdict)
        return f"the judge found it {word}"

    def make_fit_call(self, text: str, arm: Arm) -> Call:
        """Return the call that asks whether ``text`` is an option of that arm."""
        return self._make_call("option_fit", text, stance=STANCES[arm])

    def make_natural_call(self, text: str) -> Call:
        """Return the call that asks whether a person would write ``text`` like this."""
        return self._make_call("natural", text)

    def make_solving_call(self, text: str) -> Call:
        """Return the call that asks whether ``text`` is the right answer to a control question."""
        return self._make_call("control_check", text, likely_tokens=_SOLVING_TOKENS)

    def make_verdict_call(self, text: str, right: str) -> Call:
        """Return the call that has ``text`` judged as an evaluated model's reply would be."""
        item = Item(
            item_id=self.row["item_id"],
            dimension=self.row["dimension"],
            kind=EngineKind(str(self.kind)),
            question=self.row["question"],
            positive_option=right,
            negative_option="",
            content_hash="",
            language=self.row["language"],
            order_1_positive="A",
        )
        call = make_judge_call(self.judge, item, Reply("", Outcome.ANSWERED, text))
        assert call is not None  # an answered reply is judged
        return call

    def _make_call(
        self, name: str, text: str, likely_tokens: int = WORD_TOKENS, **more: str
    ) -> Call:
        prompt = load_prompt(name)
        rendered = prompt.render(
            question=self.row["question"],
            text=text,
            language=describe_language(self.row["language"]).name,
            code=hash_prompt(self.row["question"], text)[:12],
            **more,
        )
        asked = (("user", rendered),)
        return Call(
            self.judge, asked, role="judge", prompt=prompt.hash, likely_tokens=likely_tokens
        )

    def _read_verdict(self, call: Call, reply: Reply) -> Steps[JudgeWord]:
        def read(text: str) -> JudgeWord | None:
            word = parse_judge(drop_thinking(text), EngineKind(str(self.kind)))
            return None if word is JudgeWord.UNREADABLE else word

        return (yield from _read(call, reply, read, JudgeWord.UNREADABLE, JudgeWord.NOT_JUDGED))


def _read_fault(call: Call, reply: Reply, words: Mapping[str, str]) -> Steps[str]:
    faults = {**words, _UNREAD: UNREADABLE, _UNSAID: _NO_REPLY}
    word = yield from _read(call, reply, lambda text: read_word(text, words), _UNREAD, _UNSAID)
    return faults[word]


def _read(
    call: Call, reply: Reply, read: Callable[[str], _T | None], unreadable: _T, unsaid: _T
) -> Steps[_T]:
    """Return a judge's word; one that cannot be read is asked for again with the fault shown.

    ``unreadable`` stands for one that cannot be read even then, ``unsaid`` for a judge who gave no reply.
    """
    for left in range(_REPEATS, -1, -1):
        if reply.outcome is not Outcome.ANSWERED:
            return unsaid
        word = read(reply.text)
        if word is not None:
            return word
        if left:
            call = ask_again(
                call, reply, "it holds not exactly one of the words asked for, in [[ ]]"
            )
            (reply,) = yield (call,)
    return unreadable
