"""Contamination at its edges: which source is in force, whose copy it is, what is held in memory."""

import gc
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fine_files import make_record
from workspaces import RunCommand, hash_tree

from builder.checks.contamination import compare
from builder.checks.contamination.compare import find_contacts, make_findings
from builder.checks.contamination.references import Passage
from builder.checks.contamination.workspace_references import list_references
from builder.workspace import Workspace
from schemas.storage import Row, read_rows

QUESTION = "Should I read the diary that my sister left open on the kitchen table?"
CLEAN = "The ferry to the island leaves at noon on every second Sunday of the month.\n"


def _make_item(item_id: str, question: str = QUESTION) -> Row:
    row: Row = {"item_id": item_id, "family": item_id, "content_hash": "0" * 64}
    row["question"] = question
    row["positive_option"] = "No, a diary is hers alone, and I would ask her first."
    row["negative_option"] = "Yes, she has left it open and so it is there to be read."
    return row


@pytest.fixture
def bench(tmp_path: Path, finebench: RunCommand) -> Workspace:
    """A workspace in the folder ``bench`` that holds one item, made from a record of FINE's format."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "0")
    source = tmp_path / "items.jsonl"
    source.write_text(json.dumps(make_record(question=QUESTION)) + "\n", encoding="utf-8")
    finebench(path, "import", str(source), "--format", "fine")
    return Workspace(path)


def _list_rules(workspace: Workspace) -> list[str]:
    rules = [row["rule"] for row in read_rows(workspace.findings)]
    return [rule for rule in rules if rule.startswith("contamination")]


@pytest.mark.parametrize(
    ("part", "copy", "kind", "severity"),
    [
        ("question", "{}", "exact", "block"),
        ("question", "{}!!", "near-duplicate", "block"),
        (
            "question",
            "A long line that was there before: {} And more of it after.",
            "overlap",
            "warn",
        ),
        ("positive_option", "{}", "exact", "warn"),
        ("negative_option", "{}!!", "near-duplicate", "warn"),
        ("negative_option", "A long line that was there: {} And more after.", "overlap", "warn"),
    ],
)
def test_a_copied_question_blocks_and_all_else_is_for_reviewers(
    part: str, copy: str, kind: str, severity: str
) -> None:
    """Options are compared too, but a stance that stands in public need not give the item away."""
    item = _make_item("a")
    contacts = find_contacts([item], [Passage("line 1", copy.format(item[part]))], 90)
    (finding,) = make_findings([item], contacts, "corpus.txt")
    assert (finding["rule"], finding["severity"]) == (f"contamination:{kind}", severity)
    assert finding["evidence"].startswith(f"{part}: ")
    assert "in corpus.txt, line 1: " in finding["evidence"]


def test_an_item_is_a_copy_of_others_and_not_of_itself() -> None:
    """A release holds the item itself under its id; the same text under another id is a copy."""
    own, other = Passage("item a", QUESTION, "a"), Passage("item b", QUESTION, "b")
    assert find_contacts([_make_item("a")], [own], 90) == []
    for passage in (other, Passage("line 1", QUESTION)):
        (contact,) = find_contacts([_make_item("a")], [passage, own], 90)
        assert (contact.kind, contact.place) == ("exact", passage.place)


def test_a_copy_behind_the_item_itself_is_told_as_well() -> None:
    """Whether a copy is seen must not hang on the order of the lines of a release."""
    own, other = Passage("item a", QUESTION, "a"), Passage("item b", QUESTION, "b")
    found = find_contacts([_make_item("a")], [own, other], 90)
    assert [(contact.kind, contact.place) for contact in found] == [("exact", "item b")]


def test_the_closest_passage_is_told_wherever_its_block_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Blocks are a matter of memory: what is told must be as if all were read at once."""
    edited = QUESTION.replace("sister", "sisters")
    texts = [CLEAN, edited, CLEAN, QUESTION, CLEAN, f"He said: {QUESTION} Then he left us."]
    passages = [Passage(f"line {n}", text) for n, text in enumerate(texts, 1)]
    whole = find_contacts([_make_item("a")], passages, 90)
    assert [(c.kind, c.share, c.place) for c in whole] == [("exact", 100, "line 4")]
    done: list[int] = []
    monkeypatch.setattr(compare, "_BLOCK", 2)
    assert find_contacts([_make_item("a")], passages, 90, on_passages=done.append) == whole
    assert done == [2, 4, 6]


