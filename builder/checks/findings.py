"""What a check says of an item: an item and what was seen enter, a row of the findings leaves."""

from collections.abc import Mapping
from typing import Any

from schemas.labels import Severity
from schemas.storage import Row

__all__ = ["make_finding", "make_set_finding"]


def make_finding(
    item: Mapping[str, Any],
    rule: str,
    severity: Severity,
    evidence: str,
    remedy: str,
    *,
    related: str = "",
) -> Row:
    """Return the finding of ``rule`` on one version of an item; ``related`` is another item's id."""
    return {
        "item_id": item["item_id"],
        "content_hash": item["content_hash"],
        "rule": rule,
        "severity": str(severity),
        "evidence": evidence,
        "remedy": remedy,
        "related_item": related,
    }


def make_set_finding(rule: str, severity: Severity, evidence: str, remedy: str) -> Row:
    """Return a finding on the items as a whole: it names no item, and so blocks none."""
    nobody = {"item_id": "", "content_hash": ""}
    return make_finding(nobody, rule, severity, evidence, remedy)
