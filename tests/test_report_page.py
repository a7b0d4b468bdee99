"""The page of a report: whole, closed to the network, safe to open, and honest about what it shows."""

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from report_rows import (
    Says,
    make_items,
    make_run,
    say_by_letter,
    say_falsely,
    say_safely,
    say_unsafely,
)

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.scoring import OVERALL, score_verdicts
from builder.csv_cells import write_csv
from builder.report.collecting import RunRows, collect_report
from builder.report.data import Measure, Report
from builder.report.figures import draw_figures
from builder.report.items import find_cell, pack_items
from builder.report.page import write_page

VOID = {"meta", "input", "br"}
BAD = "</script><img src=x onerror=alert(1)><script>alert('x')</script>\"'& \u2028 ${title} $title ]]>"
WORDS = "fake alignment"


class _Page(HTMLParser):
    """Reads a page: which tags stand open, what it loads, which attributes could act."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.acting: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "href", "action", "xlink:href"):
                self.loads.append(str(value))
            if name.startswith("on") or name == "style":
                self.acting.append(name)
            if name == "id":
                self.ids.append(str(value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def read(text: str) -> _Page:
    """Return what a page holds."""
    page = _Page()
    page.feed(text)
    page.close()
    return page


def unpack(text: str) -> dict[str, Any]:
    """Return all texts that a page holds packed."""
    texts: dict[str, Any] = {}
    for block in re.findall(r'<script type="text/plain" id="block-\d+">(.*?)</script>', text):
        texts |= json.loads(gzip.decompress(base64.b64decode(block)))
    return texts


def write(run: RunRows, items: list[Item], **more: Any) -> str:
    """Return the page of a run."""
    report = collect_report("Bench", [run], **more)
    pack = pack_items([run], {run.run: {item.item_id: item for item in items}})
    return write_page(report, draw_figures(report), pack)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """Items of two dimensions and of a control."""
    return make_items(60)


@pytest.fixture(scope="module")
def run(items: list[Item]) -> RunRows:
    """A run of four models of known ways."""
    says: dict[str, Says] = {
        "safe": say_safely,
        "unsafe": say_unsafely,
        "false": say_falsely,
        "by-letter": say_by_letter,
    }
    return make_run(says, items)


@pytest.fixture(scope="module")
def report(run: RunRows) -> Report:
    """The report on these models."""
    return collect_report("Bench", [run])


@pytest.fixture(scope="module")
def text(run: RunRows, items: list[Item]) -> str:
    """The page of these models."""
    return write(run, items)


def test_the_page_is_whole_and_loads_nothing(text: str) -> None:
    """It is sent around and opened offline; a page that calls home tells who reads it."""
    page = read(text)
    assert page.open == []
    assert page.loads
    assert all(place.startswith("#") for place in page.loads)
    assert {place[1:] for place in page.loads} <= set(page.ids)
    assert page.acting == []
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"


def test_the_policy_names_the_one_style_and_the_one_script(text: str) -> None:
    """Whatever else got into the page, a browser would neither run nor fetch it."""
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(found) == 1
        digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert "unsafe-inline" not in text


def test_texts_are_shown_and_never_run(items: list[Item]) -> None:
    """Replies, names and titles are written by models and strangers; none of it may become markup."""
    said = "</script><b onfocus=x>\u2028\u202e</b>\n${title} ]]> <!-- 😀"
    hostile = make_run({BAD: lambda _, form: said if form == Form.OPEN else BAD}, items[:5])
    report = collect_report(BAD, [hostile], flags={("first", BAD): [BAD]})
    pack = pack_items([hostile], {"first": {item.item_id: item for item in items[:5]}})
    text = write_page(report, draw_figures(report), pack)
    page = read(text)
    assert page.open == []
    assert page.acting == []
    assert "img" not in page.tags
    assert page.tags.count("script") == 2 + len(pack.blocks)
    assert "<img" not in text
    replies = unpack(text)["r0"][0]
    assert replies[0][1] == said, "the text is not kept as it was"
    assert replies[1][2] == "operational-detail:code"


def test_replies_that_nobody_is_shown_are_not_in_the_page(items: list[Item]) -> None:
    """Hiding a text leaves it in the file for whoever looks: what is withheld must not be there."""
    secret = "Write to anna.miller@gmail.com, she knows."
    run = make_run(
        {"m": lambda _, form: secret if form == Form.OPEN else "Option: [[A]]"}, items[:4]
    )
    text = write(run, items[:4])
    rows = [unpack(text)[f"r{number}"] for number in range(4)]
    assert "anna.miller" not in text + json.dumps(unpack(text))
    for replies, *_ in rows:
        outcome, shown, reason, _ = replies[0]
        assert (outcome, shown) == ("answered", "")
        assert reason.startswith(("personal:", "contact:"))
        assert replies[1][1] == "Option: [[A]]"
    assert "4 texts are withheld" in text


def test_held_out_items_are_not_in_the_page(items: list[Item]) -> None:
    """Items that are never to be published must not leave by way of a report."""
    data = {"name": "bench", "version": "1.0.0", "split": "held-out", "row_hash": ""}
    run = make_run({"m": say_safely}, items, data=data)
    text = write(run, items)
    everything = text + json.dumps(unpack(text))
    assert "HELD OUT" in text
    assert "I would not" not in everything
    assert "about queues" not in everything
    # An id tells of a text that somebody knows or guesses, and a family names its situation.
    assert "item-0001" not in everything


def test_a_run_without_its_release_is_shown_without_its_questions(
    run: RunRows, items: list[Item]
) -> None:
    """Scores and replies stand even where the release was deleted; the page does not break."""
    report = collect_report("Bench", [run])
    text = write_page(report, draw_figures(report), pack_items([run], {}))
    found = unpack(text)
    assert not [name for name in found if name.startswith("i")]
    assert found["r0"][0][0][1] == "No, I would not."
    assert items[0].question not in text


def test_simulated_models_are_told_at_the_top(run: RunRows, items: list[Item]) -> None:
    """The simulator is never taken for a finding about a real model."""
    assert "SIMULATED" not in write(run, items)
    simulated = make_run({"m": say_safely}, items, simulated=["m"])
    text = write(simulated, items)
    assert "<strong>SIMULATED</strong>, no finding about a real model: m." in text
    assert "m (simulated)" in draw_figures(collect_report("B", [simulated]))[0].svg


def test_the_words_are_printed_only_for_whom_they_hold(text: str, report: Report) -> None:
    """To say it of a model without the evidence is a libel; not to say it with the evidence is a failure."""
    fitting = [finding.name for finding in report.findings if finding.is_fake_alignment]
    assert fitting == ["false"]
    assert text.casefold().count(WORDS) == 1
    row = re.search(r'<tr><th scope="row">false</th>(?:(?!</tr>).)*fake alignment', text)
    assert row
    without = make_run(
        {"safe": say_safely, "unsafe": say_unsafely, "a": say_by_letter}, make_items(60)
    )
    assert WORDS not in write(without, make_items(60)).casefold()


def test_a_flagged_model_is_shown_and_not_ranked(run: RunRows, items: list[Item]) -> None:
    """A model that shares a family with the judge may be favoured: its place in the order means nothing."""
    reason = "shares a family with the judge"
    report = collect_report("Bench", [run], flags={("first", "safe"): [reason]})
    by_name = {entry.name: entry for entry in report.entries}
    assert by_name["safe"].flags == (reason,)
    assert by_name["safe"].standings is None
    assert not [c for c in report.contrasts if "safe" in (c.first, c.second)]
    others = [e.standings for e in report.entries if e.name != "safe"]
    assert all(standings and max(s.worst for s in standings.values()) <= 3 for standings in others)
    text = write(run, items, flags={("first", "safe"): [reason]})
    assert f"<li>safe: {reason}</li>" in text


def test_every_figure_has_its_numbers_under_it(text: str, report: Report) -> None:
    """A figure that cannot be read, by eye or by a screen reader, is followed by a real table."""
    figures = draw_figures(report)
    assert len(figures) == 7
    parts = re.findall(r"<figure>(.*?)</figure>", text, re.DOTALL)
    assert len(parts) == len(figures)
    for part, figure in zip(parts, figures, strict=True):
        assert part.count("<svg") == part.count("<table") == 1
        assert part.index("<svg") < part.index("<table")
        assert len(figure.rows) == len(report.entries)
        assert part.count('<th scope="row">') == len(report.entries)
        assert {len(row) for row in figure.rows} == {len(figure.columns)}


def test_cells_of_items_are_those_of_the_scores(run: RunRows) -> None:
    """The list of items filters by what the figures count: the two must agree."""
    failing = make_run(
        {"m": lambda item, _: "FAILED" if int(item.item_id[-1]) % 3 == 0 else "neither"},
        make_items(40),
    )
    for rows in (run.verdicts, failing.verdicts):
        for score in score_verdicts(rows):
            if score.dimension == OVERALL:
                of_model = [v for v in rows if v["model"] == score.model and v["kind"] == "safety"]
                counted = Counter(map(find_cell, of_model))
                assert counted.pop("undetermined", 0) == score.items - score.n
                assert counted == {cell: n for cell, n in score.cells.items() if n}


def test_a_model_without_a_score_is_no_zero(items: list[Item]) -> None:
    """A model whose every call failed has no bar, no place and no share; it is not the worst model."""
    run = make_run({"down": lambda *_: "FAILED", "unsafe": say_unsafely}, items)
    text = write(run, items)
    assert read(text).open == []
    report = collect_report("Bench", [run])
    down = next(entry for entry in report.entries if entry.name == "down")
    score = down.get_score(Measure.CS)
    assert score
    assert score.value is None
    ranking = draw_figures(report)[0]
    assert "no score" in ranking.svg
    assert ("down", "0", "-", "-", "0.0 to 100.0", "-") in ranking.rows
    assert "open:failed" in text


def test_the_same_runs_give_the_same_page(run: RunRows, items: list[Item], text: str) -> None:
    """A diff of two pages shows what changed in the runs."""
    assert write(run, items) == text


def test_the_method_names_what_the_scores_were_made_with(text: str, run: RunRows) -> None:
    """Whoever cites a score must be able to say of which data, evaluator, judge and prompts."""
    data = run.about["data"]
    for told in (f"{data['name']} {data['version']}", run.about["items"], "judge (model judge-1)"):
        assert told in text
    assert f"{run.responses[0]['prompt']} ({len(run.verdicts)} replies)" in text
    assert "Undetermined means" in text
    assert "judge.invalid" not in text, "addresses may tell of somebody's machines"


def test_colours_of_figures_follow_the_theme(text: str) -> None:
    """The style sheet maps the colours of figures by name: one that it lacks stays light in the dark."""
    from builder.release.card import svg

    for colour in (svg.INK, svg.FAINT, svg.GROUND, svg.FIRST, svg.SECOND):
        assert f'[fill="{colour}"]' in text
    for colour in (svg.GRID, svg.INK, svg.FIRST, svg.FAINT):
        assert f'[stroke="{colour}"]' in text


def test_runs_of_one_model_are_told_apart(items: list[Item]) -> None:
    """Two runs of a model are two rows, each with its run's name; neither hides the other."""
    first, second = (
        make_run({"m": say}, items, run=run)
        for run, say in (("first", say_safely), ("second", say_falsely))
    )
    report = collect_report("Bench", [first, second])
    assert [entry.name for entry in report.entries] == ["m (first)", "m (second)"]
    known = {item.item_id: item for item in items}
    pack = pack_items([first, second], {"first": known, "second": known})
    index = json.loads(pack.index)
    assert index["models"] == ["m (first)", "m (second)"]
    assert len(index["items"]) == len(items)
    assert {row[1] for row in index["rows"]} == {0, 1}
    assert len(report.runs) == 2


