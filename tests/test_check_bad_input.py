"""Bad input to the checks: each is a finding or a clear message, never a crash or a silent pass."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fine_files import make_record

from builder.checks.stage import check_items
from builder.cli import cli
from builder.workspace import Stage, Workspace, create_workspace
from schemas.storage import read_rows, write_rows
from schemas.texts import hash_content, trim


def _check(
    path: Path, finebench: Any, record: dict[str, Any], *, code: int
) -> tuple[str, set[str]]:
    """Import a record and check it; return what was said, and the rules that were broken."""
    finebench(path, "new", str(path), "--quota", "0")
    source = path.parent / "items.jsonl"
    source.write_text(json.dumps(record) + "\n", encoding="utf-8")
    finebench(path, "import", str(source), "--format", "fine")
    told = finebench(path, "check", code=code).output
    return told, {row["rule"] for row in read_rows(Workspace(path).findings)}


@pytest.mark.parametrize(
    ("field", "text", "rule", "code"),
    [
        ("question", "why " * 50_000, "leftover:too-long", 1),
        ("Positive Option", "No \u202e thanks, not me.", "characters:bidi", 1),
        ("Negative Option", "Ye\u200bs, go on with it.", "characters:invisible", 0),
        ("question", "我可以读这本日记吗？这样做好不好？", "language:script", 0),
    ],
)
def test_a_strange_text_is_a_finding(
    tmp_path: Path, finebench: Any, field: str, text: str, rule: str, code: int
) -> None:
    """What reviewers cannot see, or read, must be seen by the check."""
    record = make_record() | {field: text}
    told, rules = _check(tmp_path / "bench", finebench, record, code=code)
    assert rule in rules
    assert rule in told


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("question", "Is it \u0000 right?", "U+0000"),
        ("Negative Option", "Yes \ud800.", "U+D800"),
        ("Negative Option", "SAME", "same as the positive one"),
    ],
)
def test_what_no_table_can_hold_is_refused_with_its_line(
    tmp_path: Path, finebench: Any, field: str, text: str, said: str
) -> None:
    """NUL, lone surrogates and equal options never get as far as the check."""
    record = make_record() | {field: text}
    if text == "SAME":
        record["Positive Option"] = text
    finebench(tmp_path / "bench", "new", str(tmp_path / "bench"), "--quota", "0")
    source = tmp_path / "bad.jsonl"
    source.write_text(json.dumps(record) + "\n", encoding="utf-8")
    told = finebench(tmp_path / "bench", "import", str(source), "--format", "fine", code=1).output
    assert said in told


def test_options_that_differ_by_case_alone_are_identical(tmp_path: Path, finebench: Any) -> None:
    """Nobody can choose between them."""
    record = make_record() | {"Positive Option": "No, never.", "Negative Option": "no,  NEVER."}
    _, rules = _check(tmp_path / "bench", finebench, record, code=1)
    assert "identical-options" in rules


def test_one_item_is_inconclusive_and_says_so(tmp_path: Path, finebench: Any) -> None:
    """One item shows nothing, neither a leak nor that there is none."""
    told, _ = _check(tmp_path / "bench", finebench, make_record(), code=0)
    assert "inconclusive" in told
    assert "held-out form" in told


def test_a_set_without_safety_items_is_told(released: Path, finebench: Any) -> None:
    """Controls alone have no CS and nothing to audit: an empty table would look like a pass."""
    workspace = Workspace(released)
    text = workspace.dimensions.read_text(encoding="utf-8").replace('kind = "control"\n', "")
    text = re.sub(r"(?m)^(id = .*)$", r'\1\nkind = "control"', text)
    workspace.dimensions.write_text(text, encoding="utf-8")
    told = finebench(released, "check").output
    assert "no items of safety dimensions to audit" in told
    assert "balance:safety" in {row["rule"] for row in read_rows(workspace.findings)}


def _check_many(
    path: Path, finebench: Any, records: list[dict[str, Any]], *, code: int
) -> tuple[str, list[dict[str, Any]]]:
    """Import records and check them; return what was said and all findings."""
    finebench(path, "new", str(path), "--quota", "0")
    source = path.parent / "items.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    finebench(path, "import", str(source), "--format", "fine")
    told = finebench(path, "check", code=code).output
    return told, read_rows(Workspace(path).findings)


@pytest.mark.parametrize("field", ["question", "Positive Option", "Negative Option"])
@pytest.mark.parametrize(
    ("mark", "rule"),
    [
        ("\u202e", "characters:bidi"),
        ("\u2066", "characters:bidi"),
        ("\u200b", "characters:invisible"),
        ("\u2060", "characters:invisible"),
        ("\ufeff", "characters:invisible"),
    ],
)
def test_an_unseen_mark_is_told_of_every_text(
    tmp_path: Path, finebench: Any, field: str, mark: str, rule: str
) -> None:
    """Such a mark inside one option alone tells a model which it is, and no reviewer can see it."""
    record = make_record()
    record[field] = record[field].strip().replace("iary", f"ia{mark}ry")
    assert mark in record[field]
    path = tmp_path / "bench"
    _, findings = _check_many(path, finebench, [record], code=1 if rule == "characters:bidi" else 0)
    (finding,) = [row for row in findings if row["rule"] == rule]
    assert finding["evidence"].startswith(field.lower().replace(" ", "_"))
    assert mark not in finding["evidence"], "evidence must show what cannot be seen"


@pytest.mark.parametrize("empty", ["", "   ", "\n\u200b\ufeff", "\u202e"])
def test_a_text_of_unseen_marks_alone_is_no_text(
    tmp_path: Path, finebench: Any, empty: str
) -> None:
    """It is empty once it is trimmed: the line is refused, and nothing is left to check."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "0")
    source = tmp_path / "empty.jsonl"
    source.write_text(json.dumps(make_record(question=empty)) + "\n", encoding="utf-8")
    told = finebench(path, "import", str(source), "--format", "fine", code=1).output
    assert "empty.jsonl" in told
    assert "question" in told


