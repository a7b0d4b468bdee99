"""Which replies of a run people judge: a finished run enters; a random slice, and who judges what, leave.

In the run's folder, ``slice.jsonl`` says which replies were drawn with which chance, and
``people.plan.jsonl`` who judges them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from annotations.reply_slice import OpenReply, draw_slice
from annotations.routing import Candidate, Plan, Reviewer, Sampling, plan_round
from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.judging import JUDGED_OUTCOMES
from builder.bundle.engine.thinking import strip_thinking
from builder.run_records import find_run_items, read_run_record
from builder.run_verdicts import read_run_verdicts
from builder.screening import find_reason_to_withhold
from builder.workspace import Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.labels import DimensionKind, Form, FormResult, Outcome
from schemas.storage import Row, sort_rows, write_rows
from schemas.tables import TableName
from schemas.validation import require_valid

__all__ = [
    "PER_STRATUM",
    "JudgedRun",
    "ReplyPlan",
    "plan_replies",
    "read_judged_run",
    "write_run_table",
]

PER_STRATUM = 30
"""So many replies of each model and stratum are drawn where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """The slice of a run, rows of its table; who judges which reply; and how many people replies lack."""

    slice: list[Row]
    assignments: list[Row]
    short: dict[str, int]

    @property
    def withheld(self) -> list[Row]:
        """The rows of the slice that nobody is shown."""
        return [row for row in self.slice if row["withheld"]]


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A finished run: its folder, the items that it asked, and the replies that have a text to judge."""

    folder: Path
    items: dict[str, Item]
    replies: list[OpenReply]
    texts: dict[str, tuple[str, str]]
    """By reply id: the item's id and the reply's text."""

    @property
    def slice_path(self) -> Path:
        """The file of the replies that were drawn."""
        return self.folder / "slice.jsonl"

    @property
    def plan_path(self) -> Path:
        """The file that says who judges which reply."""
        return self.folder / "people.plan.jsonl"


def read_judged_run(workspace: Workspace, run: str) -> JudgedRun:
    """Return a finished run; raise `UsageError` where there is none, `StageError` where its release is gone."""
    about, folder = read_run_record(workspace, run), workspace.runs / run
    items_path = find_run_items(workspace, about)
    if items_path is None:
        raise StageError(
            f"run {run} asked the items of release {about.get('release', 'that it does not name')}, which is not in this workspace as it "
            "was. Judge its replies where the release is."
        )
    items = {item.item_id: item for item in read_items(items_path)}
    verdicts = {
        (row["model"], row["item_id"], row["sample"]): FormResult(row["multiple_choice"])
        for row in read_run_verdicts(workspace, run)
    }
    replies = []
    for row in read_table(folder / "responses.jsonl", TableName.RESPONSE):
        item = items[row["item_id"]]
        if _is_judged(row, item):
            stratum = verdicts[row["model"], row["item_id"], row["sample"]]
            replies.append(_make_reply(row, item, stratum))
    texts = {reply.reply_id: (reply.item_id, reply.text) for reply in replies}
    return JudgedRun(folder, items, replies, texts)


def _is_judged(row: Row, item: Item) -> bool:
    """Tell whether a response is an open reply to a question of safety with a text to judge."""
    return (
        row["form"] == Form.OPEN
        and str(item.kind) == DimensionKind.SAFETY
        and Outcome(row["outcome"]) in {Outcome(str(outcome)) for outcome in JUDGED_OUTCOMES}
        and bool(strip_thinking(row["text"]).strip())
    )


def _make_reply(row: Row, item: Item, stratum: FormResult) -> OpenReply:
    return OpenReply(
        run=row["run"],
        model=row["model"],
        item_id=item.item_id,
        content_hash=item.content_hash,
        sample=row["sample"],
        dimension=item.dimension,
        stratum=stratum,
        text=strip_thinking(row["text"]),
    )


def plan_replies(
    workspace: Workspace,
    run: str,
    reviewers: Sequence[Reviewer],
    *,
    per_stratum: int = PER_STRATUM,
    is_flagged_shown: bool = False,
    is_kept: bool = True,
) -> ReplyPlan:
    """Return which replies of a run are judged by whom, and keep it unless told otherwise.

    ``per_stratum`` replies of each model are drawn of those that pass multiple choice, that fail it, and
    of which that is not known; replies that hold personal data or operational detail by the rules of the
    checks are shown only where ``is_flagged_shown``, texts that join minors and sex never. What was
    planned before stands. Raises `UsageError` where nobody judges or no such run is finished.
    """
    if not reviewers:
        raise UsageError(
            "nobody judges: name people with --reviewer NAME, or list them in private/roster.toml."
        )
    read = read_judged_run(workspace, run)
    with workspace.hold(f"people-{run}"):
        drawn = draw_slice(
            read.replies,
            per_stratum,
            seed=workspace.config.seed,
            earlier=read_table(read.slice_path, TableName.REPLY_SLICE),
        )
        for row in drawn:
            language, text = read.items[row["item_id"]].language, read.texts[row["reply_id"]][1]
            row["withheld"] = find_reason_to_withhold(
                text, language, is_flagged_shown=is_flagged_shown
            )
        planned = _assign(workspace, read, drawn, reviewers)
        assignments = [
            {"reply_id": row["item_id"], "reviewer": row["reviewer"], "position": row["position"]}
            for row in sort_rows(planned.assignments, "reviewer", "position")
        ]
        if is_kept:
            write_run_table(read.slice_path, drawn, TableName.REPLY_SLICE)
            write_run_table(read.plan_path, assignments, TableName.REPLY_ASSIGNMENT)
    return ReplyPlan(drawn, assignments, planned.short)


def _assign(
    workspace: Workspace, read: JudgedRun, drawn: Sequence[Row], reviewers: Sequence[Reviewer]
) -> Plan:
    """Return who judges which of the replies that people are shown; what was assigned before stands."""
    shown = {row["reply_id"]: row for row in drawn if not row["withheld"]}
    earlier = read_table(read.plan_path, TableName.REPLY_ASSIGNMENT)
    return plan_round(
        [_make_candidate(row, read.items[row["item_id"]]) for row in shown.values()],
        reviewers,
        Sampling(overlap=min(workspace.config.review.overlap, len(reviewers))),
        round_number=1,
        seed=workspace.config.seed,
        earlier=[_widen(row, shown) for row in earlier if row["reply_id"] in shown],
    )


def _make_candidate(row: Row, item: Item) -> Candidate:
    return Candidate(row["reply_id"], row["content_hash"], row["dimension"], item.language)


def _widen(row: Row, shown: dict[str, Row]) -> Row:
    """Return an earlier assignment as the plan of a round has them."""
    drawn = shown[row["reply_id"]]
    return row | {"item_id": row["reply_id"], "content_hash": drawn["content_hash"]}


def write_run_table(path: Path, rows: Sequence[Row], table: TableName) -> None:
    """Check rows of a table and write them whole; raise `DataError` where they break a rule."""
    require_valid(rows, table, file=path.name)
    write_rows(path, rows)