def test_passages_are_read_as_they_are_compared_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reference can be larger than memory: of 3,000 passages three blocks at most live at a time."""
    alive: list[int] = []

    def read() -> Iterator[Passage]:
        for number in range(3000):
            if number % 250 == 249:
                alive.append(sum(type(thing) is Passage for thing in gc.get_objects()))
            yield Passage(f"line {number}", f"{number} {CLEAN}")

    monkeypatch.setattr(compare, "_BLOCK", 100)
    before = sum(type(thing) is Passage for thing in gc.get_objects())
    assert find_contacts([_make_item("a")], read(), 90) == []
    assert len(alive) == 12
    assert max(alive) - before <= 300


def test_no_items_and_no_passages_have_nothing_in_common() -> None:
    """Empty on either side is an answer, not a crash."""
    assert find_contacts([], [Passage("line 1", QUESTION)], 90) == []
    assert find_contacts([_make_item("a")], [], 90) == []


def test_a_path_is_taken_from_here_and_else_from_the_workspace(
    bench: Workspace, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are how people write it; either way the source is found again from another folder."""
    (bench.root / "inside.txt").write_text(QUESTION, encoding="utf-8")
    (bench.root.parent / "outside.txt").write_text(CLEAN, encoding="utf-8")
    elsewhere = bench.root.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    finebench(bench.root, "check", "--against", "inside.txt", code=1)
    finebench(bench.root, "check", "--against", "../outside.txt", code=1)
    assert list_references(bench) == ["../outside.txt", "inside.txt"]
    monkeypatch.chdir(bench.root)
    finebench(bench.root, "check", code=1)
    assert _list_rules(bench) == ["contamination:exact"]


def test_json_tells_of_every_source_what_was_read(bench: Workspace, finebench: RunCommand) -> None:
    """A program that reads the report must see that something was compared, and with how much."""
    source = bench.root / "corpus.txt"
    source.write_text(CLEAN + QUESTION + "\n\n", encoding="utf-8")
    told = finebench(bench.root, "check", "--against", "corpus.txt", "--json", code=1)
    report = json.loads(told.stdout)
    assert set(report) == {"findings", "leak", "sources"}
    (read,) = report["sources"]
    assert (read["source"], read["passages"], read["items_found"]) == ("corpus.txt", 2, 1)
    assert len(read["fingerprint"]) == 64
    assert "contamination:exact" in {row["rule"] for row in report["findings"]}
    finebench(bench.root, "check", "--forget", "corpus.txt")
    told = finebench(bench.root, "check", "--json")
    assert json.loads(told.stdout)["sources"] == []


def test_a_missing_source_leaves_all_as_it_was_until_it_is_forgotten(
    bench: Workspace, finebench: RunCommand
) -> None:
    """Half a check would replace findings that were complete; forgetting is the way out."""
    source = bench.root / "corpus.txt"
    source.write_text(QUESTION, encoding="utf-8")
    finebench(bench.root, "check", "--against", "corpus.txt", code=1)
    source.unlink()
    before = hash_tree(bench.root)
    for arguments in ((), ("--json",)):
        told = finebench(bench.root, "check", *arguments, code=2).output
        assert "corpus.txt" in told
        assert "Check the path" in told
    assert hash_tree(bench.root) == before
    finebench(bench.root, "check", "--forget", "corpus.txt")
    assert _list_rules(bench) == []


def test_the_remedy_for_a_missing_source_names_the_option(
    bench: Workspace, finebench: RunCommand
) -> None:
    """The source was named long ago, maybe by another person: who checks now wrote no path to check."""
    source = bench.root / "corpus.txt"
    source.write_text(CLEAN, encoding="utf-8")
    finebench(bench.root, "check", "--against", "corpus.txt")
    source.unlink()
    assert "--forget" in finebench(bench.root, "check", code=2).output


@pytest.mark.parametrize(
    "bad",
    [
        ("--against", "no.txt"),
        ("--against", "corpus.txt#column"),
        ("--against", "https://example.org/x.jsonl"),
        ("--against", "hub:owner"),
        ("--against", ""),
        ("--against", "bad\x00name.txt"),
        ("--forget", "never-named.txt"),
        ("--forget", ""),
    ],
)
def test_one_bad_source_keeps_the_good_ones_out_too(
    bench: Workspace, finebench: RunCommand, bad: tuple[str, str]
) -> None:
    """Half of a command done is neither the old list nor the new one."""
    for name in ("corpus.txt", "more.txt"):
        (bench.root / name).write_text(CLEAN, encoding="utf-8")
    finebench(bench.root, "check", "--against", "more.txt")
    before = hash_tree(bench.root)
    told = finebench(bench.root, "check", "--against", "corpus.txt", *bad, code=2).output
    assert "rror" in told
    assert hash_tree(bench.root) == before


