"""The house rules that a program can see: documents in step, a quick start, sizes, nothing stray."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from builder.cli import cli
from builder.prompts import load_prompt

ROOT = Path(__file__).parents[1]
PACKAGES = ("builder", "schemas", "annotations")
UNTRACKED = {".git", ".venv", "demo-workspace", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
HEAVY = (
    "datasets",
    "huggingface_hub",
    "label_studio_sdk",
    "numpy",
    "openai",
    "pandas",
    "pandera",
    "pyarrow",
    "pydantic",
    "sklearn",
)


def list_modules() -> list[Path]:
    """Return all modules that ship."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def list_functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def list_commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    yield name, command
    if isinstance(command, click.Group):
        for child_name, child in command.commands.items():
            yield from list_commands(child, f"{name} {child_name}")


def test_help_page_is_in_step_with_the_commands() -> None:
    """An undocumented command is a failing test."""
    check = [sys.executable, str(ROOT / "docs" / "make_help.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("name", "command"), list(list_commands(cli, "finebench")))
def test_every_command_has_a_sentence_and_an_example_of_itself(
    name: str, command: click.Command
) -> None:
    """Help without a copyable example leaves the reader to guess."""
    text = command.help or ""
    assert text.split("\n")[0].endswith(".")
    assert f"Example: {name} " in text or f"Example: {name}\n" in f"{text}\n"


def test_every_command_in_the_documents_exists() -> None:
    """README and docs name no command that is not there."""
    known = {name for name, _ in list_commands(cli, "finebench")}
    groups = {name for name, c in list_commands(cli, "finebench") if isinstance(c, click.Group)}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = [
        (page.name, match)
        for page in pages
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
        for match in re.findall(r"^finebench ([a-z]+)(?: ([a-z]+))?", block, re.MULTILINE)
    ]
    assert named, "the documents show no command"
    for page, (command, child) in named:
        full = f"finebench {command}"
        assert full in known, f"{page}: {full}"
        if full in groups and child:
            assert f"{full} {child}" in known, f"{page}: {full} {child}"


def test_documented_files_exist() -> None:
    """The file tree of README names what is there."""
    tree = re.search(r"## Files\n.*?```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree
    folder = ""
    for line in tree[1].splitlines():
        name = line.split()[0]
        folder = "" if not line.startswith(" ") else folder
        assert (ROOT / folder / name).exists(), f"{folder}{name}"
        folder = name if name.endswith("/") and not line.startswith(" ") else folder


def test_help_loads_nothing_heavy() -> None:
    """`--help` answers at once: what is heavy is imported by the command that needs it."""
    code = (
        "import sys; from builder.cli import cli; cli(['--help'], standalone_mode=False);"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_engine_imports_the_standard_library_only() -> None:
    """Scoring from a release must work where nothing is installed."""
    code = (
        "import sys, pkgutil, importlib; sys.path.insert(0, sys.argv[1]); import engine;"
        "[importlib.import_module(f'engine.{m.name}') for m in pkgutil.iter_modules(engine.__path__)]"
    )
    bundle = ROOT / "builder" / "bundle"
    command = [sys.executable, "-I", "-S", "-c", code, str(bundle)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_modules_and_functions_stay_small() -> None:
    """A file has one subject and a function one job: 400 lines, 40 without the docstring."""
    long = []
    for path in list_modules():
        if path.read_text().count("\n") > 400:
            long.append(str(path))
        for node in list_functions(path):
            docstring = node.body[0] if ast.get_docstring(node) else None
            told = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
            if (node.end_lineno or 0) - node.lineno + 1 - told > 40:
                long.append(f"{path}:{node.lineno} {node.name}")
    assert long == []


def test_public_functions_are_documented_and_listed() -> None:
    """What a module offers is told, and every name that it lists is there."""
    faults = []
    for path in list_modules():
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            faults.append(f"{path}: no docstring")
        defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        public = {name for name in defined if not name.startswith("_")}
        if public and path.name != "__main__.py" and "__all__" not in path.read_text():
            faults.append(f"{path}: no __all__")
        faults += [
            f"{path}:{node.lineno} {node.name}"
            for node in list_functions(path)
            if not node.name.startswith("_")
            and not ast.get_docstring(node)
            and any(node is member for member in tree.body)
        ]
    assert faults == []


def test_every_test_says_what_it_holds() -> None:
    """A test without a reason is deleted by the first person it annoys."""
    silent = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").glob("*.py"))
        for node in list_functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_constraints_pin_names_and_versions_alone() -> None:
    """No registry, no path, no marker: the files install from wherever the user installs from."""
    for path in sorted((ROOT / "constraints").glob("*.txt")):
        for line in path.read_text().splitlines():
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), f"{path.name}: {line}"


def test_nothing_stray_is_kept() -> None:
    """No path of somebody's machine and no secret is in any tracked text."""
    stray = re.compile(
        r"(?:^|[\s\"'=(])/(?:work|home|root|Users)/|\bhf_[A-Za-z0-9]{20}|\bsk-[A-Za-z0-9]{20}"
    )
    suffixes = {".py", ".md", ".toml", ".txt", ".sh", ".jsonl"}
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if parts[0] in UNTRACKED or path.suffix not in suffixes or not path.is_file():
            continue
        assert not stray.search(path.read_text(encoding="utf-8")), path
    assert (ROOT / "constraints" / "runtime.txt").is_file(), "the walk went elsewhere"


@pytest.mark.parametrize("name", ["positive_option", "negative_option"])
def test_option_prompts_forbid_operational_detail(name: str) -> None:
    """Every prompt that asks for a text demands a stance without operational detail."""
    text = load_prompt(name).text
    assert "operational detail" in text or "nothing that anybody could act on" in text
    assert "$question" in text
    assert "$stance" in text
