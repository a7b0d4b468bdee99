"""A gold set for judges: replies whose verdict people gave enter; a frozen file that proves itself leaves.

A set is ``private/judge/NAME.gold.json``: of every reply its item, text, hash of the item's content, people's
verdict, and what the run's judges said of it then; the rubrics they were asked with; and the hash of it all. It
never changes: whoever wants another one freezes it under another name.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.items import Item, make_item
from builder.bundle.engine.judging import Rubric, read_rubrics
from builder.judge_correction import count_ballots, read_ballots
from builder.release.reading import read_release
from builder.reply_plans import JudgedRun, read_judged_run
from builder.run_records import read_run_record
from builder.workspace import Workspace, read_table
from schemas.errors import DataError, StageError, UsageError
from schemas.labels import JudgeWord
from schemas.storage import Row, read_json, write_text
from schemas.tables import TableName
from schemas.texts import canonical_json, hash_text

__all__ = ["GoldReply", "GoldSet", "find_gold_path", "freeze_gold", "read_gold"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class GoldReply:
    """One reply with its verdict: ``votes`` tells how people voted, ``words`` what judges said at the freezing."""

    reply_id: str
    item: Item
    reply: str
    verdict: JudgeWord
    votes: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GoldSet:
    """A frozen set of replies with known verdicts; ``simulated`` where no person gave them.

    ``judges`` are those of its run, by name, and ``prompts`` the hashes of the prompts by which each was asked.
    """

    name: str
    hash: str
    run: str
    simulated: bool
    rubric: Rubric
    judges: Mapping[str, Mapping[str, Any]]
    prompts: Mapping[str, Sequence[str]]
    replies: tuple[GoldReply, ...]

    @property
    def verdicts(self) -> dict[str, JudgeWord]:
        """People's verdict by reply."""
        return {reply.reply_id: reply.verdict for reply in self.replies}

    def list_words(self, judge: str) -> dict[str, JudgeWord]:
        """Return what a judge said at the freezing, of the replies on which it said safe, unsafe or neither."""
        given = {reply.reply_id: reply.words.get(judge) for reply in self.replies}
        return {reply: JudgeWord(word) for reply, word in given.items() if word in _SAID}


_SAID = (JudgeWord.SAFE, JudgeWord.UNSAFE, JudgeWord.UNREADABLE)


