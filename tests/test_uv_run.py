"""``uv run`` scores a model from a release alone: in a fresh environment, with the numbers of ``python -I``.

The model is aimock, a server of the OpenAI API that others wrote, with its own faults.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aimock_server import AimockServer, start_aimock
from workspaces import hash_tree, read_release

from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.labels import DimensionKind, Form
from builder.bundle.engine.prompts import render_form
from builder.release.manifest import hash_evaluator
from builder.release.verifying import verify_release

pytestmark = [pytest.mark.server, pytest.mark.slow]

UV = Path(sys.executable).with_name("uv")
BINARY = Path(sys.prefix) / "node" / "node_modules" / ".bin" / "llmock"
SAFE_BOTH, FAKE, UNSAFE_BOTH, FILTERED, CUT_OFF, REFUSED_REQUEST = range(6)
"""What an item is made to show, by its number among the safety items."""


@pytest.fixture
def folder(released_unchanged: Path, tmp_path: Path) -> Path:
    """A copy of the release, away from its workspace, as somebody downloads it."""
    return shutil.copytree(read_release(released_unchanged)[0], tmp_path / "a download")


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[AimockServer]:
    """A model that shows of each item what its number says; judge and model are one."""
    if not UV.is_file():
        pytest.skip("uv is not installed: run `make .venv/.dev`")
    if not BINARY.exists():
        pytest.skip("aimock is not installed: install Node.js with npm, then run make test again")
    fixtures = [fixture for n, item in list_cases(folder) for fixture in script_item(n, item)]
    # A question stands in the prompts of its judging and its choices too: those come first.
    fixtures += [match(i.question, {"content": f"Reply {n}."}) for n, i in list_cases(folder)]
    fixtures += [match("[[correct]]", {"content": "[[correct]]"})]
    fixtures += [{"match": {"endpoint": "chat"}, "response": {"content": "[[A]]"}}]
    place = tmp_path / "aimock"
    place.mkdir()
    with start_aimock(fixtures, binary=BINARY, folder=place) as started:
        yield started


def list_cases(folder: Path) -> list[tuple[int, Item]]:
    """Return the safety items, numbered."""
    items = read_items(folder / "evaluator" / "items.jsonl")
    return list(enumerate(item for item in items if item.kind is DimensionKind.SAFETY))


def script_item(number: int, item: Item) -> Iterator[Mapping[str, Any]]:
    """Yield what the server answers to the judge and to the choices of one item."""
    case = number % 6
    word = "[[unsafe]]" if case == UNSAFE_BOTH else "[[safe]]"
    yield match(f"Reply {number}.\n</reply", {"content": word})
    fault = {"error": {"message": "no", "type": "server_error"}, "status": 400}
    for form in (Form.MC_ORDER_1, Form.MC_ORDER_2):
        letter = item.find_positive_letter(form)
        chosen = letter if case == SAFE_BOTH else "AB".replace(letter, "")
        answers: dict[int, Mapping[str, Any]] = {
            FILTERED: {"content": f"[[{letter}]]", "finishReason": "content_filter"},
            CUT_OFF: {"content": f"[[{letter}]]", "finishReason": "length"},
            REFUSED_REQUEST: fault,
        }
        answer = answers.get(case, {"content": f"Option: [[{chosen}]]"})
        yield match(render_form(form, item)[-1][1], answer)


def match(text: str, response: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a fixture that answers whatever holds a text."""
    return {"match": {"endpoint": "chat", "userMessage": text}, "response": response}


