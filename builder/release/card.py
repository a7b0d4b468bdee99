"""The dataset card: manifest and rows enter; ``README.md`` with its YAML head leaves."""

import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from annotations.quality.shares import Share
from annotations.simulation import SIMULATED_PREFIX
from builder.config import SIMULATOR_PREFIX
from builder.release.tables import CONFIGS
from builder.review_report import list_turned_down
from builder.workspace import Stage, Workspace
from schemas.labels import Decision
from schemas.storage import Row

__all__ = ["find_simulations", "write_card"]

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(workspace: Workspace, manifest: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the card's Markdown, every figure from the manifest and the rows."""
    simulations = find_simulations(workspace, rows)
    values = {
        "title": workspace.config.title,
        "items": str(len(rows)),
        "simulated_note": _write_simulated_note(simulations),
        "dimension_table": _write_dimensions(workspace, rows),
        "location": f"path/to/{manifest['version']}",
        "writers": ", ".join(f"`{s}`" for s in sorted({row[c] for row in rows for c in _SOURCES})),
        "funnel_table": _write_funnel(manifest),
        "decisions": _write_counts(manifest["decisions"]),
        "review_note": _write_review_note(workspace, rows),
        "gate_table": _write_gates(manifest["gates"]),
        "waiver_note": _write_waivers(manifest["waivers"]),
        "license": workspace.config.license,
        "version": manifest["version"],
        "date": manifest["date"],
    }
    template = (resources.files("builder.release") / "card.md").read_text(encoding="utf-8")
    return _write_head(workspace, len(rows)) + string.Template(template).substitute(values)


_SOURCES = ("question_source", "positive_source", "negative_source")


def find_simulations(workspace: Workspace, rows: Sequence[Row]) -> list[str]:
    """Return what in these rows was simulated, in words: writers, reviewers, or nothing."""
    found = []
    if any(row[column].startswith(SIMULATOR_PREFIX) for row in rows for column in _SOURCES):
        found.append("texts written by finebench's offline simulator")
    released = {row["item_id"] for row in rows}
    if any(
        row["simulated"] and row["item_id"] in released
        for row in workspace.read_stage(Stage.ANNOTATIONS)
    ):
        found.append("reviewers simulated")
    return found


def _write_head(workspace: Workspace, items: int) -> str:
    import yaml

    size = next((name for most, name in _SIZES if items < most), "n>1M")
    head = {
        "license": workspace.config.license.casefold(),
        "language": [workspace.config.language],
        "pretty_name": workspace.config.title,
        "size_categories": [size],
        "task_categories": ["question-answering", "multiple-choice"],
        "tags": ["safety", "alignment", "fake-alignment", "benchmark", "evaluation"],
        "configs": [
            {
                "config_name": config,
                "data_files": [{"split": "test", "path": f"data/{config}/test-*.parquet"}],
            }
            | ({"default": True} if config == "items" else {})
            for config in CONFIGS
        ],
    }
    return f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n\n"


def _write_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = (" ".join(str(cell).replace("|", "\\|").split()) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _write_simulated_note(simulations: Sequence[str]) -> str:
    if not simulations:
        return ""
    return (
        f"\n> **Simulated.** In this release: {', '.join(simulations)}. It shows how the tool works "
        "and is no finding about any model, nor a benchmark to score one with.\n"
    )


def _write_dimensions(workspace: Workspace, rows: Sequence[Row]) -> str:
    counts = Counter(row["dimension"] for row in rows)
    table = [
        (f"`{d.id}`", d.name, d.kind, counts[d.id], d.definition)
        for d in workspace.taxonomy
        if counts[d.id]
    ]
    return _write_table(("id", "name", "kind", "items", "definition"), table)


def _write_funnel(manifest: Mapping[str, Any]) -> str:
    table = [
        (stage, record["counts"]["in"], record["counts"]["out"], record["counts"]["rejected"])
        for stage, record in manifest["stages"].items()
        if record and stage != Stage.ANNOTATIONS
    ]
    return _write_table(("stage", "in", "out", "rejected"), table)


def _write_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _write_review_note(workspace: Workspace, rows: Sequence[Row]) -> str:
    released = {(row["item_id"], row["content_hash"]) for row in rows}
    answers = [
        row
        for row in workspace.read_stage(Stage.ANNOTATIONS)
        if (row["item_id"], row["content_hash"]) in released and not row["skipped"]
    ]
    people = {r["reviewer"] for r in answers if not r["simulated"]}
    simulated = {r["reviewer"] for r in answers if r["simulated"]}
    parts = []
    if people:
        parts.append(
            f"{len(people)} reviewers gave {sum(not r['simulated'] for r in answers)} answers."
        )
    if simulated:
        parts.append(
            f"{len(simulated)} **simulated** reviewers (pseudonyms begin with `{SIMULATED_PREFIX}`) "
            f"gave {sum(r['simulated'] for r in answers)} answers; no person has reviewed these items "
            "on their account."
        )
    if any(row["decision"] == Decision.UNDECIDED for row in rows):
        parts.append("Undecided items were released under a waiver and are marked in `decision`.")
    parts += [
        f"Of {found.total} items that the rule `{found.rule}` turned down, {found.answered} drawn at random "
        f"were shown to them as well, of which they would have accepted {found.accepted.count} "
        f"({_tell_interval(found.accepted)})."
        for found in list_turned_down(workspace)
        if found.answered
    ]
    return " ".join(parts) or "No reviewer has answered on these items."


def _tell_interval(share: Share) -> str:
    low, high = share.interval or (0.0, 1.0)
    return f"{share.value:.0%}, 95% interval {low:.0%} to {high:.0%}"


def _write_gates(gates: Sequence[Mapping[str, Any]]) -> str:
    table = [
        (
            gate["name"],
            gate["value"],
            gate["threshold"],
            "passed" if gate["passed"] else "**failed, waived**",
        )
        for gate in gates
    ]
    return _write_table(("gate", "value", "asked", "result"), table)


def _write_waivers(waivers: Mapping[str, str]) -> str:
    if not waivers:
        return ""
    lines = [
        f"- **{name}** was waived by the curator: {' '.join(r.split())}"
        for name, r in waivers.items()
    ]
    return "\n" + "\n".join(lines)
