"""What two manifests say differently: two of them enter, the changes that matter leave, by subject.

What follows from the rows (counts, hashes, files, gates and their waivers) and what differs in every release (its version and
date) is no change. Older manifests lack keys: what only one of two tells is a change, as nobody can show
that it is none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from builder.bundle.engine.provenance import find_mapping
from builder.release.versions.changes import Change, ManifestChange, Subject, compare_fields

__all__ = ["compare_manifests", "list_mappings"]

_DERIVED = frozenset(
    {
        "version",
        "date",
        "previous",
        "files",
        "gates",
        "waivers",
        "retired",
        "items",
        "row_hash",
        "decisions",
        "languages",
        "configs",
    }
)

_APART = frozenset({"dimensions", "prompts", "evaluator", "schema", "license", "sibling"})

_DEFINING = ("name", "kind", "definition", "in_scope", "out_of_scope", "examples")
_DESCRIBING = ("aliases", "quota")


def compare_manifests(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ManifestChange, ...]:
    """Return what differs, sorted by subject and path."""
    changes = [
        *_compare_dimensions(old, new),
        *_compare_prompts(old, new),
        *_compare_evaluators(old, new),
        *_compare_values(Subject.SCHEMA, "schema", old, new),
        *_compare_values(Subject.LICENSE, "license", old, new),
        *_compare_siblings(old, new),
        *_compare_metadata(old, new),
    ]
    order = {subject: place for place, subject in enumerate(Subject)}
    return tuple(sorted(changes, key=lambda change: (order[change.subject], change.path)))


def list_mappings(values: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the mappings of a list under ``name``; what is anything else is passed over."""
    found = values.get(name)
    return [dict(v) for v in found if isinstance(v, Mapping)] if isinstance(found, list) else []


def _compare_values(
    subject: Subject, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[ManifestChange]:
    for field in compare_fields(dict(old), dict(new), [name]):
        yield ManifestChange(subject, name, field.change, field.old, field.new)


def _compare_leaves(
    subject: Subject, path: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[ManifestChange]:
    """Yield the values that differ within two mappings, each under its whole path; lists are one value."""
    for field in compare_fields(dict(old), dict(new)):
        place = f"{path}.{field.column}" if path else field.column
        if isinstance(field.old, Mapping) and isinstance(field.new, Mapping):
            yield from _compare_leaves(subject, place, field.old, field.new)
        else:
            yield ManifestChange(subject, place, field.change, field.old, field.new)


def _compare_dimensions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ManifestChange]:
    """Yield dimensions that came, went, or mean something else now.

    Their order is that of the numbers that stand for them in the tables, and so part of the schema.
    """
    if isinstance(old.get("dimensions"), list) != isinstance(new.get("dimensions"), list):
        yield from _compare_values(Subject.DIMENSION, "dimensions", old, new)
        return
    before, after = (
        {str(d.get("id", "")): d for d in list_mappings(manifest, "dimensions")}
        for manifest in (old, new)
    )
    orders = [[name for name in own if name in before and name in after] for own in (before, after)]
    if orders[0] != orders[1]:
        yield ManifestChange(Subject.SCHEMA, "dimensions", Change.CHANGED, *orders)
    for field in compare_fields(before, after):
        path = f"dimensions.{field.column}"
        if field.change is not Change.CHANGED:
            yield ManifestChange(Subject.DIMENSION, path, field.change, field.old, field.new)
            continue
        for names, subject in ((_DEFINING, Subject.DIMENSION), (_DESCRIBING, Subject.METADATA)):
            for part in compare_fields(field.old, field.new, names):
                place = f"{path}.{part.column}"
                yield ManifestChange(subject, place, part.change, part.old, part.new)


def _compare_prompts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ManifestChange]:
    """Yield prompts that models are asked, or judged, with, and that are no longer the same.

    The prompts of a language that came or went with its items are no change of those that stay.
    """
    before, after = find_mapping(old, "prompts"), find_mapping(new, "prompts")
    if bool(before) != bool(after):
        # Prompts are part of the evaluator: where it is the same, so are they, told or not.
        subject = Subject.METADATA if _has_same_evaluator(old, new) else Subject.PROMPT
        change = Change.ADDED if after else Change.REMOVED
        yield ManifestChange(subject, "prompts", change, before or None, after or None)
        return
    asked = [find_mapping(prompts, "asking") for prompts in (before, after)]
    for found in _compare_leaves(Subject.PROMPT, "prompts.asking", *asked):
        stays = found.change is Change.CHANGED
        subject = Subject.PROMPT if stays else Subject.METADATA
        yield ManifestChange(subject, found.path, found.change, found.old, found.new)
    for name, subject in (("judging", Subject.PROMPT), ("writing", Subject.METADATA)):
        parts = [{name: prompts[name]} if name in prompts else {} for prompts in (before, after)]
        yield from _compare_leaves(subject, "prompts", *parts)


def _compare_evaluators(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ManifestChange]:
    """Yield what changed of the evaluator: its scoring, or only the rest of its code."""
    before, after = _find_evaluator(old), _find_evaluator(new)
    is_same_code = _has_same_evaluator(old, new)
    for field in compare_fields(before, after, ("hash", "scoring_hash", "version")):
        # What only one of them tells of the same code is no change of it.
        is_untold = is_same_code and field.change is not Change.CHANGED
        is_scoring = field.column == "scoring_hash" or _is_major(field.column, before, after)
        subject = Subject.SCORING if is_scoring and not is_untold else Subject.EVALUATOR
        path = f"evaluator.{field.column}"
        yield ManifestChange(subject, path, field.change, field.old, field.new)
    if not (is_same_code or before == after) and not (
        before.get("scoring_hash") or after.get("scoring_hash")
    ):
        told = before.get("hash"), after.get("hash")
        yield ManifestChange(Subject.SCORING, "evaluator", Change.CHANGED, *told)


def _find_evaluator(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of the evaluator; the first manifests had its hash alone."""
    told = manifest.get("evaluator")
    return {"hash": told} if isinstance(told, str) else find_mapping(manifest, "evaluator")


def _has_same_evaluator(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether the code that holds the prompts is known to be the same."""
    hashes = [_find_evaluator(manifest).get("hash") for manifest in (old, new)]
    return bool(hashes[0]) and hashes[0] == hashes[1]


def _is_major(column: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether the evaluator's own version says that scores are no longer the same."""
    versions = [str(told.get("version", "")).partition(".")[0] for told in (before, after)]
    return column == "version" and versions[0] != versions[1]


def _compare_siblings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ManifestChange]:
    """Yield whether the other split of the release has other rows; which, only its own folder tells."""
    before, after = (
        find_mapping(manifest, "sibling").get("row_hash", "") for manifest in (old, new)
    )
    if before != after:
        items = [find_mapping(m, "sibling").get("items", 0) for m in (old, new)]
        yield ManifestChange(Subject.HELD_OUT, "sibling.items", Change.CHANGED, *items)


def _compare_metadata(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ManifestChange]:
    sides = [
        {name: value for name, value in manifest.items() if name not in _DERIVED | _APART}
        for manifest in (old, new)
    ]
    yield from _compare_leaves(Subject.METADATA, "", *sides)
