"""Storage: what was written is read back, what was torn is cut, and one writer writes at a time."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import storage
from schemas.errors import DataError, StorageError
from schemas.storage import (
    Row,
    append_row,
    hash_file,
    hold_lock,
    index_rows,
    parse_lines,
    read_bytes,
    read_log,
    read_rows,
    sort_rows,
    write_rows,
    write_text,
)

KEYS = st.text(max_size=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=5)

HOLDER = """
import sys
from pathlib import Path
from schemas.storage import hold_lock
with hold_lock(Path(sys.argv[1]), "the file"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the examples of one property share."""
    return tmp_path_factory.mktemp("storage")


@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_rows_come_back_as_they_were_written(folder: Path, rows: list[Row]) -> None:
    """Every stage hands its rows on through a file: what changes there changes the benchmark."""
    path = folder / "round_trip.jsonl"
    write_rows(path, rows)
    assert read_rows(path) == rows
    before = path.read_bytes()
    write_rows(path, read_rows(path))
    assert path.read_bytes() == before


@given(rows=ROWS)
@settings(deadline=None, max_examples=30)
def test_a_log_gives_back_the_rows_appended_to_it(folder: Path, rows: list[Row]) -> None:
    """The journal and reviewers' answers are such logs: each record has been paid for."""
    path = folder / "round_trip.log"
    path.unlink(missing_ok=True)
    for row in rows:
        append_row(path, row)
    assert read_log(path) == rows


def test_a_written_file_is_utf_8_with_a_line_break_at_its_end(tmp_path: Path) -> None:
    """Same input, same bytes: files are compared, hashed and read by other programs."""
    path = tmp_path / "deep" / "rows.jsonl"
    write_rows(path, [{"b": "你", "a": 1}])
    assert path.read_bytes() == '{"a":1,"b":"你"}\n'.encode()
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]
    assert hash_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "broken JSON": (b'{"id": "2", ', "not a JSON object"),
    "not UTF-8": (b'{"id": "caf\xe9"}', "not UTF-8 at byte 12 of the line"),
    "an array": (b'["id", "2"]', "a JSON list"),
    "a string": (b'"id"', "a JSON str"),
    "null": (b"null", "a JSON NoneType"),
    "a repeated key": (b'{"id": "2", "id": "3"}', "key id stands more than once"),
    "a repeated inner key": (b'{"x": {"y": 1, "y": 2}}', "key y stands more than once"),
    "very deep nesting": (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not a JSON object"),
    "very deep objects": (b'{"x":' * 100_000 + b"1" + b"}" * 100_000, "not a JSON object"),
    "a byte-order mark": (b'\xef\xbb\xbf{"id": "2"}', "BOM"),
    "an endless number": (b'{"x": ' + b"9" * 5000 + b"}", "not a JSON object"),
    "UTF-16": ('{"id": "2"}'.encode("utf-16"), "not UTF-8 at byte 1 of the line"),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_is_reported_and_its_neighbours_are_kept(kind: str) -> None:
    """One bad line must not cost the good ones, and its number must be an editor's."""
    bad, reason = BAD_LINES[kind]
    lines, problems = parse_lines(b'{"id": "1"}\n\n' + bad + b'\n{"id": "4"}', "a.jsonl")
    assert [(line.number, line.row) for line in lines] == [(1, {"id": "1"}), (4, {"id": "4"})]
    assert [(p.file, p.row) for p in problems] == [("a.jsonl", 3)]
    assert reason in problems[0].rule
    assert len(problems[0].value) <= 60
    assert problems[0].remedy


def test_all_bad_lines_are_reported_in_one_call() -> None:
    """Somebody who mends a file wants the whole list, not one line a run."""
    bad = [line for line, _ in BAD_LINES.values()]
    lines, problems = parse_lines(b"\n".join([*bad, b'{"id": "x"}']), "a.jsonl")
    assert [p.row for p in problems] == list(range(1, len(bad) + 1))
    assert [line.number for line in lines] == [len(bad) + 1]


def test_lines_keep_their_text_whatever_their_line_breaks() -> None:
    """The source line stays with an item: it must be the line, without its line break only."""
    data = ' {"a": "x\u2028y\u0085z"} \r\n\r\n{"b":\t1}\n'.encode()
    lines, problems = parse_lines(data, "a.jsonl")
    assert problems == []
    assert [line.text for line in lines] == [' {"a": "x\u2028y\u0085z"} ', '{"b":\t1}']
    assert [line.number for line in lines] == [1, 3]


def test_reading_rows_raises_once_with_every_bad_line(tmp_path: Path) -> None:
    """A stage's file that was damaged by hand is reported whole, and no row is taken from it."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\nnonsense\n[]\n')
    with pytest.raises(DataError) as caught:
        read_rows(path)
    assert [problem.row for problem in caught.value.problems] == [2, 3]


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    """A user's error shows no traceback: it says which file and why."""
    with pytest.raises(StorageError, match=r"none\.jsonl: no such file"):
        read_bytes(tmp_path / "none.jsonl")
    with pytest.raises(StorageError, match="cannot be read"):
        read_bytes(tmp_path)


def _fail_for_want_of_room(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A stage's file is hours of work: a failed write must not cost the version before it."""
    path = tmp_path / "rows.jsonl"
    write_rows(path, [{"id": "old"}])
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        if step == "fsync":
            patch.setattr(os, "fsync", _fail_for_want_of_room)
        else:
            patch.setattr(Path, "replace", _fail_for_want_of_room)
        with pytest.raises(StorageError, match=r"rows\.jsonl: cannot be written \(No space left"):
            write_rows(path, [{"id": "new"}])
    assert path.read_bytes() == before
    write_rows(path, [{"id": "new"}])
    assert read_rows(path) == [{"id": "new"}]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_file_cannot_be_written_below_another_file(tmp_path: Path) -> None:
    """A path that cannot exist is a user's error with a sentence, not a traceback."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be written"):
        write_text(tmp_path / "file" / "rows.jsonl", "x")
    with pytest.raises(StorageError, match="cannot be appended to"):
        append_row(tmp_path / "file" / "log.jsonl", {})


def test_a_tail_torn_at_any_byte_costs_no_earlier_record(tmp_path: Path) -> None:
    """A kill can end a write anywhere: earlier records stay, and the log can be written again."""
    path = tmp_path / "log.jsonl"
    earlier = [{"n": 1, "text": "first\nline"}, {"n": 2, "text": "Größe 你好"}]
    last, new = {"n": 3, "text": "torn 你好 🙂 { } \\"}, {"n": 4, "text": "new"}
    for row in earlier:
        append_row(path, row)
    whole = path.read_bytes()
    append_row(path, last)
    full = path.read_bytes()
    for end in range(len(whole), len(full)):
        path.write_bytes(full[:end])
        assert read_log(path) == earlier
        append_row(path, new)
        assert path.read_bytes() == whole + b'{"n":4,"text":"new"}\n'
    path.write_bytes(full)
    append_row(path, new)
    assert read_log(path) == [*earlier, last, new]


@pytest.mark.parametrize("block", [1, 2, 7, 64])
def test_the_end_of_the_last_record_is_found_over_block_borders(tmp_path: Path, block: int) -> None:
    """Replies may be longer than a block: a torn one must not hide the records before it."""
    path = tmp_path / "log.jsonl"
    for data in (b"", b"\n", b"torn", b"ab\n", b"ab\ncd\n" + b"x" * 10, b"a\n" + b"y" * 64):
        path.write_bytes(data)
        with path.open("rb", buffering=0) as stream:
            assert storage._measure_whole_records(stream, block) == data.rfind(b"\n") + 1


def test_a_long_torn_tail_is_cut_off(tmp_path: Path) -> None:
    """The real block is 64 KiB: a reply longer than that is torn like any other."""
    path = tmp_path / "log.jsonl"
    append_row(path, {"n": 1})
    with path.open("ab") as stream:
        stream.write(b'{"text": "' + b"x" * 200_000)
    append_row(path, {"n": 2})
    assert read_log(path) == [{"n": 1}, {"n": 2}]


def test_a_record_that_does_not_fit_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full in the middle of a record must not leave half of it in the log."""
    path = tmp_path / "log.jsonl"
    append_row(path, {"n": 1})
    before = path.read_bytes()

    class Short:
        """Stands for a raw stream on a full disk: it takes only a part of what is written."""

        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def write(self, data: bytes) -> int:
            return int(self.stream.write(data[:3]))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    write_whole = storage._write_whole

    def write_short(stream: Any, record: bytes, end: int) -> None:
        write_whole(Short(stream), record, end)  # type: ignore[arg-type]

    monkeypatch.setattr(storage, "_write_whole", write_short)
    with pytest.raises(StorageError, match="No space left"):
        append_row(path, {"n": 2})
    assert path.read_bytes() == before


def test_a_log_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    """A new workspace has no logs; that is no fault."""
    assert read_log(tmp_path / "log.jsonl") == []


@pytest.mark.parametrize("tail", [b"", b'{"n": 3', b'{"n": 3}', b"\xff\xfe", b"nonsense"])
def test_what_follows_the_last_line_break_of_a_log_never_counted(
    tmp_path: Path, tail: bytes
) -> None:
    """A record counts once its line break is written: a torn tail is no error and no record."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2}\n' + tail)
    assert read_log(path) == [{"n": 1}, {"n": 2}]


def test_a_damaged_line_in_the_middle_of_a_log_is_reported(tmp_path: Path) -> None:
    """Only a tail can be torn by a kill: damage elsewhere is loss, and must be told."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": \n{"n": 3}\n{"n": 4')
    with pytest.raises(DataError, match="1 records are damaged") as caught:
        read_log(path)
    assert [problem.row for problem in caught.value.problems] == [2]


@contextmanager
def _hold_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock ``path``; kill it at the end if it still runs."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_lock_is_refused_while_another_process_holds_it_and_free_once_that_is_killed(
    tmp_path: Path,
) -> None:
    """Two writers of a stage would mix their rows; a killed one must not lock its heirs out."""
    path = tmp_path / ".locks" / "01_questions"
    with _hold_elsewhere(path) as process:
        expected = f"the file is being written by process {process.pid}"
        with pytest.raises(StorageError, match=expected), hold_lock(path, "the file"):
            pytest.fail("two processes held one lock")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with hold_lock(path, "the file"):
        assert path.read_text() == f"process {os.getpid()}"


def test_a_lock_is_free_again_after_its_block_even_if_that_failed(tmp_path: Path) -> None:
    """A stage that failed is run again: its lock must not outlive it."""
    path = tmp_path / "lock"
    with pytest.raises(RuntimeError, match="stage failed"), hold_lock(path, "the file"):
        raise RuntimeError("stage failed")
    with hold_lock(path, "the file"), pytest.raises(StorageError), hold_lock(path, "the file"):
        pytest.fail("one lock was held twice")


def test_a_lock_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    """A workspace on a read-only disk is a user's problem with a sentence, not a traceback."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError), hold_lock(tmp_path / "file" / "lock", "the file"):
        pytest.fail("a lock was held that cannot exist")


def test_a_text_that_is_no_utf_8_is_a_storage_error(tmp_path: Path) -> None:
    """A lone surrogate can be typed into JSON as an escape: the writer must name the file."""
    with pytest.raises(StorageError):
        write_text(tmp_path / "rows.jsonl", "\ud800")


def test_rows_are_sorted_by_columns_and_found_by_id() -> None:
    """Sorted files make a diff show what changed, and nothing else."""
    rows = [{"item_id": "b", "n": 1}, {"item_id": "a", "n": 2}, {"item_id": "c", "n": 1}]
    assert [row["item_id"] for row in sort_rows(rows, "n", "item_id")] == ["b", "c", "a"]
    assert index_rows(rows)["a"] == {"item_id": "a", "n": 2}
