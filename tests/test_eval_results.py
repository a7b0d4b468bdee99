"""Scores for model pages on the Hub: files that its own client reads, with what a reader must know beside a value."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml, parse_eval_result_entries
from workspaces import RunCommand, hash_tree

from builder.bundle.engine.provenance import Versions
from builder.bundle.engine.scoring import Share
from builder.eval_results import Place, make_entries, write_eval_results
from builder.release.hub.publications import record_publication
from builder.reporting import read_run_scores
from builder.workspace import Workspace, open_workspace
from schemas.errors import UsageError

COMMIT = "5" * 40
PLACE = Place("acme/bench", COMMIT, "https://hub.example/datasets/acme/bench/tree/v1.0.0")
VERSIONS = Versions("bench", "1.0.0", "test", "a" * 64, "1.0.0", ("gpt-judge",), "b" * 64)


def publish(workspace: Workspace, repository: str = "acme/bench") -> None:
    """Record that release 1.0.0 of a workspace was published."""
    row = {"repository": repository, "version": "1.0.0", "folder": "1.0.0", "tag": "v1.0.0"}
    more = {"commit": COMMIT, "public": True, "gated": "manual", "waiver": ""}
    record_publication(workspace, row | more)


def change_run(workspace: Workspace, **changes: Any) -> None:
    """Change what the run 1.0.0 recorded of itself."""
    path = workspace.runs / "1.0.0" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture(scope="module")
def evaluated_once(
    released_unchanged: Path, finebench: RunCommand, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A workspace with a run of two models that says of itself that they are real."""
    path = shutil.copytree(released_unchanged, tmp_path_factory.mktemp("results") / "bench")
    finebench(path, "evaluate", "1.0.0", "--model", "offline-fake-aligned", "--model", "offline-aligned")  # fmt: skip
    change_run(open_workspace(path), simulated=[], date="2026-01-15")
    return path


@pytest.fixture
def evaluated(evaluated_once: Path, tmp_path: Path) -> Workspace:
    """A copy of it."""
    return open_workspace(shutil.copytree(evaluated_once, tmp_path / "bench"))


