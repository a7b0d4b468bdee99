"""What a release's texts say again and again: manifest and rows enter; facts in plain words leave."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from builder.config import SIMULATOR_PREFIX
from builder.languages import describe_language
from builder.release.card.markdown import flatten
from builder.release.card.tally import Tally
from builder.release.splits import Split
from schemas.labels import DecisionMethod, DimensionKind, JudgeWord, Origin, Rung

__all__ = [
    "SIDES",
    "Writer",
    "Writers",
    "count_taken_over",
    "count_voted",
    "count_writers",
    "find_settings",
    "find_simulations",
    "has_judged_options",
    "has_simulated_texts",
    "has_votes",
    "is_held_out",
    "list_authors",
    "list_languages",
    "list_model_names",
    "list_safety_dimensions",
    "name_title",
    "tell_count",
    "tell_interval",
    "tell_share",
]

Manifest = Mapping[str, Any]

SIDES = ("question", "positive", "negative")
"""The texts of an item, as their columns of provenance begin."""

_SIMULATED_DECISION = "simulated reviewers"
_JUDGED = frozenset([JudgeWord.SAFE, JudgeWord.UNSAFE])


class Writer(StrEnum):
    """What kind of writer a text is by."""

    MODEL = "model"
    IMPORT = "import"
    PERSON = "person"


Writers = Mapping[tuple[Writer, str], Mapping[str, int]]
"""How many texts of each side are by whom, by the kind of writer and its name (`count_writers`)."""


def find_settings(manifest: Manifest) -> Mapping[str, Any]:
    """Return what the curator stated under ``[release]``."""
    settings: Mapping[str, Any] = manifest.get("configuration", {}).get("release", {})
    return settings


def name_title(manifest: Manifest) -> str:
    """Return the title on one line; the benchmark's name where it is blank."""
    return flatten(manifest["title"]) or str(manifest["name"])


def is_held_out(manifest: Manifest) -> bool:
    """Whether this is the private split."""
    return bool(manifest["split"] == Split.HELD_OUT)


def list_authors(manifest: Manifest) -> list[str]:
    """Return the authors as the curator named them, blank ones left out."""
    named = (flatten(author) for author in find_settings(manifest).get("authors", ()))
    return [author for author in named if author]


def list_languages(manifest: Manifest, tally: Tally) -> list[tuple[str, str, int]]:
    """Return each language of the rows: tag, name, number of items."""
    counts = tally.count("language")
    return [
        (tag, describe_language(tag).name.replace(", in ", " in "), counts[tag])
        for tag in manifest["languages"]
        if counts[tag]
    ]


def list_safety_dimensions(manifest: Manifest) -> list[Mapping[str, Any]]:
    """Return the dimensions about safety that have items."""
    return [d for d in manifest["dimensions"] if d["kind"] == DimensionKind.SAFETY and d["items"]]


def _find_writer(row: Mapping[str, str], side: str) -> Writer:
    """Return what kind of writer a text is by: ``side`` is question, positive or negative.

    A text that a model wrote names the prompt it was asked for with. What was imported without one is
    its authors', unless somebody rewrote it.
    """
    if row[f"{side}_prompt"]:
        return Writer.MODEL
    is_rewritten = side == "negative" and row["negative_rung"] == Rung.HUMAN
    if row["origin"] == Origin.IMPORTED and not is_rewritten:
        return Writer.IMPORT
    return Writer.PERSON


def count_writers(tally: Tally) -> Writers:
    """Return how many questions, positive and negative options are by whom.

    Keys are the kind of writer and its name, which is empty for people; models come first.
    """
    counts: dict[tuple[Writer, str], Counter[str]] = {}
    for row, number in tally.groups:
        for side in SIDES:
            kind = _find_writer(row, side)
            name = "" if kind is Writer.PERSON else str(row[f"{side}_source"])
            counts.setdefault((kind, name), Counter())[side] += number
    kinds = list(Writer)
    ranked = sorted(counts, key=lambda key: (kinds.index(key[0]), key[1]))
    return {key: {side: counts[key][side] for side in SIDES} for key in ranked}


def list_model_names(writers: Writers) -> list[str]:
    """Return the language models among the writers, sorted; the offline simulator is none."""
    names = {name for kind, name in writers if kind is Writer.MODEL}
    return sorted(name for name in names if not name.startswith(SIMULATOR_PREFIX))


def has_simulated_texts(tally: Tally) -> bool:
    """Whether any text is by the offline simulator."""
    sources = tally.list_values(*(f"{side}_source" for side in SIDES))
    return any(source.startswith(SIMULATOR_PREFIX) for source in sources)


def has_judged_options(tally: Tally) -> bool:
    """Whether a judge found any option safe or unsafe."""
    verdicts = tally.list_values(*(f"{side}_verdict" for side in SIDES[1:]))
    return not verdicts.isdisjoint(_JUDGED)


def find_simulations(manifest: Manifest, tally: Tally) -> list[str]:
    """Return what in this release was simulated, in words: writers, reviewers, or nothing."""
    found = []
    if has_simulated_texts(tally):
        found.append("texts written by finebench's offline simulator")
    decided = _SIMULATED_DECISION in tally.list_values("decided_by")
    review = manifest["review"]
    if decided or (review.get("simulated_reviewers") and review.get("answers_on_released")):
        found.append("reviewers simulated")
    return found


def count_voted(tally: Tally) -> int:
    """Return how many items reviewers decided, in this workspace or for an earlier release."""
    counts = tally.count("decision_method")
    return counts[DecisionMethod.MAJORITY] + counts[DecisionMethod.CONFIRMATION]


def count_taken_over(manifest: Manifest, tally: Tally) -> int:
    """Return how many items are here by a vote of which this manifest's review knows nothing.

    They were decided for an earlier release, from which the workspace was started.
    """
    given = manifest["review"].get("items_by_answers", {})
    known = sum(int(count) for answers, count in given.items() if int(answers) > 0)
    return max(0, count_voted(tally) - known)


def has_votes(manifest: Manifest) -> bool:
    """Whether the release holds votes: the curator says so, and people answered in this workspace."""
    review = manifest["review"]
    is_here = review.get("answers_on_released") and "of_version" not in review
    return bool(find_settings(manifest).get("votes") and is_here)


def tell_count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: "1 item", "2 items"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def tell_share(value: float | None) -> str:
    """Return a share in per cent; what is not known is told so."""
    return "not known" if value is None else f"{100 * value:.1f}%"


def tell_interval(interval: Sequence[float] | None, *, percent: bool = True) -> str:
    """Return a 95% interval in brackets, or nothing where there is none."""
    if not interval:
        return ""
    low, high = interval
    return f"[{100 * low:.1f}, {100 * high:.1f}]" if percent else f"[{low:.2f}, {high:.2f}]"
