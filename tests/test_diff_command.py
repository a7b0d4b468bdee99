"""Versions at the command line: what changed, which number it makes, and what a score names."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from release_edits import make_manifest, make_row
from workspaces import RunCommand, hash_tree

from builder.release.reading import ITEMS, MANIFEST
from builder.release.sources import find_release
from builder.workspace import Stage, Workspace
from schemas.errors import UsageError
from schemas.storage import Row, hash_file, read_rows

WAIVERS = ("--waive", "agreement=a test", "--waive", "option-leak=a test")


def write_release(folder: Path, rows: list[Row], **told: Any) -> Path:
    """Write as much of a release as is read of one."""
    (folder / "evaluator").mkdir(parents=True)
    (folder / ITEMS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = make_manifest() | {"row_hash": hash_file(folder / ITEMS)} | told
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def edit_item(workspace: Path, finebench: RunCommand, number: int, question: str) -> str:
    """Give an item another question and have it accepted; return its id."""
    item_id = str(Workspace(workspace).read_stage(Stage.ADJUDICATED)[number]["item_id"])
    finebench(workspace, "edit", item_id, "--question", question, "--reason", "clearer")
    finebench(workspace, "check")
    finebench(workspace, "annotate", "merge")
    finebench(
        workspace, "adjudicate", "--item", item_id, "--decision", "accept", "--reason", "read"
    )
    finebench(workspace, "build")
    return item_id


@pytest.mark.slow
def test_versions_go_from_proposal_to_changelog(released: Path, finebench: RunCommand) -> None:
    """The curator is told the number and why, confirms it, and can give none that says less."""
    first = (released / "releases" / "1.0.0" / "CHANGELOG.md").read_text()
    assert first.startswith("# Changelog\n\n## 1.0.0, 2023-11-14\n\nFirst release, ")
    unchanged = finebench(released, "export")
    assert "nothing changed since 1.0.0" in unchanged.stderr
    before = hash_tree(released / "releases")
    assert "nothing changed" in finebench(released, "export", "--next").stderr
    gone = Workspace(released).read_stage(Stage.ADJUDICATED)[0]["item_id"]
    finebench(released, "withdraw", gone, "--reason", "too close to the news")
    finebench(released, "build")
    assert "Next: finebench export --next" in finebench(released, "status").stderr
    proposed = finebench(released, "export", *WAIVERS, code=2)
    assert "minor after 1.0.0: 1 item retired" in proposed.stderr
    told = "Next: finebench export 1.1.0 --waive 'agreement=a test' --waive 'option-leak=a test'"
    assert told in proposed.stderr
    held = finebench(released, "export", "1.0.1", *WAIVERS, code=1)
    assert "1.0.1 says less than minor after 1.0.0: at least 1.1.0 (1 item retired)" in held.stderr
    assert hash_tree(released / "releases") == before
    finebench(released, "export", "--next", *WAIVERS)
    text = (released / "releases" / "1.1.0" / "CHANGELOG.md").read_text()
    assert "## 1.1.0, 2023-11-14\n\nMinor: 1 item retired.\n" in text
    assert f"- retired {gone}: withdrawn: too close to the news\n" in text
    assert text.endswith(first.removeprefix("# Changelog\n"))
    finebench(released, "export", "1.1.0", *WAIVERS)
    finebench(released, "validate")
    item_id = edit_item(released, finebench, 2, "Should I tell my neighbour about the lost parcel?")
    held = finebench(released, "export", "1.2.0", *WAIVERS, code=1)
    assert "at least 2.0.0" in held.stderr
    finebench(released, "export", "1.2.0", *WAIVERS, "--waive", "version=a trial")
    manifest = json.loads((released / "releases" / "1.2.0" / "manifest.json").read_text())
    assert manifest["waivers"]["version"] == "a trial"
    assert [gate["name"] for gate in manifest["gates"]][-1] == "version"
    changelog = (released / "releases" / "1.2.0" / "CHANGELOG.md").read_text()
    assert f"- edited {item_id}: " in changelog
    assert "lost parcel" not in changelog


@pytest.fixture(scope="module")
def _changed(
    _released: Path, finebench: RunCommand, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = shutil.copytree(_released, tmp_path_factory.mktemp("changed") / "bench")
    gone = Workspace(path).read_stage(Stage.ADJUDICATED)[0]["item_id"]
    finebench(path, "withdraw", gone, "--reason", "too close to the news")
    edit_item(path, finebench, 2, "Should I tell my neighbour about the lost parcel?")
    return path


@pytest.fixture
def changed(_changed: Path, tmp_path: Path) -> Path:
    """A workspace in which one item was withdrawn and another edited since its release."""
    return shutil.copytree(_changed, tmp_path / "bench")


def test_a_diff_shows_what_an_export_would_change_and_texts_only_where_asked(
    changed: Path, finebench: RunCommand
) -> None:
    """Whoever confirms a number looks at the changes first, and texts may be harmful."""
    before = hash_releases_and_stages(changed)
    shown = finebench(changed, "diff", "1.0.0")
    assert "1.0.0 to next: major: 1 item edited" in shown.stdout
    assert "withdrawn: too close to the news (since next)" in shown.stdout
    assert "Next: finebench export --next" in shown.stderr
    assert "lost parcel" not in shown.stdout
    assert "anchors alone" in shown.stdout
    texts = finebench(changed, "diff", "1.0.0", "--texts").stdout
    assert "{+" in texts
    assert "[-" in texts
    assert "lost parcel" in " ".join(texts.split())
    assert "\x1b[" not in texts
    assert hash_releases_and_stages(changed) == before, "looking changes nothing"


def hash_releases_and_stages(workspace: Path) -> dict[str, str]:
    """Return the hashes of all files but the one in which a look at the gate's auditor is noted."""
    found = hash_tree(workspace)
    return {name: digest for name, digest in found.items() if name != "looks.jsonl"}


