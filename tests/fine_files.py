"""Files in FINE's format and the commands that take them in: records go in, a command's result comes out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from builder.cli import cli
from builder.workspace import Workspace
from schemas.storage import Row

__all__ = [
    "CATEGORIES",
    "REAL",
    "TEXT_FIELDS",
    "dump",
    "import_file",
    "make_record",
    "run",
    "write",
]

REAL = Path(__file__).parents[2] / "shared" / "data" / "safety.jsonl"
CATEGORIES = {
    "Fairness": "fairness",
    "Individual Harm": "individual_harm",
    "Legality": "legality",
    "Privacy": "privacy",
    "Civic Virtue": "civic_virtue",
}
TEXT_FIELDS = {
    "question": "question",
    "Positive Option": "positive_option",
    "Negative Option": "negative_option",
}


def make_record(number: int = 1, **changes: Any) -> Row:
    """Return a sound record of FINE, untrimmed as FINE's own texts are."""
    return {
        "id": str(number),
        "category": "Privacy",
        "question": f" Should I read diary {number}?",
        "Positive Option": f"No, diary {number} is hers.\n\u200b",
        "Negative Option": f" Yes, diary {number} lies open.",
    } | changes


def dump(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line of a file, without its line break."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8")


def write(path: Path, *lines: bytes) -> Path:
    """Write lines to a file and return its path."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def run(workspace: Workspace, *arguments: str) -> Result:
    """Run a command of finebench in a workspace; whatever it raises goes through."""
    runner = CliRunner(catch_exceptions=False)
    return runner.invoke(cli, ["-C", str(workspace.root), *arguments])


def import_file(workspace: Workspace, file: Path) -> Result:
    """Import a file of FINE's by the command line."""
    return run(workspace, "import", str(file), "--format", "fine")
