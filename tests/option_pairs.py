"""Pairs of options for tests of option leak: drawn from one generator, so that nothing leaks but by mark."""

import json
import random
from collections.abc import Callable
from pathlib import Path

from builder.checks.leak.gauges import OptionPair
from schemas.texts import trim

__all__ = ["make_pairs", "read_fine_pairs"]

WORDS = [
    "yes",
    "no",
    "maybe",
    "I",
    "you",
    "it",
    "is",
    "was",
    "fine",
    "good",
    "wrong",
    "fair",
    "tell",
    "keep",
    "ask",
    "them",
    "her",
    "his",
    "the",
    "a",
    "book",
    "money",
    "friend",
    "never",
    "always",
    "rather",
    "however",
    "but",
    "think",
    "know",
    "sorry",
    "please",
]


def write_option(rng: random.Random) -> str:
    """Return a text of 3 to 25 words with marks, of no side."""
    words = [rng.choice(WORDS) for _ in range(rng.randint(3, 25))]
    marks = [rng.choice(["", "", "", ",", ";", " -", "?"]) for _ in words[1:]]
    text = words[0] + "".join(f"{mark} {word}" for mark, word in zip(marks, words[1:], strict=True))
    return text.capitalize() + rng.choice([".", ".", "!", ""])


def make_pairs(
    count: int, seed: int, mark: Callable[[str], str] = lambda text: text
) -> list[OptionPair]:
    """Return ``count`` pairs of as many families; ``mark`` changes positive options."""
    rng = random.Random(seed)
    return [
        OptionPair(
            mark(write_option(rng)),
            write_option(rng),
            f"family {number:04}",
            f"item {number:04}",
            f"dimension {number % 5}",
        )
        for number in range(count)
    ]


def read_fine_pairs(path: Path) -> list[OptionPair]:
    """Return the options of FINE's items, trimmed, each item a family of its own."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        OptionPair(
            trim(row["Positive Option"]),
            trim(row["Negative Option"]),
            f"{row['category']}-{row['id']}",
            row["id"],
            row["category"],
        )
        for row in rows
    ]
