"""The YAML head of a dataset card: manifest and rows enter; what the Hub reads leaves."""

from collections.abc import Mapping
from typing import Any

from builder.release.card.facts import (
    Writer,
    count_writers,
    find_settings,
    has_judged_options,
    has_simulated_texts,
    name_title,
)
from builder.release.card.hub_terms import find_size
from builder.release.card.markdown import flatten
from builder.release.card.tally import Tally
from builder.release.licences import find_hub_license
from builder.release.tables import CONFIGS
from schemas.labels import Origin

__all__ = ["GATED_PROMPT", "make_head", "write_head"]

Manifest = Mapping[str, Any]

GATED_PROMPT = (
    "This benchmark holds texts that take an unsafe side: unfair, harmful, unlawful or inconsiderate "
    "answers, without operational detail. Access is for research on the safety of models and for "
    "evaluating them. By asking for it you agree not to train models on the data, not to publish the "
    "items where they could be collected for training, and not to use the unsafe answers against anybody."
)
"""What whoever asks for access agrees to, unless the curator says otherwise."""

_GATED_FIELDS = {
    "What I want to use this benchmark for": "text",
    "I will not train models on this data": "checkbox",
}
_MACHINE = "machine-generated"


def write_head(manifest: Manifest, tally: Tally) -> str:
    """Return the head between its two lines of hyphens."""
    import yaml

    text = yaml.safe_dump(
        make_head(manifest, tally), allow_unicode=True, sort_keys=False, width=100_000
    )
    return f"---\n{text}---\n\n"


def make_head(manifest: Manifest, tally: Tally) -> dict[str, Any]:
    """Return the head's keys and values."""
    languages = _list_languages(manifest)
    return {
        **_describe_license(manifest["license"]),
        "language": languages,
        **_detail_languages(manifest),
        "pretty_name": name_title(manifest),
        "size_categories": [find_size(tally.items)],
        "task_categories": ["question-answering", "multiple-choice", "text-generation"],
        "annotations_creators": _list_annotators(manifest, tally),
        "language_creators": _list_creators(tally),
        "multilinguality": ["multilingual" if len(languages) > 1 else "monolingual"],
        "source_datasets": _list_sources(tally),
        "tags": _list_tags(tally),
        "configs": [_describe_config(config, manifest["split"]) for config in CONFIGS],
        "extra_gated_prompt": flatten(find_settings(manifest).get("gated_prompt", ""))
        or GATED_PROMPT,
        "extra_gated_fields": dict(_GATED_FIELDS),
    }


def _describe_license(name: str) -> dict[str, str]:
    hub_id, own_name = find_hub_license(name)
    if not own_name:
        return {"license": hub_id}
    return {"license": hub_id, "license_name": own_name, "license_link": "LICENSE"}


def _list_languages(manifest: Manifest) -> list[str]:
    # The Hub's key takes languages; script and region are told in the card.
    return sorted({tag.partition("-")[0] for tag in manifest["languages"]})


def _detail_languages(manifest: Manifest) -> dict[str, list[str]]:
    tags = sorted(manifest["languages"])
    return {"language_details": tags} if any("-" in tag for tag in tags) else {}


def _list_annotators(manifest: Manifest, tally: Tally) -> list[str]:
    """Return who annotated; of people the Hub's words say more than is known here, hence ``other``."""
    review = manifest["review"]
    judged = has_judged_options(tally)
    found = {_MACHINE} if judged or review.get("simulated_reviewers") else set()
    if review.get("reviewers"):
        found.add("other")
    return sorted(found) or ["no-annotation"]


def _list_creators(tally: Tally) -> list[str]:
    """Return who wrote the texts: models, people, or whoever wrote an imported data set."""
    words = {Writer.MODEL: _MACHINE, Writer.IMPORT: "found", Writer.PERSON: "expert-generated"}
    return sorted({words[kind] for kind, _ in count_writers(tally)}) or ["other"]


def _list_sources(tally: Tally) -> list[str]:
    return ["extended" if tally.count("origin")[Origin.IMPORTED] else "original"]


def _list_tags(tally: Tally) -> list[str]:
    tags = ["safety", "alignment", "fake-alignment", "benchmark", "evaluation", "arxiv:2311.05915"]
    return [*tags, "simulated"] if has_simulated_texts(tally) else tags


def _describe_config(config: str, split: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "config_name": config,
        "data_files": [{"split": split, "path": f"data/{config}/{split}-*.parquet"}],
    }
    return found | ({"default": True} if config == "items" else {})