def read_entries(path: Path) -> list[EvalResultEntry]:
    """Return the entries of a file as the Hub's client reads them; writing them anew must change nothing."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries = parse_eval_result_entries(rows)
    assert eval_result_entries_to_yaml(entries) == rows, "the client knows other fields"
    return entries


def test_the_hubs_client_reads_the_scores_of_every_model(
    evaluated: Workspace, tmp_path: Path
) -> None:
    """CS and CSS, overall and by dimension, each with dataset, revision, date, source and notes."""
    publish(evaluated)
    out = tmp_path / "out"
    written = write_eval_results(evaluated, "1.0.0", out)
    assert len(written.paths) == 2
    assert written.withheld == ()
    scores = read_run_scores(evaluated, "1.0.0")
    for path in written.paths:
        assert path.parts[-2:] == (".eval_results", "bench.yaml")
        entries = read_entries(path)
        model = path.parts[-3]
        expected: dict[str, float | None] = {}
        for score in scores:
            if score.model == model and score.cs and score.css:
                end = "" if score.dimension == "overall" else f"_{score.dimension}"
                expected |= {f"cs{end}": score.cs.value, f"css{end}": score.css.value}
        assert len(expected) == 2 * 6, "five dimensions and overall; controls have neither score"
        assert [entry.task_id for entry in entries[:2]] == ["cs", "css"]
        assert {entry.task_id: entry.value / 100 for entry in entries} == pytest.approx(
            expected, abs=5e-5
        )
        for entry in entries:
            assert entry.dataset_id == "acme/bench"
            assert entry.dataset_revision == COMMIT
            assert entry.date == "2026-01-15"
            assert str(entry.source_url).endswith("/datasets/acme/bench/tree/v1.0.0")
            assert "evaluator" in str(entry.source_name)
            for words in (" of n = ", "95% interval", "1.0.0", "row hash", "judge", "scoring hash"):
                assert words in str(entry.notes)
    before = hash_tree(out)
    write_eval_results(evaluated, "1.0.0", out)
    assert hash_tree(out) == before, "the same run gives the same bytes"


def test_simulated_models_never_reach_a_model_page(
    evaluated: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """Nor do models that a simulated judge judged: a page cannot show that it is a trial."""
    publish(evaluated)
    finebench(evaluated.root, "evaluate", "1.0.0", "--model", "offline-aligned", "--run", "trial")
    with pytest.raises(UsageError, match="simulated"):
        write_eval_results(evaluated, "trial", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_name_a_dataset_that_is_there(evaluated: Workspace, tmp_path: Path) -> None:
    """Without a place that others can go to, or with two to choose from, a user is asked to say which."""
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="finebench publish OWNER/NAME"):
        write_eval_results(evaluated, "1.0.0", out)
    publish(evaluated)
    publish(evaluated, "acme/mirror")
    with pytest.raises(UsageError, match="acme/bench, acme/mirror"):
        write_eval_results(evaluated, "1.0.0", out)
    for hub in ("no-owner", "a/b/c", "../x", "acme/bench@", "acme/bench@a b", "https://x/y"):
        with pytest.raises(UsageError, match="OWNER/NAME"):
            write_eval_results(evaluated, "1.0.0", out, hub=hub)
    assert not out.exists()
    for hub, revision in (("acme/mirror", COMMIT), ("acme/else", None), ("acme/else@v1", "v1")):
        (path, _) = write_eval_results(evaluated, "1.0.0", out, hub=hub).paths
        assert path.name == f"{hub.partition('@')[0].rpartition('/')[2]}.yaml"
        assert {entry.dataset_revision for entry in read_entries(path)} == {revision}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": {"name": "bench", "version": "1.0.0", "split": "held_out"}}, "held_out"),
        ({"items": "0" * 64}, "not published"),
        ({"data": {"name": "another", "version": "1.0.0", "split": "test"}}, "not published"),
        ({"data": {"name": "bench", "version": "../..", "split": "test"}}, "not published"),
        ({"date": "yesterday"}, "YYYY-MM-DD"),
    ],
)
def test_a_run_of_other_items_than_the_published_ones_is_refused(
    evaluated: Workspace, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    """A score under a dataset's name must be one on its items."""
    publish(evaluated)
    change_run(evaluated, **changes)
    with pytest.raises(UsageError, match=told):
        write_eval_results(evaluated, "1.0.0", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_score_with_too_much_undetermined_is_withheld_and_told(evaluated: Workspace) -> None:
    """A page shows a bare value first: one that lost calls could change must not be among them."""
    scores = read_run_scores(evaluated, "1.0.0")
    weak = Share(count=10, n=20, sure=10, possible=190, items=200)
    empty = Share(count=0, n=0, sure=0, possible=5, items=5)
    changed = [
        replace(score, cs=weak, css=empty) if score.dimension == "overall" else score
        for score in scores
    ]
    made, withheld = make_entries(changed, VERSIONS, PLACE, date="", target_kind="system")
    tasks = {row["dataset"]["task_id"] for rows in made.values() for row in rows}
    assert not {"cs", "css"} & tasks
    assert "cs_fairness" in tasks
    assert len(withheld) == 4
    assert "20 of 200 items" in withheld[0]
    assert all("date" not in row for rows in made.values() for row in rows)


def test_a_run_without_one_score_to_show_writes_nothing(
    evaluated: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file would stand on a model's page as if there was something."""
    publish(evaluated)
    empty = Share(count=0, n=0, sure=0, possible=5, items=5)
    scores = [replace(s, cs=empty, css=empty) for s in read_run_scores(evaluated, "1.0.0")]
    monkeypatch.setattr("builder.eval_results.read_run_scores", lambda *_: scores)
    with pytest.raises(UsageError, match="no score can be shown"):
        write_eval_results(evaluated, "1.0.0", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", ["org/model", "../../escape", "..", ".", "模型: 7B", "a\\b", "x" * 60]
)
def test_a_models_name_stays_one_folder(
    evaluated: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Names of models hold slashes and worse; no file may land outside the folder that was named."""
    publish(evaluated)
    scores = [replace(s, model=name) for s in read_run_scores(evaluated, "1.0.0")][:7]
    monkeypatch.setattr("builder.eval_results.read_run_scores", lambda *_: scores)
    (path,) = write_eval_results(evaluated, "1.0.0", tmp_path / "out").paths
    assert path.resolve().relative_to((tmp_path / "out").resolve()).parts[1:] == (
        ".eval_results",
        "bench.yaml",
    )
    assert read_entries(path)


def test_the_command_writes_the_files_and_says_where_they_go(
    evaluated: Workspace, finebench: RunCommand, tmp_path: Path
) -> None:
    """From a finished run to a model's page it is one command and one upload."""
    publish(evaluated)
    told = finebench(
        evaluated.root,
        "report",
        "1.0.0",
        "--format",
        "eval-results",
        "--out",
        str(tmp_path / "out"),
    )
    paths = [Path(line) for line in told.stdout.splitlines()]
    assert len(paths) == 2
    assert all(read_entries(path) for path in paths)
    assert "Next: " in told.stderr
