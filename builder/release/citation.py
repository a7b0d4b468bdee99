"""How to cite a release: its manifest enters; CITATION.cff, BibTeX and APA leave."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.release.card.facts import find_settings, list_authors, name_title
from builder.release.card.markdown import escape, flatten
from builder.release.licences import find_spdx_id

__all__ = ["PAPER", "Paper", "write_apa", "write_bibtex", "write_citation", "write_paper_bibtex"]

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as it is cited; ``authors`` as "Family, Given"."""

    title: str
    authors: tuple[str, ...]
    year: int
    proceedings: str
    arxiv: str


PAPER = Paper(
    title="Fake Alignment: Are LLMs Really Aligned Well?",
    authors=(
        "Wang, Yixu",
        "Teng, Yan",
        "Huang, Kexin",
        "Lyu, Chengqi",
        "Zhang, Songyang",
        "Zhang, Wenwei",
        "Ma, Xingjun",
        "Jiang, Yu-Gang",
        "Qiao, Yu",
        "Wang, Yingchun",
    ),
    year=2024,
    proceedings=(
        "Proceedings of the 2024 Conference of the North American Chapter of the Association for "
        "Computational Linguistics: Human Language Technologies"
    ),
    arxiv="2311.05915",
)
"""The paper of the method."""

_BIBTEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def write_citation(manifest: Manifest) -> str:
    """Return ``CITATION.cff``, format 1.2.0, of this release and the paper of its method.

    Where the curator named no authors, the project is cited as an entity under the release's title.
    """
    import yaml

    license_name = manifest["license"]
    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this benchmark, please cite it and the paper of its method.",
        "type": "dataset",
        "title": name_title(manifest),
        "version": manifest["version"],
        "date-released": manifest["date"],
        "authors": [_make_author(author) for author in list_authors(manifest)]
        or [{"name": f"{name_title(manifest)} project"}],
    }
    if spdx := find_spdx_id(license_name):
        document["license"] = spdx
    homepage = flatten(find_settings(manifest).get("homepage", ""))
    if re.fullmatch(r"https?://[^\s<>]+", homepage):
        document["url"] = homepage
    document["keywords"] = [
        "benchmark",
        "evaluation",
        "fake alignment",
        "language models",
        "safety",
    ]
    document["references"] = [_describe_paper()]
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1000)


def _describe_paper() -> dict[str, Any]:
    return {
        "type": "conference-paper",
        "title": PAPER.title,
        "authors": [_make_author(author) for author in PAPER.authors],
        "year": PAPER.year,
        "collection-title": PAPER.proceedings,
        "identifiers": [{"type": "other", "value": f"arXiv:{PAPER.arxiv}"}],
        "url": f"https://arxiv.org/abs/{PAPER.arxiv}",
    }


def _make_author(author: str) -> dict[str, str]:
    """Return a person for "Family, Given", and an entity for a name without a comma."""
    family, comma, given = (part.strip() for part in author.partition(","))
    if comma and family and given:
        return {"family-names": family, "given-names": given}
    return {"name": author}


def write_bibtex(manifest: Manifest) -> str:
    """Return the BibTeX entry of this release."""
    authors = list_authors(manifest) or [f"{name_title(manifest)} project"]
    year = manifest["date"][:4]
    key = re.sub(r"[^a-z0-9]+", "", str(manifest["name"])) + year
    fields = {
        "author": " and ".join(_make_bibtex_author(author) for author in authors),
        "title": f"{{{_escape_bibtex(name_title(manifest))}}}",
        "year": year,
        "version": manifest["version"],
        "note": f"Data set, version {manifest['version']}",
    }
    homepage = flatten(find_settings(manifest).get("homepage", ""))
    if re.fullmatch(r"https?://[^\s<>{}]+", homepage):
        fields["url"] = homepage
    return _write_entry("misc", key, fields)


def write_paper_bibtex() -> str:
    """Return the BibTeX entry of the paper of the method."""
    fields = {
        "author": " and ".join(PAPER.authors),
        "title": f"{{{PAPER.title}}}",
        "booktitle": PAPER.proceedings,
        "year": str(PAPER.year),
        "note": f"arXiv:{PAPER.arxiv}",
    }
    return _write_entry("inproceedings", "wang2024fake", fields)


def _write_entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _make_bibtex_author(author: str) -> str:
    person = _make_author(author)
    if "family-names" in person:
        return f"{_escape_bibtex(person['family-names'])}, {_escape_bibtex(person['given-names'])}"
    return f"{{{_escape_bibtex(author)}}}"


def _escape_bibtex(text: str) -> str:
    # A run of backticks would end the block of the card that the entry stands in.
    return "".join(_BIBTEX.get(c, c) for c in text.replace("`", "'"))


def write_apa(manifest: Manifest) -> str:
    """Return the reference of this release in APA's form, as Markdown."""
    authors = list_authors(manifest)
    named = [_shorten_author(author) for author in authors] or [f"{name_title(manifest)} project"]
    last = f", & {named[-1]}" if len(named) > 1 else ""
    who = escape(", ".join(named[:-1] or named) + last)
    ended = who if who.endswith(".") else f"{who}."
    title = escape(name_title(manifest))
    return (
        f"{ended} ({manifest['date'][:4]}). *{title}* (Version {manifest['version']}) [Data set]."
    )


def _shorten_author(author: str) -> str:
    person = _make_author(author)
    if "family-names" not in person:
        return author
    initials = " ".join(f"{part[0]}." for part in person["given-names"].split())
    return f"{person['family-names']}, {initials}"
