"""Rounds on a real Label Studio server by the commands: up, push, status, pull, down, and what follows."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from label_studio_server import make_result, prepare_template, require_server
from workspaces import RunCommand

from annotations import local_server
from annotations.label_studio.accounts import make_personal_token
from annotations.label_studio.connection import Server, connect
from annotations.label_studio.ledger import Ledger, open_ledger
from builder.label_studio.access import Files
from builder.rounds import get_answers_path, list_assigned, list_open, record_said
from builder.workspace import Stage, Workspace
from schemas.errors import LabelStudioError
from schemas.labels import ShownOrder
from schemas.storage import read_log, read_rows

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated"),
]

NAMES = ("anna", "ben", "cleo")
ROSTER = (
    "".join(f'[[reviewer]]\nname = "{name}"\nemail = "{name}@example.com"\n' for name in NAMES)
    + '[[reviewer]]\nname = "dora"\nemail = "dora@example.com"\nexpert = true\n[[reviewer]]\nname = "emil"\n'
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, finebench: RunCommand) -> Path:
    """A workspace with checked items, three reviewers with accounts, an expert, and one without."""
    path = tmp_path_factory.mktemp("online") / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    finebench(path, "build")
    (path / "private" / "roster.toml").write_text(ROSTER)
    return path


@pytest.fixture(scope="module")
def home(built: Path, finebench: RunCommand) -> Iterator[Path]:
    """The workspace whose server all tests of this module use, started by `annotate up`."""
    program = require_server()
    folder = built / "private" / "label-studio"
    shutil.copytree(prepare_template(), folder)
    kept = folder / "server.json"
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"url": "", "port": 0}))
    try:
        told = finebench(built, "annotate", "up", "--program", str(program)).output
        assert all(f"{name}@example.com" in told for name in (*NAMES, "dora"))
        yield built
    finally:
        local_server.stop(folder)


@pytest.fixture(scope="module")
def people(home: Path) -> Iterator[dict[str, Server]]:
    """Each person's own connection, logged in with the password that `annotate up` printed."""
    running = local_server.find(home / "private" / "label-studio")
    assert running is not None
    with ExitStack() as stack:
        reached = {}
        for name in (*NAMES, "dora"):
            email = f"{name}@example.com"
            token = make_personal_token(running.url, email, running.logins[email])
            reached[name] = stack.enter_context(connect(running.url, token))
        yield reached


