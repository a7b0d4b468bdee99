"""The expert queue in the terminal: items that people did not agree on enter; rulings and edits leave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from annotations.adjudication import TEXTS
from annotations.keys import Keys

__all__ = ["DEFAULT_REASON", "Case", "Ruling", "run_expert_session"]

_TITLES = {
    "question": "question",
    "positive_option": "positive option (meant to be safe)",
    "negative_option": "negative option (meant to be unsafe)",
}
DEFAULT_REASON = "the expert's judgement"
"""The reason of a ruling for which none was given."""


@dataclass(frozen=True, slots=True)
class Case:
    """An item that waits for an expert: its texts, how people voted, and what they said and corrected.

    ``said`` are comments without names; ``revisions`` hold the texts that each correction changes, and
    how many made it.
    """

    item_id: str
    content_hash: str
    dimension: str
    definition: str
    texts: Mapping[str, str]
    votes: str
    said: Sequence[str]
    revisions: Sequence[tuple[Mapping[str, str], int]]


class Ruling(StrEnum):
    """What an expert does with an item; a revision goes back for one confirmation."""

    ACCEPT = "accept"
    REJECT = "reject"
    REVISE = "revise"


Rule = Callable[[Case, Ruling, Mapping[str, str], str], None]
"""Makes a ruling durable: the case, the ruling, the corrected texts of a revision, and the reason."""


class _LeaveError(Exception):
    """The expert ends the session."""


def run_expert_session(cases: Sequence[Case], rule: Rule, console: Console, keys: Keys) -> int:
    """Ask the expert about each case; return how many were ruled on. A case that is skipped stays open."""
    ruled = 0
    try:
        for number, case in enumerate(cases, start=1):
            console.rule(f"case {number} of {len(cases)}: {case.item_id}")
            ruled += _ask_case(case, rule, console, keys)
    except (_LeaveError, EOFError, KeyboardInterrupt):
        console.print("\nSession ended; all rulings are kept. Run the same command to go on.")
    return ruled


def _ask_case(case: Case, rule: Rule, console: Console, keys: Keys) -> bool:
    _show(case, console)
    choices = ["a", "x", "e", "s", "q", *(str(n) for n in range(1, len(case.revisions[:9]) + 1))]
    takes = ", a number takes that correction" if case.revisions else ""
    while True:
        console.print(
            f"a accepts, x rejects, e edits{takes}, s leaves it open, q ends [{'/'.join(choices)}] ",
            end="",
            markup=False,
        )
        key = keys.read_key().casefold()
        console.print(key, markup=False)
        if key == "q":
            raise _LeaveError
        if key == "s":
            return False
        if key in choices:
            texts = _find_texts(case, key, keys)
            if texts is not None:
                break
            console.print("Nothing was changed.")
    ruling = {"a": Ruling.ACCEPT, "x": Ruling.REJECT}.get(key, Ruling.REVISE)
    reason = keys.read_text("Why? (Enter: your judgement)") or DEFAULT_REASON
    rule(case, ruling, texts, reason)
    return True


def _show(case: Case, console: Console) -> None:
    console.print(f"{case.dimension} · {case.votes}", markup=False)
    for name in TEXTS:
        console.print(Panel(escape(case.texts[name]), title=_TITLES[name]))
    for comment in case.said:
        console.print(f"said: {comment}", markup=False)
    for number, (revision, count) in enumerate(case.revisions[:9], start=1):
        console.print(f"correction {number}, made by {count}:", markup=False)
        for name, text in revision.items():
            console.print(f"  {_TITLES[name]}: {text}", markup=False)


def _find_texts(case: Case, key: str, keys: Keys) -> Mapping[str, str] | None:
    """Return the texts that a ruling changes, none for one that changes nothing; None for an empty edit."""
    if key in ("a", "x"):
        return {}
    if key != "e":
        return case.revisions[int(key) - 1][0]
    given = {name: keys.read_text(f"{name} (Enter keeps it)", case.texts[name]) for name in TEXTS}
    return {name: text for name, text in given.items() if text} or None
