"""Files damaged by hand or by a disk: every command ends with a sentence, and none with a traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from workspaces import RunCommand, first_item

from builder.cli import cli

COMMANDS = (
    ("status",),
    ("check",),
    ("annotate", "merge"),
    ("adjudicate",),
    ("build",),
    ("validate",),
    ("export", "1.0.0"),
    ("export", "--format", "fine"),
    ("evaluate", "1.0.0", "--model", "offline-aligned"),
    ("report",),
    ("show", "ITEM"),
    ("annotate", "simulate", "--round", "2"),
    ("withdraw", "ITEM", "--reason", "x"),
)
Damage = Callable[[bytes], bytes]
DAMAGES: tuple[Damage, ...] = (
    lambda data: data[: len(data) // 2],
    lambda _: b'{"a": 1}\n',
    lambda data: b"\xff\xfe" + data,
    lambda _: b"",
    lambda _: b"[" * 100_000,
)


@pytest.fixture(scope="module")
def finished(finebench: RunCommand, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace with a file of every kind: an edit, a ruling, a withdrawal, a release, a run."""
    path = tmp_path_factory.mktemp("damage") / "bench"
    finebench(path, "new", str(path), "--quota", "1")
    finebench(path, "build")
    items = [line["item_id"] for line in (first_item(path),)]
    finebench(path, "edit", items[0], "--question", "Is that fair to her?")
    finebench(path, "check")
    finebench(path, "annotate", "simulate")
    ruling = ("--decision", "accept", "--reason", "clear")
    finebench(path, "adjudicate", "--item", items[0], *ruling)
    waivers = ("--waive", "option-leak=few", "--waive", "undecided-items=trial")
    finebench(path, "export", "1.0.0", *waivers)
    finebench(path, "evaluate", "1.0.0", "--model", "offline-aligned")
    (path / "withdrawals.jsonl").write_text("")
    return path


@pytest.mark.slow
def test_no_damaged_file_ends_any_command_in_a_traceback(finished: Path, tmp_path: Path) -> None:
    """Exit codes 0, 1 or 2 and a sentence, whichever file is cut short, replaced or filled with rubbish."""
    item = first_item(finished)["item_id"]
    kept = {".parquet", ".py"}
    files = sorted(p for p in finished.rglob("*") if p.is_file() and p.suffix not in kept)
    files = [path for path in files if ".locks" not in path.parts]
    assert len(files) > 25
    faults = []
    for number, file in enumerate(files):
        for damage in (DAMAGES[number % 5], DAMAGES[(number + 2) % 5]):
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(finished, copy)
            damaged = copy / file.relative_to(finished)
            damaged.write_bytes(damage(file.read_bytes()))
            for command in COMMANDS:
                words = [item if word == "ITEM" else word for word in command]
                result = CliRunner().invoke(cli, ["-C", str(copy), *words])
                expected = result.exception is None or isinstance(result.exception, SystemExit)
                if not expected or result.exit_code not in (0, 1, 2):
                    faults.append(f"{damaged.name} {command[0]}: {result.exception!r}")
    assert faults == []
