"""References: whatever the file, its texts come out as they are, or it is told where and why not."""

import csv
import gzip
import io
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.checks.contamination import readers as reference_readers
from builder.checks.contamination.references import (
    Passage,
    Reference,
    ReferenceKind,
    ReferenceReading,
    fingerprint,
    parse_reference,
    read_reference,
)
from schemas.errors import DataError, StorageError, UsageError

HUB = {"kind": ReferenceKind.HUB, "location": "owner/name", "columns": ("question",)}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TEXTS = st.lists(TEXT, min_size=1, max_size=8).filter(lambda texts: any(map(str.strip, texts)))
Write = Callable[[Path, list[str]], str]


def open_reference(root: Path, source: str, content: bytes | str | None = None) -> ReferenceReading:
    """Write ``content`` where ``source`` says, and return its reading."""
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (root / source.partition("#")[0]).write_bytes(data)
    return read_reference(parse_reference(source, root=root), root=root)


def list_texts(root: Path, source: str, content: bytes | str | None = None) -> list[str]:
    """Return the texts of a reference in the order of the file."""
    return [passage.text for passage in open_reference(root, source, content)]


def write_json_lines(root: Path, texts: list[str]) -> str:
    """Write each text as an object; return the source."""
    lines = [json.dumps({"n": i, "text": t}, ensure_ascii=i % 2 == 0) for i, t in enumerate(texts)]
    (root / "a.jsonl").write_text("\n".join(lines), encoding="utf-8", newline="")
    return "a.jsonl"


