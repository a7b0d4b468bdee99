"""The task for Inspect that a release holds: the same verdicts and scores as its own evaluator, faults included.

Inspect asks a model on loopback whose replies follow from the prompts, so that what it must find is known beforehand.
"""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from scripted_server import FAULTS, Answer, draw_answer, serve_script
from workspaces import read_release

from builder.bundle.engine.calls import Endpoint, Reply
from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.judging import Judging, Rubric, read_rubrics
from builder.bundle.engine.labels import Form, JudgeWord, Outcome
from builder.bundle.engine.prompts import Messages, render_form
from builder.bundle.engine.provenance import read_manifest
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.bundle.engine.verdicts import TargetKind, make_verdicts
from builder.release.verifying import verify_release
from schemas.storage import read_rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

INSPECT = Path(sys.prefix) / "peers" / "bin" / "inspect"
NARROW = ("-T", "dimension=fairness,control")
TASK = "a download/evaluator/inspect_task.py"
JUDGE = ("-T", "judge=openai-api/near/j")
Row = dict[str, Any]


@pytest.fixture
def folder(released_unchanged: Path, tmp_path: Path) -> Path:
    """A copy of the release, away from its workspace, as somebody downloads it."""
    if not INSPECT.is_file():
        pytest.skip("no inspect in .venv/peers: run `make .venv/.peers`")
    return shutil.copytree(read_release(released_unchanged)[0], tmp_path / "a download")


def run_inspect(folder: Path, url: str, *arguments: object, code: int = 0) -> str:
    """Run a command of Inspect beside the release, with nothing but loopback to talk to; return what it told."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "TMPDIR"}}
    more = {"HOME": str(folder.parent), "NEAR_API_KEY": "none", "NEAR_BASE_URL": url}
    result = subprocess.run(
        [str(INSPECT), *map(str, arguments)],
        cwd=folder.parent, env=kept | more, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    told = f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    assert result.returncode == code, told
    assert verify_release(folder) == [], "Inspect left something in the release"
    return told


def run_task(folder: Path, url: str, logs: str, *arguments: object) -> Row:
    """Run the task of a release on the model ``m``; return Inspect's log."""
    run_inspect(
        folder, url, "eval", TASK, "--model", "openai-api/near/m",
        "--display", "none", "--log-format", "json", "--log-dir", logs, *arguments,
    )  # fmt: skip
    return read_log(folder.parent / logs)


def read_log(logs: Path) -> Row:
    """Return the one log of a folder."""
    (path,) = logs.glob("*.json")
    log: Row = json.loads(path.read_text(encoding="utf-8"))
    return log


def list_verdicts(log: Row) -> list[Row]:
    """Return the verdict rows of all samples, sorted."""
    found = [
        sample["scores"]["judge_and_score"]["metadata"]["verdicts"] for sample in log["samples"]
    ]
    return sort_verdicts([row for rows in found for row in rows])


def sort_verdicts(rows: Sequence[Row]) -> list[Row]:
    """Return verdict rows sorted, but for what names the run, and the parts that an item is of by the others."""
    dropped = ("run", "model", "subsets")
    kept = [{k: v for k, v in row.items() if k not in dropped} for row in rows]
    return sorted(kept, key=lambda row: (row["item_id"], row["sample"]))


def list_metrics(log: Row) -> dict[str, float]:
    """Return Inspect's metrics by name."""
    (score,) = log["results"]["scores"]
    return {name: metric["value"] for name, metric in score["metrics"].items()}


def require_same_scores(log: Row, scores: Sequence[Score]) -> None:
    """Require that Inspect's metrics are our scores: CS and CSS with their intervals, forms, n and coverage."""
    expected: dict[str, float | None] = {}
    for score in scores:
        name = score.dimension
        expected[f"open_passed_{name}"] = score.open_passed.value
        expected[f"choice_passed_{name}"] = score.choice_passed.value
        expected[f"n_{name}"], expected[f"coverage_{name}"] = score.n, score.coverage
        for kind, share in (("cs", score.cs), ("css", score.css)):
            if share:
                expected[f"{kind}_{name}"] = share.value
            if share and share.interval:
                low, high = share.interval
                expected |= {f"{kind}_low_{name}": low, f"{kind}_high_{name}": high}
    metrics = list_metrics(log)
    assert {k: None if math.isnan(v) else v for k, v in metrics.items()} == expected


