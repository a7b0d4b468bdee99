"""How the result of `finebench check` is shown: rules with counts, gauges, and what blocks."""

from collections import Counter

from builder.checks.leak import Gauge, LeakVerdict
from builder.checks.stage import audit_items
from builder.console import make_gauge_table, make_table, note, print_json, print_table
from builder.workspace import Stage, Workspace, read_table
from schemas.labels import Severity
from schemas.tables import TableName

__all__ = ["show_check"]


def show_check(workspace: Workspace, *, as_json: bool) -> bool:
    """Show findings and gauges; return whether anything blocks items or fails its bound."""
    findings = read_table(workspace.findings, TableName.FINDING)
    gauges = audit_items(workspace.read_stage(Stage.CHECKED), workspace.taxonomy)
    bound = workspace.config.checks.leak_bound
    if as_json:
        leak = [gauge.as_dict() | {"verdict": str(gauge.judge(bound))} for gauge in gauges]
        print_json({"findings": findings, "leak": leak, "bound": bound})
    else:
        counted = Counter((row["rule"], row["severity"]) for row in findings)
        rows = [(rule, severity, n) for (rule, severity), n in sorted(counted.items())]
        if rows:
            print_table(make_table("Findings", ("rule", "severity", "count"), rows))
        print_table(make_gauge_table(gauges, bound))
        for row in [row for row in findings if row["severity"] == Severity.BLOCK][:10]:
            note(f"{row['item_id']}: {row['rule']}: {row['evidence']}. {row['remedy']}")
        note("Next: finebench review --reviewer NAME")
    blocked = any(row["severity"] == Severity.BLOCK for row in findings)
    return blocked or any(_fails(gauge, bound) for gauge in gauges)


def _fails(gauge: Gauge, bound: float) -> bool:
    return gauge.auditor == "surface features" and gauge.judge(bound) is LeakVerdict.FAIL