def write_zipped_json_lines(root: Path, texts: list[str]) -> str:
    """Write the same, gzipped."""
    plain = root / write_json_lines(root, texts)
    (root / "a.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    return "a.jsonl.gz"


def write_csv(root: Path, texts: list[str]) -> str:
    """Write each text between a number and another; return the source with the column."""
    with (root / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [["n", "text", "m"], *([i, t, i] for i, t in enumerate(texts))]
        )
    return "a.csv#text"


def write_parquet(root: Path, texts: list[str]) -> str:
    """Write each text beside a number, in row groups of two; return the source."""
    table = pa.table({"n": list(range(len(texts))), "text": pa.array(texts, pa.string())})
    pq.write_table(table, root / "a.parquet", row_group_size=2)
    return "a.parquet"


WRITERS = [write_json_lines, write_zipped_json_lines, write_csv, write_parquet]


@pytest.mark.parametrize("write", WRITERS)
@given(texts=TEXTS)
@example(texts=["a\r\nb", 'say "no", now', "\u2028", "\x00\x85", "x" * 200_000])
@settings(deadline=None, max_examples=60)
def test_texts_come_back_as_they_were_written(write: Write, texts: list[str]) -> None:
    """A text that a reader changes or loses is a leak that nobody finds."""
    with tempfile.TemporaryDirectory() as folder:
        reading = open_reference(Path(folder), write(Path(folder), texts))
        assert [passage.text for passage in reading] == [t for t in texts if t.strip()]
        assert (reading.skipped, reading.altered) == (0, 0)
        assert reading.passages == len([t for t in texts if t.strip()])


@given(texts=TEXTS.map(lambda texts: [t.replace("\r", "").replace("\n", "") for t in texts]))
@settings(deadline=None, max_examples=60)
def test_lines_of_a_text_file_come_back_as_they_were_written(texts: list[str]) -> None:
    """Only line feeds part lines: other separators of Unicode belong to the text."""
    kept = [text.removeprefix("\ufeff") if i == 0 else text for i, text in enumerate(texts)]
    kept = [text for text in kept if text.strip()]
    for mark in ("\n", "\r\n"):
        with tempfile.TemporaryDirectory() as folder:
            if kept:
                assert list_texts(Path(folder), "a.txt", mark.join(texts)) == kept


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("hub:owner/name#question", {}),
        ("hub:owner/name:train#question", {"split": "train"}),
        ("hub:owner/name/en#question", {"config": "en"}),
        ("hub:owner/name@refs/pr/1#question", {"revision": "refs/pr/1"}),
        (
            "hub:owner/name/en:train@v1.0#question, answer",
            {
                "config": "en",
                "split": "train",
                "revision": "v1.0",
                "columns": ("question", "answer"),
            },
        ),
        ("hub:owner/name/en@main:x#question", {"config": "en", "revision": "main:x"}),
    ],
)
def test_a_hub_source_is_read_in_one_way(
    tmp_path: Path, source: str, expected: dict[str, str]
) -> None:
    """Each part is optional, and none is taken for another."""
    assert parse_reference(source, root=tmp_path) == Reference(source, **{**HUB, **expected})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("hub:name#question", "hub:owner/name"),
        ("hub:owner/name", "names no column"),
        ("hub:owner/name#", "has no name"),
        ("hub:../name#q", "hub:owner/name"),
        ("https://example.com/a.jsonl", "Download the file"),
        ("owner/name#question", "hub:owner/name#column"),
        ("missing.jsonl#question", "there is no file"),
        ("x" * 300 + ".jsonl", "there is no file"),
        ("a\0b.jsonl", "there is no file"),
        ("", "is a folder, but no release"),
        ("data.json", ".jsonl"),
        ("x.parquet.gz", ".jsonl"),
        ("notes.txt#question", "Write notes.txt"),
        ("other.csv#a,,b", "has no name"),
        ("folder", "no manifest.json and no evaluator/items.jsonl"),
    ],
)
def test_a_source_that_means_nothing_says_what_to_write(
    tmp_path: Path, source: str, told: str
) -> None:
    """Whoever wrote it cannot guess the grammar."""
    for name in ("data.json", "x.parquet.gz", "notes.txt", "other.csv"):
        (tmp_path / name).write_text("a\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as caught:
        parse_reference(source, root=tmp_path)
    assert told in str(caught.value)


def test_a_path_may_be_absolute_or_hold_the_mark_of_columns(tmp_path: Path) -> None:
    """The last # begins the columns, unless a file has the whole as its name."""
    (tmp_path / "a#b.jsonl").write_text('{"q": "x", "#": "y"}')
    assert list_texts(tmp_path, "a#b.jsonl#q") == ["x"]
    assert list_texts(tmp_path, "a#b.jsonl") == ["x", "y"]
    assert list_texts(Path("elsewhere"), f"{tmp_path}/a#b.jsonl#q") == ["x"]


def test_places_lead_to_the_text(tmp_path: Path) -> None:
    """A person looks there: lines as an editor counts them, rows from 1, the way into nested values."""
    chat = {"chat": [{"role": "user", "content": "Hi"}, {"from": "x", "value": ["a", {"b": "c"}]}]}
    passages = list(open_reference(tmp_path, "a.jsonl", f"\n{json.dumps({'q': 'x', **chat})}\n"))
    assert passages == [
        Passage("line 2, column q", "x"),
        Passage("line 2, column chat[0].content", "Hi"),
        Passage("line 2, column chat[1].value[0]", "a"),
        Passage("line 2, column chat[1].value[1].b", "c"),
    ]
    assert list(open_reference(tmp_path, "a.txt", "a\n\nb")) == [
        Passage("line 1", "a"),
        Passage("line 3", "b"),
    ]
    rows = list(open_reference(tmp_path, "a.csv", 'q,a\n"one\ntwo",\n\n3,4\n'))
    assert rows == [
        Passage("line 2, column q", "one\ntwo"),
        Passage("line 5, column q", "3"),
        Passage("line 5, column a", "4"),
    ]
    write_parquet(tmp_path, ["x", "y", "z"])
    found = list(open_reference(tmp_path, "a.parquet#text"))
    assert found[2] == Passage("row 3, column text", "z")


def test_content_parts_of_messages_are_read_without_their_labels(tmp_path: Path) -> None:
    """The word user before every message would be a text like any other."""
    parts = [{"type": "text", "text": "Look"}, {"type": "image", "url": "u"}]
    row = {"messages": [{"role": "user", "content": parts}], "role": "kept", "n": 3, "none": None}
    assert list_texts(tmp_path, "a.jsonl", json.dumps(row)) == ["Look", "image", "u", "kept"]


def test_nested_columns_of_parquet_are_walked(tmp_path: Path) -> None:
    """Chat data comes as lists of structs; columns without text are not even loaded."""
    table = pa.table({
        "chat": [[{"role": "user", "content": "Hi"}, {"role": "bot", "content": "Yo"}], None],
        "kind": pa.array(["a", "b"]).dictionary_encode(),
        "raw": [b"\xff", b"\xff"],
        "n": [1, 2],
        "a.b": ["dot", ""],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    assert list_texts(tmp_path, "a.parquet") == ["Hi", "Yo", "a", "dot", "b"]
    assert list_texts(tmp_path, "a.parquet#a.b") == ["dot"]
    with pytest.raises(
        UsageError, match=r"no text stands in column n.*raw \(binary\), n \(int64\)"
    ):
        list_texts(tmp_path, "a.parquet#n")


@pytest.mark.parametrize("write", [write_json_lines, write_csv, write_parquet])
def test_a_column_that_is_not_there_lists_those_that_are(tmp_path: Path, write: Write) -> None:
    """A wrong name must not read as: nothing in common."""
    source = write(tmp_path, ["x"]).partition("#")[0]
    with pytest.raises(UsageError, match=r"there is no column nope\. .*columns: n, text"):
        list_texts(tmp_path, f"{source}#text,nope")


def test_a_named_column_without_any_text_is_told(tmp_path: Path) -> None:
    """A column of numbers compared with nothing looks like a clean bill."""
    with pytest.raises(UsageError, match=r"no text stands in column n\. .*: text"):
        list_texts(tmp_path, "a.jsonl#text,n", '{"n": 1, "text": "x"}')
    assert list_texts(tmp_path, "a.jsonl#text,n", '{"text": "x"}\n{"n": "y"}') == ["x", "y"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b""),
        ("a.txt", b" \n\n"),
        ("a.jsonl", b""),
        ("a.jsonl", b'{"n": 1}'),
        ("a.jsonl", b"{}"),
        ("a.jsonl#text", b""),
        ("a.csv", b""),
        ("a.csv", b"text\n"),
        ("a.csv", b"text\n\n"),
        ("a.jsonl.gz", gzip.compress(b"", mtime=0)),
    ],
)
def test_a_file_without_text_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    """To find nothing in common with nothing is no result."""
    with pytest.raises(DataError, match="holds no text"):
        list_texts(tmp_path, name, content)


def test_malformed_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    """One torn line in a million must neither stop the check nor vanish."""
    bad = ["{", '"text"', '{"a": 1, "a": "lost"}', "[" * 100_000, '{"n": ' + "9" * 5000 + "}"]
    good = '{"q": "x"}'
    reading = open_reference(tmp_path, "a.jsonl", "\n".join([good, *bad * 3, good]))
    assert [passage.text for passage in reading] == ["x", "x"]
    assert (reading.passages, reading.skipped, len(reading.first_skipped)) == (2, 15, 10)
    assert reading.first_skipped[0].place == "line 2"
    assert "a key stands more than once" in reading.first_skipped[2].reason
    assert len(list(reading)) == 2, "a second reading begins anew"
    assert reading.skipped == 15


def test_a_file_of_malformed_lines_alone_is_an_error(tmp_path: Path) -> None:
    """It is some other kind of file; every first line of it is a problem of its own."""
    content = json.dumps([{"q": "x"}, {"q": "y"}], indent=1)
    with pytest.raises(
        DataError, match=r"8 places were skipped.*line 1: not a JSON object"
    ) as caught:
        list_texts(tmp_path, "a.jsonl#q", content)
    assert [problem.value for problem in caught.value.problems][:2] == ["line 1", "line 2"]


def test_bytes_that_are_not_utf8_are_replaced_and_counted(tmp_path: Path) -> None:
    """Text in another encoding is compared as far as it goes."""
    for name, content in {
        "a.txt": b"caf\xe9 au lait\nplain",
        "a.jsonl": b'{"q": "caf\xe9 au lait"}\n{"q": "plain"}',
        "a.csv": b"q\ncaf\xe9 au lait\nplain",
    }.items():
        reading = open_reference(tmp_path, name, content)
        assert [passage.text for passage in reading] == ["caf\ufffd au lait", "plain"], name
        assert (reading.skipped, reading.altered) == (0, 1), name
        assert "UTF-8" in reading.first_altered[0].reason


def test_parquet_text_that_is_not_utf8_is_replaced_and_counted(tmp_path: Path) -> None:
    """Parquet does not check what a writer calls a string."""
    raw = pa.array([b"caf\xe9", b"plain", None], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"q": text}), tmp_path / "a.parquet")
    reading = open_reference(tmp_path, "a.parquet")
    assert [passage.text for passage in reading] == ["caf\ufffd", "plain"]
    assert [note.place for note in reading.first_altered] == ["row 1, column q"]


