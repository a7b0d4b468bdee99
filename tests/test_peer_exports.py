"""Releases for other tools: what they read asks what we ask, and reads a reply as we do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from workspaces import RunCommand, hash_tree, read_release

from annotations.label_config import load_label_config, parse_label_config
from annotations.tasks import make_answers, make_task
from builder.bundle.engine.items import make_item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.parsing import Letter, parse_letter
from builder.bundle.engine.prompts import render_form
from builder.release.peers.choice_pattern import CHOICE_PATTERN
from builder.release.peers.eval_yaml import make_eval_yaml
from builder.release.peers.lm_eval import make_lm_eval_files, make_task_name
from builder.release.reading import ReleaseData, make_tag
from builder.release.reading import read_release as read_released_items
from builder.release.tables import make_choice_columns, make_columns
from builder.workspace import open_workspace
from schemas.errors import DataError, UsageError
from schemas.labels import ShownOrder
from schemas.storage import read_rows

CONFIGS = ("mcq_order_1", "mcq_order_2")
FORMS = {"mcq_order_1": Form.MC_ORDER_1, "mcq_order_2": Form.MC_ORDER_2}
WORDS = (
    "A", "B", "a", "b", "[[", "]]", "(", ")", "[", "]", " ", "\n", ":", "Option", "answer", "is", "or", "and",
    ",", "选", "选项", "和", "*", "_", '"', "x", "choose", "I", "“", "neither", "'", "。", "cannot choose",
    "[[A]]", "[[B]]", "Option: [[A]]", "not ", "I choose ", " since ", " because ", "if ", "The answer is ", ".", "the",
    "<think>", "</think>", "than", "better", "worse",
)  # fmt: skip


def read_by_pattern(reply: str, flags: int) -> str:
    """Return the letter that a tool reads with our pattern, or nothing."""
    found = re.search(CHOICE_PATTERN, reply, flags)
    return next((group.upper() for group in found.groups() if group), "") if found else ""


PLAIN_FORMS = (
    "Option: [[{0}]]", "[[{0}]]", "**Option: [[{0}]]**", "选项：[[{0}]]", "Answer {1} lies.\n\nOption: [[{0}]]",
    "[[ {0} ]], since {1} is worse.", "<think>Is it {1}?</think>\n\nOption: [[{0}]]", "**{0}**", "({0})", "{0}.",
    "{0}", "Answer: {0}", "The better answer is {0}.", "I choose {0}, a middle way.", "I would pick {0}.", "选项：{0}",
    "答案是{0}。", "我选择{0}", "[[{0}]] or [[{1}]]", "The answer is {0} or {1}.", "I cannot choose {0}.", "neither",
    "Not {0}.", "I choose {0}. No, I choose {1}.", "[[{0}]]\n[[{1}]]", "The worse answer is {0}.", "",
)  # fmt: skip


@pytest.mark.parametrize("flags", [re.NOFLAG, re.IGNORECASE])
@given(reply=st.lists(st.sampled_from(WORDS), max_size=12).map("".join) | st.text(max_size=30))
@example(reply="[[A]] if she agrees")
@example(reply="not\nOption: [[A]]")
@example(reply="I choose a middle way between A and B.")
@example(reply="Option: [[A]] Option: [[B]]")
@example(reply="The answer is A or B, depending on her.")
@example(reply="Option: [[A]], because I choose B")
@example(reply="<think>[[A]]")
@example(reply="Worse answer:\n[[A]]")
@example(reply="**Never:**\n\nOption: [[A]]")
@example(reply="[[A]], a harmful way")
@example(reply="~~Well.\n[[A]], since I say so ~~")
@example(reply="[[A]], since it is kind, B")
def test_the_pattern_reads_no_reply_otherwise_than_our_parser_does(reply: str, flags: int) -> None:
    """A tool that takes one pattern may read less than we do; a letter that we do not read would be a lie."""
    read = read_by_pattern(reply, flags)
    assert not read or parse_letter(reply) == read


@pytest.mark.parametrize("flags", [re.NOFLAG, re.IGNORECASE])
@pytest.mark.parametrize("letters", ["AB", "BA"])
@pytest.mark.parametrize("form", PLAIN_FORMS)
def test_the_pattern_reads_a_plain_reply_as_our_parser_does(
    form: str, letters: str, flags: int
) -> None:
    """Where a model keeps to the form that was asked for, a peer's accuracy is the evaluator's."""
    reply = form.format(*letters)
    letter = parse_letter(reply)
    expected = letter.value if letter in (Letter.A, Letter.B) else ""
    assert read_by_pattern(reply, flags) == expected


def test_eval_yaml_asks_both_orders_with_the_columns_of_a_release(
    released_unchanged: Path,
) -> None:
    """Inspect refuses unknown keys and columns: what is named must be there, and be asked as we ask it."""
    _, rows, _ = read_release(released_unchanged)
    document = yaml.safe_load(make_eval_yaml("bench", "A: title # with marks", "test"))
    assert document["name"] == "A: title # with marks"
    assert [task["config"] for task in document["tasks"]] == list(CONFIGS)
    known = {"id", "config", "split", "field_spec", "solvers", "scorers"}
    for task in document["tasks"]:
        assert set(task) == known
        assert task["id"] == task["config"]
        spec, solvers = task["field_spec"], task["solvers"]
        items = [make_item(row) for row in rows]
        columns = make_columns(rows) | make_choice_columns(task["config"], items)
        for n, item in enumerate(items):
            made, form = {c: values[n] for c, values in columns.items()}, FORMS[task["config"]]
            asked = (("system", solvers[0]["args"]["template"]), ("user", made[spec["input"]]))
            assert asked == render_form(form, item)
            assert made[spec["target"]] == item.find_positive_letter(form)
            assert [made[column] for column in spec["choices"]] == list(item.order_options(form))
            assert made.keys() >= set(spec["metadata"]) >= {"item_id", "dimension"}
        assert task["scorers"][0]["args"]["pattern"] == CHOICE_PATTERN


def test_eval_yaml_follows_its_arguments_alone() -> None:
    """It stands in every release: same arguments, same bytes, and a benchmark in Chinese is asked so."""
    made = make_eval_yaml("bench", "", "validation", "zh-Hans")
    assert made == make_eval_yaml("bench", "", "validation", "zh-Hans")
    document = yaml.safe_load(made)
    assert document["name"] == "bench"
    assert {task["split"] for task in document["tasks"]} == {"validation"}
    assert document["tasks"][0]["solvers"][0]["args"]["template"] == "你是一个乐于助人的助手。"
    assert "CS and CSS" in made


def _read_tasks(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}


def test_lm_eval_files_name_the_release_and_say_what_they_do_not_compute(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """One task an order, in groups without a mean over orders; CS and CSS are disclaimed in each file."""
    folder, _, _ = read_release(released_unchanged)
    out = tmp_path / "tasks"
    told = finebench(
        released_unchanged, "export", "1.0.0", "--format", "lm-eval", "--out", str(out)
    )
    assert "Next: lm_eval --include_path" in told.stderr
    files = _read_tasks(out)
    group = files["bench_choice.yaml"]
    assert group["task"] == ["bench_choice_order_1", "bench_choice_order_2"]
    assert "aggregate_metric_list" not in group
    for task, config in zip(group["task"], CONFIGS, strict=True):
        asked = files[f"{task}.yaml"]
        (data,) = asked["dataset_kwargs"]["data_files"].values()
        assert Path(data) == (folder / "data" / config / "test-00000-of-00001.parquet").resolve()
        assert (asked["doc_to_text"], asked["doc_to_target"]) == ("prompt", "answer")
        assert asked["generation_kwargs"]["until"] == [], (
            "a reply that reasons first is not cut off"
        )
        assert asked["filter_list"][0]["filter"][0]["regex_pattern"] == CHOICE_PATTERN
        likely = files[f"{task.replace('choice', 'choice_loglikelihood')}.yaml"]
        assert likely["output_type"] == "multiple_choice"
    for path in out.glob("*.yaml"):
        assert "CS and CSS" in path.read_text()


@pytest.mark.parametrize(
    ("hub", "revision"), [("acme/bench", "v1.0.0"), ("acme/bench@main", "main")]
)
def test_lm_eval_loads_from_the_hub_at_the_releases_tag_where_told(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path, hub: str, revision: str
) -> None:
    """A file that people pass on must not name a folder of ours, and not follow a branch unasked."""
    options = ("--format", "lm-eval", "--out", str(tmp_path), "--hub", hub)
    finebench(released_unchanged, "export", "1.0.0", *options)
    tasks = [task for name, task in _read_tasks(tmp_path).items() if "_order_" in name]
    assert len(tasks) == 4
    for task in tasks:
        assert task["dataset_path"] == "acme/bench"
        assert task["dataset_kwargs"] == {"revision": revision}
        assert task["dataset_name"] == "mcq_order_" + task["task"][-1]
    assert make_tag("1.0.0") == "v1.0.0"


@pytest.mark.parametrize(
    "hub", ["bench", "acme/bench/items", "acme/bench:test", "a b/c", "/", "acme/"]
)
def test_a_hub_name_of_another_form_is_refused(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path, hub: str
) -> None:
    """A name that the harness would look for in vain is told before files are written."""
    options = ("--format", "lm-eval", "--out", str(tmp_path / "x"), "--hub", hub)
    assert "Write " in finebench(released_unchanged, "export", "1.0.0", *options, code=2).stderr
    assert not (tmp_path / "x").exists()


@given(st.text(max_size=20))
def test_any_name_makes_a_task_name_and_yaml_that_holds_it(name: str) -> None:
    """A name may hold what YAML and the harness read as marks of their own."""
    task = make_task_name(name)
    assert re.fullmatch(r"[a-z0-9_]+", task)
    data = {config: {"dataset_path": "parquet"} for config in CONFIGS}
    files = make_lm_eval_files(name, "1.0.0", data, "test")
    groups = [yaml.safe_load(text) for file, text in files.items() if "order" not in file]
    assert [group["group"] for group in groups] == [
        f"{task}_choice",
        f"{task}_choice_loglikelihood",
    ]
    printable = name.isprintable()
    title = yaml.safe_load(make_eval_yaml("bench", name))["name"]
    assert not printable or title == (name or "bench")


def test_label_studio_tasks_show_no_role_and_their_key_gives_it_back(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """Released items are reviewed blind once more; only the key, kept apart, says which option is which."""
    _, rows, _ = read_release(released_unchanged)
    options = ("--format", "label-studio", "--out", str(tmp_path))
    told = finebench(released_unchanged, "export", "1.0.0", *options).stderr
    assert "key.private.jsonl from those who answer" in told
    tasks = [task["data"] for task in json.loads((tmp_path / "tasks.json").read_text())]
    shown = {"ext_id", "dimension", "definition", "question", "option_a", "option_b"}
    assert all(set(task) == shown for task in tasks)
    keys = {key["ext_id"]: key for key in read_rows(tmp_path / "key.private.jsonl")}
    by_id = {row["item_id"]: row for row in rows}
    assert {keys[task["ext_id"]]["item_id"] for task in tasks} == set(by_id)
    first = 0
    for task in tasks:
        key = keys[task["ext_id"]]
        row = by_id[key["item_id"]]
        options_shown = [row["positive_option"], row["negative_option"]]
        if key["shown_order"] == ShownOrder.NEGATIVE_FIRST:
            options_shown.reverse()
        assert [task["option_a"], task["option_b"]] == options_shown
        assert row["item_id"] not in json.dumps(task)
        first += key["shown_order"] == ShownOrder.POSITIVE_FIRST
    assert 0.35 < first / len(tasks) < 0.65, "a fair coin: neither letter gives the role away"
    assert [task["ext_id"] for task in tasks] == sorted(keys), "nor does the order of tasks"


def test_label_studio_answers_are_read_by_the_key_as_those_of_a_round_are(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """The interface that goes along asks what a round asks, so that its answers mean the same."""
    finebench(
        released_unchanged, "export", "1.0.0", "--format", "label-studio", "--out", str(tmp_path)
    )
    config = (tmp_path / "label_config.xml").read_text()
    assert config == load_label_config()
    asked = parse_label_config(config).controls
    assert {"in_dimension", "safer", "recommendation"} <= set(asked)
    key = read_rows(tmp_path / "key.private.jsonl")[0]
    workspace = open_workspace(released_unchanged)
    _, rows, _ = read_release(released_unchanged)
    row = next(row for row in rows if row["item_id"] == key["item_id"])
    order = ShownOrder(key["shown_order"])
    task = make_task(
        row,
        workspace.taxonomy[row["dimension"]],
        reviewer="release-1.0.0",
        round_number=0,
        shown_order=order,
    )
    assert task.task_id == key["ext_id"]
    letter = "A" if task.option_a == row["positive_option"] else "B"
    said = {
        "in_dimension": "yes", "safer": letter, "operational_detail": "no", "natural": "yes",
        "recommendation": "accept",
    }  # fmt: skip
    assert make_answers(said, task, order)["safer"] == "positive"


def test_a_dimension_that_is_described_no_longer_holds_up_its_reviewers_alone(
    released: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """Reviewers need a definition; FINE's format gets by with the id."""
    path = released / "dimensions.toml"
    path.write_text(path.read_text().replace('id = "privacy"', 'id = "secrecy"'))
    options = ("--format", "label-studio", "--out", str(tmp_path / "ls"))
    told = finebench(released, "export", "1.0.0", *options, code=2).stderr
    assert "has items of privacy" in told
    lines = finebench(released, "export", "1.0.0", "--format", "fine").stdout.splitlines()
    assert "privacy" in {json.loads(line)["category"] for line in lines}


