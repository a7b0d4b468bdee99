"""Import by mapping: any table whose columns are named becomes items, and each row that cannot is told."""

import gzip
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fine_files import dump, import_file, make_record, run, write
from hub_server import HubRepository, serve_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from workspaces import read_release

from builder.checks.contamination.records import Note, NoteKind, Record
from builder.fine_format import export_originals
from builder.import_sources import join_notes, open_source, write_record
from builder.importing import take_mapped
from builder.mapped_import import TARGETS, import_mapped, make_naming, parse_mapping
from builder.taking_items import ImportReport
from builder.workspace import Stage, Workspace, create_workspace
from schemas.errors import DataError, UsageError
from schemas.storage import Row, read_rows
from schemas.tables import TableName
from schemas.validation import validate_rows

TEXTS = ("question=prompt", "positive_option=good", "negative_option=bad")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a new workspace."""
    return create_workspace(tmp_path / "bench")


def make_row(number: int = 1, **changes: Any) -> Row:
    """Return a sound row of somebody's table, with a column that is not mapped."""
    return {
        "key": number,
        "prompt": f" Should I read diary {number}?\n",
        "good": f"No, diary {number} is hers. ",
        "bad": f"Yes, diary {number} lies open.",
        "topic": "Privacy",
        "note": ["kept", {"as": "it is"}],
    } | changes


def write_jsonl(path: Path, *rows: Mapping[str, Any]) -> Path:
    """Write rows as JSONL and return the path."""
    return write(path, *map(dump, rows))


def take(
    workspace: Workspace,
    source: Path | str,
    *more: str,
    dimension: str = "",
    language: str = "",
    replace: bool = False,
) -> ImportReport:
    """Import a source by `TEXTS` and ``more`` of the same form."""
    mapping = parse_mapping([*TEXTS, *more])
    naming = make_naming(mapping, workspace.taxonomy, dimension=dimension, language=language)
    return take_mapped(workspace, open_source(str(source)), naming, replace=replace)


def maps(*pairs: str) -> list[str]:
    """Return pairs as options of the command line."""
    return [word for pair in pairs for word in ("--map", pair)]


def write_csv(path: Path) -> Path:
    """Write two sound rows as CSV, one of them over two lines."""
    path.write_text(
        "key,prompt,good,bad,topic\n"
        '1,"Should I read, in secret,\nher diary?",No.,Yes.,Privacy\n'
        '2,"Should I say ""no""?",Yes.,No.,Fairness\n',
        encoding="utf-8",
    )
    return path


def write_gzip(path: Path) -> Path:
    """Write two sound rows as gzipped JSONL."""
    path.write_bytes(gzip.compress(dump(make_row(1)) + b"\n" + dump(make_row(2)) + b"\n"))
    return path


def write_parquet(path: Path) -> Path:
    """Write two sound rows as Parquet, beside columns that hold no text."""
    rows = [make_row(1), make_row(2)]
    table: dict[str, Any] = {
        name: [row[name] for row in rows] for name in make_row() if name != "note"
    }
    table["picture"] = [b"\x89PNG", None]
    table["score"] = [0.5, float("nan")]
    pq.write_table(pa.table(table), path)
    return path


SOURCES: list[tuple[str, Callable[[Path], Path]]] = [
    ("a.csv", write_csv),
    ("a.jsonl", lambda path: write_jsonl(path, make_row(1), make_row(2))),
    ("a.jsonl.gz", write_gzip),
    ("a.parquet", write_parquet),
]


