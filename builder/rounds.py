"""Rounds of review in a workspace: who sees what, what is still open, and answers as they come.

A round's plan is ``rounds/N.plan.jsonl``, each reviewer's answers ``rounds/N/<reviewer>.jsonl``. The
terminal and Label Studio work from the one plan and write the same rows, so that a round may mix both.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from annotations.adjudication import decide_items
from annotations.rounds import append_annotations, check_reviewer, make_annotation, merge_rounds
from annotations.routing import Candidate, Plan, Reviewer, Sampling, plan_round
from annotations.simulation import SIMULATED_PREFIX
from annotations.tasks import ReviewTask, Said, make_answers, make_task
from builder.roster import Member, read_roster
from builder.versions import list_revised_versions
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.labels import Decision, JudgeWord, Rung, Severity, ShownOrder, Stratum
from schemas.storage import Row, hash_file, index_rows, sort_rows, write_rows
from schemas.tables import TableName
from schemas.taxonomy import Dimension
from schemas.validation import require_valid

__all__ = [
    "Assigned",
    "Load",
    "count_shown_today",
    "find_cap",
    "find_members",
    "find_value",
    "get_answers_path",
    "list_answered",
    "list_assigned",
    "list_open",
    "list_round_items",
    "measure_loads",
    "plan_review",
    "record_said",
    "tell_time",
]

_PILOT = 20
# An item takes about so long before anybody's pace is known.
_GUESSED_S = 60.0


@dataclass(frozen=True, slots=True)
class Assigned:
    """A task with what its reviewer is not told: the order of its options, and why it is in the round."""

    task: ReviewTask
    shown_order: ShownOrder
    stratum: Stratum


def get_answers_path(workspace: Workspace, reviewer: str, round_number: int) -> Path:
    """Return the file of one reviewer's answers in a round."""
    return workspace.get_round(round_number) / f"{check_reviewer(reviewer)}.jsonl"


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
    decisions = decide_items(
        items,
        merge_rounds(earlier).rows,
        read_table(workspace.rulings, TableName.RULING),
        min_votes=workspace.config.review.min_votes,
        confirmed_by_one=list_revised_versions(workspace),
    )
    undecided = {d["item_id"] for d in decisions if d["decision"] == Decision.UNDECIDED}
    return {item["item_id"]: item for item in items if item["item_id"] in undecided}


def find_members(workspace: Workspace, names: Sequence[str]) -> list[Member]:
    """Return the reviewers of those names, as the roster has them; all of the roster where none is named.

    A name that the roster has not is a reviewer of whom nothing more is known.
    """
    roster = read_roster(workspace.roster, workspace.taxonomy)
    by_name = {member.name: member for member in roster}
    return [by_name.get(name) or Member(name=check_reviewer(name)) for name in names] or roster


def plan_review(
    workspace: Workspace,
    round_number: int,
    reviewers: Sequence[Reviewer],
    *,
    pilot: bool = False,
    is_kept: bool = True,
) -> Plan:
    """Return the plan of a round for these reviewers, and keep it unless told otherwise.

    What was planned in the round before stands. A ``pilot`` shows twenty items, drawn at random, to
    every reviewer, so that all calibrate on the same ones. Raises `UsageError` where nobody reviews.
    """
    if not reviewers:
        raise UsageError(
            "nobody reviews: name reviewers with --reviewer NAME, or list them in private/roster.toml."
        )
    path = workspace.get_plan(round_number)
    with workspace.hold(path.name):
        items = list_round_items(workspace, round_number)
        review = workspace.config.review
        sampling = Sampling(
            overlap=len(reviewers) if pilot else min(review.overlap, len(reviewers)),
            most=_PILOT if pilot else review.items,
            random_share=1.0 if pilot else review.random_share,
            rejected=0 if pilot else review.rejected,
            gold=0 if pilot else review.gold,
        )
        revised = list_revised_versions(workspace)
        candidates = _list_candidates(workspace, items.values())
        seed = workspace.config.seed
        confirmations = plan_round(
            [candidate for candidate in candidates if candidate.version in revised],
            reviewers,
            Sampling(overlap=1),
            round_number=round_number,
            seed=seed,
            stratum=Stratum.CONFIRM,
            earlier=read_table(path, TableName.ASSIGNMENT),
        )
        plan = plan_round(
            [candidate for candidate in candidates if candidate.version not in revised],
            reviewers,
            sampling,
            round_number=round_number,
            seed=seed,
            rejected=[_make_candidate(row) for row in _list_rejected(workspace).values()],
            gold=[_make_candidate(row) for row in _read_gold(workspace).values()],
            earlier=confirmations.assignments,
        )
        if is_kept:
            _write_plan(path, plan.assignments)
    return Plan(plan.assignments, confirmations.short | plan.short)


def _plan_for_one(workspace: Workspace, round_number: int, reviewer: str) -> list[Row]:
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


def _list_rejected(workspace: Workspace) -> dict[str, Row]:
    """Return the items that the checks turned down, as far as they have options, by id."""
    rows = [json.loads(row["row"]) for row in workspace.read_rejected(Stage.CHECKED)]
    return {row["item_id"]: row for row in rows if row.get("negative_option")}


