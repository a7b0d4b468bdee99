"""What validation tells of changed rows: tables and bad values go in, told problems come out."""

from collections.abc import Iterable
from itertools import product
from typing import Any

from table_rows import FACTORIES

from schemas.errors import Problem
from schemas.storage import Row
from schemas.tables import TABLES, TableName
from schemas.validation import validate_rows

__all__ = [
    "check_each",
    "check_rule",
    "list_checked",
    "list_columns",
    "tell",
    "tell_changed",
    "tell_each",
]


def tell(problems: list[Problem]) -> list[tuple[int, str, str]]:
    """Return row, column and rule of each problem."""
    return [(problem.row, problem.column, problem.rule) for problem in problems]


def tell_changed(table: TableName, **changes: Any) -> list[tuple[int, str, str]]:
    """Return what is wrong with a sound row once it is changed."""
    return tell(validate_rows([FACTORIES[table]() | changes], table))


def list_columns(table: TableName, dtype: str) -> list[str]:
    """Return every column of a table that is of a type."""
    columns = TABLES[table].schema.columns
    return [column for column in columns if str(columns[column].dtype) == dtype]


def list_checked(table: TableName, rule: str) -> list[str]:
    """Return every column of a table whose values are checked for a rule."""
    columns = TABLES[table].schema.columns
    return [c for c in columns if rule in [check.name for check in columns[c].checks]]


def check_each(table: TableName, columns: Iterable[str], values: Iterable[Any]) -> None:
    """Put each value into each column of a sound row, and hold that just this column is told.

    All cases are rows of one call, as validation of a whole table is what takes the time.
    """
    cases = list(product(columns, values))
    rows = [FACTORIES[table]() | {column: value} for column, value in cases]
    told = tell_each(rows, table)
    for (column, value), found in zip(cases, told, strict=True):
        assert {name for name, _ in found} == {column}, (column, value, found)


def tell_each(rows: list[Row], table: TableName) -> list[set[tuple[str, str]]]:
    """Return column and rule of each row's problems, but for repeated keys and changed texts."""
    passed_over = ("unique", "hash matches content")
    told: list[set[tuple[str, str]]] = [set() for _ in rows]
    for row, column, rule in tell(validate_rows(rows, table)):
        if not rule.startswith(passed_over):
            told[row - 1].add((column, rule))
    return told


def check_rule(table: TableName, rule: str, values: list[str]) -> None:
    """Hold that each value, in each column that has the rule, is told as a breach of it."""
    cases = list(product(list_checked(table, rule), values))
    rows = [FACTORIES[table]() | {column: value} for column, value in cases]
    for (column, value), found in zip(cases, tell_each(rows, table), strict=True):
        assert (column, rule) in found, (column, value, found)