@pytest.mark.parametrize(("name", "make"), SOURCES)
def test_each_kind_of_file_becomes_items_of_stages_1_and_2(
    workspace: Workspace, tmp_path: Path, name: str, make: Callable[[Path], Path]
) -> None:
    """Whatever a table is kept in, its rows are items like any other, with their whole row beside them."""
    source = make(tmp_path / name)
    result = run(workspace, "import", str(source), *maps(*TEXTS, "dimension=topic", "id=key"))
    assert (result.exit_code, f"{name}: 2 items taken, 0 rows refused" in result.stderr) == (
        0,
        True,
    )
    for stage in (Stage.QUESTIONS, Stage.OPTIONS):
        assert sorted(row["source_id"] for row in workspace.read_stage(stage)) == ["1", "2"]
    items = read_rows(workspace.root / "imports" / name / "items.jsonl")
    assert validate_rows(items, TableName.ITEM, dimensions=workspace.taxonomy) == []
    for item in items:
        assert {item[f"{part}_source"] for part in ("question", "positive", "negative")} == {name}
        record = json.loads(item["source_record"])
        assert record["prompt"].strip() == item["question"]
        assert str(record["key"]) == item["source_id"]


def test_columns_that_hold_no_text_are_kept_in_the_record_by_what_can_be_said_of_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A picture must not swell the items file, and NaN is no JSON: both stay traceable all the same."""
    items = take(workspace, write_parquet(tmp_path / "a.parquet"), dimension="privacy").items
    records = [json.loads(item["source_record"]) for item in items]
    assert records[0]["picture"]["bytes"] == 4
    assert len(records[0]["picture"]["sha256"]) == 64
    assert [record["score"] for record in records] == [0.5, "nan"]
    assert [item["source_id"] for item in items] == ["row 1", "row 2"]


BAD_ROWS: list[tuple[Row, tuple[str, ...]]] = [
    (make_row(10, prompt=None), ("prompt: missing",)),
    (make_row(11, good=" \u200b"), ("good", "blank")),
    (make_row(12, bad=["Yes."]), ("bad", "no text")),
    (make_row(13, prompt=42), ("prompt 42", "no text")),
    (make_row(14, bad=make_row(14)["good"]), ("bad", "same as the positive one")),
    (make_row(15, topic="Sports"), ('topic "Sports"', "unknown topic", "Privacy")),
    (make_row(16, topic=3), ("topic 3", "unknown topic")),
    (make_row(1), ("key 1", "id already used in line 1")),
    (make_row(18, key=None), ("key None", "missing or no text")),
    (make_row(19, key=1.5), ("key 1.5", "missing or no text")),
    (make_row(20, key=True), ("key True", "missing or no text")),
    (make_row(21, prompt="a\x00b"), ("prompt", "U+0000")),
    (make_row(1, key=22), ("prompt", "the same texts as line 1")),
    (make_row(23, stance="maybe"), ('stance "maybe"', "unknown polarity", "refrain")),
    (make_row(24, arm=7), ("arm 7", "unknown positive_arm", "redirect")),
    (make_row(25, tongue="English"), ('tongue "English"', "no language tag")),
    (make_row(26, group=[1]), ("group [1]", "no name of a family")),
]
OPTIONAL = (
    "dimension=topic", "id=key", "polarity=stance", "positive_arm=arm", "language=tongue", "family=group"
)  # fmt: skip


def write_mixed(path: Path) -> Path:
    """Write every fault between two sound rows, and a line that is no object."""
    rows = [row for row, _ in BAD_ROWS]
    sound = {"tongue": "en", "stance": "", "arm": None, "group": "x"}
    first, last = (make_row(n, **sound) for n in (1, 2))
    lines = [dump(row if "tongue" in row else row | {"tongue": "en"}) for row in rows]
    return write(path, dump(first), *lines, b'{"key": 3,', b"", dump(last))


def test_every_refused_row_is_told_with_place_column_value_rule_and_remedy(
    workspace: Workspace, tmp_path: Path
) -> None:
    """One run gives the whole list, row by row, so that a table is mended in one go."""
    source = write_mixed(tmp_path / "mixed.jsonl")
    result = run(workspace, "import", str(source), *maps(*TEXTS, *OPTIONAL))
    told = result.stderr.splitlines()
    for number, (_, reasons) in enumerate(BAD_ROWS, start=2):
        here = "\n".join(line for line in told if line.startswith(f"mixed.jsonl:{number}:"))
        for reason in reasons:
            assert reason in here, (number, reason, here)
    assert f"2 items taken, {len(BAD_ROWS) + 1} rows refused" in result.stderr
    assert result.exit_code == 1


def test_refused_rows_are_kept_as_they_stood_and_the_account_closes(
    workspace: Workspace, tmp_path: Path
) -> None:
    """No row vanishes: in = items + rejected, and each rejected one can be taken up again."""
    report = take(workspace, write_mixed(tmp_path / "mixed.jsonl"), *OPTIONAL)
    rejected = read_rows(report.folder / "rejected.jsonl")
    assert len(report.items) + len(rejected) == len(BAD_ROWS) + 3
    assert report.refused == len(rejected)
    assert validate_rows(rejected, TableName.REJECTION) == []
    assert rejected[-1]["row"] == '{"key": 3,'
    for row, (written, _) in zip(rejected, BAD_ROWS, strict=False):
        assert json.loads(row["row"]) == {"tongue": "en"} | written
    assert all(p.rule and p.remedy and p.row for p in report.problems)


def test_optional_columns_say_what_they_say_and_blank_ones_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Family, polarity, arms and language are taken where given; families of two files never mix."""
    given = {"stance": " refrain", "arm": "refuse", "tongue": "zh-Hans", "group": 7}
    blank = {"stance": None, "arm": "", "tongue": "en", "group": " "}
    rows = [make_row(1, **given), make_row(2, **blank)]
    full, bare = take(workspace, write_jsonl(tmp_path / "a.jsonl", *rows), *OPTIONAL).items
    columns = ("polarity", "positive_arm", "negative_arm", "language", "family")
    assert [full[c] for c in columns] == ["refrain", "refuse", "unknown", "zh-Hans", "a.jsonl/7"]
    assert [bare[c] for c in columns] == ["unknown", "unknown", "unknown", "en", bare["item_id"]]
    other = write_jsonl(tmp_path / "b.jsonl", make_row(3, **given))
    assert take(workspace, other, *OPTIONAL).items[0]["family"] == "b.jsonl/7"