def _read_gold(workspace: Workspace) -> dict[str, Row]:
    return index_rows(read_table(workspace.gold, TableName.GOLD))


def list_assigned(workspace: Workspace, reviewer: str, round_number: int) -> list[Assigned]:
    """Return what a reviewer sees in a round, in order, answered or not.

    Who is in the round's plan sees what was planned. In a round without a plan, or planned for simulated
    reviewers alone, whoever comes sees all of it. An item whose text changed since the plan was made is
    left out: its new version needs a new plan. Raises `UsageError` for who is not in a plan for others.
    """
    check_reviewer(reviewer)
    rows = read_table(workspace.get_plan(round_number), TableName.ASSIGNMENT)
    own = [row for row in rows if row["reviewer"] == reviewer]
    if not own:
        people = {r["reviewer"] for r in rows if not r["reviewer"].startswith(SIMULATED_PREFIX)}
        if people:
            raise UsageError(
                f"{reviewer} is not in the plan of round {round_number} ({', '.join(sorted(people))}). Run "
                f"`finebench annotate plan --round {round_number} --reviewer {reviewer}`, which gives them "
                "what lacks reviewers."
            )
        own = _plan_for_one(workspace, round_number, reviewer)
    items = workspace.read_stage(Stage.CHECKED)
    sources = _read_gold(workspace) | _list_rejected(workspace) | index_rows(items)
    assigned = []
    for row in sort_rows(own, "position"):
        item = sources.get(row["item_id"])
        if item is not None and item["content_hash"] == row["content_hash"]:
            assigned.append(_assign(item, row, _find_dimension(workspace, item["dimension"])))
    return assigned


def _assign(item: Row, row: Row, dimension: Dimension) -> Assigned:
    order = ShownOrder(row["shown_order"])
    task = make_task(
        item,
        dimension,
        reviewer=row["reviewer"],
        round_number=row["round"],
        shown_order=order,
    )
    return Assigned(task, order, Stratum(row["stratum"]))


def _find_dimension(workspace: Workspace, name: str) -> Dimension:
    if name not in workspace.taxonomy:
        raise StageError(f"dimensions.toml no longer has {name}. Run `finebench check` first.")
    return workspace.taxonomy[name]


def list_open(workspace: Workspace, reviewer: str, round_number: int) -> list[Assigned]:
    """Return what a reviewer has yet to answer in a round, in order."""
    answered = set(_list_versions(workspace, reviewer, round_number))
    return [
        assigned
        for assigned in list_assigned(workspace, reviewer, round_number)
        if _get_version(assigned) not in answered
    ]


def list_answered(workspace: Workspace, reviewer: str, round_number: int) -> list[Assigned]:
    """Return what a reviewer has answered in a round, the last one last."""
    place = {v: n for n, v in enumerate(_list_versions(workspace, reviewer, round_number))}
    answered = [
        assigned
        for assigned in list_assigned(workspace, reviewer, round_number)
        if _get_version(assigned) in place
    ]
    return sorted(answered, key=lambda assigned: place[_get_version(assigned)])


def _get_version(assigned: Assigned) -> tuple[str, str]:
    return (assigned.task.item_id, assigned.task.content_hash)


def _list_versions(workspace: Workspace, reviewer: str, round_number: int) -> list[tuple[str, str]]:
    """Return the versions that a reviewer has answered in a round, in the order of the first answers."""
    path = get_answers_path(workspace, reviewer, round_number)
    return [(row["item_id"], row["content_hash"]) for row in merge_rounds([path]).rows]


def record_said(
    workspace: Workspace,
    assigned: Assigned,
    said: Said,
    *,
    guidelines_hash: str = "",
    answered_at: datetime | None = None,
) -> Row:
    """Append what a reviewer said of a task to their file, and return the row; it is durable then.

    ``answered_at`` is now, unless it was said elsewhere before. Raises `DataError` where an answer is missing or breaks a rule; nothing is appended then.
    """
    task = assigned.task
    row = make_annotation(
        {"item_id": task.item_id, "content_hash": task.content_hash},
        {**make_answers(said, task, assigned.shown_order), "answered_at": tell_time(answered_at)},
        reviewer=task.reviewer,
        round_number=task.round_number,
        guidelines_hash=guidelines_hash or hash_file(workspace.guidelines),
        positive_first=assigned.shown_order is ShownOrder.POSITIVE_FIRST,
        simulated=task.reviewer.startswith(SIMULATED_PREFIX),
    )
    append_annotations(get_answers_path(workspace, task.reviewer, task.round_number), [row])
    return row


def tell_time(at: datetime | None = None) -> str:
    """Return a time, now where none is given, as rows have it: UTC, to the second."""
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def count_shown_today(workspace: Workspace, reviewer: str, now: datetime | None = None) -> int:
    """Return how many items a reviewer answered or skipped on this day (UTC), in whatever round."""
    today = tell_time(now)[:10]
    paths = [path for path in workspace.list_rounds() if path.stem == reviewer]
    return sum(row["answered_at"].startswith(today) for row in merge_rounds(paths).rows)


def find_cap(workspace: Workspace, reviewer: str) -> int:
    """Return the most items that a reviewer is shown a day."""
    (member,) = find_members(workspace, [reviewer])
    return member.daily_cap or workspace.config.review.daily_cap


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
