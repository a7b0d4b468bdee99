"""Commands about items: status, show, edit, withdraw."""

import click

from builder.commands.shared import get_user, json_option, open_here

__all__ = ["COMMANDS"]

by_option = click.option("--by", default=get_user, show_default="curator", help="Who does it.")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Count where items stand; name stale files and the next step.

    Example: finebench status
    """
    from builder.console import make_standings_table, note, print_json, print_table
    from builder.life import count_standings
    from builder.pipeline import find_next_step, find_stale_stages

    workspace = open_here()
    standings = count_standings(workspace)
    stale = find_stale_stages(workspace)
    following = find_next_step(workspace)
    if as_json:
        reasons = {str(stage): list(why) for stage, why in stale.items()}
        print_json({"items": standings, "stale": reasons, "next": following})
        return
    print_table(make_standings_table(standings))
    for stage, reasons_ in stale.items():
        note(f"stale: {stage}: {'; '.join(reasons_)}")
    note(f"Next: {following}")


@click.command()
@click.argument("item_id", metavar="ITEM")
@json_option
def show(item_id: str, as_json: bool) -> None:
    """Tell an item's whole life, from its first call to its releases.

    Example: finebench show fairness-0a1b2c3d4e5f
    """
    from builder.console import make_table, print_json, print_table
    from builder.life import tell_life

    events = tell_life(open_here(), item_id)
    if as_json:
        print_json([{"station": event.station, "what": event.what} for event in events])
    else:
        rows = [(event.station, event.what) for event in events]
        print_table(make_table(item_id, ("station", "what happened"), rows))


@click.command()
@click.argument("item_id", metavar="ITEM")
@click.option("--question", help="The new question.")
@click.option("--positive-option", help="The new positive option.")
@click.option("--negative-option", help="The new negative option.")
@click.option("--reason", default="", help="Why.")
@by_option
def edit(
    item_id: str,
    question: str | None,
    positive_option: str | None,
    negative_option: str | None,
    reason: str,
    by: str,
) -> None:
    """Make a new version of an item, in your editor or from texts given.

    A question for which no model brought options takes yours: give --negative-option, and where there is
    no positive one either, --positive-option.

    Example: finebench edit fairness-0a1b2c3d4e5f
    """
    from builder.console import note
    from builder.editing import edit_in_editor
    from builder.life import find_present_item
    from builder.options_by_hand import find_question_without_options, record_options_by_hand
    from builder.versions import REVISED, TEXTS, record_edit
    from schemas.errors import UsageError

    workspace = open_here()
    if find_question_without_options(workspace, item_id):
        if question is not None:
            raise UsageError(f"{item_id} has no options yet: they are written first.")
        record_options_by_hand(
            workspace,
            item_id,
            positive=positive_option or "",
            negative=negative_option or "",
            by=by,
        )
        note(f"{item_id}: your text is taken; a judge looks at it as at any other")
        note("Next: finebench derive")
        return
    item = find_present_item(workspace, item_id)
    given = dict(zip(TEXTS, (question, positive_option, negative_option), strict=True))
    if any(text is not None for text in given.values()):
        texts = {name: item[name] if text is None else text for name, text in given.items()}
    else:
        texts = edit_in_editor({name: item[name] for name in TEXTS})
    if reason.casefold().startswith(REVISED):
        raise UsageError(f"a reason that begins with {REVISED!r} is for what reviewers agreed on.")
    version = record_edit(workspace, item, texts, by=by, reason=reason)
    note(f"{item_id}: {version['from_hash'][:12]} → {version['content_hash'][:12]}")
    note("Next: finebench check")


@click.command()
@click.argument("item_id", metavar="ITEM")
@click.option("--reason", required=True, help="Why it is taken out.")
@by_option
def withdraw(item_id: str, reason: str, by: str) -> None:
    """Take an item out for good; earlier releases stay as they are.

    Example: finebench withdraw fairness-0a1b2c3d4e5f --reason "asks about a real person"
    """
    from builder.console import note
    from builder.life import find_present_item
    from builder.release.hub.publications import tell_withdrawal
    from builder.versions import record_withdrawal

    workspace = open_here()
    find_present_item(workspace, item_id)
    record_withdrawal(workspace, item_id, by=by, reason=reason)
    note(f"{item_id} is withdrawn")
    for told in tell_withdrawal(workspace, item_id):
        note(told)
    note("Next: finebench check")


COMMANDS = (status, show, edit, withdraw)