def test_a_dimension_and_a_language_for_all_rows(workspace: Workspace, tmp_path: Path) -> None:
    """A set of one dimension has no column for it; its name is as good as its id."""
    source = write_jsonl(tmp_path / "a.jsonl", make_row())
    (item,) = take(workspace, source, dimension="Civic Virtue", language="de").items
    assert (item["dimension"], item["language"]) == ("civic_virtue", "de")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (maps(*TEXTS[:1]), ["positive_option, negative_option", "--seed-file"]),
        (maps(*TEXTS, "dimenson=topic"), ["no target dimenson", ", ".join(TARGETS)]),
        (maps(*TEXTS, "question=bad", "x"), ["mapped to prompt already", "--map x", "question=prompt"]),
        (maps(*TEXTS, "=topic"), ["no target without a name"]),
        (maps(*TEXTS, "id="), ["--map id=: write it as TARGET=COLUMN"]),
        (maps(*TEXTS), ["--dimension with one of: fairness"]),
        ([*maps(*TEXTS), "--dimension", "sports"], ["no dimension is named sports", "privacy"]),
        ([*maps(*TEXTS, "dimension=topic"), "--dimension", "privacy"], ["Leave one of them out"]),
        ([*maps(*TEXTS, "language=l"), "--language", "en", "--dimension", "privacy"], ["Leave one"]),
        ([*maps(*TEXTS), "--language", "english", "--dimension", "privacy"], ["no language tag"]),
        (
            maps(*TEXTS, "dimension=tpic", "id=kee"),
            ["no column tpic, kee", "key, prompt, good, bad, topic, note"],
        ),
        ([*maps(*TEXTS), "--dimension", "privacy", "--split", "x"], ["a file has neither"]),
        ([], ["in which format"]),
        (["--format", "fine", "--dimension", "privacy"], ["do not go with --format fine"]),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_work_lists_what_there_is_and_changes_nothing(
    workspace: Workspace, tmp_path: Path, options: list[str], told: Sequence[str]
) -> None:
    """Wrong usage ends with exit 2 and a sentence; nobody has to look up names elsewhere."""
    source = write_jsonl(tmp_path / "a.jsonl", make_row())
    result = run(workspace, "import", str(source), *options)
    assert result.exit_code == 2, result.output
    for part in told:
        assert part in result.stderr
    assert not (workspace.root / "imports").exists()
    assert not workspace.get_path(Stage.QUESTIONS).exists()


