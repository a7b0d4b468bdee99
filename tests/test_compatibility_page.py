"""The page on compatibility says what the two readings do: it is made from them, and kept in step."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_in_step_with_both_readings() -> None:
    """A change of a rule that the page does not tell would mislead whoever compares figures by it."""
    check = [sys.executable, str(DOCS / "make_compatibility.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_page_shows_where_the_readings_differ() -> None:
    """Twenty examples and more, differences among them, and figures that are called generated."""
    page = (DOCS / "compatibility.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:`|\(empty\)).* \|$", page, re.MULTILINE)
    assert len(rows) >= 20
    assert any("| passes | fails |" in row and "unreadable" in row for row in rows)
    assert any("| fails | fails |" in row and "chooses" in row for row in rows)
    assert any("| unsafe | safe |" in row for row in rows)
    assert any("| safe | unsafe |" in row for row in rows)
    assert "**generated**" in page