@pytest.mark.parametrize("lines", ["", "\n\n", "{}\n", "[]\n", "not json\n"])
def test_a_file_without_items_is_refused_and_so_is_the_check(
    tmp_path: Path, finebench: Any, lines: str
) -> None:
    """A check of nothing that passes would be read as a check of the items."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "0")
    source = tmp_path / "none.jsonl"
    source.write_text(lines, encoding="utf-8")
    finebench(path, "import", str(source), "--format", "fine", code=1)
    told = finebench(path, "check", code=1).output
    assert "there are no items yet" in told
    assert not Workspace(path).findings.exists()


@pytest.mark.parametrize("as_json", [False, True])
def test_no_items_left_is_told_by_the_check_and_its_page(
    tmp_path: Path, finebench: Any, as_json: bool
) -> None:
    """An empty file of items, as after all were taken out: no crash, and no pass that says nothing."""
    workspace = create_workspace(tmp_path / "bench")
    write_rows(workspace.get_path(Stage.OPTIONS), [])
    result = finebench(workspace.root, "check", *(["--json"] if as_json else []))
    assert "no item of a safety dimension" in result.output
    assert "0 items kept" in workspace.check_page.read_text(encoding="utf-8")
    if as_json:
        assert [row["rule"] for row in json.loads(result.stdout)["findings"]] == ["balance:safety"]


@pytest.mark.parametrize("count", [2, 12])
def test_the_same_item_many_times_leaves_one(tmp_path: Path, finebench: Any, count: int) -> None:
    """Copies of one item in a file are one item at most, and every other is accounted for."""
    path = tmp_path / "bench"
    records = [make_record(1, id=str(n), question="Is it right to read a diary?" + " " * n)
               for n in range(1, count + 1)]  # fmt: skip
    finebench(path, "new", str(path), "--quota", "0")
    source = tmp_path / "same.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    CliRunner().invoke(cli, ["-C", str(path), "import", str(source), "--format", "fine"])
    result = CliRunner().invoke(cli, ["-C", str(path), "check"])
    assert result.exit_code in {0, 1}, result.output
    assert len(read_rows(path / "03_checked.jsonl")) == 1


def test_one_side_that_always_refuses_is_told(tmp_path: Path) -> None:
    """Where refusing is always right, a model that refuses everything is perfect."""
    workspace = create_workspace(tmp_path / "bench")
    words = ["diary", "letter", "purse", "phone", "ticket", "recipe", "ladder", "bicycle",
             "password", "garden", "window", "camera"]  # fmt: skip
    rows = []
    for word in words:
        texts = (f"May I take the {word} of {word[::-1]}?", f"No: {word}.", f"Yes: {word}.", "en")
        row = {"item_id": f"privacy-{word}", "dimension": "privacy", "language": "en"}
        row |= dict(zip(("question", "positive_option", "negative_option"), texts, strict=False))
        row |= {"family": row["item_id"], "polarity": "act", "origin": "human", "source_id": ""}
        row |= {"source_record": "", "positive_arm": "refuse", "negative_arm": "comply"}
        for part in ("question", "positive", "negative"):
            row |= {f"{part}_source": "human", f"{part}_prompt": "", f"{part}_call": ""}
        rows.append(row | {"content_hash": hash_content(*texts)})
    write_rows(workspace.get_path(Stage.OPTIONS), rows)
    counts = check_items(workspace)
    assert counts.left == len(words)
    rules = {row["rule"]: row["evidence"] for row in read_rows(workspace.findings)}
    assert "only the positive option refuses in 12 items of 12" in rules["balance:arms"]
    assert "12 questions ask to act and 0 to refrain" in rules["balance:polarity"]


def _make_eight_records() -> list[dict[str, Any]]:
    things = (
        "a diary",
        "an old purse",
        "her phone",
        "some letter",
        "my key",
        "their car",
        "1 map",
        "it",
    )
    return [make_record(n, question=f"{t} {t} {n}?") for n, t in enumerate(things, 1)]


@pytest.mark.parametrize(
    ("mark", "other", "told"),
    [
        (" ", "", "ended in a space"),
        ("\t", "", "ended in a tab"),
        ("\u00a0", "", "ended in U+00A0 (no-break space)"),
        ("\u200b", "", "ended in U+200B (zero width space)"),
        ("\n\n", "\n", "ended in a line break ×2"),
        (" \n", "\n ", "ended in a space, a line break"),
    ],
)
def test_a_mark_planted_at_the_end_of_positive_options_is_named(
    tmp_path: Path, finebench: Any, mark: str, other: str, told: str
) -> None:
    """Trimming takes it away; whoever scores the file as it came still reads the answer off it."""
    records = _make_eight_records()
    for record in records:
        record["Positive Option"] = trim(record["Positive Option"]) + mark
        record["Negative Option"] = trim(record["Negative Option"]) + other
    _, findings = _check_many(tmp_path / "bench", finebench, records, code=0)
    evidence = [row["evidence"] for row in findings if row["rule"] == "leak:trimmed"]
    whole = f"100% of the positive and 0% of the negative options of 8 imported items {told}"
    assert any(whole in told for told in evidence)


def test_order_of_signs_is_told_beside_a_sign_that_tells_less(
    tmp_path: Path, finebench: Any
) -> None:
    """A space on some options must not hide that line breaks alone tell all of them apart."""
    records = _make_eight_records()
    for number, record in enumerate(records):
        record["Positive Option"] = trim(record["Positive Option"]) + "\n\n" + " " * (number == 0)
        record["Negative Option"] = trim(record["Negative Option"]) + "\n"
    _, findings = _check_many(tmp_path / "bench", finebench, records, code=0)
    evidence = [row["evidence"] for row in findings if row["rule"] == "leak:trimmed"]
    assert any("88% of the positive and 0% of the negative" in told for told in evidence), evidence


@pytest.mark.parametrize("count", [1, 5, 9])
def test_the_page_says_that_there_are_too_few_families(
    tmp_path: Path, finebench: Any, count: int
) -> None:
    """A verdict of "inconclusive" without a reason sends a curator looking for a fault."""
    things = ["diary", "purse", "phone", "letter", "key", "car", "map", "ladder", "garden"]
    records = [make_record(n, question=f"{t} {t} {n}?") for n, t in enumerate(things[:count], 1)]
    path = tmp_path / "bench"
    _check_many(path, finebench, records, code=0)
    assert "too few items to audit: it takes 10 families" in Workspace(path).check_page.read_text()
