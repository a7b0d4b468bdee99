"""Planning rounds of review: items, reviewers and settings of a workspace enter; who sees what leaves.

A round's plan is ``rounds/N.plan.jsonl``, rows of the table of assignments.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from annotations.adjudication import decide_items
from annotations.rounds import check_reviewer, merge_rounds
from annotations.routing import Candidate, Plan, Reviewer, Sampling, plan_round
from annotations.simulation import SIMULATED_PREFIX
from builder.config import ReviewConfig
from builder.exclusions import read_exclusions
from builder.roster import Member, read_roster
from builder.screening import find_reason_to_withhold_item
from builder.versions import list_revised_versions
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.labels import Decision, JudgeWord, Recommendation, Rung, Severity, Stratum
from schemas.storage import Row, index_rows, sort_rows, write_rows
from schemas.tables import TableName
from schemas.validation import require_valid

__all__ = [
    "Load",
    "find_members",
    "find_value",
    "list_rejected_items",
    "list_round_items",
    "measure_loads",
    "plan_for_one",
    "plan_review",
    "read_gold",
]

_PILOT = 20
# An item takes about so long before anybody's pace is known.
_GUESSED_S = 60.0


def list_round_items(workspace: Workspace, round_number: int) -> dict[str, Row]:
    """Return the items that a round is about, by id: in the first all checked ones, later undecided ones.

    Undecided is told from the answers of earlier rounds alone, so that a round that is taken up again
    is about the same items.
    """
    items = workspace.read_stage(Stage.CHECKED)
    if not items:
        raise StageError("there are no checked items. Run `finebench check` first.")
    if round_number == 1:
        return index_rows(items)
    earlier = [p for p in workspace.list_rounds() if int(p.parent.name) < round_number]
    excluded = read_exclusions(workspace)
    decisions = decide_items(
        items,
        [row for row in merge_rounds(earlier).rows if row["reviewer"] not in excluded],
        read_table(workspace.rulings, TableName.RULING),
        min_votes=workspace.config.review.min_votes,
        confirmed_by_one=list_revised_versions(workspace),
    )
    undecided = {d["item_id"] for d in decisions if d["decision"] == Decision.UNDECIDED}
    return {item["item_id"]: item for item in items if item["item_id"] in undecided}


def find_members(workspace: Workspace, names: Sequence[str]) -> list[Member]:
    """Return the reviewers of those names, as the roster has them; all of the roster where none is named.

    Of the roster the excluded are left out.

    A name that the roster has not is a reviewer of whom nothing more is known.
    """
    roster = read_roster(workspace.roster, workspace.taxonomy)
    by_name = {member.name: member for member in roster}
    if names:
        return [by_name.get(name) or Member(name=check_reviewer(name)) for name in names]
    excluded = read_exclusions(workspace)
    return [member for member in roster if member.name not in excluded]


def plan_review(
    workspace: Workspace,
    round_number: int,
    reviewers: Sequence[Reviewer],
    *,
    pilot: bool = False,
    is_kept: bool = True,
) -> Plan:
    """Return the plan of a round for these reviewers, and keep it unless told otherwise.

    What was planned in the round before stands. Versions that came of a review go to one reviewer each,
    for confirmation: to somebody who did not ask for the revision, where there is one. A ``pilot`` shows twenty items, drawn at random, to every reviewer, so that all
    calibrate on the same ones. Raises `UsageError` where nobody reviews.
    """
    if not reviewers:
        raise UsageError(
            "nobody reviews: name reviewers with --reviewer NAME, or list them in private/roster.toml."
        )
    _refuse_excluded(workspace, reviewers)
    path = workspace.get_plan(round_number)
    with workspace.hold(path.name):
        standing, idle = _split_by_count(
            workspace, read_table(path, TableName.ASSIGNMENT), reviewers
        )
        plan = _plan_on(workspace, round_number, reviewers, standing, pilot=pilot)
        if is_kept:
            _write_plan(path, [*idle, *plan.assignments])
    return plan


def _plan_on(
    workspace: Workspace,
    round_number: int,
    reviewers: Sequence[Reviewer],
    standing: Sequence[Row],
    *,
    pilot: bool,
) -> Plan:
    """Return the assignments that stand with those that are new: confirmations first, then all others."""
    candidates = _list_candidates(workspace, list_round_items(workspace, round_number).values())
    revised = list_revised_versions(workspace)
    everybody = {r.name for r in reviewers} | {row["reviewer"] for row in standing}
    where: Any = {"round_number": round_number, "seed": workspace.config.seed}
    confirmations = plan_round(
        _name_authors(workspace, [c for c in candidates if c.version in revised]),
        reviewers,
        Sampling(overlap=1),
        stratum=Stratum.CONFIRM,
        earlier=standing,
        **where,
    )
    plan = plan_round(
        [candidate for candidate in candidates if candidate.version not in revised],
        reviewers,
        _choose_sampling(workspace.config.review, len(everybody), pilot=pilot),
        rejected=[_make_candidate(row) for row in list_rejected_items(workspace).values()],
        gold=[_make_candidate(row) for row in read_gold(workspace).values()],
        earlier=confirmations.assignments,
        **where,
    )
    return Plan(plan.assignments, confirmations.short | plan.short)


def _refuse_excluded(workspace: Workspace, reviewers: Sequence[Reviewer]) -> None:
    excluded = read_exclusions(workspace)
    named = [reviewer.name for reviewer in reviewers if reviewer.name in excluded]
    if named:
        raise UsageError(
            f"{', '.join(named)}: excluded ({excluded[named[0]]}). Leave them out, or let them count again "
            f"with `finebench annotate exclude --reviewer {named[0]} --back --reason WHY`."
        )


def _split_by_count(
    workspace: Workspace, rows: Sequence[Row], reviewers: Sequence[Reviewer]
) -> tuple[list[Row], list[Row]]:
    """Return the assignments that fill places, and those that do not though they stand.

    The latter are those of excluded reviewers, and where people review, those of simulated ones.
    """
    excluded = read_exclusions(workspace)
    has_people = not all(r.name.startswith(SIMULATED_PREFIX) for r in reviewers)

    def counts(row: Row) -> bool:
        is_simulated = row["reviewer"].startswith(SIMULATED_PREFIX)
        return row["reviewer"] not in excluded and not (is_simulated and has_people)

    return [row for row in rows if counts(row)], [row for row in rows if not counts(row)]


def _name_authors(workspace: Workspace, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return revised versions with the reviewers who asked for the revision of the version before."""
    before = {
        (edit["item_id"], edit["content_hash"]): edit["from_hash"]
        for edit in read_table(workspace.edits, TableName.EDIT)
    }
    revisers: dict[tuple[str, str], set[str]] = {}
    for row in merge_rounds(workspace.list_rounds()).rows:
        if row["recommendation"] == Recommendation.REVISE:
            version = (row["item_id"], row["content_hash"])
            revisers.setdefault(version, set()).add(row["reviewer"])
    return [
        replace(
            candidate,
            authors=frozenset(revisers.get((candidate.item_id, before[candidate.version]), ())),
        )
        for candidate in candidates
    ]