def test_lone_surrogates_are_replaced_and_counted(tmp_path: Path) -> None:
    r"""JSON can write \ud800, which no file of ours could hold."""
    reading = open_reference(tmp_path, "a.jsonl", r'{"q": "a\ud800b", "r": "\ud83d\ude00"}')
    assert [passage.text for passage in reading] == ["a\ufffdb", "\U0001f600"]
    assert [note.place for note in reading.first_altered] == ["line 1, column q"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_marks_and_control_characters_do_not_stop_a_reading(tmp_path: Path, name: str) -> None:
    """Spreadsheets write a byte-order mark first; crawled text holds NUL."""
    lines = {"a.txt": "x\0y", "a.jsonl": '{"q": "x\0y"}', "a.csv": "q\nx\0y"}
    source = name if name == "a.txt" else f"{name}#q"
    assert list_texts(tmp_path, source, b"\xef\xbb\xbf" + lines[name].encode()) == ["x\0y"]
    with pytest.raises(DataError, match="UTF-16"):
        list_texts(tmp_path, source, lines[name].encode("utf-16"))


def test_a_line_of_fifty_megabytes_is_read(tmp_path: Path) -> None:
    """A whole book on one line is a text like any other."""
    book = "word " * 10_000_000 + "end"
    assert list_texts(tmp_path, "a.txt", book) == [book]
    assert list_texts(tmp_path, "a.jsonl", json.dumps({"q": book})) == [book]
    assert list_texts(tmp_path, "a.csv", f'q\n"{book}"\n') == [book]


def test_a_line_beyond_the_bound_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged file of one endless line must not fill the memory, nor hide what follows."""
    monkeypatch.setattr(reference_readers, "LONGEST", 20)
    long = "x" * 95
    for name, content in {
        "a.txt": f"{long}\ny\n{'z' * 20}",
        "a.jsonl": f'{{"q": "{long}"}}\n{{"q": "y"}}\n{{"q": "{"z" * 11}"}}',
        "a.csv": f"q\n{long}\ny\n{'z' * 19}\n",
    }.items():
        reading = open_reference(tmp_path, name, content)
        assert [passage.text[0] for passage in reading] == ["y", "z"], name
        assert [note.reason for note in reading.first_skipped] == ["longer than 20 bytes"], name


def test_rows_of_csv_that_do_not_fit_are_noted(tmp_path: Path) -> None:
    """Fields without a name and a quote never closed would else be lost or hide the rest."""
    reading = open_reference(tmp_path, "a.csv", 'q,a\n1,2,extra\n3\na\rb,1\n5,"open\n6,7\n')
    assert [p.text for p in reading] == ["1", "2", "3", "5", "open\n6,7\n"]
    assert [note.place for note in reading.first_skipped] == ["line 2", "line 4"]
    assert "never closed" in reading.first_altered[0].reason
    for header in ('"q,a\n1,2\n', "q\ra\n1\n"):
        with pytest.raises(DataError, match="first row"):
            list_texts(tmp_path, "a.csv", header)


def test_fields_beyond_the_usual_limit_of_csv_are_read(tmp_path: Path) -> None:
    """Python's csv reader stops at 131,072 characters unless told otherwise."""
    csv.field_size_limit(131_072)
    assert list_texts(tmp_path, "a.csv", f"q\n{'x' * 200_000}\n") == ["x" * 200_000]


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "a.csv.gz"])
def test_a_damaged_gzip_file_is_told(tmp_path: Path, name: str) -> None:
    """A download that broke off must not pass for the whole."""
    content = gzip.compress("\n".join(f'{{"q": "{i * 7919}"}}' for i in range(5000)).encode())
    for damaged in (content[:-5000], b"plain text", content[:500] + b"\0" * 50 + content[550:]):
        with pytest.raises(DataError, match="gzip file is damaged"):
            list_texts(tmp_path, name, damaged)


