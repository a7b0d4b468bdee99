"""The offline check of a card: what the Hub would refuse, or take silently, is told before it is uploaded."""

from pathlib import Path

import pytest
from huggingface_hub import DatasetCardData
from workspaces import read_release

from builder.release.card.hub_terms import find_size, load_terms
from builder.release.card.metadata import check_card

HEAD = """\
license: cc-by-4.0
language:
- en
pretty_name: Bench
configs:
- config_name: items
  data_files:
  - split: test
    path: data/items/test-*.parquet
"""


def make_card(more: str = "", *, head: str = HEAD, body: str = "# Bench\n") -> str:
    """Return a card with a good head and more keys."""
    return f"---\n{head}{more}---\n{body}"


def list_rules(text: str, folder: Path | None = None) -> list[tuple[str, str]]:
    """Return the keys that are at fault, with the rule that each breaks."""
    return [(problem.column, problem.rule) for problem in check_card(text, folder)]


def test_a_good_card_has_no_fault(released_unchanged: Path) -> None:
    """The card of a release passes as it lies in its folder."""
    folder, _, _ = read_release(released_unchanged)
    assert check_card((folder / "README.md").read_text(encoding="utf-8"), folder) == []
    assert check_card(make_card()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no YAML head"),
        ("# Bench\n", "no YAML head"),
        ("---\nlicense: mit\n", "no YAML head"),
        ("---\n---\n", "holds no keys"),
        ("---\n- mit\n---\n", "holds no keys"),
        ("---\na: [\n---\n", "no YAML"),
        ("---\n\x00\n---\n", "no YAML"),
        ("---\na: 2020-13-45\n---\n", "no YAML"),
        ("---\na: !!python/name:os.system\n---\n", "no YAML"),
        ("---\na: &x [*x]\n---\n", "refers to another place"),
        ("---\na: " + "[" * 3000 + "]" * 3000 + "\n---\n", "nested too deeply"),
        ("---\nlicense: mit\nlicense: apache-2.0\n---\n", "a key twice: license"),
        ("---\nconfigs:\n- config_name: a\n  config_name: b\n---\n", "a key twice: config_name"),
    ],
)
def test_a_head_that_cannot_be_read_is_told(text: str, told: str) -> None:
    """One fault that names what is wrong, and never a traceback."""
    (problem,) = check_card(text)
    assert told in problem.rule


@pytest.mark.parametrize(
    ("more", "key", "told"),
    [
        ("licence: mit\n", "licence", "no such key"),
        ("7: mit\n", "7", "no such key"),
        ("size_categories: huge\n", "size_categories", "not a value"),
        ("size_categories: [n<1K, {a: 1}]\n", "size_categories", "not a value"),
        ("task_categories: [chatting]\n", "task_categories", "not a value"),
        ("annotations_creators: nobody\n", "annotations_creators", "not a value"),
        ("language_creators: no-annotation\n", "language_creators", "not a value"),
        ("multilinguality: bilingual\n", "multilinguality", "not a value"),
        ("source_datasets: [1]\n", "source_datasets", "not a source"),
        ("tags: [safety, 3]\n", "tags", "not a text"),
        ("viewer: maybe\n", "viewer", "neither true nor false"),
        ("language_bcp47: [EN]\n", "language_bcp47", "not a BCP 47 tag"),
        ("extra_gated_prompt: [a]\n", "extra_gated_prompt", "not a text"),
        ("extra_gated_fields: {Name: string}\n", "extra_gated_fields", "no kind of field"),
        ("extra_gated_fields: {Use: select}\n", "extra_gated_fields", "without options"),
        ("extra_gated_fields: [x]\n", "extra_gated_fields", "no fields"),
    ],
)
def test_unknown_keys_and_values_are_faults(more: str, key: str, told: str) -> None:
    """The Hub's own client takes these silently; on the Hub they would be lost."""
    (found,) = list_rules(make_card(more))
    assert found[0] == key
    assert told in found[1]


