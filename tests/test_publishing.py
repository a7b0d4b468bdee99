"""Publishing: whatever goes wrong on the way, there is one commit, one tag, and never an open door."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hub_publishing import TOKEN, Fault, Kind, PublishingHub, serve_publishing_hub
from workspaces import RunCommand, first_item

from builder.release.hub.client import Hub
from builder.release.hub.publishing import Package, Published, Settings, pack_release, publish
from builder.release.verifying import list_files
from schemas.errors import DataError, HubError, UsageError

pytestmark = [
    pytest.mark.server,
    # The Hub's client hands files to its HTTP library in a way that the library will no longer take.
    pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning"),
]

NAME = "lab/bench"
FINEBENCH = Path(sys.executable).with_name("finebench")

Publish = Callable[..., Published]


@pytest.fixture
def hub() -> Iterator[PublishingHub]:
    """The stand-in of the Hub, empty."""
    with serve_publishing_hub() as served:
        yield served


@pytest.fixture(scope="session")
def package(released_unchanged: Path) -> Package:
    """Release 1.0.0, verified and ready to be sent."""
    return pack_release(released_unchanged / "releases" / "1.0.0")


@pytest.fixture
def run(
    hub: PublishingHub, package: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Publish:
    """Publish to the stand-in by the real client in this process, without its pauses."""
    from huggingface_hub import constants

    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    def bring(settings: Settings | None = None, sent: Package | None = None) -> Published:
        client = Hub(NAME, sleep=lambda _: None)
        return publish(client, sent or package, settings or Settings(), lambda _: None)

    return bring


def _require_published(hub: PublishingHub, package: Package) -> None:
    """One commit beside the first, one tag on it, every byte as sent."""
    repository = hub.repositories[NAME]
    assert [commit.title for commit in repository.commits] == ["initial commit", package.title]
    assert repository.tags == {package.tag: repository.commits[-1].oid}
    files = dict(repository.commits[-1].files)
    files.pop(".gitattributes")
    assert files == {name: path.read_bytes() for name, path in package.files.items()}


def test_a_release_is_one_commit_and_one_tag_and_private(
    hub: PublishingHub, run: Publish, package: Package
) -> None:
    """Nobody sees a benchmark before its curator says so."""
    published = run()
    _require_published(hub, package)
    assert hub.repositories[NAME].private
    assert published.commit == hub.repositories[NAME].tags["v1.0.0"]
    assert not published.was_there
    assert "settings" not in hub.seen


def test_publishing_again_sends_nothing_and_verifies(
    hub: PublishingHub, run: Publish, package: Package
) -> None:
    """Running a command twice must not make a second commit, nor fail."""
    first = run()
    hub.seen.clear()
    again = run()
    assert again.was_there
    assert again.commit == first.commit
    assert not {"commit", "tag", "lfs_put", "create"} & set(hub.seen)
    _require_published(hub, package)


STEPS = (
    "whoami",
    "info",
    "refs",
    "create",
    "tree",
    "commits",
    "yaml",
    "preupload",
    "lfs_batch",
    "lfs_put",
    "lfs_verify",
    "commit",
    "tag",
    "resolve",
)
WOUNDS = (
    Fault(Kind.DROPPED),
    Fault(Kind.LOST),
    Fault(Kind.STATUS, 429, wait_s="1"),
    Fault(Kind.STATUS, 500),
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("wound", WOUNDS, ids=lambda f: f"{f.kind}{f.status or ''}")
def test_one_commit_and_one_tag_whatever_fails_once(
    hub: PublishingHub, run: Publish, package: Package, step: str, wound: Fault
) -> None:
    """A fault of a moment is waited out, or the same command goes on where it stood."""
    hub.faults[step] = Fault(wound.kind, wound.status, wait_s=wound.wait_s)
    with suppress(HubError):
        run()
    assert hub.faults[step].times == 0, "the step was never reached"
    run()
    _require_published(hub, package)


@pytest.mark.parametrize("step", ["create", "commit", "tag"])
@pytest.mark.parametrize("kind", [Kind.LOST, Kind.DROPPED])
def test_a_lost_reply_is_looked_into_and_not_repeated(
    hub: PublishingHub, run: Publish, package: Package, step: str, kind: Kind
) -> None:
    """The run itself ends well: what the Hub did is seen in its state, not guessed."""
    hub.faults[step] = Fault(kind)
    run()
    _require_published(hub, package)
    if step == "commit":
        assert hub.seen.count("commit") == (1 if kind is Kind.LOST else 2)


def test_a_commit_of_somebody_else_is_not_committed_over(
    hub: PublishingHub, run: Publish, package: Package
) -> None:
    """412: the user is told, and the next run goes on from what is there then."""

    def interfere() -> None:
        from hub_publishing import Commit

        repository = hub.repositories[NAME]
        newest = repository.commits[-1]
        files = newest.files | {"notes.txt": b"hello"}
        repository.commits.append(Commit("e" * 40, newest.oid, "notes", files))

    hub.faults["commit"] = Fault(Kind.STATUS, 412, on_hit=interfere)
    with pytest.raises(HubError, match="somebody else has committed meanwhile"):
        run()
    with pytest.raises(UsageError, match=r"such as notes\.txt"):
        run()
    repository = hub.repositories[NAME]
    assert repository.commits[-1].files.pop("notes.txt") == b"hello"
    run()
    assert [c.title for c in repository.commits] == ["initial commit", "notes", package.title]
    assert repository.tags == {"v1.0.0": repository.commits[-1].oid}


def test_a_tag_is_never_moved(hub: PublishingHub, run: Publish) -> None:
    """v1.0.0 means for ever what it meant to the first who used it."""
    run()
    repository = hub.repositories[NAME]
    repository.tags["v1.0.0"] = repository.commits[0].oid
    with pytest.raises(UsageError, match="A tag is never moved"):
        run()
    assert repository.tags == {"v1.0.0": repository.commits[0].oid}
    assert len(repository.commits) == 2


def test_what_the_hub_holds_is_read_back(hub: PublishingHub, run: Publish) -> None:
    """A commit that arrived broken is found before anybody uses it."""

    def break_it() -> None:
        hub.repositories[NAME].commits[-1].files["guidelines.md"] = b"something else"

    hub.faults["tag"] = Fault(Kind.LOST, on_hit=break_it)
    with pytest.raises(HubError, match=r"differs from what was sent in guidelines\.md"):
        run()


def test_a_public_dataset_is_never_open_for_a_moment(hub: PublishingHub, run: Publish) -> None:
    """The gate is set before the door is shown; nothing public was ever without a gate."""
    published = run(Settings(public=True, gated="auto"))
    assert (published.public, published.gated) == (True, "auto")
    assert (False, "auto") in hub.exposures
    assert (False, False) not in hub.exposures


def test_a_gate_that_the_hub_did_not_set_keeps_it_private(hub: PublishingHub, run: Publish) -> None:
    """What was asked for is looked at, not taken for done."""

    def undo() -> None:
        hub.repositories[NAME].gated = False

    hub.faults["settings"] = Fault(Kind.LOST, on_hit=undo, times=99)
    with pytest.raises(HubError):
        run(Settings(public=True))
    assert hub.repositories[NAME].private


def test_public_without_a_gate_needs_a_waiver(run: Publish) -> None:
    """Its reason is kept with the publication."""
    published = run(Settings(public=True, waiver="approved by our ethics board"))
    assert (published.public, published.gated) == (True, "")
    assert published.waiver == "approved by our ethics board"


def test_a_public_dataset_takes_no_version_unasked(hub: PublishingHub, run: Publish) -> None:
    """Private is the default: a version must not become public because an earlier one is."""
    run(Settings(public=True))
    hub.repositories[NAME].tags.clear()
    with pytest.raises(UsageError, match="is public"):
        run()


STATUSES = {
    401: "hf auth login",
    403: "may write to it",
    404: "no such thing",
    409: "there already",
    412: "committed meanwhile",
    429: "slow down",
    500: "trouble of its own",
}


@pytest.mark.parametrize("status", STATUSES)
def test_each_refusal_says_what_to_do_and_no_secret(
    hub: PublishingHub, run: Publish, status: int
) -> None:
    """The user reads a sentence, not a traceback, and the token stands in none."""
    hub.faults["commit"] = Fault(Kind.STATUS, status, times=99)
    with pytest.raises(HubError) as caught:
        run()
    assert STATUSES[status] in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_damaged_folder_is_not_published(
    hub: PublishingHub, released: Path, run: Publish
) -> None:
    """The Hub never learns of a release that is not what its manifest says."""
    (released / "releases" / "1.0.0" / "guidelines.md").write_text("changed")
    with pytest.raises(DataError) as caught:
        run(sent=pack_release(released / "releases" / "1.0.0"))
    assert "guidelines.md" in str(caught.value.problems[0])
    assert hub.seen == []


def test_a_second_version_goes_on_top_and_leaves_the_first(
    hub: PublishingHub, released: Path, run: Publish, finebench: RunCommand
) -> None:
    """Both tags can be loaded; files that are gone are gone from the new one alone."""
    first = pack_release(released / "releases" / "1.0.0")
    run(sent=first)
    finebench(released, "withdraw", first_item(released)["item_id"], "--reason", "names a town")
    finebench(released, "build")
    finebench(released, "export", "1.1.0")
    second = pack_release(released / "releases" / "1.1.0")
    repository = hub.repositories[NAME]
    _let_go(repository.commits[-1].files, "votes.jsonl")
    run(sent=second)
    assert set(repository.tags) == {"v1.0.0", "v1.1.0"}
    assert [c.title for c in repository.commits[1:]] == [first.title, second.title]
    assert repository.commits[-1].parent == repository.commits[-2].oid
    files = dict(repository.commits[-1].files)
    del files[".gitattributes"]
    assert files == {name: path.read_bytes() for name, path in second.files.items()}


def _let_go(files: dict[str, bytes], name: str) -> None:
    """Let the newest commit's release hold a file that the next one does not have."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"][name] = "0" * 64
    files |= {name: b"old", "manifest.json": json.dumps(manifest).encode()}


