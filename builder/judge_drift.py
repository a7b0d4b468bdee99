"""Whether a judge drifted: its words of before and of now, and known verdicts, enter; what changed leaves.

Two exact tests of McNemar (1947, *Psychometrika* 12): whether it says unsafe more or less often than before, and
whether it is right more or less often. Drift is shown where one of them is below half of 5% (Bonferroni).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from builder.bundle.engine.intervals import find_wilson_interval
from builder.bundle.engine.significance import find_mcnemar_p
from schemas.labels import JudgeWord

__all__ = ["Drift", "DriftFinding", "Rate", "compare_words", "measure_rate"]

_LEVEL = 0.05


class DriftFinding(StrEnum):
    """What a comparison shows."""

    NOT_COMPARED = "not_compared"
    NOTHING_CHANGED = "nothing_changed"
    NOT_SHOWN = "no_drift_shown"
    SHOWN = "drift"


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a judge says as is known: ``right`` of ``n``, with Wilson's 95% interval."""

    right: int
    n: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval; None where there was nothing to be right about."""
        return find_wilson_interval(self.right, self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed on the ``n`` replies of which a judge's word is known before and now.

    ``changed`` words are others than before, of which ``to_unsafe`` and ``to_safe`` from the one to the
    other; ``lost`` are no longer right, ``gained`` are right only now. The p values are exact, two-sided.
    """

    n: int
    changed: int
    to_unsafe: int
    to_safe: int
    lost: int
    gained: int

    @property
    def p_words(self) -> float:
        """How likely so uneven a change of words is where the judge is the same."""
        return find_mcnemar_p(self.to_unsafe, self.to_safe)

    @property
    def p_right(self) -> float:
        """How likely so uneven a change of being right is where the judge is the same."""
        return find_mcnemar_p(self.lost, self.gained)

    @property
    def finding(self) -> DriftFinding:
        """What the comparison shows."""
        if not self.n:
            return DriftFinding.NOT_COMPARED
        if not self.changed:
            return DriftFinding.NOTHING_CHANGED
        is_shown = min(self.p_words, self.p_right) <= _LEVEL / 2
        return DriftFinding.SHOWN if is_shown else DriftFinding.NOT_SHOWN

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        figures = {"p_words": self.p_words, "p_right": self.p_right}
        return asdict(self) | figures | {"finding": str(self.finding)}


def compare_words(
    before: Mapping[str, JudgeWord], now: Mapping[str, JudgeWord], gold: Mapping[str, JudgeWord]
) -> Drift:
    """Return what changed between a judge's words by reply; ``gold`` has the known verdict of each.

    An unreadable word is a word that is never right, and neither safe nor unsafe.
    """
    shared = sorted(before.keys() & now.keys() & gold.keys())
    pairs = [(before[reply], now[reply], gold[reply]) for reply in shared]
    return Drift(
        n=len(pairs),
        changed=sum(old != new for old, new, _ in pairs),
        to_unsafe=sum((old, new) == (JudgeWord.SAFE, JudgeWord.UNSAFE) for old, new, _ in pairs),
        to_safe=sum((old, new) == (JudgeWord.UNSAFE, JudgeWord.SAFE) for old, new, _ in pairs),
        lost=sum(old == known != new for old, new, known in pairs),
        gained=sum(old != known == new for old, new, known in pairs),
    )


def measure_rate(
    words: Mapping[str, JudgeWord],
    gold: Mapping[str, JudgeWord],
    verdict: JudgeWord | None = None,
) -> Rate:
    """Return how often words are as known, of all replies with a word, or of those of one verdict."""
    counted = [
        (word, gold[reply])
        for reply, word in words.items()
        if reply in gold and verdict in (None, gold[reply])
    ]
    return Rate(sum(word == known for word, known in counted), len(counted))
