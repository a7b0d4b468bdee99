"""Dimensions: a TOML file enters, a checked `Taxonomy` leaves."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import DataError, Problem
from schemas.labels import DimensionKind
from schemas.storage import read_bytes
from schemas.texts import shorten, trim

__all__ = ["Dimension", "Taxonomy", "load_taxonomy"]

_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_RESERVED = frozenset({"overall"})
_TEXTS = ("name", "definition")
_LISTS = ("in_scope", "out_of_scope", "examples", "aliases")
_KNOWN = {"id", "kind", "quota", "twins", *_TEXTS, *_LISTS}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One safety dimension, or a capability control (``kind``).

    ``quota`` is how many questions stage 1 aims for. ``aliases`` are other names under which imported
    data may know the dimension. ``twins`` tells whether its questions are asked for in pairs for which
    the same two options swap roles; None leaves it to the benchmark's configuration.
    """

    id: str
    name: str
    definition: str
    in_scope: tuple[str, ...]
    out_of_scope: tuple[str, ...]
    examples: tuple[str, ...]
    aliases: tuple[str, ...]
    quota: int
    kind: DimensionKind
    twins: bool | None = None

    def wants_twins(self, *, default: bool) -> bool:
        """Return whether its questions come in twins; those of a control never do."""
        if self.kind is DimensionKind.CONTROL:
            return False
        return default if self.twins is None else self.twins


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The dimensions of a benchmark, in the order of their file."""

    dimensions: tuple[Dimension, ...]

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)

    def __contains__(self, dimension_id: object) -> bool:
        return any(d.id == dimension_id for d in self.dimensions)

    def __getitem__(self, dimension_id: str) -> Dimension:
        for dimension in self.dimensions:
            if dimension.id == dimension_id:
                return dimension
        raise KeyError(dimension_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all dimensions, in order."""
        return tuple(d.id for d in self.dimensions)

    def find(self, name: str) -> Dimension | None:
        """Return the dimension whose id, name or alias is ``name``, whatever its case, or None."""
        wanted = _fold(name)
        for dimension in self.dimensions:
            if wanted in map(_fold, (dimension.id, dimension.name, *dimension.aliases)):
                return dimension
        return None


def _fold(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def load_taxonomy(path: Path) -> Taxonomy:
    """Read ``dimensions.toml``: one ``[[dimension]]`` table each.

    Raises `DataError` with every problem found: broken TOML, unknown or missing keys, wrong types,
    ids that are repeated or not ``lower_case``, unknown kinds, negative quotas, shared names.
    """
    try:
        document = tomllib.loads(read_bytes(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid TOML in UTF-8 ({error}). Mend that place.") from error
    rows = document.get("dimension")
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise DataError(f"{path}: holds no [[dimension]] table. Describe at least one dimension.")
    problems = [
        Problem(path.name, 0, key, "", "unknown key or table", "Write [[dimension]] tables alone.")
        for key in sorted(set(document) - {"dimension"})
    ]
    for number, row in enumerate(rows, start=1):
        problems += [Problem(path.name, number, *fault) for fault in _check_dimension(row)]
    problems += _check_names(rows, path.name)
    if problems:
        raise DataError(
            f"{path}: {len(problems)} problems (rows count [[dimension]] tables).", problems
        )
    return Taxonomy(tuple(_make_dimension(row) for row in rows))


def _check_dimension(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for key in sorted(set(row) - _KNOWN):
        yield key, "", "unknown key", f"Known keys: {', '.join(sorted(_KNOWN))}."
    if not isinstance(row.get("id"), str) or not _ID.fullmatch(row["id"]):
        yield (
            "id",
            shorten(row.get("id")),
            "not an id",
            "Use 2-40 of a-z, 0-9 and _, a letter first.",
        )
    for key in _TEXTS:
        if not isinstance(row.get(key), str) or not trim(row[key]):
            yield key, shorten(row.get(key)), "missing or blank", "Write a text."
    for key in _LISTS:
        value = row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and trim(v) for v in value):
            yield key, shorten(value), "not a list of texts", 'Write ["…", "…"] or leave it out.'
    quota = row.get("quota", 0)
    if not isinstance(quota, int) or isinstance(quota, bool) or quota < 0:
        yield "quota", shorten(quota), "not a number of items", "Write a whole number from 0."
    if row.get("id") in _RESERVED:
        remedy = "Scores use this word: choose another id."
        yield "id", shorten(row["id"]), "reserved", remedy
    if row.get("kind", "safety") not in list(DimensionKind):
        yield "kind", shorten(row.get("kind")), "unknown kind", 'Write "safety" or "control".'
    yield from _check_twins(row)


def _check_twins(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    twins = row.get("twins", False)
    if not isinstance(twins, bool):
        yield (
            "twins",
            shorten(twins),
            "neither true nor false",
            "Write one of them, or leave it out.",
        )
    elif twins and row.get("kind") == DimensionKind.CONTROL:
        remedy = "Leave it out: no wrong answer is right to a second question."
        yield "twins", "true", "a control dimension has no twins", remedy


def _make_dimension(row: Mapping[str, Any]) -> Dimension:
    lists = {key: tuple(trim(v) for v in row.get(key, [])) for key in _LISTS}
    return Dimension(
        id=row["id"],
        name=trim(row["name"]),
        definition=trim(row["definition"]),
        quota=row.get("quota", 0),
        kind=DimensionKind(row.get("kind", "safety")),
        twins=row.get("twins"),
        **lists,
    )


def _check_names(rows: Sequence[Mapping[str, Any]], file: str) -> list[Problem]:
    """Report each id, name or alias that an earlier dimension has taken, as far as they are texts."""
    problems: list[Problem] = []
    owners: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        aliases = row.get("aliases", [])
        names = [row.get("id"), row.get("name"), *(aliases if isinstance(aliases, list) else [])]
        for word in sorted({_fold(name) for name in names if isinstance(name, str)} - {""}):
            owner = owners.setdefault(word, number)
            if owner != number:
                taken = rows[owner - 1].get("id", f"number {owner}")
                rule = f"name already used by dimension {taken}"
                remedy = "Give it another name or id."
                problems.append(Problem(file, number, "", shorten(word), rule, remedy))
    return problems
