"""Contamination: copies of items in references are found with their place, and sources stay in force."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.checks.contamination import compare
from builder.checks.contamination.compare import find_contacts
from builder.checks.contamination.overlap import RunFinder, keep_letters
from builder.checks.contamination.references import Passage
from builder.checks.contamination.workspace_references import list_references
from builder.workspace import Workspace
from schemas.storage import Row, read_rows

LETTERS = st.text("abcdefghijklmnop", min_size=40, max_size=60)
AROUND = st.text("xyz 我!?", max_size=30)


@given(run=LETTERS, before=AROUND, after=AROUND, cut=st.integers(0, 19))
@settings(deadline=None, max_examples=80)
def test_a_long_run_in_common_is_found_whatever_stands_around(
    run: str, before: str, after: str, cut: int
) -> None:
    """A question inside a longer text is a copy; what surrounds it on either side is not shared."""
    text, passage = f"0{run}1 {after}", f"{before}2 {run} 3{after}"
    found = list(RunFinder([text]).find(["nothing of it", passage]))
    assert [(overlap.text, overlap.passage) for overlap in found] == [(0, 1)]
    assert run in found[0].run
    assert found[0].run in keep_letters(text)
    short = f"0{run[: 39 - cut]}1 {'q' * 30}"
    assert [o for o in RunFinder([short]).find([passage]) if len(o.run) < 40] == []


def test_what_is_short_must_stand_whole_and_chinese_needs_fewer_letters() -> None:
    """Sixteen Chinese characters say as much as forty letters; a short opening says nothing."""
    finder = RunFinder(
        ["Is it ok to keep the purse?", "我可以读我姐姐放在桌子上的日记本吗", "Is it ok?"]
    )
    passages = [
        "He asked: is it OK, to keep the purse - or not?",
        "问：我可以读我姐姐放在桌子上的日记本吗？",
        "Is it ok?",
    ]
    assert [(o.text, o.passage) for o in finder.find(passages)] == [(0, 0), (1, 1)]
    assert list(finder.find(["is it ok to keep the dog", "我可以读", "", "\ud800"])) == []


def test_a_run_over_the_border_of_two_passages_is_none() -> None:
    """Passages stand beside each other by chance."""
    run = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"
    assert list(RunFinder([run]).find([run[:30], run[30:]])) == []


def _make_sentence(rng: random.Random, words: list[str]) -> str:
    return " ".join(rng.choices(words, k=rng.randrange(12, 24))).capitalize() + "?"


def _plant(count: int, lines: int) -> tuple[list[Row], list[Passage], dict[int, str]]:
    """Return items, a reference with a copy of every second one, and how each was copied."""
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghilmnoprstu", k=rng.randrange(2, 9))) for _ in range(4000)]
    items = [
        {
            "item_id": f"i{n}",
            "family": f"family {n}",
            "content_hash": "0" * 64,
            "question": _make_sentence(rng, words),
            "positive_option": _make_sentence(rng, words),
            "negative_option": _make_sentence(rng, words),
        }
        for n in range(2 * count)
    ]
    texts = [_make_sentence(rng, words) for _ in range(lines)]
    planted = {}
    for n in range(count):
        question = items[2 * n]["question"]
        kind = ("exact", "near-duplicate", "overlap")[n % 3]
        copy = {
            "exact": f"  {question.upper()}",
            "near-duplicate": question.replace("a", "o", 2) + "!",
            "overlap": f"{_make_sentence(rng, words)} {question} {_make_sentence(rng, words)}",
        }[kind]
        texts[rng.randrange(lines // count) + n * (lines // count)] = copy
        planted[2 * n] = kind
    return items, [Passage(f"line {n}", text) for n, text in enumerate(texts, 1)], planted


@pytest.mark.parametrize("lines", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_fifty_planted_copies_are_all_found_and_nothing_else(lines: int) -> None:
    """Exact, edited and inside a longer text; every alarm beyond the fifty would be a false one."""
    items, passages, planted = _plant(50, lines)
    found = find_contacts(items, passages, 90)
    assert {contact.item: contact.kind for contact in found} == planted
    assert len(found) == 50, "false alarms"


def test_a_copy_is_found_wherever_the_borders_of_blocks_fall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """References are read in blocks, so that books and millions of lines fit into memory."""
    items, passages, planted = _plant(6, 600)
    for characters, most in ((1, 50_000), (2_000, 7)):
        monkeypatch.setattr(compare, "_CHARACTERS", characters)
        monkeypatch.setattr(compare, "_BLOCK", most)
        told: list[int] = []
        found = find_contacts(items, passages, 90, on_passages=told.append)
        assert {contact.item: contact.kind for contact in found} == planted
        assert told[-1] == 600
        assert len(told) > 80


def test_options_are_compared_too() -> None:
    """An option that stands in public can be known as well as a question."""
    items, passages, _ = _plant(3, 300)
    passages[7] = Passage("line 8", items[1]["negative_option"])
    found = [contact for contact in find_contacts(items, passages, 90) if contact.item == 1]
    assert [(c.text, c.kind, c.place) for c in found] == [("negative_option", "exact", "line 8")]


@pytest.fixture
def checked(released: Path, tmp_path: Path) -> tuple[Workspace, Path]:
    """A workspace, and a file that holds the question of its first item, edited."""
    workspace = Workspace(released)
    item = read_rows(released / "03_checked.jsonl")[0]
    source = tmp_path / "corpus.jsonl"
    row = {"prompt": item["question"] + "!!", "other": "Nothing of the kind."}
    source.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return workspace, source


def _read_rules(workspace: Workspace) -> set[str]:
    return {row["rule"] for row in read_rows(workspace.findings) if "contamination" in row["rule"]}


def test_a_source_stays_in_force_until_it_is_forgotten(
    checked: tuple[Workspace, Path], finebench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later check without the option must not pass what the earlier one found."""
    workspace, source = checked
    monkeypatch.chdir(source.parent)
    told = finebench(workspace.root, "check", "--against", "corpus.jsonl#prompt", code=1).output
    assert "../corpus.jsonl#prompt: 1 passages; " in told
    assert "contamination:near-duplicate" in _read_rules(workspace)
    assert list_references(workspace) == ["../corpus.jsonl#prompt"], "relative to the workspace"
    finebench(workspace.root, "check", code=1)
    assert "contamination:near-duplicate" in _read_rules(workspace)
    finebench(workspace.root, "check", "--forget", "corpus.jsonl#prompt")
    assert _read_rules(workspace) == set()
    assert finebench(workspace.root, "check", "--forget", "no.jsonl", code=2).output


