"""Croissant metadata of a release: manifest, rows and folder enter; JSON-LD leaves.

Croissant 1.0 (docs.mlcommons.org/croissant) with its vocabulary for responsible AI. Files are named
relative to the folder, with their hashes, for where a release will be published is not known when it is
made.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.release.card.column_notes import COLUMN_NOTES, CONFIG_NOTES, VOTE_NOTES, order_columns
from builder.release.card.facts import find_settings, has_votes, list_authors, name_title
from builder.release.card.markdown import flatten, to_plain
from builder.release.card.tally import Tally
from builder.release.citation import write_bibtex
from builder.release.croissant_context import CONTEXT
from builder.release.croissant_people import describe_responsibility
from builder.release.licences import find_spdx_page
from builder.release.tables import CONFIGS, list_columns, name_table
from builder.release.votes import VOTES
from schemas.storage import hash_file

__all__ = ["CROISSANT", "make_croissant"]

Manifest = Mapping[str, Any]
Node = dict[str, Any]

CROISSANT = "croissant.json"
"""Where the metadata lie in a release."""

_DIMENSIONS = "dimensions"
_VOTE_TYPES = {
    "round": "sc:Integer",
    "lead_time_s": "sc:Integer",
    "simulated": "sc:Boolean",
    "skipped": "sc:Boolean",
}


def make_croissant(manifest: Manifest, tally: Tally, folder: Path) -> str:
    """Return the metadata of the release in ``folder``, whose tables are written already."""
    split = manifest["split"]
    tables = {config: name_table(config, split) for config in CONFIGS}
    files = [_describe_file(folder, path, "application/x-parquet") for path in tables.values()]
    records = [_describe_dimensions(_read_labels(folder / tables["items"]))]
    records += [_describe_table(config, path, tally) for config, path in tables.items()]
    if has_votes(manifest):
        files.append(_describe_file(folder, VOTES, "application/jsonlines"))
        records.append(_describe_votes())
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        **_describe_release(manifest),
        **describe_responsibility(manifest, tally),
        "distribution": files,
        "recordSet": records,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _describe_release(manifest: Manifest) -> Node:
    title = name_title(manifest)
    authors = list_authors(manifest)
    homepage = flatten(find_settings(manifest).get("homepage", ""))
    node: Node = {
        "name": str(manifest["name"]),
        "alternateName": title,
        "description": (
            f"{title}: {manifest['items']} questions, each with a safe and an unsafe option, to find fake "
            "alignment in language models: answers that are safe when given openly, and not when chosen."
        ),
        "version": manifest["version"],
        "datePublished": manifest["date"],
        "inLanguage": list(manifest["languages"]),
        "license": find_spdx_page(manifest["license"]) or flatten(manifest["license"]),
        "creator": [_describe_author(author) for author in authors]
        or [{"@type": "sc:Organization", "name": f"{title} project"}],
        "citeAs": write_bibtex(manifest),
        "keywords": ["safety", "alignment", "fake alignment", "benchmark", "language models"],
        "isLiveDataset": False,
    }
    if re.fullmatch(r"https?://[^\s<>]+", homepage):
        node["url"] = homepage
    return node


def _describe_author(author: str) -> Node:
    family, comma, given = (part.strip() for part in author.partition(","))
    if comma and family and given:
        return {"@type": "sc:Person", "name": f"{given} {family}"}
    return {"@type": "sc:Organization", "name": author}


def _describe_file(folder: Path, path: str, encoding: str) -> Node:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{(folder / path).stat().st_size} B",
        "encodingFormat": encoding,
        "sha256": hash_file(folder / path),
    }


def _read_labels(path: Path) -> list[str]:
    """Return the names of the dimensions in the order of their numbers, as the table itself tells them."""
    import pyarrow.parquet as pq

    features = json.loads(pq.read_schema(path).metadata[b"huggingface"])["info"]["features"]
    return [str(name) for name in features["dimension"]["names"]]


def _describe_dimensions(labels: Sequence[str]) -> Node:
    """Return the names that the numbers in the column ``dimension`` stand for."""
    key = {"@id": f"{_DIMENSIONS}/number"}
    return {
        "@type": "cr:RecordSet",
        "@id": _DIMENSIONS,
        "name": _DIMENSIONS,
        "description": "What the numbers in the column dimension stand for.",
        "dataType": "sc:Enumeration",
        "key": key,
        "field": [
            _make_field(_DIMENSIONS, "number", "sc:Integer", "Number in the column dimension."),
            _make_field(_DIMENSIONS, "name", "sc:Text", "Id of the dimension."),
        ],
        "data": [
            {f"{_DIMENSIONS}/number": number, f"{_DIMENSIONS}/name": name}
            for number, name in enumerate(labels)
        ],
    }


def _make_field(record: str, name: str, kind: str, note: str) -> Node:
    return {
        "@type": "cr:Field",
        "@id": f"{record}/{name}",
        "name": name,
        "description": to_plain(note),
        "dataType": kind,
    }


def _describe_table(config: str, path: str, tally: Tally) -> Node:
    fields = []
    for column in order_columns(list_columns(config, tally.columns)):
        kind = "sc:Integer" if column == "dimension" else "sc:Text"
        field = _make_field(config, column, kind, COLUMN_NOTES.get(column, ""))
        field["source"] = {"fileObject": {"@id": path}, "extract": {"column": column}}
        if column == "dimension":
            field["references"] = {"field": {"@id": f"{_DIMENSIONS}/number"}}
        fields.append(field)
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": to_plain(CONFIG_NOTES[config]),
        "key": {"@id": f"{config}/item_id"},
        "field": fields,
    }


def _describe_votes() -> Node:
    fields = []
    for column, note in VOTE_NOTES.items():
        field = _make_field("votes", column, _VOTE_TYPES.get(column, "sc:Text"), note)
        field["source"] = {"fileObject": {"@id": VOTES}, "extract": {"column": column}}
        fields.append(field)
    return {
        "@type": "cr:RecordSet",
        "@id": "votes",
        "name": "votes",
        "description": "Votes of reviewers on the items, under numbers.",
        "field": fields,
    }
