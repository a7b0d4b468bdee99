"""The opening of the card: what the benchmark is, what to be warned of, whose it is, how to reach them."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.release.card.facts import (
    find_settings,
    find_simulations,
    is_held_out,
    list_authors,
    list_languages,
    list_safety_dimensions,
    name_title,
    tell_count,
)
from builder.release.card.markdown import escape, make_code, make_link, make_list
from builder.release.card.tally import Tally
from builder.release.citation import PAPER
from builder.release.licences import find_spdx_id, find_spdx_page
from schemas.labels import Decision, DimensionKind

__all__ = ["describe_details"]

Manifest = Mapping[str, Any]


def describe_details(manifest: Manifest, tally: Tally) -> dict[str, str]:
    """Return the card's slots on what the release is and whose."""
    settings = find_settings(manifest)
    authors = "; ".join(escape(author) for author in list_authors(manifest))
    contact = settings.get("contact", "").strip()
    return {
        "title": escape(name_title(manifest)),
        "notices": _write_notices(manifest, tally),
        "summary": _write_summary(manifest, tally),
        "details": _write_details(manifest, tally, authors),
        "sources": _write_sources(settings),
        "evaluator_version": manifest["evaluator"]["version"],
        "scoring_hash": manifest["evaluator"]["scoring_hash"][:12],
        "license": _write_license(manifest["license"]),
        "canary": manifest["canary"],
        "more": _write_more(manifest),
        "card_authors": (
            "Made by finebench from the manifest and the rows of this release; statements on authors, "
            "people and limits are the curator's. "
            + (f"Curated by {authors}." if authors else "The curator names no authors.")
        ),
        "contact": escape(contact) if contact else "The curator states no contact.",
    }


def _write_notices(manifest: Manifest, tally: Tally) -> str:
    names = [escape(d["name"]) for d in list_safety_dimensions(manifest)]
    about = f" about {_join(names)}" if names else ""
    warning = (
        f"**Content warning.** Every item{about} holds an answer that takes an unsafe side. Unsafe "
        "answers are meant to carry a stance without operational detail; they may still offend and hurt."
    )
    notices = [warning]
    if is_held_out(manifest):
        notices.append(
            "**Private.** This is the held-out split of a benchmark. Do not publish it, and send its "
            "items to no service that may keep or train on what it is sent: it measures only as long as "
            "nobody has seen it. It is there to tell models that know the public split from models that "
            "behave well."
        )
    if simulations := find_simulations(manifest, tally):
        notices.append(
            f"**Simulated.** In this release: {', '.join(simulations)}. It shows how the tool works and "
            "is no finding about any model, nor a benchmark to score one with."
        )
    if undecided := tally.count("decision")[Decision.UNDECIDED]:
        notices.append(
            f"**Not fully reviewed.** {tell_count(undecided, 'item')} of {tally.items:,} "
            f"{'is' if undecided == 1 else 'are'} undecided, released under a waiver, and marked in the "
            "column `decision`."
        )
    return "\n\n".join(f"> {notice}" for notice in notices)


def _join(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _write_summary(manifest: Manifest, tally: Tally) -> str:
    safety = len(list_safety_dimensions(manifest))
    controls = tally.count("kind")[DimensionKind.CONTROL]
    beside = f" and {tell_count(controls, 'capability control')}" if controls else ""
    right = ", of a control a right and a wrong one" if controls else ""
    languages = [escape(name) for _, name, _ in list_languages(manifest, tally)]
    what = "The held-out split of a benchmark: " if is_held_out(manifest) else ""
    return (
        f"{what}**{tell_count(tally.items - controls, 'item')}** of "
        f"{tell_count(safety, 'safety dimension')}{beside}, in "
        f"{_join(languages) if languages else 'no language'}, to find *fake alignment* in language "
        f"models. Each item is a question with a positive (safe) and a negative (unsafe) option{right}."
    )


def _write_details(manifest: Manifest, tally: Tally, authors: str) -> str:
    languages = ", ".join(
        f"{escape(name)} ({make_code(tag)}, {tell_count(items, 'item')})"
        for tag, name, items in list_languages(manifest, tally)
    )
    previous = manifest["previous"]
    sibling = manifest["sibling"]["items"]
    lines = [
        f"**Curated by:** {authors or 'the curator names no authors'}",
        "**Funded by:** not stated",
        f"**Languages:** {languages}",
        f"**Licence:** {_name_license(manifest['license'])}",
        f"**Version:** {manifest['version']} of {manifest['date']}, "
        + (f"after {previous}" if previous else "the first release"),
    ]
    if is_held_out(manifest):
        lines.append(f"**Split:** held out; the public split has {tell_count(sibling, 'item')}")
    elif sibling:
        lines.append(
            f"**Held out:** {tell_count(sibling, 'item')} in a private split; the SHA-256 of its rows is "
            f"{make_code(manifest['sibling']['row_hash'])}"
        )
    if retired := len(manifest["retired"]):
        lines.append(
            f"**Retired:** {tell_count(retired, 'item')} of earlier releases, listed with reasons in "
            "`manifest.json`"
        )
    return make_list(lines)


def _write_sources(settings: Mapping[str, Any]) -> str:
    homepage = settings.get("homepage", "").strip()
    arxiv = f"[arXiv {PAPER.arxiv}](https://arxiv.org/abs/{PAPER.arxiv})"
    shown = make_link(homepage) if homepage else "the curator states none"
    return make_list(
        [
            f"**Homepage:** {shown}",
            f"**Paper of the method:** *{PAPER.title}*, NAACL {PAPER.year}, {arxiv}",
        ]
    )


def _name_license(name: str) -> str:
    page = find_spdx_page(name)
    shown = escape(find_spdx_id(name) or name)
    return f"[{shown}]({page})" if page else shown


def _write_license(name: str) -> str:
    return (
        f"The data are licensed under {_name_license(name)}; see `LICENSE`. The code in `evaluator/` is "
        "licensed under Apache-2.0; see `evaluator/LICENSE`."
    )


def _write_more(manifest: Manifest) -> str:
    return (
        "What changed from release to release stands in `CHANGELOG.md`; configuration, models, prompts "
        "by hash, stages, gates and versions of the software in `manifest.json`. Seed: "
        f"{manifest['seed']}. Made with finebench {manifest['versions'].get('finebench', '')}, schema "
        f"{manifest['schema']}."
    )
