"""The dataset card: it says what is known and what is not, and shows what curators wrote as they wrote it."""

import copy
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from release_kinds import HOSTILE, release_reviewed, release_unreviewed
from workspaces import RunCommand, read_release

from builder.release.card.column_notes import COLUMN_NOTES
from builder.release.card.facts import find_simulations
from builder.release.card.figures import AGREEMENT
from builder.release.card.markdown import escape, make_code, make_link, make_table, to_plain
from builder.release.card.metadata import check_card
from builder.release.card.tally import make_tally
from builder.release.card.writing import write_card
from builder.release.reading import read_release as read_folder

Facts = tuple[dict[str, Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, finebench: RunCommand) -> Path:
    """The releases of a workspace that people reviewed."""
    return release_reviewed(tmp_path_factory.mktemp("people") / "bench", finebench) / "releases"


@pytest.fixture
def facts(released_unchanged: Path) -> Facts:
    """Manifest and rows of the demo's release, to be changed at will."""
    _, rows, manifest = read_release(released_unchanged)
    return copy.deepcopy(manifest), copy.deepcopy(rows)


def read_head(card: str) -> dict[str, Any]:
    """Return the YAML head as a parser reads it."""
    head: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return head


def read_tables(card: str) -> list[list[list[str]]]:
    """Return the cells of every table, as GitHub's Markdown splits them."""
    found = re.findall(r"(?:^\|.*\n?)+", card, re.MULTILINE)
    return [
        [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in table.strip().split("\n")]
        for table in found
    ]


def test_the_card_is_made_of_manifest_and_rows_alone(released_unchanged: Path) -> None:
    """Whoever has a release can make its card again, byte by byte, without the workspace."""
    folder, _, _ = read_release(released_unchanged)
    release = read_folder(folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert write_card(release.manifest, make_tally(release.rows)) == card
    assert check_card(card, folder) == []


def test_it_has_every_section_of_the_hubs_template(released_unchanged: Path) -> None:
    """A reader who knows other cards finds what they look for where they look for it."""
    import huggingface_hub

    folder, _, _ = read_release(released_unchanged)
    template = Path(huggingface_hub.__file__).parent / "templates" / "datasetcard_template.md"
    asked = re.findall(r"^#{2,4} (.+)$", template.read_text(encoding="utf-8"), re.MULTILINE)
    card = (folder / "README.md").read_text(encoding="utf-8")
    given = set(re.findall(r"^#{2,4} (.+)$", card, re.MULTILINE))
    assert {re.sub(r" \[optional\]$", "", name) for name in asked} <= given


def test_figures_of_the_card_are_those_of_the_release(released_unchanged: Path) -> None:
    """Counts by dimension and by gate stand in the card as they are in rows and manifest."""
    folder, rows, manifest = read_release(released_unchanged)
    card = (folder / "README.md").read_text(encoding="utf-8")
    for dimension in manifest["dimensions"]:
        count = sum(row["dimension"] == dimension["id"] for row in rows)
        assert (
            f"| `{dimension['id']}` | {dimension['name']} | {dimension['kind']} | {count} |" in card
        )
    ac1 = manifest["review"]["agreement"]["safer"]["overall"]["ac1"]
    low, high = ac1["interval"]
    assert f"{ac1['value']:.2f} [{low:.2f}, {high:.2f}]" in card
    ceiling = manifest["review"]["two_orders"]
    assert f"a chance of {100 * ceiling['value']:.1f}%" in card
    gauge = next(g for g in manifest["checks"]["option_leak"]["gauges"] if g["role"] == "gate")
    assert f"| {gauge['auditor']} (gates) | surface | {gauge['pairs']} |" in card
    assert "97% and 99%" in card
    assert manifest["canary"] in card
    assert set(rows[0]) <= set(COLUMN_NOTES)


def test_what_the_curator_does_not_state_is_said_to_be_missing(released_unchanged: Path) -> None:
    """Silence on pay or ethics must show, and not read as if there were nothing to say."""
    folder, rows, manifest = read_release(released_unchanged)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "So nobody was recruited, paid or asked for consent" in card, "no person answered there"
    manifest["review"] |= {"reviewers": 3, "simulated_reviewers": 0}
    manifest.pop("files")
    card = write_card(manifest, make_tally(rows))
    for name in ("Recruitment", "Pay", "Consent", "Ethics review"):
        assert f"- **{name}:** the curator states nothing on" in card
    assert "The curator names no authors." in card
    assert "The curator states no contact." in card


@pytest.mark.parametrize("folder", ["1.0.0", "1.0.0-held-out"])
def test_hostile_titles_and_reasons_show_as_they_were_written(reviewed: Path, folder: str) -> None:
    """A title that is YAML, HTML and Markdown breaks neither the head, nor a table, nor the page."""
    path = reviewed / folder
    card = (path / "README.md").read_text(encoding="utf-8")
    assert check_card(card, path) == []
    head = read_head(card)
    assert head["pretty_name"] == " ".join(HOSTILE.split())
    assert head["license"] == "cc-by-4.0", "the title's own licence was taken for one"
    assert set(head["language"]) <= {"en", "zh"}
    for table in read_tables(card):
        assert len({len(cells) for cells in table}) == 1, table
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", card.split("---\n", 2)[2], flags=re.DOTALL)
    assert not re.search(r"<(?!https?://)[a-z/]", prose), "an HTML tag came through"
    assert "(javascript:" not in re.sub(r"\\\]\(", "", prose)
    assert not re.search(r"(?<!\\)\$", prose)
    assert not re.search(r"^---", prose, re.MULTILINE)
    assert "- \\# One country's law. --- &#124; a &#124; b &#124;" in card
    assert "option-leak** was waived by the curator: too &lt;few&gt; &#124; items" in card


def test_a_hostile_title_is_one_heading_of_plain_text(reviewed: Path) -> None:
    """What a Markdown renderer makes of the title is the title, without a tag or a link in it."""
    card = (reviewed / "1.0.0" / "README.md").read_text(encoding="utf-8")
    page = MarkdownIt("commonmark").enable("table").render(card.split("---\n", 2)[2])
    (title,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert html.unescape(title) == " ".join(HOSTILE.split())
    assert "<b" not in page.replace("<blockquote>", "").replace("<br", "")
    assert "onclick=x&gt;" in page


def test_people_who_reviewed_are_told_of_without_their_names(reviewed: Path) -> None:
    """Numbers, statements and exclusions are public; who it was is not."""
    card = (reviewed / "1.0.0" / "README.md").read_text(encoding="utf-8")
    manifest = json.loads((reviewed / "1.0.0" / "manifest.json").read_text(encoding="utf-8"))
    answers = manifest["review"]["answers"]
    assert f"2 people gave {answers} answers" in card
    assert "Simulated.** In this release: texts written by" in card
    assert "reviewers simulated" not in card
    assert "1 reviewer was excluded" in card
    assert "too &#124; fast (1)" in card
    assert "**Pay:** &#36;20 an hour." in card
    assert "**Recruitment:** Students of &#124; law, &lt;i&gt;by&lt;/i&gt; notice." in card
    assert "**Ethics review:** the curator states nothing" in card
    assert "a private remark" not in card
    assert not re.search(r"\b(anna|ben|cleo)\b", card)
    assert read_head(card)["annotations_creators"] == ["machine-generated", "other"]


def test_agreement_is_told_by_language(reviewed: Path) -> None:
    """Where reviewers agree in one language only, an overall figure hides it."""
    manifest = json.loads((reviewed / "1.0.0" / "manifest.json").read_text(encoding="utf-8"))
    card = (reviewed / "1.0.0" / "README.md").read_text(encoding="utf-8")
    for language in ("en", "zh"):
        found = manifest["review"]["agreement_by_language"][language]["safer"]["ac1"]
        told = f"| `{language}` | Which option is safer | {found['basis']['pairable_units']} |"
        assert told in card
    assert "English (`en`, " in card
    assert "Chinese in simplified characters (`zh`, " in card


def test_the_held_out_card_says_that_it_is_private(reviewed: Path) -> None:
    """A held-out split that is published by mistake is worth nothing any more."""
    public = (reviewed / "1.0.0" / "README.md").read_text(encoding="utf-8")
    private = (reviewed / "1.0.0-held-out" / "README.md").read_text(encoding="utf-8")
    assert "**Private.** This is the held-out split" in private
    assert "**Private.**" not in public
    assert "in a private split" in public
    assert 'split="held_out"' in private
    splits = {c["data_files"][0]["split"] for c in read_head(private)["configs"]}
    assert splits == {"held_out"}
    hidden = read_folder(reviewed / "1.0.0-held-out").rows
    assert hidden
    assert not any(row["item_id"] in public for row in hidden)


def test_a_release_that_nobody_reviewed_says_so(tmp_path: Path, finebench: RunCommand) -> None:
    """No figure of agreement, no ceiling, no word of reviewers; the waivers with their reasons."""
    folder = release_unreviewed(tmp_path / "bench", finebench) / "releases" / "0.1.0"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert check_card(card, folder) == []
    assert "**No reviewer has answered on these items.**" in card
    assert "**No review.** Nobody reviewed these items" in card
    assert "**Not fully reviewed.** 6 items of 6 are undecided" in card
    assert "**undecided-items** was waived by the curator: a trial" in card
    assert "| option-leak |" in card
    assert "failed, waived" in card
    assert AGREEMENT not in card
    assert not (folder / AGREEMENT).exists()
    head = read_head(card)
    assert (head["license"], head["license_name"], head["license_link"]) == (
        "other",
        "our-own-terms",
        "LICENSE",
    )


def test_decisions_taken_over_from_an_earlier_release_are_not_called_unreviewed_votes(
    facts: Facts,
) -> None:
    """A workspace that was started from a release knows no answers; its rows know how they were decided."""
    manifest, rows = facts
    manifest["review"] = {"overlap": 3, "votes_needed": 2, "reviewers": 0, "answers": 0, "skips": 0}
    card = write_card(manifest, make_tally(rows))
    assert f"{len(rows)} items were decided for an earlier release" in card
    assert find_simulations(manifest, make_tally(rows))[-1] == "reviewers simulated", (
        "rows still tell"
    )
    for row in rows:
        row["decided_by"] = "reviewers"
        for side in ("question", "positive", "negative"):
            row[f"{side}_source"] = "gpt-x"
    card = write_card(manifest, make_tally(rows))
    assert "Simulated." not in card
    assert "100.0% of the texts were written by 1 language model" in card


def test_the_review_of_an_earlier_release_is_told_as_such(facts: Facts) -> None:
    """Figures are taken over with the release that they are from, and votes are not promised again."""
    manifest, rows = facts
    manifest["review"]["of_version"] = "0.9.0"
    manifest["configuration"]["release"]["votes"] = True
    card = write_card(manifest, make_tally(rows))
    assert "This review was made for release 0.9.0, whose texts these are." in card
    assert "votes.jsonl" not in card
    del manifest["review"]["of_version"]
    assert "`annotations/votes.jsonl`" in write_card(manifest, make_tally(rows))


def test_what_checks_turned_down_wrongly_is_a_table(facts: Facts) -> None:
    """How often a filter erred stands with its interval and the number that it rests on."""
    manifest, rows = facts
    assert "How often the automatic checks were wrong is not known" in write_card(
        manifest, make_tally(rows)
    )
    found = {"rule": "personal-data:name", "total": 9, "drawn": 5, "answered": 4}
    manifest["review"]["turned_down"] = [found | {"accepted": 0.25, "interval_95": [0.046, 0.699]}]
    card = write_card(manifest, make_tally(rows))
    assert "| personal-data:name | 9 | 4 | 25.0% | [4.6, 69.9] |" in card


def test_content_leak_is_a_limit_where_it_is_high(facts: Facts) -> None:
    """A benchmark whose options tell which is safe by their words must say so among its limits."""
    manifest, rows = facts
    assert "**Content leak.**" not in write_card(manifest, make_tally(rows))
    gauges = manifest["checks"]["option_leak"]["gauges"]
    next(g for g in gauges if g["auditor"] == "words")["accuracy"] = 0.981
    card = write_card(manifest, make_tally(rows))
    assert "by their words, finds the positive one in 98.1% of pairs" in card


def test_imported_items_are_not_called_the_models(facts: Facts) -> None:
    """Configured models wrote nothing of what was imported, and the card must not credit them."""
    manifest, rows = facts
    for row in rows:
        row |= {"origin": "imported", "negative_rung": "unknown"}
        for side in ("question", "positive", "negative"):
            row |= {f"{side}_source": "safety.jsonl", f"{side}_prompt": ""}
        row |= {"positive_verdict": "not_judged", "negative_verdict": "not_judged"}
    rows[0] |= {"negative_rung": "human", "negative_source": "curator"}
    card = write_card(manifest, make_tally(rows))
    assert "Models, as they were configured" not in card
    assert f"| imported from `safety.jsonl` | 219 | 219 | {219 - 1} |" in card
    assert "| people | 0 | 0 | 1 |" in card
    head = read_head(card)
    assert head["language_creators"] == ["expert-generated", "found"]
    assert head["source_datasets"] == ["extended"]


def test_contamination_and_turned_down_texts_are_told(facts: Facts) -> None:
    """A source whose name holds Markdown is shown as it is, with how many items were found there."""
    manifest, rows = facts
    manifest["checks"] |= {
        "contamination": [{"source": "a|*b*.jsonl#q", "passages": 12345, "items_found": 2}],
        "turned_down": {"near-duplicate": 3, "contamination:exact": 1},
    }
    card = write_card(manifest, make_tally(rows))
    assert r"| a&#124;\*b\*.jsonl#q | 12,345 | 2 |" in card
    assert "The checks turned down contamination:exact (1), near-duplicate (3)." in card
    assert "compared with no other corpus" not in card


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a | b", "a &#124; b"),
        ("1. x", "1\\. x"),
        ("- x", "\\- x"),
        ("--- x", "\\--- x"),
        ("# x", "\\# x"),
        ("x\n\ny", "x y"),
        ("$x$", "&#36;x&#36;"),
        ("&lt;", "&amp;lt;"),
        ("[a](b)", "\\[a\\](b)"),
        ("\u202eabc", "\N{REPLACEMENT CHARACTER}abc"),
        ("", ""),
    ],
)
def test_texts_lose_their_power_and_nothing_else(written: str, shown: str) -> None:
    """What is escaped reads as it was written once Markdown is done with it."""
    assert escape(written) == shown
    plain = " ".join(written.split()).replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    assert to_plain(escape(written)) == plain


def test_code_links_and_tables_hold_what_they_are_given() -> None:
    """Backticks in code, bars in cells and addresses that are none."""
    assert make_code("a`b``c") == "```a`b``c```"
    assert make_code("`") == "`` ` ``"
    assert make_link("https://example.org/a_b") == "<https://example.org/a_b>"
    assert make_link("javascript:alert(1)") == "javascript:alert(1)"
    assert make_link("https://a.b> <script>") == "https://a.b&gt; &lt;script&gt;"
    assert make_table(("a",), [(make_code("x|y"),)]).split("\n")[-1] == "| `x\\|y` |"