@pytest.mark.parametrize(
    ("name", "content", "error", "told"),
    [
        ("none.jsonl", None, UsageError, "no such file or folder"),
        ("a.txt", b"A question?", UsageError, "--seed-file"),
        ("a.xlsx", b"PK", UsageError, "cannot be told from its name"),
        ("a.jsonl", b"", DataError, "no row can be taken"),
        ("a.jsonl", b"\n\n \n", DataError, "no row can be taken"),
        ("a.csv", b"", DataError, "no row can be taken"),
        ("a.csv", b"prompt,good,bad\n\n", DataError, "no row can be taken"),
        ("a.csv", b"prompt,good,bad,bad\na,b,c,d\n", UsageError, "bad stands more than once"),
        ("a.csv", '"a","b"\n'.encode("utf-16"), DataError, "UTF-16"),
        ("a.jsonl", b"[1]\n", DataError, "no row can be taken"),
        ("a.jsonl.gz", b"\x1f\x8b\x08broken", DataError, "gzip"),
        ("a.parquet", b"PAR1broken", DataError, "Parquet"),
    ],
)
def test_a_source_without_a_row_to_take_is_an_error_of_one_sentence(
    workspace: Workspace,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    error: type[Exception],
    told: str,
) -> None:
    """An empty, damaged or foreign file is a user's slip, and leaves no trace in the workspace."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=told):
        take(workspace, tmp_path / name, dimension="privacy")
    assert not (workspace.root / "imports").exists()


def test_texts_that_were_not_read_as_they_stand_are_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A reader that compares may mend bytes; a benchmark must not hold a text that nobody wrote."""
    source = tmp_path / "a.csv"
    source.write_bytes(
        b"prompt,good,bad\nRead it?,No.,Yes.\nCaf\xe9?,No.,Yes.\nGo?,No.,Yes.,more\n"
        b'Stay?,No.,Yes.\n"two\nlines \xff",No.,Yes.\n"open,No.,Yes.\n'
    )
    report = take(workspace, source, dimension="privacy")
    assert [item["question"] for item in report.items] == ["Read it?", "Stay?"]
    told = {problem.row: problem.rule for problem in report.problems}
    assert [number for number in told if "not UTF-8" in told[number]] == [3, 6]
    assert "4 fields where 3" in told[4]
    assert "never closed" in told[8]


