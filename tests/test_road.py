"""The main job end to end on the offline model, and what a user meets along the road."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from datasets import ClassLabel, Value, load_dataset

from builder.llm.offline.transport import REQUEST_LOG_VARIABLE
from builder.workspace import Stage, Workspace
from schemas.storage import read_rows
from schemas.texts import canonical_rows, hash_text

RunCommand = Callable[..., Result]

CONFIGS = ("items", "open", "mcq_order_1", "mcq_order_2")


def read_release(workspace: Path) -> tuple[Path, list[dict[str, Any]], dict[str, Any]]:
    """Return the folder, rows and manifest of release 1.0.0."""
    folder = workspace / "releases" / "1.0.0"
    rows = read_rows(folder / "evaluator" / "items.jsonl")
    return folder, rows, json.loads((folder / "manifest.json").read_text())


def hash_tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a workspace keeps, locks aside."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".locks" not in path.parts and "__pycache__" not in path.parts
    }


def first_item(workspace: Path) -> dict[str, Any]:
    """Return the first checked item."""
    return read_rows(workspace / "03_checked.jsonl")[0]


def test_every_stage_accounts_for_every_row(released_unchanged: Path) -> None:
    """In = out + rejected, stage by stage: no row vanishes silently."""
    entered = None
    for stage in ("01_questions", "02_options", "03_checked", "05_adjudicated"):
        record = json.loads((released_unchanged / f"{stage}.meta.json").read_text())
        counts = record["counts"]
        assert counts["in"] == counts["out"] + counts["rejected"]
        assert len(read_rows(released_unchanged / f"{stage}.jsonl")) == counts["out"]
        assert entered in (None, counts["in"]), f"{stage} lost rows of the stage before"
        entered = counts["out"]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("streaming", [False, True])
def test_release_loads_as_a_dataset(
    released_unchanged: Path, config: str, streaming: bool, tmp_path: Path
) -> None:
    """`datasets.load_dataset` reads each config from the folder alone, with the features as stated."""
    folder, rows, _ = read_release(released_unchanged)
    dataset = load_dataset(
        str(folder), config, split="test", streaming=streaming, cache_dir=str(tmp_path)
    )
    loaded = list(dataset)
    assert [row["item_id"] for row in loaded] == [row["item_id"] for row in rows]
    features = dataset.features
    assert features["dimension"] == ClassLabel(
        names=["fairness", "individual_harm", "legality", "privacy", "civic_virtue", "control"]
    )
    assert features["question"] == Value("string")
    names = features["dimension"].names
    assert [names[row["dimension"]] for row in loaded] == [row["dimension"] for row in rows]


@pytest.mark.parametrize("order", ["mcq_order_1", "mcq_order_2"])
def test_always_choosing_a_earns_half_in_each_order(
    released_unchanged: Path, order: str, tmp_path: Path
) -> None:
    """Positions are balanced in each dimension, so that a config does not give its answer away."""
    folder, rows, _ = read_release(released_unchanged)
    loaded = load_dataset(str(folder), order, split="test", cache_dir=str(tmp_path))
    by_id = {row["item_id"]: row for row in rows}
    counts: dict[str, Counter[str]] = {}
    for row in loaded:
        item = by_id[row["item_id"]]
        shown = {"A": row["option_a"], "B": row["option_b"]}
        assert shown[row["answer"]] == item["positive_option"]
        counts.setdefault(item["dimension"], Counter())[row["answer"]] += 1
    for dimension, letters in counts.items():
        assert abs(letters["A"] - letters["B"]) <= 1, dimension
    assert abs(sum(c["A"] for c in counts.values()) - sum(c["B"] for c in counts.values())) <= 1


def test_the_two_orders_swap_every_item(released_unchanged: Path, tmp_path: Path) -> None:
    """An item that has its positive option as A in one order has it as B in the other."""
    folder, _, _ = read_release(released_unchanged)
    orders = [
        load_dataset(str(folder), c, split="test", cache_dir=str(tmp_path)) for c in CONFIGS[2:]
    ]
    for first, second in zip(*orders, strict=True):
        assert first["item_id"] == second["item_id"]
        assert {first["answer"], second["answer"]} == {"A", "B"}
        assert (first["option_a"], first["option_b"]) == (second["option_b"], second["option_a"])


def test_manifest_hashes_match_every_file(released_unchanged: Path) -> None:
    """Whoever downloads a release can tell whether a byte of it was changed."""
    folder, rows, manifest = read_release(released_unchanged)
    found = hash_tree(folder)
    found.pop("manifest.json")
    assert manifest["files"] == found
    assert manifest["row_hash"] == hash_text(canonical_rows(rows))
    assert manifest["row_hash"] == found["evaluator/items.jsonl"]
    assert manifest["items"] == len(rows)


def test_card_has_valid_metadata_and_says_what_was_simulated(released_unchanged: Path) -> None:
    """The Hub reads the YAML head; people must not take the demo for a reviewed benchmark."""
    folder, rows, _ = read_release(released_unchanged)
    _, head, body = (folder / "README.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert [config["config_name"] for config in metadata["configs"]] == list(CONFIGS)
    assert metadata["license"] == "cc-by-4.0"
    assert metadata["language"] == ["en"]
    assert "Simulated." in body
    assert "reviewers simulated" in body
    assert f"{len(rows)} items" in body
    assert "$" not in body, "a slot of the template was left open"


def test_release_holds_the_evaluator_verbatim(released_unchanged: Path) -> None:
    """What is scored with from a release is the code that the suite tests."""
    folder, _, _ = read_release(released_unchanged)
    source = Path(__file__).parents[1] / "builder" / "bundle"
    for path in sorted(source.rglob("*.py")):
        copy = folder / "evaluator" / path.relative_to(source)
        assert copy.read_bytes() == path.read_bytes()


def test_road_walked_twice_makes_no_call_and_the_same_bytes(
    released: Path, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing paid for is asked again, and a diff of two builds shows nothing."""
    finebench(released, "evaluate", "1.0.0", "--model", "offline-unsteady")
    before = hash_tree(released)
    monkeypatch.setenv(REQUEST_LOG_VARIABLE, str(tmp_path / "requests"))
    for command in ("generate", "derive", "check", "adjudicate"):
        finebench(released, command)
    finebench(released, "annotate", "simulate")
    finebench(released, "annotate", "simulate", "--round", "2")
    finebench(released, "annotate", "merge")
    finebench(released, "export", "1.0.0")
    finebench(released, "evaluate", "1.0.0", "--model", "offline-unsteady")
    assert not (tmp_path / "requests").exists(), "a call was made"
    assert hash_tree(released) == before


