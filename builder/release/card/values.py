"""The values of a dataset card's head: keys and values enter; those that the Hub would not take leave."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from builder.release.card.hub_terms import load_terms
from schemas.texts import is_language_tag

__all__ = ["Fault", "check_values"]

Fault = tuple[str, object, str, str]
"""Key, value, what is wrong with it, and what to do."""

_REQUIRED = ("license", "language", "pretty_name", "configs")
_TEXTS = (
    "pretty_name",
    "license_name",
    "license_link",
    "license_details",
    "paperswithcode_id",
    "thumbnail",
    "extra_gated_prompt",
    "extra_gated_heading",
    "extra_gated_description",
    "extra_gated_button_content",
)
_LISTS = ("tags", "task_ids", "config_names", "language_bcp47", "language_details")
_FLAGS = ("viewer", "extra_gated_eu_disallowed")
_SOURCE = re.compile(r"original|extended(\|.+)?|[\w.-]+(/[\w.-]+)?")
_THREE_LETTERS = re.compile(r"[a-z]{3}")
_LANGUAGE_WORDS = ("code", "multilingual")


def check_values(document: Mapping[Any, Any]) -> Iterator[Fault]:
    """Yield every fault of the values, but for those of ``configs``."""
    for key in _REQUIRED:
        if document.get(key) in (None, "", []):
            yield key, "", "missing", "Export the release again."
    yield from _check_closed_sets(document)
    yield from _check_languages(document)
    yield from _check_license(document)
    yield from _check_sources(document)
    yield from _check_texts(document)
    yield from _check_gate(document)


def _list_values(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _check_closed_sets(document: Mapping[Any, Any]) -> Iterator[Fault]:
    for key, known in load_terms().values.items():
        if key == "language" or key not in document:
            continue
        for value in _list_values(document[key]):
            if not isinstance(value, str) or value not in known:
                few = len(known) < 15
                told = f"one of: {', '.join(sorted(known))}" if few else "one that it documents"
                yield key, value, "not a value that the Hub knows", f"Choose {told}."


def _check_languages(document: Mapping[Any, Any]) -> Iterator[Fault]:
    two_letters = load_terms().values["language"]
    for value in _list_values(document.get("language", [])):
        is_known = isinstance(value, str) and (
            value in two_letters or value in _LANGUAGE_WORDS or _THREE_LETTERS.fullmatch(value)
        )
        if not is_known:
            # YAML takes the bare word for Norwegian, no, for a false.
            cure = "Put it in quotes." if isinstance(value, bool) else "Write an ISO 639 code."
            yield "language", value, "not a language", cure
    for value in _list_values(document.get("language_bcp47", [])):
        if not isinstance(value, str) or not is_language_tag(value):
            yield "language_bcp47", value, "not a BCP 47 tag", "Write it such as zh-Hans."


def _check_license(document: Mapping[Any, Any]) -> Iterator[Fault]:
    is_other = "other" in _list_values(document.get("license"))
    for key in ("license_name", "license_link"):
        if is_other and not document.get(key):
            yield key, "", "missing, though the licence is other", "Name it and link to its text."


def _check_sources(document: Mapping[Any, Any]) -> Iterator[Fault]:
    for value in _list_values(document.get("source_datasets", [])):
        if not isinstance(value, str) or not _SOURCE.fullmatch(value):
            yield "source_datasets", value, "not a source", "Write original, extended or its name."


def _check_texts(document: Mapping[Any, Any]) -> Iterator[Fault]:
    for key in _TEXTS:
        if key in document and not isinstance(document[key], str):
            yield key, document[key], "not a text", "Put it in quotes."
    for key in _LISTS:
        for value in _list_values(document.get(key, [])):
            if not isinstance(value, str) or not value.strip():
                yield key, value, "not a text", "Put it in quotes, or remove it."
    for key in _FLAGS:
        if key in document and not isinstance(document[key], bool):
            yield key, document[key], "neither true nor false", "Write true or false."


def _check_gate(document: Mapping[Any, Any]) -> Iterator[Fault]:
    fields = document.get("extra_gated_fields", {})
    if isinstance(fields, list) and all(isinstance(field, dict) for field in fields):
        fields = {name: kind for field in fields for name, kind in field.items()}
    if not isinstance(fields, dict):
        yield "extra_gated_fields", fields, "no fields", "Write a name and a kind each."
        return
    for name, told in fields.items():
        kind = told.get("type") if isinstance(told, dict) else told
        if not isinstance(kind, str) or kind not in load_terms().gated_fields:
            known = ", ".join(sorted(load_terms().gated_fields))
            yield (
                "extra_gated_fields",
                kind,
                f"no kind of field ({name})",
                f"Choose one of: {known}.",
            )
        elif kind == "select" and not (isinstance(told, dict) and told.get("options")):
            yield "extra_gated_fields", name, "a choice without options", "List its options."
