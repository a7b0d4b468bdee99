"""Wrong usage: it ends with a sentence that says what to do, and with its own exit code."""

from pathlib import Path

import pytest
from workspaces import RunCommand


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export", "--next", "1.1.0"), "not both"),
        (("export", "1.0"), "not a version"),
        (("export", "01.0.0"), "not a version"),
        (("export", "../x"), "not a version"),
        (("export", "2.0.0", "--waive", "option-leak"), "GATE=REASON"),
        (("export", "2.0.0", "--waive", "option-leak= "), "GATE=REASON"),
        (("export", "2.0.0", "--waive", "nothing=x"), "no gate is named nothing"),
        (("export", "--format", "fine", "9.9.9"), "there is no release"),
        (("export", "--format", "fine", "1.0.0", "--waive", "option-leak=x"), "no waiver"),
        (("export", "--format", "fine", "--original", "1.0.0"), "takes no version"),
        (("export", "--format", "inspect"), "which release"),
        (("export", "1.0.0", "--format", "lm-eval"), "--out DIR"),
        (("export", "1.0.0", "--format", "label-studio"), "--out DIR"),
        (("export", "1.0.0", "--format", "inspect", "--hub", "a/b"), "goes with --format lm-eval"),
        (("export", "1.0.0", "--format", "lm-eval", "--hub", "a", "--out", "x"), "OWNER/NAME"),
        (("export", "1.0.0", "--out", "x"), "another --format"),
        (("import", "x.csv"), "in which format"),
        (("import", "x.jsonl", "--format", "fine", "--map", "question=q"), "--format fine"),
        (("export", "--original"), "--format fine"),
        (("export", "--format", "fine", "--original"), "which import"),
        (("evaluate", "9.9.9", "--model", "offline"), "there is no release 9.9.9"),
        (("evaluate", "1.0.0", "--model", "offline", "--run", "../up"), "cannot name a run"),
        (("report", "nothing"), "no finished run"),
        (("adjudicate", "--item", "x"), "both --item and --decision"),
        (("review", "--reviewer", "../x"), "no pseudonym"),
        (("review", "--reviewer", "simulated-1"), "for simulated reviewers"),
        (("new", "."), "exists already"),
        (("validate", "bench.md"), "finebench validates"),
        (("validate", "--as", "nothing", "03_checked.jsonl"), "no table is named"),
    ],
)
def test_wrong_usage_ends_with_a_sentence_and_exit_code_2(
    released_unchanged: Path,
    finebench: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    """Users read messages, not tracebacks, and scripts tell wrong usage by its code."""
    monkeypatch.chdir(released_unchanged)
    assert told in finebench(released_unchanged, *arguments, code=2).stderr


@pytest.mark.parametrize("command", ["status", "build", "check", "derive", "adjudicate"])
def test_commands_outside_a_workspace_say_how_to_make_one(
    tmp_path: Path, finebench: RunCommand, command: str
) -> None:
    """The first mistake of a new user gets a helpful answer."""
    result = finebench(tmp_path, command, code=2)
    assert "not a workspace" in result.stderr
    assert "finebench new" in result.stderr


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("derive", "generate"),
        ("check", "derive"),
        ("adjudicate", "check"),
        ("export", "generate"),
    ],
)
def test_stages_run_too_early_name_the_stage_before(
    tmp_path: Path, finebench: RunCommand, command: str, told: str
) -> None:
    """Whoever skips a step is told which."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path))
    version = ("1.0.0",) if command == "export" else ()
    assert f"`finebench {told}`" in finebench(path, command, *version, code=1).stderr


def test_every_fault_of_the_configuration_is_told_at_once(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """A configuration is mended in one go, not fault by fault."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path))
    text = (path / "bench.toml").read_text()
    text = text.replace('language = "en"', 'language = "English"').replace("seed = ", "sead = ")
    text = text.replace("leak_bound = 0.6", 'leak_bound = "0.6"')
    (path / "bench.toml").write_text(text)
    told = finebench(path, "status", code=1).stderr
    for place in ("language", "seed", "sead", "checks.leak_bound"):
        assert f"bench.toml: {place}" in told
