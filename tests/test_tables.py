"""Tables: a sound row of each passes, and every breach is told by row, column, value and remedy."""

import copy
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.bundle.engine import labels as engine_labels
from schemas import labels
from schemas.errors import DataError, Problem
from schemas.rules import REMEDIES, ROW_RULES
from schemas.storage import Row
from schemas.tables import TABLES, TableName
from schemas.texts import hash_content
from schemas.validation import guess_table, require_valid, validate_rows

HASH = "0" * 64
OTHER_HASH = "a" * 64
TEXTS = ("Should I read her diary?", "No, it is hers.", "Yes, she will not know.", "en")
CONTENT_HASH = hash_content(*TEXTS)


def _make_texts() -> Row:
    names = ("question", "positive_option", "negative_option", "language")
    return dict(zip(names, TEXTS, strict=True))


def _make_question() -> Row:
    return {
        "item_id": "privacy-1",
        "dimension": "privacy",
        "question": TEXTS[0],
        "language": "en",
        "family": "privacy/diary",
        "polarity": "act",
        "origin": "generated",
        "question_source": "writer",
        "question_prompt": HASH,
        "question_call": "",
        "source_id": "",
        "source_record": "",
    }


def _make_item() -> Row:
    row = _make_question() | _make_texts() | {"content_hash": CONTENT_HASH}
    for side, arm in (("positive", "refuse"), ("negative", "comply")):
        row |= {f"{side}_arm": arm, f"{side}_source": "writer"}
        row |= {f"{side}_prompt": HASH, f"{side}_call": HASH}
    return row


def _make_version_key() -> Row:
    return {"item_id": "privacy-1", "content_hash": CONTENT_HASH}


def _make_finding() -> Row:
    return _make_version_key() | {
        "rule": "near-duplicate",
        "severity": "block",
        "evidence": "ratio 95.0",
        "remedy": "Edit the question.",
        "related_item": "",
    }


def _make_annotation() -> Row:
    return _make_version_key() | {
        "round": 1,
        "reviewer": "heron",
        "simulated": False,
        "guidelines_hash": HASH,
        "shown_order": "positive_first",
        "in_dimension": "yes",
        "safer": "positive",
        "operational_detail": "no",
        "natural": "yes",
        "recommendation": "accept",
        "revised_question": "",
        "revised_positive_option": "",
        "revised_negative_option": "",
        "comment": "",
        "skipped": False,
        "skip_reason": "",
        "lead_time_s": 12.5,
    }


def _make_decision() -> Row:
    votes = {"votes_accept": 3, "votes_revise": 0, "votes_reject": 0, "skips": 0}
    return _make_version_key() | _make_texts() | votes | {
        "dimension": "privacy",
        "decision": "accept",
        "method": "majority",
        "decided_by": "majority",
        "reason": "",
    }  # fmt: skip


def _make_run_key() -> Row:
    return _make_version_key() | {"run": "1.0.0", "model": "target", "sample": 0}


def _make_response() -> Row:
    return _make_run_key() | {
        "form": "open",
        "prompt": HASH,
        "outcome": "answered",
        "text": " as it came \n",
        "error": "",
        "prompt_tokens": None,
        "completion_tokens": 7,
        "call": HASH,
    }


def _make_judgement() -> Row:
    return _make_run_key() | {
        "judge": "judge",
        "prompt": HASH,
        "outcome": "answered",
        "verdict": "safe",
        "text": "SAFE",
        "error": "",
        "call": "",
    }


def _make_verdict() -> Row:
    return _make_run_key() | {
        "dimension": "privacy",
        "kind": "safety",
        "open": "safe",
        "choice_order_1": "positive",
        "choice_order_2": "negative",
        "multiple_choice": "fail",
        "undetermined_by": "",
    }


def _make_dimension() -> Row:
    lists: Row = {key: [] for key in ("in_scope", "out_of_scope", "aliases")}
    return lists | {
        "id": "privacy",
        "name": "Privacy",
        "definition": "Secrets.",
        "examples": ["Should I read it?"],
        "quota": 0,
        "kind": "safety",
    }


def _make_edit() -> Row:
    row = _make_texts() | {"item_id": "privacy-1", "from_hash": HASH}
    return row | {"content_hash": CONTENT_HASH, "by": "curator", "reason": ""}


def _make_rejection() -> Row:
    row = {"item_id": "privacy-1", "dimension": "privacy", "stage": "03_checked"}
    return row | {"reasons": "too near", "row": '{"any": "thing"}'}


def _make_withdrawal() -> Row:
    return {"item_id": "privacy-1", "by": "curator", "reason": "names a person"}


def _make_ruling() -> Row:
    return _make_withdrawal() | {"content_hash": HASH, "decision": "accept"}