def test_simulated_answers_are_marked_in_every_row(released_unchanged: Path) -> None:
    """A row must say by itself that no person stands behind it."""
    rows = read_rows(released_unchanged / "04_annotations.jsonl")
    assert rows
    assert all(row["simulated"] and row["reviewer"].startswith("simulated-") for row in rows)


def test_arms_are_crossed(released_unchanged: Path) -> None:
    """Refusing is as frequent among positive as among negative options: "pick the refusal" earns 50%."""
    refusing = {"refuse", "redirect", "refuse_unjustly", "divert"}
    rows = [
        r for r in read_rows(released_unchanged / "02_options.jsonl") if r["dimension"] != "control"
    ]
    positive = sum(row["positive_arm"] in refusing for row in rows)
    negative = sum(row["negative_arm"] in refusing for row in rows)
    assert positive == negative == len(rows) / 2


def test_build_stops_where_people_are_needed(tmp_path: Path, finebench: RunCommand) -> None:
    """The machine's part never decides what people should: it says what comes next."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    result = finebench(path, "build")
    assert "Next: finebench review" in result.stderr
    assert not (path / "04_annotations.jsonl").exists()
    again = finebench(path, "build")
    assert "03_checked: up to date" in again.stderr


def test_raising_a_quota_keeps_the_questions_there_are(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """People may have reviewed them: a larger benchmark holds the smaller one."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "3")
    finebench(path, "generate")
    before = {row["item_id"]: row for row in read_rows(path / "01_questions.jsonl")}
    text = (path / "dimensions.toml").read_text()
    (path / "dimensions.toml").write_text(text.replace("quota = 3", "quota = 8"))
    finebench(path, "generate")
    after = {row["item_id"]: row for row in read_rows(path / "01_questions.jsonl")}
    assert before.items() <= after.items()
    assert len(after) == 48


