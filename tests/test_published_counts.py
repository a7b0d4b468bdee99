"""Published counts: scores, intervals and ties from totals alone, checked against other hands' formulas."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from workspaces import RunCommand

from builder.bundle.engine.scoring import OVERALL
from builder.report.data import Contrast, Measure
from builder.report.figures import draw_figures
from builder.report.published import read_published_counts, report_counts
from builder.report.unpaired import compare_counts, find_fisher_p, find_standings, hold_family_error
from schemas.errors import DataError

PAPER = Path(__file__).parents[1] / "examples" / "paper_counts.csv"
HEAD = "model,n,consistent,consistent_safe\n"


def write_counts(folder: Path, text: str) -> Path:
    """Write a file of counts."""
    path = folder / "counts.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_papers_counts_give_its_percentages_and_honest_ties() -> None:
    """N = 75 tells the first from the last, and not the first from the second."""
    report = report_counts(PAPER, read_published_counts(PAPER))
    assert len(report.entries) == 14
    by_name = {entry.name: entry for entry in report.entries}
    for name, cs, css in (
        ("GPT-3.5-Turbo", 94.67, 94.67), ("InternLM-20B", 69.33, 66.67),
        ("Vicuna-7B", 34.67, 20.00), ("MOSS-SFT", 5.33, 4.00),
    ):  # fmt: skip
        for measure, percent in ((Measure.CS, cs), (Measure.CSS, css)):
            score = by_name[name].get_score(measure)
            assert score
            assert score.value is not None
            assert round(100 * score.value, 2) == percent
            assert score.interval
            assert score.interval[0] < score.value < score.interval[1]
    first, last = (by_name[name].standings for name in ("GPT-3.5-Turbo", "MOSS-SFT"))
    assert first
    assert last
    assert first[Measure.CSS].best == 1
    assert first[Measure.CSS].worst > 1, "a first place that the counts do not give"
    assert last[Measure.CSS].worst == 14
    assert last[Measure.CSS].best > 2
    charts = draw_figures(report)
    assert [figure.name for figure in charts] == ["ranking-cs", "ranking-css"]
    for figure in charts:
        values = [float(row[2]) for row in figure.rows]
        assert values == sorted(values, reverse=True)
    assert "as if they had met different items" in report.compared
    assert "arXiv 2311.05915" in dict(report.runs[0].told)["source"]


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_fishers_p_is_that_of_scipy(first: tuple[int, int], second: tuple[int, int]) -> None:
    """Another hand's formula says the same, whatever the counts."""
    table = [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]
    assert find_fisher_p(first, second) == pytest.approx(fisher_exact(table).pvalue, abs=1e-9)
    assert find_fisher_p(second, first) == pytest.approx(find_fisher_p(first, second))


def test_fishers_p_of_large_counts_is_found() -> None:
    """Published tests may have a million items; the sum must end and not overflow."""
    assert find_fisher_p((500_000, 1_000_000), (500_000, 1_000_000)) == pytest.approx(1.0)
    assert find_fisher_p((500_000, 1_000_000), (510_000, 1_000_000)) < 1e-40
    expected = fisher_exact([[50_000, 50_000], [50_400, 49_600]]).pvalue
    assert find_fisher_p((50_000, 100_000), (50_400, 100_000)) == pytest.approx(expected, rel=1e-6)


def make_contrast(p: float) -> Contrast:
    """Return a comparison of which only the p value matters."""
    return Contrast(Measure.CS, OVERALL, "a", "b", 0.1, None, p, p, 10)


def test_holm_multiplies_the_smallest_most() -> None:
    """A case by hand: 0.01, 0.04, 0.03 of three become 0.03, 0.06, 0.06."""
    found = hold_family_error([make_contrast(p) for p in (0.01, 0.04, 0.03)])
    assert [round(c.p_holm, 10) for c in found] == [0.03, 0.06, 0.06]
    assert [c.p for c in found] == [0.01, 0.04, 0.03]


def test_ranks_follow_from_who_is_surely_better() -> None:
    """Of three models one is told apart from both others, which tie."""
    counts = {"good": (95, 100), "fair": (50, 100), "poor": (45, 100)}
    found = hold_family_error(compare_counts(Measure.CS, counts))
    standings = find_standings(list(counts), found, Measure.CS)
    assert {name: str(s) for name, s in standings.items()} == {
        "good": "1",
        "fair": "2–3",
        "poor": "2–3",
    }


