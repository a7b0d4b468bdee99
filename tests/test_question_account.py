"""The account of stage 1: what was asked, came, was kept and rejected; what is short, and why; refilling."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from question_server import Prompt, QuestionServer, make_workspace, place, write_new
from workspaces import RunCommand, hash_tree

from builder.questions import generate_questions
from builder.stage_records import make_rejection
from builder.workspace import Stage, Workspace, create_workspace
from schemas.storage import Row, read_json, sort_rows, write_rows


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> QuestionServer:
    """A writer who always finds new questions, and a judge who is content."""
    made = QuestionServer()
    place(made, monkeypatch)
    return made


def check_account(workspace: Workspace) -> Mapping[str, Mapping[str, int]]:
    """Return the account by slot, after comparing what it says with the rows."""
    slots: dict[str, dict[str, int]] = read_json(workspace.plan)["slots"]
    rejected = [json.loads(row["row"]) for row in workspace.read_rejected(Stage.QUESTIONS)]
    for how, rows in (("kept", workspace.read_stage(Stage.QUESTIONS)), ("rejected", rejected)):
        found = Counter(f"{r['dimension']} / {r['polarity']} / {r['language']}" for r in rows)
        assert found == {name: counts[how] for name, counts in slots.items() if counts[how]}
    for counts in slots.values():
        assert counts["came"] == counts["kept"] + counts["rejected"]
    return slots


def test_the_plan_accounts_for_each_slot(tmp_path: Path, server: QuestionServer) -> None:
    """Whoever pays wants to see what became of what was asked for, over all runs."""
    server.write = lambda prompt: write_new(prompt)[: max(1, prompt.count - 1)]
    server.judge = lambda question: "[[fail]] no" if len(question) % 2 else "[[pass]]"
    workspace = make_workspace(tmp_path, quota=20)
    generate_questions(workspace)
    first = check_account(workspace)
    asked = Counter[str]()
    for prompt in server.prompts:
        asked[prompt.slot] += prompt.count
    assert {name: counts["asked"] for name, counts in first.items()} == asked
    assert all(counts["came"] < counts["asked"] for counts in first.values())
    path = workspace.dimensions
    path.write_text(path.read_text().replace("quota = 20", "quota = 30"))
    generate_questions(Workspace(workspace.root))
    for name, counts in check_account(workspace).items():
        assert counts["asked"] > first[name]["asked"]


def test_of_twins_both_are_accounted_for(tmp_path: Path, server: QuestionServer) -> None:
    """A pair is a question in either slot."""
    server.write = lambda prompt: [
        entry | {"twin": str(entry["question"]).replace("May I", "Had I better not")}
        for entry in write_new(prompt)
    ]
    workspace = make_workspace(tmp_path, quota=20, generate="twins = true")
    generate_questions(workspace)
    counts = dict.fromkeys(("asked", "came", "kept"), 10) | {"rejected": 0}
    names = ("fairness / act / en", "fairness / refrain / en")
    assert check_account(workspace) == dict.fromkeys(names, counts)


def test_what_is_short_is_told_with_the_most_frequent_reasons(
    tmp_path: Path, server: QuestionServer, finebench: RunCommand
) -> None:
    """Forty different sentences of a judge say less than that it rejected forty."""

    def write(prompt: Prompt) -> list[dict[str, object]]:
        copy: dict[str, object] = {"question": "May I read it?"}
        placeholder: dict[str, object] = {"question": "May I write to [NAME] about it?"}
        return [copy, placeholder, *write_new(prompt)][: prompt.count]

    server.write = write
    server.judge = lambda q: "[[pass]]" if "read it" in q else f"[[fail]] about {q[6:20]} (far off)"
    workspace = make_workspace(tmp_path, quota=20)
    told = finebench(workspace.root, "generate", code=1).output.replace("\n", " ")
    assert "fairness has 1 of 20 questions" in told
    slots = read_json(workspace.plan)["slots"].values()
    asked, came = (sum(counts[name] for counts in slots) for name in ("asked", "came"))
    assert f"{asked} were asked for, {came} came" in told
    for reason in ("the judge rejected (", "copies of other questions (", "leftover:placeholder ("):
        assert reason in told
    assert "far off" not in told
    assert "Next: finebench derive" in told


def test_without_questions_there_is_no_next_stage(
    tmp_path: Path, server: QuestionServer, finebench: RunCommand
) -> None:
    """Options of nothing: the next step is to mend what went wrong."""
    server.write = lambda _: "I had rather not."
    workspace = make_workspace(tmp_path, quota=2)
    told = finebench(workspace.root, "generate", code=1).output
    assert "Next: finebench derive" not in told
    assert "There are no questions" in told


def _reject_options(workspace: Workspace, rows: list[Row]) -> None:
    """Make these questions' options rejected."""
    rejected = [make_rejection(row, Stage.OPTIONS, ["no pair"]) for row in rows]
    write_rows(workspace.get_rejected_path(Stage.OPTIONS), sort_rows(rejected, "item_id"))


def test_questions_without_options_are_replaced_on_demand(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """The quota of a benchmark is one of pairs; plain `generate` leaves them, for derive may yet bring some."""
    workspace = create_workspace(tmp_path / "bench", quota=12)
    finebench(workspace.root, "generate")
    before = workspace.read_stage(Stage.QUESTIONS)
    lost = [row for row in before if row["dimension"] == "privacy" and row["polarity"] == "act"][:2]
    _reject_options(workspace, lost)
    tree = hash_tree(workspace.root)
    finebench(workspace.root, "generate")
    assert hash_tree(workspace.root) == tree
    finebench(workspace.root, "generate", "--refill")
    after = workspace.read_stage(Stage.QUESTIONS)
    new = [row for row in after if row not in before]
    assert [row for row in after if row in before] == before, "those that stand are not taken away"
    assert Counter((r["dimension"], r["polarity"]) for r in new) == {("privacy", "act"): 2}
    assert {row["cell"] for row in new} == {row["cell"] for row in lost}
    tree = hash_tree(workspace.root)
    finebench(workspace.root, "generate", "--refill")
    finebench(workspace.root, "generate")
    assert hash_tree(workspace.root) == tree, "nothing is missing, and nobody is asked"