def run(command: list[object], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder with nothing of this process but where programs and certificates are."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "TMPDIR", "SSL_CERT_FILE"}}
    return subprocess.run(
        list(map(str, command)),
        cwd=folder, env=kept | {"HOME": str(folder.parent)} | variables, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip


def name_indexes() -> dict[str, str]:
    """Return where pip gets packages, in the variables by which uv is told; all places count alike, as for pip."""
    told = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for option, variable, divider in (
        ("index_url", "UV_DEFAULT_INDEX", ""),
        ("extra_index_url", "UV_INDEX", " "),
        ("find-links", "UV_FIND_LINKS", ","),
    ):
        asked = [sys.executable, "-m", "pip", "config", "get", f"global.{option}"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        value = os.environ.get(f"PIP_{option.upper().replace('-', '_')}") or found
        if value.strip():
            told[variable] = divider.join(value.split())
    return told


def test_uv_run_scores_a_model_from_the_release_alone(folder: Path, server: AimockServer) -> None:
    """One line suffices where nothing is installed but uv; the same replies give the same bytes as ``python -I``.

    Of six kinds of items three are determined: safe in both forms, fake (open safe, choice negative twice) and
    unsafe in both. Of the others nothing is known of the choice: filtered, cut off, or the request was refused.
    """
    before = hash_tree(folder)
    asking = [
        "run", "--model", "gpt-test", "--judge", "gpt-judge", "--base-url", server.base_url, "--json",
        "--concurrency", "32",
    ]  # fmt: skip
    fresh = {
        "OPENAI_API_KEY": server.key,
        "UV_CACHE_DIR": str(folder.parent / "uv"),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        **name_indexes(),
    }
    script = folder / "evaluator" / "fine_eval.py"
    by_uv = run([UV, "run", script, *asking, "--out", "../by-uv"], folder, **fresh)
    assert by_uv.returncode == 1, "some requests were refused, which is told by the exit code"
    assert "calls brought no reply" in by_uv.stderr
    by_python = run(
        [sys.executable, "-I", folder / "evaluator", *asking, "--out", "../by-python"],
        folder,
        OPENAI_API_KEY=server.key,
    )
    assert by_uv.stdout == by_python.stdout

    cases = [number % 6 for number, _ in list_cases(folder)]
    counts = {case: cases.count(case) for case in range(6)}
    n = counts[SAFE_BOTH] + counts[FAKE] + counts[UNSAFE_BOTH]
    scores = {score["dimension"]: score for score in json.loads(by_uv.stdout)}
    overall = scores["overall"]
    assert (overall["items"], overall["n"]) == (len(cases), n)
    assert overall["cs"]["count"] == counts[SAFE_BOTH] + counts[UNSAFE_BOTH]
    assert overall["css"]["count"] == counts[SAFE_BOTH]
    assert overall["undetermined"] == {
        f"{form}:{outcome}": counts[case]
        for case, outcome in ((FILTERED, "filtered"), (CUT_OFF, "truncated"), (REFUSED_REQUEST, "failed"))
        for form in ("mc_order_1", "mc_order_2")
    }  # fmt: skip
    assert overall["cells"] == {
        "both_failed": counts[UNSAFE_BOTH],
        "both_passed": counts[SAFE_BOTH],
        "negative_chosen_twice": counts[FAKE],
    }
    scored = run([UV, "run", script, "score", "../by-uv", "--json"], folder, **fresh)
    assert json.loads(scored.stdout) == json.loads(by_uv.stdout)
    assert hash_tree(folder) == before
    assert verify_release(folder) == [], "scoring left something in the release"
    assert not list(folder.rglob("__pycache__"))


def test_uv_run_names_what_it_needs_and_no_place_to_get_it(folder: Path) -> None:
    """A script with its requirements can be read by any tool; a lock file would name somebody's registry."""
    lines = (folder / "evaluator" / "fine_eval.py").read_text(encoding="utf-8").splitlines()
    end = lines.index("# ///", 1)
    assert lines[0] == "# /// script"
    assert lines[1:end] == ['# requires-python = ">=3.11"', '# dependencies = ["openai[aiohttp]>=3.54"]']  # fmt: skip
    assert not list(folder.rglob("*.lock"))


def test_the_ways_to_start_the_evaluator_shape_no_score(folder: Path) -> None:
    """A change of how uv or Inspect start it is one of the evaluator, and leaves scores comparable."""
    evaluator = folder / "evaluator"
    before = hash_evaluator(evaluator)
    for name in ("fine_eval.py", "inspect_task.py"):
        with (evaluator / name).open("a", encoding="utf-8") as stream:
            stream.write("# changed\n")
        after = hash_evaluator(evaluator)
        assert after["hash"] != before["hash"]
        assert after["scoring_hash"] == before["scoring_hash"]
        assert verify_release(folder), "a changed file is found"
