"""What a manifest must look like to be read: its JSON enters; every place of another shape leaves."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.workspace import is_version
from schemas.texts import canonical_json, hash_text

__all__ = ["MANIFEST_FORMAT", "find_misshapen", "hash_facts"]

MANIFEST_FORMAT = 2
"""The format of manifests; the first had neither ``format`` nor what a release says of its making."""

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Dimension(_Part):
    id: str
    name: str
    definition: str
    kind: Literal["safety", "control"]
    items: _Count


class _Retired(_Part):
    item_id: str
    content_hash: _Hash
    version: str
    reason: str


class _Gate(_Part):
    name: str
    passed: bool
    value: str
    threshold: str
    detail: str
    items: list[str]
    waiver: str


class _Evaluator(_Part):
    version: str
    hash: _Hash
    scoring_hash: _Hash


class _Prompts(_Part):
    writing: dict[str, list[str]]
    asking: dict[str, _Hash]
    judging: _Hash


class _Sibling(_Part):
    split: Literal["test", "held_out"]
    items: _Count
    row_hash: str


class _Manifest(_Part):
    format: Literal[2]
    name: str
    title: str
    version: str
    date: str
    previous: str
    license: str
    canary: str
    split: Literal["test", "held_out"]
    items: Annotated[int, Field(ge=1)]
    row_hash: _Hash
    sibling: _Sibling
    languages: list[str]
    dimensions: list[_Dimension]
    decisions: dict[str, _Count]
    retired: list[_Retired]
    schema_: Annotated[str, Field(alias="schema")]
    seed: _Count
    configuration: dict[str, Any]
    configuration_hash: _Hash
    guidelines: _Hash
    models: dict[str, dict[str, Any]]
    prompts: _Prompts
    evaluator: _Evaluator
    stages: dict[str, Any]
    funnel: list[dict[str, Any]]
    review: dict[str, Any]
    checks: dict[str, Any]
    gates: list[_Gate]
    waivers: dict[str, str]
    versions: dict[str, str]
    files: dict[str, _Hash]


def find_misshapen(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (place, rule) for every part of a manifest that has another shape; none where all is well."""
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        return [
            (".".join(map(str, fault["loc"])), fault["msg"].lower()) for fault in error.errors()
        ]
    return [] if is_version(manifest["version"]) else [("version", "is no version")]


def hash_facts(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a manifest says, the list of files aside; the card names it."""
    return hash_text(canonical_json({k: v for k, v in manifest.items() if k != "files"}))
