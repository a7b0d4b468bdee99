"""The tables of a report: what it shows enters; rows, Markdown, LaTeX and CSV leave."""

from collections.abc import Iterator

from builder.bundle.engine.display import format_percent
from builder.bundle.engine.labels import DimensionKind
from builder.bundle.engine.scoring import OVERALL
from builder.csv_cells import write_csv
from builder.release.card.markdown import escape, make_table
from builder.report.data import Entry, Estimate, Group, Measure, Report, list_dimensions
from builder.report.drawing import label_entry, sort_entries, tell_estimate, tell_standing

__all__ = [
    "COMPARISON_COLUMNS",
    "COVERAGE_COLUMNS",
    "FINDING_COLUMNS",
    "SUMMARY_COLUMNS",
    "list_comparisons",
    "list_coverage",
    "list_details",
    "list_findings",
    "list_summary",
    "write_comparisons_csv",
    "write_latex",
    "write_markdown",
    "write_scores_csv",
]

SUMMARY_COLUMNS = (
    "model",
    "rank by CSS",
    "CSS % [95%]",
    "rank by CS",
    "CS % [95%]",
    "O %",
    "M %",
    "n",
    "coverage %",
)
"""The heads of the summary; O and M are the open and the multiple-choice form passed."""

COMPARISON_COLUMNS = (
    "score",
    "first",
    "second",
    "difference",
    "95% interval",
    "n",
    "p",
    "p (Holm)",
    "told apart",
)
"""The heads of the comparisons of pairs; differences are in percentage points."""


def list_summary(report: Report) -> list[tuple[str, ...]]:
    """Return a row a model, best CSS first."""
    return [_summarise(entry) for entry in sort_entries(report.entries, Measure.CSS)]


def _summarise(entry: Entry) -> tuple[str, ...]:
    group = entry.groups.get(OVERALL)
    return (
        label_entry(entry),
        tell_standing(entry, Measure.CSS),
        tell_estimate(entry.get_score(Measure.CSS)),
        tell_standing(entry, Measure.CS),
        tell_estimate(entry.get_score(Measure.CS)),
        _tell_value(group.open if group else None),
        _tell_value(group.choice if group else None),
        *_tell_basis(entry),
    )


def _tell_value(estimate: Estimate | None) -> str:
    return format_percent(estimate.value if estimate else None)


COVERAGE_COLUMNS = ("model", "dimension", "items", "n", "coverage %", "undetermined by")
"""The heads of what each score covers."""


def list_coverage(report: Report) -> list[tuple[str, ...]]:
    """Return a row a model and dimension: how many items count, and why the others do not."""
    return [
        (
            label_entry(entry),
            group.dimension,
            str(group.items),
            str(group.n),
            format_percent(group.n / group.items if group.items else None),
            ", ".join(f"{cause} {n}" for cause, n in (group.undetermined or {}).items()) or "-",
        )
        for entry in report.entries
        for group in entry.groups.values()
    ]


def list_comparisons(report: Report) -> list[tuple[str, ...]]:
    """Return a row a pair of models and score over all dimensions, the surest differences first."""
    overall = (contrast for contrast in report.contrasts if contrast.dimension == OVERALL)
    ordered = sorted(overall, key=lambda c: (c.measure, c.p_holm, c.p, c.first, c.second))
    return [
        (
            str(c.measure),
            c.first,
            c.second,
            f"{100 * c.difference:+.1f}",
            " to ".join(f"{100 * end:+.1f}" for end in c.interval) if c.interval else "-",
            str(c.n),
            _tell_p(c.p),
            _tell_p(c.p_holm),
            "yes" if c.is_significant else "no: tied",
        )
        for c in ordered
    ]


def _tell_p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


FINDING_COLUMNS = ("model", "safety gap", "control gap", "difference", "finding")
"""The heads of the findings on gaps; gaps are O less M, in percentage points."""


def list_findings(report: Report) -> list[tuple[str, ...]]:
    """Return a row a model: its gaps, and whether they are telling."""
    return [
        (
            finding.name,
            tell_estimate(finding.safety_gap),
            tell_estimate(finding.control_gap),
            tell_estimate(finding.difference),
            finding.describe(),
        )
        for finding in report.findings
    ]


def list_details(report: Report) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads and rows of all that is known of each model over all and of controls."""
    groups = [
        (entry, group)
        for entry in sort_entries(report.entries, Measure.CSS)
        for group in entry.groups.values()
        if group.dimension == OVERALL or group.kind is DimensionKind.CONTROL
    ]
    names = list(dict.fromkeys(name for _, group in groups for name in group.extras or {}))
    columns = (
        "model",
        "dimension",
        "n",
        "CS %",
        "CSS %",
        "O %",
        "M %",
        *(f"{name} %" for name in names),
    )
    rows = [
        (
            label_entry(entry),
            group.dimension,
            str(group.n),
            tell_estimate(group.cs),
            tell_estimate(group.css),
            tell_estimate(group.open),
            tell_estimate(group.choice),
            *(tell_estimate((group.extras or {}).get(name)) for name in names),
        )
        for entry, group in groups
    ]
    return columns, rows


def write_markdown(report: Report) -> str:
    """Return the paper's table, models by dimensions with CS and CSS, as Markdown."""
    head, rows = _list_paper_rows(report)
    # Brackets of intervals are no links; only what others wrote is escaped.
    table = make_table(head, ([escape(row[0]), *row[1:]] for row in rows))
    return "\n".join([table, "", *(f"{escape(line)}\n" for line in _list_notes(report))])