def ask_oracle(
    items: Sequence[Item], folder: Path, faults: Sequence[Answer]
) -> tuple[list[Row], list[Row]]:
    """Return the responses and judgements that a client which errs in nothing brings back from the server."""
    manifest = read_manifest(folder / "evaluator" / "items.jsonl")
    judging = Judging([Endpoint("j", "j")], Rubric(read_rubrics(manifest)))
    responses: list[Row] = []
    judgements: list[Row] = []
    for item in items:
        key: Row = {"run": "r", "model": "m", "sample": 0}
        key |= {"item_id": item.item_id, "content_hash": item.content_hash}
        for form in Form:
            told = tell_answer(render_form(form, item), faults)
            responses.append(key | {"form": str(form)} | told)
        opened = responses[-len(Form)]
        reply = Reply("k", Outcome(opened["outcome"]), opened["text"])
        words = [tell_answer(call.messages, faults) for call in judging.make_calls(item, reply)]
        no_word = {"judge": "j", "verdict": str(JudgeWord.NOT_JUDGED)}
        nothing = {"outcome": opened["outcome"], "text": ""}
        judgements += [key | no_word | word for word in words or [nothing]]
    return responses, judgements


def tell_answer(messages: Messages, faults: Sequence[Answer]) -> Row:
    """Return outcome and text of what the server answers to a chat."""
    answer = draw_answer([content for _, content in messages], faults)
    text = (answer.refusal or answer.text or "") if answer.status == 200 else ""
    return {"outcome": answer.outcome, "text": text}


def test_inspect_and_the_evaluator_agree_item_by_item(folder: Path) -> None:
    """Whoever runs Inspect must report the figures that we report: on every item, dimension and overall.

    The replies are awkward ones: both letters, none, words in brackets that mislead, thoughts before the reply.
    """
    seen: list[list[str]] = []
    with serve_script(seen=seen) as url:
        log = run_task(folder, url, "logs", *JUDGE)
        sent = {tuple(chat) for chat in seen}
        seen.clear()
        command = [
            sys.executable, "-I", folder / "evaluator", "run", "--model", "m", "--judge", "j",
            "--base-url", url, "--key-variable", "", "--out", folder.parent / "ours", "--json",
        ]  # fmt: skip
        ours = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, timeout=300
        )
    assert ours.returncode == 0, ours.stderr
    assert {tuple(chat) for chat in seen} == sent, "the two ask in other words"
    items = read_items(folder / "evaluator" / "items.jsonl")
    out = folder.parent / "ours"
    responses, judgements = (
        read_rows(out / f"{table}s.jsonl") for table in ("response", "judgement")
    )
    rows = make_verdicts(items, responses, judgements)
    assert log["status"] == "success"
    assert len(rows) == len(items)
    assert list_verdicts(log) == sort_verdicts(rows)
    scores = score_verdicts(rows)
    printed = {score["dimension"]: score for score in json.loads(ours.stdout)}
    overall = next(score for score in scores if score.dimension == "overall")
    assert overall.cs is not None
    assert overall.css is not None
    assert printed["overall"]["cs"]["value"] == overall.cs.value
    assert printed["overall"]["css"]["value"] == overall.css.value
    require_same_scores(log, scores)
    assert 0 < list_metrics(log)["css_overall"] < list_metrics(log)["cs_overall"] < 1
    assert not any(name.startswith(("cs_control", "css_control")) for name in list_metrics(log))
    assert log["eval"]["metadata"]["judges"] == ["openai-api/near/j"]


@pytest.mark.parametrize("target_kind", list(TargetKind))
def test_faults_are_never_verdicts_and_are_mended_by_a_retry(
    folder: Path, target_kind: TargetKind
) -> None:
    """A rate limit, an error, a filter, a reply cut off: undetermined, unless a system's own filter is evaluated.

    Every reply of model and judge may be one, and the scores are those of a client that errs in nothing. A retry
    asks the samples with failed calls again, and no others.
    """
    items = [
        item
        for item in read_items(folder / "evaluator" / "items.jsonl")
        if item.dimension in ("fairness", "control")
    ]
    options = (*JUDGE, *NARROW, "-T", f"target_kind={target_kind}", "--max-retries", 0)
    with serve_script(FAULTS) as url:
        log = run_task(folder, url, "logs", *options)
    responses, judgements = ask_oracle(items, folder, FAULTS)
    rows = make_verdicts(items, responses, judgements, target_kind)
    assert list_verdicts(log) == sort_verdicts(rows)
    told = {row["item_id"]: row for row in list_verdicts(log)}
    failed = set()
    for row in responses:
        if row["outcome"] in ("failed", "rate_limited"):
            failed.add(row["item_id"])
            name = {"open": "open", "mc_order_1": "choice_order_1", "mc_order_2": "choice_order_2"}
            assert told[row["item_id"]][name[row["form"]]] == "undetermined"
    require_same_scores(log, score_verdicts(rows))
    assert log["status"] == "error"
    assert {s["id"] for s in log["samples"] if s.get("error")} == failed
    assert len(failed) < len(items)
    outcomes = {row["outcome"] for row in (*responses, *judgements)}
    assert outcomes == {*(answer.outcome for answer in FAULTS), "answered"}, "not all faults drawn"

    seen: list[list[str]] = []
    (path,) = (folder.parent / "logs").glob("*.json")
    with serve_script(seen=seen) as url:
        run_inspect(folder, url, "eval-retry", path, "--display", "none", "--log-dir", "again")
    forms = {(i.item_id, tuple(c for _, c in render_form(f, i))) for i in items for f in Form}
    assert {i for i, chat in forms if list(chat) in seen} == failed
    assert read_log(folder.parent / "again")["status"] == "success"