@pytest.mark.parametrize("name", ["train.csv", "data/train-00000.parquet"])
def test_what_somebody_else_keeps_there_is_not_removed(
    hub: PublishingHub, run: Publish, name: str
) -> None:
    """A slip in the dataset's name must not cost anybody their files; nothing is changed then."""
    Hub(NAME).create()
    repository = hub.repositories[NAME]
    repository.private = False
    repository.commits[-1].files[name] = b"theirs"
    with pytest.raises(UsageError, match=f"such as {name}"):
        run(Settings(public=True))
    assert (len(repository.commits), repository.tags, repository.gated) == (1, {}, False)


def test_another_benchmark_is_not_written_over(hub: PublishingHub, run: Publish) -> None:
    """One dataset is one benchmark: its tags would mean two things."""
    run()
    files = hub.repositories[NAME].commits[-1].files
    manifest = json.loads(files["manifest.json"]) | {"name": "other"}
    files["manifest.json"] = json.dumps(manifest).encode()
    hub.repositories[NAME].tags.clear()
    with pytest.raises(UsageError, match="another benchmark, other"):
        run()


def test_an_older_version_does_not_go_on_top_of_a_newer(
    hub: PublishingHub, run: Publish, package: Package
) -> None:
    """Whoever names no version gets the newest; that must not go back."""
    run()
    repository = hub.repositories[NAME]
    files = repository.commits[-1].files
    manifest = json.loads(files["manifest.json"]) | {"version": "2.0.0"}
    files["manifest.json"] = json.dumps(manifest).encode()
    repository.tags.clear()
    with pytest.raises(UsageError, match=r"holds 2\.0\.0 already"):
        run()
    assert [commit.title for commit in repository.commits] == ["initial commit", package.title]