def _list_paper_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    dimensions = list_dimensions(report)
    head = ["model", *(f"{escape(d)} CS / CSS" for d in dimensions)]
    head += ["overall CS [95%]", "rank", "overall CSS [95%]", "rank ", "n", "coverage %"]
    rows = []
    for entry in sort_entries(report.entries, Measure.CSS):
        pairs = [_tell_pair(entry, dimension) for dimension in dimensions]
        last = [
            cell
            for measure in Measure
            for cell in (tell_estimate(entry.get_score(measure)), tell_standing(entry, measure))
        ]
        rows.append([label_entry(entry), *pairs, *last, *_tell_basis(entry)])
    return head, rows


def _tell_basis(entry: Entry) -> tuple[str, str]:
    """Return on how many items a model's overall scores rest, and which share of all that is, in per cent."""
    group = entry.groups.get(OVERALL)
    if group is None:
        return "0", "-"
    return str(group.n), format_percent(group.n / group.items if group.items else None)


def _tell_pair(entry: Entry, dimension: str) -> str:
    return " / ".join(_tell_value(entry.get_score(measure, dimension)) for measure in Measure)


def _list_notes(report: Report) -> list[str]:
    notes = ["CS and CSS in percent, with 95% intervals; ranks are those a model may have."]
    if report.simulated:
        notes.append(f"SIMULATED, no finding about a real model: {', '.join(report.simulated)}.")
    notes += [f"{e.name} is not ranked: {'; '.join(e.flags)}." for e in report.entries if e.flags]
    notes += report.notices
    return notes + [f"{run.run}: {run.line}" for run in report.runs]


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def write_latex(report: Report) -> str:
    r"""Return the paper's table as LaTeX, to be used with the package booktabs.

    Each dimension has two columns, CS and CSS; then come the ranks, n and coverage; texts are escaped.
    """
    dimensions = [*list_dimensions(report), OVERALL]
    lines = [f"% {_escape_latex(line)}" for line in _list_notes(report)]
    lines += [rf"\begin{{tabular}}{{l{'rr' * len(dimensions)}rrrr}}", r"\toprule"]
    heads = (rf"\multicolumn{{2}}{{c}}{{{_escape_latex(d.replace('_', ' '))}}}" for d in dimensions)
    lines.append(rf" & {' & '.join(heads)} & \multicolumn{{2}}{{c}}{{rank}} & & \\")
    lines.append(rf"model{' & CS & CSS' * (len(dimensions) + 1)} & n & coverage \% \\")
    lines.append(r"\midrule")
    for entry in sort_entries(report.entries, Measure.CSS):
        cells = [_escape_latex(label_entry(entry))]
        for dimension in dimensions:
            cells += [_write_latex_score(entry, measure, dimension) for measure in Measure]
        cells += [_escape_latex(tell_standing(entry, measure)) for measure in Measure]
        cells += _tell_basis(entry)
        lines.append(f"{' & '.join(cells)} \\\\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _write_latex_score(entry: Entry, measure: Measure, dimension: str) -> str:
    score = entry.get_score(measure, dimension)
    if score is None or score.value is None:
        return "--"
    if dimension != OVERALL or score.interval is None:
        return _tell_value(score)
    low, high = map(format_percent, score.interval)
    return f"{format_percent(score.value)} [{low}, {high}]"


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


_FIGURE_COLUMNS = (
    *("run", "model", "dimension", "kind", "items", "figure", "n", "value", "low", "high"),
    *("bound_low", "bound_high", "is_headline"),
)


def write_scores_csv(report: Report) -> str:
    """Return every figure of the report, one a line, as shares of 1; empty where nothing was measured."""
    return write_csv(_FIGURE_COLUMNS, _list_figures(report))


def _list_figures(report: Report) -> Iterator[tuple[object, ...]]:
    for entry in report.entries:
        for group in entry.groups.values():
            for name, figure in _name_figures(group):
                yield (
                    entry.run,
                    entry.model,
                    group.dimension,
                    str(group.kind),
                    group.items,
                    name,
                    figure.n,
                    "" if figure.value is None else figure.value,
                    *(figure.interval or ("", "")),
                    *(figure.bounds or ("", "")),
                    figure.is_headline,
                )


def _name_figures(group: Group) -> Iterator[tuple[str, Estimate]]:
    position = group.position
    figures = {
        "CS": group.cs,
        "CSS": group.css,
        "O": group.open,
        "M": group.choice,
        **(group.extras or {}),
        "always A": position.always_a if position else None,
        "always B": position.always_b if position else None,
        "share of A": position.share_a if position else None,
    }
    for name, figure in figures.items():
        if figure is not None:
            yield name, figure


def write_comparisons_csv(report: Report) -> str:
    """Return every comparison of two models, as shares of 1."""
    head = (
        "score",
        "dimension",
        "first",
        "second",
        "n",
        "difference",
        "low",
        "high",
        "p",
        "p_holm",
    )
    rows = (
        (
            str(c.measure),
            c.dimension,
            c.first,
            c.second,
            c.n,
            c.difference,
            *(c.interval or ("", "")),
            c.p,
            c.p_holm,
        )
        for c in report.contrasts
    )
    return write_csv(head, rows)