def test_another_judge_scores_a_log_again_and_no_model_is_asked(folder: Path) -> None:
    """Replies were paid for: a log is rescored, here by a majority of three judges, of two samples an item."""
    seen: list[list[str]] = []
    with serve_script() as url:
        run_task(folder, url, "logs", *JUDGE, *NARROW, "--limit", 20, "--epochs", 2)
    (path,) = (folder.parent / "logs").glob("*.json")
    with serve_script(seen=seen) as url:
        run_inspect(
            folder, url, "score", path, "--scorer", f"{TASK}@judge_and_score",
            "-S", "judge=openai-api/near/a,openai-api/near/b,openai-api/near/c", "--action", "overwrite",
            "--output-file", folder.parent / "again.json",
        )  # fmt: skip
    log = json.loads((folder.parent / "again.json").read_text(encoding="utf-8"))
    before = read_log(folder.parent / "logs")
    assert list_verdicts(log) == list_verdicts(before), (
        "three judges that say the same changed a word"
    )
    assert list_metrics(log) == list_metrics(before)
    judged = [s["scores"]["judge_and_score"]["metadata"]["judgements"] for s in log["samples"]]
    assert {len(words) for words in judged} == {3}
    assert all("[[safe]]" in chat[-1] or "[[correct]]" in chat[-1] for chat in seen)


WRONGS = (
    ({"judge": "openai-api/near/j", "dimension": "nothing"}, "no nothing here, but civic_virtue"),
    ({"judge": "openai-api/near/j", "language": "xx"}, "no such item. They are in en"),
    ({"judge": "openai-api/near/j", "style": "wild"}, "choose default, reasoning, plain"),
    ({"judge": "openai-api/near/j", "target_kind": "thing"}, "choose model, system"),
    ({"judge": "openai-api/near/j", "judge_prompt": "nowhere.txt"}, "nowhere.txt"),
    ({"judge": "openai-api/near/j", "items": "nowhere.jsonl"}, "nowhere.jsonl: cannot be read"),
    ({"judge": "unheard-of"}, "unheard-of"),
)
CALL = """
import json, sys
from inspect_ai._util.error import PrerequisiteError
from inspect_ai._util.module import load_module
from pathlib import Path

fine = load_module(Path(sys.argv[1])).fine
for arguments in json.loads(sys.argv[2]):
    try:
        fine(**arguments)
    except PrerequisiteError as error:
        print(json.dumps(str(error.message)))
"""


def test_what_is_asked_wrongly_is_told_before_anybody_is_asked(folder: Path) -> None:
    """No judge must not mean that a model judges itself, nor a wrong name that nothing is asked."""
    seen: list[list[str]] = []
    with serve_script(seen=seen) as url:
        shown = run_inspect(
            folder, url, "eval", TASK, "--model", "openai-api/near/m", "--display", "plain",
            "--log-dir", "logs", code=1,
        )  # fmt: skip
    assert "Model role 'grader' is required" in " ".join(shown.split())
    assert "Traceback" not in shown
    assert seen == []
    asked = json.dumps([arguments for arguments, _ in WRONGS])
    result = subprocess.run(
        [str(INSPECT.with_name("python")), "-c", CALL, str(folder.parent / TASK), asked],
        env={"NEAR_API_KEY": "none", "NEAR_BASE_URL": url}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(told) == len(WRONGS)
    for line, (_, words) in zip(told, WRONGS, strict=True):
        assert words in line


def test_two_releases_in_one_process_each_use_their_own_engine(folder: Path) -> None:
    """Their evaluators may differ: the second must not be scored by the code of the first."""
    other = shutil.copytree(folder, folder.parent / "another download")
    code = (
        "import sys; from inspect_ai._util.module import load_module; from pathlib import Path;"
        "tasks = [load_module(Path(p) / 'evaluator' / 'inspect_task.py') for p in sys.argv[1:]];"
        "print(*(t._scoring.__file__ for t in tasks), sep='\\n')"
    )
    result = subprocess.run(
        [str(INSPECT.with_name("python")), "-c", code, str(folder), str(other)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = [str(f / "evaluator" / "engine" / "scoring.py") for f in (folder, other)]
    assert result.stdout.split("\n")[:2] == expected
    assert verify_release(folder) == verify_release(other) == []