def test_a_source_that_is_gone_stops_the_check(
    checked: tuple[Workspace, Path], finebench: Any
) -> None:
    """A check that left it out in silence would pass what it should have found."""
    workspace, source = checked
    finebench(workspace.root, "check", "--against", f"{source}#other")
    source.unlink()
    told = finebench(workspace.root, "check", code=2).output
    assert "there is no file" in told
    assert _read_rules(workspace) == set()


def test_an_unknown_source_changes_nothing(checked: tuple[Workspace, Path], finebench: Any) -> None:
    """A typing error must not be kept as a source."""
    workspace, source = checked
    finebench(workspace.root, "check", "--against", str(source), "--against", "no.jsonl", code=2)
    assert list_references(workspace) == []


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 1}', '{"sources": [1]}'])
def test_a_damaged_list_of_sources_is_told(
    checked: tuple[Workspace, Path], finebench: Any, content: str
) -> None:
    """A list that cannot be read must not count as an empty one: the check would pass too much."""
    workspace, _ = checked
    workspace.references.write_text(content, encoding="utf-8")
    assert "references.json" in finebench(workspace.root, "check", code=1).output


def test_items_are_not_compared_with_themselves_in_an_earlier_release(
    checked: tuple[Workspace, Path], finebench: Any
) -> None:
    """Every item of the next version would else be a copy of the last; their twins' options may be."""
    workspace, _ = checked
    finebench(workspace.root, "check", "--against", "releases/1.0.0#question")
    assert _read_rules(workspace) <= {"contamination:overlap"}


def test_a_boilerplate_sentence_in_all_lines_is_told_once_for_each_item() -> None:
    """Work and memory must not grow with items times lines: what thousands hold, a few tell."""
    sentence = "I am sorry, but I would rather not be of any help with that request."
    items = [
        {
            "item_id": f"i{n}",
            "family": f"family {n}",
            "content_hash": "0" * 64,
            "question": f"Question {n} about {n * 7919}?",
        }
        | {"positive_option": sentence, "negative_option": f"Yes, {n * 104729} times."}
        for n in range(60)
    ]
    lines = [Passage(f"line {n}", f"{sentence} Goodbye, {n}.") for n in range(2_000)]
    lines += [Passage(f"own {n}", sentence, f"i{n}") for n in range(60)]
    contacts = find_contacts(items, lines, 90)
    assert len(contacts) == 60
    assert {contact.kind for contact in contacts} == {"exact"}
    assert all(contact.place != f"own {contact.item}" for contact in contacts)
