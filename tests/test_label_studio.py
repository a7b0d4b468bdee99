"""Review rounds on a real Label Studio server, with replies lost and the server killed on the way."""

import json
import os
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from label_studio_server import (
    LosingProxy,
    kill_server,
    make_result,
    make_tasks,
    prepare_template,
    require_server,
    run_label_studio,
    run_proxy,
)

from annotations import local_server
from annotations.label_studio.accounts import make_personal_token
from annotations.label_studio.connection import Server, connect
from annotations.label_studio.ledger import open_ledger
from annotations.label_studio.pull import Pulled, pull_answers
from annotations.label_studio.push import Pushed, push_tasks
from annotations.label_studio.status import get_status
from annotations.local_server import LocalServer
from annotations.tasks import ReviewTask
from schemas.errors import DataError, LabelStudioError, StorageError, UsageError

pytestmark = [
    pytest.mark.server,
    # The client's own, where it renews the short token of a personal one.
    pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated"),
]

REVIEWERS = ("ann", "ben", "cyd")
ACCOUNTS = {f"{name}@example.com": name for name in REVIEWERS}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of this module lives."""
    return tmp_path_factory.mktemp("label-studio") / "server"


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[LocalServer]:
    """A server with the logins of three reviewers."""
    with run_label_studio(home) as server:
        for email in ACCOUNTS:
            local_server.add_login(home, email)
        yield server


@pytest.fixture
def server(running: LocalServer) -> Iterator[Server]:
    """The owner's connection."""
    with connect(running.url, running.token) as reached:
        yield reached


@pytest.fixture
def proxy(running: LocalServer) -> Iterator[LosingProxy]:
    """A proxy before the server, which loses nothing until told to."""
    with run_proxy(running.port) as between:
        yield between


@pytest.fixture(scope="module")
def people(running: LocalServer, home: Path) -> Iterator[dict[str, Server]]:
    """Each reviewer's own connection, with a personal token as servers give them out today."""
    with ExitStack() as stack:
        reached = {}
        for email, name in ACCOUNTS.items():
            password = local_server.add_login(home, email)
            token = make_personal_token(running.url, email, password)
            reached[name] = stack.enter_context(connect(running.url, token))
        yield reached


def push(server: Server, ledger: Path, tasks: list[ReviewTask], **more: Any) -> Pushed:
    """Push tasks under the ledger's lock."""
    with open_ledger(ledger) as held:
        return push_tasks(server, tasks, held, **more)


def pull(server: Server, ledger: Path, *, confirm: bool = True) -> Pulled:
    """Pull answers, and confirm them as a caller does that has stored them."""
    with open_ledger(ledger) as held:
        pulled = pull_answers(server, held, ledger.parent / "raw", ACCOUNTS)
        if confirm:
            held.confirm_pull(pulled.seen)
        return pulled


def find_ids(ledger: Path) -> dict[str, int]:
    """Return the server's id of each task in force."""
    with open_ledger(ledger) as held:
        return {t.ext_id: t.server_id for p in held.tasks for t in held.list_active(p)}


def answer(server: Server, task: int, result: list[dict[str, Any]], **more: Any) -> int:
    """Answer a task as the owner of the connection; return the annotation's id."""
    return int(server._client.annotations.create(id=task, result=result, **more).id)


def require_once(server: Server, ledger: Path, tasks: list[ReviewTask]) -> None:
    """Require that the server holds each task once, and the ledger the id that it has there."""
    with open_ledger(ledger) as held:
        projects = list(held.projects.values())
    there = [task for project in projects for task in server.list_tasks(project)]
    assert Counter(t.ext_id for t in there) == Counter(t.task_id for t in tasks)
    assert find_ids(ledger) == {t.ext_id: t.server_id for t in there}


