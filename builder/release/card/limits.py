"""The card on what the release is for, what it is not for, and where its figures end."""

from collections.abc import Mapping
from typing import Any

from builder.bundle.engine.intervals import find_wilson_interval
from builder.release.card.facts import (
    SIDES,
    Writer,
    count_taken_over,
    count_writers,
    find_settings,
    find_simulations,
    has_votes,
    is_held_out,
    list_languages,
    list_model_names,
    list_safety_dimensions,
    tell_count,
    tell_share,
)
from builder.release.card.markdown import escape, make_list
from builder.release.card.review import is_simulated
from builder.release.card.tally import Tally

__all__ = ["describe_limits", "list_limits", "tell_out_of_scope", "tell_personal", "tell_use"]

Manifest = Mapping[str, Any]

_TELLING_LEAK = 0.6


def describe_limits(manifest: Manifest, tally: Tally) -> dict[str, str]:
    """Return the card's slots on uses, personal data, limits and recommendations."""
    return {
        "direct_use": tell_use(manifest, tally),
        "out_of_scope": make_list(tell_out_of_scope(manifest)),
        "personal": tell_personal(manifest),
        "limits": make_list(list_limits(manifest, tally)),
        "recommendations": make_list(_list_recommendations(manifest, tally)),
    }


def tell_use(manifest: Manifest, tally: Tally) -> str:
    """Return what the release is meant for."""
    if find_simulations(manifest, tally):
        return (
            "Trying out the tool and its formats. Parts of this release are simulated, so that it measures "
            "nothing about real models."
        )
    if is_held_out(manifest):
        return (
            "Measuring, in private, whether a model's scores on the public split hold on items that it "
            "cannot have seen."
        )
    return (
        "Research on how consistent the safety of language models is: measuring for a model, by "
        "dimension, how often what it says openly and what it chooses are both safe, and how often they "
        "agree."
    )


def tell_out_of_scope(manifest: Manifest) -> list[str]:
    """Return what the release is not for, a sentence each."""
    told = [
        (
            "**Training.** A model that was trained on these items, or tuned to their form, can no longer be "
            "measured with them."
        ),
        (
            "**Certifying a model as safe.** The items cover few situations, and a high score shows no more "
            "than that the two forms agree on them."
        ),
        (
            "**Harming people.** Unsafe options are there to be recognised. They are no advice, and are not to "
            "be used to insult, threaten or mislead anybody."
        ),
        (
            "**Ranking models by small differences.** Intervals of few items are wide; the evaluator prints "
            "them."
        ),
    ]
    if is_held_out(manifest):
        told.insert(0, "**Publishing**, in whole or in part, in any form.")
    return told


def tell_personal(manifest: Manifest) -> str:
    """Return what the release holds about people."""
    review = manifest["review"]
    votes = has_votes(manifest)
    asked = " and by reviewers" if review.get("reviewers") else ""
    return (
        "Questions are meant to be about situations, and not about real people. Texts are searched for "
        f"personal data and links by rule{asked}; that does not find everything. Questions may touch on "
        "sensitive matters, such as origin, health or religion. Of people who worked on the benchmark the "
        "data hold the pseudonyms in `decided_by` and in the columns of sources"
        + (", and their votes under numbers." if votes else ", and no single votes.")
    )


def list_limits(manifest: Manifest, tally: Tally) -> list[str]:
    """Return the known limits as Markdown, a sentence or two each: those that follow from the data, then the curator's."""
    found = [
        *_limit_review(manifest, tally),
        *_limit_counts(manifest),
        *_limit_languages(manifest, tally),
        *_limit_writers(tally),
        *_limit_leak(manifest),
        *_limit_waivers(manifest),
        (
            "**Judging.** Open replies are judged by a model, which errs, and not alike for every model. "
            "Have people judge a sample before you draw conclusions."
        ),
    ]
    stated = [escape(limit) for limit in find_settings(manifest).get("limits", ())]
    return found + [limit for limit in stated if limit]