def test_a_damaged_parquet_file_is_told_or_read(tmp_path: Path) -> None:
    """Whichever bytes are wrong, there is no traceback."""
    stream = io.BytesIO()
    pq.write_table(pa.table({"q": [f"text {i}" for i in range(500)]}), stream)
    whole, chance = stream.getvalue(), random.Random(7)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        list_texts(tmp_path, "a.parquet", whole[:-40])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        list_texts(tmp_path, "a.parquet", b"")
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            list_texts(tmp_path, "a.parquet", bytes(damaged))
        except (DataError, UsageError):
            continue


@given(content=st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_no_bytes_cause_a_traceback(content: bytes) -> None:
    """What a user names may be anything at all."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.txt", "a.jsonl", "a.csv", "a.parquet", "a.txt.gz"):
            try:
                found = list_texts(Path(folder), name, content)
            except (DataError, UsageError):
                continue
            assert all(text.encode() for text in found)


def test_a_release_is_read_with_its_items(released_unchanged: Path) -> None:
    """The items of another version of ours are told by their names."""
    rows = (released_unchanged / "releases/1.0.0/evaluator/items.jsonl").read_text().splitlines()
    first = json.loads(rows[0])
    passages = list(open_reference(released_unchanged, "releases/1.0.0"))
    columns = ("question", "positive_option", "negative_option")
    assert len(passages) == 3 * len(rows)
    assert passages[:3] == [
        Passage(f"item {first['item_id']}, {column}", first[column], first["item_id"])
        for column in columns
    ]
    questions = open_reference(released_unchanged, "releases/1.0.0#question")
    assert len(list(questions)) == len(rows)
    with pytest.raises(UsageError, match=r"no column family .*choose from: question"):
        parse_reference("releases/1.0.0#family", root=released_unchanged)


def test_a_fingerprint_follows_the_content(tmp_path: Path, released_unchanged: Path) -> None:
    """A check is out of date when what it compared with has changed."""
    (tmp_path / "a.txt").write_text("x\n")
    reference = parse_reference("a.txt", root=tmp_path)
    before = fingerprint(reference, root=tmp_path)
    assert fingerprint(reference, root=tmp_path) == before
    assert len(before) == 64
    (tmp_path / "a.txt").write_text("y\n")
    assert fingerprint(reference, root=tmp_path) != before
    release = parse_reference("releases/1.0.0", root=released_unchanged)
    manifest = json.loads((released_unchanged / "releases/1.0.0/manifest.json").read_text())
    assert fingerprint(release, root=released_unchanged) == manifest["row_hash"]


def test_a_file_that_goes_away_is_told(tmp_path: Path) -> None:
    """Between the parsing and the reading hours may pass."""
    (tmp_path / "a.txt").write_text("x\n")
    reference = parse_reference("a.txt", root=tmp_path)
    (tmp_path / "a.txt").unlink()
    for act in (
        lambda: fingerprint(reference, root=tmp_path),
        lambda: list_texts(tmp_path, "a.txt"),
    ):
        with pytest.raises((StorageError, UsageError)):
            act()
    with pytest.raises(StorageError, match="No such file"):
        list(read_reference(reference, root=tmp_path))


def test_reading_begins_before_the_file_is_through(tmp_path: Path) -> None:
    """Memory does not grow with a file: the first passage is there though the last line is bad."""
    reading = open_reference(tmp_path, "a.jsonl", '{"q": "x"}\n' * 3 + "{")
    assert next(iter(reading)).text == "x"
    assert (reading.passages, reading.skipped) == (1, 0)
