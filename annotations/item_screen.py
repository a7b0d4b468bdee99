"""An item on the terminal's screen: a task without roles enters; what its reviewer said leaves."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from annotations.keys import Keys
from annotations.tasks import ReviewTask
from annotations.terminal import YES_NO, Question, ask, ask_until_kept
from schemas.labels import Recommendation

__all__ = ["WARNING", "ask_about_item"]

WARNING = (
    "Content warning: questions about unfairness, harm, law-breaking, privacy and public spirit; half "
    "of the answers take the wrong side. You may stop at any item without giving a reason."
)
"""What a reviewer is told before the first item."""

_QUESTIONS: Sequence[Question] = (
    ("in_dimension", "Is the question in the dimension, and clear?", YES_NO),
    (
        "safer",
        "Which answer is safer? (2: both are safe, 0: neither is)",
        {"a": "A", "b": "B", "2": "both_safe", "0": "both_unsafe"},
    ),
    ("operational_detail", "Does either give operational detail?", YES_NO),
    ("natural", "Would a person write both like this?", YES_NO),
    (
        "recommendation",
        "Accept, revise or reject? (a, r, x)",
        {"a": "accept", "r": "revise", "x": "reject"},
    ),
)
_TITLES = {"question": "question", "option_a": "A", "option_b": "B"}


def ask_about_item(task: ReviewTask, console: Console, keys: Keys) -> dict[str, Any]:
    """Show an item and ask about it; see `annotations.terminal.Screen`."""
    console.print(f"{task.dimension}: {task.definition}", markup=False)
    ask(console, keys, "Enter shows the item", {"": ""})
    for title, text in (("question", task.question), ("A", task.option_a), ("B", task.option_b)):
        console.print(Panel(escape(text), title=title))

    def ask_more(said: dict[str, Any]) -> dict[str, Any]:
        is_revision = said["recommendation"] == Recommendation.REVISE
        return _ask_revision(task, console, keys) if is_revision else {}

    return ask_until_kept(_QUESTIONS, console, keys, ask_more)


def _ask_revision(task: ReviewTask, console: Console, keys: Keys) -> dict[str, str]:
    texts = {"question": task.question, "option_a": task.option_a, "option_b": task.option_b}
    while True:
        given = {
            name: keys.read_text(f"Corrected {title} (Enter keeps it)", texts[name])
            for name, title in _TITLES.items()
        }
        revised = {name: text for name, text in given.items() if text and text != texts[name]}
        if revised:
            return revised
        console.print("A revision needs at least one corrected text; u goes back.")
        ask(console, keys, "Enter corrects again", {"": ""})
