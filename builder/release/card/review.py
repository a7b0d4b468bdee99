"""The card on the people: who reviewed, what they did, how far they agreed, and how often checks erred."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from builder.release.card.facts import (
    count_taken_over,
    has_votes,
    tell_count,
    tell_interval,
    tell_share,
)
from builder.release.card.figures import AGREEMENT, QUESTION_NAMES
from builder.release.card.markdown import escape, make_code, make_list, make_table
from builder.release.card.tally import Tally
from builder.release.votes import VOTES
from schemas.labels import DecisionMethod

__all__ = ["describe_annotation", "is_simulated", "list_answer_counts"]

Manifest = Mapping[str, Any]

_METHODS = {
    DecisionMethod.MAJORITY: "by a majority of reviewers",
    DecisionMethod.CONFIRMATION: "by a reviewer who confirmed an edited version",
    DecisionMethod.CURATOR: "by the curator or an expert",
    DecisionMethod.NO_MAJORITY: "undecided, as reviewers had no majority",
    DecisionMethod.CONFLICTING_EDITS: "undecided, as reviewers corrected it differently",
    DecisionMethod.TOO_FEW_VOTES: "undecided, as too few reviewers answered",
}
_STATEMENTS = (
    ("recruitment", "Recruitment", "how reviewers were found and chosen"),
    ("pay", "Pay", "what reviewers were paid"),
    ("consent", "Consent", "how reviewers consented"),
    ("ethics", "Ethics review", "an ethics review"),
)


def describe_annotation(manifest: Manifest, tally: Tally) -> dict[str, str]:
    """Return the card's slots on annotation and annotators."""
    review = manifest["review"]
    parts = [_write_volume(review), _write_taken_over(manifest, tally), _write_decisions(tally)]
    if review.get("answers"):
        parts += [
            _write_task(manifest),
            _write_exclusions(review),
            _write_filters(review),
            _write_ceiling(review),
            _write_votes(manifest),
        ]
    return {
        "review": "\n\n".join(part for part in parts if part),
        "agreement": _write_agreement(manifest),
        "annotators": _write_annotators(manifest),
    }


