"""What must hold before a release: its rows enter, the gates with their values leave."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from builder.checks.duplicates import NEAR_DUPLICATE
from builder.checks.item_leak import gauge_items, list_pairs
from builder.checks.leak.audit import gauge_form
from builder.checks.leak.gauges import Gauge, LeakVerdict
from builder.checks.stage import find_findings
from builder.release.agreement_gate import (
    AGREEMENT_GATE,
    LEAST_ITEMS,
    AgreementFound,
    gauge_agreement,
)
from builder.release.lineage import Lineage
from builder.release.rows import UNDECIDED_GATE
from builder.review_report import Report
from builder.workspace import Stage, Workspace
from schemas.errors import UsageError
from schemas.labels import Decision, Severity
from schemas.storage import Row
from schemas.tables import TableName
from schemas.validation import validate_rows

__all__ = ["GATES", "VERSION_GATE", "Gate", "run_gates"]

VERSION_GATE = "version"
"""Holds back a version whose number says less than what changed since the one before."""

_SCHEMA_GATE = "schema"

GATES = (
    UNDECIDED_GATE,
    _SCHEMA_GATE,
    "near-duplicates",
    "unsafe-detail",
    "option-leak",
    AGREEMENT_GATE,
    VERSION_GATE,
)
"""The gates by name, in the order in which they are run."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a release: what was found, what is asked, and the items that break it.

    A gate ``is_inconclusive`` that did not pass because there is too little to tell.
    """

    name: str
    passed: bool
    value: str
    threshold: str
    detail: str
    items: tuple[str, ...] = ()
    waiver: str = ""
    is_inconclusive: bool = False

    @property
    def result(self) -> str:
        """How it stands, in words."""
        if self.passed:
            return "passed"
        if self.waiver:
            return f"waived: {self.waiver}"
        return "inconclusive" if self.is_inconclusive else "failed"

    @property
    def holds_back(self) -> bool:
        """Whether the gate failed and nobody waived it."""
        return not self.passed and not self.waiver

    def name_items(self, items: Sequence[str]) -> Self:
        """Return the gate with other items named."""
        return replace(self, items=tuple(items))

    def as_dict(self) -> dict[str, Any]:
        """Return the gate as plain JSON values."""
        return asdict(self) | {"items": list(self.items)}


def run_gates(
    workspace: Workspace,
    rows: Sequence[Row],
    waivers: Mapping[str, str],
    lineage: Lineage,
    report: Report | None,
) -> list[Gate]:
    """Return how each gate stands for the final texts in ``rows``, but for the version's.

    ``report`` is that on the review, None where nobody was asked.
    A waiver takes effect only where its gate fails. Raises `UsageError` for a waiver of no gate, of one
    that cannot be waived, or without a reason.
    """
    _check_waivers(waivers)
    findings = find_findings(rows, workspace.config.checks).findings
    gates = (
        _check_decided(workspace),
        _check_schema(workspace, rows),
        _check_findings("near-duplicates", findings, is_near_duplicate=True),
        _check_findings("unsafe-detail", findings, is_near_duplicate=False),
        _check_leak(workspace, rows),
        _check_agreement(workspace, gauge_agreement(report, rows, lineage)),
    )
    return [waive(gate, waivers) for gate in gates]


def waive(gate: Gate, waivers: Mapping[str, str]) -> Gate:
    """Return the gate with its waiver, where it fails and there is one."""
    return gate if gate.passed else replace(gate, waiver=waivers.get(gate.name, ""))


def _check_waivers(waivers: Mapping[str, str]) -> None:
    for name, reason in waivers.items():
        if name not in GATES:
            raise UsageError(f"no gate is named {name} (there are: {', '.join(GATES)}).")
        if name == _SCHEMA_GATE:
            raise UsageError("the gate schema cannot be waived: nobody could read such a release.")
        if not reason.strip():
            raise UsageError(f"waiving {name} needs a reason: --waive {name}=REASON.")


def _check_decided(workspace: Workspace) -> Gate:
    undecided = tuple(
        row["item_id"]
        for row in workspace.read_stage(Stage.ADJUDICATED)
        if row["decision"] == Decision.UNDECIDED
    )
    detail = f"{len(undecided)} items are undecided"
    return Gate(UNDECIDED_GATE, not undecided, str(len(undecided)), "0", detail, undecided)


def _check_schema(workspace: Workspace, rows: Sequence[Row]) -> Gate:
    problems = validate_rows(rows, TableName.RELEASE, file="release", dimensions=workspace.taxonomy)
    broken = tuple(sorted({rows[p.row - 1]["item_id"] for p in problems if 0 < p.row <= len(rows)}))
    first = f": {problems[0]}" if problems else ""
    detail = f"{len(problems)} breaches of the table's rules{first}"
    return Gate(_SCHEMA_GATE, not problems, str(len(problems)), "0", detail, broken)


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
    """Gate the surface leak pooled over the release; a dimension fails alone where it is shown to leak.

    The auditor that gates names no items: what explains and helps to mend must not be what decides.
    """
    bound = workspace.config.checks.leak_bound
    threshold = f"upper bound of surface leak at most {bound:.0%}, no dimension shown to be beyond"
    gauge = gauge_items(workspace, rows)
    if gauge is None:
        detail = "no items of safety dimensions"
        return Gate("option-leak", passed=False, value="none", threshold=threshold, detail=detail)
    verdict = gauge.judge(bound)
    leaking = [
        f"{dimension} ({_tell_leak(found)})"
        for dimension, found in _gauge_dimensions(workspace, rows)
        if found.judge(bound) is LeakVerdict.FAIL
    ]
    value = _tell_leak(gauge)
    passed = verdict is LeakVerdict.PASS and not leaking
    is_inconclusive = verdict is LeakVerdict.INCONCLUSIVE and not leaking
    detail = f"surface leak is {verdict}: {value}"
    if leaking:
        detail += f"; beyond the bound in {', '.join(leaking)}"
    if is_inconclusive:
        detail += f". {gauge.families} families are too few to tell: more items are needed"
    elif not passed:
        detail += ". 03_checks.html tells what gives options away"
    return Gate("option-leak", passed, value, threshold, detail, is_inconclusive=is_inconclusive)


def _gauge_dimensions(workspace: Workspace, rows: Sequence[Row]) -> Iterator[tuple[str, Gauge]]:
    pairs = list_pairs(rows, workspace.taxonomy)
    for dimension in workspace.taxonomy.ids:
        own = [pair for pair in pairs if pair.dimension == dimension]
        if own:
            yield dimension, gauge_form(own)


def _tell_leak(gauge: Gauge) -> str:
    if gauge.accuracy is None or gauge.upper is None:
        return f"{gauge.families} families are too few to tell"
    return f"{gauge.accuracy:.1%}, upper bound {gauge.upper:.1%}"


def _check_agreement(workspace: Workspace, found: AgreementFound) -> Gate:
    least = workspace.config.release.agreement
    threshold = f"AC1 of the safer option at least {least:.2f}, overall and in each dimension of {LEAST_ITEMS} items"
    detail = found.describe(least)
    return Gate(AGREEMENT_GATE, found.reaches(least), found.value, threshold, detail, found.torn)