def _limit_review(manifest: Manifest, tally: Tally) -> list[str]:
    review = manifest["review"]
    found = []
    if simulations := find_simulations(manifest, tally):
        found.append(f"**Simulation.** In this release: {', '.join(simulations)}.")
    if count_taken_over(manifest, tally):
        found.append(
            "**Earlier review.** Items were decided for an earlier release; how well reviewers agreed "
            "then stands in its card, not here."
        )
    elif not review.get("answers_on_released"):
        found.append(
            "**No review.** Nobody reviewed these items for this release: that the positive options are "
            "the safer ones was not confirmed by people here."
        )
    elif not is_simulated(review):
        found.append(
            "**Norms.** What counts as safe was decided by "
            f"{tell_count(review['reviewers'], 'person', 'people')} by the guidelines of this release; "
            "others may judge otherwise."
        )
    return found


def _limit_counts(manifest: Manifest) -> list[str]:
    dimensions = list_safety_dimensions(manifest)
    if not dimensions:
        return ["**Scope.** There are no items of safety dimensions."]
    smallest = min(dimensions, key=lambda d: (d["items"], d["id"]))
    low, high = find_wilson_interval(smallest["items"] / 2, smallest["items"])
    return [
        (
            f"**Size.** The smallest dimension, {escape(smallest['name'])}, has "
            f"{tell_count(smallest['items'], 'item')}: a score of 50% on it has a 95% interval from "
            f"{tell_share(low)} to {tell_share(high)}."
        )
    ]


def _limit_languages(manifest: Manifest, tally: Tally) -> list[str]:
    languages = list_languages(manifest, tally)
    names = ", ".join(escape(name) for _, name, _ in languages)
    told = f"**Languages.** The items are in {names} alone, and norms differ between places."
    if len(languages) > 1:
        told += " Scores in two languages are of different items, and differ for that reason too."
    return [told]


def _limit_writers(tally: Tally) -> list[str]:
    counts = count_writers(tally)
    models = list_model_names(counts)
    if not models:
        return []
    written = sum(sum(counts[Writer.MODEL, name].values()) for name in models)
    return [
        (
            f"**Style.** {tell_share(written / (tally.items * len(SIDES)))} of the texts were written by "
            f"{tell_count(len(models), 'language model')}. Models write more smoothly than people, and a "
            "model that shares its family with a writer or with the judge may find the items easier."
        )
    ]


def _limit_leak(manifest: Manifest) -> list[str]:
    gauges = manifest["checks"]["option_leak"]["gauges"]
    content = [g for g in gauges if g["kind"] == "content" and g["accuracy"] is not None]
    telling = [g for g in content if g["accuracy"] > _TELLING_LEAK]
    if not telling:
        return []
    worst = max(telling, key=lambda g: g["accuracy"])
    return [
        (
            "**Content leak.** A reader of the options alone, by their "
            f"{escape(worst['auditor'])}, finds the positive one in {tell_share(worst['accuracy'])} of pairs: a "
            "model may pass multiple choice by recognising the tone without weighing the question."
        )
    ]


def _limit_waivers(manifest: Manifest) -> list[str]:
    return [
        f"**Waived: {escape(name)}.** {escape(reason)}"
        for name, reason in sorted(manifest["waivers"].items())
    ]


def _list_recommendations(manifest: Manifest, tally: Tally) -> list[str]:
    told = [
        (
            "Report CS and CSS with n, coverage and intervals, and name the version of this release and of its "
            "evaluator."
        ),
        "Report the two forms beside them: a low CS may come from either.",
        (
            "Read a gap between open and chosen answers beside the gap on the controls, and beside what "
            "people reach in both orders."
        ),
        (
            "Keep the items, and replies that quote them, out of what may become training data; search for the "
            "canary before you do."
        ),
    ]
    if find_simulations(manifest, tally):
        told.insert(0, "Do not cite scores on this release as findings.")
    return told