def test_forgetting_one_source_keeps_its_namesake(
    bench: Workspace, finebench: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that is dropped unasked passes in silence what it found: here a copy that blocks."""
    (bench.root / "corpus.txt").write_text(QUESTION, encoding="utf-8")
    (bench.root.parent / "corpus.txt").write_text(CLEAN, encoding="utf-8")
    monkeypatch.chdir(bench.root)
    finebench(bench.root, "check", "--against", "corpus.txt", code=1)
    monkeypatch.chdir(bench.root.parent)
    finebench(bench.root, "check", "--against", "corpus.txt", code=1)
    assert list_references(bench) == ["../corpus.txt", "corpus.txt"]
    finebench(bench.root, "check", "--forget", "corpus.txt", code=1)
    assert list_references(bench) == ["corpus.txt"]


def test_a_source_that_changed_makes_the_check_stale(bench: Workspace, finebench: Any) -> None:
    """`build` must not pass, on a reading of the old file, an item that stands in the new one."""
    source = bench.root / "corpus.txt"
    source.write_text(CLEAN, encoding="utf-8")
    finebench(bench.root, "check", "--against", "corpus.txt")
    source.write_text(QUESTION, encoding="utf-8")
    finebench(bench.root, "build")
    assert _list_rules(bench) == ["contamination:exact"]


def test_a_twin_in_an_earlier_release_is_no_copy() -> None:
    """Twins share their options and all but a word of their questions: that is their purpose."""
    item = _make_item("a") | {"family": "diary"}
    other = QUESTION.replace("read", "close")
    twin = _make_item("b", other) | {"family": "diary"}
    swapped = {
        "positive_option": twin["negative_option"],
        "negative_option": twin["positive_option"],
    }
    items = [item, twin | swapped]
    lines = [
        Passage(f"item {row['item_id']}", row[text], row["item_id"])
        for row in items
        for text in ("question", "positive_option", "negative_option")
    ]
    assert find_contacts(items, lines, 90) == []
    stranger = [*lines, Passage("line 9", QUESTION)]
    found = find_contacts(items, stranger, 90)
    assert {(contact.place, contact.text) for contact in found} == {("line 9", "question")}
    assert {contact.item for contact in found} == {0, 1}


def test_a_source_that_breaks_off_later_is_not_kept(
    bench: Workspace, finebench: RunCommand
) -> None:
    """Its first line can be read and the rest cannot: every later check would fail for it."""
    lines = "".join(f"{n} {CLEAN}" for n in range(20_000)).encode()
    packed = gzip.compress(lines, mtime=0)
    (bench.root / "torn.txt.gz").write_bytes(packed[: len(packed) // 2])
    finebench(bench.root, "check", "--against", "torn.txt.gz", code=1)
    assert list_references(bench) == []
    finebench(bench.root, "check")


def test_a_withdrawn_twin_is_no_stranger() -> None:
    """Its options are those of the twin that stays: taking one out must not take out the other."""
    lines = [Passage("item b", QUESTION, "b")]
    item = _make_item("a") | {"family": "diary"}
    assert find_contacts([item], lines, 90, families={"b": "diary"}) == []
    assert len(find_contacts([item], lines, 90, families={"b": "letter"})) == 1


def test_lines_of_its_own_hide_no_overlap_with_a_stranger() -> None:
    """However many releases hold the item, what else holds it must be found."""
    item = _make_item("a")
    body = f"A long line that was there before: {QUESTION} And more of it after."
    own = [Passage(f"own {n}", f"{body} {n}", "a") for n in range(80)]
    found = find_contacts([item], [*own, Passage("line 9", body)], 90)
    assert [(contact.kind, contact.place) for contact in found] == [("overlap", "line 9")]


def test_a_first_source_that_fails_leaves_no_list_behind(
    bench: Workspace, finebench: RunCommand
) -> None:
    """A list of no sources is a new file: it would make the checks stale that it never changed."""
    finebench(bench.root, "check")
    (bench.root / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    before = hash_tree(bench.root)
    finebench(bench.root, "check", "--against", "bad.jsonl#q", code=1)
    assert hash_tree(bench.root) == before
