"""The page of the checks: whole, self-contained, safe to open, and the same for the same input."""

import json
import re
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from builder.checks.page import write_page
from builder.workspace import Workspace
from schemas.storage import read_rows

VOID = {"meta", "br"}

NOTHING: dict[str, Any] = {
    "marks": [],
    "words": [],
    "arms": [],
    "items": [],
    "without_words": None,
    "marks_without_items": None,
    "words_without_items": None,
}


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
    explanation = NOTHING | {"marks": [mark], "words": [word], "without_words": 0.5}
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


def _make_leak(*gauges: dict[str, Any]) -> dict[str, Any]:
    return {"bound": 0.6, "gauges": list(gauges), "explanation": NOTHING}


def test_a_page_of_nothing_is_whole_too() -> None:
    """No items, no findings, nothing measured: the page says so in words where figures would stand."""
    text = write_page("Empty", [], [], _make_leak(), [])
    page = _read(text)
    assert page.open == []
    assert "svg" not in page.tags
    assert "0 items kept" in text
    assert "There are too few items to audit: it takes 10 families" in text
    assert "No question is a near-duplicate of another." in text


@pytest.mark.parametrize("title", ["$title", "${gauges} $$", "100% </title><b>", "$findings"])
def test_a_title_is_no_template(title: str) -> None:
    """The title is the user's own words: what looks like a place to fill in is shown as it stands."""
    text = write_page(title, [], [], _make_leak(), [])
    page = _read(text)
    assert page.open == []
    assert "b" not in page.tags
    assert text.count(escape(title)) == 2, "in the head and as heading"


def test_every_cluster_is_told_by_its_ids_up_to_a_limit() -> None:
    """What was thrown out, and for which item, is the first thing that a curator asks."""
    clusters = [[f"kept-{n}", f"copy-{n}", f"more-{n}"] for n in range(40)]
    text = write_page("T", [], [], _make_leak(), clusters)
    for cluster in clusters:
        assert f"<td>{cluster[0]}</td><td>{cluster[1]}, {cluster[2]}</td>" in text
    assert "Clusters by number of items: 40 of 3." in text
    assert "more, in 03_findings" not in text
    over = write_page("T", [], [], _make_leak(), [*clusters, ["kept-x", "copy-x"]])
    assert "kept-x" not in over
    assert "and 1 more, in 03_findings.jsonl" in over
    long = write_page("T", [], [], _make_leak(), [[f"i{n}" for n in range(9)]])
    assert "<td>i0</td><td>i1, i2, i3, i4, i5, i6, i7 …</td>" in long


def test_what_blocks_stands_above_what_is_cut_off() -> None:
    """Of 201 findings one is not shown: it must not be the one that blocks."""
    row = {"item_id": "a", "rule": "r", "severity": "info", "evidence": "e", "remedy": "m"}
    rows = [row | {"item_id": f"a{n}"} for n in range(200)]
    rows.append(row | {"item_id": "last", "severity": "block"})
    text = write_page("T", [], rows, _make_leak(), [])
    assert "<td>last</td>" in text
    assert "<td>a199</td>" not in text
    assert "and 1 more, in 03_findings.jsonl" in text


def test_each_figure_has_a_title_for_those_who_do_not_see_it(released_unchanged: Path) -> None:
    """A figure without a name is a hole to a screen reader; so is a dot without one."""
    text = Workspace(released_unchanged).check_page.read_text(encoding="utf-8")
    labels = re.findall(r"<svg [^>]*role='img' aria-label='([^']+)'", text)
    captions = re.findall(r"<figcaption>(.+?)\.</figcaption>", text)
    assert len(labels) == 2
    assert labels == captions
    assert len(re.findall(r"<circle class='dot'[^>]*><title>[^<]+</title></circle>", text)) == len(
        re.findall("class='dot'", text)
    )
    gauges = json.loads(Workspace(released_unchanged).leak.read_text())["gauges"]
    measured = [gauge for gauge in gauges if gauge["accuracy"] is not None]
    assert measured
    for gauge in measured:
        assert f"<title>{gauge['auditor']}: {gauge['accuracy']:.1%}, 95% interval" in text


def test_no_text_of_an_item_stands_on_the_page_unblurred(released_unchanged: Path) -> None:
    """Whoever opens the page in a train has not asked to read what models answered."""
    workspace = Workspace(released_unchanged)
    text = workspace.check_page.read_text(encoding="utf-8")
    assert "<span class='text'" in text
    seen = unescape(re.sub(r"<span class='text' tabindex='0'>.*?</span>", "", text))
    items = read_rows(released_unchanged / "03_checked.jsonl")
    assert items
    for item in items:
        for name in ("question", "positive_option", "negative_option"):
            assert item[name] not in seen
    for finding in read_rows(workspace.findings):
        assert finding["evidence"] not in seen


def test_arms_items_chance_and_sources_stand_on_the_page() -> None:
    """Whoever gets the page and no terminal must find everything that was measured."""
    arm = {
        "positive_arm": "refuse",
        "negative_arm": "comply",
        "pairs": 12,
        "marks": 0.5,
        "words": 0.75,
    }
    explanation = NOTHING | {
        "arms": [arm],
        "items": [{"item_id": "privacy-1", "margin": 3.25}],
        "marks_without_items": 0.51,
        "words_without_items": 0.52,
    }
    null = {
        "observed": 0.7,
        "median": 0.55,
        "upper_5_percent": 0.6,
        "permutations": 200,
        "pairs": 90,
    }
    leak = {"bound": 0.6, "gauges": [], "explanation": explanation}
    leak |= {"null": null | {"p_value": 0.005}}
    source = {
        "source": "corpus.txt",
        "passages": 1234,
        "skipped": 1,
        "altered": 0,
        "items_found": 2,
    }
    text = write_page("T", [], [], leak, [], [source])
    for told in (
        "<td>refuse</td><td>comply</td><td>12</td><td>50.0%</td><td>75.0%</td>",
        "<td>privacy-1</td><td>3.2</td>",
        "Without these items: marks 51.0%, words 52.0%.",
        "p = 0.005",
        "<td>corpus.txt</td><td>1,234</td><td>1</td><td>0</td><td>2</td>",
    ):
        assert told in text
