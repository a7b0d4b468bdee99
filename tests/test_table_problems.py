"""Problems of tables: all are told at once, by row, column, value and remedy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_checks import tell
from table_rows import TEXTS, make_item, make_question, make_withdrawal

from schemas.errors import DataError
from schemas.rules import REMEDIES
from schemas.tables import TABLES, TableName
from schemas.texts import hash_content
from schemas.validation import require_valid, validate_rows


def test_a_problem_names_file_line_column_value_rule_and_remedy() -> None:
    """The reader of a message must be able to go there and mend it, and see no raw text in full."""
    row = make_item() | {"language": "e" * 200 + "\x1b"}
    row["content_hash"] = hash_content(*TEXTS[:3], row["language"])
    (problem,) = validate_rows([row], TableName.ITEM, file="02_options.jsonl", lines=[17])
    assert (problem.file, problem.row, problem.column) == ("02_options.jsonl", 17, "language")
    assert problem.value == '"' + "e" * 57 + '…"'
    assert (problem.rule, problem.remedy) == ("language tag", REMEDIES["language tag"])
    for part in ("02_options.jsonl:17:", "language", problem.value, REMEDIES["language tag"]):
        assert part in str(problem)


def test_rows_broken_in_different_ways_are_all_told_in_one_call_in_order() -> None:
    """Every problem of a file is gathered, then reported once: one repair, one more run."""
    sound = make_item()
    rows = [
        sound | {"item_id": "a"},
        sound | {"item_id": "b", "question": 3},
        sound | {"item_id": "a", "language": "english", "dimension": "sport"},
        {column: value for column, value in sound.items() if column != "family"} | {"x": 1},
        sound | {"item_id": "c", "positive_arm": "shout", "negative_option": " "},
        sound | {"item_id": "d\ud800"},
    ]
    problems = validate_rows(rows, TableName.ITEM, dimensions={"privacy"})
    assert tell(problems) == [
        (2, "question", "value type str"),
        (3, "item_id", "unique (row 1)"),
        (3, "dimension", "dimension known"),
        (3, "language", "language tag"),
        (3, "content_hash", "hash matches content"),
        (4, "x", "column unknown in table item"),
        (4, "family", "column missing"),
        (5, "negative_option", "ends trimmed"),
        (5, "negative_option", "not blank"),
        (5, "positive_arm", "known label"),
        (5, "content_hash", "hash matches content"),
        (6, "item_id", "no control characters"),
    ]
    with pytest.raises(DataError, match="items: 12 breaches of the item table") as caught:
        require_valid(rows, TableName.ITEM, file="items", dimensions={"privacy"})
    assert [p.rule for p in caught.value.problems] == [p.rule for p in problems]


def test_a_row_with_a_missing_column_is_told_its_other_breaches_too() -> None:
    """The promise is every breach: a missing column must not hide a blank question."""
    row = make_question() | {"question": "", "dimension": "sport"}
    del row["family"]
    found = tell(validate_rows([row], TableName.QUESTION, dimensions={"privacy"}))
    assert {(column, rule) for _, column, rule in found} == {
        ("family", "column missing"),
        ("question", "not blank"),
        ("dimension", "dimension known"),
    }


@given(st.dictionaries(st.sampled_from(TABLES[TableName.WITHDRAWAL].columns), st.text()))
@settings(deadline=None, max_examples=40)
def test_validation_of_any_texts_ends_in_problems_and_never_in_a_traceback(
    changes: dict[str, str],
) -> None:
    """Files are written by anybody's editor: whatever stands there must be told in words."""
    problems = validate_rows([make_withdrawal() | changes], TableName.WITHDRAWAL)
    assert {problem.column for problem in problems} <= set(changes)
    assert all(problem.remedy and problem.row == 1 for problem in problems)