def test_a_server_that_says_nothing_is_given_up(
    hub: PublishingHub, run: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client itself would wait for ever, and a curator with it."""
    from builder import hub_client

    monkeypatch.setattr(
        hub_client, "_SILENCE", {"connect": 1.0, "read": 0.3, "write": 1.0, "pool": 1.0}
    )
    silence = threading.Event()  # time.sleep is taken away from the client here, and so from us
    hub.faults["create"] = Fault(Kind.DROPPED, on_hit=lambda: silence.wait(4.0), times=99)
    with pytest.raises(HubError, match="no answer in time"):
        run()


def test_a_dataset_that_ever_held_the_secret_part_is_not_made_public(
    hub: PublishingHub, run: Publish
) -> None:
    """Its history is public with it: every commit is looked at, not only what is sent or tagged."""
    run()
    repository = hub.repositories[NAME]
    repository.commits[0].files["data/open/held_out-00000-of-00001.parquet"] = b"secret"
    with pytest.raises(UsageError, match="holds a held-out split"):
        run(Settings(public=True))
    assert repository.private


def test_a_dataset_that_was_made_public_meanwhile_is_told(hub: PublishingHub, run: Publish) -> None:
    """A curator who asked for private must not read that all is well."""

    def open_it() -> None:
        hub.repositories[NAME].private = False

    hub.faults["tag"] = Fault(Kind.LOST, on_hit=open_it)
    with pytest.raises(HubError, match="was made public meanwhile"):
        run()


def test_each_split_has_a_dataset_of_its_own(hub: PublishingHub, run: Publish) -> None:
    """Where both lie in one place, one slip shows both."""
    run()
    files = hub.repositories[NAME].commits[-1].files
    manifest = json.loads(files["manifest.json"]) | {"split": "held_out"}
    files["manifest.json"] = json.dumps(manifest).encode()
    hub.repositories[NAME].tags.clear()
    with pytest.raises(UsageError, match="the other split"):
        run()


def test_a_waiver_opens_a_gate_that_is_there(hub: PublishingHub, run: Publish) -> None:
    """What was asked for by name is done, and its reason kept."""
    assert run(Settings(public=True, gated="manual")).gated == "manual"
    opened = run(Settings(public=True, waiver="approved for all"))
    assert (opened.gated, opened.waiver) == ("", "approved for all")
    assert hub.repositories[NAME].gated is False


def _environment(hub: PublishingHub, tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_TOKEN": TOKEN,
    }


def _start(
    hub: PublishingHub, workspace: Path, tmp_path: Path, *arguments: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(FINEBENCH), "-C", str(workspace), "publish", NAME, *arguments],
        env=_environment(hub, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("create", Kind.LOST),
        ("lfs_put", Kind.DROPPED),
        ("commit", Kind.DROPPED),
        ("commit", Kind.LOST),
        ("tag", Kind.DROPPED),
        ("tag", Kind.LOST),
        ("settings", Kind.LOST),
    ],
)
def test_a_killed_command_goes_on_where_it_stood(
    hub: PublishingHub, released: Path, package: Package, tmp_path: Path, step: str, kind: Kind
) -> None:
    """SIGKILL just before or after a step takes effect: the same command ends with one commit, one tag."""
    victims: list[subprocess.Popen[str]] = []

    def kill() -> None:
        while not victims:
            time.sleep(0.01)
        os.killpg(victims[0].pid, signal.SIGKILL)

    hub.faults[step] = Fault(kind, on_hit=kill)
    victims.append(_start(hub, released, tmp_path, "--public"))
    victims[0].communicate(timeout=120)
    assert victims[0].returncode == -signal.SIGKILL
    again = _start(hub, released, tmp_path, "--public")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    _require_published(hub, package)
    assert (False, False) not in hub.exposures
    assert TOKEN not in out + err
    (row,) = map(json.loads, (released / "releases" / "published.jsonl").read_text().splitlines())
    assert row["tag"] == "v1.0.0"
    assert (row["public"], row["gated"]) == (True, "manual")


_READ_BACK = """
import sys
import threading
from datasets import load_dataset
from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], repo_type="dataset", revision="v1.0.0"))
for config in ("items", "open", "mcq_order_1", "mcq_order_2"):
    for streaming in (False, True):
        loaded = load_dataset(sys.argv[1], config, split="test", revision="v1.0.0", streaming=streaming)
        print(config, streaming, len(list(loaded)), loaded.features["dimension"].names[0])
