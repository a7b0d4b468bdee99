"""What goes out to Label Studio: a plan enters; tasks for those who have an account leave, each once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotations.expert_tasks import CaseTask
from annotations.label_config import Interface, load_label_config
from annotations.label_studio.connection import Server
from annotations.label_studio.ledger import open_ledger
from annotations.label_studio.push import Pushed, Tell, make_link, push_tasks
from annotations.simulation import SIMULATED_PREFIX
from annotations.tasks import ShownTask
from builder.exclusions import read_exclusions
from builder.expert_queue import list_cases
from builder.label_studio.access import Files, list_members_online
from builder.reply_plans import read_judged_run
from builder.reply_review import list_open_replies
from builder.rounds import list_open
from builder.workspace import Workspace, read_table
from schemas.errors import StageError, UsageError
from schemas.storage import hash_file, read_bytes
from schemas.tables import TableName

__all__ = ["Outgoing", "Sent", "collect_cases", "collect_items", "collect_replies", "send"]

_WARNING = (
    "Content warning: some of the texts are harmful or upsetting, by design. You may stop at any of them "
    "without giving a reason."
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be on the server: tasks by person, in the order in which they are shown.

    ``left_out`` are people who are asked too and have no account there.
    """

    ledger: Path
    interface: Interface
    tasks: dict[str, list[ShownTask]]
    round_number: int = 1
    title: str = ""
    left_out: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Sent:
    """What a push did, and where each person finds their tasks.

    ``told_anew`` are those who are shown other guidelines than before from now on.
    """

    pushed: Pushed
    links: dict[str, str]
    told_anew: list[str]


def collect_items(workspace: Workspace, round_number: int, names: Sequence[str] = ()) -> Outgoing:
    """Return what a round's reviewers have yet to answer: of all who have an account, or those named.

    Raises `UsageError` where the round has no plan, or somebody named is not in it or has no account.
    """
    rows = read_table(workspace.get_plan(round_number), TableName.ASSIGNMENT)
    planned = {r["reviewer"] for r in rows if not r["reviewer"].startswith(SIMULATED_PREFIX)}
    if not planned:
        raise UsageError(
            f"round {round_number} has no plan for people. Run `finebench annotate plan --round "
            f"{round_number}` first."
        )
    chosen, left_out = _choose(workspace, planned, names, f"the plan of round {round_number}")
    tasks: dict[str, list[ShownTask]] = {
        name: [assigned.task for assigned in list_open(workspace, name, round_number)]
        for name in chosen
    }
    # Whoever was excluded since is shown nothing more.
    tasks |= {name: [] for name in read_exclusions(workspace) if name in planned and not names}
    path = Files.of(workspace).items
    return Outgoing(path, Interface.ITEMS, tasks, round_number, left_out=left_out)


def collect_replies(workspace: Workspace, run: str, names: Sequence[str] = ()) -> Outgoing:
    """Return the replies of a run that people have yet to judge; errors as `collect_items`."""
    rows = read_table(read_judged_run(workspace, run).plan_path, TableName.REPLY_ASSIGNMENT)
    planned = {row["reviewer"] for row in rows}
    if not planned:
        raise UsageError(
            f"nobody judges replies of run {run} yet. Run `finebench annotate plan --responses {run}` first."
        )
    chosen, left_out = _choose(workspace, planned, names, f"the plan for run {run}")
    tasks: dict[str, list[ShownTask]] = {
        name: [*list_open_replies(workspace, run, name)] for name in chosen
    }
    path = Files.of(workspace).get_replies(run)
    # The name of a run may tell models: it does not go out.
    return Outgoing(path, Interface.REPLIES, tasks, title="Replies", left_out=left_out)


def collect_cases(workspace: Workspace, expert: str) -> Outgoing:
    """Return the cases that wait for an expert; raise `StageError` where none does."""
    cases = list_cases(workspace)
    if not cases:
        raise StageError("no case waits for an expert.")
    _choose(workspace, {expert}, [expert], "private/roster.toml")
    tasks: dict[str, list[ShownTask]] = {expert: [CaseTask(expert, case) for case in cases]}
    return Outgoing(Files.of(workspace).cases, Interface.CASES, tasks, title="Open cases")


def _choose(
    workspace: Workspace, planned: Collection[str], names: Sequence[str], where: str
) -> tuple[list[str], list[str]]:
    """Return who of those planned is asked on the server, and who has no account there."""
    online = {member.name for member in list_members_online(workspace)}
    unknown = [name for name in names if name not in planned]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: not in {where} ({', '.join(sorted(planned))}).")
    excluded = read_exclusions(workspace)
    wanted = sorted(name for name in names or planned if name not in excluded)
    if not wanted:
        raise UsageError(f"all of {where} are excluded ({', '.join(sorted(excluded))}).")
    without = [name for name in wanted if name not in online]
    if without and (names or len(without) == len(wanted)):
        raise UsageError(
            f"{', '.join(without)}: no account. Give them an `email` in private/roster.toml, and a login "
            "with `finebench annotate up` or on your server."
        )
    return [name for name in wanted if name in online], without


def send(workspace: Workspace, server: Server, outgoing: Outgoing, tell: Tell) -> Sent:
    """Have on the server exactly what is outgoing; see `annotations.label_studio.push.push_tasks`."""
    guidelines = read_bytes(workspace.guidelines).decode("utf-8", "replace")
    contact = workspace.config.review.contact or "The curator who invited you is there for you."
    outgoing.ledger.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    tasks = [task for of in outgoing.tasks.values() for task in of]
    with open_ledger(outgoing.ledger, outgoing.title) as ledger:
        before = {slot: len(told) for slot, told in ledger.guidelines.items()}
        pushed = push_tasks(
            server,
            tasks,
            ledger,
            label_config=load_label_config(outgoing.interface),
            instruction=f"{_WARNING} {contact}\n\n{guidelines}",
            guidelines=hash_file(workspace.guidelines),
            whole={(outgoing.round_number, name) for name in outgoing.tasks},
            tell=tell,
        )
    links = {slot.reviewer: make_link(server, number) for slot, number in pushed.projects.items()}
    anew = [
        slot for slot in pushed.projects if 0 < before.get(slot, 0) < len(ledger.guidelines[slot])
    ]
    return Sent(pushed, links, sorted(slot.reviewer for slot in anew))
