"""A judge asked again on a gold set: the set and a judge enter; its words, how right they are and what changed leave.

A call that the journal holds is not made again: asked as before, a judge answers from there, and only another
prompt or another configuration makes a call. ``fresh`` asks anew, under the next sample number, which is how a
model that changed behind its name is found. Every check that brought all words is kept in
``private/judge/NAME.checks.jsonl``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder.bundle.engine.calls import FINAL_OUTCOMES, Call, Endpoint, Reply
from builder.bundle.engine.judging import Rubric, make_judge_call
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.parsing import parse_judge
from builder.config import OFFLINE_URL, describe_endpoint
from builder.judge_drift import Drift, Rate, compare_words, measure_rate
from builder.judge_gold import GoldSet
from builder.llm.asking import Asking, Live, Paper, PendingCalls
from builder.workspace import Workspace
from schemas.labels import JudgeWord
from schemas.storage import Row, append_row, read_log

__all__ = ["JUDGE_CHECK", "Check", "check_judge", "find_log_path"]

JUDGE_CHECK = "judge-check"
"""How the journal names the calls of a check."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a judge said of a gold set.

    ``asked`` calls were made, the other words came from the journal. ``failures`` counts the calls that brought
    no reply, by reason; a judge that refused, or was filtered or cut off, has no word of that reply.
    ``since`` says what ``drift`` compares with: the words at the freezing, or the judge's first check; and
    ``differences`` what was set up otherwise then.
    """

    gold: GoldSet
    judge: Endpoint
    sample: int
    asked: int
    words: Mapping[str, JudgeWord]
    failures: tuple[tuple[str, int], ...]
    since: str
    before: Mapping[str, JudgeWord]
    differences: tuple[str, ...]

    @property
    def silent(self) -> int:
        """How many replies the judge was asked about and said nothing of."""
        failed = sum(count for _, count in self.failures)
        return len(self.gold.replies) - len(self.words) - failed

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
            "no_word": self.silent,
            "differences": list(self.differences),
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
        prompts = sorted({call.prompt for call in calls.values()})
        earlier = _find_earlier(gold, judge, done)
        found = Check(
            gold=gold,
            judge=judge,
            sample=sample,
            asked=asked,
            words=_read_words(gold, calls, replies),
            failures=_count_failures(replies.values()),
            since=earlier.since,
            before=earlier.words,
            differences=earlier.list_differences(judge, prompts),
        )
        if not found.failures:
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


def _count_failures(replies: Iterable[Reply]) -> tuple[tuple[str, int], ...]:
    failed = (reply for reply in replies if reply.outcome not in FINAL_OUTCOMES)
    counted = Counter(f"{reply.outcome}: {reply.error}" for reply in failed)
    return tuple(counted.most_common())


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The earliest words of a judge on a set: when it said them, and how it was set up and asked."""

    since: str
    words: Mapping[str, JudgeWord]
    endpoint: Mapping[str, Any] | None
    prompts: Sequence[str]

    def list_differences(self, judge: Endpoint, prompts: Sequence[str]) -> tuple[str, ...]:
        """Return what is set up otherwise now."""
        if not self.words:
            return ()
        is_other = self.endpoint is not None and self.endpoint != describe_endpoint(judge)
        told = (
            (is_other, "another model, address or parameters"),
            (list(self.prompts) != list(prompts), "another judge prompt"),
        )
        return tuple(words for differs, words in told if differs)


def _find_earlier(gold: GoldSet, judge: Endpoint, done: Sequence[Row]) -> _Earlier:
    words = gold.list_words(judge.name)
    if words:
        prompts = gold.prompts.get(judge.name, ())
        return _Earlier(f"run {gold.run}", words, gold.judges.get(judge.name), prompts)
    if not done:
        return _Earlier("", {}, None, ())
    first = done[0]
    words = {reply: JudgeWord(word) for reply, word in first["words"].items()}
    return _Earlier(f"check of {first['at']}", words, first["endpoint"], first["prompts"])


def _record(log: Path, found: Check, prompts: Sequence[str], done: Sequence[Row], at: str) -> None:
    """Append a check to the log, unless it is there already, as where no call was made."""
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