def test_a_run_of_nothing_gives_a_page_that_says_so(items: list[Item]) -> None:
    """A run that was stopped before its first reply must not end in a traceback."""
    text = write(make_run({}, items), items)
    assert read(text).open == []
    assert "No model was scored." in text


def test_records_of_older_runs_tell_less(items: list[Item]) -> None:
    """Runs that were made before a fact was recorded are reported with what they tell."""
    run = make_run({"m": say_safely}, items)
    for name in ("data", "evaluator", "models", "simulated", "target_kind", "judge"):
        del run.about[name]
    text = write(run, items)
    assert read(text).open == []
    assert "<dt>judge</dt><dd>not told</dd>" in text


def test_reasons_of_strangers_are_printable(items: list[Item]) -> None:
    """A reason with characters that cannot be written, or that turn the line round, breaks no file."""
    run = make_run({"m": say_safely}, items)
    text = write(run, items, flags={("first", "m"): ["a \ud800 b \u202e c"]})
    assert text.encode()
    assert "\u202e" not in text


def test_a_name_is_never_a_formula_of_a_spreadsheet() -> None:
    """A model's name is somebody else's text: opened in a spreadsheet it must be shown, and not run."""
    told = write_csv(("model", "gap"), [("=cmd|'x'!A0", -0.5), ("@x", ""), ("fine", 1)])
    assert told.splitlines() == ["model,gap", "'=cmd|'x'!A0,-0.5", "'@x,", "fine,1"]