def test_a_dimension_that_is_dropped_leaves_its_questions_among_the_rejected(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """No row vanishes silently, even when the curator changes their mind about a dimension."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "2")
    finebench(path, "generate")
    text = (path / "dimensions.toml").read_text()
    (path / "dimensions.toml").write_text(text[: text.rindex("[[dimension]]")])
    finebench(path, "generate")
    rejected = read_rows(path / "01_questions.rejected.jsonl")
    assert len(rejected) == 2
    assert all("no longer has control" in row["reasons"] for row in rejected)
    finebench(path, "validate")


def test_status_counts_each_item_once(released_unchanged: Path, finebench: RunCommand) -> None:
    """What stands where adds up to what was written, and nothing is stale after the road."""
    result = finebench(released_unchanged, "status", "--json")
    status = json.loads(result.stdout)
    total = sum(sum(counts.values()) for counts in status["items"].values())
    assert total == len(read_rows(released_unchanged / "01_questions.jsonl"))
    assert status["stale"] == {}
    assert status["next"] == "finebench evaluate 1.0.0 --model NAME"


def test_status_names_stale_files_and_why(released: Path, finebench: RunCommand) -> None:
    """A curator who changed a threshold sees which files no longer follow from their inputs."""
    text = (released / "bench.toml").read_text()
    (released / "bench.toml").write_text(text.replace("ratio = 90", "ratio = 80"))
    status = json.loads(finebench(released, "status", "--json").stdout)
    assert status["stale"] == {"03_checked": ["parameter near_duplicate_ratio changed"]}
    assert status["next"] == "finebench check"


def test_a_file_changed_by_hand_is_noticed(released: Path, finebench: RunCommand) -> None:
    """Stage files are results; who edits one is told of the command that keeps a history."""
    path = released / "03_checked.jsonl"
    path.write_text(path.read_text().replace('"question":"', '"question":"Now: ', 1))
    status = json.loads(finebench(released, "status", "--json").stdout)
    assert "changed by hand" in status["stale"]["03_checked"][0]
    assert "finebench edit" in status["stale"]["03_checked"][0]
    assert "hash matches content" in finebench(released, "validate", str(path), code=1).stderr


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


def test_a_released_version_is_never_changed(released: Path, finebench: RunCommand) -> None:
    """Exporting an existing version differently is refused, and names what would differ."""
    _, rows, _ = read_release(released)
    before = hash_tree(released / "releases")
    finebench(released, "withdraw", rows[0]["item_id"], "--reason", "test")
    finebench(released, "build")
    result = finebench(released, "export", "1.0.0", code=2)
    assert "released already" in result.stderr
    assert "data/items/test-00000-of-00001.parquet" in result.stderr
    assert hash_tree(released / "releases") == before


def test_nothing_undecided_is_released_unless_waived_by_name(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """The waiver stands in manifest, card and rows, with its reason."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "4")
    finebench(path, "build")
    finebench(path, "adjudicate")
    assert "no item is accepted" in finebench(path, "export", "0.1.0", code=1).stderr
    reasons: tuple[str, ...] = ("--waive", "undecided-items=a trial")
    held = finebench(path, "export", "0.1.0", *reasons, code=1)
    assert "option-leak" in held.stderr, "24 items are too few to show that nothing leaks"
    reasons += ("--waive", "option-leak=too few items to tell")
    finebench(path, "export", "0.1.0", *reasons)
    folder = path / "releases" / "0.1.0"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["waivers"] == {
        "undecided-items": "a trial",
        "option-leak": "too few items to tell",
    }
    card = (folder / "README.md").read_text()
    assert "**undecided-items** was waived by the curator: a trial" in card
    rows = read_rows(folder / "evaluator" / "items.jsonl")
    assert {row["decision"] for row in rows} == {"undecided"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export",), "which version"),
        (("export", "1.0"), "not a version"),
        (("export", "01.0.0"), "not a version"),
        (("export", "../x"), "not a version"),
        (("export", "2.0.0", "--waive", "option-leak"), "GATE=REASON"),
        (("export", "2.0.0", "--waive", "option-leak= "), "GATE=REASON"),
        (("export", "2.0.0", "--waive", "nothing=x"), "no gate is named nothing"),
        (("export", "--format", "fine", "1.0.0"), "takes no version"),
        (("export", "--original"), "--format fine"),
        (("export", "--format", "fine", "--original"), "which import"),
        (("evaluate", "9.9.9", "--model", "offline"), "not a release"),
        (("evaluate", "1.0.0", "--model", "offline", "--run", "../up"), "cannot name a run"),
        (("report", "nothing"), "no finished run"),
        (("adjudicate", "--item", "x"), "both --item and --decision"),
        (("review", "--reviewer", "../x"), "no pseudonym"),
        (("review", "--reviewer", "simulated-1"), "for simulated reviewers"),
        (("new", "."), "exists already"),
        (("validate", "bench.md"), "finebench validates"),
        (("validate", "--as", "nothing", "03_checked.jsonl"), "no table is named"),
    ],
)
def test_wrong_usage_ends_with_a_sentence_and_exit_code_2(
    released_unchanged: Path,
    finebench: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    """Users read messages, not tracebacks, and scripts tell wrong usage by its code."""
    monkeypatch.chdir(released_unchanged)
    assert told in finebench(released_unchanged, *arguments, code=2).stderr


@pytest.mark.parametrize("command", ["status", "build", "check", "derive", "adjudicate"])
def test_commands_outside_a_workspace_say_how_to_make_one(
    tmp_path: Path, finebench: RunCommand, command: str
) -> None:
    """The first mistake of a new user gets a helpful answer."""
    result = finebench(tmp_path, command, code=2)
    assert "not a workspace" in result.stderr
    assert "finebench new" in result.stderr


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("derive", "generate"),
        ("check", "derive"),
        ("adjudicate", "check"),
        ("export", "generate"),
    ],
)
def test_stages_run_too_early_name_the_stage_before(
    tmp_path: Path, finebench: RunCommand, command: str, told: str
) -> None:
    """Whoever skips a step is told which."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path))
    version = ("1.0.0",) if command == "export" else ()
    assert f"`finebench {told}`" in finebench(path, command, *version, code=1).stderr


def test_every_fault_of_the_configuration_is_told_at_once(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """A configuration is mended in one go, not fault by fault."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path))
    text = (path / "bench.toml").read_text()
    text = text.replace('language = "en"', 'language = "English"').replace("seed = ", "sead = ")
    text = text.replace("leak_bound = 0.6", 'leak_bound = "0.6"')
    (path / "bench.toml").write_text(text)
    told = finebench(path, "status", code=1).stderr
    for place in ("language", "seed", "sead", "checks.leak_bound"):
        assert f"bench.toml: {place}" in told


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
    assert about["simulated"] == ["offline-aligned", "offline-judge"]


