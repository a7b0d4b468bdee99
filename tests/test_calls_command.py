"""`finebench calls`: the journal can be read, summed and purged, and purging forgets no spending."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from workspaces import RunCommand

from builder.bundle.engine.errors import EngineError
from builder.cli import cli
from builder.llm.call_log import CallFilter, purge_calls, read_calls
from builder.llm.journal import open_journal
from builder.workspace import Workspace, create_workspace
from schemas.errors import UsageError


@pytest.fixture
def workspace(tmp_path: Path, finebench: RunCommand) -> Workspace:
    """A workspace whose questions and options were written by the simulator."""
    made = create_workspace(tmp_path / "bench", quota=2)
    finebench(made.root, "generate")
    finebench(made.root, "derive")
    return made


def _ask_json(workspace: Workspace, *arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(cli, ["-C", str(workspace.root), "calls", "--json", *arguments])
    assert result.exit_code == 0, result.output
    return list(json.loads(result.stdout))


def test_calls_are_listed_by_any_filter(workspace: Workspace) -> None:
    """Thousands of calls are of no use to whoever looks for one kind of them."""
    everything = _ask_json(workspace, "--last", "1000")
    judged = {
        name: _ask_json(workspace, "--last", "1000", *arguments)
        for name, arguments in {
            "role": ("--role", "positive_writer"),
            "stage": ("--stage", "01_questions"),
            "both": ("--stage", "02_options", "--role", "positive_writer"),
            "none": ("--outcome", "failed"),
            "future": ("--since", "2999-01-01"),
            "past": ("--before", "2999-01-01"),
            "model": ("--model", "offline-writer"),
        }.items()
    }
    # Each of 12 questions is judged, and has two options written, each judged once or, for 10 that are no
    # controls, twice.
    assert len(everything) == 11 + 12 + 2 * 12 + 2 * (2 + 2 * 10)
    assert {name: len(found) for name, found in judged.items()} == {
        "role": 12, "stage": 23, "both": 12, "none": 0, "future": 0, "past": 91, "model": 35,
    }  # fmt: skip
    assert len(_ask_json(workspace, "--last", "3")) == 3


def test_one_call_is_shown_whole_by_the_beginning_of_its_key(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """A text in the benchmark can be traced to the words that asked for it."""
    (call,) = _ask_json(workspace, "--role", "negative_writer", "--last", "1")
    key = str(call["key"])
    told = finebench(workspace.root, "calls", "--show", key[:16]).output
    assert str(call["text"]) in told
    assert "Reply with the answer alone." in told
    assert "no call has a key" in finebench(workspace.root, "calls", "--show", "zzz", code=2).output


def test_sums_are_those_of_the_records(workspace: Workspace) -> None:
    """The account must be what its lines add up to."""
    sums = _ask_json(workspace, "--sum")
    records = list(read_calls(workspace.journal))
    assert sum(int(str(row["calls"])) for row in sums) == len(records)
    assert sum(int(str(row["prompt_tokens"])) for row in sums) == sum(
        record["prompt_tokens"] for record in records
    )
    assert [(row["stage"], row["role"]) for row in sums] == [
        ("01_questions", "judge"),
        ("01_questions", "question_writer"),
        ("02_options", "judge"),
        ("02_options", "negative_writer"),
        ("02_options", "positive_writer"),
    ]


def test_a_purged_reply_has_no_text_keeps_its_cost_and_is_asked_for_again(
    workspace: Workspace, finebench: RunCommand
) -> None:
    """Harmful text can be deleted; what it cost cannot be undone, and nobody is told it never was."""
    before = list(read_calls(workspace.journal))
    told = finebench(
        workspace.root, "calls", "--role", "positive_writer", "--purge", "--yes"
    ).output
    assert "12 positive_writer" in told
    assert "02_options.jsonl: 12 rows" in told
    after = list(read_calls(workspace.journal))
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        if old["role"] != "positive_writer":
            assert new == old
            continue
        assert new["purged"]
        assert not {"text", "messages", "error", "parameters"} & new.keys()
        assert (new["key"], new["cost"], new["prompt_tokens"]) == (
            old["key"], old["cost"], old["prompt_tokens"],
        )  # fmt: skip
    bytes_before = (workspace.root / "02_options.jsonl").read_bytes()
    finebench(workspace.root, "derive")
    assert (workspace.root / "02_options.jsonl").read_bytes() == bytes_before
    assert len(list(read_calls(workspace.journal))) == len(before) + 12


def test_nothing_is_purged_without_a_word_and_never_everything(workspace: Workspace) -> None:
    """A purge cannot be taken back: it asks first, and must be told what it is to take."""
    before = workspace.journal.read_bytes()
    arguments = ["-C", str(workspace.root), "calls", "--role", "positive_writer", "--purge"]
    assert CliRunner().invoke(cli, arguments, input="n\n").exit_code == 1
    assert workspace.journal.read_bytes() == before
    with pytest.raises(UsageError, match="at least one"):
        purge_calls(workspace, CallFilter())
    assert workspace.journal.read_bytes() == before


def test_an_empty_journal_is_no_error(tmp_path: Path, finebench: RunCommand) -> None:
    """Whoever looks before the first call sees that there was none."""
    made = create_workspace(tmp_path / "bench")
    assert "0 of 0 calls" in finebench(made.root, "calls").output
    finebench(made.root, "calls", "--sum")
    finebench(made.root, "calls", "--role", "judge", "--purge", "--yes")


def test_a_dry_run_tells_calls_and_asks_nobody(tmp_path: Path, finebench: RunCommand) -> None:
    """What it may cost is told before anything is spent, stage by stage."""
    made = create_workspace(tmp_path / "bench", quota=2)
    told = finebench(made.root, "generate", "--dry-run").output
    assert "Nobody was asked" in told
    assert list(read_calls(made.journal)) == []
    assert not (made.root / "01_questions.jsonl").exists()
    finebench(made.root, "generate")
    told = finebench(made.root, "derive", "--dry-run").output
    assert "positive_writer" in told
    assert "negative_writer" in told
    finebench(made.root, "derive")
    assert "nothing to ask" in finebench(made.root, "derive", "--dry-run").output


@pytest.mark.parametrize(
    "change",
    [
        {"role": None},
        {"role": 7},
        {"at": "yesterday"},
        {"at": "2026-01-01T00:00:00"},
        {"cost": float("nan")},
        {"cost": -1.0},
        {"cost": "much"},
    ],
)
def test_a_damaged_record_is_told_by_its_line(
    workspace: Workspace, finebench: RunCommand, change: dict[str, object]
) -> None:
    """A budget that adds up NaN holds nothing back, and a traceback helps nobody."""
    lines = workspace.journal.read_text().splitlines()
    record = json.loads(lines[1]) | change
    if record["role"] is None:
        del record["role"]
    lines[1] = json.dumps(record)
    workspace.journal.write_text("\n".join(lines) + "\n")
    for arguments in (("calls",), ("calls", "--sum"), ("calls", "--since", "2026-01-01")):
        assert "calls.jsonl:2:" in finebench(workspace.root, *arguments, code=1).stderr


def test_a_line_without_end_is_told(workspace: Workspace, finebench: RunCommand) -> None:
    """A reader that recurses must not take the process with it."""
    with workspace.journal.open("a") as journal:
        journal.write("[" * 100_000 + "\n")
    assert "calls.jsonl:" in finebench(workspace.root, "calls", code=1).stderr
    assert "calls.jsonl:" in finebench(workspace.root, "derive", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--role", "juge"), "no call has the role juge (there are: judge, "),
        (("--stage", "03_options"), "no call has the stage 03_options"),
        (("--outcome", "nonsense"), "nonsense"),
        (("--purge", "--role", "judge", "--last", "1"), "leave out --last"),
        (("--purge", "--role", "judge", "--json"), "leave out --last and --json"),
    ],
)
def test_a_slip_in_a_filter_is_no_empty_answer(
    workspace: Workspace, finebench: RunCommand, arguments: tuple[str, ...], said: str
) -> None:
    """'0 of 0 calls', or 'nothing to purge', would be believed."""
    assert said in finebench(workspace.root, "calls", *arguments, code=2).stderr


def test_stages_have_the_names_of_requests_too(workspace: Workspace, finebench: RunCommand) -> None:
    """One name for a stage wherever it is asked for."""
    short, long = (
        finebench(workspace.root, "calls", "--stage", stage, "--json").output
        for stage in ("options", "02_options")
    )
    assert short == long
    assert len(json.loads(short)) == 20


def test_nothing_is_purged_under_a_run(workspace: Workspace) -> None:
    """A journal that is written anew while a run appends to it would lose that run's replies."""
    before = workspace.journal.read_bytes()
    with open_journal(workspace), pytest.raises(EngineError, match="in use by another run"):
        purge_calls(workspace, CallFilter(role="judge"))
    assert workspace.journal.read_bytes() == before