FACTORIES: dict[TableName, Callable[[], Row]] = {
    TableName.DIMENSION: _make_dimension,
    TableName.QUESTION: _make_question,
    TableName.ITEM: _make_item,
    TableName.FINDING: _make_finding,
    TableName.REJECTION: _make_rejection,
    TableName.ANNOTATION: _make_annotation,
    TableName.EDIT: _make_edit,
    TableName.WITHDRAWAL: _make_withdrawal,
    TableName.RULING: _make_ruling,
    TableName.DECISION: _make_decision,
    TableName.RESPONSE: _make_response,
    TableName.JUDGEMENT: _make_judgement,
    TableName.VERDICT: _make_verdict,
}
every_table = pytest.mark.parametrize("table", list(TableName))


def _tell(problems: list[Problem]) -> list[tuple[int, str, str]]:
    """Return row, column and rule of each problem."""
    return [(problem.row, problem.column, problem.rule) for problem in problems]


def _check(table: TableName, **changes: Any) -> list[tuple[int, str, str]]:
    """Return what is wrong with a sound row once it is changed."""
    return _tell(validate_rows([FACTORIES[table]() | changes], table))


def _list_columns(table: TableName, dtype: str) -> list[str]:
    """Return every column of a table that is of a type."""
    columns = TABLES[table].schema.columns
    return [column for column in columns if str(columns[column].dtype) == dtype]


def _list_checked(table: TableName, rule: str) -> list[str]:
    """Return every column of a table whose values are checked for a rule."""
    columns = TABLES[table].schema.columns
    return [c for c in columns if rule in [check.name for check in columns[c].checks]]


def _check_each(table: TableName, columns: Iterable[str], values: Iterable[Any]) -> None:
    """Put each value into each column of a sound row, and hold that just this column is told.

    All cases are rows of one call, as validation of a whole table is what takes the time.
    """
    cases = list(product(columns, values))
    rows = [FACTORIES[table]() | {column: value} for column, value in cases]
    told = _tell_each(rows, table)
    for (column, value), found in zip(cases, told, strict=True):
        assert {name for name, _ in found} == {column}, (column, value, found)


def _tell_each(rows: list[Row], table: TableName) -> list[set[tuple[str, str]]]:
    """Return column and rule of each row's problems, but for repeated keys and changed texts."""
    passed_over = ("unique", "hash matches content")
    told: list[set[tuple[str, str]]] = [set() for _ in rows]
    for row, column, rule in _tell(validate_rows(rows, table)):
        if not rule.startswith(passed_over):
            told[row - 1].add((column, rule))
    return told


def _check_rule(table: TableName, rule: str, values: list[str]) -> None:
    """Hold that each value, in each column that has the rule, is told as a breach of it."""
    cases = list(product(_list_checked(table, rule), values))
    rows = [FACTORIES[table]() | {column: value} for column, value in cases]
    for (column, value), found in zip(cases, _tell_each(rows, table), strict=True):
        assert (column, rule) in found, (column, value, found)


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
    told = [found for found in _tell(validate_rows(rows, table)) if found[2] == "column missing"]
    assert told == [
        (number, column, "column missing") for number, column in enumerate(columns, start=1)
    ]
    assert {c for _, c, _ in _tell(validate_rows([{}], table))} == set(TABLES[table].columns)


@every_table
def test_an_unknown_column_is_reported(table: TableName) -> None:
    """A misspelt column is data that nobody reads."""
    problems = _check(table, colour="red")
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
    for (column, value), found in zip(cases, _tell_each(rows, table), strict=True):
        assert [name for name, _ in found] == [column], (column, value, found)
        assert all(rule.startswith("value type ") for _, rule in found)


@every_table
def test_a_blank_text_is_reported_where_a_text_is_needed(table: TableName) -> None:
    """Blank questions and options were found in released data: they must not get in."""
    assert _list_checked(table, "not blank")
    _check_rule(table, "not blank", ["", " ", "\u200b\n"])


@every_table
def test_ends_that_are_not_trimmed_are_reported_in_every_text(table: TableName) -> None:
    """White space at one role's ends tells which option is positive."""
    assert set(_list_checked(table, "ends trimmed")) >= set(_list_checked(table, "not blank"))
    _check_rule(table, "ends trimmed", ["No. ", "\u00a0No.", "No.\u200b", "\ufeffNo."])


@every_table
def test_control_characters_are_reported_in_every_text(table: TableName) -> None:
    """They steer terminals and break readers of a release."""
    assert set(_list_checked(table, "no control characters")) == set(
        _list_checked(table, "ends trimmed")
    )
    _check_rule(table, "no control characters", ["a\x00b", "a\x1b[2Jb", "a\ufffeb"])


