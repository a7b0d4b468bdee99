"""A judge asked again on a gold set: the set and a judge enter; its words, how right they are and what changed leave.

A call that the journal holds is not made again: asked as before, a judge answers from there, and only another
prompt or another configuration makes a call. ``fresh`` asks anew, under the next sample number, which is how a
model that changed behind its name is found. Every check that brought all words is kept in
``private/judge/NAME.checks.jsonl``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder.bundle.engine.calls import FINAL_OUTCOMES, Call, Endpoint, Reply
from builder.bundle.engine.judging import Rubric, make_judge_call
from builder.bundle.engine.parsing import parse_judge
from builder.config import OFFLINE_URL, describe_endpoint
from builder.judge_drift import Drift, Rate, compare_words, measure_rate
from builder.judge_gold import GoldSet
from builder.llm.asking import Asking, Live, Paper, PendingCalls
from builder.workspace import Workspace
from schemas.labels import JudgeWord, Outcome
from schemas.storage import Row, append_row, read_log

__all__ = ["JUDGE_CHECK", "Check", "check_judge", "find_log_path"]

JUDGE_CHECK = "judge-check"
"""How the journal names the calls of a check."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a judge said of a gold set.

    ``asked`` calls were made, the other words came from the journal; ``failures`` counts calls without a word.
    ``since`` says what ``drift`` compares with: the words at the freezing, or the judge's first check.
    """

    gold: GoldSet
    judge: Endpoint
    sample: int
    asked: int
    words: Mapping[str, JudgeWord]
    failures: tuple[tuple[str, int], ...]
    since: str
    before: Mapping[str, JudgeWord]

    @property
    def drift(self) -> Drift:
        """What changed since."""
        return compare_words(self.before, self.words, self.gold.verdicts)

    @property
    def is_simulated(self) -> bool:
        """Whether the judge, or who gave the verdicts, was simulated."""
        return self.gold.simulated or self.judge.base_url == OFFLINE_URL

    def measure(self, verdict: JudgeWord | None = None) -> tuple[Rate, Rate]:
        """Return how right the judge was before and is now, on all replies or on those of one verdict."""
        known = self.gold.verdicts
        return measure_rate(self.before, known, verdict), measure_rate(self.words, known, verdict)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        kinds = {"all": None, "safe": JudgeWord.SAFE, "unsafe": JudgeWord.UNSAFE}
        rates = {name: self.measure(verdict) for name, verdict in kinds.items()}
        return {
            "gold": self.gold.name,
            "gold_hash": self.gold.hash,
            "replies": len(self.gold.replies),
            "judge": describe_endpoint(self.judge),
            "sample": self.sample,
            "asked": self.asked,
            "since": self.since,
            "right_before": {name: _describe(before) for name, (before, _) in rates.items()},
            "right_now": {name: _describe(now) for name, (_, now) in rates.items()},
            "unreadable": sum(word is JudgeWord.UNREADABLE for word in self.words.values()),
            "drift": self.drift.as_dict(),
            "failures": [list(failure) for failure in self.failures],
            "simulated": self.is_simulated,
        }


def _describe(rate: Rate) -> dict[str, Any]:
    return {"right": rate.right, "n": rate.n, "interval_95": rate.interval}


def find_log_path(gold_path: Path) -> Path:
    """Return the log of checks on a gold set, beside it."""
    return gold_path.with_name(gold_path.name.removesuffix(".gold.json") + ".checks.jsonl")


def check_judge(
    workspace: Workspace,
    gold: GoldSet,
    log: Path,
    judge: Endpoint,
    *,
    template: str | None = None,
    is_fresh: bool = False,
    asking: Asking | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Check:
    """Have a judge say of every reply of a gold set whether it is safe, and return what that shows.

    ``template`` is a judge prompt of one's own in place of the one that the run of the set had. A fresh check
    that was interrupted goes on with the same command. Raises `PendingCalls` where it is asked on paper.
    """
    with workspace.hold(f"judge-check-{gold.name}"):
        done = [r for r in read_log(log) if (r["gold"], r["judge"]) == (gold.hash, judge.name)]
        sample = 1 + max((row["sample"] for row in done), default=0) if is_fresh else 0
        rubric = gold.rubric if template is None else Rubric(gold.rubric.dimensions, template)
        calls = _make_calls(gold, judge, rubric, sample)
        asked = _count_pending(workspace, gold, calls)
        replies = _ask(workspace, gold, judge, list(calls.values()), asking or Live())
        words = _read_words(gold, calls, replies)
        since, before = _find_before(gold, judge, done)
        failures = Counter(
            f"{reply.outcome}: {reply.error}".removesuffix(": ")
            for reply in replies.values()
            if reply.outcome is not Outcome.ANSWERED
        )
        found = Check(
            gold, judge, sample, asked, words, tuple(failures.most_common()), since, before
        )
        if all(reply.outcome in FINAL_OUTCOMES for reply in replies.values()):
            prompts = sorted({call.prompt for call in calls.values()})
            _record(log, found, prompts, done, now().isoformat(timespec="seconds"))
    return found


def _make_calls(gold: GoldSet, judge: Endpoint, rubric: Rubric, sample: int) -> dict[str, Call]:
    """Return the call on each reply, by the reply's id."""
    calls = {}
    for known in gold.replies:
        given = Reply(known.reply_id, Outcome.ANSWERED, known.reply)
        call = make_judge_call(judge, known.item, given, rubric)
        if call is not None:
            calls[known.reply_id] = replace(call, sample=sample)
    return calls


