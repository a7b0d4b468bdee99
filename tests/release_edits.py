"""Two releases made of each other by edits: small random ones, and how much each edit alone would change."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from table_rows import FACTORIES

from builder.release.reading import ReleaseData
from builder.release.versions.semver import Level
from schemas.storage import Row
from schemas.tables import TableName
from schemas.texts import hash_content

__all__ = ["EDITS", "Edit", "Made", "apply_edits", "make_manifest", "make_release", "make_row"]

DIMENSIONS = ("fairness", "privacy", "control")
WORDS = ("Should", "I", "read", "her", "diary", "?", "我", "不", "读", " ", "  ", "\n", "é", "—")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map("".join)
IDS = st.integers(0, 9).map(lambda number: f"item-{number}")


def make_row(item_id: str, **more: str) -> Row:
    """Return a sound row of a release, its hash that of its texts."""
    row = FACTORIES[TableName.RELEASE]() | {"item_id": item_id} | more
    texts = (row[name] for name in ("question", "positive_option", "negative_option", "language"))
    return row | {"content_hash": hash_content(*texts)}


def make_manifest(version: str = "1.0.0") -> dict[str, Any]:
    """Return a manifest with what a diff looks at."""
    return {
        "format": 2,
        "name": "bench",
        "version": version,
        "date": f"date of {version}",
        "license": "CC-BY-4.0",
        "schema": "3",
        "split": "test",
        "dimensions": [_describe_dimension(name) for name in DIMENSIONS],
        "prompts": {
            "asking": {"open:en": "a", "mc_order_1:en": "b"},
            "judging": "c",
            "writing": {"question": ["d"]},
        },
        "evaluator": {"version": "1.0.0", "hash": "e", "scoring_hash": "f"},
        "retired": [],
        "review": {},
        "gates": [],
        "waivers": {},
        "files": {"README.md": version},
    }


def _describe_dimension(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "definition": f"About {name}.",
        "kind": "safety",
        "quota": 4,
    }


def make_release(rows: Sequence[Row], manifest: dict[str, Any] | None = None) -> ReleaseData:
    """Return a release of rows, as if it were read."""
    told = make_manifest() if manifest is None else manifest
    return ReleaseData(Path("release"), told, [dict(row) for row in rows])


@dataclass
class Made:
    """A release in the making."""

    rows: dict[str, Row] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=make_manifest)

    def copy(self) -> "Made":
        """Return a release that can be edited without changing this one."""
        return copy.deepcopy(self)

    def finish(self) -> ReleaseData:
        """Return it as a release."""
        return make_release([row for _, row in sorted(self.rows.items())], self.manifest)


@dataclass(frozen=True)
class Edit:
    """One edit: what it does, how much it changes, and whether its effect can be seen in the end."""

    told: str
    level: Level
    do: Callable[[Made], None]
    survives: Callable[[Made, Made], bool]

    def __repr__(self) -> str:
        return self.told


def apply_edits(old: Made, edits: Sequence[Edit]) -> Made:
    """Return a copy of a release after edits, with the number of a next version."""
    new = old.copy()
    for edit in edits:
        edit.do(new)
    new.manifest |= {"version": "1.1.0", "date": "later", "files": {"README.md": "other"}}
    return new


def _add(item_id: str, text: str) -> Edit:
    def do(made: Made) -> None:
        made.rows.setdefault(item_id, make_row(item_id, question=text))

    def survives(old: Made, new: Made) -> bool:
        return item_id in new.rows and item_id not in old.rows

    return Edit(f"add {item_id}", Level.MINOR, do, survives)


def _retire(item_id: str) -> Edit:
    def do(made: Made) -> None:
        if made.rows.pop(item_id, None):
            made.manifest["retired"].append({"item_id": item_id, "version": "1.1.0", "reason": "r"})

    def survives(old: Made, new: Made) -> bool:
        return item_id in old.rows and item_id not in new.rows

    return Edit(f"retire {item_id}", Level.MINOR, do, survives)


def _set(item_id: str, column: str, value: str, level: Level) -> Edit:
    def do(made: Made) -> None:
        if item_id in made.rows:
            made.rows[item_id] = make_row(**(made.rows[item_id] | {column: value}))

    def survives(old: Made, new: Made) -> bool:
        both = item_id in old.rows and item_id in new.rows
        return both and old.rows[item_id].get(column) != new.rows[item_id].get(column)

    return Edit(f"set {column} of {item_id} to {value!r}", level, do, survives)


def _configure(path: tuple[str, ...], value: Any, level: Level) -> Edit:
    def find(made: Made, names: tuple[str, ...]) -> Any:
        found: Any = made.manifest
        for name in names:
            found = found[name]
        return found

    def do(made: Made) -> None:
        find(made, path[:-1])[path[-1]] = value

    def survives(old: Made, new: Made) -> bool:
        return bool(find(old, path[:-1]).get(path[-1]) != find(new, path[:-1]).get(path[-1]))

    return Edit(f"{'.'.join(path)} = {value!r}", level, do, survives)


def _redefine(dimension: str, key: str, value: Any, level: Level) -> Edit:
    def find(made: Made) -> dict[str, Any]:
        found = [d for d in made.manifest["dimensions"] if d["id"] == dimension]
        return found[0] if found else {}

    def do(made: Made) -> None:
        if found := find(made):
            found[key] = value

    def survives(old: Made, new: Made) -> bool:
        return bool(find(old) and find(new)) and find(old).get(key) != find(new).get(key)

    return Edit(f"{key} of {dimension} = {value!r}", level, do, survives)


def _toggle_dimension(dimension: str) -> Edit:
    def names(made: Made) -> dict[str, object]:
        return {d["id"]: d for d in made.manifest["dimensions"]}

    def do(made: Made) -> None:
        dimensions = made.manifest["dimensions"]
        if dimension in names(made):
            made.manifest["dimensions"] = [d for d in dimensions if d["id"] != dimension]
        else:
            places = [*DIMENSIONS, "honesty"]
            dimensions.append(_describe_dimension(dimension))
            dimensions.sort(key=lambda found: places.index(found["id"]))

    return Edit(
        f"toggle dimension {dimension}",
        Level.MAJOR,
        do,
        # One that is taken away and made anew means something else.
        lambda old, new: names(old).get(dimension) != names(new).get(dimension),
    )


_SHOWN = st.sampled_from(["question", "positive_option", "negative_option"])
_BESIDE = st.sampled_from(["decision_method", "family", "origin", "negative_rung", "decided_by"])
_VALUES = st.sampled_from(["x", "y"])

EDITS = st.one_of(
    st.builds(_add, IDS, TEXTS),
    st.builds(_retire, IDS),
    st.builds(_set, IDS, _SHOWN, TEXTS, st.just(Level.MAJOR)),
    st.builds(_set, IDS, st.just("language"), st.sampled_from(["en", "de"]), st.just(Level.MAJOR)),
    st.builds(_set, IDS, st.just("dimension"), st.sampled_from(DIMENSIONS), st.just(Level.MAJOR)),
    st.builds(
        _set, IDS, st.just("kind"), st.sampled_from(["safety", "control"]), st.just(Level.MAJOR)
    ),
    st.builds(
        _set, IDS, st.just("order_1_positive"), st.sampled_from("AB"), st.just(Level.MINOR)
    ),
    st.builds(_set, IDS, _BESIDE, _VALUES, st.just(Level.PATCH)),
    st.builds(_set, IDS, st.just("a_new_column"), _VALUES, st.just(Level.PATCH)),
    st.builds(_toggle_dimension, st.sampled_from([*DIMENSIONS, "honesty"])),
    st.builds(
        _redefine,
        st.sampled_from(DIMENSIONS),
        st.sampled_from(["definition", "name", "kind"]),
        _VALUES,
        st.just(Level.MAJOR),
    ),
    st.builds(
        _redefine, st.sampled_from(DIMENSIONS), st.just("quota"), st.integers(4, 6),
        st.just(Level.PATCH),
    ),
    st.builds(_configure, st.just(("evaluator", "scoring_hash")), _VALUES, st.just(Level.MAJOR)),
    st.builds(_configure, st.just(("prompts", "judging")), _VALUES, st.just(Level.MAJOR)),
    st.builds(_configure, st.just(("prompts", "asking", "open:en")), _VALUES, st.just(Level.MAJOR)),
    st.builds(_configure, st.just(("evaluator", "hash")), _VALUES, st.just(Level.PATCH)),
    st.builds(_configure, st.just(("schema",)), _VALUES, st.just(Level.MINOR)),
    st.builds(_configure, st.just(("license",)), _VALUES, st.just(Level.PATCH)),
    st.builds(_configure, st.just(("review", "answers")), st.integers(0, 3), st.just(Level.PATCH)),
)  # fmt: skip
"""Every kind of edit that a curator, or a change of the code, can make."""
