"""The figures of a release: well-formed, the same each time, legible whatever the names and numbers."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from workspaces import read_release

from builder.release.card.figures import (
    AGREEMENT,
    DIMENSIONS,
    LENGTHS,
    draw_agreement,
    draw_dimensions,
    draw_figures,
    draw_lengths,
)
from builder.release.card.svg import find_step, measure_width, shorten_label
from builder.release.card.tally import make_tally

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ET.Element:
    """Return the root of a figure, which must be XML with a name, a description and a ground."""
    root = ET.fromstring(svg)
    kinds = [child.tag for child in root][:3]
    assert kinds == [f"{SVG}title", f"{SVG}desc", f"{SVG}rect"]
    assert root.get("role") == "img"
    named = {child.get("id"): child.text for child in root if child.get("id")}
    assert root.get("aria-labelledby", "").split() == list(named)
    assert all(named.values())
    return root


def list_shapes(root: ET.Element, kind: str) -> list[dict[str, float]]:
    """Return the numbers of every shape of a kind, but for the ground."""
    shapes = [s for s in root.iter(f"{SVG}{kind}") if s.get("rx") is None]
    return [
        {k: float(v) for k, v in s.attrib.items() if re.fullmatch(r"-?[\d.]+", v)} for s in shapes
    ]


def assert_inside(root: ET.Element) -> None:
    """Nothing is drawn beyond the edge, and no text reaches beyond it by our own measure."""
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for rect in list_shapes(root, "rect"):
        assert 0 <= rect["x"] <= rect["x"] + rect["width"] <= width
        assert 0 <= rect["y"] <= rect["y"] + rect["height"] <= height
    for line in list_shapes(root, "line"):
        assert all(0 <= line[x] <= width for x in ("x1", "x2"))
        assert all(0 <= line[y] <= height for y in ("y1", "y2"))
    for text in root.iter(f"{SVG}text"):
        wide = measure_width(text.text or "", float(text.get("font-size", 0)))
        start = {"start": 0.0, "middle": wide / 2, "end": wide}[text.get("text-anchor", "start")]
        left = float(text.get("x", 0)) - start
        assert left >= 0, text.text
        assert left + wide <= width + 2, text.text


def make_dimension(name: str, items: int, kind: str = "safety") -> dict[str, Any]:
    """Return a dimension as the manifest tells it."""
    return {"id": name, "name": name, "items": items, "kind": kind}


def make_estimate(value: float | None, interval: list[float] | None = None) -> dict[str, Any]:
    """Return one measure of agreement as the manifest tells it."""
    return {"value": value, "interval": interval}


def test_a_release_holds_its_figures_as_they_are_drawn_again(released_unchanged: Path) -> None:
    """The same manifest and rows give the same bytes, and no text of an item is in them."""
    folder, rows, manifest = read_release(released_unchanged)
    figures = draw_figures(manifest, make_tally(rows))
    assert list(figures) == [DIMENSIONS, LENGTHS, AGREEMENT]
    card = (folder / "README.md").read_text(encoding="utf-8")
    for path, svg in figures.items():
        assert (folder / path).read_text(encoding="utf-8") == svg
        assert f"]({path})" in card
        assert_inside(parse(svg))
        for row in rows:
            assert row["question"][:30] not in svg
            assert row["item_id"] not in svg
    assert "SIMULATED reviewers" in figures[AGREEMENT]


@pytest.mark.parametrize("number", [0, 1, 2, 20])
def test_bars_are_as_long_as_there_are_items(number: int) -> None:
    """One dimension, twenty, or none at all: bars in proportion, and every number beside its bar."""
    dimensions = [
        make_dimension(f"Dimension {n}", 37 * n, "control" if n % 3 == 0 else "safety")
        for n in range(1, number + 1)
    ]
    root = parse(draw_dimensions(dimensions))
    assert_inside(root)
    bars = [r for r in list_shapes(root, "rect") if r["height"] == 20]
    assert len(bars) == number
    for bar, dimension in zip(bars, dimensions, strict=True):
        assert bar["width"] / bars[-1]["width"] == pytest.approx(
            dimension["items"] / dimensions[-1]["items"], abs=0.01
        )
    shown = [text.text for text in root.iter(f"{SVG}text")]
    assert all(f"{dimension['items']:,}" in shown for dimension in dimensions)
    assert ("capability control" in shown) is (number > 2)


@pytest.mark.parametrize(
    "name",
    [
        "A name of a dimension that somebody wrote as a whole sentence about what it is",
        "个人伤害与公共道德的非常长的维度名称用于测试这幅图是否能够容纳它",
        "<script>alert('x')</script> & \"so\" on",
        "line\nbreak \x07 bell",
        "",
    ],
)
def test_any_name_fits_and_stays_text(name: str) -> None:
    """Long names are cut, wide signs counted double, and markup is shown as markup."""
    root = parse(draw_dimensions([make_dimension(name, 3), make_dimension("Short", 1, "control")]))
    assert_inside(root)
    assert not [child for child in root.iter() if child.tag == f"{SVG}script"]


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ([5], [5]),
        ([50] * 50, [60] * 50),
        ([20] * 50 + [3000], [100] * 51),
        (list(range(800, 1000)), list(range(900, 1100))),
        ([], []),
    ],
)
def test_histograms_count_every_option_once(positive: list[int], negative: list[int]) -> None:
    """Both sides share bins and scale, so that they can be compared by eye."""
    root = parse(draw_lengths(positive, negative))
    assert_inside(root)
    told = [t.text or "" for r in root.iter(f"{SVG}rect") for t in r.iter(f"{SVG}title")]
    counts = [int(text.rpartition(": ")[2]) for text in told]
    assert sum(counts) == len(positive) + len(negative)


def test_agreement_shows_point_and_interval_where_they_are() -> None:
    """A negative value moves the axis, a missing one draws nothing, languages stand by their question."""
    safer = {"ac1": make_estimate(-0.3, [-0.6, 0.1]), "percent": make_estimate(0.4)}
    natural = {"ac1": make_estimate(None), "percent": make_estimate(1.0)}
    empty = {"ac1": make_estimate(None), "percent": make_estimate(None)}
    svg = draw_agreement(
        {"safer": {"overall": safer}, "natural": {"overall": natural}},
        {"zh": {"safer": safer, "natural": empty}},
    )
    root = parse(svg)
    assert_inside(root)
    labels = [text.text for text in root.iter(f"{SVG}text")]
    assert labels.index("Which option is safer") < labels.index("in zh")
    assert labels.index("in zh") < labels.index("Both options natural")
    assert labels.count("in zh") == 1
    dots = list_shapes(root, "circle")
    assert len(dots) == 5
    (low, _), *_ = [
        (line["x1"], line["x2"]) for line in list_shapes(root, "line") if line["stroke-width"] == 2
    ]
    assert low < dots[0]["cx"] < dots[1]["cx"]
    assert "-0.30 [-0.60, 0.10]" in svg


@pytest.mark.parametrize("most", [1, 3, 7, 24, 99, 219, 1000, 12345])
def test_steps_are_round_and_few(most: int) -> None:
    """An axis has about as many marks as asked for, at 1, 2 or 5 times a power of ten."""
    step = find_step(most)
    assert re.fullmatch(r"[125]0*|0\.0*[125]", f"{step:g}")
    assert 2 <= most / step <= 5.01


def test_labels_are_cut_to_their_room() -> None:
    """A cut label ends in an ellipsis and is no wider than its room."""
    assert shorten_label("Fairness", 300) == "Fairness"
    cut = shorten_label("x" * 200, 100)
    assert cut.endswith("…")
    assert measure_width(cut) <= 100
