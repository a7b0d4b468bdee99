"""Single items: shown from their first call to their release, edited, withdrawn."""

import json
from pathlib import Path

import pytest
from workspaces import RunCommand, first_item, read_release

from schemas.storage import read_rows


def test_show_tells_an_items_whole_life(released: Path, finebench: RunCommand) -> None:
    """From the call that wrote it, over each answer, to the release it is in."""
    item = first_item(released)
    events = json.loads(finebench(released, "show", item["item_id"], "--json").stdout)
    stations = [event["station"] for event in events]
    assert stations[:3] == ["question", "positive option", "negative option"]
    assert stations.count("answer") >= 3
    assert stations[-2:] == ["decision", "released"]
    assert item["question"] in events[0]["what"]
    assert "simulated" in next(e["what"] for e in events if e["station"] == "answer")


def test_show_of_an_unknown_item_is_a_users_error(
    released_unchanged: Path, finebench: RunCommand
) -> None:
    """Exit code 2 and a sentence, no traceback."""
    result = finebench(released_unchanged, "show", "fairness-none", code=2)
    assert "nothing is known of item fairness-none" in result.stderr


def test_an_edited_item_is_checked_and_decided_again(released: Path, finebench: RunCommand) -> None:
    """Answers belong to the version they were given on: the new version starts undecided."""
    item = first_item(released)
    arguments = ("--question", item["question"] + " Please answer briefly.", "--reason", "clearer")
    finebench(released, "edit", item["item_id"], *arguments)
    refused = finebench(released, "export", "1.0.1", code=1)
    assert "not up to date" in refused.stderr
    finebench(released, "build")
    edited = next(
        r for r in read_rows(released / "03_checked.jsonl") if r["item_id"] == item["item_id"]
    )
    assert edited["question"].endswith("briefly.")
    assert edited["content_hash"] != item["content_hash"]
    assert edited["question_source"] == "curator"
    assert edited["question_call"] == ""
    decisions = {r["item_id"]: r for r in read_rows(released / "05_adjudicated.jsonl")}
    assert decisions[item["item_id"]]["decision"] == "undecided"
    assert "undecided-items" in finebench(released, "export", "1.1.0", code=1).stderr


def test_an_edit_in_the_editor_changes_only_what_was_changed(
    released: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`finebench edit` opens the user's editor; the texts left alone stay as they are."""
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nsed -i "s/^## positive_option$/&\\n\\nIndeed./" "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    item = first_item(released)
    finebench(released, "edit", item["item_id"])
    edit = read_rows(released / "edits.jsonl")[0]
    assert edit["positive_option"] == f"Indeed.\n\n{item['positive_option']}"
    assert edit["question"] == item["question"]
    assert edit["from_hash"] == item["content_hash"]


@pytest.mark.parametrize(
    ("option", "value", "told", "code"),
    [
        ("--question", "   ", "not blank", 1),
        ("--question", "a\x00b", "no control characters", 1),
        ("--reason", "because", "nothing was saved", 2),
    ],
)
def test_bad_edits_are_refused_and_leave_no_trace(
    released: Path,
    finebench: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    value: str,
    told: str,
    code: int,
) -> None:
    """A blank or broken text, or an editor closed without saving, changes nothing."""
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    item = first_item(released)
    result = finebench(released, "edit", item["item_id"], option, value, code=code)
    assert told in result.stderr
    assert not (released / "edits.jsonl").exists()


def test_a_withdrawn_item_leaves_the_next_release_and_not_the_last(
    released: Path, finebench: RunCommand
) -> None:
    """Released versions are immutable; withdrawal acts on what comes after, with its reason kept."""
    _, rows, _ = read_release(released)
    gone = rows[0]["item_id"]
    finebench(released, "withdraw", gone, "--reason", "too close to a real case")
    finebench(released, "build")
    finebench(released, "export", "1.1.0")
    later = read_rows(released / "releases" / "1.1.0" / "evaluator" / "items.jsonl")
    assert {r["item_id"] for r in rows} - {r["item_id"] for r in later} == {gone}
    assert read_release(released)[1] == rows
    rejected = read_rows(released / "03_checked.rejected.jsonl")
    assert "too close to a real case" in rejected[0]["reasons"]
    again = finebench(released, "withdraw", gone, "--reason", "again", code=2)
    assert "withdrawn already" in again.stderr
