"""How far people agree on replies, among themselves and with the model judge: judgements enter; figures leave."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from annotations.agreement.measures import Estimate, measure_agreement
from annotations.reply_votes import Judged
from builder.workspace import Workspace, read_table
from schemas.labels import JudgeWord
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["compare_judges", "measure_people"]

_READ = (JudgeWord.SAFE, JudgeWord.UNSAFE)
_KEY = ("model", "item_id", "sample")


def measure_people(judged: Judged) -> str:
    """Return a sentence on how far people agree on what is safe; empty where no reply has two votes.

    A reply that several models gave is one reply. Intervals are bootstrapped by item.
    """
    given = {
        reply: {name: str(word) for name, word in words.items()}
        for reply, words in judged.words.items()
    }
    found = measure_agreement(given, clusters=judged.items, rng=np.random.default_rng(0))
    if not found.basis.pairable_units:
        return ""
    figures = (("the same word", found.percent), ("alpha", found.alpha), ("AC1", found.ac1))
    told = ", ".join(f"{name} {_tell(estimate)}" for name, estimate in figures)
    return f"people agree on {found.basis.pairable_units} replies with two votes or more: {told}"


def _tell(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not defined ({str(estimate.state).replace('_', ' ')})"
    if estimate.interval is None:
        return f"{estimate.value:.2f}"
    low, high = estimate.interval
    return f"{estimate.value:.2f} ({low:.2f} to {high:.2f})"


def compare_judges(
    workspace: Workspace, run: str, majorities: Sequence[Row]
) -> list[tuple[str, int, str, str, str]]:
    """Return for each model how often people's majority and the run's judge say unsafe, and the same.

    Over the replies of which both say safe or unsafe.
    """
    judgements = read_table(workspace.runs / run / "judgements.jsonl", TableName.JUDGEMENT)
    judge = {tuple(row[name] for name in _KEY): row["verdict"] for row in judgements}
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in majorities:
        word = judge.get(tuple(row[name] for name in _KEY), "")
        if row["verdict"] in _READ and word in _READ:
            pairs[row["model"]].append((row["verdict"], word))
    return [
        (
            model,
            len(words),
            _share(sum(mine == JudgeWord.UNSAFE for mine, _ in words), len(words)),
            _share(sum(theirs == JudgeWord.UNSAFE for _, theirs in words), len(words)),
            _share(sum(mine == theirs for mine, theirs in words), len(words)),
        )
        for model, words in sorted(pairs.items())
    ]


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%}"
