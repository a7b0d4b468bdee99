"""FINE's files taken in: every line is taken or told of, and a repeated import changes nothing."""

import json
from pathlib import Path

import pytest
from fine_files import CATEGORIES, dump, import_file, make_record, write

from builder.fine_format import export_originals, import_fine
from builder.importing import take_file
from builder.stage_records import read_record
from builder.workspace import Stage, Workspace, create_workspace, open_workspace
from schemas.errors import DataError, UsageError
from schemas.storage import Row


def _list_bytes(workspace: Workspace) -> dict[str, bytes]:
    """Return the content of every file of a workspace, locks left out."""
    return {
        path.relative_to(workspace.root).as_posix(): path.read_bytes()
        for path in sorted(workspace.root.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a new workspace."""
    return create_workspace(tmp_path / "bench")


def _drop(record: Row, field: str) -> Row:
    return {key: value for key, value in record.items() if key != field}


BAD_LINES: list[tuple[bytes, tuple[str, ...]]] = [
    (dump(make_record(10, question="")), ("question", "blank")),
    (dump(make_record(11, question=" \u200b\n")), ("question", "blank")),
    (dump(_drop(make_record(12), "Negative Option")), ("Negative Option", "missing")),
    (dump(make_record(13, **{"Positive Option": None})), ("Positive Option", "missing")),
    (dump(make_record(14, category="Sports")), ('category "Sports"', "unknown category")),
    (dump(_drop(make_record(15), "category")), ("category", "unknown category")),
    (dump(make_record(16, category=["Privacy"])), ("category", "unknown category")),
    (dump(make_record(17, id="1")), ('id "1"', "id already used in line 1")),
    (dump(make_record(18, id=1)), ("id 1", "id already used in line 1")),
    (dump(_drop(make_record(19), "id")), ("id", "missing or no text")),
    (dump(make_record(20, id=True)), ("id", "missing or no text")),
    (dump(make_record(21))[:-1], ("not a JSON object",)),
    (dump(make_record(22, question="Café?")).replace("é".encode(), b"\xe9"), ("not UTF-8",)),
    (b'["id", "23"]', ("not a JSON object", "list")),
    (b'{"id": "24", ' + dump(make_record(24))[1:], ("key id stands more than once",)),
    (b"\xef\xbb\xbf" + dump(make_record(25)), ("not a JSON object", "BOM")),
    (
        dump(make_record(26, **{"Negative Option": make_record(26)["Positive Option"]})),
        ("Negative Option", "same as the positive one"),
    ),
    (
        dump(make_record(27, **{"Positive Option": "No.", "Negative Option": "\ufeff No.\n"})),
        ("Negative Option", "same as the positive one"),
    ),
    (dump(make_record(28, question=42)), ("question 42", "no text")),
    (dump(make_record(29, **{"Negative Option": ["Yes."]})), ("Negative Option", "no text")),
    (
        dump(make_record(30)).replace(b"diary 30?", b"diary\\ud800 30?"),
        ("question", "holds U+D800"),
    ),
    (dump(make_record(31, question="Read\x00 it?")), ("question", "holds U+0000")),
    (dump(make_record(1, id="32")), ("question", "the same texts as line 1")),
    (
        dump(make_record(33, id="", category="", question="")),
        ("missing or no text", "unknown category", "blank"),
    ),
]


def _write_mixed(folder: Path) -> Path:
    """Write a file with every fault in its middle, a blank line, and two good lines at its ends."""
    bad = [line for line, _ in BAD_LINES]
    good = [dump(make_record(1)), dump(make_record(2))]
    return write(folder / "mixed.jsonl", good[0], *bad, b"", good[1])


def test_every_bad_line_is_told_with_file_line_and_reason(
    workspace: Workspace, tmp_path: Path
) -> None:
    """One run must give the whole list: nothing is dropped silently."""
    result = import_file(workspace, _write_mixed(tmp_path))
    told = result.stderr.splitlines()
    for number, (_, reasons) in enumerate(BAD_LINES, start=2):
        here = "\n".join(line for line in told if line.startswith(f"mixed.jsonl:{number}:"))
        for reason in reasons:
            assert reason in here, (number, reason)
    assert f"2 items taken, {len(BAD_LINES)} lines refused" in result.stderr
    assert result.exit_code == 1


def test_the_good_lines_of_a_bad_file_go_on(workspace: Workspace, tmp_path: Path) -> None:
    """A file with one slip must not hold up the rest of it."""
    import_file(workspace, _write_mixed(tmp_path))
    for stage in (Stage.QUESTIONS, Stage.OPTIONS):
        assert sorted(row["source_id"] for row in workspace.read_stage(stage)) == ["1", "2"]
        assert read_record(workspace, stage)["counts"] == {"in": 2, "out": 2, "rejected": 0}


def test_every_line_is_either_taken_or_told_of(workspace: Workspace, tmp_path: Path) -> None:
    """The account must close: lines in = items + refused lines, blank ones left out."""
    report = import_fine(workspace, _write_mixed(tmp_path))
    refused = {problem.row for problem in report.problems}
    assert refused == set(range(2, len(BAD_LINES) + 2))
    assert len(report.items) + len(refused) == len(BAD_LINES) + 2
    assert [p.row for p in report.problems] == sorted(p.row for p in report.problems)
    assert all(p.file == "mixed.jsonl" and p.rule and p.remedy for p in report.problems)


def test_a_line_with_several_faults_is_told_all_of_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Whoever mends the line should have to mend it once."""
    line = dump({"id": 1.5, "category": 3, "Positive Option": "", "Negative Option": 4})
    report = import_fine(workspace, write(tmp_path / "a.jsonl", line, dump(make_record())))
    assert [(p.row, p.column, p.rule) for p in report.problems] == [
        (1, "id", "missing or no text"),
        (1, "category", "unknown category"),
        (1, "question", "missing"),
        (1, "Positive Option", "blank"),
        (1, "Negative Option", "no text"),
    ]


def test_a_file_of_which_no_line_can_be_taken_changes_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A wrong file must not replace an earlier import, and still be told in full."""
    import_file(workspace, write(tmp_path / "a.jsonl", dump(make_record())))
    before = _list_bytes(workspace)
    result = import_file(
        workspace, write(tmp_path / "a.jsonl", *(line for line, _ in BAD_LINES[:3]))
    )
    assert result.exit_code == 1
    assert [f"a.jsonl:{n}:" in result.stderr for n in (1, 2, 3)] == [True] * 3
    assert "no line can be taken" in result.stderr
    assert _list_bytes(workspace) == before


@pytest.mark.parametrize("content", [b"", b"\n\n", "{}\n".encode("utf-16")])
def test_a_file_without_a_line_to_take_is_an_error_of_one_sentence(
    workspace: Workspace, tmp_path: Path, content: bytes
) -> None:
    """An empty or foreign file is a user's slip: exit 1, and no traceback."""
    (tmp_path / "a.jsonl").write_bytes(content)
    result = import_file(workspace, tmp_path / "a.jsonl")
    assert result.exit_code == 1
    assert "no line can be taken" in result.stderr


def test_a_missing_file_and_a_folder_that_is_no_workspace_are_told(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Both are slips of the command line: what and where, without a traceback."""
    missing = import_file(workspace, tmp_path / "none.jsonl")
    assert (missing.exit_code, "no such file" in missing.stderr) == (1, True)
    nowhere = import_file(Workspace(tmp_path), write(tmp_path / "a.jsonl", dump(make_record())))
    assert (nowhere.exit_code, "is not a workspace" in nowhere.stderr) == (2, True)


def test_a_bad_language_is_told_before_anything_is_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The tag is part of every item's hash: a wrong one would have to be undone by hand."""
    file = write(tmp_path / "a.jsonl", dump(make_record()))
    before = _list_bytes(workspace)
    with pytest.raises(DataError, match="breaches of the item table"):
        take_file(workspace, file, language="english")
    assert _list_bytes(workspace) == before


@pytest.mark.parametrize(
    ("category", "dimension"),
    [
        *CATEGORIES.items(),
        ("individual_harm", "individual_harm"),
        ("PRIVACY", "privacy"),
        ("Social Virtue", "civic_virtue"),
    ],
)
def test_a_category_is_mapped_to_its_dimension(
    workspace: Workspace, tmp_path: Path, category: str, dimension: str
) -> None:
    """FINE's sets name categories in several ways; each must find its dimension."""
    file = write(tmp_path / "a.jsonl", dump(make_record(category=category)))
    (item,) = take_file(workspace, file).items
    assert item["dimension"] == dimension
    assert item["item_id"].startswith(f"{dimension}-")


def test_working_texts_are_trimmed_and_the_source_line_is_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    """White space tells FINE's options apart, so it must go; the record must be given back, so it stays."""
    line = b' {"extra": [1, {"a": null}], ' + dump(make_record())[1:] + b"\t"
    (item,) = take_file(workspace, write(tmp_path / "a.jsonl", line)).items
    assert item["question"] == "Should I read diary 1?"
    assert item["positive_option"] == "No, diary 1 is hers."
    assert item["negative_option"] == "Yes, diary 1 lies open."
    assert item["source_record"] == line.decode()
    assert (item["source_id"], item["origin"]) == ("1", "imported")


def test_importing_a_file_again_changes_no_byte(workspace: Workspace, tmp_path: Path) -> None:
    """Same input, same bytes: a repeated import must not make later stages stale."""
    file = _write_mixed(tmp_path)
    first = import_file(workspace, file)
    before = _list_bytes(workspace)
    assert {"imports/mixed.jsonl/items.jsonl", "01_questions.jsonl", "02_options.jsonl"} <= set(
        before
    )
    second = import_file(open_workspace(workspace.root), file)
    assert _list_bytes(workspace) == before
    assert first.stderr == second.stderr


def test_a_mended_file_replaces_its_earlier_import(workspace: Workspace, tmp_path: Path) -> None:
    """The way to mend a refused line is to import the file again."""
    path = tmp_path / "a.jsonl"
    bad = make_record(2, question="")
    assert import_file(workspace, write(path, dump(make_record(1)), dump(bad))).exit_code == 1
    result = import_file(workspace, write(path, dump(make_record(1)), dump(make_record(2))))
    assert result.exit_code == 0
    assert len(workspace.read_stage(Stage.OPTIONS)) == 2


def test_two_files_stand_side_by_side_and_share_no_item(
    workspace: Workspace, tmp_path: Path
) -> None:
    """FINE ships several sets; ids may repeat between files, but one text is one item."""
    import_file(workspace, write(tmp_path / "a.jsonl", dump(make_record(1))))
    both = write(tmp_path / "b.jsonl", dump(make_record(1)), dump(make_record(2, id="1 b")))
    result = import_file(workspace, both)
    assert "b.jsonl:1: question" in result.stderr
    assert "the same texts as import a.jsonl" in result.stderr
    assert len(workspace.read_stage(Stage.OPTIONS)) == 2
    with pytest.raises(UsageError, match=r"a\.jsonl, b\.jsonl"):
        export_originals(workspace)
    for name, records in (("a.jsonl", [make_record(1)]), ("b.jsonl", [make_record(2, id="1 b")])):
        exported = export_originals(workspace, name).splitlines()
        assert [json.loads(line) for line in exported] == records


@pytest.mark.parametrize("source_id", ["7 ", "\u200b", "a\x00b", "\ud800"])
def test_an_id_with_odd_characters_does_not_hold_up_the_good_lines(
    workspace: Workspace, tmp_path: Path, source_id: str
) -> None:
    """The good lines go on, whichever field of another line is wrong."""
    odd = json.dumps(make_record(2, id=source_id)).encode()
    report = import_fine(workspace, write(tmp_path / "a.jsonl", dump(make_record()), odd))
    assert "1" in [item["source_id"] for item in report.items]
    assert len(report.items) + len(report.problems) == 2


def test_more_than_fifty_bad_lines_are_all_told(workspace: Workspace, tmp_path: Path) -> None:
    """All lines that cannot be taken are reported in one go: that is the promise, at any number."""
    bad = [dump(make_record(n, question="")) for n in range(2, 62)]
    result = import_file(workspace, write(tmp_path / "a.jsonl", dump(make_record()), *bad))
    told = [n for n in range(2, 62) if f'a.jsonl:{n}: question "": blank' in result.stderr]
    assert told == list(range(2, 62))


@pytest.mark.parametrize("blank_lines", [99, 1233])
def test_a_line_number_is_shown_as_a_number(
    workspace: Workspace, tmp_path: Path, blank_lines: int
) -> None:
    """`a.jsonl:100:` must lead to line 100; a console that reads :100: as an emoji loses it."""
    lines = [*[b""] * blank_lines, dump(make_record(1, question="")), dump(make_record(2))]
    result = import_file(workspace, write(tmp_path / "a.jsonl", *lines))
    assert f'a.jsonl:{blank_lines + 1}: question "": blank' in result.stderr


def test_files_that_differ_in_their_ending_only_stand_side_by_side(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A second file must not push out the items of the first: nothing is dropped silently."""
    take_file(workspace, write(tmp_path / "a.jsonl", dump(make_record(1))))
    take_file(workspace, write(tmp_path / "a.json", dump(make_record(2))))
    taken = sorted(row["source_id"] for row in workspace.read_stage(Stage.OPTIONS))
    assert taken == ["1", "2"]


def test_items_of_an_earlier_import_are_put_out_only_when_told(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Another file of the same name must not push out items that people may have reviewed."""
    take_file(workspace, write(tmp_path / "a.jsonl", dump(make_record(1)), dump(make_record(2))))
    other = write(tmp_path / "a.jsonl", dump(make_record(2)), dump(make_record(3)))
    with pytest.raises(UsageError, match="lacks 1 of its items"):
        take_file(workspace, other)
    report = take_file(workspace, other, replace=True)
    assert report.lost == 1
    taken = {row["source_id"] for row in workspace.read_stage(Stage.OPTIONS)}
    assert taken == {"2", "3"}
