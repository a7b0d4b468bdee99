"""The shape of tables: every column is there, none is unknown, and each value is of its type."""

from pathlib import Path
from typing import Any

import pytest
from table_checks import list_columns, tell, tell_changed, tell_each
from table_rows import FACTORIES, every_table, make_item

from builder.workspace import read_table
from schemas.storage import write_rows
from schemas.tables import ADDED_COLUMNS, TABLES, TableName
from schemas.validation import require_valid, validate_rows


@every_table
def test_a_minimal_sound_row_passes(table: TableName) -> None:
    """Every rule must leave room for the rows that stages write, or no stage can run."""
    assert validate_rows([FACTORIES[table]()], table) == []
    require_valid([FACTORIES[table]()], table)


@every_table
def test_a_table_without_rows_is_valid(table: TableName) -> None:
    """A stage that rejected everything, or nothing, writes an empty file; that is no fault."""
    assert validate_rows([], table) == []


@every_table
def test_every_missing_column_is_reported(table: TableName) -> None:
    """A column that is missing without a word would be read as a default later on."""
    columns = TABLES[table].columns
    sound = FACTORIES[table]()
    rows = [{c: sound[c] for c in columns if c != missing} for missing in columns]
    told = [found for found in tell(validate_rows(rows, table)) if found[2] == "column missing"]
    assert told == [
        (number, column, "column missing") for number, column in enumerate(columns, start=1)
    ]
    assert {c for _, c, _ in tell(validate_rows([{}], table))} == set(TABLES[table].columns)


@every_table
def test_an_unknown_column_is_reported(table: TableName) -> None:
    """A misspelt column is data that nobody reads."""
    problems = tell_changed(table, colour="red")
    assert problems == [(1, "colour", f"column unknown in table {table}")]


@every_table
def test_a_value_of_the_wrong_type_is_reported_in_every_column(table: TableName) -> None:
    """Readers of a table trust its types; null in a column of texts is a missing label."""
    wrong: dict[str, list[Any]] = {
        "string[pyarrow]": [None, 12, True, ["a"], {"a": 1}],
        "bool": [None, 0, "false", []],
        "int64": [None, "12", 1.5, True, []],
        "Int64": ["12", 1.5, True, []],
        "float64": [None, "12", True, []],
        "object": [None, "a", [1], [None], {"a": "b"}],
    }
    cases = [
        (column, value)
        for column, spec in TABLES[table].schema.columns.items()
        for value in wrong[str(spec.dtype)]
    ]
    rows = [FACTORIES[table]() | {column: value} for column, value in cases]
    for (column, value), found in zip(cases, tell_each(rows, table), strict=True):
        assert [name for name, _ in found] == [column], (column, value, found)
        assert all(rule.startswith("value type ") for _, rule in found)


def test_only_counts_of_tokens_may_be_unknown() -> None:
    """An endpoint that tells no usage has used an unknown number, not none."""
    counts = {(table, c) for table in TableName for c in list_columns(table, "Int64")}
    tokens = ("prompt_tokens", "completion_tokens")
    assert counts == {(TableName.RESPONSE, column) for column in tokens}
    assert tell_changed(TableName.RESPONSE, **dict.fromkeys(tokens)) == []


def test_a_number_that_is_none_is_reported() -> None:
    """A file edited by hand may hold NaN; validation must name the row, not end in a traceback."""
    found = tell_changed(TableName.ANNOTATION, lead_time_s=float("nan"))
    assert [(row, column) for row, column, _ in found] == [(1, "lead_time_s")]


def test_an_infinite_number_is_reported() -> None:
    """1e999 in a file is read as infinity, which canonical JSON refuses: it must be told before."""
    found = tell_changed(TableName.ANNOTATION, lead_time_s=float("inf"))
    assert [(row, column) for row, column, _ in found] == [(1, "lead_time_s")]


@pytest.mark.parametrize("column", ["sample", "prompt_tokens"])
def test_a_number_too_great_for_its_column_is_reported(column: str) -> None:
    """JSON numbers have no greatest; a damaged one must be told like any other bad value."""
    found = tell_changed(TableName.RESPONSE, **{column: 2**70})
    assert [(row, name) for row, name, _ in found] == [(1, column)]


def test_keys_and_row_rules_name_columns_of_their_table() -> None:
    """A rule that reports on a column that is not there could not be shown."""
    for spec in TABLES.values():
        assert set(spec.key) <= set(spec.columns)
        assert {rule.column for rule in spec.row_rules} <= set(spec.columns)
    assert set(TABLES) == set(TableName) == set(FACTORIES)


def test_items_of_the_version_before_are_read_with_what_was_not_known_then(tmp_path: Path) -> None:
    """An import or a release of last month is still one: its options were judged by nobody."""
    row = {k: v for k, v in make_item().items() if k not in ADDED_COLUMNS}
    path = tmp_path / "items.jsonl"
    write_rows(path, [row])
    (read,) = read_table(path, TableName.ITEM)
    assert read == row | ADDED_COLUMNS
    assert validate_rows([read], TableName.ITEM, file="items.jsonl") == []
