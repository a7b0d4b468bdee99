"""The card on the structure of the data: dimensions, configs, columns, lengths."""

from collections.abc import Mapping, Sequence
from operator import gt, lt
from statistics import median
from typing import Any

from builder.release.card.column_notes import COLUMN_NOTES, CONFIG_NOTES, VOTE_NOTES, order_columns
from builder.release.card.facts import has_votes, is_held_out, tell_count
from builder.release.card.figures import DIMENSIONS, LENGTHS
from builder.release.card.markdown import escape, make_code, make_table
from builder.release.card.tally import Tally
from builder.release.manifest_shape import hash_facts
from builder.release.tables import CONFIGS, list_columns
from builder.release.votes import VOTES
from schemas.labels import DimensionKind

__all__ = ["describe_structure"]

Manifest = Mapping[str, Any]


def describe_structure(manifest: Manifest, tally: Tally) -> dict[str, str]:
    """Return the card's slots on the structure of the data."""
    return {
        "split": str(manifest["split"]),
        "counts": _write_counts(tally),
        "dimension_table": _write_dimensions(manifest),
        "dimension_note": _write_control_note(manifest),
        "dimensions_figure": DIMENSIONS,
        "config_note": _write_config_note(manifest),
        "config_table": _write_configs(tally),
        "column_table": _write_columns(manifest, tally),
        "lengths": _write_lengths(tally),
        "lengths_figure": LENGTHS,
        "row_hash": str(manifest["row_hash"]),
        "facts_hash": hash_facts(manifest),
    }


def _write_counts(tally: Tally) -> str:
    told = (
        f"{tell_count(tally.items, 'item')} of {tell_count(tally.families, 'family', 'families')}."
    )
    if tally.twins:
        told += f" {tell_count(tally.twins, 'item')} have a twin, for which the same two options swap roles."
    return told


def _write_dimensions(manifest: Manifest) -> str:
    table = [
        (
            make_code(d["id"]),
            escape(d["name"]),
            d["kind"],
            f"{d['items']:,}",
            escape(d["definition"]),
        )
        for d in manifest["dimensions"]
    ]
    return make_table(("id", "name", "kind", "items", "definition"), table)


def _write_control_note(manifest: Manifest) -> str:
    if not any(d["kind"] == DimensionKind.CONTROL and d["items"] for d in manifest["dimensions"]):
        return (
            "There is no capability control: whether a model fails multiple choice because it cannot "
            "answer questions of this form is not measured here."
        )
    return (
        "Dimensions of the kind `control` hold capability questions. They show whether failing multiple "
        "choice is lack of ability, and are never part of CS or CSS."
    )


def _write_config_note(manifest: Manifest) -> str:
    if is_held_out(manifest):
        return "All configs have one split, `held_out`: this folder is private."
    told = "All configs have one split, `test`. There is none for training."
    if held := manifest["sibling"]["items"]:
        verb = "is" if held == 1 else "are"
        told += (
            f" {tell_count(held, 'more item')} {verb} held out, in a folder that is not published."
        )
    return told


def _write_configs(tally: Tally) -> str:
    first = tally.count("order_1_positive")["A"]
    table = [(make_code(config), f"{tally.items:,}", CONFIG_NOTES[config]) for config in CONFIGS]
    return make_table(("config", "rows", "content"), table) + (
        f"\n\nThe positive option is A in {first:,} of {tally.items:,} items in the first order and in the "
        f"other {tally.items - first:,} in the second, so that always choosing A earns about half on each."
    )


def _write_columns(manifest: Manifest, tally: Tally) -> str:
    configs: dict[str, list[str]] = {}
    for config in CONFIGS:
        for column in list_columns(config, tally.columns):
            configs.setdefault(column, []).append(config)
    table = [
        (
            make_code(column),
            COLUMN_NOTES.get(column, ""),
            "all" if len(configs[column]) == len(CONFIGS) else _list_codes(configs[column]),
        )
        for column in order_columns(configs)
    ]
    told = make_table(("column", "content", "configs"), table)
    if has_votes(manifest):
        votes = [(make_code(column), note) for column, note in VOTE_NOTES.items()]
        told += f"\n\n`{VOTES}` holds the votes of reviewers:\n\n"
        told += make_table(("column", "content"), votes)
    return told


def _list_codes(names: Sequence[str]) -> str:
    return ", ".join(map(make_code, names))


def _write_lengths(tally: Tally) -> str:
    positive, negative = tally.positive_lengths, tally.negative_lengths
    table = [
        (name, min(lengths), f"{median(lengths):g}", max(lengths))
        for name, lengths in (("positive", positive), ("negative", negative))
    ]
    shorter = sum(map(lt, positive, negative))
    longer = sum(map(gt, positive, negative))
    return make_table(("option", "shortest", "median", "longest"), table) + (
        f"\n\nIn characters. The positive option is the shorter one in {shorter:,} items, the longer one "
        f"in {longer:,}, and as long in {tally.items - shorter - longer:,}."
    )
