"""The page of the checks: whole, self-contained, safe to open, and the same for the same input."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from builder.checks.page import write_page
from builder.workspace import Workspace
from schemas.storage import read_rows

VOID = {"meta", "br"}


class _Page(HTMLParser):
    """Reads a page: which tags stand open, what it loads, and the text within each class."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [f"{k}={v}" for k, v in attrs if k in ("src", "href", "srcset", "onclick")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def _read(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page


def test_the_page_is_whole_and_loads_nothing(released_unchanged: Path) -> None:
    """It is sent around and opened where there is no network; a page that calls home tells who reads it."""
    workspace = Workspace(released_unchanged)
    text = workspace.check_page.read_text(encoding="utf-8")
    page = _read(text)
    assert page.open == []
    assert page.loads == []
    assert "script" not in page.tags
    assert "http" not in text
    assert page.tags.count("svg") == 2
    assert page.tags.count("figcaption") == 2
    for gauge in json.loads(workspace.leak.read_text())["gauges"]:
        assert gauge["auditor"] in text


def test_every_item_is_a_dot_with_its_name(released_unchanged: Path) -> None:
    """A dot far from the others must lead to its item."""
    text = Workspace(released_unchanged).check_page.read_text(encoding="utf-8")
    for item in read_rows(released_unchanged / "03_checked.jsonl"):
        assert f"<title>{item['item_id']}: positive {len(item['positive_option'])}," in text


@pytest.fixture
def hostile() -> str:
    """A page whose every text tries to be markup."""
    bad = "<script>alert('x')</script>\"&"
    item = {"item_id": bad, "positive_option": bad, "negative_option": bad + bad}
    finding = {"item_id": bad, "rule": bad, "severity": "block", "evidence": bad, "remedy": bad}
    mark = {"group": bad, "alone": 0.9, "without": 0.5, "told": bad, "remedy": bad}
    word = {"words": bad, "positive": 3, "negative": 1}
    explanation = {"marks": [mark], "words": [word], "without_words": 0.5}
    leak = {"bound": 0.6, "gauges": [], "explanation": explanation}
    return write_page(bad, [item], [finding], leak, [[bad, bad]])


def test_texts_are_shown_and_never_run(hostile: str) -> None:
    """Options are written by models and strangers."""
    page = _read(hostile)
    assert "script" not in page.tags
    assert page.open == []
    assert "&lt;script&gt;" in hostile


def test_evidence_is_blurred_until_it_is_asked_for(hostile: str) -> None:
    """Nobody should have to read an unsafe text in passing."""
    assert "<span class='text' tabindex='0'>&lt;script" in hostile
    assert ".text { filter: blur" in hostile


def test_the_same_check_gives_the_same_page(released: Path) -> None:
    """A diff of two pages shows what changed in the items."""
    from builder.checks.stage import check_items

    workspace = Workspace(released)
    before = workspace.check_page.read_bytes()
    check_items(workspace)
    assert workspace.check_page.read_bytes() == before