def find_gold_path(workspace: Workspace, name: str) -> Path:
    """Return the file of a gold set; raise `UsageError` for what cannot name one."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a gold set: use letters, digits, '.', '_' and '-'.")
    return workspace.root / "private" / "judge" / f"{name}.gold.json"


def freeze_gold(workspace: Workspace, run: str, name: str = "") -> tuple[GoldSet, bool]:
    """Freeze the replies of a run that people decided, and return the set, and whether it is new.

    A reply is decided as for scores by people: more than half of at least ``min_votes``. ``name`` defaults to
    the run's. Raises `StageError` where people decided none, or another set has that name.
    """
    path = find_gold_path(workspace, name or run)
    content = _collect(workspace, run) | {"name": name or run}
    content["hash"] = _hash(content)
    with workspace.hold(f"judge-gold-{name or run}"):
        if path.exists():
            frozen = read_gold(path)
            if frozen.hash != content["hash"]:
                raise StageError(
                    f"{path} holds another set ({len(frozen.replies)} replies, {frozen.hash[:12]}; now there "
                    f"would be {len(content['replies'])}, {str(content['hash'])[:12]}), and a frozen set does "
                    "not change. Freeze this one under another name: --name NAME."
                )
            return frozen, False
        write_text(path, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return read_gold(path), True


def _hash(content: Mapping[str, Any]) -> str:
    """Return the hash of a set: of all that it holds but its name and this hash."""
    return hash_text(
        canonical_json({k: v for k, v in content.items() if k not in ("hash", "name")})
    )


def _collect(workspace: Workspace, run: str) -> Row:
    read = read_judged_run(workspace, run)
    ballots, simulated = read_ballots(workspace, run)
    words: dict[str, dict[str, Row]] = _read_words(read)
    replies = {}
    for reply in read.replies:
        votes = count_ballots(ballots.get(reply.reply_id, {}))
        voters = votes.safe + votes.unsafe + votes.unsure if votes else 0
        if votes is None or votes.majority is None or voters < workspace.config.review.min_votes:
            continue
        replies[reply.reply_id] = {
            "reply_id": reply.reply_id,
            "content_hash": reply.content_hash,
            "item": asdict(read.items[reply.item_id]),
            "reply": reply.text,
            "verdict": str(JudgeWord.SAFE if votes.majority else JudgeWord.UNSAFE),
            "votes": f"safe {votes.safe}, unsafe {votes.unsafe}, cannot tell {votes.unsure}",
            "words": {
                judge: row["verdict"] for judge, row in words.get(reply.reply_id, {}).items()
            },
        }
    if not replies:
        raise StageError(
            f"people decided no reply of run {run}. Have them judge some: `finebench annotate plan --responses "
            f"{run} --reviewer NAME`, then `finebench review --responses {run} --reviewer NAME`."
        )
    about = read_run_record(workspace, run)
    manifest = read_release(workspace.releases / about["release"]).manifest
    return {
        "format": _FORMAT,
        "run": run,
        "simulated": simulated,
        "dimensions": list(read_rubrics(manifest).values()),
        "judge_prompt": about.get("judge_prompt", ""),
        "judges": about.get("judges", []),
        "prompts": _list_prompts(words[key] for key in replies if key in words),
        "replies": [replies[key] for key in sorted(replies)],
    }


def _read_words(read: JudgedRun) -> dict[str, dict[str, Row]]:
    """Return by reply the judgement of each judge of the run that read it; of equal replies the first."""
    ids = {(r.model, r.item_id, r.sample): r.reply_id for r in read.replies}
    found: dict[str, dict[str, Row]] = {}
    for row in read_table(read.folder / "judgements.jsonl", TableName.JUDGEMENT):
        reply = ids.get((row["model"], row["item_id"], row["sample"]))
        if reply is not None and row["verdict"] in _SAID:
            found.setdefault(reply, {}).setdefault(row["judge"], row)
    return found


def _list_prompts(judged: Iterable[Mapping[str, Row]]) -> dict[str, list[str]]:
    """Return by judge the prompts by which it was asked."""
    found: dict[str, set[str]] = {}
    for by_judge in judged:
        for judge, row in by_judge.items():
            found.setdefault(judge, set()).add(row["prompt"])
    return {judge: sorted(prompts) for judge, prompts in sorted(found.items())}


def read_gold(path: Path) -> GoldSet:
    """Return a gold set; raise `DataError` where the file is not as it was frozen."""
    content = read_json(path)
    try:
        if content.get("format") != _FORMAT:
            raise DataError(f"{path}: no gold set of this finebench. Freeze one anew.")
        if content["hash"] != _hash(content):
            raise DataError(
                f"{path}: was changed after it was frozen: its hash is another. Restore it from a copy, or "
                "freeze a new set under another name."
            )
        replies = tuple(map(_read_reply, content["replies"]))
        rubric = Rubric(read_rubrics(content), content["judge_prompt"])
        names = (content["name"], content["hash"], content["run"])
        judges = {judge["name"]: judge for judge in content["judges"]}
    except (KeyError, TypeError, ValueError, AttributeError, EngineError) as error:
        raise DataError(f"{path}: no gold set ({error}). Restore it from a copy.") from None
    return GoldSet(*names, bool(content["simulated"]), rubric, judges, content["prompts"], replies)


def _read_reply(row: Row) -> GoldReply:
    verdict = JudgeWord(row["verdict"])
    item, words = make_item(row["item"]), dict(row["words"])
    return GoldReply(row["reply_id"], item, str(row["reply"]), verdict, str(row["votes"]), words)
