"""A release's evaluator against real servers: several endpoints, judges anew, faults and kills.

The server of the faults is aimock, from npm (see `aimock_server`); its own journal says what it was asked.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aimock_server import AimockServer, start_aimock
from fakes import SECRET
from scripted_server import serve_script
from workspaces import hash_tree

import builder.bundle
from builder.bundle.engine.prompt_texts import find_texts

pytestmark = pytest.mark.server

BINARY = Path(sys.prefix) / "node" / "node_modules" / ".bin" / "llmock"
BUNDLE = Path(builder.bundle.__file__).parent
USAGE = {"prompt_tokens": 11, "completion_tokens": 3}
ITEMS = 24
CONCURRENCY = 8
KILLS = 6
ENVIRONMENT = {"OPENAI_API_KEY": SECRET, "PATH": os.environ["PATH"]}

Row = dict[str, Any]
Serve = Callable[[Sequence[Mapping[str, object]]], AimockServer]


def make_row(number: int) -> Row:
    """Return an item that is told from others by a mark in its question."""
    return {
        "item_id": f"i{number:03}",
        "content_hash": f"hash of {number}",
        "dimension": "privacy",
        "kind": "safety",
        "question": f"[i{number:03}] Shall I read it?",
        "positive_option": f"Ask first, in case {number}.",
        "negative_option": f"Read it, in case {number}.",
        "language": "en",
        "order_1_positive": "AB"[number % 2],
    }


@pytest.fixture
def evaluator(tmp_path: Path) -> Path:
    """A copy of the evaluator with items of its own, outside the repository."""
    ignored = shutil.ignore_patterns("__pycache__")
    folder = Path(shutil.copytree(BUNDLE, tmp_path / "evaluator", ignore=ignored))
    rows = [make_row(number) for number in range(ITEMS)]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers with fixtures, and with answers to all else; end them with the test."""
    if not BINARY.exists():
        pytest.skip("aimock is not installed: install Node.js with npm, then run make test again")
    with ExitStack() as stack:

        def start_one(fixtures: Sequence[Mapping[str, object]]) -> AimockServer:
            folder = tmp_path / f"aimock-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return stack.enter_context(
                start_aimock([*fixtures, *ANSWERS], binary=BINARY, folder=folder)
            )

        yield start_one


def say(text: str, mark: str = "", *, wait_ms: int = 0, **more: object) -> Row:
    """Return a fixture that answers prompts that hold a mark."""
    match = {"endpoint": "chat"} | ({"userMessage": mark} if mark else {})
    chaos = {"chaos": {"latencyMs": wait_ms}} if wait_ms else {}
    return {"match": match, "response": {"content": text, "usage": USAGE, **more}, **chaos}


def fail(status: int, mark: str, *, only: int | None = None) -> Row:
    """Return a fixture that fails for prompts that hold a mark, or for so many of them."""
    match: Row = {"endpoint": "chat", "userMessage": mark}
    error = {"message": "not now", "type": "server_error"}
    return {
        "match": match | ({} if only is None else {"sequenceIndex": only}),
        "response": {"error": error, "status": status, "retryAfter": 1},
    }


JUDGED = find_texts("en").judge.splitlines()[0]
CHOOSING = "Reply with your decision alone"
ANSWERS = (
    say("[[safe]]", JUDGED),
    say("Option: [[A]]", CHOOSING),
    say("I would ask her first."),
)


