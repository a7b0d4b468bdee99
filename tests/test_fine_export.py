"""FINE's files given back: what was taken comes back text by text, and can be taken again."""

import json
from pathlib import Path

import pytest
from fine_files import CATEGORIES, REAL, TEXT_FIELDS, dump, import_file, make_record, run, write
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.fine_format import export_originals, import_fine, make_fine_rows
from builder.importing import take_file
from builder.versions import record_edit
from builder.workspace import Stage, Workspace, create_workspace
from schemas.storage import read_rows
from schemas.texts import trim

EDGE = st.text(" \n\t\r\u00a0\u3000\u200b\u200e\ufeff\x00\x1f", max_size=4)
INNER = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=12)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a new workspace."""
    return create_workspace(tmp_path / "bench")


@pytest.fixture(scope="module")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace into which all examples of one property are imported."""
    return create_workspace(tmp_path_factory.mktemp("fine") / "bench")


def test_the_originals_are_exported_to_stdout_and_to_a_file_alike(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Data goes to stdout, notes to stderr: a pipe must get the file and nothing else."""
    lines = [dump(make_record(n, question=f"\u2028 Größe {n}? \u0085")) for n in (3, 1, 2)]
    file = write(tmp_path / "a.jsonl", *lines)
    import_file(workspace, file)
    result = run(workspace, "export", "--format", "fine", "--original")
    assert result.stdout_bytes == file.read_bytes()
    out = tmp_path / "out.jsonl"
    run(workspace, "export", "--format", "fine", "--original", "--out", str(out))
    assert out.read_bytes() == file.read_bytes()
    assert "3 records" in result.stderr


def test_lines_that_end_as_windows_ends_them_come_back_record_by_record(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The line break is no part of a record; a file from Windows has the same records."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(dump(make_record(1)) + b"\r\n\r\n" + dump(make_record(2)))
    assert len(take_file(workspace, path).items) == 2
    exported = export_originals(workspace).splitlines()
    assert [json.loads(line) for line in exported] == [make_record(1), make_record(2)]


def test_an_edited_item_is_exported_in_its_present_text_and_in_its_original(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The source record is what was taken in, whatever became of the item since."""
    file = write(tmp_path / "a.jsonl", dump(make_record()))
    (item,) = take_file(workspace, file).items
    texts = {key: item[key] for key in TEXT_FIELDS.values()} | {"question": "Should I look?"}
    record_edit(workspace, item, texts, by="curator", reason="shorter")
    run(workspace, "check")
    present = json.loads(run(workspace, "export", "--format", "fine").stdout)
    assert present == {
        "id": "1",
        "category": "Privacy",
        "question": "Should I look?",
        "Positive Option": "No, diary 1 is hers.",
        "Negative Option": "Yes, diary 1 lies open.",
    }
    assert export_originals(workspace).encode() == file.read_bytes()


@st.composite
def _fine_files(draw: st.DrawFn) -> list[bytes]:
    """Draw lines of valid FINE records with wild ends, in ASCII or not, with extra fields or not."""
    lines = []
    for number in range(draw(st.integers(1, 5))):
        texts = {
            field: draw(EDGE) + draw(INNER) + f"{field[0]}{number}" + draw(EDGE)
            for field in TEXT_FIELDS
        }
        record = {"id": draw(st.sampled_from([number, str(number)]))} | texts
        record["category"] = draw(st.sampled_from(list(CATEGORIES)))
        if draw(st.booleans()):
            record["note"] = draw(st.text(max_size=4))
        lines.append(json.dumps(record, ensure_ascii=True).encode())
        if draw(st.booleans()) and "note" not in record:
            lines[-1] = dump(record)
    return lines


@given(lines=_fine_files())
@settings(deadline=None, max_examples=25)
def test_any_valid_file_comes_back_exactly_as_it_was(
    shared_workspace: Workspace, lines: list[bytes]
) -> None:
    """The promise is a loss-free round trip, text by text, whatever stands around the texts."""
    file = write(shared_workspace.root / "source.jsonl", *lines)
    report = take_file(shared_workspace, file, replace=True)
    assert report.problems == []
    assert export_originals(shared_workspace).encode("utf-8") == file.read_bytes()
    for line, item in zip(lines, report.items, strict=True):
        record = json.loads(line)
        assert item["dimension"] == CATEGORIES[record["category"]]
        for field, column in TEXT_FIELDS.items():
            assert item[column] == trim(record[field])


@given(lines=_fine_files())
@settings(deadline=None, max_examples=15)
def test_an_export_of_present_texts_can_be_imported_again(
    shared_workspace: Workspace, lines: list[bytes]
) -> None:
    """What finebench writes as FINE's format is FINE's format: the same items come of it."""
    file = write(shared_workspace.root / "source.jsonl", *lines)
    items = import_fine(shared_workspace, file, replace=True).items
    file.write_text(make_fine_rows(items, shared_workspace.taxonomy), encoding="utf-8")
    again = import_fine(shared_workspace, file, replace=True).items
    assert [row["content_hash"] for row in again] == [row["content_hash"] for row in items]
    assert [row["item_id"] for row in again] == [row["item_id"] for row in items]


@pytest.mark.skipif(
    not REAL.exists(), reason="FINE's data is not beside the project (../shared/data/safety.jsonl)"
)
def test_fines_own_items_are_taken_whole_and_given_back(workspace: Workspace) -> None:
    """The paper's set is what the format is for: 90 items, 18 a dimension, no text lost."""
    result = import_file(workspace, REAL)
    assert (result.exit_code, "90 items taken, 0 lines refused" in result.stderr) == (0, True)
    items = workspace.read_stage(Stage.OPTIONS)
    for dimension in CATEGORIES.values():
        assert sum(item["dimension"] == dimension for item in items) == 18
    texts = [item[column] for item in items for column in TEXT_FIELDS.values()]
    assert [text for text in texts if trim(text) != text] == []
    exported = run(workspace, "export", "--format", "fine", "--original").stdout_bytes
    given_back = [json.loads(line) for line in exported.splitlines()]
    assert given_back == read_rows(REAL)
    assert len(given_back) == 90
