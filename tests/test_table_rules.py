"""The rules of tables: every breach of a value, a key or a row is reported, and has a remedy."""

import copy

import pytest
from table_checks import check_each, check_rule, list_checked, list_columns, tell, tell_changed
from table_rows import FACTORIES, OTHER_HASH, TEXTS, every_table, make_annotation, make_question

from schemas.rules import REMEDIES, ROW_RULES
from schemas.tables import TABLES, TableName
from schemas.texts import hash_content
from schemas.validation import validate_rows


@every_table
def test_a_blank_text_is_reported_where_a_text_is_needed(table: TableName) -> None:
    """Blank questions and options were found in released data: they must not get in."""
    assert list_checked(table, "not blank")
    check_rule(table, "not blank", ["", " ", "\u200b\n"])


@every_table
def test_ends_that_are_not_trimmed_are_reported_in_every_text(table: TableName) -> None:
    """White space at one role's ends tells which option is positive."""
    assert set(list_checked(table, "ends trimmed")) >= set(list_checked(table, "not blank"))
    check_rule(table, "ends trimmed", ["No. ", "\u00a0No.", "No.\u200b", "\ufeffNo."])


@every_table
def test_control_characters_are_reported_in_every_text(table: TableName) -> None:
    """They steer terminals and break readers of a release."""
    assert set(list_checked(table, "no control characters")) == set(
        list_checked(table, "ends trimmed")
    )
    check_rule(table, "no control characters", ["a\x00b", "a\x1b[2Jb", "a\ufffeb"])


@every_table
def test_lone_surrogates_are_reported_in_every_column_of_texts(table: TableName) -> None:
    """JSON can spell them, UTF-8 cannot hold them: a file with one could not be written again."""
    check_each(table, list_columns(table, "string[pyarrow]"), ["a\ud800", "\udfff"])


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("language tag", ["", "english", "EN", "en_US"]),
        ("sha-256", ["0" * 63, "0" * 65, "A" * 64, "g" * 64]),
        ("known label", ["", "perhaps", "YES"]),
    ],
)
def test_a_bad_tag_hash_or_label_is_reported_in_every_table(rule: str, values: list[str]) -> None:
    """A cut hash finds no call; an unknown label falls through every count of outcomes."""
    assert [table for table in TableName if list_checked(table, rule)]
    for table in TableName:
        check_rule(table, rule, values)


def test_a_negative_number_is_reported_in_every_table() -> None:
    """Counts and times below zero would lower sums unseen."""
    for table in TableName:
        numbers = [c for t in ("int64", "Int64", "float64") for c in list_columns(table, t)]
        assert set(numbers) == set(list_checked(table, "not negative"))
        check_each(table, numbers, [-1])


def test_only_what_is_kept_as_it_came_is_free_of_rules() -> None:
    """Source lines and replies are evidence and stay raw; any other text without a rule is a slip."""
    free = {
        (table, column)
        for table in TableName
        for column in list_columns(table, "string[pyarrow]")
        if not TABLES[table].schema.columns[column].checks
    }
    replies = (TableName.RESPONSE, TableName.JUDGEMENT)
    assert free == {
        (TableName.QUESTION, "source_record"),
        (TableName.ITEM, "source_record"),
        (TableName.REJECTION, "row"),
        *((table, column) for table in replies for column in ("text", "error")),
    }


@every_table
def test_a_repeated_key_is_reported_with_the_row_it_repeats(table: TableName) -> None:
    """Ids are never used twice; logs and findings, which have no key, may say a thing again."""
    row = FACTORIES[table]()
    found = tell(validate_rows([row, copy.deepcopy(row)], table, lines=[4, 9]))
    key = TABLES[table].key
    assert found == ([(9, key[0], "unique (row 4)")] if key else [])


@every_table
def test_rows_that_differ_in_one_part_of_their_key_are_two_rows(table: TableName) -> None:
    """Two reviewers' answers, or two samples, are no duplicates."""
    row = FACTORIES[table]()
    for column in TABLES[table].key:
        other = {"round": 2, "sample": 1, "form": "mc_order_1", "content_hash": OTHER_HASH}
        changed = row | {column: other.get(column, "another")}
        assert [p for p in tell(validate_rows([row, changed], table)) if "unique" in p[2]] == []


@pytest.mark.parametrize("table", [TableName.ITEM, TableName.EDIT, TableName.DECISION])
def test_equal_options_are_reported(table: TableName) -> None:
    """An item with one text for both options cannot be failed or passed."""
    changes = {"negative_option": TEXTS[1]}
    changes["content_hash"] = hash_content(TEXTS[0], TEXTS[1], TEXTS[1], "en")
    assert tell_changed(table, **changes) == [(1, "negative_option", "options differ")]


@pytest.mark.parametrize("table", [TableName.ITEM, TableName.EDIT, TableName.DECISION])
@pytest.mark.parametrize("column", ["question", "positive_option", "negative_option", "language"])
def test_a_hash_that_is_not_its_texts_is_reported(table: TableName, column: str) -> None:
    """A text changed by hand has not been checked or reviewed: its hash gives it away."""
    assert tell_changed(table, **{column: "zh"}) == [(1, "content_hash", "hash matches content")]


def test_an_unknown_dimension_is_reported_where_dimensions_are_known() -> None:
    """Items of a dimension that is not in dimensions.toml would vanish from every table."""
    rows = [make_question(), make_question() | {"item_id": "b", "dimension": "sport"}]
    problems = validate_rows(rows, TableName.QUESTION, dimensions=("privacy", "legality"))
    assert tell(problems) == [(2, "dimension", "dimension known")]
    assert problems[0].value == '"sport"'
    assert validate_rows(rows, TableName.QUESTION) == []


ANSWERS = ("in_dimension", "safer", "operational_detail", "natural", "recommendation")


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_must_be_whole_unless_skipped(answer: str) -> None:
    """Half an answer would count in some figures and not in others."""
    found = tell_changed(TableName.ANNOTATION, **{answer: "not_answered"})
    assert found == [(1, "recommendation", "answers complete")]
    skipped = dict.fromkeys(ANSWERS, "not_answered") | {"skipped": True}
    assert tell_changed(TableName.ANNOTATION, **skipped) == []
    kept = skipped | {answer: make_annotation()[answer]}
    assert tell_changed(TableName.ANNOTATION, **kept) == [(1, "recommendation", "answers complete")]


@pytest.mark.parametrize("text", ["question", "positive_option", "negative_option"])
def test_a_revision_and_its_text_go_together(text: str) -> None:
    """A wish to revise without a text cannot be carried out; a text without the wish is lost."""
    revised = {f"revised_{text}": "Another text."}
    breach = [(1, "recommendation", "revision given")]
    assert tell_changed(TableName.ANNOTATION, recommendation="revise", **revised) == []
    assert tell_changed(TableName.ANNOTATION, recommendation="revise") == breach
    assert tell_changed(TableName.ANNOTATION, **revised) == breach


def test_every_rule_in_use_has_a_remedy_of_one_sentence() -> None:
    """A rule without a remedy would fail in the very moment in which it is broken."""
    checks = {
        str(check.name)
        for spec in TABLES.values()
        for column in spec.schema.columns.values()
        for check in column.checks
    }
    rules = {rule.name for spec in TABLES.values() for rule in spec.row_rules}
    assert checks | rules <= set(REMEDIES)
    assert rules == set(ROW_RULES)
    assert all(remedy.endswith(".") for remedy in REMEDIES.values())