def _count_pending(workspace: Workspace, gold: GoldSet, calls: Mapping[str, Call]) -> int:
    """Return how many calls the journal has no reply to."""
    try:
        _ask(workspace, gold, None, list(calls.values()), Paper())
    except PendingCalls as pending:
        return len(pending.certain)
    return 0


def _ask(
    workspace: Workspace,
    gold: GoldSet,
    judge: Endpoint | None,
    calls: Sequence[Call],
    asking: Asking,
) -> dict[str, Reply]:
    items = list({known.item.item_id: known.item for known in gold.replies}.values())

    async def ask() -> dict[str, Reply]:
        endpoints = [judge] if judge else []
        async with asking.open(workspace, JUDGE_CHECK, endpoints, items) as asker:
            return await asker.ask(calls)

    return asyncio.run(ask())


def _read_words(
    gold: GoldSet, calls: Mapping[str, Call], replies: Mapping[str, Reply]
) -> dict[str, JudgeWord]:
    kinds = {known.reply_id: known.item.kind for known in gold.replies}
    return {
        reply_id: JudgeWord(parse_judge(replies[call.key].text, kinds[reply_id]))
        for reply_id, call in calls.items()
        if replies[call.key].outcome is Outcome.ANSWERED
    }


def _find_before(
    gold: GoldSet, judge: Endpoint, done: Sequence[Row]
) -> tuple[str, dict[str, JudgeWord]]:
    """Return the earliest words of a judge on a set, and when it said them."""
    at_freezing = gold.list_words(judge.name)
    if at_freezing:
        return f"run {gold.run}", at_freezing
    if done:
        words = {reply: JudgeWord(word) for reply, word in done[0]["words"].items()}
        return f"the check of {done[0]['at']}", words
    return "", {}


def _record(log: Path, found: Check, prompts: Sequence[str], done: Sequence[Row], at: str) -> None:
    """Append a check to the log, unless it says again what was said last: no call was made, no word is another."""
    words = {reply: str(word) for reply, word in found.words.items()}
    row = {
        "gold": found.gold.hash,
        "judge": found.judge.name,
        "endpoint": describe_endpoint(found.judge),
        "prompts": list(prompts),
        "sample": found.sample,
        "words": words,
    }
    if not any(row == {key: earlier.get(key) for key in row} for earlier in done):
        append_row(log, row | {"at": at, "drift": found.drift.as_dict()})