def test_a_round_of_three_reviewers_comes_back_as_it_was_given(
    server: Server, people: dict[str, Server], tmp_path: Path
) -> None:
    """Pull gives exactly what three people said, each to the version shown, and nothing twice."""
    ledger = tmp_path / "ledger.jsonl"
    tasks = [task for name in REVIEWERS for task in make_tasks(name, 3)]
    pushed = push(server, ledger, tasks)
    assert (pushed.sent, pushed.found, pushed.known) == (9, 0, 0)
    require_once(server, ledger, tasks)
    with open_ledger(ledger) as held:
        titles = [held.get_title(slot) for slot in pushed.projects]
    assert titles == ["Round 1, slot 1", "Round 1, slot 2", "Round 1, slot 3"]

    ids = find_ids(ledger)
    said = {}
    for name in REVIEWERS:
        one, two, _ = (t.task_id for t in make_tasks(name, 3))
        answer(people[name], ids[one], make_result(safer="A", comment=f"by {name}"), lead_time=4.5)
        answer(people[name], ids[two], make_result(skip_reason="Too close to home."),
               was_cancelled=True, lead_time=1.25)  # fmt: skip
        said[one] = {
            "in_dimension": "yes", "safer": "A", "operational_detail": "no", "natural": "yes",
            "recommendation": "accept", "comment": f"by {name}", "lead_time_s": 4.5,
        }  # fmt: skip
        said[two] = {
            "skipped": True, "skip_reason": "Too close to home.", "comment": "", "lead_time_s": 1.25,
        }  # fmt: skip
    pulled = pull(server, ledger)
    assert {a.task_id: dict(a.said) for a in pulled.answers} == said
    versions = {t.task_id: (t.reviewer, t.item_id, t.content_hash) for t in tasks}
    assert all(
        versions[a.task_id] == (a.reviewer, a.item_id, a.content_hash) for a in pulled.answers
    )
    assert pulled.refused == ()
    assert pulled.raw_files[0].name == "pull-0001-round-1-slot-1.json"

    again = pull(server, ledger)
    assert (again.answers, again.unchanged) == ((), 6)
    with open_ledger(ledger) as held:
        states = get_status(server, held)
    assert [(s.reviewer, s.tasks, s.answered, s.skipped, s.left) for s in states] == [
        (name, 3, 1, 1, 1) for name in REVIEWERS
    ]
    assert all(s.last_activity for s in states)


def test_an_unconfirmed_pull_is_brought_again(
    server: Server, people: dict[str, Server], tmp_path: Path
) -> None:
    """A caller killed between pulling and storing loses nothing."""
    ledger = tmp_path / "ledger.jsonl"
    push(server, ledger, make_tasks("ann", 1))
    (task,) = find_ids(ledger).values()
    answer(people["ann"], task, make_result())
    first = pull(server, ledger, confirm=False)
    assert pull(server, ledger).answers == first.answers
    assert pull(server, ledger).answers == ()


def test_pushing_twice_adds_nothing(server: Server, tmp_path: Path) -> None:
    """A push that is run again leaves each task exactly once."""
    ledger, tasks = tmp_path / "ledger.jsonl", make_tasks("ann", 7)
    push(server, ledger, tasks[:4])
    pushed = push(server, ledger, tasks, batch=2)
    assert (pushed.sent, pushed.known) == (3, 4)
    assert push(server, ledger, tasks).known == 7
    require_once(server, ledger, tasks)


def test_a_changed_item_is_asked_anew_and_its_answer_stays(
    server: Server, people: dict[str, Server], tmp_path: Path
) -> None:
    """Answers to an earlier version stay with it; an unanswered earlier version leaves the queue."""
    ledger, before = tmp_path / "ledger.jsonl", make_tasks("ann", 3)
    push(server, ledger, before)
    answer(people["ann"], find_ids(ledger)[before[0].task_id], make_result(safer="A"))
    after = [*make_tasks("ann", 2, version="2"), before[2]]
    pushed = push(server, ledger, after)
    assert (pushed.sent, pushed.known, pushed.retired, pushed.removed) == (2, 1, 2, 1)
    assert set(find_ids(ledger)) == {t.task_id for t in after}
    there = server.list_tasks(*pushed.projects.values())
    assert {t.ext_id for t in there} == {t.task_id for t in [before[0], *after]}
    answer(people["ann"], find_ids(ledger)[after[0].task_id], make_result(safer="B"))
    pulled = pull(server, ledger)
    assert {(a.content_hash, a.said["safer"], a.is_retired) for a in pulled.answers} == {
        (before[0].content_hash, "A", True),
        (after[0].content_hash, "B", False),
    }
    assert push(server, ledger, after).retired == 0


@pytest.mark.parametrize("fault", ["losing", "broken"])
def test_lost_replies_leave_each_task_once(
    server: Server, running: LocalServer, proxy: LosingProxy, tmp_path: Path, fault: str
) -> None:
    """The reply to a creation or an import is lost, or the request itself: nothing is made twice."""
    ledger, tasks = tmp_path / "ledger.jsonl", make_tasks("ann", 30)
    projects = len(server.list_projects())
    getattr(proxy, fault).extend(
        [("POST", "/api/projects/"), ("POST", "/import"), ("POST", "/import")]
    )
    getattr(proxy, fault).extend([("GET", "/api/tasks/"), ("GET", "/api/projects/")])
    with connect(proxy.url, running.token) as between:
        pushed = push(between, ledger, tasks, batch=10)
    assert getattr(proxy, fault) in ([], [("GET", "/api/tasks/")]), "a fault was not met"
    assert pushed.sent + pushed.found == 30
    require_once(server, ledger, tasks)
    assert len(server.list_projects()) == projects + 1


