"""The stages of finebench called in order: read this file first.

::

    dimensions.toml ─ generate ─► 01_questions ─ derive ─► 02_options ─ check ─► 03_checked
                        ▲ import (FINE's items join 01 and 02)          ▲ edit, withdraw
                                                                         │
    03_checked ─ review (people) ─► rounds/ ─ merge ─► 04_annotations ─ adjudicate ─► 05_adjudicated
    05_adjudicated ─ export ─► releases/1.0.0 ─ evaluate ─► runs/1.0.0

Each stage reads the files before it, writes its own with a record of what it was made from, and
accounts for every row: in = out + rejected. `build` runs the machine's stages and stops where people
are needed.
"""

from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from dataclasses import dataclass

from annotations.adjudication import needs_expert
from builder import options, questions, review
from builder.checks import stage as checks
from builder.expert_queue import list_agreed_revisions, list_texts_to_write
from builder.label_studio.access import Files
from builder.label_studio.progress import is_answer_awaited
from builder.llm.asking import Asking
from builder.option_account import has_failed_calls
from builder.rounds import find_last_round
from builder.stage_records import Counts, StageInputs, find_staleness, finish_writing
from builder.workspace import Stage, Workspace, read_table
from schemas.errors import EndpointError, StorageError
from schemas.labels import Decision
from schemas.storage import Row, get_prepared_path
from schemas.tables import TableName

