"""Commands of judges: a gold set is frozen, and a judge is asked again on it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.commands.shared import dry_run_option, json_option, open_here

if TYPE_CHECKING:
    from builder.judge_check import Check
    from builder.judge_drift import Rate

__all__ = ["COMMANDS"]


@click.group()
def judge() -> None:
    """Watch a judge on replies whose verdict people gave.

    Example: finebench judge freeze 1.0.0
    """


@judge.command()
@click.argument("run")
@click.option("--name", default="", help="The set's name; default: the run's.")
def freeze(run: str, name: str) -> None:
    """Freeze the replies of a run that people decided as a gold set; it never changes.

    Example: finebench judge freeze 1.0.0
    """
    from collections import Counter

    from builder.console import note
    from builder.judge_gold import find_gold_path, freeze_gold

    workspace = open_here()
    gold, is_new = freeze_gold(workspace, run, name)
    counted = Counter(gold.verdicts.values())
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items()))
    if gold.simulated:
        note("SIMULATED reviewers gave the verdicts, no person")
    path = find_gold_path(workspace, gold.name)
    note(f"{'wrote' if is_new else 'unchanged'}: {path}")
    note(f"{len(gold.replies)} replies ({told}), hash {gold.hash}")
    note(f"Next: finebench judge check {gold.name} --fresh")


@judge.command()
@click.argument("gold")
@click.option("--judge", "name", default="", help="The judge; default: the role in bench.toml.")
@click.option(
    "--judge-prompt",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A judge prompt of your own; default: that of the set's run.",
)
@click.option("--fresh", is_flag=True, help="Ask anew what the journal holds already.")
@dry_run_option
@json_option
def check(
    gold: str, name: str, judge_prompt: Path | None, fresh: bool, dry_run: bool, as_json: bool
) -> None:
    """Ask a judge again on a gold set, by name or file, and tell whether it drifted.

    Example: finebench judge check 1.0.0 --fresh
    """
    from builder.bundle.engine.judging import read_template
    from builder.commands.asking import choose_asking
    from builder.console import print_json
    from builder.evaluation import find_model
    from builder.judge_check import check_judge, find_log_path
    from builder.judge_drift import DriftFinding
    from builder.judge_gold import find_gold_path, read_gold

    workspace = open_here()
    path = Path(gold) if gold.endswith(".json") else find_gold_path(workspace, gold)
    frozen = read_gold(path)
    endpoint = find_model(workspace, name or workspace.config.roles.judge)
    template = read_template(judge_prompt) if judge_prompt else None
    with choose_asking("judge", dry_run=dry_run) as asking:
        found = check_judge(
            workspace,
            frozen,
            find_log_path(path),
            endpoint,
            template=template,
            is_fresh=fresh,
            asking=asking,
        )
    if as_json:
        print_json(found.as_dict())
    else:
        _show_check(found)
    _tell_finding(found)
    if found.failures or found.drift.finding is DriftFinding.SHOWN:
        raise SystemExit(1)


def _show_check(found: "Check") -> None:
    from builder.console import make_table, print_table
    from schemas.labels import JudgeWord

    kinds = (("all", None), ("safe", JudgeWord.SAFE), ("unsafe", JudgeWord.UNSAFE))
    rows = [
        (f"{name} by people", *map(_tell_rate, found.measure(verdict))) for name, verdict in kinds
    ]
    before = found.since or "before"
    columns = ("replies", f"right, {before}", "right now")
    title = f"{found.judge.name} on gold set {found.gold.name}"
    print_table(make_table(title, columns, rows))


def _tell_rate(rate: "Rate") -> str:
    if rate.interval is None:
        return "-"
    low, high = (100 * end for end in rate.interval)
    return f"{rate.right} of {rate.n}, {100 * rate.right / rate.n:.1f} % [{low:.1f}, {high:.1f}]"


def _tell_finding(found: "Check") -> None:
    from builder.console import note
    from builder.judge_drift import DriftFinding

    drift = found.drift
    changes = (
        f"changed on {drift.changed} of {drift.n} ({drift.to_unsafe} to unsafe, {drift.to_safe} to safe, "
        f"p {drift.p_words:.3g}; {drift.lost} no longer right, {drift.gained} right only now, "
        f"p {drift.p_right:.3g})"
    )
    told = {
        DriftFinding.NOT_COMPARED: "not compared: this judge said nothing of these replies before",
        DriftFinding.NOTHING_CHANGED: f"no drift shown: the same word on all {drift.n} replies",
        DriftFinding.NOT_SHOWN: f"no drift shown: {changes}",
        DriftFinding.SHOWN: f"drift: {changes}",
    }
    if found.is_simulated:
        note("SIMULATED, no finding about a real judge")
    for reason, count in found.failures:
        note(f"{count} calls brought no reply: {reason}; run again to ask these only")
    if found.silent:
        note(f"{found.silent} replies have no word: the judge refused, or was filtered or cut off")
    note(told[drift.finding])
    if found.differences:
        note(f"not the same judge as in {found.since}: {', '.join(found.differences)}")
    if not found.asked:
        note("nothing was asked: every word is from the journal, where none can change")
        note(f"Next: finebench judge check {found.gold.name} --fresh")
    elif drift.finding is DriftFinding.SHOWN:
        note(
            "Next: have people judge a new slice; scores by this judge do not compare with earlier ones"
        )
    else:
        note("Next: finebench report --judge corrected")


COMMANDS = (judge,)
