"""What to do about a leak: the report of an audit enters; sentences for the curator leave."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.checks.leak.gauges import LeakVerdict, Role

__all__ = ["format_arms", "tell_chance", "tell_looks", "tell_what_to_do"]

Report = Mapping[str, Any]

_TELLING = 0.6


def format_arms(arms: Sequence[Report]) -> list[tuple[str, str, int, str, str]]:
    """Return a row for each pair of arms: their names, the pairs, what marks and words find of them."""
    return [
        (
            arm["positive_arm"],
            arm["negative_arm"],
            arm["pairs"],
            f"{arm['marks']:.1%}",
            f"{arm['words']:.1%}",
        )
        for arm in arms
    ]


def tell_chance(report: Report) -> list[str]:
    """Return a sentence on what the best auditor would earn by chance, where that was measured."""
    null = report.get("null")
    if not null:
        return []
    told = (
        f"The best of all auditors earned {null['observed']:.1%}; without a leak it earns "
        f"{null['median']:.1%} in the middle and {null['upper_5_percent']:.1%} in 1 of 20 "
        f"({null['permutations']} relabellings of {null['pairs']} pairs, p = {null['p_value']:.3f})."
    )
    return [told]


def tell_looks(looks: int) -> list[str]:
    """Return a sentence on how often the auditor that gates was asked, where it was."""
    if not looks:
        return []
    versions = "version" if looks == 1 else "versions"
    told = (
        f"The gate's auditor has seen {looks} {versions} of these options: the more often it is asked, "
        "the less its pass says."
    )
    return [told]


def tell_what_to_do(report: Report) -> list[str]:
    """Return advice on each kind of leak that the audit shows, the one that gates first.

    ``report`` is what ``03_leak.json`` holds: gauges with verdicts, and the explanation.
    """
    gauges, found = report["gauges"], report["explanation"]
    accuracy = {g["auditor"]: g["accuracy"] or 0.5 for g in gauges}
    failing = [g for g in gauges if g["role"] == Role.GATE and g["verdict"] == LeakVerdict.FAIL]
    marks = [mark for mark in found["marks"] if mark["alone"] >= _TELLING]
    advice = []
    if failing and marks:
        advice.append(
            f"To mend first: {marks[0]['group']}. {marks[0]['remedy']} If the gate fails still, compare "
            "how both sides look letter by letter."
        )
    elif failing:
        advice.append(
            "The auditor that gates tells the options apart by something that no mark we name "
            "explains: compare how both sides look letter by letter, unusual signs, spacing and "
            "first words above all."
        )
    if accuracy.get("words", 0.5) >= _TELLING and found["words"]:
        advice.append(
            "Words tell the sides apart: write twins, two questions of one family for which the same "
            "two options swap roles, and let both sides use the words listed."
        )
    one_sided = [arm for arm in found["arms"] if arm["words"] >= _TELLING]
    if len(found["arms"]) > 1 and 0 < len(one_sided) < len(found["arms"]):
        worst = one_sided[0]
        advice.append(
            f"Most found of the arms: {worst['positive_arm']} against {worst['negative_arm']}. Have "
            "more pairs written in the other arms, or these anew."
        )
    if found["items"]:
        advice.append("The items that leak most are worth rewriting or withdrawing before others.")
    return advice
