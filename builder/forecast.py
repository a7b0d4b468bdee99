"""What a build will ask, told before anybody is asked: a workspace enters; the calls of each stage leave.

The stages run on paper, as far as the journal's replies take them. What would follow from replies that
are not there is foretold with texts of likely length: so many options as questions are missing, and so
many embeddings.
"""

import asyncio
from collections.abc import Iterable

from builder.bundle.engine.calls import Call
from builder.checks.meaning import expect_embeddings, find_embedder
from builder.llm.asking import Paper, PendingCalls
from builder.llm.journal import open_journal
from builder.options import expect_options
from builder.pipeline import run_step
from builder.questions import count_missing, read_imported_items, read_seeds
from builder.workspace import Stage, Workspace
from schemas.labels import DimensionKind, Polarity
from schemas.storage import Row

__all__ = ["forecast_build"]

_LIKELY_QUESTION = "x" * 180


def forecast_build(workspace: Workspace) -> list[PendingCalls]:
    """Return what each stage that asks would ask, in their order; none where the journal has all replies.

    A stage for which nothing is left to ask is brought up to date.
    """
    questions = _run_on_paper(workspace, Stage.QUESTIONS)
    if workspace.get_path(Stage.QUESTIONS).exists():
        rows = workspace.read_stage(Stage.QUESTIONS)
        options = _run_on_paper(workspace, Stage.OPTIONS)
    else:
        rows, options = [*read_imported_items(workspace), *read_seeds(workspace)], None
    missing = _foretell_questions(workspace, rows) if questions else []
    options = _add(workspace, Stage.OPTIONS, options, expect_options(workspace, missing))
    found = [pending for pending in (questions, options) if pending]
    if find_embedder(workspace.config) is None:
        return found
    if not found:
        checks = _run_on_paper(workspace, Stage.CHECKED)
    else:
        asked = [row["question"] for row in (*rows, *missing)]
        checks = _ask_on_paper(workspace, expect_embeddings(workspace, asked))
    return [*found, checks] if checks else found


def _run_on_paper(workspace: Workspace, stage: Stage) -> PendingCalls | None:
    try:
        run_step(workspace, stage, Paper())
    except PendingCalls as pending:
        return pending
    return None


def _ask_on_paper(workspace: Workspace, calls: Iterable[Call]) -> PendingCalls | None:
    """Return which calls of the checks the journal cannot answer."""

    async def ask() -> None:
        async with Paper().open(workspace, Stage.CHECKED, ()) as asker:
            await asker.ask(calls)

    try:
        asyncio.run(ask())
    except PendingCalls as pending:
        return PendingCalls(pending.stage, (), pending.certain, pending.ledger)
    return None


def _add(
    workspace: Workspace, stage: Stage, pending: PendingCalls | None, expected: list[Call]
) -> PendingCalls | None:
    """Return pending calls with more that are expected."""
    if not expected:
        return pending
    if pending is not None:
        more = [*pending.expected, *expected]
        return PendingCalls(stage, pending.certain, more, pending.ledger)
    with open_journal(workspace, stage) as journal:
        return PendingCalls(stage, (), expected, journal.budget.ledger)


def _foretell_questions(workspace: Workspace, rows: list[Row]) -> list[Row]:
    """Return a row of likely length for each question that the quotas still lack."""
    missing = count_missing(workspace, rows)
    return [
        {
            "item_id": f"likely-{dimension}-{number}",
            "dimension": dimension,
            "family": f"likely/{number}",
            "polarity": str(_guess_polarity(workspace, dimension)),
            "language": workspace.config.all_languages[
                number % len(workspace.config.all_languages)
            ],
            "question": f"{_LIKELY_QUESTION}{dimension}{number}",
        }
        for dimension, (have, quota) in missing.items()
        for number in range(quota - have)
    ]


def _guess_polarity(workspace: Workspace, dimension: str) -> Polarity:
    is_control = workspace.taxonomy[dimension].kind is DimensionKind.CONTROL
    return Polarity.NEUTRAL if is_control else Polarity.ACT
