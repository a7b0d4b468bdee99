"""Commands of people's part: review, annotate, adjudicate."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from builder.commands import label_studio
from builder.commands.shared import get_user, json_option, open_here

if TYPE_CHECKING:
    from builder.roster import Member
    from builder.workspace import Workspace

__all__ = ["COMMANDS"]

round_option = click.option(
    "--round", "round_number", type=click.IntRange(1), default=1, show_default=True, help="Round."
)

responses_option = click.option(
    "--responses",
    "run",
    default="",
    metavar="RUN",
    help="The replies of models in this run instead of items.",
)


@click.command()
@click.option("--reviewer", required=True, help="Your pseudonym.")
@round_option
@responses_option
def review(reviewer: str, round_number: int, run: str) -> None:
    """Review items in the terminal, or judge models' replies; every answer is kept at once.

    Example: finebench review --reviewer anna
    """
    if run:
        from builder.commands.replies import judge_in_terminal

        judge_in_terminal(open_here(), run, reviewer)
        return
    from annotations.keys import open_keys
    from annotations.terminal import run_session
    from builder.console import make_console, note
    from builder.review import prepare_session

    with prepare_session(open_here(), reviewer, round_number) as session:
        console = make_console()
        answered = run_session(session, console, open_keys(console))
    note(f"{answered} answers kept")
    note("Next: finebench annotate merge, once every reviewer is done")


@click.group()
def annotate() -> None:
    """Organise reviewers' answers.

    Example: finebench annotate merge
    """


@annotate.command()
@round_option
@click.option(
    "--reviewer",
    "names",
    multiple=True,
    help="A pseudonym; repeatable. Without it, all of private/roster.toml.",
)
@click.option("--pilot", is_flag=True, help="Twenty items, drawn at random, for every reviewer.")
@click.option("--dry-run", is_flag=True, help="Show the plan and keep nothing.")
@responses_option
@click.option(
    "--per-stratum",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="With --responses: replies of each model that pass multiple choice, fail it, or neither.",
)
@click.option(
    "--show-flagged",
    is_flag=True,
    help="With --responses: show replies that hold operational detail or personal data.",
)
def plan(
    round_number: int,
    names: tuple[str, ...],
    pilot: bool,
    dry_run: bool,
    run: str,
    per_stratum: int,
    show_flagged: bool,
) -> None:
    """Plan who reviews what in a round, or judges which replies; what was planned before stands.

    Example: finebench annotate plan --reviewer anna --reviewer ben --reviewer cleo --dry-run
    """
    from builder.round_plans import find_members

    workspace = open_here()
    members = find_members(workspace, names)
    if not run:
        _plan_round(workspace, round_number, members, pilot=pilot, dry_run=dry_run)
        return
    from builder.commands.replies import plan_judging

    plan_judging(
        workspace,
        run,
        members,
        per_stratum=per_stratum,
        is_flagged_shown=show_flagged,
        dry_run=dry_run,
    )


def _plan_round(
    workspace: "Workspace",
    round_number: int,
    members: "Sequence[Member]",
    *,
    pilot: bool,
    dry_run: bool,
) -> None:
    """Plan who reviews which items in a round, and show it."""
    from builder.commands.plan_view import show_plan
    from builder.console import note
    from builder.round_plans import plan_review

    made = plan_review(
        workspace,
        round_number,
        [member.reviewer for member in members if not member.expert],
        pilot=pilot,
        is_kept=not dry_run,
    )
    show_plan(workspace, made, members)
    if dry_run:
        note("Nothing was kept.")
        return
    online = any(member.email for member in members)
    push = f"finebench annotate push --round {round_number}, or " if online else ""
    note(f"Next: {push}finebench review --round {round_number} --reviewer NAME")


@annotate.command()
@click.option(
    "--reviewers", type=click.IntRange(1, 50), default=3, show_default=True, help="How many."
)
@round_option
def simulate(reviewers: int, round_number: int) -> None:
    """Let SIMULATED reviewers answer, for a trial without people; rows and card say so.

    Example: finebench annotate simulate --reviewers 3
    """
    from builder.console import note
    from builder.review import simulate_reviewers

    added = simulate_reviewers(open_here(), reviewers, round_number)
    note(
        f"SIMULATED: {reviewers} simulated reviewers gave {added} new answers; no person was asked"
    )
    note("Next: finebench annotate merge")


@annotate.command()
@json_option
def report(as_json: bool) -> None:
    """Show coverage, agreement, disagreements, pace and exposure, for the debrief; writes a page too.

    Example: finebench annotate report
    """
    from builder.console import make_table, note, print_json, print_table
    from builder.review_page import write_review_page
    from builder.review_report import make_report
    from builder.review_tables import list_tables
    from schemas.storage import write_text

    workspace = open_here()
    found = make_report(workspace)
    write_text(workspace.review_page, write_review_page(workspace.config.title, found))
    if as_json:
        print_json(found.as_dict())
        return
    for table in list_tables(found):
        if table.rows:
            print_table(make_table(table.title, table.columns, table.rows))
        for told in table.notes:
            note(told)
    note(f"Written: {workspace.review_page.name}. Next: finebench adjudicate")


@annotate.command()
@click.option("--reviewer", required=True, help="Whose answers.")
@click.option("--back", is_flag=True, help="Let them count again.")
@click.option("--reason", required=True, help="Why.")
@click.option("--by", default=get_user, show_default="curator", help="Who says so.")
def exclude(reviewer: str, back: bool, reason: str, by: str) -> None:
    """Let a reviewer's answers count no longer, and decide everything anew.

    Example: finebench annotate exclude --reviewer ben --reason "answered faster than anybody can read"
    """
    from builder.console import note, show_counts
    from builder.exclusions import record_exclusion
    from builder.pipeline import run_step
    from builder.workspace import Stage

    workspace = open_here()
    record_exclusion(workspace, reviewer, excluded=not back, by=by, reason=reason)
    for stage in (Stage.ANNOTATIONS, Stage.ADJUDICATED):
        show_counts(str(stage), run_step(workspace, stage))
    note("Next: finebench annotate report")


@annotate.command()
@responses_option
def merge(run: str) -> None:
    """Merge the answers of all reviewers and rounds, or count votes on a run's replies.

    Example: finebench annotate merge
    """
    if run:
        from builder.commands.replies import merge_judgements

        merge_judgements(open_here(), run)
        return
    from builder.console import note, show_counts
    from builder.pipeline import run_step
    from builder.workspace import Stage

    show_counts(str(Stage.ANNOTATIONS), run_step(open_here(), Stage.ANNOTATIONS))
    note("Next: finebench adjudicate")


@click.command()
@click.option("--item", "item_id", default="", help="Rule on this item alone, as its curator.")
@click.option(
    "--decision", type=click.Choice(["accept", "revise", "reject"]), help="The ruling on --item."
)
@click.option("--reason", default="", help="Why; a ruling needs a reason.")
@click.option("--by", default=get_user, show_default="curator", help="Who rules.")
@click.option(
    "--expert",
    default="",
    help="Your pseudonym: decide in the terminal what people did not agree on.",
)
def adjudicate(item_id: str, decision: str | None, reason: str, by: str, expert: str) -> None:
    """Decide every item by majority, rule on one as its curator, or on open cases as an expert.

    Example: finebench adjudicate --item fairness-0a1b2c3d4e5f --decision accept --reason "clear to me"
    """
    from builder.console import make_table, note, print_table, show_counts
    from builder.expert_queue import apply_revisions, list_cases
    from builder.pipeline import find_next_step, run_step
    from builder.review import count_decisions, record_ruling
    from builder.workspace import Stage
    from schemas.errors import UsageError
    from schemas.labels import Decision

    workspace = open_here()
    if bool(item_id) != bool(decision):
        raise UsageError("a ruling needs both --item and --decision.")
    if decision and not reason.strip():
        raise UsageError("a ruling needs a reason: --reason WHY.")
    if decision:
        record_ruling(workspace, item_id, Decision(decision), by=by, reason=reason)
    for stage in (Stage.ANNOTATIONS, Stage.ADJUDICATED):
        show_counts(str(stage), run_step(workspace, stage))
    if expert:
        _hear_expert(workspace, expert)
    revised, faults = apply_revisions(workspace)
    for fault in faults:
        note(fault)
    if revised:
        note(
            f"{len(revised)} items were revised as reviewers agreed: `finebench check` checks them, and one "
            "more answer in the next round confirms them"
        )
    rows = count_decisions(workspace)
    print_table(make_table("Decisions", ("decision", "method", "items"), rows))
    waiting = len(list_cases(workspace))
    if waiting:
        note(f"{waiting} cases wait for an expert: finebench adjudicate --expert NAME")
    note(f"Next: {find_next_step(workspace)}")


def _hear_expert(workspace: "Workspace", expert: str) -> None:
    """Let an expert rule on what people did not agree on, and decide anew."""
    from annotations.expert import run_expert_session
    from annotations.keys import open_keys
    from annotations.rounds import check_reviewer
    from builder.console import make_console, note, show_counts
    from builder.expert_queue import list_cases, rule_on_case
    from builder.pipeline import run_step
    from builder.workspace import Stage

    by, cases, console = check_reviewer(expert), list_cases(workspace), make_console()
    if not cases:
        note("no case waits for an expert")
        return
    ruled = run_expert_session(
        cases, lambda *ruling: rule_on_case(workspace, *ruling, by=by), console, open_keys(console)
    )
    note(f"{ruled} of {len(cases)} cases were ruled on")
    show_counts(str(Stage.ADJUDICATED), run_step(workspace, Stage.ADJUDICATED))


for _command in label_studio.COMMANDS:
    annotate.add_command(_command)

COMMANDS = (review, annotate, adjudicate)
