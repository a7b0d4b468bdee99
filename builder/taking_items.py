"""Taking items from outside, whatever their format: rows as they stand enter; items or their faults leave.

A format says in which field of a row each text stands, and hands over one row after the other. What is
wrong with a row is told in full, with file, row, field, value, rule and remedy, and the others go on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.workspace import Workspace, read_table
from schemas.errors import Problem, UsageError
from schemas.labels import Arm, Origin, Polarity
from schemas.rules import REMEDIES
from schemas.storage import Row
from schemas.tables import ADDED_COLUMNS, TableName
from schemas.taxonomy import Taxonomy
from schemas.texts import (
    allocate_item_id,
    find_forbidden_characters,
    hash_content,
    is_language_tag,
    shorten,
    trim,
)

__all__ = [
    "HOW_TAKEN",
    "TEXTS",
    "Fault",
    "ImportReport",
    "Naming",
    "Seen",
    "SourceRow",
    "count_lost",
    "find_seen",
    "make_rejection_row",
    "take_row",
]

HOW_TAKEN = "import.json"
"""The file in an import's folder that tells how it was taken; one of FINE's format has none."""

TEXTS = ("question", "positive_option", "negative_option")
"""What every item has, and no row may lack."""

Fault = tuple[str, str, str, str]
"""The field, its value as people read it, the rule it breaks and the remedy."""

_LABELS = {"polarity": Polarity, "positive_arm": Arm, "negative_arm": Arm}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: items taken, and the problems of the rows that could not be.

    ``folder`` holds both: ``items.jsonl``, and ``rejected.jsonl`` with the rows as they stood.
    ``lost`` counts the items of an earlier import of that name that this one put out.
    """

    folder: Path
    items: list[Row]
    problems: list[Problem]
    lost: int

    @property
    def refused(self) -> int:
        """The number of rows that were not taken."""
        return len({(problem.file, problem.row) for problem in self.problems})


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row as it stands: its place for people, its number for editors, its fields, its whole text.

    ``part`` names the part of the source that numbers its rows apart, such as a split; ``spoilt`` holds
    what was found wrong with the row before any field was looked at.
    """

    place: str
    number: int
    fields: Mapping[str, Any]
    text: str
    part: str = ""
    spoilt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Naming:
    """In which field of a row each column of an item stands, and what is the same for all rows.

    ``fields`` maps columns to fields, the three `TEXTS` among them. ``dimension`` (an id) and ``language``
    are for all rows that have no field for it; an ``id`` or ``family`` without a field is made.
    """

    fields: Mapping[str, str]
    dimension: str = ""
    language: str = "en"


@dataclass(slots=True)
class Seen:
    """What earlier rows and other imports hold: where each item id and each source id stands."""

    items: dict[str, str]
    source_ids: dict[str, str] = field(default_factory=dict)


def find_seen(workspace: Workspace, folder: Path) -> Seen:
    """Return what the imports hold, but for the one kept in ``folder``, which is taken anew."""
    others = [path for path in workspace.list_imports() if path.parent != folder]
    return Seen(
        {
            row["item_id"]: f"import {row['question_source']}"
            for path in others
            for row in read_table(path, TableName.ITEM)
        }
    )


def count_lost(folder: Path, items: Iterable[Row], *, replace: bool) -> int:
    """Return how many items of an earlier import in ``folder`` are not among ``items``.

    Raises `UsageError` where there are any, unless they are to be replaced.
    """
    earlier = read_table(folder / "items.jsonl", TableName.ITEM)
    lost = {row["item_id"] for row in earlier} - {row["item_id"] for row in items}
    if lost and not replace:
        raise UsageError(
            f"an import named {folder.name} is there already, and this file lacks {len(lost)} of its "
            "items. Rename the file to take both, or import it with --replace."
        )
    return len(lost)


def make_rejection_row(place: str, reasons: Sequence[str], text: str) -> Row:
    """Return the rejection row of a row that was not taken, holding it as it stood."""
    return {
        "item_id": place,
        "dimension": "",
        "stage": "import",
        "reasons": "; ".join(reasons),
        "row": text,
    }


def take_row(
    row: SourceRow, source: str, naming: Naming, taxonomy: Taxonomy, seen: Seen
) -> Row | list[Problem]:
    """Return the item of one row, or everything that is wrong with the row; ``seen`` learns of it.

    ``source`` is where the row comes from, as the item will say.
    """
    file = f"{source}, {row.part}" if row.part else source
    faults: list[Fault] = [
        ("", "", reason, "Mend the row, and import again.") for reason in row.spoilt
    ]
    if not faults:
        faults = _find_faults(row.fields, naming, taxonomy, seen.source_ids)
        source_id = _get_id(row.fields.get(naming.fields.get("id", "")))
        if source_id:
            seen.source_ids.setdefault(source_id, row.place)
    if not faults:
        item = _make_item(row, source, naming, taxonomy)
        earlier = seen.items.setdefault(item["item_id"], row.place)
        if earlier == row.place:
            return item
        question = naming.fields["question"]
        shown = shorten(item["question"])
        faults = [(question, shown, f"the same texts as {earlier}", "Keep one of the two.")]
    return [Problem(file, row.number, *fault) for fault in faults]


def _get_id(value: object) -> str:
    """Return an id as a text; an empty text for what is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _find_faults(
    row: Mapping[str, Any], naming: Naming, taxonomy: Taxonomy, places: Mapping[str, str]
) -> list[Fault]:
    fields = naming.fields
    faults: list[Fault] = []
    if "id" in fields:
        faults += _find_id_faults(fields["id"], row.get(fields["id"]), places)
    if "dimension" in fields:
        faults += _find_dimension_faults(fields["dimension"], row, taxonomy)
    for column in TEXTS:
        faults += _find_text_faults(fields[column], row.get(fields[column]))
    positive, negative = (row.get(fields[column]) for column in TEXTS[1:])
    if isinstance(positive, str) and isinstance(negative, str) and trim(positive) == trim(negative):
        remedy = "Write two options that say different things."
        shown = shorten(negative)
        faults.append((fields["negative_option"], shown, "same as the positive one", remedy))
    return faults + _find_optional_faults(row, fields)