def test_a_killed_push_is_taken_up(server: Server, tmp_path: Path) -> None:
    """Ended between the server's reply and our note of it, the next run adopts what is there."""
    ledger, tasks = tmp_path / "ledger.jsonl", make_tasks("ann", 20)

    def end(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(server, ledger, tasks, batch=10, tell=end)
    lines = ledger.read_text().splitlines(keepends=True)
    # The note of the batch, and in the second run the note of the project, never reached the disk.
    for kept, found in ((lines[:-1], 10), (lines[:2], 20)):
        ledger.write_text("".join(kept) + '{"kind":"tas')
        pushed = push(server, ledger, tasks, batch=10)
        assert pushed.found == found
        require_once(server, ledger, tasks)
        lines = ledger.read_text().splitlines(keepends=True)


def test_doubles_that_arrive_late_are_removed(server: Server, tmp_path: Path) -> None:
    """An import believed lost may still arrive after it was repeated; the next push mends it."""
    ledger, tasks = tmp_path / "ledger.jsonl", make_tasks("ann", 4)
    (project,) = push(server, ledger, tasks[:2]).projects.values()
    with open_ledger(ledger) as held:
        data = [{"ext_id": t.ext_id} for t in held.list_active(project)]
    filler = dict.fromkeys(["dimension", "definition", "question", "option_a", "option_b"], "x")
    server.import_tasks(project, [one | filler for one in data])
    assert push(server, ledger, tasks).doubles == 2
    require_once(server, ledger, tasks)


def test_a_server_killed_in_the_middle_comes_back_with_each_task_once(tmp_path: Path) -> None:
    """The server dies with a batch in hand and is started again while the push waits for it."""
    folder, ledger, tasks = tmp_path / "server", tmp_path / "ledger.jsonl", make_tasks("ann", 40)
    with run_label_studio(folder) as first, run_proxy(first.port) as proxy:
        restarted: list[threading.Thread] = []

        def start_again() -> None:
            again = local_server.start(folder, program=require_server())
            proxy.target = again.port

        def die() -> None:
            kill_server(folder)
            restarted.append(threading.Thread(target=start_again))
            restarted[0].start()

        proxy.losing.append(("POST", "/import"))
        proxy.before_loss.append(die)
        with connect(proxy.url, first.token) as between:
            pushed = push(between, ledger, tasks, batch=15)
            restarted[0].join()
            assert (pushed.sent, pushed.found) == (25, 15)
            require_once(between, ledger, tasks)


def test_another_server_is_recognised(server: Server, tmp_path: Path) -> None:
    """A ledger whose projects are not there is not pushed anew: the address is wrong, or work is lost."""
    ledger = tmp_path / "ledger.jsonl"
    (project,) = push(server, ledger, make_tasks("ann", 1)).projects.values()
    server._client.projects.delete(id=project)
    with pytest.raises(DataError, match="is not on"):
        push(server, ledger, make_tasks("ann", 1))
    with pytest.raises(DataError, match="is not on"):
        pull(server, ledger)


def test_an_item_in_two_versions_at_once_is_refused(server: Server, tmp_path: Path) -> None:
    """Which of the two is in force nobody could tell, so that none is sent."""
    both = make_tasks("ann", 1) + make_tasks("ann", 1, version="2")
    with pytest.raises(DataError, match="privacy-0000 stands more than once"):
        push(server, tmp_path / "ledger.jsonl", both)


def test_what_cannot_be_the_reviewers_answer_is_refused_with_reasons(
    server: Server, people: dict[str, Server], tmp_path: Path
) -> None:
    """Answers by others, edited by others, broken, or on tasks that were tampered with are not taken."""
    ledger, tasks = tmp_path / "ledger.jsonl", make_tasks("ann", 6)
    (project,) = push(server, ledger, tasks).projects.values()
    ids = [find_ids(ledger)[task.task_id] for task in tasks]
    answer(people["ben"], ids[0], make_result())
    edited = answer(people["ann"], ids[1], make_result())
    people["ben"]._client.annotations.update(id=edited, result=make_result(safer="A"))
    answer(people["ann"], ids[2], make_result(safer="C", natural=""))
    answer(people["ann"], ids[3], make_result())
    data = server._client.tasks.get(id=str(ids[3])).data
    server._client.tasks.update(id=str(ids[3]), data=data | {"question": "Something else?"})
    server.import_tasks(project, [data | {"ext_id": "strange"}])
    strange = next(t.server_id for t in server.list_tasks(project) if t.ext_id == "strange")
    answer(people["ann"], strange, make_result())
    answer(server, ids[4], make_result())
    answer(people["ann"], ids[5], make_result())
    for _ in range(2):
        pulled = pull(server, ledger)
        told = "\n".join(map(str, pulled.refused))
        assert "privacy-0000" in told
        assert "completed by ben and not by ann" in told
        assert "edited afterwards by ben" in told
        assert "safer: 'C' is not one of" in told
        assert "natural: not answered" in told
        assert "no longer shows what was sent" in told
        assert "somebody added it" in told
        assert "belongs to no reviewer" in told
        assert len(pulled.refused) == 6, "what was refused is told again until it is mended"
    assert pulled.unchanged == 1


def test_answers_given_again_and_taken_away_are_noticed(
    server: Server, people: dict[str, Server], tmp_path: Path
) -> None:
    """The latest answer stands; one that was fetched and then deleted is told."""
    ledger = tmp_path / "ledger.jsonl"
    push(server, ledger, make_tasks("ann", 1))
    (task,) = find_ids(ledger).values()
    number = answer(people["ann"], task, make_result(safer="A"))
    pull(server, ledger)
    people["ann"]._client.annotations.update(id=number, result=make_result(safer="B"))
    (changed,) = pull(server, ledger).answers
    assert (changed.said["safer"], changed.annotation_id) == ("B", number)
    later = answer(people["ann"], task, make_result(safer="both_safe"))
    pulled = pull(server, ledger)
    assert [a.annotation_id for a in pulled.answers] == [later]
    assert pulled.superseded == 1
    people["ann"]._client.annotations.delete(id=later)
    assert pull(server, ledger).vanished == (later,)


def test_no_token_and_no_cookie_is_shown(
    server: Server, running: LocalServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors, logs, reprs and the ledger hold neither token nor cookie, at debug level either."""
    caplog.set_level("DEBUG")
    shown = [repr(server), repr(running), str(running)]
    wrong = "f" * 40
    calls: list[Callable[[], object]] = [
        lambda: connect(running.url, wrong),
        lambda: connect("http://127.0.0.1:9", running.token),
        lambda: server.import_tasks(999_999, [{"ext_id": "x"}]),
        lambda: server.export(999_999),
        lambda: server.create_project("x", "", "<no>", ""),
    ]
    for call in calls:
        with pytest.raises(LabelStudioError) as caught:
            call()
        shown += [str(caught.value), *traceback.format_exception(caught.value)]
    push(server, tmp_path / "ledger.jsonl", make_tasks("ann", 1))
    shown += [caplog.text, (tmp_path / "ledger.jsonl").read_text()]
    text = "\n".join(shown).lower()
    for secret in (running.token, running.password, wrong, "sessionid", "set-cookie", "csrftoken"):
        assert secret.lower() not in text, secret


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://", "http://a:b@host"])
def test_an_address_that_is_none_is_said_to_be(url: str) -> None:
    """A wrong address is a wrong call, and a password in it is not repeated."""
    with pytest.raises(UsageError) as caught:
        connect(url, "token")
    assert "a:b" not in str(caught.value)


def test_the_local_server_is_found_stopped_and_never_mistaken(tmp_path: Path) -> None:
    """A second start finds the first; another process under the same id is left alone."""
    folder = tmp_path / "server"
    prepare_template()
    with run_label_studio(folder) as server:
        assert local_server.start(folder, program=require_server()) == server
        assert local_server.find(folder) == server
        password = local_server.add_login(folder, "dee@example.com")
        assert local_server.add_login(folder, "dee@example.com") == password
        assert (folder / "server.json").stat().st_mode & 0o077 == 0
        assert (folder / "server.log").stat().st_mode & 0o077 == 0
        assert local_server.stop(folder)
    assert not local_server.stop(folder)
    assert local_server.find(folder) is None
    # Our own process under the server's id: started at another time, so it is not the server.
    mistaken = replace(server, pid=os.getpid(), born="1")
    (folder / "server.json").write_text(json.dumps(asdict(mistaken)))
    assert not local_server.stop(folder)
    with pytest.raises(LabelStudioError, match="no server runs"):
        local_server.add_login(folder, "eve@example.com")


def test_a_disk_that_takes_no_secrets_is_told(tmp_path: Path) -> None:
    """Before the first start the server's secrets are written; where that fails nothing is started."""
    (tmp_path / ".server.json.tmp").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        local_server.start(tmp_path, program=tmp_path / "label-studio")
    assert local_server.find(tmp_path) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>hello</html>"), (200, "[]"), (200, "{}"), (200, ""), (502, "<html>bad</html>")],
)
def test_an_address_where_something_else_answers_is_told(status: int, body: str) -> None:
    """A router's page or another service is no Label Studio server, and no traceback either."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("set-cookie", "sessionid=stolen")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            with pytest.raises(LabelStudioError, match="logging in") as caught:
                connect(f"http://127.0.0.1:{http.server_address[1]}", "0" * 40)
        finally:
            http.shutdown()
            thread.join()
    assert "stolen" not in str(caught.value)
    assert caught.value.__context__ is None
