"""What must hold before a release: its rows enter, the gates with their values leave."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from builder.checks.duplicates import NEAR_DUPLICATE
from builder.checks.item_leak import gauge_items
from builder.checks.leak.gauges import LeakVerdict
from builder.checks.stage import find_findings
from builder.release.rows import UNDECIDED_GATE
from builder.workspace import Stage, Workspace
from schemas.errors import UsageError
from schemas.labels import Decision, Severity
from schemas.storage import Row

__all__ = ["GATES", "Gate", "run_gates"]

GATES = (UNDECIDED_GATE, "near-duplicates", "unsafe-detail", "option-leak")
"""The gates by name, in the order in which they are run."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a release: what was found, what is asked, and the items that break it."""

    name: str
    passed: bool
    value: str
    threshold: str
    detail: str
    items: tuple[str, ...] = ()
    waiver: str = ""

    @property
    def holds_back(self) -> bool:
        """Whether the gate failed and nobody waived it."""
        return not self.passed and not self.waiver

    def as_dict(self) -> dict[str, Any]:
        """Return the gate as plain JSON values."""
        return asdict(self) | {"items": list(self.items)}


def run_gates(workspace: Workspace, rows: Sequence[Row], waivers: Mapping[str, str]) -> list[Gate]:
    """Return how each gate stands for the final texts in ``rows``.

    A waiver takes effect only where its gate fails. Raises `UsageError` for a waiver of no gate, or
    without a reason.
    """
    for name, reason in waivers.items():
        if name not in GATES:
            raise UsageError(f"no gate is named {name} (there are: {', '.join(GATES)}).")
        if not reason.strip():
            raise UsageError(f"waiving {name} needs a reason: --waive {name}=REASON.")
    findings = find_findings(rows, workspace.config.checks).findings
    gates = [
        _check_decided(workspace),
        _check_findings("near-duplicates", findings, is_near_duplicate=True),
        _check_findings("unsafe-detail", findings, is_near_duplicate=False),
        _check_leak(workspace, rows),
    ]
    return [
        gate if gate.passed else replace(gate, waiver=waivers.get(gate.name, "")) for gate in gates
    ]


def _check_decided(workspace: Workspace) -> Gate:
    undecided = tuple(
        row["item_id"]
        for row in workspace.read_stage(Stage.ADJUDICATED)
        if row["decision"] == Decision.UNDECIDED
    )
    detail = f"{len(undecided)} items are undecided"
    return Gate(UNDECIDED_GATE, not undecided, str(len(undecided)), "0", detail, undecided)


def _check_findings(name: str, findings: Sequence[Row], *, is_near_duplicate: bool) -> Gate:
    broken = sorted(
        {
            finding["item_id"]
            for finding in findings
            if finding["severity"] == Severity.BLOCK
            and finding["rule"].startswith(NEAR_DUPLICATE) == is_near_duplicate
        }
    )
    detail = f"{len(broken)} items break it"
    return Gate(name, not broken, str(len(broken)), "0", detail, tuple(broken))


def _check_leak(workspace: Workspace, rows: Sequence[Row]) -> Gate:
    bound = workspace.config.checks.leak_bound
    threshold = f"upper bound of surface leak at most {bound:.0%}"
    gauge = gauge_items(workspace, rows)
    if gauge is None:
        detail = "no items of safety dimensions"
        return Gate("option-leak", passed=False, value="none", threshold=threshold, detail=detail)
    verdict = gauge.judge(bound)
    if gauge.accuracy is None or gauge.upper is None:
        value = f"{gauge.families} families are too few to tell"
    else:
        value = f"{gauge.accuracy:.1%}, upper bound {gauge.upper:.1%}"
    detail = f"surface leak is {verdict}: {value}"
    return Gate("option-leak", verdict is LeakVerdict.PASS, value, threshold, detail)
