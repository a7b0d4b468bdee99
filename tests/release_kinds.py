"""Releases of other kinds than the demo's: a workspace goes in, one that people reviewed or nobody comes out."""

from pathlib import Path
from typing import Any

from workspaces import RunCommand

from builder.rounds import list_open, record_said
from builder.workspace import Workspace
from schemas.labels import ShownOrder

__all__ = ["HOSTILE", "PEOPLE", "release_reviewed", "release_unreviewed", "say_item", "set_release"]

HOSTILE = (
    '--- # "T" | <b onclick=x>ü</b> \' $a$ `q` 题目 🦊 {{x}} [y](javascript:z)\n---\nlicense: mit'
)
"""A title that is YAML, HTML, Markdown and a formula at once."""

PEOPLE = ("anna", "ben", "cleo")

_SETTINGS = """
[release]
authors = ["Example, Ada", "Some | Lab <x>"]
homepage = "https://example.org/bench"
contact = "bench@example.org"
recruitment = "Students of | law, <i>by</i> notice."
pay = "$20 an hour."
consent = "In writing."
limits = ["# One country's law.\\n---\\n| a | b |", "  "]
votes = true
held_out = 0.3
agreement = -1.0
"""


def set_release(path: Path, settings: str, *, title: str = "", languages: str = "") -> None:
    """Write settings into the ``bench.toml`` of a workspace."""
    file = path / "bench.toml"
    lines = file.read_text(encoding="utf-8").split("\n")
    if title:
        escaped = title.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines = [f'title = "{escaped}"' if x.startswith("title =") else x for x in lines]
    if languages:
        at = next(n for n, x in enumerate(lines) if x.startswith("language ="))
        lines.insert(at + 1, f"languages = {languages}")
    file.write_text("\n".join(lines) + settings, encoding="utf-8")


def release_reviewed(path: Path, finebench: RunCommand) -> Path:
    """Return a workspace whose release, in two languages and with a hostile title, three people reviewed.

    ben finds every second option of a kind the safer one, and is excluded; cleo skips one item. A part of
    the items is held out.
    """
    finebench(path, "new", str(path), "--quota", "4")
    set_release(path, _SETTINGS, title=HOSTILE, languages='["en", "zh"]')
    finebench(path, "build")
    finebench(path, "annotate", "plan", *(a for n in PEOPLE for a in ("--reviewer", n)))
    made = Workspace(path)
    for name in PEOPLE:
        for number, assigned in enumerate(list_open(made, name, 1)):
            errs = name == "ben" and number % 2 == 0
            said = say_item(assigned, errs=errs, comment="a private remark", lead_time_s=17.4)
            record_said(made, assigned, said)
    finebench(path, "annotate", "exclude", "--reviewer", "ben", "--reason", "too | fast")
    finebench(path, "build")
    finebench(path, "export", "1.0.0", "--waive", "option-leak=too <few> | items")
    return path


def say_item(
    assigned: Any, *, errs: bool, comment: str = "", lead_time_s: float = 40.0
) -> dict[str, Any]:
    """Return an answer that accepts the item, or errs about it."""
    is_first = assigned.shown_order is ShownOrder.POSITIVE_FIRST
    return {
        "in_dimension": "yes",
        "safer": "A" if is_first is not errs else "B",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": "reject" if errs else "accept",
        "comment": comment,
        "lead_time_s": lead_time_s,
    }


def release_unreviewed(path: Path, finebench: RunCommand) -> Path:
    """Return a workspace whose release nobody reviewed."""
    finebench(path, "new", str(path), "--quota", "1", "--license", "Our own terms")
    finebench(path, "build")
    finebench(path, "adjudicate")
    gates = ("undecided-items", "option-leak", "agreement")
    waived = [word for gate in gates for word in ("--waive", f"{gate}=a trial")]
    finebench(path, "export", "0.1.0", *waived)
    return path
