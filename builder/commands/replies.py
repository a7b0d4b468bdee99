"""How judging models' replies is planned, done and merged on the command line: a run's name enters."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.reply_plans import ReplyPlan
    from builder.roster import Member
    from builder.workspace import Workspace

__all__ = ["judge_in_terminal", "merge_judgements", "plan_judging"]


def plan_judging(
    workspace: "Workspace",
    run: str,
    members: "Sequence[Member]",
    *,
    per_stratum: int,
    is_flagged_shown: bool,
    dry_run: bool,
) -> None:
    """Plan who judges which replies of a run, and show it."""
    from builder.console import note
    from builder.reply_plans import plan_replies

    plan = plan_replies(
        workspace,
        run,
        [member.reviewer for member in members if not member.expert],
        per_stratum=per_stratum,
        is_flagged_shown=is_flagged_shown,
        is_kept=not dry_run,
    )
    _show_plan(plan)
    if dry_run:
        note("Nothing was kept.")
    else:
        online = any(member.email for member in members)
        push = f"finebench annotate push --responses {run}, or " if online else ""
        note(f"Next: {push}finebench review --responses {run} --reviewer NAME")


def _show_plan(plan: "ReplyPlan") -> None:
    from builder.console import make_table, note, print_table

    strata: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in plan.slice:
        strata.setdefault((row["model"], row["stratum"]), []).append(row)
    rows = [
        (model, stratum, of[0]["stratum_size"], len(of), f"{of[0]['probability']:.3f}")
        for (model, stratum), of in sorted(strata.items())
    ]
    columns = ("model", "multiple choice", "replies", "drawn", "chance")
    print_table(make_table("Which replies people judge", columns, rows))
    loads = Counter(row["reviewer"] for row in plan.assignments)
    print_table(make_table("Who judges how many", ("reviewer", "replies"), sorted(loads.items())))
    different = len({row["reply_id"] for row in plan.slice if not row["withheld"]})
    note(f"{len(plan.slice)} replies were drawn, {different} different ones to be read")
    for rule, count in sorted(Counter(row["withheld"] for row in plan.withheld).items()):
        never = "; such texts are never shown" if rule.startswith("minors:") else ""
        note(f"{count} of them nobody is shown: {rule}{never or ' (--show-flagged shows them)'}")
    if plan.short:
        note(
            f"{len(plan.short)} replies lack people who read their language and take their dimension"
        )


def judge_in_terminal(workspace: "Workspace", run: str, reviewer: str) -> None:
    """Let a person judge replies of a run in the terminal."""
    from annotations.keys import open_keys
    from annotations.terminal import run_session
    from builder.console import make_console, note
    from builder.reply_review import prepare_reply_session

    with prepare_reply_session(workspace, run, reviewer) as session:
        console = make_console()
        answered = run_session(session, console, open_keys(console))
    note(f"{answered} answers kept")
    note(f"Next: finebench annotate merge --responses {run}, once everybody is done")


def merge_judgements(workspace: "Workspace", run: str) -> None:
    """Count what people said of a run's replies, and show how far they are and agree."""
    from builder.console import make_table, note, print_table
    from builder.reply_agreement import compare_judges, measure_people
    from builder.reply_review import merge_replies

    judged = merge_replies(workspace, run)
    voters = sorted({row["judge"] for row in judged.votes})
    note(
        f"{len(judged.majorities)} replies judged by {len(voters)} people, {len(judged.split)} of them "
        f"without a majority; {len(judged.waiting)} wait for more votes"
    )
    if agreement := measure_people(judged):
        note(agreement)
    rows = compare_judges(workspace, run, judged.majorities)
    if rows:
        columns = ("model", "replies", "people: unsafe", "judge: unsafe", "both say the same")
        print_table(make_table("People and the model judge, on the same replies", columns, rows))
        note(
            "The slice is stratified: these shares are those of the slice, not of all replies of a model"
        )
    note(f"Written: runs/{run}/people.judgements.jsonl, votes.jsonl")
    note(f"Next: finebench report {run} --judge people, where people judged every reply")