def _choose_sampling(review: ReviewConfig, reviewers: int, *, pilot: bool) -> Sampling:
    if pilot:
        return Sampling(overlap=reviewers, most=_PILOT, random_share=1.0)
    return Sampling(
        overlap=min(review.overlap, reviewers),
        most=review.items,
        random_share=review.random_share,
        rejected=review.rejected,
        gold=review.gold,
    )


def plan_for_one(workspace: Workspace, round_number: int, reviewer: str) -> list[Row]:
    """Return the assignment of every item of a round to one person."""
    (member,) = find_members(workspace, [reviewer])
    candidates = _list_candidates(workspace, list_round_items(workspace, round_number).values())
    return plan_round(
        candidates,
        [member.reviewer],
        Sampling(overlap=1),
        round_number=round_number,
        seed=workspace.config.seed,
    ).assignments


def _write_plan(path: Path, rows: Sequence[Row]) -> None:
    rows = sort_rows(rows, "reviewer", "position")
    require_valid(rows, TableName.ASSIGNMENT, file=path.name)
    path.parent.mkdir(exist_ok=True)
    write_rows(path, rows)


def _list_candidates(workspace: Workspace, items: Iterable[Row]) -> list[Candidate]:
    findings = read_table(workspace.findings, TableName.FINDING)
    by_item: dict[str, list[Row]] = {}
    for finding in findings:
        by_item.setdefault(finding["item_id"], []).append(finding)
    return [
        _make_candidate(item, find_value(item, by_item.get(item["item_id"], []))) for item in items
    ]