def test_fine_items_go_the_same_road(
    fine_file: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """The authors' 90 items: imported, checked, released under two waivers, evaluated."""
    path = tmp_path / "fine"
    finebench(path, "new", str(path), "--quota", "0")
    finebench(path, "import", str(fine_file), "--format", "fine")
    check = finebench(path, "check", code=1)
    assert "surface features" in check.stdout
    finebench(path, "adjudicate")
    waivers = ("--waive", "undecided-items=not reviewed here", "--waive", "option-leak=as released")
    finebench(path, "export", "1.0.0", *waivers)
    _, rows, manifest = read_release(path)
    assert len(rows) == 90
    assert set(manifest["waivers"]) == {"undecided-items", "option-leak"}
    result = finebench(path, "evaluate", "1.0.0", "--model", "offline", "--json")
    overall = {s["model"]: s for s in json.loads(result.stdout) if s["dimension"] == "overall"}
    assert overall["offline-aligned"]["css"]["value"] == 1.0
    assert overall["offline-unaligned"]["css"]["value"] == 0.0
    assert {s["n"] for s in overall.values()} == {90}


def test_import_into_a_generated_benchmark_counts_towards_the_quota(
    fine_file: Path, tmp_path: Path, finebench: RunCommand
) -> None:
    """Imported items join the generated ones, whose options are asked for only where missing."""
    path = tmp_path / "mixed"
    finebench(path, "new", str(path), "--quota", "20")
    finebench(path, "import", str(fine_file), "--format", "fine")
    finebench(path, "build")
    rows = Workspace(path).read_stage(Stage.OPTIONS)
    counts = Counter((row["dimension"], row["origin"]) for row in rows)
    assert counts["fairness", "imported"] == 18
    assert counts["fairness", "generated"] == 2
    assert counts["control", "generated"] == 20
    shutil.rmtree(path / "journal")
    finebench(path, "import", str(fine_file), "--format", "fine")
    assert json.loads(finebench(path, "status", "--json").stdout)["stale"].keys() == {
        "04_annotations",
        "05_adjudicated",
    }
