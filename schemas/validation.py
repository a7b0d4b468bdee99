"""Rows enter; every breach of their table's rules leaves, as problems that people can act on."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from math import isfinite
from typing import Any

import pandas as pd
import pandera.pandas as pa

from schemas.errors import DataError, Problem
from schemas.rules import REMEDIES
from schemas.tables import TABLES, TableName, TableSpec
from schemas.texts import shorten

__all__ = ["guess_table", "require_valid", "validate_rows"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPES: dict[str, tuple[type, ...]] = {
    "string[pyarrow]": (str,),
    "bool": (bool,),
    "int64": (int,),
    "float64": (float, int),
    "Int64": (int, type(None)),
    "object": (list,),
}


def validate_rows(
    rows: Sequence[Mapping[str, Any]],
    table: TableName,
    *,
    file: str = "rows",
    dimensions: Container[str] | None = None,
    lines: Sequence[int] | None = None,
    unique: bool = True,
) -> list[Problem]:
    """Return every breach of the rules of ``table`` in ``rows``, in the order of rows and columns.

    ``lines`` gives the line number of each row for messages (default: 1, 2, …). ``dimensions`` are
    the known dimension ids; where given, a row's dimension must be among them. A log, in which a later
    row may replace an earlier, is checked with ``unique`` false. An empty list means that all rules
    hold.
    """
    spec = TABLES[table]
    numbers = list(lines) if lines is not None else list(range(1, len(rows) + 1))
    report = _Report(file, numbers, rows)
    sound = [report.check_shape(i, row, spec) for i, row in enumerate(rows)]
    report.check_values(sound, spec)
    whole = [i for i, columns in enumerate(sound) if len(columns) == len(spec.columns)]
    report.check_rows(whole, spec)
    if unique:
        report.check_key(sound, spec)
    # A rejection may name a dimension that is gone: that may be why the row was rejected.
    if dimensions is not None and table != TableName.REJECTION:
        for i, columns in enumerate(sound):
            if "dimension" in columns and rows[i]["dimension"] not in dimensions:
                report.add(i, "dimension", "dimension known")
    order = {column: place for place, column in enumerate(spec.columns)}
    return sorted(report.problems, key=lambda p: (p.row, order.get(p.column, -1), p.rule))


def require_valid(
    rows: Sequence[Mapping[str, Any]],
    table: TableName,
    *,
    file: str = "rows",
    dimensions: Container[str] | None = None,
) -> None:
    """Raise `DataError` with every problem where ``rows`` break a rule of ``table``."""
    problems = validate_rows(rows, table, file=file, dimensions=dimensions)
    if problems:
        raise DataError(f"{file}: {len(problems)} breaches of the {table} table.", problems)


def guess_table(columns: Iterable[str]) -> TableName | None:
    """Return the table whose columns overlap ``columns`` best, or None where none shares half."""
    seen = set(columns)
    best = max(TABLES.values(), key=lambda spec: _overlap(seen, spec))
    return best.name if _overlap(seen, best) >= 0.5 else None


def _overlap(seen: set[str], spec: TableSpec) -> float:
    return len(seen & set(spec.columns)) / len(seen | set(spec.columns))


class _Report:
    """Collects problems of one file; rows are named by their index into ``rows``."""

    def __init__(
        self, file: str, numbers: Sequence[int], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        self.file, self.numbers, self.rows = file, numbers, rows
        self.problems: list[Problem] = []

    def add(self, index: int, column: str, rule: str, *, detail: str = "") -> None:
        """Report one breach, with the remedy of its rule."""
        value = self.rows[index].get(column)
        shown = shorten(value) if column in self.rows[index] else ""
        said = f"{rule} {detail}" if detail else rule
        self.problems.append(
            Problem(self.file, self.numbers[index], column, shown, said, REMEDIES[rule])
        )

    def check_shape(self, index: int, row: Mapping[str, Any], spec: TableSpec) -> AbstractSet[str]:
        """Report missing, unknown and wrongly typed columns; return the columns that are sound."""
        if _is_sound(row, spec):
            return spec.dtypes.keys()
        sound = set()
        for column, dtype in spec.dtypes.items():
            if column not in row:
                self.add(index, column, "column missing")
            elif not _has_type(row[column], dtype):
                self.add(index, column, "value type", detail=_TYPES[dtype][0].__name__)
            elif isinstance(row[column], str) and not _is_encodable(row[column]):
                # Arrow holds UTF-8 only, so lone surrogates never reach pandera.
                self.add(index, column, "no control characters")
            else:
                sound.add(column)
        for column in sorted(set(row) - set(spec.columns)):
            self.add(index, column, "column unknown", detail=f"in table {spec.name}")
        return sound

    def check_values(self, sound: Sequence[AbstractSet[str]], spec: TableSpec) -> None:
        """Let pandera look lazily at every column's sound values, and take over what it found.

        A value that stands in many rows is looked at once.
        """
        for name, column in spec.schema.columns.items():
            places: dict[Any, list[int]] = {}
            for i, columns in enumerate(sound):
                if name in columns:
                    value = self.rows[i][name]
                    key = value if isinstance(value, str) else (type(value), i)
                    places.setdefault(key, []).append(i)
            firsts = [rows[0] for rows in places.values()]
            values = [self.rows[i][name] for i in firsts]
            frame = pd.DataFrame({name: pd.Series(values, dtype=str(column.dtype))})
            try:
                pa.DataFrameSchema({name: column}).validate(frame, lazy=True)
            except pa.errors.SchemaErrors as errors:
                alike = list(places.values())
                for case in errors.failure_cases.to_dict("records"):
                    for i in alike[int(case["index"])]:
                        self.add(i, name, str(case["check"]))

    def check_rows(self, whole: Sequence[int], spec: TableSpec) -> None:
        """Report each row, its columns all sound, that breaks a rule over several columns."""
        for i in whole:
            for rule in spec.row_rules:
                if not rule.holds(dict(self.rows[i])):
                    self.add(i, rule.column, rule.name)

    def check_key(self, sound: Sequence[AbstractSet[str]], spec: TableSpec) -> None:
        """Report each row whose key stands in an earlier row."""
        first: dict[tuple[Any, ...], int] = {}
        for i, columns in enumerate(sound):
            if not spec.key or not columns >= set(spec.key):
                continue
            earlier = first.setdefault(tuple(self.rows[i][c] for c in spec.key), i)
            if earlier != i:
                self.add(i, spec.key[0], "unique", detail=f"(row {self.numbers[earlier]})")


def _is_sound(row: Mapping[str, Any], spec: TableSpec) -> bool:
    """Tell whether a row has just the columns of its table, all of them well typed."""
    return row.keys() == spec.dtypes.keys() and all(
        _has_type(row[column], dtype)
        and (type(row[column]) is not str or _is_encodable(row[column]))
        for column, dtype in spec.dtypes.items()
    )


def _has_type(value: object, dtype: str) -> bool:
    if type(value) is str:
        return dtype == "string[pyarrow]"
    if isinstance(value, bool):
        return dtype == "bool"
    if dtype == "object":
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return False
    if isinstance(value, float) and not isfinite(value):
        return False
    return isinstance(value, _TYPES[dtype])


def _is_encodable(text: str) -> bool:
    return text.isascii() or _SURROGATE.search(text) is None
