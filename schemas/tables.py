"""The tables of finebench as pandera models; `TABLES` names each, with its version and keys."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import pandera.pandas as pa

from schemas import columns as c
from schemas import rules
from schemas import run_columns as r
from schemas.column_kinds import Columns
from schemas.labels import JudgeWord, Rung

__all__ = ["ADDED_ANSWERS", "ADDED_COLUMNS", "SCHEMA_VERSION", "TABLES", "TableName", "TableSpec"]

SCHEMA_VERSION = "4"
"""Raised whenever a table's columns or their meaning change."""

ADDED_COLUMNS = {
    "cell": "",
    "twin": "",
    "positive_verdict": str(JudgeWord.NOT_JUDGED),
    "negative_verdict": str(JudgeWord.NOT_JUDGED),
    "negative_rung": str(Rung.UNKNOWN),
}
"""Columns of questions and items that version 2 had not, with what they are in rows of that time."""

ADDED_ANSWERS = {"answered_at": ""}
"""The same of reviewers' answers."""


class TableName(StrEnum):
    """The tables that finebench keeps."""

    DIMENSION = "dimension"
    QUESTION = "question"
    ITEM = "item"
    FINDING = "finding"
    REJECTION = "rejection"
    ASSIGNMENT = "assignment"
    GOLD = "gold"
    ANNOTATION = "annotation"
    EDIT = "edit"
    WITHDRAWAL = "withdrawal"
    RULING = "ruling"
    OPTIONS_BY_HAND = "options_by_hand"
    EXCLUSION = "exclusion"
    DECISION = "decision"
    RELEASE = "release"
    RESPONSE = "response"
    JUDGEMENT = "judgement"
    VERDICT = "verdict"
    REPLY_SLICE = "reply_slice"
    REPLY_ASSIGNMENT = "reply_assignment"
    REPLY_ANSWER = "reply_answer"


@dataclass(frozen=True)
class TableSpec:
    """One table: its columns with their checks, the columns that make a row unique, its row rules."""

    name: TableName
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    row_rules: tuple[rules.RowRule, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(self.schema.columns)

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """The name of each column's type, in order."""
        return {name: str(column.dtype) for name, column in self.schema.columns.items()}


def _make_specs() -> dict[TableName, TableSpec]:
    version = ("item_id", "content_hash")
    reply = ("run", "model", "item_id", "sample")
    texts = (rules.OPTIONS_DIFFER, rules.HASH_MATCHES)
    answers = (rules.ANSWERS_COMPLETE, rules.REVISION_GIVEN)
    made: list[tuple[TableName, Columns, tuple[str, ...], tuple[rules.RowRule, ...]]] = [
        (TableName.DIMENSION, c.describe_dimension(), ("id",), ()),
        (TableName.QUESTION, c.describe_question(), ("item_id",), ()),
        (TableName.ITEM, c.describe_item(), ("item_id",), texts),
        (TableName.FINDING, c.describe_finding(), (), ()),
        (TableName.REJECTION, c.describe_rejection(), (), ()),
        (TableName.ASSIGNMENT, c.describe_assignment(), (*version, "round", "reviewer"), ()),
        (TableName.GOLD, c.describe_gold(), ("item_id",), texts),
        (TableName.ANNOTATION, c.describe_annotation(), (*version, "round", "reviewer"), answers),
        (TableName.EDIT, c.describe_edit(), (), texts),
        (TableName.WITHDRAWAL, c.describe_word(), ("item_id",), ()),
        (TableName.RULING, c.describe_ruling(), (), ()),
        (TableName.OPTIONS_BY_HAND, c.describe_by_hand(), (), ()),
        (TableName.EXCLUSION, c.describe_exclusion(), (), ()),
        (TableName.DECISION, c.describe_decision(), ("item_id",), texts),
        (TableName.RELEASE, c.describe_release(), ("item_id",), texts),
        (TableName.RESPONSE, r.describe_response(), (*reply, "form"), ()),
        (TableName.JUDGEMENT, r.describe_judgement(), (*reply, "judge"), ()),
        (TableName.VERDICT, r.describe_verdict(), reply, ()),
        (TableName.REPLY_SLICE, r.describe_reply_slice(), reply, ()),
        (TableName.REPLY_ASSIGNMENT, r.describe_reply_assignment(), ("reply_id", "reviewer"), ()),
        (
            TableName.REPLY_ANSWER,
            r.describe_reply_answer(),
            ("reply_id", "reviewer"),
            (rules.JUDGEMENT_COMPLETE,),
        ),
    ]
    return {
        name: TableSpec(name, pa.DataFrameSchema(columns), key, row_rules)
        for name, columns, key, row_rules in made
    }


TABLES: dict[TableName, TableSpec] = _make_specs()
"""Every table by its name."""