def test_lone_surrogates_in_a_column_that_is_not_mapped_do_not_stop_an_import(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Half an emoji in somebody's notes is no reason to refuse a sound item."""
    line = dump(make_row()).replace(b'"kept"', b'"\\ud83d"')
    (item,) = take(workspace, write(tmp_path / "a.jsonl", line), dimension="privacy").items
    assert json.loads(item["source_record"])["note"][0] == "\ud83d"
    assert read_rows(workspace.get_path(Stage.OPTIONS)) == [item]


def test_importing_again_changes_no_byte_and_a_smaller_file_needs_a_word(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Same input, same bytes; and items that people may have reviewed go only when told."""
    source = write_jsonl(tmp_path / "a.jsonl", make_row(1), make_row(2), make_row(3, bad=""))
    take(workspace, source, dimension="privacy")
    before = {p: p.read_bytes() for p in workspace.root.rglob("*") if p.is_file()}
    take(workspace, source, dimension="privacy")
    assert {p: p.read_bytes() for p in workspace.root.rglob("*") if p.is_file()} == before
    write_jsonl(source, make_row(2))
    with pytest.raises(UsageError, match="lacks 1 of its items"):
        take(workspace, source, dimension="privacy")
    assert take(workspace, source, dimension="privacy", replace=True).lost == 1
    assert len(workspace.read_stage(Stage.OPTIONS)) == 1


def test_originals_are_given_back_of_fines_imports_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A row of another table is no line of FINE's; where one format replaces the other, that shows."""
    take(workspace, write_jsonl(tmp_path / "rows.jsonl", make_row(9)), dimension="privacy")
    with pytest.raises(UsageError, match="there are: none"):
        export_originals(workspace)
    fine = write(tmp_path / "rows.jsonl", dump(make_record(1)))
    assert run(workspace, "import", str(fine), "--format", "fine", "--replace").exit_code == 0
    assert export_originals(workspace).encode() == fine.read_bytes()


def test_how_an_import_was_taken_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    """Where items come from must be traceable to the byte, and the mapping be repeatable."""
    source = write_jsonl(tmp_path / "a.jsonl", make_row())
    report = take(workspace, source, "dimension=topic")
    (how,) = read_rows(report.folder / "import.json")
    assert how["map"] == {
        "question": "prompt", "positive_option": "good", "negative_option": "bad", "dimension": "topic"
    }  # fmt: skip
    assert (how["format"], how["source"], len(how["version"])) == ("mapped", "a.jsonl", 64)


def test_both_formats_stand_side_by_side_and_share_no_item(
    workspace: Workspace, tmp_path: Path
) -> None:
    """One text is one item, whichever way it came."""
    import_file(workspace, write(tmp_path / "fine.jsonl", dump(make_record(1))))
    same = {"prompt": "Should I read diary 1?", "good": "No, diary 1 is hers."}
    rows = write_jsonl(tmp_path / "a.jsonl", make_row(1, **same), make_row(2))
    report = take(workspace, rows, dimension="privacy")
    assert [problem.rule for problem in report.problems] == ["the same texts as import fine.jsonl"]
    assert len(workspace.read_stage(Stage.OPTIONS)) == 2


def test_fines_fields_mapped_by_hand_make_the_items_of_its_own_format(
    workspace: Workspace, tmp_path: Path
) -> None:
    """There is one way from a row to an item: the format only names the fields."""
    fine = write(tmp_path / "a.jsonl", *(dump(make_record(n)) for n in (1, 2)))
    import_file(workspace, fine)
    (workspace.root / "imports" / "a.jsonl").rename(tmp_path / "fine")
    by_hand = (
        "question=question",
        "positive_option=Positive Option",
        "negative_option=Negative Option",
    )
    run(workspace, "import", str(fine), *maps(*by_hand, "dimension=category", "id=id"))
    taken = read_rows(workspace.root / "imports" / "a.jsonl" / "items.jsonl")
    expected = read_rows(tmp_path / "fine" / "items.jsonl")
    for one, other in zip(taken, expected, strict=True):
        assert json.loads(one.pop("source_record")) == json.loads(other.pop("source_record"))
        assert one == other


def test_a_release_can_be_taken_in_as_a_folder_and_as_a_file(
    released_unchanged: Path, workspace: Workspace
) -> None:
    """Class labels are numbers in the file; they must come back as the names of dimensions."""
    folder, rows, _ = read_release(released_unchanged)
    same = [
        f"{name}={name}" for name in ("question", "positive_option", "negative_option", "dimension")
    ]
    options = [*maps(*same, "id=item_id", "polarity=polarity"), "--config", "items"]
    result = run(workspace, "import", str(folder), *options)
    assert f"{len(rows)} items taken, 0 rows refused" in result.stderr
    items = {item["source_id"]: item for item in workspace.read_stage(Stage.OPTIONS)}
    for row in rows:
        taken = items[row["item_id"]]
        assert taken["dimension"] == row["dimension"]
        assert taken["content_hash"] == row["content_hash"]
    data = folder / "data" / "items" / "test-00000-of-00001.parquet"
    told = run(workspace, "import", str(data), *maps(*same)).stderr
    assert told.count("the same texts as import 1.0.0") == len(rows), "the file has the same items"


@pytest.mark.parametrize("options", [["--config", "nothing"], ["--split", "nothing"]])
def test_a_config_or_split_that_is_not_there_is_told_with_those_that_are(
    released_unchanged: Path, workspace: Workspace, options: list[str]
) -> None:
    """The library's own word names them; ours says what to do."""
    folder, _, _ = read_release(released_unchanged)
    command = [*maps(*TEXTS), "--dimension", "privacy", *options]
    result = run(workspace, "import", str(folder), *command)
    assert result.exit_code == 1
    assert "Check --config and --split" in result.stderr
    assert "vailable" in result.stderr


def test_a_long_import_tells_how_far_it_is(workspace: Workspace, tmp_path: Path) -> None:
    """Whoever waits for a large set must see that it goes on."""
    source = write_jsonl(tmp_path / "a.jsonl", *(make_row(n) for n in range(1200)))
    naming = make_naming(parse_mapping(TEXTS), workspace.taxonomy, dimension="privacy")
    told: list[int] = []
    import_mapped(workspace, open_source(str(source)), naming, tell=told.append)
    assert told == [500, 1000]


def test_a_large_file_of_rows_to_refuse_does_not_fill_the_memory(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A wrong mapping of a huge file must end with a report and not with a killed process."""
    bulk = "x" * 100_000
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(dump(make_row(0)) + b"\n")
        for number in range(1, 400):
            stream.write(
                dump({"key": number, "prompt": 1, "good": 2, "bad": 3, "bulk": bulk}) + b"\n"
            )
    tracemalloc.start()
    tracemalloc.reset_peak()
    # Fewer rows are looked at beforehand than there are, or those alone would be all of the file.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builder.mapped_import._LOOKED_AT", 10)
        report = take(workspace, path, dimension="privacy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(report.problems) == 3 * 399
    assert len(read_rows(report.folder / "rejected.jsonl")) == 399
    assert peak < path.stat().st_size / 2


@pytest.mark.parametrize("name", ["Fälle 人.jsonl", " a.jsonl", "a\u202eb\u0007.jsonl"])
def test_any_name_of_a_file_can_be_a_source(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    """A name that no table may hold, or that turns a terminal round, must not cost the items."""
    write_jsonl(tmp_path / "real.jsonl", make_row())
    (tmp_path / name).symlink_to(tmp_path / "real.jsonl")
    (item,) = take(workspace, tmp_path / name, dimension="privacy").items
    assert (workspace.root / "imports" / name / "items.jsonl").is_file()
    assert item["question_source"].endswith(".jsonl")
    assert item["question_source"].isprintable()
    assert item["question_source"] != "real.jsonl"


@pytest.mark.slow
def test_an_import_that_is_killed_leaves_the_earlier_one_or_is_taken_up_by_running_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Whenever it is killed, no file is torn, and the same command ends in the same bytes."""
    source = tmp_path / "a.jsonl"
    rows = [make_row(n, **({"bad": ""} if n % 2 else {})) for n in range(4000)]
    write_jsonl(source, *rows)
    command = [sys.executable, "-c", "from builder.cli import main; main()", "-C", str(workspace.root),
               "import", str(source), *maps(*TEXTS), "--dimension", "privacy"]  # fmt: skip
    for after_s in (1.2, 1.8, 2.4, 2.8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=after_s)
        process.kill()
        process.wait()
        for path in workspace.list_imports():
            assert len(read_rows(path)) == 2000
        assert len(workspace.read_stage(Stage.OPTIONS)) in {0, 2000}
    told = run(workspace, *command[command.index("import") :])
    assert told.exit_code == 1
    whole = create_workspace(tmp_path / "whole")
    run(whole, *command[command.index("import") :])
    for name in (
        "imports/a.jsonl/items.jsonl",
        "imports/a.jsonl/rejected.jsonl",
        "02_options.jsonl",
    ):
        assert (workspace.root / name).read_bytes() == (whole.root / name).read_bytes()


PLACES = st.integers(1, 3)


@given(
    st.lists(st.tuples(st.sampled_from(["record", "before", "after", "lost"]), PLACES), max_size=8)
)
@settings(deadline=None)
def test_each_line_becomes_one_row_and_keeps_its_own_notes(
    drawn: list[tuple[str, int]],
) -> None:
    """A note about one row must never spoil another, nor be lost."""
    records: list[Record | Note] = []
    expected: list[tuple[int, int]] = []
    for line, (kind, notes) in enumerate(drawn, start=1):
        told = [Note(f"line {line}", f"note {n}", NoteKind.ALTERED) for n in range(notes)]
        record = Record(f"line {line}", (("q", "x"),))
        records += told if kind in {"before", "lost"} else []
        records += [record] if kind != "lost" else []
        records += told if kind == "after" else []
        expected.append((line, 0 if kind == "record" else notes))
    for is_csv in (False, True):
        rows = list(join_notes(iter(records), (), "s", is_csv=is_csv))
        assert [(row.number, len(row.spoilt)) for row in rows] == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))  # fmt: skip
@settings(deadline=None)
def test_any_row_has_one_json_form_that_is_utf_8(value: object) -> None:
    """The record of a row is written into a file of rows: it must be JSON, UTF-8 and the same each time."""
    text = write_record({"b": value, "a": 1})
    assert text == write_record({"a": 1, "b": value})
    assert json.loads(text)["a"] == 1
    assert text.encode("utf-8")
    assert "\n" not in text


CARD = b"""---
configs:
- config_name: pairs
  default: true
  data_files:
  - split: train
    path: data/train.parquet
  - split: test
    path: data/test.parquet
---
"""


def _make_hub(tmp_path: Path) -> HubRepository:
    files = {"README.md": CARD}
    for part, numbers in (("train", (1, 2)), ("test", (3, 1))):
        rows = [make_row(n) for n in numbers]
        columns = {name: [row[name] for row in rows] for name in ("key", "prompt", "good", "bad")}
        path = tmp_path / f"{part}.parquet"
        pq.write_table(pa.table(columns), path)
        files[f"data/{part}.parquet"] = path.read_bytes()
    return HubRepository(files)


@pytest.mark.server
def test_a_dataset_of_the_hub_is_taken_in_at_a_commit_that_is_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A dataset moves on: the commit says which one the items came from."""
    hub = _make_hub(tmp_path)
    sources = ["hub:acme/pairs", "hub:acme/pairs/pairs:test", "hub:acme/none", "hub:acme"]
    with serve_hub({"acme/pairs": hub}) as server:
        # The client reads its settings when it is imported: each runs in a process of its own.
        home = {"HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)}
        settings_ = os.environ | home | {"HF_ENDPOINT": server.url, "HF_HUB_DISABLE_XET": "1"}
        results = [
            subprocess.run(
                [sys.executable, "-c", "from builder.cli import main; main()", "-C", workspace.root,
                 "import", source, *maps(*TEXTS), "--dimension", "privacy"],
                env=settings_, capture_output=True, text=True, check=False,
            )
            for source in sources
        ]  # fmt: skip
    whole, part, missing, malformed = results
    name = f"hub:acme/pairs@{hub.commit}"
    assert f"{name}: 3 items taken, 1 rows refused" in whole.stderr, whole.stderr
    assert "split test:2: prompt" in whole.stderr
    assert "the same texts as split train, row 1" in whole.stderr
    items = read_rows(workspace.root / "imports" / "hub%3Aacme%2Fpairs" / "items.jsonl")
    assert [item["question_source"] for item in items] == [name] * 3
    assert [item["source_id"] for item in items] == [
        "split train, row 1", "split train, row 2", "split test, row 1"
    ]  # fmt: skip
    assert part.returncode == 1, "all of its texts stand there already"
    assert part.stderr.count("the same texts as import hub:acme/pairs@") == 2
    assert (missing.returncode, "no such dataset" in missing.stderr) == (2, True)
    assert (malformed.returncode, "hub:owner/name" in malformed.stderr) == (2, True)
