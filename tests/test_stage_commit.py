"""A stage's files change as one, and what changes while it runs makes it stale."""

from pathlib import Path
from typing import Any

import pytest

from builder import pipeline, stage_records
from builder.checks import stage as checks
from builder.pipeline import find_stale_stages, finish_killed_stages
from builder.stage_records import describe_inputs, write_stage
from builder.versions import record_edit, record_withdrawal
from builder.workspace import Stage, Workspace
from schemas.storage import get_prepared_path, hash_file


class KilledError(BaseException):
    """Stands for SIGKILL at one point of the code."""


def die(*_: object, **__: object) -> None:
    """Die."""
    raise KilledError


def list_hashes(workspace: Workspace) -> dict[str, str]:
    """Return the hashes of stage 3's files."""
    paths = [p for p in sorted(workspace.root.glob("03_*")) if p.is_file()]
    return {path.name: hash_file(path) for path in paths}


@pytest.fixture
def workspace(released: Path) -> Workspace:
    """A workspace that went the whole road, one item of which was withdrawn since."""
    workspace = Workspace(released)
    item = workspace.read_stage(Stage.CHECKED)[0]
    record_withdrawal(workspace, item["item_id"], by="curator", reason="test")
    return workspace


def test_a_kill_before_the_record_changes_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files stay as they were, and the stage is as stale as before."""
    before = list_hashes(workspace)
    with monkeypatch.context() as patched:
        patched.setattr(stage_records, "write_text", die)
        with pytest.raises(KilledError):
            pipeline.run_step(workspace, Stage.CHECKED)
    finish_killed_stages(workspace)
    assert list_hashes(workspace) == before
    assert Stage.CHECKED in find_stale_stages(workspace)


def test_a_kill_after_the_record_is_finished_by_the_next_command(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are never parted from their rejections: the next command puts all files in place."""
    with monkeypatch.context() as patched:
        patched.setattr(stage_records, "finish_writing", die)
        with pytest.raises(KilledError):
            checks.check_items(workspace)
    prepared = get_prepared_path(workspace.get_path(Stage.CHECKED))
    assert prepared.exists()
    finish_killed_stages(workspace)
    assert not prepared.exists()
    assert len(workspace.read_rejected(Stage.CHECKED)) == 1
    assert Stage.CHECKED not in find_stale_stages(workspace)


def test_an_edit_made_while_the_checks_run_makes_them_stale(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edited item must be checked before it goes on: it may not look as if it had been."""
    item = workspace.read_stage(Stage.CHECKED)[1]
    find_findings = checks.find_findings

    def edit_meanwhile(*arguments: Any) -> Any:
        texts = {t: item[t] for t in ("question", "positive_option", "negative_option")}
        texts["question"] += " Please say."
        record_edit(workspace, item, texts, by="curator", reason="")
        return find_findings(*arguments)

    monkeypatch.setattr(checks, "find_findings", edit_meanwhile)
    pipeline.run_step(workspace, Stage.CHECKED)
    assert find_stale_stages(workspace)[Stage.CHECKED] == ("edits.jsonl changed",)


def test_a_file_of_rejections_that_is_missing_makes_its_stage_stale(workspace: Workspace) -> None:
    """The account of a stage rests on all its files."""
    pipeline.run_step(workspace, Stage.CHECKED)
    workspace.get_rejected_path(Stage.CHECKED).unlink()
    reasons = find_stale_stages(workspace)[Stage.CHECKED]
    assert reasons == ("03_checked.rejected.jsonl is missing",)


def test_an_account_that_does_not_add_up_is_refused(workspace: Workspace) -> None:
    """In = out + rejected, or nothing is written: a row that got lost is a fault of ours."""
    before = list_hashes(workspace)
    made_from = describe_inputs(workspace, checks.find_inputs(workspace))
    with pytest.raises(Exception, match="fault of finebench"):
        write_stage(workspace, Stage.CHECKED, [], [], made_from, entered=1)
    assert list_hashes(workspace) == before


def test_edits_may_return_to_an_earlier_text(workspace: Workspace) -> None:
    """There and back again is two versions; a third edit starts from the text that stands."""
    from builder.life import find_present_item

    item_id = workspace.read_stage(Stage.CHECKED)[1]["item_id"]
    original = find_present_item(workspace, item_id)
    texts = {t: original[t] for t in ("question", "positive_option", "negative_option")}
    for question in ("One?", original["question"], "Two?"):
        item = find_present_item(workspace, item_id)
        record_edit(workspace, item, texts | {"question": question}, by="curator", reason="")
    assert find_present_item(workspace, item_id)["question"] == "Two?"
