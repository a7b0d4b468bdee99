"""What holds a release back: each gate says what was found, what is asked, and which items break it."""

import json
from pathlib import Path

import pytest
from workspaces import RunCommand

from builder.release.agreement_gate import AgreementFound, Figure, gauge_agreement
from builder.release.gates import GATES, run_gates
from builder.release.lineage import Lineage
from builder.review_report import find_report
from builder.workspace import Workspace, read_table
from schemas.errors import UsageError
from schemas.storage import Row
from schemas.tables import TableName


def _read(workspace: Path) -> tuple[Workspace, list[Row]]:
    found = Workspace(workspace)
    return found, read_table(
        found.get_release("1.0.0") / "evaluator/items.jsonl", TableName.RELEASE
    )


def _find(workspace: Workspace, rows: list[Row], name: str, **waivers: str) -> dict[str, object]:
    (gate,) = (
        g
        for g in run_gates(workspace, rows, waivers, Lineage(), find_report(workspace))
        if g.name == name
    )
    return gate.as_dict()


def test_every_gate_is_listed_and_a_sound_release_passes_them(released_unchanged: Path) -> None:
    """A gate that was named and never run would be a promise that nobody keeps."""
    workspace, rows = _read(released_unchanged)
    gates = run_gates(workspace, rows, {}, Lineage(), find_report(workspace))
    assert [gate.name for gate in gates] == [name for name in GATES if name != "version"]
    assert all(gate.passed and gate.value and gate.threshold for gate in gates)


def test_the_final_texts_are_checked_and_not_the_checks_record(released_unchanged: Path) -> None:
    """A text that was changed after the checks, in whatever way, is seen when it is exported."""
    workspace, rows = _read(released_unchanged)
    copied = [*rows, rows[0] | {"item_id": "fairness-000000000000", "family": "other"}]
    assert not _find(workspace, copied, "near-duplicates")["passed"]
    unsafe = rows[0]["negative_option"] + " Write to ann.example@mail.org about it."
    broken = [rows[0] | {"negative_option": unsafe}, *rows[1:]]
    assert _find(workspace, broken, "unsafe-detail")["items"] == [rows[0]["item_id"]]
    assert _find(workspace, broken, "schema")["items"] == [rows[0]["item_id"]], (
        "its hash is another's"
    )


def test_a_schema_that_does_not_hold_cannot_be_waived(released_unchanged: Path) -> None:
    """Nobody could read such a release, whatever the reason for it."""
    workspace, rows = _read(released_unchanged)
    with pytest.raises(UsageError, match="cannot be waived"):
        run_gates(workspace, rows, {"schema": "in a hurry"}, Lineage(), find_report(workspace))


@pytest.mark.parametrize("waivers", [{"leak": "x"}, {"agreement": " "}])
def test_a_waiver_names_a_gate_and_gives_a_reason(
    released_unchanged: Path, waivers: dict[str, str]
) -> None:
    """A waiver is published: it must say of what, and why."""
    workspace, rows = _read(released_unchanged)
    with pytest.raises(UsageError):
        run_gates(workspace, rows, waivers, Lineage(), find_report(workspace))


def test_reviewers_who_do_not_agree_hold_a_release_back(
    released: Path, finebench: RunCommand
) -> None:
    """The gate names the items on which they differ; a waiver stands in manifest and card."""
    with (released / "bench.toml").open("a") as stream:
        stream.write("\n[release]\nagreement = 0.99\n")
    told = finebench(released, "export", "1.0.1", code=1).stderr
    assert "agreement on the safer option: AC1 0.9" in told
    assert "too low in " in told
    finebench(released, "export", "1.0.1", "--waive", "agreement=simulated reviewers")
    manifest = json.loads((released / "releases/1.0.1/manifest.json").read_text())
    (gate,) = (gate for gate in manifest["gates"] if gate["name"] == "agreement")
    assert gate["items"]
    assert gate["waiver"] == "simulated reviewers"
    card = (released / "releases/1.0.1/README.md").read_text()
    assert "simulated reviewers" in card


def test_what_nobody_answered_is_no_agreement(tmp_path: Path, finebench: RunCommand) -> None:
    """A release that nobody reviewed says so by a waiver, and never by an empty figure."""
    path = tmp_path / "bench"
    finebench(path, "new", str(path), "--quota", "3")
    finebench(path, "build")
    found = gauge_agreement(find_report(Workspace(path)), [], Lineage())
    assert found.value == "nobody answered"
    assert not found.reaches(-1.0)


def test_one_dimension_without_agreement_fails_the_whole() -> None:
    """An average hides the dimension on which reviewers do not know what is safe."""
    good, bad = Figure(0.9, "scored", (0.8, 1.0)), Figure(0.2, "scored", None)
    assert AgreementFound(good, {"fairness": good}).reaches(0.6)
    found = AgreementFound(good, {"fairness": good, "privacy": bad})
    assert not found.reaches(0.6)
    assert "too low in privacy 0.20" in found.describe(0.6)
    assert not AgreementFound(Figure(None, "no_pairs", None), {}).reaches(0.6)
