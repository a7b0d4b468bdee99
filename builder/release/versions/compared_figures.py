"""Figures of two releases side by side: their manifests enter; agreement and option leak leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.bundle.engine.provenance import find_mapping
from builder.release.versions.manifest_diff import list_mappings

__all__ = ["AGREEMENT", "LEAK", "Figure", "Reading", "compare_figures"]

AGREEMENT = "agreement"
LEAK = "option leak"

_QUESTIONS = ("safer", "recommendation")
_MEASURES = {"ac1": "AC1", "alpha": "alpha", "percent": "agreed alike"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one release: its value with a 95% interval, and what was concluded from it."""

    value: float | None
    interval: tuple[float, float] | None
    verdict: str

    def describe(self) -> str:
        """Return the figure as people read it."""
        told = "no figure" if self.value is None else f"{self.value:.3f}"
        if self.value is not None and self.interval:
            told += f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]"
        return f"{told} {self.verdict}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as plain JSON values."""
        interval = list(self.interval) if self.interval else None
        return {"value": self.value, "interval_95": interval, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Figure:
    """The same figure of both releases; None where a release does not tell it."""

    subject: str
    name: str
    old: Reading | None
    new: Reading | None

    def as_dict(self) -> dict[str, Any]:
        """Return both as plain JSON values."""
        return {
            "subject": self.subject,
            "name": self.name,
            "old": self.old.as_dict() if self.old else None,
            "new": self.new.as_dict() if self.new else None,
        }


def compare_figures(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return agreement on what is safer and on what to do, and option leak by auditor, of two manifests."""
    figures = []
    for subject, read in ((AGREEMENT, _read_agreement), (LEAK, _read_leak)):
        before, after = read(old), read(new)
        names = [*before, *(name for name in after if name not in before)]
        figures += [Figure(subject, name, before.get(name), after.get(name)) for name in names]
    return tuple(figures)


def _read_agreement(manifest: Mapping[str, Any]) -> dict[str, Reading]:
    readings = {}
    for question in _QUESTIONS:
        overall = find_mapping(manifest, "review", "agreement", question, "overall")
        for measure, name in _MEASURES.items():
            found = find_mapping(overall, measure)
            if found:
                state = str(found.get("state", "")).replace("_", " ")
                told = "" if state == "scored" else state
                reading = _make_reading(found.get("value"), found.get("interval"), told)
                readings[f"{question}: {name}"] = reading
    return readings


def _read_leak(manifest: Mapping[str, Any]) -> dict[str, Reading]:
    gauges = list_mappings(find_mapping(manifest, "checks", "option_leak"), "gauges")
    return {
        str(gauge.get("auditor", "")): _make_reading(
            gauge.get("accuracy"), gauge.get("interval"), str(gauge.get("verdict", ""))
        )
        for gauge in gauges
    }


def _make_reading(value: object, interval: object, verdict: str) -> Reading:
    ends = [_read_number(end) for end in interval] if isinstance(interval, list) else []
    low, high = ends if len(ends) == 2 else (None, None)
    told = None if low is None or high is None else (low, high)
    return Reading(_read_number(value), told, verdict)


def _read_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
