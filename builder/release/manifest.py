"""The manifest of a release: a workspace and its rows enter; all that the release says of itself leaves.

It names what went in (configuration, prompts, models, stages), what was decided and waived, what was
measured, what was retired, and every file with its hash. Card, citation and Croissant are written from it.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import builder.bundle
from builder.bundle.engine.judging import JUDGE_PROMPT
from builder.bundle.engine.labels import Form
from builder.bundle.engine.prompts import find_prompt
from builder.bundle.engine.version import EVALUATOR_VERSION
from builder.config import describe_endpoint
from builder.release.check_facts import describe_checks, describe_funnel
from builder.release.gates import Gate
from builder.release.lineage import Lineage, list_retired
from builder.release.manifest_shape import MANIFEST_FORMAT
from builder.release.review_facts import describe_review
from builder.release.splits import Part, Split
from builder.review_report import Report
from builder.stage_records import list_versions, read_record
from builder.workspace import Stage, Workspace
from schemas.storage import Row, hash_file
from schemas.tables import SCHEMA_VERSION
from schemas.texts import canonical_json, hash_text

__all__ = [
    "Made",
    "describe_evaluator",
    "hash_evaluator",
    "list_dimensions",
    "make_manifest",
]


_SOURCES = ("question", "positive", "negative")

_HARMLESS_MODULES = frozenset(
    {
        "__init__",
        "cli",
        "display",
        "errors",
        "fan_out",
        "interrupts",
        "kinship",
        "lanes",
        "pacing",
        "provenance",
        "running",
        "settings",
        "store",
    }
    | {"vectors", "version"}
)
# The evaluator's modules that shape no prompt, call, verdict or score. Whatever is not among them does, as far
# as is known of it: a change of that is a major one.


@dataclass(frozen=True, slots=True)
class Made:
    """What is made of a release before its manifests: its parts, the hash of each part's rows, its gates."""

    version: str
    date: str
    parts: Sequence[Part]
    row_hashes: Mapping[Split, str]
    gates: Sequence[Gate]
    lineage: Lineage
    report: Report | None
    looks: int


def make_manifest(workspace: Workspace, made: Made, part: Part) -> dict[str, Any]:
    """Return the manifest of one folder of a release, without the files' hashes.

    Gates were run over all parts; the public folder does not name the private one's items.
    """
    hidden: set[str] = set()
    if part.split is Split.TEST:
        others = (row for other in made.parts if other is not part for row in other.rows)
        hidden = {row["item_id"] for row in others} | made.lineage.hidden.ids
    return (
        _tell_name(workspace, made)
        | _tell_rows(workspace, made, part)
        | _tell_making(workspace, made, part.rows)
        | {
            "retired": [r for r in _list_retired(workspace, made) if r["item_id"] not in hidden],
            "review": describe_review(workspace, made.report, part.rows, made.lineage),
            "gates": [_hide_items(gate, hidden).as_dict() for gate in made.gates],
            "waivers": {gate.name: gate.waiver for gate in made.gates if gate.waiver},
        }
    )


def _tell_name(workspace: Workspace, made: Made) -> dict[str, Any]:
    """Return what the release is called, and what it follows."""
    config, latest = workspace.config, made.lineage.latest
    return {
        "format": MANIFEST_FORMAT,
        "name": config.name,
        "title": config.title,
        "version": made.version,
        "date": made.date,
        "previous": latest.version if latest else "",
        "license": config.license,
        "canary": _find_canary(config.name, made),
    }


def _tell_rows(workspace: Workspace, made: Made, part: Part) -> dict[str, Any]:
    """Return what the folder holds."""
    rows = part.rows
    return {
        "schema": SCHEMA_VERSION,
        "split": str(part.split),
        "items": len(rows),
        "row_hash": made.row_hashes[part.split],
        "sibling": _describe_sibling(workspace, made, part),
        "languages": sorted({row["language"] for row in rows}),
        "dimensions": _describe_dimensions(workspace, made, rows),
        "decisions": dict(sorted(Counter(row["decision"] for row in rows).items())),
    }


def _read_record(workspace: Workspace, stage: Stage) -> dict[str, Any]:
    """Return a stage's record with one hash for all reviewers' files, whose names are pseudonyms."""
    record = read_record(workspace, stage)
    inputs: dict[str, str] = record.get("inputs", {})
    rounds = {name: digest for name, digest in inputs.items() if name.startswith("rounds/")}
    if not rounds:
        return record
    others = {name: digest for name, digest in inputs.items() if name not in rounds}
    return record | {"inputs": others | {"rounds": hash_text(canonical_json(rounds))}}


