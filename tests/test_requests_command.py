"""`finebench requests`: calls leave as a batch file, replies come back, and the stage goes on from them."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import SECRET
from workspaces import RunCommand

from builder.llm.batch_files import read_results
from builder.llm.call_log import read_calls
from builder.llm.offline.transport import OfflineModel
from builder.workspace import Workspace, create_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A small workspace at its start."""
    return create_workspace(tmp_path / "bench", quota=2)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def run_batch(requests: Path, out: Path, **changes: dict[str, Any]) -> Path:
    """Answer a file of requests as a batch runner does; ``changes`` replaces lines by their number."""
    model = OfflineModel()
    lines = []
    for number, request in enumerate(_read(requests)):
        body = request["body"]
        text = model.answer(body["model"], body["messages"][-1]["content"], body["seed"])
        message = {"role": "assistant", "content": text}
        completion = {
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
        line: dict[str, Any] = {"id": f"b{number}", "custom_id": request["custom_id"]}
        line |= {"response": {"status_code": 200, "body": completion}, "error": None}
        lines.append(line | changes.get(f"line_{number}", {}))
    # The services promise no order.
    out.write_text("".join(json.dumps(line) + "\n" for line in reversed(lines)), encoding="utf-8")
    return out


def test_a_stage_goes_on_from_replies_that_somebody_else_brought(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """The same file goes to OpenAI's Batch API and to vLLM's runner; the result is that of asking live."""
    twin = create_workspace(tmp_path / "twin" / "bench", quota=2)
    rounds = 0
    for stage, command in (("questions", "generate"), ("options", "derive")):
        arguments = ("requests", "export", str(tmp_path / "calls"), "--stage", stage)
        while "nothing to ask" not in finebench(workspace.root, *arguments).output:
            rounds += 1
            for path in (tmp_path / "calls").iterdir():
                assert {request["url"] for request in _read(path)} == {"/v1/chat/completions"}
                output = run_batch(path, tmp_path / "output.jsonl")
                told = finebench(workspace.root, "requests", "import", str(output)).output
                assert "replies taken" in told
                path.unlink()
        finebench(workspace.root, command)
    assert rounds == 2 + 4, "questions are written and judged, and each of the two options in turn"
    count = len(list(read_calls(workspace.journal)))
    assert count == 11 + 12 + 2 * 12 + 2 * (2 + 2 * 10)
    finebench(twin.root, "generate")
    finebench(twin.root, "derive")
    name = "02_options.jsonl"
    assert (workspace.root / name).read_bytes() == (twin.root / name).read_bytes()


def test_what_a_runner_could_not_answer_is_told_and_asked_again(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """An error line, a status and a broken body are no replies: each is told with its reason."""
    finebench(workspace.root, "requests", "export", str(tmp_path / "calls"), "--stage", "questions")
    (path,) = (tmp_path / "calls").iterdir()
    error = {"response": None, "error": {"code": "batch_expired", "message": "expired"}}
    limited = {"response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}}
    output = run_batch(
        path,
        tmp_path / "output.jsonl",
        line_0=error,
        line_1=limited,
        line_2={"response": {"status_code": 200, "body": {"choices": []}}},
        line_3={"custom_id": "0" * 64},
    )
    told = finebench(workspace.root, "requests", "import", str(output), code=1).output
    for part in ("7 replies taken", "batch: expired", "HTTP 429: slow down", "malformed",
                 "1 lines answer no request"):  # fmt: skip
        assert part in told
    again = finebench(workspace.root, "requests", "import", str(output), code=1).output
    assert "0 replies taken, 7 were there already" in again
    finebench(workspace.root, "requests", "export", str(tmp_path / "rest"), "--stage", "questions")
    (rest,) = (tmp_path / "rest").glob("*writer*")
    assert len(_read(rest)) == 4


@pytest.mark.parametrize(
    "line", ["nonsense", "{}", "[]", '{"custom_id": 5}', '{"custom_id": "not a key"}']
)
def test_a_file_of_another_kind_is_refused_by_line(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path, line: str
) -> None:
    """Whoever gives the wrong file reads which would be right."""
    path = tmp_path / "wrong.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    told = finebench(workspace.root, "requests", "import", str(path), code=1).output
    assert "wrong.jsonl:1" in told
    assert "Batch API" in told
    assert list(read_calls(workspace.journal)) == []


def test_an_output_line_of_vllm_is_read(tmp_path: Path) -> None:
    """VLLM's runner adds ids of its own, and says null where it told nothing."""
    body = {"choices": [{"message": {"content": "Yes."}, "finish_reason": "length"}], "usage": None}
    row = {"id": "vllm-1", "custom_id": "ab" * 32, "error": None}
    row["response"] = {"status_code": 200, "request_id": "r", "body": body}  # type: ignore[assignment]
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(row) + "\n\n", encoding="utf-8")
    ((key, reply),) = read_results(path).replies
    assert (key, reply.outcome, reply.text, reply.prompt_tokens) == (
        "ab" * 32,
        "truncated",
        "Yes.",
        None,
    )


def test_a_key_that_a_service_quotes_is_blacked_out(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Result files come from somebody else: what they quote must not end in ours."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    path = workspace.root / "bench.toml"
    path.write_text(
        path.read_text().replace(
            "[models.offline-judge]", '[models.x]\nmodel = "x"\n\n[models.offline-judge]'
        )
    )
    finebench(workspace.root, "requests", "export", str(tmp_path / "calls"), "--stage", "questions")
    (source,) = (tmp_path / "calls").iterdir()
    body = {"error": {"message": f"Incorrect key {SECRET}\x1b[31m"}}
    output = run_batch(
        source, tmp_path / "out.jsonl", line_0={"response": {"status_code": 401, "body": body}}
    )
    told = finebench(workspace.root, "requests", "import", str(output), code=1).output
    assert SECRET not in told
    assert SECRET not in workspace.journal.read_text()
    assert "Incorrect key ***" in told


def test_a_torn_line_loses_no_other(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """A file that was cut off by a full disk still holds what was paid for."""
    finebench(workspace.root, "requests", "export", str(tmp_path / "calls"), "--stage", "questions")
    (source,) = (tmp_path / "calls").iterdir()
    output = run_batch(source, tmp_path / "out.jsonl")
    output.write_text('{"custom_id": 5}\n' + output.read_text() + '{"custom', encoding="utf-8")
    told = finebench(workspace.root, "requests", "import", str(output), code=1).output
    assert "11 replies taken" in told
    assert "out.jsonl:1: no line of a batch" in told


def test_purged_texts_are_in_no_note_either(
    workspace: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """Whoever deletes what models said of harm must not find it in another file."""
    finebench(workspace.root, "requests", "export", str(tmp_path / "calls"), "--stage", "questions")
    (source,) = (tmp_path / "calls").iterdir()
    finebench(workspace.root, "requests", "import", str(run_batch(source, tmp_path / "o.jsonl")))
    (note,) = workspace.requests.iterdir()
    assert note.stat().st_mode & 0o077 == 0
    finebench(workspace.root, "calls", "--stage", "01_questions", "--purge", "--yes")
    assert list(workspace.requests.iterdir()) == []