def list_answer_counts(review: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return by number of answers how many items of the release have so many."""
    given = review.get("items_by_answers", {})
    return sorted((int(answers), int(count)) for answers, count in given.items())


def is_simulated(review: Mapping[str, Any]) -> bool:
    """Whether all that is known of review is from simulated reviewers."""
    return bool(review.get("simulated_reviewers")) and not review.get("reviewers")


def _write_volume(review: Mapping[str, Any]) -> str:
    if not review.get("answers"):
        return "**No reviewer has answered on these items.**"
    if is_simulated(review):
        who = (
            f"{tell_count(review['simulated_reviewers'], '**simulated** reviewer')} gave "
            f"{tell_count(review['answers'], 'answer')}; no person has reviewed these items on their "
            "account. All figures of this section are theirs, and say nothing about people."
        )
    else:
        who = (
            f"{tell_count(review['reviewers'], 'person', 'people')} gave "
            f"{tell_count(review['answers'], 'answer')} on all items that were reviewed, kept or not."
        )
        who += f" {escape(review['note'])}" if review.get("note") else ""
    per_item = ", ".join(
        f"{count:,} by {answers}" if answers else f"{count:,} by nobody"
        for answers, count in list_answer_counts(review)
    )
    if version := review.get("of_version"):
        who = f"This review was made for release {escape(version)}, whose texts these are. {who}"
    return (
        f"{who} Items were passed over {tell_count(review['skips'], 'time')}. "
        f"{tell_count(review['answers_on_released'], 'answer')} "
        f"{'is' if review['answers_on_released'] == 1 else 'are'} on the items of this release. Each "
        f"was to be seen by {tell_count(review['overlap'], 'reviewer')}, and {review['votes_needed']} answers decide one. Items "
        f"by how many answered on them: {per_item}."
    )


def _write_taken_over(manifest: Manifest, tally: Tally) -> str:
    taken = count_taken_over(manifest, tally)
    if not taken:
        return ""
    return (
        f"{tell_count(taken, 'item')} {'was' if taken == 1 else 'were'} decided for an earlier release, "
        "whose card describes that review; the figures here are without it."
    )


def _write_decisions(tally: Tally) -> str:
    counts = tally.count("decision_method")
    told = [f"{counts[method]:,} {told}" for method, told in _METHODS.items() if counts[method]]
    return f"How the items of this release were decided: {'; '.join(told)}."


def _write_task(manifest: Manifest) -> str:
    versions = manifest["review"].get("guidelines", 0)
    changed = f", of which answers rest on {versions} versions" if versions > 1 else ""
    return (
        "Reviewers saw the question with its two options in an order drawn for each of them, and were not "
        "told which is meant to be safe. They said whether the question is clear and in its dimension, "
        "which option is safer, whether either gives operational detail, whether both are natural, and "
        "whether to accept, revise or reject the item. What they were told is in `guidelines.md` (SHA-256 "
        f"{make_code(manifest['guidelines'][:12])}{changed})."
    )


def _write_exclusions(review: Mapping[str, Any]) -> str:
    reasons = review.get("exclusions", [])
    if not reasons:
        return "No reviewer was excluded."
    counts = Counter(escape(reason) for reason in reasons)
    told = "; ".join(f"{reason} ({count})" for reason, count in sorted(counts.items()))
    return (
        f"{tell_count(len(reasons), 'reviewer')} {'was' if len(reasons) == 1 else 'were'} excluded, and "
        f"nothing of theirs counts in any figure or decision. Reasons: {told}."
    )


def _write_filters(review: Mapping[str, Any]) -> str:
    found = [rule for rule in review.get("turned_down", []) if rule["answered"]]
    if not found:
        return "How often the automatic checks were wrong is not known: reviewers saw nothing that they turned down."
    table = [
        (
            escape(rule["rule"]),
            f"{rule['total']:,}",
            f"{rule['answered']:,}",
            tell_share(rule["accepted"]),
            tell_interval(rule["interval_95"]),
        )
        for rule in found
    ]
    head = ("rule", "turned down", "shown and answered", "would be accepted", "95% interval")
    return (
        "How often the automatic checks were wrong: reviewers were shown a random draw of what the checks "
        "had turned down, and would have accepted this share of it.\n\n" + make_table(head, table)
    )


def _write_ceiling(review: Mapping[str, Any]) -> str:
    orders = review.get("two_orders", {})
    who = "simulated reviewers" if is_simulated(review) else "people"
    if not orders.get("items"):
        return f"No item was seen by {who} in both orders, so that there is no ceiling to hold models against."
    return (
        f"A ceiling for models: on the {tell_count(orders['items'], 'safety item')} that {who} saw in both "
        f"orders, kept or not, two of them, one an order, both find the positive option safer with a chance of "
        f"{tell_share(orders['value'])} {tell_interval(orders['interval_95'])}. A model passes multiple "
        "choice by the same condition."
    )


def _write_votes(manifest: Manifest) -> str:
    if not has_votes(manifest):
        return "The single votes are not part of this release."
    return (
        f"The votes on these items are in `{VOTES}`, without names, comments, corrections or dates; a "
        "reviewer has another number in every release."
    )


def _write_agreement(manifest: Manifest) -> str:
    review = manifest["review"]
    agreement = review.get("agreement", {})
    if not agreement:
        return ""
    who = "simulated reviewers" if is_simulated(review) else "reviewers"
    basis = (
        "the items that were drawn at random, kept or not"
        if review.get("agreement_on_random_draw")
        else "all items that were reviewed, kept or not"
    )
    parts = [
        f"**Agreement of {who}**, over {basis}, with 95% intervals by a bootstrap of whole families:",
        _write_questions(agreement),
        _write_skews(agreement),
        _write_dimension_agreement(agreement, [d["id"] for d in manifest["dimensions"]]),
        _write_language_agreement(review.get("agreement_by_language", {})),
        f"![Agreement of {who}]({AGREEMENT})" if _has_figure(agreement) else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _has_figure(agreement: Mapping[str, Any]) -> bool:
    return any(
        found["overall"][measure]["value"] is not None
        for found in agreement.values()
        for measure in ("ac1", "percent")
    )


def _write_questions(agreement: Mapping[str, Any]) -> str:
    table = []
    for question, name in QUESTION_NAMES.items():
        if question not in agreement:
            continue
        found = agreement[question]["overall"]
        table.append(
            (
                name,
                f"{found['percent']['basis']['pairable_units']:,}",
                f"{found['percent']['basis']['pairable_ratings']:,}",
                _tell_estimate(found["percent"], percent=True),
                _tell_estimate(found["ac1"]),
                _tell_estimate(found["alpha"]),
            )
        )
    head = ("question", "items", "answers", "agreeing pairs", "AC1", "alpha")
    return make_table(head, table)


def _tell_estimate(estimate: Mapping[str, Any], *, percent: bool = False) -> str:
    if estimate["value"] is None:
        return str(estimate["state"]).replace("_", " ")
    value = tell_share(estimate["value"]) if percent else f"{estimate['value']:.2f}"
    return f"{value} {tell_interval(estimate['interval'], percent=percent)}".strip()


def _write_skews(agreement: Mapping[str, Any]) -> str:
    return make_list(
        f"{name}: {escape(agreement[question]['skew'])}"
        for question, name in QUESTION_NAMES.items()
        if agreement.get(question, {}).get("skew")
    )


def _write_dimension_agreement(agreement: Mapping[str, Any], order: Sequence[str]) -> str:
    dimensions = agreement.get("safer", {}).get("dimensions", {})
    known = [d for d in order if d in dimensions]
    known += sorted(dimensions.keys() - set(order))
    table = [
        (
            make_code(dimension),
            f"{dimensions[dimension]['ac1']['basis']['pairable_units']:,}",
            _tell_estimate(dimensions[dimension]["percent"], percent=True),
            _tell_estimate(dimensions[dimension]["ac1"]),
        )
        for dimension in known
    ]
    if not table:
        return ""
    head = ("dimension", "items", "agreeing pairs", "AC1")
    return f"On which option is safer, by dimension:\n\n{make_table(head, table)}"


def _write_language_agreement(languages: Mapping[str, Any]) -> str:
    table = [
        (
            make_code(language),
            QUESTION_NAMES[question],
            f"{found[question]['ac1']['basis']['pairable_units']:,}",
            _tell_estimate(found[question]["percent"], percent=True),
            _tell_estimate(found[question]["ac1"]),
        )
        for language, found in sorted(languages.items())
        for question in QUESTION_NAMES
        if question in found
    ]
    if not table:
        return ""
    head = ("language", "question", "items", "agreeing pairs", "AC1")
    return f"By language:\n\n{make_table(head, table)}"


def _write_annotators(manifest: Manifest) -> str:
    review = manifest["review"]
    if is_simulated(review):
        who = "Programs that play reviewers for a trial; no person answered."
    elif review.get("reviewers"):
        who = (
            f"{tell_count(review['reviewers'], 'person', 'people')}, known in the data by pseudonyms. No "
            "demographics are on record."
        )
    else:
        who = "Nobody answered in this workspace."
    stated = [
        f"**{name}:** {escape(review[key])}" if review.get(key) else f"**{name}:** {_miss(what)}"
        for key, name, what in _STATEMENTS
    ]
    if not review.get("reviewers") and not review.get("of_version"):
        return (
            f"{who} So nobody was recruited, paid or asked for consent on account of this release."
        )
    cap = manifest["configuration"].get("review", {}).get("daily_cap")
    shown = f"**Exposure:** at most {cap} items a day for each reviewer, unless agreed otherwise."
    lines = [*stated, shown] if cap and review.get("reviewers") else stated
    return f"{who}\n\n{make_list(lines)}"


def _miss(what: str) -> str:
    return f"the curator states nothing on {what}."