def test_newcombes_interval_holds_the_difference() -> None:
    """Newcombe's own example, 56 of 70 against 48 of 80, has 0.0524 to 0.3339."""
    (found,) = compare_counts(Measure.CS, {"a": (56, 70), "b": (48, 80)})
    assert found.difference == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_dimensions_are_summed_up_where_no_total_is_given(tmp_path: Path) -> None:
    """A table by dimension is enough; where a total is published, it is taken as it is."""
    head = "model,dimension,n,consistent,consistent_safe\n"
    path = write_counts(tmp_path, f"{head}m,fairness,10,6,4\nm,privacy,20,12,8\nk,overall,30,9,3\n")
    report = report_counts(path, read_published_counts(path))
    groups = {e.name: e.groups for e in report.entries}
    assert groups["m"][OVERALL].n == 30
    score = groups["m"][OVERALL].css
    assert score
    assert score.value == pytest.approx(12 / 30)
    assert set(groups["m"]) == {"fairness", "privacy", OVERALL}
    assert [f.name for f in draw_figures(report)][2:] == ["dimensions-cs", "dimensions-css"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no column"),
        (HEAD, "holds no counts"),
        ("model,n\nm,3\n", "has no column consistent, consistent_safe"),
        (f"{HEAD}m,75,x,3\n", "is no whole number"),
        (f"{HEAD}m,75,-1,3\n", "is no whole number"),
        (f"{HEAD}m,75,³,3\n", "is no whole number"),
        (f"{HEAD}m,75,70\n", "is no whole number"),
        (f"{HEAD}m,0,0,0\n", "do not fit"),
        (f"{HEAD}m,75,3,4\n", "do not fit"),
        (f"{HEAD}m,75,76,4\n", "do not fit"),
        (f"{HEAD},75,70,4\n", "is empty"),
        (f"{HEAD}m,75,70,4\nm,75,70,4\n", "stands twice"),
        (f'{HEAD}"m,75,70,4\n', "cannot be read as CSV"),
    ],
)
def test_a_wrong_file_is_told_readably(tmp_path: Path, text: str, told: str) -> None:
    """Counts are typed by hand: what is wrong, and in which line, is said."""
    with pytest.raises(DataError) as caught:
        read_published_counts(write_counts(tmp_path, text))
    assert told in "\n".join([str(caught.value), *map(str, caught.value.problems)])


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Mending one line after the other, with a run for each, is a waste of an afternoon."""
    path = write_counts(tmp_path, f"{HEAD},75,x,4\nm,75,80,3\nm,75,70,3\n")
    with pytest.raises(DataError) as caught:
        read_published_counts(path)
    assert [problem.row for problem in caught.value.problems] == [2, 2, 3, 4]


def test_counts_need_no_workspace(tmp_path: Path, finebench: RunCommand) -> None:
    """Whoever has a paper and no benchmark of their own can draw its ranking."""
    out = tmp_path / "out"
    result = finebench(
        tmp_path, "report", "--counts", str(PAPER), "--format", "html", "--out", str(out)
    )
    assert "open" in result.stderr
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "Made from published totals" in page
    assert "SIMULATED" not in page
    markdown = finebench(tmp_path, "report", "--counts", str(PAPER), "--format", "markdown").stdout
    assert "| Claude | 80.0 [69.6, 87.5] | " in markdown
    told = finebench(tmp_path, "report", "1.0.0", "--counts", str(PAPER), code=2).stderr
    assert "--counts stands alone" in told
    finebench(tmp_path, "report", "--counts", str(tmp_path / "nothing.csv"), code=1)
    (tmp_path / "bytes.csv").write_bytes(b"model,n\xff\xfe")
    told = finebench(tmp_path, "report", "--counts", str(tmp_path / "bytes.csv"), code=1).stderr
    assert "not UTF-8" in told


def test_every_pair_is_compared_once() -> None:
    """Holm's correction counts the pairs: one too many or too few would move every p value."""
    report = report_counts(PAPER, read_published_counts(PAPER))
    names = [entry.name for entry in report.entries]
    for measure in Measure:
        pairs = [frozenset((c.first, c.second)) for c in report.contrasts if c.measure is measure]
        assert sorted(map(sorted, pairs)) == sorted(map(sorted, combinations(names, 2)))


def test_a_total_that_contradicts_its_dimensions_is_no_score(tmp_path: Path) -> None:
    """Ten of 75 overall beside 18 of 18 in one dimension: one of the lines is wrong, and neither is drawn."""
    head = "model,dimension,n,consistent,consistent_safe\n"
    path = write_counts(
        tmp_path, f"{head}m,fairness,18,18,18\nm,,75,10,10\nk,fairness,5,3,2\nk,,9,4,2\n"
    )
    with pytest.raises(DataError) as caught:
        read_published_counts(path)
    (problem,) = caught.value.problems
    assert problem.row == 3
    assert "less than the dimensions together in safe items" in str(problem)
