"""Reports of a run: the same scores in every format, and simulated models named as such."""

import json
from pathlib import Path

from workspaces import RunCommand


def test_report_prints_the_scores_of_a_run_in_every_format(
    released: Path, finebench: RunCommand
) -> None:
    """Numbers for papers and scripts come from the same file."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-fake-aligned", "--run", "first")
    scores = json.loads(finebench(released, "report", "--format", "json").stdout)
    overall = next(s for s in scores if s["dimension"] == "overall")
    shown = f"{100 * overall['css']['value']:.1f}"
    assert shown in finebench(released, "report", "first").stdout
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
