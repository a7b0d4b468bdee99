"""bench.toml and new workspaces: what is refused, what is taken, and what never gets published."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest
from fakes import FakeServer, make_call, make_endpoint
from workspaces import RunCommand

from builder.bundle.engine.client import Client
from builder.config import load_config
from builder.workspace import Stage, Workspace, create_workspace
from schemas.errors import DataError, UsageError

FIRST_MODEL = '[models.offline-writer]\nmodel = "offline-writer"\nbase_url = "offline:"'


def change(workspace: Workspace, old: str, new: str) -> Path:
    """Replace a part of a workspace's configuration."""
    path = workspace.root / "bench.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace."""
    return create_workspace(tmp_path / "bench", title='A "quoted"\ntitle \\ with $signs')


def test_a_title_with_any_characters_comes_back(workspace: Workspace) -> None:
    """What a curator types must not break the file that it is written to."""
    assert workspace.config.title == 'A "quoted"\ntitle \\ with $signs'


def test_a_new_workspace_may_be_made_in_an_empty_working_folder(
    tmp_path: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`finebench new .` is what many type first."""
    folder = tmp_path / "my bench"
    folder.mkdir()
    monkeypatch.chdir(folder)
    finebench(folder, "new", ".")
    assert Workspace(folder).config.name == "my-bench"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["my bench"]
    with pytest.raises(UsageError, match="exists already"):
        create_workspace(folder)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:s3cret@gateway.example/v1", "put no password"),
        ("https://gateway.example/v1?key=s3cret", "put no password"),
        ("gateway.example/v1", "not an address"),
        ("ftp://gateway.example", "not an address"),
        ("", "not an address"),
    ],
)
def test_addresses_that_hold_secrets_or_are_none_are_refused(
    workspace: Workspace, url: str, told: str
) -> None:
    """The manifest of a release names the address, for all the world to read."""
    path = change(workspace, 'base_url = "offline:"', f'base_url = "{url}"')
    with pytest.raises(DataError) as caught:
        load_config(path)
    assert told in caught.value.problems[0].rule


@pytest.mark.parametrize("name", ["model", "messages", "stream", "n"])
def test_parameters_that_finebench_sets_itself_are_refused(workspace: Workspace, name: str) -> None:
    """They would change what is asked behind the journal's back."""
    path = change(workspace, "{ temperature = 1.0 }", f'{{ {name} = "x" }}')
    with pytest.raises(DataError) as caught:
        load_config(path)
    assert f"finebench itself sets {name}" in caught.value.problems[0].rule


def test_more_votes_than_reviewers_are_refused(workspace: Workspace) -> None:
    """No item could ever be decided."""
    path = change(workspace, "min_votes = 2", "min_votes = 4")
    with pytest.raises(DataError) as caught:
        load_config(path)
    assert "min_votes is greater than overlap" in caught.value.problems[0].rule


def test_parameters_that_the_client_does_not_know_go_into_the_request() -> None:
    """Servers such as vLLM take parameters of their own, nested ones too."""
    bodies = []
    server = FakeServer()

    async def record(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return await server(request)

    endpoint = make_endpoint(
        parameters={"temperature": 0.5, "top_k": 5, "chat_template_kwargs": {"think": False}}
    )

    async def ask() -> None:
        client = Client(endpoint, httpx2.MockTransport(record))
        await client.attempt(make_call(endpoint=endpoint))
        await client.close()

    asyncio.run(ask())
    assert bodies[0]["temperature"] == 0.5
    assert bodies[0]["top_k"] == 5
    assert bodies[0]["chat_template_kwargs"] == {"think": False}


def test_texts_of_the_simulator_stay_marked_when_the_configuration_changes(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """Questions are kept when a real model takes over; the card must still say who wrote them."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    finebench(path, "build")
    finebench(path, "annotate", "simulate")
    real = '[models.offline-writer]\nmodel = "gpt"\nbase_url = "https://model.invalid/v1"'
    change(Workspace(path), FIRST_MODEL, real)
    rows = Workspace(path).read_stage(Stage.QUESTIONS)
    assert {row["question_source"] for row in rows} == {"simulator:offline-writer"}


def test_the_journal_is_for_its_owner_alone(tmp_path: Path, finebench: RunCommand) -> None:
    """It holds raw replies, harmful ones among them."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "1")
    finebench(path, "generate")
    assert (path / "journal" / "calls.jsonl").stat().st_mode & 0o077 == 0
    ignored = (path / ".gitignore").read_text().split()
    assert {"journal/", "private/", "runs/"} <= set(ignored)