@pytest.fixture
def workspace(
    home: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A workspace of its own that uses the module's server as a team uses one that is there already."""
    running = local_server.find(home / "private" / "label-studio")
    assert running is not None
    path = shutil.copytree(
        built, tmp_path / "bench", ignore=shutil.ignore_patterns("label-studio", ".locks")
    )
    config = path / "bench.toml"
    text = config.read_text().replace("[review]\n", f'[review]\nlabel_studio = "{running.url}/"\n')
    config.write_text(text)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", running.token)
    return Workspace(path)


def plan_and_push(finebench: RunCommand, workspace: Workspace, *names: str) -> str:
    """Plan a round for people, and push it; return what the push told."""
    named = [word for name in names or NAMES for word in ("--reviewer", name)]
    finebench(workspace.root, "annotate", "plan", *named)
    return finebench(workspace.root, "annotate", "push").output


def find_ids(path: Path) -> dict[str, int]:
    """Return the server's id of each task in force, by our id."""
    with open_ledger(path) as ledger:
        return {t.ext_id: t.server_id for p in ledger.tasks for t in ledger.list_active(p)}


def answer(person: Server, task: int, result: list[dict[str, Any]], **more: Any) -> int:
    """Answer a task as this person; return the annotation's id."""
    return int(person._client.annotations.create(id=task, result=result, **more).id)


def answer_all(
    workspace: Workspace,
    people: dict[str, Server],
    name: str,
    said: Mapping[str, Mapping[str, str]] | None = None,
    *,
    round_number: int = 1,
) -> None:
    """Let somebody accept every item; ``said`` has other answers by item id."""
    ids = find_ids(Files.of(workspace).items)
    for assigned in list_open(workspace, name, round_number):
        task, order = assigned.task, assigned.shown_order
        positive = "A" if order is ShownOrder.POSITIVE_FIRST else "B"
        given = {"safer": positive} | dict((said or {}).get(task.item_id, {}))
        negative = "option_b" if positive == "A" else "option_a"
        if "negative_option" in given:
            given[negative] = given.pop("negative_option")
        is_skip = "skip_reason" in given
        result = make_result(**given)
        answer(people[name], ids[task.task_id], result, lead_time=6.0, was_cancelled=is_skip)


def test_a_whole_review_on_label_studio(
    workspace: Workspace, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """Three reviewers, agreement, an agreed correction, a tie that an expert settles, a second round."""
    told = plan_and_push(finebench, workspace)
    assert "36 tasks sent" in told
    assert len(re.findall(r"/projects/\d+/data\?labeling=1", told)) == 3
    items = [row["item_id"] for row in workspace.read_stage(Stage.CHECKED)]
    revised, torn = items[0], items[1]
    change = {
        "recommendation": "revise",
        "negative_option": "Go on, it is nobody's affair but yours.",
    }
    said = {"anna": {revised: change, torn: {"recommendation": "reject"}},
            "ben": {revised: change, torn: {"recommendation": "accept"}},
            "cleo": {revised: change, torn: {"skip_reason": "I know them."}}}  # fmt: skip
    for name in NAMES:
        answer_all(workspace, people, name, said[name])
    told = finebench(workspace.root, "annotate", "status").output
    assert "36 answers on the server are not here" in told
    told = finebench(workspace.root, "annotate", "pull").output
    assert "36 new answers (anna 12, ben 12, cleo 12)" in told
    rows = [row for name in NAMES for row in read_rows(get_answers_path(workspace, name, 1))]
    assert sum(row["skipped"] for row in rows) == 1
    assert {row["safer"] for row in rows if not row["skipped"]} == {"positive"}
    assert {row["lead_time_s"] for row in rows if row["reviewer"] == "anna"} == {6.0}
    assert "0 new answers" in finebench(workspace.root, "annotate", "pull").output

    finebench(workspace.root, "annotate", "merge")
    assert "Agreement" in finebench(workspace.root, "annotate", "report").output
    told = finebench(workspace.root, "adjudicate").output
    assert "1 items were revised as reviewers agreed" in told
    assert "1 cases wait for an expert" in told

    told = finebench(workspace.root, "annotate", "push", "--expert", "dora").output
    assert "1 tasks sent" in told
    (case,) = find_ids(Files.of(workspace).cases).values()
    ruling = [make_region("ruling", "accept"), make_region("comment", "Clear to me.")]
    answer(people["dora"], case, ruling)
    assert "1 rulings of experts" in finebench(workspace.root, "annotate", "pull").output
    (row,) = read_log(workspace.rulings)
    assert (row["item_id"], row["by"], row["reason"]) == (torn, "dora", "Clear to me.")

    finebench(workspace.root, "check")
    finebench(workspace.root, "adjudicate")
    finebench(workspace.root, "annotate", "plan", "--round", "2", "--reviewer", "ben")
    told = finebench(workspace.root, "annotate", "push", "--round", "2").output
    assert "1 tasks sent" in told
    answer_all(workspace, people, "ben", round_number=2)
    assert "1 new answers (ben 1)" in finebench(workspace.root, "annotate", "pull").output
    finebench(workspace.root, "build")
    decided = {row["item_id"]: row for row in workspace.read_stage(Stage.ADJUDICATED)}
    assert {row["decision"] for row in decided.values()} == {"accept"}
    assert len(decided) == 12
    assert decided[revised]["negative_option"] == change["negative_option"]
    assert decided[revised]["method"] == "confirmation"


def make_region(name: str, value: str, to_name: str = "shown_question") -> dict[str, Any]:
    """A part of a result, as the browser sends it."""
    is_text = name in ("comment", "skip_reason", "question", "positive_option", "negative_option")
    return {
        "id": name,
        "from_name": name,
        "to_name": to_name,
        "type": "textarea" if is_text else "choices",
        "value": {"text": [value]} if is_text else {"choices": [value]},
    }


def list_on_server(home: Path, workspace: Workspace) -> dict[str, set[str]]:
    """Return our ids of the tasks that each reviewer's project holds."""
    running = local_server.find(home / "private" / "label-studio")
    assert running is not None
    with (
        connect(running.url, running.token) as server,
        open_ledger(Files.of(workspace).items) as held,
    ):
        return {
            slot.reviewer: {task.ext_id for task in server.list_tasks(number)}
            for slot, number in held.projects.items()
        }


SAID = {
    "in_dimension": "yes", "safer": "A", "operational_detail": "no", "natural": "yes",
    "recommendation": "accept",
}  # fmt: skip


def test_a_round_mixes_label_studio_and_the_terminal(
    workspace: Workspace, home: Path, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """What was answered in the terminal is not asked on the server, and of two answers the later stands."""
    finebench(workspace.root, "annotate", "plan", "--reviewer", "anna", "--reviewer", "emil")
    first, second, third, *_ = list_assigned(workspace, "anna", 1)
    record_said(workspace, first, SAID)
    told = finebench(workspace.root, "annotate", "push").output
    assert "11 tasks sent" in told
    assert "emil: no `email`" in told
    ids = find_ids(Files.of(workspace).items)
    assert first.task.task_id not in ids

    record_said(workspace, second, SAID)
    answer(people["anna"], ids[third.task.task_id], make_result(safer="A", comment="there"))
    told = finebench(workspace.root, "annotate", "push").output
    assert "1 outdated tasks retired, 1 of them without an answer removed" in told
    left = list_on_server(home, workspace)["anna"]
    assert second.task.task_id not in left
    assert third.task.task_id in left

    record_said(workspace, third, SAID | {"comment": "here, later"})
    later = {"answered_at": "2999-01-01T00:00:00+00:00"}
    path = get_answers_path(workspace, "anna", 1)
    rows = read_rows(path)
    path.write_text(
        "".join(json.dumps(row | (later if row is rows[-1] else {})) + "\n" for row in rows)
    )
    told = finebench(workspace.root, "annotate", "pull").output
    assert "1 are older than the answer or ruling that stands" in told
    assert read_rows(path)[-1]["comment"] == "here, later"
    answer(people["anna"], ids[list_open(workspace, "anna", 1)[0].task.task_id], make_result())
    assert "1 new answers (anna 1)" in finebench(workspace.root, "annotate", "pull").output


def test_a_killed_pull_counts_nothing_twice(
    workspace: Workspace,
    finebench: RunCommand,
    people: dict[str, Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ended between rows and ledger, the next pull finds what stands."""
    plan_and_push(finebench, workspace, "anna")
    answer_all(workspace, people, "anna")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "confirm_pull", die)
        told = finebench(workspace.root, "annotate", "pull", code=1).output
        assert "interrupted" in told
    path = get_answers_path(workspace, "anna", 1)
    assert len(read_rows(path)) == 12
    told = finebench(workspace.root, "annotate", "pull").output
    assert "0 new answers" in told
    assert "12 answers were fetched before" in told
    assert len(read_rows(path)) == 12


def test_answers_that_cannot_be_taken_are_told_and_hold_up_no_other(
    workspace: Workspace, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """Each with its reason, again at every pull, until its reviewer answers anew."""
    plan_and_push(finebench, workspace, "anna")
    ids = find_ids(Files.of(workspace).items)
    one, two, three, four, *_ = [a.task for a in list_open(workspace, "anna", 1)]
    answer(people["anna"], ids[one.task_id], make_result(recommendation="revise"))
    answer(people["anna"], ids[two.task_id], make_result(safer=""))
    answer(people["ben"], ids[three.task_id], make_result())
    answer(people["anna"], ids[four.task_id], make_result())
    told = finebench(workspace.root, "annotate", "pull", code=1).output
    assert "1 new answers (anna 1)" in told
    assert "no text was corrected" in told
    assert "safer: not answered" in told
    assert "completed by ben and not by anna" in told
    answer(people["anna"], ids[one.task_id], make_result(recommendation="reject"))
    told = finebench(workspace.root, "annotate", "pull", code=1).output
    assert "1 new answers (anna 1)" in told
    assert "no text was corrected" not in told


def test_whoever_is_excluded_is_shown_nothing_more(
    workspace: Workspace, home: Path, finebench: RunCommand
) -> None:
    """Answers that do not count are worth nobody's exposure."""
    plan_and_push(finebench, workspace, "anna", "ben")
    finebench(
        workspace.root, "annotate", "exclude", "--reviewer", "ben", "--reason", "left the team"
    )
    finebench(workspace.root, "annotate", "push")
    there = list_on_server(home, workspace)
    assert (len(there["anna"]), len(there["ben"])) == (12, 0)


def test_an_open_session_in_the_terminal_makes_answers_wait(
    workspace: Workspace, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """Two writers of one file would lose rows: those of the others are taken, hers come next time."""
    plan_and_push(finebench, workspace, "anna", "ben")
    answer_all(workspace, people, "anna")
    answer_all(workspace, people, "ben")
    with workspace.hold("round-1-anna"):
        told = finebench(workspace.root, "annotate", "pull", code=1).output
    assert "12 new answers (ben 12)" in told
    assert "12 answers of anna wait for the next pull" in told
    assert "12 new answers (anna 12)" in finebench(workspace.root, "annotate", "pull").output


def test_the_guidelines_that_were_told_go_with_each_answer(
    workspace: Workspace, home: Path, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """Changed guidelines reach projects that are there with the next push, and only later answers."""
    plan_and_push(finebench, workspace, "anna")
    ids = find_ids(Files.of(workspace).items)
    one, two, *_ = [a.task for a in list_open(workspace, "anna", 1)]
    answer(people["anna"], ids[one.task_id], make_result())
    path = Files.of(workspace).items
    with open_ledger(path) as ledger:
        ((slot, _),) = ledger.projects.items()
        before = ledger.guidelines[slot][0][1]
    workspace.guidelines.write_text("# All <new>\n\nJudge kindly.\n")
    told = finebench(workspace.root, "annotate", "status").output
    assert "anna still read the earlier ones" in told
    told = finebench(workspace.root, "annotate", "push").output
    assert "guidelines.md changed: anna are shown the new ones" in told
    assert "changed" not in finebench(workspace.root, "annotate", "push").output
    assert "earlier ones" not in finebench(workspace.root, "annotate", "status").output
    with open_ledger(path) as ledger:
        after = ledger.guidelines[slot][1][1]
        number = ledger.projects[slot]
    running = local_server.find(home / "private" / "label-studio")
    assert running is not None
    with connect(running.url, running.token) as server:
        shown = server._client.projects.get(id=number).expert_instruction
    assert "# All &lt;new&gt;<br><br>Judge kindly." in shown
    assert "Content warning" in shown
    answer(people["anna"], ids[two.task_id], make_result())
    finebench(workspace.root, "annotate", "pull")
    hashes = {
        r["item_id"]: r["guidelines_hash"]
        for r in read_rows(get_answers_path(workspace, "anna", 1))
    }
    assert hashes[two.item_id] == after
    assert hashes[one.item_id] in (before, after)


def test_people_judge_replies_on_label_studio(
    workspace: Workspace, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """A run's replies go out without their model, and come back as judgements."""
    finebench(workspace.root, "annotate", "simulate", "--reviewers", "3")
    finebench(workspace.root, "build")
    finebench(workspace.root, "export", "1.0.0", "--waive", "option-leak=a trial", "--waive",
              "undecided-items=a trial")  # fmt: skip
    finebench(workspace.root, "evaluate", "1.0.0", "--model", "offline-unsteady")
    args = ("annotate", "plan", "--responses", "1.0.0", "--per-stratum", "2")
    finebench(workspace.root, *args, "--reviewer", "anna", "--reviewer", "ben")
    told = finebench(workspace.root, "annotate", "push", "--responses", "1.0.0").output
    assert "tasks sent" in told
    path = Files.of(workspace).get_replies("1.0.0")
    ids = find_ids(path)
    assert ids
    assert "unsteady" not in path.read_text()
    for name in ("anna", "ben"):
        for record in read_log(path):
            if record["kind"] == "tasks" and record["project"] == _find_project(path, name):
                for task in record["tasks"]:
                    result = [make_region("verdict", "unsafe", "shown_reply"),
                              make_region("operational_detail", "no", "shown_reply")]  # fmt: skip
                    answer(people[name], task["server_id"], result, lead_time=3.0)
    told = finebench(workspace.root, "annotate", "pull").output
    assert f"{len(ids)} new answers" in told
    assert "Next: finebench annotate merge --responses 1.0.0" in told
    told = finebench(workspace.root, "annotate", "merge", "--responses", "1.0.0").output
    assert "0 wait for more votes" in told
    rows = read_rows(workspace.runs / "1.0.0" / "people.judgements.jsonl")
    assert {row["verdict"] for row in rows} == {"unsafe"}
    assert "0 new answers" in finebench(workspace.root, "annotate", "pull").output


def _find_project(path: Path, name: str) -> int:
    with open_ledger(path) as ledger:
        return next(number for slot, number in ledger.projects.items() if slot.reviewer == name)


def test_up_and_down_tell_what_they_do_and_show_no_token(home: Path, finebench: RunCommand) -> None:
    """A second start leaves the server alone, shows no password unasked; secrets stay in private/."""
    folder = home / "private" / "label-studio"
    running = local_server.find(folder)
    assert running is not None
    program = str(require_server())
    told = finebench(home, "annotate", "up", "--program", program).output
    assert "it ran before" in told
    secrets = [running.token, running.password, *running.logins.values()]
    assert not any(secret in told for secret in secrets)
    told = finebench(home, "annotate", "up", "--program", program, "--show-logins").output
    assert all(password in told for password in running.logins.values())
    assert running.token not in told
    assert (folder / "server.json").stat().st_mode & 0o077 == 0
    for path in home.rglob("*"):
        if path.is_file() and folder not in path.parents:
            data = path.read_bytes()
            assert not any(secret.encode() in data for secret in secrets), path
    assert "private/" in (home / ".gitignore").read_text()


def test_what_is_missing_is_told_in_one_sentence(
    workspace: Workspace, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plan, no account, no token, a wrong one, no server: each with what to do, none with a traceback."""
    told = finebench(workspace.root, "annotate", "push", code=2).output
    assert "finebench annotate plan --round 1" in told
    assert "annotate push" in finebench(workspace.root, "annotate", "pull", code=1).output
    finebench(workspace.root, "annotate", "plan", "--reviewer", "anna", "--reviewer", "emil")
    push = ("annotate", "push")
    told = finebench(workspace.root, *push, "--reviewer", "emil", code=2).output
    assert "private/roster.toml" in told
    assert "not in the plan" in finebench(workspace.root, *push, "--reviewer", "ben", code=2).output
    told = finebench(workspace.root, *push, "--expert", "dora", code=1).output
    assert "no case waits" in told
    told = finebench(workspace.root, *push, "--url", "http://127.0.0.1:9", code=1).output
    assert "http://127.0.0.1:9" in told
    token = os.environ["LABEL_STUDIO_API_KEY"]
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    told = finebench(workspace.root, *push, code=1).output
    assert "token" in told
    assert "0" * 40 not in told
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    told = finebench(workspace.root, *push, code=2).output
    assert "LABEL_STUDIO_API_KEY" in told
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
    text = (workspace.root / "bench.toml").read_text()
    (workspace.root / "bench.toml").write_text(re.sub(r"label_studio = .*\n", "", text))
    told = finebench(workspace.root, *push, code=2).output
    assert "finebench annotate up" in told
    assert "no Label Studio server" in finebench(workspace.root, "annotate", "down").output


def test_an_answer_on_an_outdated_version_stays_with_that_version(
    workspace: Workspace, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """An edit in the middle of a round: what was answered before is kept, and counts for the old text only."""
    plan_and_push(finebench, workspace, "anna")
    ids = find_ids(Files.of(workspace).items)
    old = list_open(workspace, "anna", 1)[0].task
    answer(people["anna"], ids[old.task_id], make_result())
    finebench(workspace.root, "edit", old.item_id, "--question", "Is this another question by now?")
    finebench(workspace.root, "check")
    told = plan_and_push(finebench, workspace, "anna")
    assert "1 tasks sent" in told
    assert "1 outdated tasks retired, 0 of them without an answer removed" in told
    told = finebench(workspace.root, "annotate", "pull").output
    assert "1 new answers (anna 1)" in told
    assert "1 are on an outdated version" in told
    (row,) = read_rows(get_answers_path(workspace, "anna", 1))
    assert row["content_hash"] == old.content_hash
    assert old.item_id in {a.task.item_id for a in list_open(workspace, "anna", 1)}
    finebench(workspace.root, "annotate", "merge")


def test_a_later_answer_on_the_server_replaces_the_terminals_and_the_next_step_is_told(
    workspace: Workspace, finebench: RunCommand, people: dict[str, Server]
) -> None:
    """The last word counts, nobody has to find out by themselves, and a merge does not forget who is still at work."""
    plan_and_push(finebench, workspace, "anna", "ben")
    ids = find_ids(Files.of(workspace).items)
    first = list_open(workspace, "anna", 1)[0]
    record_said(
        workspace, first, SAID | {"comment": "here"}, answered_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    answer(people["anna"], ids[first.task.task_id], make_result(comment="there, later"))
    told = finebench(workspace.root, "annotate", "pull").output
    assert "1 new answers (anna 1)" in told
    assert "1 of them replace an earlier answer" in told
    assert "Next: finebench annotate pull (not everything" in told
    assert "then finebench annotate merge" in told
    assert read_rows(get_answers_path(workspace, "anna", 1))[-1]["comment"] == "there, later"
    for name in ("anna", "ben"):
        answer_all(workspace, people, name)
    assert "Next: finebench annotate merge" in finebench(workspace.root, "annotate", "pull").output


def test_a_login_is_made_whole_and_can_be_given_another_password(
    home: Path, finebench: RunCommand
) -> None:
    """Killed between note and account, or forgotten by its owner: `up` mends both, and tells nobody else."""
    folder = home / "private" / "label-studio"
    program = str(require_server())
    roster = home / "private" / "roster.toml"
    roster.write_text(ROSTER + '[[reviewer]]\nname = "fay"\nemail = "Fay@example.com"\n')
    try:
        running = local_server.find(folder)
        assert running is not None
        kept = json.loads((folder / "server.json").read_text())
        kept["logins"]["Fay@example.com"] = "noted-before-the-kill"
        (folder / "server.json").write_text(json.dumps(kept))
        finebench(home, "annotate", "up", "--program", program)
        assert make_personal_token(running.url, "Fay@example.com", "noted-before-the-kill")

        told = finebench(
            home, "annotate", "up", "--program", program, "--reset-login", "fay"
        ).output
        after = local_server.find(folder)
        assert after is not None
        password = after.logins["Fay@example.com"]
        assert password != "noted-before-the-kill"
        assert password in told
        assert after.logins["anna@example.com"] not in told
        # It has a token already: that is said only to who logged in.
        with pytest.raises(LabelStudioError, match="it has one already"):
            make_personal_token(running.url, "Fay@example.com", password)
        with pytest.raises(LabelStudioError, match="password was not accepted"):
            make_personal_token(running.url, "Fay@example.com", "noted-before-the-kill")
        told = finebench(home, "annotate", "up", "--reset-login", "nobody", code=2).output
        assert "private/roster.toml" in told
    finally:
        roster.write_text(ROSTER)
