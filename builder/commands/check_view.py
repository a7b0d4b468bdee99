"""How the result of `finebench check` is shown: rules with counts, gauges, why options leak, what blocks."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from builder.bundle.engine.display import format_percent
from builder.checks.item_leak import count_looks
from builder.checks.leak.advice import format_arms, tell_chance, tell_looks, tell_what_to_do
from builder.checks.leak.audit import FEWEST_FAMILIES
from builder.checks.leak.gauges import LeakVerdict, Role
from builder.console import make_table, note, print_json, print_table
from builder.pipeline import find_next_step
from builder.workspace import Workspace, read_table
from schemas.labels import Severity
from schemas.storage import Row, read_json
from schemas.tables import TableName

__all__ = ["show_check"]

_FIRST, _FIRST_OF_ALL = 10, 3
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
        note(f"Next: {find_next_step(workspace)}")
    blocked = any(row["severity"] == Severity.BLOCK for row in findings)
    return blocked or any(_fails(gauge) for gauge in report["gauges"])


def _fails(gauge: Report) -> bool:
    return bool(gauge["role"] == Role.GATE and gauge["verdict"] == LeakVerdict.FAIL)


def _show_findings(findings: Sequence[Row]) -> None:
    counted = Counter((row["rule"], row["severity"]) for row in findings)
    items: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in findings:
        if row["item_id"]:
            items[row["rule"], row["severity"]].add(row["item_id"])
    rows = [
        (rule, severity, count, len(items[rule, severity]) or "all")
        for (rule, severity), count in sorted(
            counted.items(), key=lambda entry: (_WORST_FIRST[Severity(entry[0][1])], entry[0])
        )
    ]
    if rows:
        print_table(make_table("Findings", ("rule", "severity", "count", "items"), rows))
    whole = [row for row in findings if not row["item_id"]]
    blocking = [row for row in findings if row["severity"] == Severity.BLOCK]
    for rule in dict.fromkeys(row["rule"] for row in whole):
        of_rule = [row for row in whole if row["rule"] == rule]
        for row in of_rule[:_FIRST_OF_ALL]:
            note(f"all items: {rule}: {row['evidence']}. {row['remedy']}")
        if len(of_rule) > _FIRST_OF_ALL:
            note(f"… and {len(of_rule) - _FIRST_OF_ALL} more of {rule}, in 03_findings.jsonl")
    for row in blocking[:_FIRST]:
        if row["item_id"]:
            note(f"{row['item_id']}: {row['rule']}: {row['evidence']}. {row['remedy']}")
    if len(blocking) > _FIRST:
        note(f"… and {len(blocking) - _FIRST} more that block, in 03_findings.jsonl")


def _show_sources(sources: Sequence[Report]) -> None:
    for source in sources:
        note(
            f"Compared with {source['source']}: {source['passages']:,} passages; "
            f"{source['items_found']} items found there"
        )
        for how, told in (("skipped", "could not be read"), ("altered", "were read with changes")):
            if source[how]:
                first = "; ".join(f"{place}: {why}" for place, why in source[f"first_{how}"][:3])
                note(f"  {source[how]:,} places of it {told}, the first: {first}")


def _show_gauges(report: Report, looks: int) -> None:
    gauges = report["gauges"]
    if not gauges or not gauges[0]["pairs"]:
        note("Option leak: there are no items of safety dimensions to audit")
        return
    families = gauges[0]["families"]
    if families < FEWEST_FAMILIES:
        note(
            f"Option leak: inconclusive, for {families} "
            f"{'family is' if families == 1 else 'families are'} too few to fit a reader to; it takes "
            f"{FEWEST_FAMILIES}, and some 300 to show that nothing leaks"
        )
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
    for told in tell_chance(report) + tell_looks(looks):
        note(told)


def _format_interval(interval: Sequence[float] | None) -> str:
    return (
        "-"
        if interval is None
        else f"{format_percent(interval[0])} to {format_percent(interval[1])}"
    )


def _show_explanation(report: Report) -> None:
    found = report["explanation"]
    for told in tell_what_to_do(report):
        note(told)
    leaking = {g["auditor"] for g in report["gauges"] if g["verdict"] != LeakVerdict.PASS}
    if "length and marks" in leaking and found["marks"]:
        _show_marks(found["marks"][:5])
    if "words" in leaking and found["words"]:
        rows = [(word["words"], word["positive"], word["negative"]) for word in found["words"]]
        columns = ("words", "in positive options", "in negative options")
        print_table(make_table("Words that leak most", columns, rows))
        note(f"Without these words, words would earn {_format(found['without_words'])}.")
    if any(arm["words"] >= 0.6 for arm in found["arms"]):
        head = ("positive arm", "negative arm", "pairs", "found by marks", "found by words")
        print_table(make_table("Arms that leak most", head, format_arms(found["arms"])[:5]))
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
