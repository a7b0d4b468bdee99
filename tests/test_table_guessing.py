"""Guessing a table: a file is told by its columns, and a foreign one is not guessed at."""

import pytest
from table_rows import every_table

from schemas.tables import TABLES, TableName
from schemas.validation import guess_table


@every_table
def test_a_table_is_told_from_its_columns(table: TableName) -> None:
    """`finebench validate FILE` must know what a file is, even with one column wrong."""
    columns = TABLES[table].columns
    assert guess_table(reversed(columns)) is table
    assert guess_table([*columns, "colour"]) is table
    if len(columns) > 5:
        assert guess_table(columns[:-1]) is table


@pytest.mark.parametrize("columns", [[], ["id", "category"], ["a", "b", "c"], ["item_id"]])
def test_columns_of_another_kind_are_no_table(columns: list[str]) -> None:
    """A wrong guess would report hundreds of breaches of a table that the file never was."""
    assert guess_table(columns) is None
