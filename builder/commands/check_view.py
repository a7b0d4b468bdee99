"""How the result of `finebench check` is shown: rules with counts, gauges, why options leak, what blocks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from builder.bundle.engine.display import format_percent
from builder.checks.item_leak import count_looks
from builder.checks.leak.gauges import LeakVerdict, Role
from builder.console import make_table, note, print_json, print_table
from builder.workspace import Workspace, read_table
from schemas.labels import Severity
from schemas.storage import Row, read_json
from schemas.tables import TableName

__all__ = ["show_check"]

_FIRST = 10
_WORST_FIRST = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.INFO: 2}

Report = Mapping[str, Any]


def show_check(workspace: Workspace, *, as_json: bool) -> bool:
    """Show findings and gauges; return whether anything blocks items or fails its bound."""
    findings = read_table(workspace.findings, TableName.FINDING)
    report, looks = read_json(workspace.leak), count_looks(workspace)
    if as_json:
        sources = read_json(workspace.contamination)["sources"]
        leak = report | {"looks": looks}
        print_json({"findings": findings, "leak": leak, "sources": sources})
    else:
        _show_findings(findings)
        _show_gauges(report, looks)
        _show_explanation(report)
        _show_sources(read_json(workspace.contamination)["sources"])
        written = (workspace.findings, workspace.leak, workspace.check_page)
        note(f"Written: {', '.join(path.name for path in written)}")
        note("Next: finebench review --reviewer NAME")
    blocked = any(row["severity"] == Severity.BLOCK for row in findings)
    return blocked or any(_fails(gauge) for gauge in report["gauges"])


def _fails(gauge: Report) -> bool:
    return bool(gauge["role"] == Role.GATE and gauge["verdict"] == LeakVerdict.FAIL)


def _show_findings(findings: Sequence[Row]) -> None:
    counted = Counter((row["rule"], row["severity"]) for row in findings)
    rows = [
        (rule, severity, count, len({r["item_id"] for r in findings if r["rule"] == rule}))
        for (rule, severity), count in sorted(
            counted.items(), key=lambda entry: (_WORST_FIRST[Severity(entry[0][1])], entry[0])
        )
    ]
    if rows:
        print_table(make_table("Findings", ("rule", "severity", "count", "items"), rows))
    whole = [row for row in findings if not row["item_id"]]
    blocking = [row for row in findings if row["severity"] == Severity.BLOCK]
    for row in [*whole, *blocking[:_FIRST]]:
        name = row["item_id"] or "all items"
        note(f"{name}: {row['rule']}: {row['evidence']}. {row['remedy']}")
    if len(blocking) > _FIRST:
        note(f"… and {len(blocking) - _FIRST} more that block, in 03_findings.jsonl")


def _show_sources(sources: Sequence[Report]) -> None:
    for source in sources:
        unread = f", {source['skipped']} places could not be read" if source["skipped"] else ""
        note(
            f"Compared with {source['source']}: {source['passages']:,} passages{unread}; "
            f"{source['items_found']} items found there"
        )


def _show_gauges(report: Report, looks: int) -> None:
    gauges = report["gauges"]
    if not gauges or not gauges[0]["pairs"]:
        note("Option leak: there are no items of safety dimensions to audit")
        return
    rows = [
        (
            gauge["auditor"],
            gauge["kind"],
            gauge["role"],
            format_percent(gauge["accuracy"]),
            _format_interval(gauge["interval"]),
            format_percent(gauge["upper"]),
            format_percent(gauge["across_dimensions"]),
            "-" if gauge["p_value"] is None else f"{gauge['p_value']:.3f}",
            gauge["verdict"],
        )
        for gauge in gauges
    ]
    bound = f"at most {report['bound']:.0%}"
    columns = ("auditor", "kind", "used for", "accuracy", "95% interval", "upper bound",
               "other dimensions", "p", bound)  # fmt: skip
    sizes = f"{gauges[0]['pairs']} pairs of {gauges[0]['families']} families"
    print_table(make_table(f"Option leak, {sizes} (50% is none)", columns, rows))
    if report["null"]:
        null = report["null"]
        note(
            f"The best of all auditors earned {null['observed']:.1%}; without a leak it earns "
            f"{null['median']:.1%} in the middle and {null['upper_5_percent']:.1%} in 1 of 20 "
            f"({null['permutations']} relabellings of {null['pairs']} pairs, p = {null['p_value']:.3f})."
        )
    if looks:
        note(
            f"The gate's auditor has seen {looks} version{'s' * (looks != 1)} of these options: the more "
            "often it is asked, the less its pass says."
        )


def _format_interval(interval: Sequence[float] | None) -> str:
    return (
        "-"
        if interval is None
        else f"{format_percent(interval[0])} to {format_percent(interval[1])}"
    )


def _show_explanation(report: Report) -> None:
    found = report["explanation"]
    leaking = {g["auditor"] for g in report["gauges"] if g["verdict"] != LeakVerdict.PASS}
    if "length and marks" in leaking and found["marks"]:
        _show_marks(found["marks"][:5])
    if "words" in leaking and found["words"]:
        rows = [(word["words"], word["positive"], word["negative"]) for word in found["words"]]
        columns = ("words", "in positive options", "in negative options")
        print_table(make_table("Words that leak most", columns, rows))
        note(f"Without these words, words would earn {_format(found['without_words'])}.")
    if found["items"]:
        ids = ", ".join(item["item_id"] for item in found["items"])
        note(f"Items that leak most: {ids}")
        note(
            f"Without these items, marks would earn {_format(found['marks_without_items'])} and "
            f"words {_format(found['words_without_items'])}."
        )


def _show_marks(marks: Sequence[Report]) -> None:
    rows = [
        (
            mark["group"],
            format_percent(mark["alone"]),
            format_percent(mark["without"]),
            mark["told"],
            mark["remedy"],
        )
        for mark in marks
    ]
    columns = ("marks", "alone", "all others", "how options differ", "what to do")
    print_table(make_table("Marks that leak most", columns, rows))


def _format(accuracy: float | None) -> str:
    return "nothing that could be measured" if accuracy is None else f"{accuracy:.1%}"