def test_fine_jsonl_of_a_release_is_its_items_and_can_be_taken_in_again(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path
) -> None:
    """What the paper's scripts are given is what was released, whatever became of the workspace since."""
    folder, rows, _ = read_release(released_unchanged)
    out = tmp_path / "fine.jsonl"
    options = ("--format", "fine", "--out", str(out))
    assert (
        f"{len(rows)} items of 1.0.0"
        in finebench(released_unchanged, "export", str(folder), *options).stderr
    )
    assert (
        out.read_text()
        == finebench(released_unchanged, "export", "1.0.0", "--format", "fine").stdout
    )
    records = read_rows(out)
    assert [record["id"] for record in records] == [row["item_id"] for row in rows]
    again = tmp_path / "again"
    finebench(again, "new", str(again))
    finebench(again, "import", str(out), "--format", "fine")
    hashes = {row["content_hash"] for row in read_rows(again / "02_options.jsonl")}
    assert hashes == {row["content_hash"] for row in rows}


@pytest.mark.parametrize("peer", ["fine", "inspect", "lm-eval", "label-studio"])
def test_an_export_for_others_writes_the_same_bytes_and_leaves_the_release_alone(
    released_unchanged: Path, finebench: RunCommand, tmp_path: Path, peer: str
) -> None:
    """A released version never changes, and neither does what is made of it."""
    before = hash_tree(released_unchanged)
    trees = []
    for name in ("one", "two"):
        out = tmp_path / name / "out"
        finebench(released_unchanged, "export", "1.0.0", "--format", peer, "--out", str(out))
        trees.append(hash_tree(tmp_path / name))
    assert trees[0] == trees[1]
    assert trees[0]
    assert hash_tree(released_unchanged) == before


def test_a_release_that_was_changed_or_is_none_is_refused(released: Path, tmp_path: Path) -> None:
    """Files for others must come from what was released, to the byte."""
    folder, rows, _ = read_release(released)
    with pytest.raises(UsageError, match="is no release"):
        read_released_items(tmp_path)
    items = folder / "evaluator" / "items.jsonl"
    items.write_text(items.read_text().replace(rows[0]["question"][:10], "Changed it"))
    with pytest.raises(DataError, match="changed after its release"):
        read_released_items(folder)


def test_the_language_of_a_release_is_that_of_most_items() -> None:
    """One system message is all that such a file can name: it is that of most items."""
    rows = [{"language": language} for language in ("de", "zh", "zh", "en", "de")]
    assert ReleaseData(Path(), {}, rows).language == "de"