__all__ = [
    "STEPS",
    "Step",
    "build",
    "find_next_step",
    "find_stale_stages",
    "finish_killed_stages",
    "run_step",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage as the pipeline runs it."""

    stage: Stage
    command: str
    run: Callable[[Workspace, Asking | None], Counts]
    find_inputs: Callable[[Workspace], StageInputs]
    is_unfinished: Callable[[Workspace], bool] = lambda _: False
    """Tells whether calls failed on the way, so that running it again may bring more."""

    def find_staleness(self, workspace: Workspace) -> tuple[str, ...]:
        """Return the reasons for which the stage's file is not what its inputs would give now."""
        return find_staleness(workspace, self.stage, self.find_inputs)


STEPS = (
    Step(
        Stage.QUESTIONS,
        "finebench generate",
        questions.generate_questions,
        questions.find_inputs,
        questions.has_failures,
    ),
    Step(
        Stage.OPTIONS,
        "finebench derive",
        options.derive_options,
        options.find_inputs,
        lambda workspace: has_failed_calls(workspace.read_rejected(Stage.OPTIONS)),
    ),
    Step(Stage.CHECKED, "finebench check", checks.check_items, checks.find_inputs),
    Step(
        Stage.ANNOTATIONS,
        "finebench annotate merge",
        lambda w, _: review.merge_annotations(w),
        review.find_annotation_inputs,
    ),
    Step(
        Stage.ADJUDICATED,
        "finebench adjudicate",
        lambda w, _: review.adjudicate_items(w),
        review.find_adjudication_inputs,
    ),
)
"""All stages that keep a file, in order."""


Run = Callable[[Workspace, Asking | None], Counts]
"""Runs one stage, which asks models in the way that it is told, or at once."""


def run_step(
    workspace: Workspace, stage: Stage, asking: Asking | None = None, run: Run | None = None
) -> Counts:
    """Run one stage under its lock, so that its file has one writer at a time.

    ``run`` stands for the stage's own function where a caller wants to be told more of its progress.
    """
    step = next(step for step in STEPS if step.stage is stage)
    with workspace.hold(str(stage)):
        finish_writing(workspace, stage)
        return (run or step.run)(workspace, asking)


def finish_killed_stages(workspace: Workspace) -> None:
    """Put in place what killed runs recorded; a stage that is being written just now is left alone."""
    for step in STEPS:
        if get_prepared_path(workspace.get_path(step.stage)).exists():
            with suppress(StorageError), workspace.hold(str(step.stage)):
                finish_writing(workspace, step.stage)


def find_stale_stages(workspace: Workspace) -> dict[Stage, tuple[str, ...]]:
    """Return each stage whose file is not what its inputs would give now, with the reasons."""
    found = {step.stage: step.find_staleness(workspace) for step in STEPS}
    return {stage: reasons for stage, reasons in found.items() if reasons}


def build(
    workspace: Workspace, asking: Asking | None = None
) -> Iterator[tuple[Stage, Counts | None]]:
    """Run every stale machine stage in order; stop before people's part while nobody has answered.

    Yields each stage with its account, or with None where it was up to date. A stage in which calls failed
    is run again. Stops where failures cut the questions short: what comes later would be made of a part.
    """
    for step in STEPS:
        if step.stage is Stage.ANNOTATIONS and not workspace.list_rounds():
            return
        yield step.stage, _bring_up_to_date(workspace, step, asking)
        if step.stage is Stage.QUESTIONS and questions.is_cut_short(workspace):
            return


def _bring_up_to_date(workspace: Workspace, step: Step, asking: Asking | None) -> Counts | None:
    """Run a stage that is stale, or in which calls failed; return its account, or None for nothing new."""
    if step.find_staleness(workspace):
        return run_step(workspace, step.stage, asking)
    if not step.is_unfinished(workspace):
        return None
    try:
        return run_step(workspace, step.stage, asking)
    except EndpointError:
        # They fail still: what is there stands, and the caller tells what it lacks.
        if questions.is_cut_short(workspace):
            raise
        return None


def find_next_step(workspace: Workspace) -> str:
    """Return the command that takes the workspace one step on."""
    stale = find_stale_stages(workspace)
    return _find_machine_step(workspace, stale) or _find_people_step(workspace, stale)


def _find_machine_step(workspace: Workspace, stale: Container[Stage]) -> str:
    """Return the machine's next step; an empty text where people are next."""
    for step in STEPS[:3]:
        if step.stage in stale or (
            step.stage is Stage.QUESTIONS and questions.is_cut_short(workspace)
        ):
            return step.command
        if step.stage is not Stage.CHECKED and not workspace.read_stage(step.stage):
            return _find_way_out(workspace)
    return ""


def _find_people_step(workspace: Workspace, stale: Container[Stage]) -> str:
    if not workspace.list_rounds() and not _is_decided(workspace, stale):
        return "finebench adjudicate" if _is_ruled(workspace) else _find_first_review(workspace)
    for step in STEPS[3:]:
        if step.stage in stale:
            return f"{_AWAITED if is_answer_awaited(workspace) else ''}{step.command}"
    if list_agreed_revisions(workspace):
        return "finebench adjudicate, which makes the versions that reviewers agreed on"
    if unwritten := list_texts_to_write(workspace):
        return (
            f"finebench edit {unwritten[0]}, which was ruled to be revised ({len(unwritten)} such)"
        )
    decisions = workspace.read_stage(Stage.ADJUDICATED)
    if any(row["decision"] == Decision.UNDECIDED for row in decisions):
        return _find_next_review(workspace, decisions)
    return _find_step_after_decisions(workspace, decisions)


def _is_decided(workspace: Workspace, stale: Container[Stage]) -> bool:
    """Tell whether nothing is left to review, as where all was decided in an earlier release."""
    if Stage.ADJUDICATED in stale:
        return False
    decisions = workspace.read_stage(Stage.ADJUDICATED)
    return bool(decisions) and all(d["decision"] != Decision.UNDECIDED for d in decisions)


def _is_ruled(workspace: Workspace) -> bool:
    """Tell whether there is a ruling on every checked item, as in a workspace that took up a release."""
    ruled = _list_versions(read_table(workspace.rulings, TableName.RULING))
    items = _list_versions(workspace.read_stage(Stage.CHECKED))
    return bool(items) and items <= ruled


_AWAITED = "finebench annotate pull (not everything sent to Label Studio is answered here), then "


def _find_first_review(workspace: Workspace) -> str:
    """Return what brings the first answers."""
    if Files.of(workspace).items.exists():
        return "finebench annotate pull"
    return "finebench review --reviewer NAME, or finebench annotate up for Label Studio"


def _find_next_review(workspace: Workspace, decisions: list[Row]) -> str:
    """Return what brings the answers that undecided items lack: open tasks, an expert, or a new round."""
    number, is_open = find_last_round(workspace)
    if is_open:
        pull = " or finebench annotate pull" if Files.of(workspace).items.exists() else ""
        return f"finebench review --round {number} --reviewer NAME{pull}: tasks of round {number} are open"
    expert = "finebench adjudicate --expert NAME"
    if all(needs_expert(d) for d in decisions if d["decision"] == Decision.UNDECIDED):
        return expert
    return f"finebench annotate plan --round {number + 1}, or {expert}"


def _find_way_out(workspace: Workspace) -> str:
    """Return what can be done where a stage let no row through."""
    if not workspace.read_stage(Stage.QUESTIONS):
        return "mend dimensions, quotas or models, then finebench generate"
    return (
        "other writers or another judge in bench.toml and finebench derive; or finebench edit ID "
        "--negative-option TEXT; or finebench generate --refill, which asks for other questions"
    )


def _find_step_after_decisions(workspace: Workspace, decisions: list[Row]) -> str:
    releases = workspace.list_releases()
    if not releases:
        return "finebench export 1.0.0"
    newest = releases[-1]
    released = read_table(newest / "evaluator" / "items.jsonl", TableName.RELEASE)
    if _list_versions(released) != _list_versions(decisions):
        return "finebench export --next"
    if not any(workspace.runs.glob("*/run.json")):
        return f"finebench evaluate {newest.name} --model NAME"
    return "finebench report"


def _list_versions(rows: list[Row]) -> set[tuple[str, str]]:
    return {(row["item_id"], row["content_hash"]) for row in rows}