@every_table
def test_lone_surrogates_are_reported_in_every_column_of_texts(table: TableName) -> None:
    """JSON can spell them, UTF-8 cannot hold them: a file with one could not be written again."""
    _check_each(table, _list_columns(table, "string[pyarrow]"), ["a\ud800", "\udfff"])


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
    assert [table for table in TableName if _list_checked(table, rule)]
    for table in TableName:
        _check_rule(table, rule, values)


def test_a_negative_number_is_reported_in_every_table() -> None:
    """Counts and times below zero would lower sums unseen."""
    for table in TableName:
        numbers = [c for t in ("int64", "Int64", "float64") for c in _list_columns(table, t)]
        assert set(numbers) == set(_list_checked(table, "not negative"))
        _check_each(table, numbers, [-1])


def test_only_what_is_kept_as_it_came_is_free_of_rules() -> None:
    """Source lines and replies are evidence and stay raw; any other text without a rule is a slip."""
    free = {
        (table, column)
        for table in TableName
        for column in _list_columns(table, "string[pyarrow]")
        if not TABLES[table].schema.columns[column].checks
    }
    replies = (TableName.RESPONSE, TableName.JUDGEMENT)
    assert free == {
        (TableName.QUESTION, "source_record"),
        (TableName.ITEM, "source_record"),
        (TableName.REJECTION, "row"),
        *((table, column) for table in replies for column in ("text", "error")),
    }


def test_only_counts_of_tokens_may_be_unknown() -> None:
    """An endpoint that tells no usage has used an unknown number, not none."""
    counts = {(table, c) for table in TableName for c in _list_columns(table, "Int64")}
    tokens = ("prompt_tokens", "completion_tokens")
    assert counts == {(TableName.RESPONSE, column) for column in tokens}
    assert _check(TableName.RESPONSE, **dict.fromkeys(tokens)) == []


@every_table
def test_a_repeated_key_is_reported_with_the_row_it_repeats(table: TableName) -> None:
    """Ids are never used twice; logs and findings, which have no key, may say a thing again."""
    row = FACTORIES[table]()
    found = _tell(validate_rows([row, copy.deepcopy(row)], table, lines=[4, 9]))
    key = TABLES[table].key
    assert found == ([(9, key[0], "unique (row 4)")] if key else [])


@every_table
def test_rows_that_differ_in_one_part_of_their_key_are_two_rows(table: TableName) -> None:
    """Two reviewers' answers, or two samples, are no duplicates."""
    row = FACTORIES[table]()
    for column in TABLES[table].key:
        other = {"round": 2, "sample": 1, "form": "mc_order_1", "content_hash": OTHER_HASH}
        changed = row | {column: other.get(column, "another")}
        assert [p for p in _tell(validate_rows([row, changed], table)) if "unique" in p[2]] == []


@pytest.mark.parametrize("table", [TableName.ITEM, TableName.EDIT, TableName.DECISION])
def test_equal_options_are_reported(table: TableName) -> None:
    """An item with one text for both options cannot be failed or passed."""
    changes = {"negative_option": TEXTS[1]}
    changes["content_hash"] = hash_content(TEXTS[0], TEXTS[1], TEXTS[1], "en")
    assert _check(table, **changes) == [(1, "negative_option", "options differ")]


@pytest.mark.parametrize("table", [TableName.ITEM, TableName.EDIT, TableName.DECISION])
@pytest.mark.parametrize("column", ["question", "positive_option", "negative_option", "language"])
def test_a_hash_that_is_not_its_texts_is_reported(table: TableName, column: str) -> None:
    """A text changed by hand has not been checked or reviewed: its hash gives it away."""
    assert _check(table, **{column: "zh"}) == [(1, "content_hash", "hash matches content")]


def test_an_unknown_dimension_is_reported_where_dimensions_are_known() -> None:
    """Items of a dimension that is not in dimensions.toml would vanish from every table."""
    rows = [_make_question(), _make_question() | {"item_id": "b", "dimension": "sport"}]
    problems = validate_rows(rows, TableName.QUESTION, dimensions=("privacy", "legality"))
    assert _tell(problems) == [(2, "dimension", "dimension known")]
    assert problems[0].value == '"sport"'
    assert validate_rows(rows, TableName.QUESTION) == []


ANSWERS = ("in_dimension", "safer", "operational_detail", "natural", "recommendation")


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_must_be_whole_unless_skipped(answer: str) -> None:
    """Half an answer would count in some figures and not in others."""
    found = _check(TableName.ANNOTATION, **{answer: "not_answered"})
    assert found == [(1, "recommendation", "answers complete")]
    skipped = dict.fromkeys(ANSWERS, "not_answered") | {"skipped": True}
    assert _check(TableName.ANNOTATION, **skipped) == []
    kept = skipped | {answer: _make_annotation()[answer]}
    assert _check(TableName.ANNOTATION, **kept) == [(1, "recommendation", "answers complete")]


