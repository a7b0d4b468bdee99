"""Citation and licence of a release: what others copy must be right, whatever names hold."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from workspaces import RunCommand, read_release

import builder.bundle
from builder.release.citation import PAPER, write_apa, write_bibtex, write_citation
from builder.release.licences import find_hub_license, find_spdx_page, write_license

ROOT = Path(__file__).parents[1]


@pytest.fixture
def manifest(released_unchanged: Path) -> dict[str, Any]:
    """The manifest of the demo's release, to be changed at will."""
    return copy.deepcopy(read_release(released_unchanged)[2])


def test_people_and_entities_are_told_apart(manifest: dict[str, Any]) -> None:
    """Family and given name make a person, a name without a comma an entity; blank ones are nobody."""
    manifest["configuration"]["release"]["authors"] = ["Example, Ada B.", "Some Lab", "  ", "Odd,"]
    found = yaml.safe_load(write_citation(manifest))
    assert found["authors"] == [
        {"family-names": "Example", "given-names": "Ada B."},
        {"name": "Some Lab"},
        {"name": "Odd,"},
    ]
    assert "author = {Example, Ada B. and {Some Lab} and {Odd,}}" in write_bibtex(manifest)
    assert write_apa(manifest).startswith(
        "Example, A. B., Some Lab, &amp; Odd,. (2023). *Test bench*"
    )


def test_the_citation_names_release_licence_and_paper(manifest: dict[str, Any]) -> None:
    """The keys that CFF 1.2.0 requires, the version with its date, and the ten authors of the paper."""
    found = yaml.safe_load(write_citation(manifest))
    assert found["cff-version"] == "1.2.0"
    assert found["type"] == "dataset"
    assert (found["version"], found["date-released"]) == ("1.0.0", manifest["date"])
    assert found["license"] == "CC-BY-4.0"
    assert found["authors"] == [{"name": "Test bench project"}]
    (paper,) = found["references"]
    assert len(paper["authors"]) == len(PAPER.authors) == 10
    assert paper["year"] == 2024
    assert paper["url"].endswith("2311.05915")


def test_export_tells_a_curator_who_named_no_author(released: Path, finebench: RunCommand) -> None:
    """A citation of a nameless project should be nobody's surprise."""
    assert "nobody is named as author" in finebench(released, "export", "1.0.0").stderr
    config = released / "bench.toml"
    config.write_text(config.read_text() + '\n[release]\nauthors = ["Example, Ada"]\n')
    told = finebench(released, "export", "1.0.1", "--waive", "version=names").stderr
    assert "nobody is named" not in told


@pytest.mark.parametrize(
    "title",
    ['A "quoted": title', "---", "100% & {more} _x_ #1 $a$ \\ ~^", "题目 🦊", "a\nb", "`````"],
)
def test_hostile_titles_are_quoted(manifest: dict[str, Any], title: str) -> None:
    """YAML gives the title back; BibTeX keeps its braces in balance and its block closed."""
    manifest["title"] = title
    manifest["configuration"]["release"]["authors"] = [title]
    found = yaml.safe_load(write_citation(manifest))
    assert found["title"] == " ".join(title.split())
    entry = write_bibtex(manifest)
    bare = re.sub(r"\\[{}]", "", entry)
    assert bare.count("{") == bare.count("}")
    assert "`" not in entry
    for line in entry.split("\n")[1:-1]:
        assert re.fullmatch(r"  [a-z]+ = \{.*\},", line)


@pytest.mark.parametrize(
    ("name", "hub", "page"),
    [
        ("CC-BY-4.0", ("cc-by-4.0", ""), "https://spdx.org/licenses/CC-BY-4.0.html"),
        ("apache-2.0", ("apache-2.0", ""), "https://spdx.org/licenses/Apache-2.0.html"),
        ("ODbL-1.0", ("odbl", ""), "https://spdx.org/licenses/ODbL-1.0.html"),
        ("GPL-3.0-or-later", ("gpl-3.0", ""), "https://spdx.org/licenses/GPL-3.0-or-later.html"),
        ("CC-BY-ND-3.0-DE", ("other", "cc-by-nd-3.0-de"), "https://spdx.org/licenses/CC-BY-ND-3.0-DE.html"),
        ("MIT OR CC0-1.0", ("other", "mit-or-cc0-1.0"), ""),
        ("LicenseRef-own", ("other", "licenseref-own"), ""),
        ("Our <terms>", ("other", "our-terms"), ""),
        ("other", ("other", "other"), ""),
        ("条款", ("other", "see-license-file"), ""),
        ("", ("other", "see-license-file"), ""),
    ],
)  # fmt: skip
def test_licences_are_known_by_the_hub_and_by_spdx(
    name: str, hub: tuple[str, str], page: str
) -> None:
    """What either does not know is never passed off as known."""
    assert find_hub_license(name) == hub
    assert find_spdx_page(name) == page


def test_a_licence_that_spdx_does_not_know_is_left_out_of_the_citation(
    manifest: dict[str, Any],
) -> None:
    """CFF allows SPDX ids alone under this key."""
    manifest["license"] = "Our terms"
    assert "license" not in yaml.safe_load(write_citation(manifest))


def test_the_notice_names_both_licences() -> None:
    """The data's by its SPDX page, the evaluator's by the text that lies beside it."""
    notice = write_license("CC-BY-4.0")
    assert "https://spdx.org/licenses/CC-BY-4.0.html" in notice
    assert "evaluator/LICENSE" in notice
    assert write_license("x", "My own text") == "My own text\n"
    assert "spdx.org" not in write_license("Our terms")


def test_a_workspaces_own_licence_text_goes_along(released: Path, finebench: RunCommand) -> None:
    """Its text is released as it stands; one that is no text is a sentence and no traceback."""
    (released / "LICENSE").write_bytes(b"\xff\xfe bad")
    told = finebench(released, "export", "2.0.0", code=1).stderr
    assert "not text in UTF-8" in told
    (released / "LICENSE").write_text("Terms of our own: ü\n", encoding="utf-8")
    finebench(released, "export", "2.0.0")
    text = (released / "releases" / "2.0.0" / "LICENSE").read_text(encoding="utf-8")
    assert text == "Terms of our own: ü\n"


def test_the_evaluators_licence_travels_with_it(released_unchanged: Path) -> None:
    """Apache-2.0 asks for its text with every copy; ours and the bundle's are one and the same."""
    own = (ROOT / "LICENSE").read_bytes()
    assert (Path(builder.bundle.__file__).parent / "LICENSE").read_bytes() == own
    folder, _, _ = read_release(released_unchanged)
    assert (folder / "evaluator" / "LICENSE").read_bytes() == own
