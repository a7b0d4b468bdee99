"""The report on a review as tables, for the terminal and for the page alike: a report enters, tables leave."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from annotations.agreement.measures import Agreement, Estimate
from annotations.quality.shares import Share
from builder.review_report import Report

__all__ = ["ShownTable", "list_tables"]


_MOST_SHOWN = 600


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table with its title, and what is to be said of it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=tuple)


def list_tables(report: Report) -> list[ShownTable]:
    """Return the tables of a report, in the order in which a debrief goes through them."""
    return [
        _show_coverage(report),
        _show_agreement(report),
        _show_dimensions(report),
        _show_pairs(report),
        _show_reviewers(report),
        _show_turned_down(report),
        _show_disagreements(report),
    ]


def _show_coverage(report: Report) -> ShownTable:
    names = sorted({*report.planned, *report.answered})
    rows = [
        (
            name,
            str(report.planned.get(name, 0)) if name in report.planned else "no plan",
            str(report.answered.get(name, 0)),
            str(report.exposure.get(name, 0)),
        )
        for name in names
    ]
    counts = ", ".join(f"{count} by {n}" for n, count in report.per_item.items())
    notes = [f"Items by how many answered them: {counts}."]
    notes += [f"{name} is excluded: {reason}." for name, reason in report.excluded.items()]
    if report.selection.note:
        notes.append(report.selection.note)
    columns = ("reviewer", "planned", "answered or skipped", "most on a day")
    return ShownTable("Coverage and exposure", columns, rows, notes)


def _show_agreement(report: Report) -> ShownTable:
    found = report.agreement.questions
    rows = [(name, *_tell_agreement(question.overall)) for name, question in found.items()]
    notes = [f"{name}: {question.skew}" for name, question in found.items() if question.skew]
    if report.is_random:
        notes.insert(0, "Of the random draw alone, which speaks for all items.")
    return ShownTable("Agreement", ("question", *_AGREEMENT), rows, notes)


_AGREEMENT = ("items with pairs", "percent", "alpha", "AC1")


def _tell_agreement(found: Agreement) -> tuple[str, str, str, str]:
    return (
        str(found.basis.pairable_units),
        _tell_estimate(found.percent, as_percent=True),
        _tell_estimate(found.alpha),
        _tell_estimate(found.ac1),
    )


def _tell_estimate(estimate: Estimate, *, as_percent: bool = False) -> str:
    """Return a value with its interval; where there is none, why."""
    if estimate.value is None:
        return str(estimate.state).replace("_", " ")

    def tell(value: float) -> str:
        return f"{value:.0%}" if as_percent else f"{value:.2f}"

    if estimate.interval is None:
        return tell(estimate.value)
    low, high = estimate.interval
    return f"{tell(estimate.value)} ({tell(low)} to {tell(high)})"


def _show_dimensions(report: Report) -> ShownTable:
    rows = [
        (dimension, name, *_tell_agreement(found))
        for name in ("safer", "recommendation")
        for dimension, found in report.agreement.questions[name].dimensions.items()
    ]
    return ShownTable("Agreement by dimension", ("dimension", "question", *_AGREEMENT), rows)


def _show_pairs(report: Report) -> ShownTable:
    rows = [
        (" and ".join(pair), name, *_tell_agreement(found))
        for name in ("safer", "recommendation")
        for pair, found in report.agreement.questions[name].pairs.items()
    ]
    return ShownTable(
        "Agreement by pair of reviewers", ("reviewers", "question", *_AGREEMENT), rows
    )


def _show_reviewers(report: Report) -> ShownTable:
    rows = []
    for found in report.quality.reviewers:
        safer = found.questions.get("safer")
        accept = found.questions.get("recommendation")
        rows.append(
            (
                found.reviewer,
                str(found.answers),
                str(found.skips),
                _tell_share(found.gold_items),
                _tell_share(safer.others) if safer else "-",
                _tell_share(accept.others) if accept else "-",
                f"{safer.accuracy:.0%}" if safer else "-",
                "-" if found.pace.median_s is None else f"{found.pace.median_s:.0f} s",
                _tell_share(found.pace.fast),
                _tell_share(found.position.first),
            )
        )
    columns = ("reviewer", "answers", "skips", "gold right", "with the others: safer",
               "with the others: accept", "Dawid-Skene: safer", "median", "fast", "chose A")  # fmt: skip
    told = (
        "Shares with 95% intervals. Dawid-Skene is an estimate of how often a reviewer is right, from all "
        "answers together. A should be chosen half of the time."
    )
    return ShownTable("Reviewers", columns, rows, [told])


def _tell_share(share: Share) -> str:
    interval = share.interval
    if share.value is None or interval is None:
        return "-"
    return f"{share.value:.0%} of {share.n} ({interval[0]:.0%} to {interval[1]:.0%})"


def _show_turned_down(report: Report) -> ShownTable:
    rows = [
        (
            found.rule,
            str(found.total),
            str(found.drawn),
            str(found.answered),
            _tell_share(found.accepted),
        )
        for found in report.turned_down
    ]
    columns = ("rule", "turned down", "drawn", "answered", "people would accept")
    told = (
        "Of a random sample of what the checks turned down: there a rule was wrong. 95% intervals."
    )
    notes = [told] if rows else []
    return ShownTable("How often the checks were wrong", columns, rows, notes)


def _abbreviate(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"


def _show_disagreements(report: Report) -> ShownTable:
    rows = [
        (
            found.item_id,
            ", ".join(f"{count} {vote}" for vote, count in sorted(found.votes.items())),
            ", ".join(f"{count} {option}" for option, count in sorted(found.safer.items())),
            _abbreviate(" / ".join(found.comments)),
        )
        for found in report.disagreements
    ]
    columns = ("item", "votes", "found safer", "comments")
    return ShownTable("Worth talking about: where people were most torn", columns, rows)