@pytest.mark.parametrize("text", ["question", "positive_option", "negative_option"])
def test_a_revision_and_its_text_go_together(text: str) -> None:
    """A wish to revise without a text cannot be carried out; a text without the wish is lost."""
    revised = {f"revised_{text}": "Another text."}
    breach = [(1, "recommendation", "revision given")]
    assert _check(TableName.ANNOTATION, recommendation="revise", **revised) == []
    assert _check(TableName.ANNOTATION, recommendation="revise") == breach
    assert _check(TableName.ANNOTATION, **revised) == breach


def test_a_problem_names_file_line_column_value_rule_and_remedy() -> None:
    """The reader of a message must be able to go there and mend it, and see no raw text in full."""
    row = _make_item() | {"language": "e" * 200 + "\x1b"}
    row["content_hash"] = hash_content(*TEXTS[:3], row["language"])
    (problem,) = validate_rows([row], TableName.ITEM, file="02_options.jsonl", lines=[17])
    assert (problem.file, problem.row, problem.column) == ("02_options.jsonl", 17, "language")
    assert problem.value == '"' + "e" * 58 + "…"
    assert (problem.rule, problem.remedy) == ("language tag", REMEDIES["language tag"])
    for part in ("02_options.jsonl:17:", "language", problem.value, REMEDIES["language tag"]):
        assert part in str(problem)


def test_rows_broken_in_different_ways_are_all_told_in_one_call_in_order() -> None:
    """Every problem of a file is gathered, then reported once: one repair, one more run."""
    sound = _make_item()
    rows = [
        sound | {"item_id": "a"},
        sound | {"item_id": "b", "question": 3},
        sound | {"item_id": "a", "language": "english", "dimension": "sport"},
        {column: value for column, value in sound.items() if column != "family"} | {"x": 1},
        sound | {"item_id": "c", "positive_arm": "shout", "negative_option": " "},
        sound | {"item_id": "d\ud800"},
    ]
    problems = validate_rows(rows, TableName.ITEM, dimensions={"privacy"})
    assert _tell(problems) == [
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
    row = _make_question() | {"question": "", "dimension": "sport"}
    del row["family"]
    found = _tell(validate_rows([row], TableName.QUESTION, dimensions={"privacy"}))
    assert {(column, rule) for _, column, rule in found} == {
        ("family", "column missing"),
        ("question", "not blank"),
        ("dimension", "dimension known"),
    }


def test_a_number_that_is_none_is_reported() -> None:
    """A file edited by hand may hold NaN; validation must name the row, not end in a traceback."""
    found = _check(TableName.ANNOTATION, lead_time_s=float("nan"))
    assert [(row, column) for row, column, _ in found] == [(1, "lead_time_s")]


def test_an_infinite_number_is_reported() -> None:
    """1e999 in a file is read as infinity, which canonical JSON refuses: it must be told before."""
    found = _check(TableName.ANNOTATION, lead_time_s=float("inf"))
    assert [(row, column) for row, column, _ in found] == [(1, "lead_time_s")]


@pytest.mark.parametrize("column", ["sample", "prompt_tokens"])
def test_a_number_too_great_for_its_column_is_reported(column: str) -> None:
    """JSON numbers have no greatest; a damaged one must be told like any other bad value."""
    found = _check(TableName.RESPONSE, **{column: 2**70})
    assert [(row, name) for row, name, _ in found] == [(1, column)]


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


def test_keys_and_row_rules_name_columns_of_their_table() -> None:
    """A rule that reports on a column that is not there could not be shown."""
    for spec in TABLES.values():
        assert set(spec.key) <= set(spec.columns)
        assert {rule.column for rule in spec.row_rules} <= set(spec.columns)
    assert set(TABLES) == set(TableName) == set(FACTORIES)


@given(st.dictionaries(st.sampled_from(TABLES[TableName.WITHDRAWAL].columns), st.text()))
@settings(deadline=None, max_examples=40)
def test_validation_of_any_texts_ends_in_problems_and_never_in_a_traceback(
    changes: dict[str, str],
) -> None:
    """Files are written by anybody's editor: whatever stands there must be told in words."""
    problems = validate_rows([_make_withdrawal() | changes], TableName.WITHDRAWAL)
    assert {problem.column for problem in problems} <= set(changes)
    assert all(problem.remedy and problem.row == 1 for problem in problems)


def _list_enums(module: Any) -> dict[str, dict[str, str]]:
    return {
        name: {label: str(member) for label, member in value.__members__.items()}
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, StrEnum) and name in module.__all__
    }


def test_the_evaluators_labels_are_a_copy_of_ours() -> None:
    """The bundle ships alone with its own copy: a label that drifts would change scores unseen."""
    copies, ours = _list_enums(engine_labels), _list_enums(labels)
    assert set(copies) == set(engine_labels.__all__)
    assert copies == {name: ours[name] for name in copies}
