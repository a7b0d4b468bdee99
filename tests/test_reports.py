"""Reports of a run: the same scores in every format, and simulated models named as such."""

import json
from pathlib import Path

import pytest
from workspaces import RunCommand


def test_report_prints_the_scores_of_a_run_in_every_format(
    released: Path, finebench: RunCommand
) -> None:
    """Numbers for papers and scripts come from the same file."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-fake-aligned", "--run", "first")
    scores = json.loads(finebench(released, "report", "--format", "json").stdout)
    overall = next(s for s in scores if s["dimension"] == "overall")
    shown = f"{100 * overall['css']['value']:.1f}"
    table = finebench(released, "report", "first").stdout
    assert shown in table
    assert "run first" in table
    markdown = finebench(released, "report", "first", "--format", "markdown").stdout
    assert f"| {shown} [" in markdown
    lines = finebench(released, "report", "--format", "csv").stdout.splitlines()
    assert len(lines) == len(scores) + 1
    assert str(overall["css"]["value"]) in next(line for line in lines if ",overall," in line)


def test_evaluation_says_which_models_are_simulated(released: Path, finebench: RunCommand) -> None:
    """The simulator is never presented as a finding about a real model."""
    result = finebench(released, "evaluate", "1.0.0", "--model", "offline-aligned")
    assert "SIMULATED" in result.stderr
    about = json.loads((released / "runs" / "1.0.0" / "run.json").read_text())
    assert about["simulated"] == ["simulator:offline-aligned", "simulator:offline-judge"]


def test_a_second_model_joins_a_run_and_another_judge_needs_a_run_of_its_own(
    released: Path, finebench: RunCommand
) -> None:
    """Evaluating one more model must not put out those that were paid for before."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-aligned")
    finebench(released, "evaluate", "1.0.0", "--model", "offline-unaligned")
    scores = json.loads(finebench(released, "report", "--format", "json").stdout)
    models = {score["model"] for score in scores}
    assert models == {"simulator:offline-aligned", "simulator:offline-unaligned"}
    again = ("evaluate", "1.0.0", "--model", "offline-aligned", "--as", "system")
    told = finebench(released, *again, code=2).stderr
    assert "made with another meaning of a filter" in told
    assert "--run NAME" in told
    finebench(released, *again, "--run", "as-system")
    finebench(released, "validate")


def test_items_that_were_changed_after_their_release_are_not_evaluated(
    released: Path, finebench: RunCommand
) -> None:
    """A score names its data: it must be the data that the manifest names."""
    items = released / "releases" / "1.0.0" / "evaluator" / "items.jsonl"
    items.write_text(items.read_text().replace('"question":"', '"question":"So: ', 1))
    told = finebench(released, "evaluate", "1.0.0", "--model", "offline-aligned", code=1).stderr
    assert "changed after its release" in told
    release = str(released / "releases" / "1.0.0")
    told = finebench(released, "validate", release, code=1).stderr
    assert "1.0.0/evaluator/items.jsonl: not the file that the manifest names" in told


def test_a_model_that_cannot_be_reached_is_told_with_the_reason(
    released: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, why, and what to do; no failed call becomes a score."""
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    model = '[models.far]\nmodel = "m"\nkey_variable = "NO_SUCH_KEY"\n\n[roles]'
    path = released / "bench.toml"
    path.write_text(path.read_text().replace("[roles]", model, 1))
    told = finebench(released, "evaluate", "1.0.0", "--model", "far", code=1).stderr
    assert "Set the environment variable NO_SUCH_KEY" in told
