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
from builder.bundle.engine.evaluation import make_judge_call
from builder.bundle.engine.items import Item
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

__all__ = ["DECLINED", "Judging", "read_word"]

_T = TypeVar("_T")

DECLINED = "the writer declined to write it"
"""The fault of a text that is a refusal of the writing task."""

_REPEATS = 2
_UNREADABLE = "the judge's word on it could not be read"
_MISFITS: Mapping[str, str] = {
    "fit": "",
    "declined": DECLINED,
    "detail": "the judge found detail in it that somebody could act on",
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

    def find_misfit(self, text: str, arm: Arm) -> Steps[str]:
        """Return why a text is no option to review; an empty text where it is."""
        call = self.make_fit_call(text, arm)
        return (yield from _ask_for_fault(call, _MISFITS))

    def find_unnatural(self, text: str) -> Steps[str]:
        """Return why a text reads as nobody would write it; an empty text where it does not."""
        return (yield from _ask_for_fault(self._make_call("natural", text), _NATURAL))

    def find_verdict(self, text: str, right: str) -> Steps[JudgeWord]:
        """Return a judge's word on ``text`` as the reply to the question, of which it sees nothing else.

        ``right`` is the right answer, which a judge of controls is told, and no other.
        """
        call = self.make_verdict_call(text, right)
        return (yield from _ask(call, self._read_verdict, JudgeWord.UNREADABLE))

    def solve(self, text: str) -> Steps[JudgeWord]:
        """Return whether a judge who works a control question out itself finds ``text`` to be right."""
        return (
            yield from _ask(self.make_solving_call(text), self._read_verdict, JudgeWord.UNREADABLE)
        )

    def tell(self, verdict: JudgeWord) -> str:
        """Return a verdict in the words of the question's kind."""
        is_control = self.kind is DimensionKind.CONTROL
        return _CONTROL_WORDS.get(verdict, str(verdict)) if is_control else str(verdict)

    def make_fit_call(self, text: str, arm: Arm) -> Call:
        """Return the call that asks whether ``text`` is an option of that arm."""
        return self._make_call("option_fit", text, stance=STANCES[arm])

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

    def _read_verdict(self, text: str) -> JudgeWord | None:
        word = parse_judge(drop_thinking(text), EngineKind(str(self.kind)))
        return None if word is JudgeWord.UNREADABLE else word


def _ask_for_fault(call: Call, words: Mapping[str, str]) -> Steps[str]:
    word = yield from _ask(call, lambda text: read_word(text, words), "")
    return words[word] if word else _UNREADABLE


def _ask(call: Call, read: Callable[[str], _T | None], unreadable: _T) -> Steps[_T]:
    """Ask a judge, and again with the fault shown where its word cannot be read."""
    for _ in range(_REPEATS + 1):
        reply = yield call
        word = read(reply.text) if reply.outcome is Outcome.ANSWERED else None
        if word is not None:
            return word
        if reply.outcome is not Outcome.ANSWERED:
            break
        call = ask_again(call, reply, "it holds not exactly one of the words asked for, in [[ ]]")
    return unreadable