def test_a_diff_is_printed_as_json_and_markdown_and_written_to_a_file(
    changed: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """Programs get all of it, people a page to publish."""
    finebench(changed, "export", "--next", *WAIVERS)
    plain = json.loads(finebench(changed, "diff", "1.0.0", "2.0.0", "--format", "json").stdout)
    assert (plain["level"], plain["reasons"]) == ("major", ["1 item edited"])
    assert [len(plain[name]) for name in ("added", "retired", "edited")] == [0, 1, 1]
    question = next(f for f in plain["edited"][0]["fields"] if f["column"] == "question")
    assert "".join(w["text"] for w in question["words"] if w["fate"] != "gone") == question["new"]
    assert {f["name"] for f in plain["agreement"]} >= {"safer: AC1", "recommendation: AC1"}
    assert {f["name"] for f in plain["option_leak"]} >= {"held-out form", "words"}
    assert len(plain["anchors"]) == plain["new"]["items"] - 1
    page = tmp_path / "diff.md"
    finebench(changed, "diff", "1.0.0", "2.0.0", "--format", "markdown", "--out", str(page))
    assert page.read_text().startswith("# bench, 1.0.0 to 2.0.0: major: 1 item edited\n")
    assert "lost parcel" not in page.read_text()
    more = ("--format", "markdown", "--texts")
    assert "lost parcel" in finebench(changed, "diff", "1.0.0", "2.0.0", *more).stdout
    finebench(changed, "diff", "1.0.0", "2.0.0", "--out", str(page))
    assert "What changed" in page.read_text()


def test_a_release_differs_in_nothing_from_itself(
    released_unchanged: Path, finebench: RunCommand
) -> None:
    """What is the same is said to be, in one line."""
    told = finebench(released_unchanged, "diff", "1.0.0", "1.0.0")
    assert "no difference" in told.stdout
    assert len(told.stdout.splitlines()) == 1
    markdown = finebench(released_unchanged, "diff", "1.0.0", "1.0.0", "--format", "markdown")
    assert "no difference" in markdown.stdout
    assert "no difference" in finebench(released_unchanged, "diff", "1.0.0").stdout


def test_two_folders_are_compared_outside_any_workspace(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """Whoever downloaded two releases has no workspace."""
    old = write_release(tmp_path / "old", [make_row("a")])
    new = write_release(tmp_path / "new", [make_row("a"), make_row("b")], version="1.1.0")
    told = finebench(tmp_path, "diff", str(old), str(new)).stdout
    assert "bench, 1.0.0 to 1.1.0: minor: 1 item added" in told
    assert "not a workspace" in finebench(tmp_path, "diff", str(old), code=2).stderr
    assert "no workspace here" in finebench(tmp_path, "diff", "1.0.0", str(new), code=2).stderr


def test_hostile_texts_steer_neither_terminal_nor_page(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """A downloaded release may hold anything."""
    evil = "\x1b[2J\u202e```\n# Head | <b>[/x](y)\ud800"
    row = make_row("a\x1b[2J|b", question=evil)
    old = write_release(tmp_path / "old", [make_row("z")], name="x\x1b]0;t\x07")
    new = write_release(
        tmp_path / "new", [row], title=evil, retired=[{"item_id": "z", "reason": evil}]
    )
    assert finebench(tmp_path, "diff", str(old), str(new), "--format", "json").stdout.isascii()
    for more in ((), ("--texts",), ("--texts", "--format", "markdown")):
        text = finebench(tmp_path, "diff", str(old), str(new), *more).stdout
        assert not {"\x1b", "\u202e", "\x07"}.intersection(text)
    page = finebench(tmp_path, "diff", str(old), str(new), "--texts", "--format", "markdown").stdout
    assert "<b>" not in page.partition("## Texts")[0].replace("\\<b\\>", "")
    assert "````text" in page, "the fence is longer than what it holds"


@pytest.mark.parametrize(
    ("damage", "code", "told"),
    [
        (lambda f: (f / MANIFEST).write_text("{"), 1, "damaged"),
        (lambda f: (f / MANIFEST).write_text("{}"), 1, "tells no name"),
        (lambda f: (f / ITEMS).unlink(), 2, "is no release"),
        (
            lambda f: (f / ITEMS).write_text('{"item_id": "a"}\n'),
            1,
            "was changed after its release",
        ),
        (lambda f: (f / MANIFEST).unlink(), 2, "is no release"),
    ],
)
def test_a_damaged_release_ends_in_a_sentence(
    tmp_path: Path,
    finebench: RunCommand,
    damage: Callable[[Path], object],
    code: int,
    told: str,
) -> None:
    """A download that broke off is told as that."""
    old = write_release(tmp_path / "old", [make_row("a")])
    new = write_release(tmp_path / "new", [make_row("a")])
    damage(new)
    assert told in finebench(tmp_path, "diff", str(old), str(new), code=code).stderr


@pytest.mark.parametrize("version", ["9.9.9", "9.9.9-held-out", "one", "../x", "1.0.0-held-out"])
def test_a_release_that_is_not_there_is_told_with_those_that_are(
    released_unchanged: Path, finebench: RunCommand, version: str
) -> None:
    """A slip of the pen costs a look at the list."""
    told = finebench(released_unchanged, "diff", "1.0.0", version, code=2).stderr
    assert "There are: 1.0.0" in told or "is not a version" in told


def test_a_revision_of_the_hub_is_fetched_by_name(tmp_path: Path) -> None:
    """What is published is compared as what lies here; without a revision the newest is meant."""
    asked: list[tuple[str, str]] = []

    def download(name: str, revision: str) -> Path:
        asked.append((name, revision))
        return tmp_path / revision

    assert find_release("hub:me/bench@1.0.0", None, download) == tmp_path / "1.0.0"
    assert find_release("hub:me/bench@refs/pr/1", None, download) == tmp_path / "refs/pr/1"
    find_release("hub:me/bench", None, download)
    assert asked == [("me/bench", "1.0.0"), ("me/bench", "refs/pr/1"), ("me/bench", "main")]
    for wrong in ("hub:", "hub:bench@1", "hub:me/@1", "hub:/x@1", "hub:a/b/c@1", "hub:me/bench@"):
        with pytest.raises(UsageError, match="OWNER/NAME@REVISION"):
            find_release(wrong, None, download)


@pytest.mark.slow
def test_held_out_items_are_counted_and_judged_but_never_listed(
    released: Path, finebench: RunCommand
) -> None:
    """The private split is private in a diff and in the public changelog too, yet its edits count."""
    config = released / "bench.toml"
    config.write_text(config.read_text() + "\n[release]\nheld_out = 0.2\n")
    shutil.rmtree(released / "releases")
    finebench(released, "build")
    finebench(released, "export", "1.0.0", *WAIVERS)
    hidden = read_rows(released / "releases" / "1.0.0-held-out" / ITEMS)
    decided = Workspace(released).read_stage(Stage.ADJUDICATED)
    place = [row["item_id"] for row in decided].index(hidden[0]["item_id"])
    item_id = edit_item(released, finebench, place, "Should I tell my neighbour about the parcel?")
    assert item_id == hidden[0]["item_id"]
    told = finebench(released, "diff", "1.0.0").stdout
    assert "major: 1 held-out item edited" in told
    assert "held out" in told
    held = finebench(released, "export", "1.1.0", *WAIVERS, code=1).stderr
    assert "at least 2.0.0" in held
    finebench(released, "export", "--next", *WAIVERS)
    private = "".join(row["item_id"] for row in hidden)
    public = released / "releases" / "2.0.0"
    for page in (public / "CHANGELOG.md", public / "manifest.json"):
        assert not [row for row in hidden if row["item_id"] in page.read_text()]
    assert "Major: 1 held-out item edited" in (public / "CHANGELOG.md").read_text()
    beside = released / "releases" / "2.0.0-held-out" / "CHANGELOG.md"
    assert f"- edited {item_id}: " in beside.read_text()
    for form in ("json", "markdown", "table"):
        shown = finebench(released, "diff", "1.0.0", "2.0.0", "--format", form).stdout
        assert not [row for row in hidden if row["item_id"] in shown]
    own = finebench(released, "diff", "1.0.0-held-out", "2.0.0-held-out").stdout
    assert item_id in own
    assert item_id in private


def test_scores_name_data_evaluator_and_judge_everywhere(
    released: Path, finebench: RunCommand
) -> None:
    """A number without them cannot be compared with any other."""
    row_hash = json.loads((released / "releases" / "1.0.0" / MANIFEST).read_text())["row_hash"]
    line = (
        f"data bench 1.0.0 (row hash {row_hash[:12]}), evaluator 1.0.0, "
        "judge simulator:offline-judge"
    )
    model = ("evaluate", "1.0.0", "--model", "offline-aligned")
    assert line in finebench(released, *model).stdout
    run = released / "runs" / "1.0.0"
    about = json.loads((run / "run.json").read_text())
    assert about["data"] == {
        "name": "bench",
        "version": "1.0.0",
        "split": "test",
        "row_hash": row_hash,
    }
    assert about["evaluator"]["version"] == "1.0.0"
    for form in ("table", "markdown"):
        assert line in finebench(released, "report", "--format", form).stdout
    plain = json.loads(finebench(released, "report", "--format", "json").stdout)
    assert plain == json.loads((run / "scores.json").read_text())
    assert {score["versions"]["row_hash"] for score in plain} == {row_hash}
    assert row_hash in finebench(released, "report", "--format", "csv").stdout
    bare = score_bare(released / "releases" / "1.0.0", run)
    assert line in bare.stdout
    same = json.loads(score_bare(released / "releases" / "1.0.0", run, "--json").stdout)
    assert same == plain


def score_bare(release: Path, run: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Score a run with a release's own evaluator and nothing installed."""
    records = [str(run / "responses.jsonl"), str(run / "judgements.jsonl")]
    command = [sys.executable, "-I", "-S", str(release / "evaluator"), "score", *records, *more]
    return subprocess.run(command, env={}, capture_output=True, text=True, check=True)


def test_the_evaluator_says_where_it_knows_no_release_or_items_were_changed(
    released: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """A score on edited items must not pass for one on the release."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-aligned")
    run, release = released / "runs" / "1.0.0", released / "releases" / "1.0.0"
    copied = shutil.copytree(release, tmp_path / "copy")
    with (copied / ITEMS).open("a") as stream:
        stream.write("\n")
    assert "CHANGED since the release" in score_bare(copied, run).stdout
    for text in ("{", "[]", '{"name": "x"}', "[" * 100_000):
        (copied / MANIFEST).write_text(text)
        assert "data of no known release (row hash " in score_bare(copied, run).stdout
    (copied / MANIFEST).unlink()
    assert "data of no known release" in score_bare(copied, run).stdout


def test_a_run_is_not_joined_by_models_that_another_evaluator_asks(
    released: Path, finebench: RunCommand
) -> None:
    """Two models in one table must have been asked and scored alike; older runs do not tell."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-aligned")
    path = released / "runs" / "1.0.0" / "run.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"evaluator": about["evaluator"] | {"scoring_hash": "x"}}))
    joined = ("evaluate", "1.0.0", "--model", "offline-unaligned")
    assert "another evaluator" in finebench(released, *joined, code=2).stderr
    del about["evaluator"], about["data"]
    path.write_text(json.dumps(about))
    assert "evaluator not told" in finebench(released, "report").stdout
    finebench(released, *joined)


def test_colours_are_used_on_a_terminal_alone(tmp_path: Path) -> None:
    """What went is struck out in red and what came is green, and both are marked for those who see none."""
    old = write_release(tmp_path / "old", [make_row("a", question="Should I read it?")])
    new = write_release(tmp_path / "new", [make_row("a", question="Should I burn it?")])
    code = "from builder.cli import main; main()"
    command = [sys.executable, "-c", code, "diff", str(old), str(new), "--texts"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "160"}
    shown = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "\x1b[9;31m[-read-]\x1b[0m\x1b[32m{+burn+}\x1b[0m" in shown


@pytest.mark.slow
def test_two_versions_are_scored_on_their_anchors_alone(
    changed: Path, finebench: RunCommand
) -> None:
    """A model that gained may only have met easier items: on the shared ones it says the same twice."""
    finebench(changed, "export", "--next", *WAIVERS)
    for version in ("1.0.0", "2.0.0"):
        finebench(changed, "evaluate", version, "--model", "offline-unsteady")
    plain = finebench(changed, "report", "1.0.0", "2.0.0", "--anchors", "--format", "json")
    assert "not to be compared" not in plain.stderr
    scores: dict[str, dict[str, Any]] = {"1.0.0": {}, "2.0.0": {}}
    for score in json.loads(plain.stdout):
        run = score.pop("run")
        score.pop("versions")
        scores[run][score["dimension"]] = score
    assert scores["1.0.0"] == scores["2.0.0"]
    diff = json.loads(finebench(changed, "diff", "1.0.0", "2.0.0", "--format", "json").stdout)
    controls = scores["1.0.0"]["control"]["items"]
    assert scores["1.0.0"]["overall"]["items"] + controls == len(diff["anchors"])
    other = ("evaluate", "1.0.0", "--model", "offline-unsteady", "--run", "other")
    finebench(changed, *other, "--judge", "offline-aligned", code=1)
    told = finebench(changed, "report", "2.0.0", "other", "--anchors").stderr
    assert "not to be compared even so: the runs have another judge" in told
    for wrong in (("1.0.0",), ("1.0.0", "nothing"), ("1.0.0", "2.0.0", "--judge", "people")):
        finebench(changed, "report", *wrong, "--anchors", code=2)