def _make_candidate(item: Mapping[str, Any], value: float = 0.0) -> Candidate:
    return Candidate(
        item["item_id"], item["content_hash"], item["dimension"], item["language"], value
    )


def find_value(item: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> float:
    """Return how much is to be learned from an item: a point for each reason to doubt it.

    Reasons are a near-duplicate that was let through, any other warning, an option that no judge was
    asked about, and a negative option that came by a later rung than the first or from a person.
    """
    warned = [f["rule"] for f in findings if f["severity"] == Severity.WARN]
    doubts = (
        any(rule.startswith("near-duplicate") for rule in warned),
        any(not rule.startswith("near-duplicate") for rule in warned),
        JudgeWord.NOT_JUDGED in (item["positive_verdict"], item["negative_verdict"]),
        item["negative_rung"] != Rung.PLAIN,
    )
    return float(sum(doubts))


def list_rejected_items(workspace: Workspace) -> dict[str, Row]:
    """Return the items that the checks turned down and that people may see, by id, as far as they have options.

    Withdrawn ones are not among them, nor those of `find_reason_to_withhold_item`.
    """
    withdrawn = {row["item_id"] for row in read_table(workspace.withdrawals, TableName.WITHDRAWAL)}
    rows = [json.loads(row["row"]) for row in workspace.read_rejected(Stage.CHECKED)]
    known = {dimension.id for dimension in workspace.taxonomy}
    return {
        row["item_id"]: row
        for row in rows
        if row.get("negative_option")
        and row["dimension"] in known
        and row["item_id"] not in withdrawn
        and not find_reason_to_withhold_item(row)
    }


def read_gold(workspace: Workspace) -> dict[str, Row]:
    """Return the items with known answers, by id."""
    return index_rows(read_table(workspace.gold, TableName.GOLD))


@dataclass(frozen=True, slots=True)
class Load:
    """What a round asks of one reviewer: items by stratum, hours at the pace so far, days at the cap.

    ``seconds`` is the pace in seconds an item: the median of their own answers, else of everybody's, else
    a guess, of which ``is_measured`` tells.
    """

    items: Counter[str]
    seconds: float
    is_measured: bool
    daily_cap: int

    @property
    def hours(self) -> float:
        """How long all items take."""
        return self.items.total() * self.seconds / 3600

    @property
    def days(self) -> int:
        """Over how many days the cap spreads them."""
        return -(-self.items.total() // self.daily_cap)


def measure_loads(
    workspace: Workspace, assignments: Sequence[Row], members: Sequence[Member]
) -> dict[str, Load]:
    """Return what a plan asks of each of its reviewers, by name."""
    times: dict[str, list[float]] = {}
    for row in merge_rounds(workspace.list_rounds()).rows:
        if not row["skipped"] and not row["simulated"]:
            times.setdefault(row["reviewer"], []).append(row["lead_time_s"])
    everybody = [time for own in times.values() for time in own]
    counts: dict[str, Counter[str]] = {}
    for row in assignments:
        counts.setdefault(row["reviewer"], Counter())[row["stratum"]] += 1
    caps = {member.name: member.daily_cap for member in members}
    loads = {}
    for name in sorted(counts):
        measured = times.get(name) or everybody
        pace = median(measured) if measured else _GUESSED_S
        cap = caps.get(name) or workspace.config.review.daily_cap
        loads[name] = Load(counts[name], pace, bool(measured), cap)
    return loads
