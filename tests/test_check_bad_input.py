"""Bad input to the checks: each is a finding or a clear message, never a crash or a silent pass."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fine_files import make_record

from builder.workspace import Workspace
from schemas.storage import read_rows


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