@pytest.mark.parametrize(
    ("before", "after", "key", "told"),
    [
        ("license: cc-by-4.0", "license: CC-BY-4.0", "license", "not a value"),
        ("license: cc-by-4.0\n", "", "license", "missing"),
        ("license: cc-by-4.0", "license: other", "license_name", "missing, though"),
        ("- en", "- english", "language", "not a language"),
        ("- en", "- no", "language", "not a language"),
        ("pretty_name: Bench", "pretty_name: 3.0", "pretty_name", "not a text"),
        ("config_name: items", "config_name: ''", "configs", "without a name"),
        ("split: test", "split: held-out", "configs", "not a name of a split"),
        ("data/items/", "/data/items/", "configs", "leads out"),
        ("data/items/", "../items/", "configs", "leads out"),
        ("  - split: test\n", "  - name: test\n", "configs", "cannot be read"),
        ("  data_files:", "  files: 1\n  data_files:", "configs", "unknown keys"),
    ],
)
def test_what_is_missing_or_malformed_is_told(before: str, after: str, key: str, told: str) -> None:
    """Each fault names its key and the line on which it stands."""
    assert before in HEAD
    text = make_card(head=HEAD.replace(before, after))
    problems = check_card(text)
    assert any(p.column == key and told in p.rule for p in problems), problems
    for problem in problems:
        assert not problem.row or key in text.split("\n")[problem.row - 1]


def test_configs_name_files_that_are_there(tmp_path: Path) -> None:
    """A config without its file would fail for whoever loads the data, not for whoever uploads it."""
    text = make_card("license_link: TERMS\n", body="![items](figures/a.svg)\n")
    assert [rule for _, rule in list_rules(text, tmp_path)] == [
        f"no such file in {tmp_path.name}",
        f"no such file in {tmp_path.name}",
        f"no such figure in {tmp_path.name}",
    ]
    for name in ("data/items/test-0.parquet", "TERMS", "figures/a.svg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert check_card(text, tmp_path) == []


def test_two_defaults_and_two_of_a_name_are_faults() -> None:
    """`datasets` refuses to load such a folder at all."""
    twice = (
        HEAD + "  default: true\n- config_name: items\n  data_files: a.parquet\n  default: true\n"
    )
    assert {rule for _, rule in list_rules(make_card(head=twice))} == {
        "several defaults",
        "a config stands twice",
    }


@pytest.mark.parametrize(
    "slot", ["[More Information Needed]", "{{ pretty_name }}", "{{ x | default('') }}", "$title"]
)
def test_what_a_template_left_open_is_told_with_its_line(slot: str) -> None:
    """A slot in prose is a fault; the same in a block of code is code."""
    (problem,) = check_card(make_card(body=f"# Bench\n\nIt is {slot} here.\n"))
    assert problem.rule == "left open by a template"
    assert problem.row == HEAD.count("\n") + 5
    assert check_card(make_card(body=f"```sh\n{slot}\n```\n")) == []


def test_our_terms_hold_what_the_installed_libraries_document() -> None:
    """A value that `datasets` or `huggingface_hub` name is never called unknown here."""
    import json

    import datasets.utils.resources as folder

    terms = load_terms()
    place = Path(folder.__file__).parent
    creators = json.loads((place / "creators.json").read_text())
    assert set(creators["annotations"]) <= terms.values["annotations_creators"]
    assert set(creators["language"]) <= terms.values["language_creators"]
    sizes = json.loads((place / "size_categories.json").read_text())
    assert set(sizes) <= terms.values["size_categories"]
    multilinguality = json.loads((place / "multilingualities.json").read_text())
    assert set(multilinguality) <= terms.values["multilinguality"]
    documented = set(DatasetCardData().__dict__) - {"train_eval_index"}
    assert documented <= terms.keys


@pytest.mark.parametrize(
    ("items", "size"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (99_999, "10K<n<100K"),
        (100_000, "100K<n<1M"),
        (10**6, "1M<n<10M"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_sizes_are_those_that_the_hub_has(items: int, size: str) -> None:
    """Each number of items falls into a category of the closed set."""
    assert find_size(items) == size
    assert size in load_terms().values["size_categories"]
