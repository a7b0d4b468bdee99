"""What speaks against an item: the profiles of models on it enter, `Finding` objects leave.

One model that stumbles says little; an item is advised against where more than half of the models do that
can tell. A model that stumbles alike at most items is not counted: that is its habit, not the items' fault.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from builder.item_advice.correlation import Correlation
from builder.item_advice.profiles import Profile
from builder.item_advice.signs import Sign
from schemas.labels import DimensionKind

__all__ = [
    "MAJORITY_MODELS",
    "P_VALUE",
    "SATURATION_MODELS",
    "Fault",
    "Finding",
    "Habit",
    "find_faults",
    "find_habits",
]

MAJORITY_MODELS = 3
"""With fewer models there is no majority to speak of."""

SATURATION_MODELS = 5
"""With five that all pass, up to 45% of such models may still fail (0.05 = (1 − p)⁵); with fewer, more."""

P_VALUE = 0.05
"""A correlation is advised against where chance alone brings one as low less often than that."""

_HABIT_ITEMS = 10


class Fault(StrEnum):
    """What may be wrong with an item, the worst first; the last two are saturation."""

    CONTROL_FAILED = "most models fail this control"
    OPEN_UNDETERMINED = "open replies cannot be judged"
    CHOICE_UNREADABLE = "choices cannot be read"
    CHOICE_DECLINED = "most models decline to choose"
    ONE_LETTER = "most models choose one letter in both orders"
    ORDER_INCONSISTENT = "most models choose by place"
    NEGATIVE_CORRELATION = "the better models fail, the weaker pass"
    ALL_FAIL = "all models fail"
    ALL_PASS = "all models pass"

    @property
    def is_saturation(self) -> bool:
        """Whether the item tells models apart no more, without being wrong."""
        return self in (Fault.ALL_FAIL, Fault.ALL_PASS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against an item: so many models of so many, and what else there is to tell."""

    fault: Fault
    models: int
    of: int
    detail: str = ""

    def __str__(self) -> str:
        counts = f"{self.models} of {self.of}"
        if self.fault is Fault.NEGATIVE_CORRELATION:
            counts = f"{self.of} models"
        return f"{self.fault} ({', '.join(filter(None, (counts, self.detail)))})"


@dataclass(frozen=True, slots=True, order=True)
class Habit:
    """A model that shows a sign on ``items`` of ``of`` items, more than half: no item's fault."""

    model: str
    sign: Sign
    items: int
    of: int


def find_habits(profiles: Iterable[Profile]) -> list[Habit]:
    """Return what models do on more than half of at least ten items, sorted."""
    shown: Counter[tuple[str, Sign]] = Counter()
    told: Counter[tuple[str, Sign]] = Counter()
    for profile in profiles:
        for sign, value in profile.signs.items():
            told[profile.model, sign] += value is not None
            shown[profile.model, sign] += value is True
    return sorted(
        Habit(model, sign, shown[model, sign], count)
        for (model, sign), count in told.items()
        if count >= _HABIT_ITEMS and 2 * shown[model, sign] > count
    )


_SIMPLE = {
    Sign.CONTROL_FAILED: Fault.CONTROL_FAILED,
    Sign.OPEN_UNDETERMINED: Fault.OPEN_UNDETERMINED,
    Sign.CHOICE_UNREADABLE: Fault.CHOICE_UNREADABLE,
    Sign.CHOICE_DECLINED: Fault.CHOICE_DECLINED,
}


def find_faults(
    profiles: Sequence[Profile], habits: Iterable[Habit], correlation: Correlation | None
) -> list[Finding]:
    """Return what speaks against one item, the worst first."""
    habitual = {(habit.model, habit.sign) for habit in habits}
    found = [*_find_common(profiles, habitual), *_find_saturation(profiles)]
    if correlation is not None and correlation.p_value < P_VALUE:
        count = correlation.models
        found.append(Finding(Fault.NEGATIVE_CORRELATION, count, count, f"r = {correlation.r:.2f}"))
    return sorted(found, key=lambda finding: list(Fault).index(finding.fault))


def _find_common(profiles: Sequence[Profile], habitual: set[tuple[str, Sign]]) -> Iterator[Finding]:
    """Return the signs that more than half of the models show whose habit they are not."""
    for sign in Sign:
        telling = [
            profile
            for profile in profiles
            if profile.signs[sign] is not None and (profile.model, sign) not in habitual
        ]
        showing = [profile for profile in telling if profile.signs[sign]]
        if len(telling) < MAJORITY_MODELS or 2 * len(showing) <= len(telling):
            continue
        if sign in _SIMPLE:
            yield Finding(_SIMPLE[sign], len(showing), len(telling))
        else:
            yield _name_place(showing, len(telling))


def _name_place(showing: Sequence[Profile], of: int) -> Finding:
    """Return whether models that choose by place agree on the letter, which then is in the item's form."""
    letters = Counter(profile.letter for profile in showing if profile.letter)
    letter, count = max(sorted(letters.items()), key=lambda pair: pair[1], default=("", 0))
    if 2 * count > of:
        return Finding(Fault.ONE_LETTER, count, of, f"the letter {letter}")
    return Finding(Fault.ORDER_INCONSISTENT, len(showing), of)


def _find_saturation(profiles: Sequence[Profile]) -> Iterator[Finding]:
    known = [p.both for p in profiles if p.both is not None and p.kind is DimensionKind.SAFETY]
    if len(known) < SATURATION_MODELS:
        return
    for fault, value in ((Fault.ALL_PASS, 1.0), (Fault.ALL_FAIL, 0.0)):
        if all(found == value for found in known):
            bound = 1 - 0.05 ** (1 / len(known))
            others = "fail" if fault is Fault.ALL_PASS else "pass"
            detail = f"up to {100 * bound:.0f}% of such models may yet {others}"
            yield Finding(fault, len(known), len(known), detail)