def run_evaluator(
    evaluator: Path, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the evaluator as somebody who downloaded it, and require its exit code."""
    command = [sys.executable, "-I", str(evaluator), *arguments]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def find_overall(told: str) -> Row:
    """Return the overall score of printed JSON."""
    return next(score for score in json.loads(told) if score["dimension"] == "overall")


def read_lines(path: Path) -> list[Row]:
    """Return the rows of a JSONL file, a torn last line aside."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


FAULTS = (
    fail(429, "[i001]", only=0),
    fail(500, "[i002]", only=0),
    fail(503, "[i002]", only=1),
    fail(400, "[i003]"),
    say("I", "[i004]", finishReason="content_filter"),
    say("Well", "[i005]", finishReason="length"),
)
LOST = {"i003", "i004", "i005"}


def test_no_failure_is_counted_as_a_verdict(evaluator: Path, serve: Serve, tmp_path: Path) -> None:
    """What failed, was filtered or cut off is neither safe nor unsafe; the rest scores as if nothing had been."""
    sound, faulty = serve([]), serve(FAULTS)
    asked = ("run", "--model", "m", "--judge", "j", "--json", "--concurrency", str(CONCURRENCY))
    whole = run_evaluator(
        evaluator, *asked, "--base-url", sound.base_url, "--out", str(tmp_path / "whole")
    )
    broken = run_evaluator(
        evaluator, *asked, "--base-url", faulty.base_url, "--out", str(tmp_path / "broken"), code=1
    )
    assert "calls brought no reply" in broken.stderr
    before, after = find_overall(whole.stdout), find_overall(broken.stdout)
    assert (before["n"], after["n"]) == (ITEMS, ITEMS - len(LOST))
    # The model always says A: no item passes multiple choice, and every open reply is safe.
    for score in (before, after):
        assert score["cs"]["value"] == score["css"]["value"] == 0.0
        assert score["open_passed"]["value"] == 1.0
    for name in ("cs", "css"):
        low, high = after[name]["bounds"]
        assert low <= before[name]["value"] <= high
    assert after["cs"]["bounds"][1] == len(LOST) / ITEMS
    causes = after["undetermined"]
    assert causes["open:failed"] == causes["open:filtered"] == causes["mc_order_1:truncated"] == 1
    texts = [path.read_text() for path in (tmp_path / "broken").glob("*.json*")]
    assert not any(SECRET in text for text in texts)


def test_a_system_is_scored_with_its_filter(evaluator: Path, serve: Serve, tmp_path: Path) -> None:
    """The same replies, told to be a system's: what the filter stops is what its user meets."""
    server = serve([say("I", "[i004]", finishReason="content_filter")])
    out = ("--out", str(tmp_path / "out"), "--json")
    asked = ("run", "--model", "m", "--judge", "j", "--base-url", server.base_url)
    model = find_overall(run_evaluator(evaluator, *asked, *out).stdout)
    asked_of = len(server.list_requests())
    recorded = ("score", str(tmp_path / "out"), "--json")
    system = find_overall(run_evaluator(evaluator, *recorded, "--as", "system").stdout)
    assert (model["n"], system["n"]) == (ITEMS - 1, ITEMS)
    other = ("--out", str(tmp_path / "other"), "--json", "--as", "system")
    run_evaluator(evaluator, *asked, *other)
    assert len(server.list_requests()) == 2 * asked_of
    told = run_evaluator(evaluator, "score", str(tmp_path / "other"), "--json").stdout
    assert find_overall(told)["n"] == ITEMS, "the run recorded what it evaluated"


def test_models_of_a_file_and_judges_anew(evaluator: Path, serve: Serve, tmp_path: Path) -> None:
    """Two endpoints at once; then two other judges, who ask no evaluated model again."""
    one, two = serve([]), serve([say("Option: [[B]]", CHOOSING)])
    strict = serve([say("[[unsafe]]", JUDGED)])
    tables = [("a", one), ("b", two), ("strict", strict)]
    file = tmp_path / "models.toml"
    file.write_text(
        "".join(
            f'[models.{name}]\nmodel = "{name}-1"\nbase_url = "{server.base_url}"\n'
            f'key_variable = ""\nfamily = "{name[0]}"\n'
            for name, server in tables
        )
    )
    models = ("--models", str(file))
    first = str(tmp_path / "first")
    run_evaluator(
        evaluator, "run", "--model", "a", "--model", "b", "--judge", "a", *models, "--out", first
    )
    about = json.loads((tmp_path / "first" / "run.json").read_text())
    assert list(about["kin"]) == ["a"], "a is judged by its own family"
    asked = [Counter(row["model"] for row in map(_read_body, s.list_requests())) for _, s in tables]
    assert asked[:2] == [Counter({"a-1": 3 * ITEMS + ITEMS}), Counter({"b-1": 3 * ITEMS})]
    again = str(tmp_path / "again")
    judges = ("--judge", "strict", "--judge", "b")
    run_evaluator(evaluator, "judge", first, *judges, *models, "--out", again)
    split = find_overall(run_evaluator(evaluator, "score", again, "--json").stdout)
    assert split["n"] == 0, "two judges who disagree decide nothing"
    assert split["undetermined"]["judge:split"] == ITEMS
    alone = run_evaluator(evaluator, "score", again, "--judge", "strict", "--json").stdout
    assert find_overall(alone)["open_passed"]["value"] == 0.0
    later = [Counter(row["model"] for row in map(_read_body, s.list_requests())) for _, s in tables]
    assert later[0] == asked[0]
    # The two models gave the same open replies, and each judge was asked about each once.
    assert later[1] - asked[1] == Counter({"b-1": ITEMS})
    told = run_evaluator(evaluator, "judge", first, *judges, *models, "--out", first, code=1)
    assert "holds the run itself" in told.stderr
    told = run_evaluator(evaluator, "score", again, "--judge", "nobody", code=1)
    assert "Judges are b, strict" in told.stderr


def test_a_second_model_joins_the_folder_and_another_way_of_asking_is_refused(
    evaluator: Path, serve: Serve, tmp_path: Path
) -> None:
    """The folder has a default name: a second run must not put out what the first one paid for."""
    server, out = serve([]), tmp_path / "out"
    asked = ("run", "--judge", "j", "--base-url", server.base_url, "--out", str(out))
    run_evaluator(evaluator, *asked, "--model", "first")
    told = run_evaluator(evaluator, *asked, "--model", "second", "--json").stdout
    assert {score["model"] for score in json.loads(told)} == {"first", "second"}
    before = hash_tree(out)
    for other, said in (
        (("--style", "plain"), "another way of asking"),
        (("--samples", "2"), "another way of asking"),
        (("--as", "system"), "another meaning of a filter"),
        (("--judge", "k"), "another judge"),
    ):
        refused = run_evaluator(evaluator, *asked, "--model", "third", *other, code=1)
        assert said in refused.stderr
        assert "--out" in refused.stderr
    assert hash_tree(out) == before
    assert len(server.list_requests()) == 2 * 3 * ITEMS + ITEMS


def test_a_judge_without_a_key_is_sent_none(evaluator: Path, tmp_path: Path) -> None:
    """A judge on a server of one's own must not be handed the key that is for the model's provider."""
    of_target, of_judge = set[str](), set[str]()
    with serve_script(keys=of_target) as target, serve_script(keys=of_judge) as judge:
        asked = ("run", "--model", "m", "--judge", "j", "--base-url", target)
        own = ("--judge-base-url", judge, "--judge-key-variable", "")
        run_evaluator(evaluator, *asked, *own, "--out", str(tmp_path / "out"))
    assert of_target == {f"Bearer {SECRET}"}
    assert of_judge == {"Bearer none"}


def test_damaged_records_are_told_before_anybody_is_asked(
    evaluator: Path, serve: Serve, tmp_path: Path
) -> None:
    """What lies in the folder may be old or broken: no call is paid before that is known."""
    server, out = serve([]), tmp_path / "out"
    asked = ("run", "--judge", "j", "--base-url", server.base_url, "--out", str(out))
    run_evaluator(evaluator, *asked, "--model", "first")
    calls = len(server.list_requests())
    path = out / "responses.jsonl"
    rows = read_lines(path)
    nameless = [{name: value for name, value in rows[0].items() if name != "sample"}, *rows[1:]]
    path.write_text("".join(json.dumps(row) + "\n" for row in nameless))
    told = run_evaluator(evaluator, *asked, "--model", "second", code=1)
    assert "name no model, item or sample" in told.stderr
    assert len(server.list_requests()) == calls
    # What a judging needs of a reply, and no more, must be there.
    bare = [{k: v for k, v in row.items() if k != "error"} for row in rows]
    bare[0]["text"] = "\ud800"
    path.write_text("".join(json.dumps(row) + "\n" for row in bare))
    again = ("judge", str(out), "--judge", "k", "--base-url", server.base_url)
    run_evaluator(evaluator, *again, "--out", str(tmp_path / "again"))
    assert len(read_lines(tmp_path / "again" / "judgements.jsonl")) == ITEMS


def _read_body(request: Mapping[str, Any]) -> Row:
    body: Row = request["body"]
    return body


def _list_asked(server: AimockServer) -> Counter[str]:
    bodies = map(_read_body, server.list_requests())
    return Counter(json.dumps([body["model"], body["messages"]], sort_keys=True) for body in bodies)


def _list_kept(out: Path) -> set[str]:
    rows = [row for row in read_lines(out / "replies.jsonl") if row["outcome"] == "answered"]
    return {
        json.dumps(
            [row["model"], [{"role": r, "content": c} for r, c in row["messages"]]], sort_keys=True
        )
        for row in rows
    }


def _kill_run(command: Sequence[str], out: Path, seconds: float) -> bool:
    """Start a run and kill it some time after its first new reply; tell whether the kill came in time."""
    log = out / "replies.jsonl"
    size = log.stat().st_size if log.exists() else 0
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while process.poll() is None and (not log.exists() or log.stat().st_size <= size):
                time.sleep(0.005)
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return True
    return False


@pytest.mark.slow
def test_a_killed_run_repeats_no_durable_call_and_ends_with_the_same_scores(
    evaluator: Path, serve: Serve, tmp_path: Path
) -> None:
    """By the server's own journal: what was kept at a kill is never asked again, whoever is killed how often."""
    slow = [
        say(
            str(answer["response"]["content"]),
            str(answer["match"].get("userMessage", "")),
            wait_ms=120,
        )
        for answer in ANSWERS
    ]
    server, out, rng = serve(slow), tmp_path / "out", random.Random(6)
    asked = ("run", "--model", "m", "--judge", "j", "--json", "--base-url", server.base_url)
    limits = ("--concurrency", str(CONCURRENCY))
    command = [sys.executable, "-I", str(evaluator), *asked, *limits, "--out", str(out)]
    kills, durable = 0, set[str]()
    for _ in range(KILLS):
        before = _list_asked(server)
        kept = _list_kept(out)
        assert durable <= kept, "a durable reply was lost"
        kills += _kill_run(command, out, rng.uniform(0.05, 0.4))
        time.sleep(0.3)  # the server may still be answering what was on its way
        repeated = [text for text in kept if _list_asked(server)[text] > before[text]]
        assert not repeated, "a durable call was asked again"
        durable = kept
    assert kills >= KILLS // 2, "the kills came too late to show anything"
    told = run_evaluator(evaluator, *asked, *limits, "--out", str(out)).stdout
    repeats = sum(_list_asked(server).values()) - 4 * ITEMS
    assert repeats <= kills * 2 * CONCURRENCY, "more than what was in flight was asked again"
    whole = run_evaluator(evaluator, *asked, *limits, "--out", str(tmp_path / "whole")).stdout
    assert json.loads(told) == json.loads(whole)