def _describe_sibling(workspace: Workspace, made: Made, part: Part) -> dict[str, Any]:
    """Return what the other folder holds, without a word of its items; a release may have none.

    Where the release before was somebody else's, its held-out split stays with its owner, and is told as it was.
    """
    latest = made.lineage.latest
    if len(made.parts) == 1 and latest:
        told: dict[str, Any] = latest.manifest.get("sibling", {})
        if told.get("elsewhere") or workspace.get_elsewhere(latest.version).exists():
            return told | {"elsewhere": True}
    split = Split.HELD_OUT if part.split is Split.TEST else Split.TEST
    items = sum(len(other.rows) for other in made.parts if other is not part)
    return {"split": str(split), "items": items, "row_hash": made.row_hashes.get(split, "")}


def _tell_making(workspace: Workspace, made: Made, rows: Sequence[Row]) -> dict[str, Any]:
    """Return of what and by what the rows were made, and what the checks saw."""
    configuration = workspace.config.model_dump(mode="json")
    return {
        "seed": workspace.config.seed,
        "configuration": configuration,
        "configuration_hash": hash_text(canonical_json(configuration)),
        "guidelines": hash_file(workspace.guidelines),
        "models": _describe_models(workspace),
        "prompts": _describe_prompts(rows),
        "evaluator": describe_evaluator(),
        "stages": {str(stage): _read_record(workspace, stage) for stage in Stage},
        "funnel": describe_funnel(workspace),
        "checks": describe_checks(workspace, rows, made.looks),
        "versions": dict(list_versions()),
    }


def _list_retired(workspace: Workspace, made: Made) -> list[dict[str, Any]]:
    present = {row["item_id"] for part in made.parts for row in part.rows}
    return list_retired(workspace, made.lineage, present, made.version)


def _hide_items(gate: Gate, hidden: Collection[str]) -> Gate:
    shown = tuple(item_id for item_id in gate.items if item_id not in hidden)
    return gate.name_items(shown)


def _find_canary(name: str, made: Made) -> str:
    """Return the GUID by which text of this benchmark is known: made once, and the same ever after."""
    latest = made.lineage.latest
    if latest and latest.manifest.get("canary"):
        return str(latest.manifest["canary"])
    hashes = "/".join(made.row_hashes[part.split] for part in made.parts)
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{hashes}"))


def list_dimensions(workspace: Workspace, parts: Sequence[Part]) -> list[str]:
    """Return the ids of the dimensions of which the release has items, in the taxonomy's order."""
    present = {row["dimension"] for part in parts for row in part.rows}
    return [dimension for dimension in workspace.taxonomy.ids if dimension in present]


def _describe_dimensions(workspace: Workspace, made: Made, rows: Sequence[Row]) -> list[Row]:
    """Return the release's dimensions as the workspace defines them, and how many of ``rows`` each has."""
    counts = Counter(row["dimension"] for row in rows)
    return [
        {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(workspace.taxonomy[dimension]).items()
        }
        | {"items": counts[dimension]}
        for dimension in list_dimensions(workspace, made.parts)
    ]


def _describe_models(workspace: Workspace) -> dict[str, Any]:
    """Return the model of each role by what shapes its replies; no key is among it."""
    roles = {role: name for role, name in workspace.config.roles.model_dump().items() if name}
    return {
        role: describe_endpoint(workspace.config.find_endpoint(name))
        for role, name in roles.items()
    }


def _describe_prompts(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the hashes of the prompts that the texts came of, and of those that models are scored with."""
    languages = sorted({row["language"] for row in rows})
    return {
        "writing": {
            side: sorted({row[f"{side}_prompt"] for row in rows if row[f"{side}_prompt"]})
            for side in _SOURCES
        },
        "asking": {
            f"{form}:{language}": find_prompt(form, language)
            for form in Form
            for language in languages
        },
        "judging": JUDGE_PROMPT,
    }


def describe_evaluator() -> dict[str, str]:
    """Return the evaluator's version, the hash of all its code, and of the code that shapes scores."""
    return {"version": EVALUATOR_VERSION, **hash_evaluator(Path(builder.bundle.__file__).parent)}


def hash_evaluator(folder: Path) -> dict[str, str]:
    """Return the hash of all code of an evaluator's folder, and of the code that shapes scores."""
    paths = sorted(folder.rglob("*.py"))
    engine = folder / "engine"
    scoring = [p for p in paths if p.parent == engine and p.stem not in _HARMLESS_MODULES]
    return {"hash": hash_bundle(folder, paths), "scoring_hash": hash_bundle(folder, scoring)}


def hash_bundle(folder: Path, paths: Sequence[Path]) -> str:
    """Return one SHA-256 over the names and contents of files below ``folder``."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