"""


@pytest.mark.slow
def test_a_published_release_loads_by_its_tag(
    hub: PublishingHub, released: Path, package: Package, tmp_path: Path
) -> None:
    """What a researcher downloads is what was exported: every file, every config, streaming too."""
    done = _start(hub, released, tmp_path)
    _, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    read = subprocess.run(
        [sys.executable, "-c", _READ_BACK, NAME],
        env=_environment(hub, tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    folder, *loaded = read.stdout.strip().splitlines()
    found = list_files(Path(folder))
    assert {n: p.read_bytes() for n, p in found.items()} == {
        n: p.read_bytes() for n, p in package.files.items()
    }
    size = package.manifest["items"]
    first = package.manifest["dimensions"][0]["id"]
    assert loaded == [
        f"{config} {streaming} {size} {first}"
        for config in ("items", "open", "mcq_order_1", "mcq_order_2")
        for streaming in (False, True)
    ]
    verified = subprocess.run(
        [str(FINEBENCH), "verify", f"hub:{NAME}@v1.0.0"],
        env=_environment(hub, tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr


def test_a_dry_run_changes_nothing_and_needs_no_hub(
    hub: PublishingHub, released: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files, sizes and settings are shown before anything is sent, also without a network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    shown = finebench(released, "publish", NAME, "--public", "--dry-run", "--json")
    told: dict[str, Any] = json.loads(shown.stdout)
    assert told["files"]["manifest.json"] > 1000
    assert told["plan"]["visible to others"] == "public, gate: manual"
    assert "could not be reached" in told["unknown"]
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    told = json.loads(finebench(released, "publish", NAME, "--dry-run", "--json").stdout)
    assert told["plan"]["dataset"] == "is made, private"
    assert not {"create", "commit", "tag", "settings"} & set(hub.seen)
    assert not (released / "releases" / "published.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nameonly"], "namespace/name"),
        (["a/b/c"], "cannot name"),
        ([NAME, "9.9.9"], "there is no release 9.9.9"),
        ([NAME, "--gated", "auto"], "go with --public"),
        ([NAME, "--public", "--waive", "agreement=x"], "gated=REASON"),
        ([NAME, "--public", "--waive", "gated="], "gated=REASON"),
        ([NAME, "--public", "--gated", "auto", "--waive", "gated=x"], "choose one"),
    ],
)
def test_wrong_calls_are_told_before_the_hub_is_asked(
    released_unchanged: Path, finebench: RunCommand, arguments: list[str], told: str
) -> None:
    """A slip on the command line must not leave half a publication."""
    assert told in finebench(released_unchanged, "publish", *arguments, code=2).stderr


def test_a_withdrawn_item_tells_where_it_was_published(
    hub: PublishingHub, released: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Whoever withdraws an item learns which versions show it, and how to take them down."""
    done = _start(hub, released, tmp_path)
    done.communicate(timeout=120)
    assert done.returncode == 0
    told = finebench(released, "withdraw", first_item(released)["item_id"], "--reason", "x").stderr
    assert "Released in 1.0.0" in told
    assert "lab/bench shows it under v1.0.0" in told