def _find_id_faults(name: str, value: object, places: Mapping[str, str]) -> list[Fault]:
    told, text = shorten(value), _get_id(value)
    if not trim(text):
        return [(name, told, "missing or no text", "Give each row an id.")]
    if text in places:
        return [(name, told, f"id already used in {places[text]}", "Give each row its own id.")]
    if find_forbidden_characters(text):
        remedy = "Remove control characters and lone surrogates."
        return [(name, told, "holds forbidden characters", remedy)]
    return []


def _find_dimension_faults(name: str, row: Mapping[str, Any], taxonomy: Taxonomy) -> list[Fault]:
    value = row.get(name)
    if isinstance(value, str) and taxonomy.find(value) is not None:
        return []
    known = ", ".join(dimension.name for dimension in taxonomy)
    remedy = f"Use one of: {known}; or add it (or an alias) to dimensions.toml."
    return [(name, shorten(value), f"unknown {name}", remedy)]


def _find_text_faults(name: str, value: object) -> list[Fault]:
    if value is None:
        return [(name, "", "missing", f'Give the row a text in the field "{name}".')]
    if not isinstance(value, str):
        return [(name, shorten(value), "no text", "Write it as a text.")]
    if not trim(value):
        return [(name, shorten(value), "blank", "Write a text.")]
    forbidden = find_forbidden_characters(trim(value))
    if forbidden:
        rule = f"holds {', '.join(forbidden)}"
        return [(name, shorten(value), rule, "Remove control characters and lone surrogates.")]
    return []


def _find_optional_faults(row: Mapping[str, Any], fields: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the fields that an item can do without; a blank one says nothing."""
    faults: list[Fault] = []
    for column, labels in _LABELS.items():
        value = row.get(fields.get(column, ""))
        if not _is_blank(value) and (not isinstance(value, str) or trim(value) not in list(labels)):
            remedy = f"Use one of: {', '.join(labels)}; or leave it blank."
            faults.append((fields[column], shorten(value), f"unknown {column}", remedy))
    if "language" in fields:
        value = row.get(fields["language"])
        if not isinstance(value, str) or not is_language_tag(trim(value)):
            remedy = REMEDIES["language tag"]
            faults.append((fields["language"], shorten(value), "no language tag", remedy))
    family = row.get(fields.get("family", ""))
    if not _is_blank(family) and (not _get_id(family) or find_forbidden_characters(str(family))):
        remedy = "Write a text or a whole number; or leave it blank."
        faults.append((fields["family"], shorten(family), "no name of a family", remedy))
    return faults


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not trim(value))


def _make_item(row: SourceRow, source: str, naming: Naming, taxonomy: Taxonomy) -> Row:
    given = {
        column: trim(str(row.fields[name]))
        for column, name in naming.fields.items()
        if not _is_blank(row.fields.get(name))
    }
    dimension = taxonomy.find(given.get("dimension", naming.dimension))
    assert dimension is not None  # _find_faults has seen to it
    texts = [given[column] for column in TEXTS]
    item_id = allocate_item_id(dimension.id, *texts)
    language = given.get("language", naming.language)
    sides: Row = {}
    for side in ("positive", "negative"):
        sides |= {
            f"{side}_arm": given.get(f"{side}_arm", str(Arm.UNKNOWN)),
            f"{side}_source": source,
            f"{side}_prompt": "",
            f"{side}_call": "",
        }
    return (
        sides
        | ADDED_COLUMNS
        | dict(zip(TEXTS, texts, strict=True))
        | {
            "item_id": item_id,
            "dimension": dimension.id,
            "language": language,
            # Numbers of families begin anew in each source.
            "family": f"{source}/{given['family']}" if "family" in given else item_id,
            "polarity": given.get("polarity", str(Polarity.UNKNOWN)),
            "origin": str(Origin.IMPORTED),
            "question_source": source,
            "question_prompt": "",
            "question_call": "",
            "source_id": given.get("id", row.place),
            "source_record": row.text,
            "content_hash": hash_content(texts[0], texts[1], texts[2], language),
        }
    )
