"""The held-out split: drawn by family, never public, and the same for good."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspaces import RunCommand, hash_tree

from builder.release.rows import rename_families
from builder.release.secrecy import require_no_trace
from builder.release.splits import choose_held_out
from builder.release.verifying import verify_release
from schemas.errors import StageError
from schemas.storage import read_rows

WAIVED = ("--waive", "option-leak=too few items to tell")


def _make_rows(families: list[tuple[str, int]]) -> list[dict[str, str]]:
    return [
        {"item_id": f"{dimension}-{n}-{i}", "dimension": dimension, "family": f"{dimension}-{n}"}
        for n, (dimension, size) in enumerate(families)
        for i in range(size)
    ]


FAMILIES = st.lists(
    st.tuples(st.sampled_from(["fairness", "privacy"]), st.integers(1, 3)), min_size=1, max_size=40
)


@given(FAMILIES, st.floats(0, 0.9), st.integers(0, 5))
def test_families_are_never_parted_and_the_share_is_not_passed(
    families: list[tuple[str, int]], share: float, seed: int
) -> None:
    """A twin of a held-out item in the public split would give it away."""
    rows = _make_rows(families)
    held = choose_held_out(rows, share, seed)
    for row in rows:
        kin = {r["item_id"] for r in rows if r["family"] == row["family"]}
        assert kin <= held or not kin & held
    for dimension, size in Counter(row["dimension"] for row in rows).items():
        assert (
            sum(row["item_id"] in held for row in rows if row["dimension"] == dimension)
            <= share * size
        )


@given(FAMILIES, FAMILIES, st.floats(0, 0.9), st.floats(0, 0.9))
def test_what_was_public_stays_public_and_what_was_held_out_stays_held_out(
    first: list[tuple[str, int]], more: list[tuple[str, int]], share: float, later: float
) -> None:
    """An item that the world has seen is worth nothing as a secret, and a secret is told once only."""
    rows = _make_rows(first)
    held = choose_held_out(rows, share, 1)
    shown = {row["item_id"] for row in rows} - held
    then = choose_held_out(_make_rows(first + more), later, 1, public=shown, private=held)
    assert held <= then
    assert not shown & then


def test_a_share_is_held_out_of_each_dimension() -> None:
    """A split that lacked a dimension could not be compared with the public one."""
    rows = _make_rows([("fairness", 1)] * 50 + [("privacy", 2)] * 25)
    held = choose_held_out(rows, 0.2, 7)
    counts = Counter(row["dimension"] for row in rows if row["item_id"] in held)
    assert counts == {"fairness": 10, "privacy": 10}
    assert held == choose_held_out(rows[::-1], 0.2, 7)


def _require_nowhere(public: Path, rows: list[dict[str, str]]) -> None:
    """No id, family, hash or question of the rows is in any file, tables read as tables."""
    texts = {
        path.name: str(pq.read_table(path).to_pylist())
        if path.suffix == ".parquet"
        else path.read_text(encoding="utf-8")
        for path in sorted(public.rglob("*"))
        if path.is_file()
    }
    assert sum(".parquet" in name for name in texts) == 1, "all tables have one name"
    tables = [str(pq.read_table(path).to_pylist()) for path in sorted(public.rglob("*.parquet"))]
    assert len(tables) == 4
    for row in rows:
        for column in ("item_id", "family", "content_hash", "question"):
            for text in (*texts.values(), *tables):
                assert row[column] not in text
                assert json.dumps(row[column])[1:-1] not in text
                assert json.dumps(row[column], ensure_ascii=False)[1:-1] not in text


def _hold_out(workspace: Path, share: float) -> None:
    path = workspace / "bench.toml"
    path.write_text(path.read_text() + f"\n[release]\nheld_out = {share}\n")


def test_held_out_items_are_nowhere_in_the_public_folder(
    released: Path, finebench: RunCommand
) -> None:
    """Not their ids, not their texts: neither in tables, card and manifest nor in anything else."""
    _hold_out(released, 0.3)
    before = {
        row["item_id"] for row in read_rows(released / "releases/1.0.0/evaluator/items.jsonl")
    }
    for path in (released / "releases").iterdir():  # as if nothing had been released yet
        path.rename(released / f"gone-{path.name}")
    told = finebench(released, "export", "1.0.0", *WAIVED).stderr
    public, private = (released / "releases" / name for name in ("1.0.0", "1.0.0-held-out"))
    rows = read_rows(private / "evaluator" / "items.jsonl")
    shown = read_rows(public / "evaluator" / "items.jsonl")
    assert {r["item_id"] for r in rows} | {r["item_id"] for r in shown} == before
    assert 50 < len(rows) <= 66
    assert "1.0.0-held-out" in told
    _require_nowhere(public, rows)
    assert verify_release(public) == []
    assert verify_release(private) == []
    manifests = [json.loads((path / "manifest.json").read_text()) for path in (public, private)]
    assert [manifest["split"] for manifest in manifests] == ["test", "held_out"]
    assert manifests[0]["sibling"]["row_hash"] == manifests[1]["row_hash"]
    assert manifests[0]["canary"] == manifests[1]["canary"]
    assert sorted(path.name for path in (private / "data" / "open").iterdir()) == [
        "held_out-00000-of-00001.parquet"
    ]


def test_held_out_items_are_nowhere_in_a_later_version_either(
    released: Path, finebench: RunCommand
) -> None:
    """Withdrawn and edited held-out items are no more told of than the others: changelog and votes included."""
    _hold_out(released, 0.3)
    with (released / "bench.toml").open("a") as stream:
        stream.write("votes = true\n")
    (released / "releases" / "1.0.0").rename(released / "gone")
    finebench(released, "export", "1.0.0", *WAIVED)
    first = read_rows(released / "releases/1.0.0-held-out/evaluator/items.jsonl")
    finebench(released, "withdraw", first[0]["item_id"], "--reason", "unclear")
    edited = first[1]["item_id"]
    finebench(released, "edit", edited, "--question", "Should I tell my neighbour about it?")
    finebench(released, "build")
    finebench(released, "adjudicate", "--item", edited, "--decision", "accept", "--reason", "read")
    finebench(released, "build")
    finebench(released, "export", "--next", *WAIVED)
    public = released / "releases" / "2.0.0"
    second = read_rows(released / "releases/2.0.0-held-out/evaluator/items.jsonl")
    assert edited in {row["item_id"] for row in second}
    assert (public / "annotations" / "votes.jsonl").is_file()
    _require_nowhere(public, [*first, *second])
    assert verify_release(public) == []


def test_a_family_that_near_duplicates_tie_to_a_held_out_one_keeps_its_name_to_itself() -> None:
    """A family's name may describe a situation that is a secret."""
    rows = [
        {"item_id": "a", "family": "secret"},
        {"item_id": "b", "family": "secret"},
        {"item_id": "c", "family": "open"},
    ]
    named = {row["item_id"]: row["family"] for row in rename_families(rows, {"secret"})}
    assert named == {"a": "a", "b": "a", "c": "open"}


def test_letters_are_balanced_in_each_split(released: Path, finebench: RunCommand) -> None:
    """Always choosing A earns half in the public split, and half in the private one."""
    _hold_out(released, 0.25)
    (released / "releases" / "1.0.0").rename(released / "gone")
    finebench(released, "export", "1.0.0", *WAIVED)
    for name in ("1.0.0", "1.0.0-held-out"):
        rows = read_rows(released / "releases" / name / "evaluator" / "items.jsonl")
        for dimension in {row["dimension"] for row in rows}:
            letters = Counter(r["order_1_positive"] for r in rows if r["dimension"] == dimension)
            assert abs(letters["A"] - letters["B"]) <= 1


def test_public_items_stay_public_when_a_share_is_held_out_later(
    released: Path, finebench: RunCommand
) -> None:
    """Version 1.1.0 cannot take back what 1.0.0 showed; so nothing is held out of it."""
    _hold_out(released, 0.5)
    before = hash_tree(released / "releases" / "1.0.0")
    finebench(released, "export", "1.1.0")
    assert not (released / "releases" / "1.1.0-held-out").exists()
    assert hash_tree(released / "releases" / "1.0.0") == before


def _release_both(released: Path, finebench: RunCommand, share: float = 0.3) -> Path:
    _hold_out(released, share)
    (released / "releases" / "1.0.0").rename(released / "gone")
    finebench(released, "export", "1.0.0", *WAIVED)
    return released / "releases" / "1.0.0-held-out"


def test_without_the_earlier_held_out_folder_nothing_is_exported(
    released: Path, finebench: RunCommand
) -> None:
    """Whoever put the secret in a safe place must not have it published by the next version."""
    held_out = _release_both(released, finebench)
    rows = read_rows(held_out / "evaluator" / "items.jsonl")
    held_out.rename(released / "safe")
    config = (released / "bench.toml").read_text()
    (released / "bench.toml").write_text(config.replace("held_out = 0.3", "held_out = 0.0"))
    for arguments in (("1.1.0",), ("--next",), ()):
        told = finebench(released, "export", *arguments, *WAIVED, code=1).stderr
        assert f"1.0.0 held {len(rows)} items out" in told
    assert not (released / "releases" / "1.1.0").exists()
    (released / "safe").rename(held_out)
    finebench(released, "export", "1.1.0", *WAIVED)
    public = read_rows(released / "releases" / "1.1.0" / "evaluator" / "items.jsonl")
    assert not {row["item_id"] for row in rows} & {row["item_id"] for row in public}


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_a_held_out_folder_without_its_public_one_is_kept_and_its_items_too(
    released: Path, finebench: RunCommand, version: str
) -> None:
    """Whoever moved the public folder away must not publish, or lose, what was held out beside it."""
    held_out = _release_both(released, finebench)
    rows = {row["item_id"] for row in read_rows(held_out / "evaluator" / "items.jsonl")}
    before = hash_tree(held_out)
    (released / "releases" / "1.0.0").rename(released / "moved")
    config = (released / "bench.toml").read_text()
    (released / "bench.toml").write_text(config.replace("held_out = 0.3", "held_out = 0.0"))
    finebench(released, "export", version, *WAIVED)
    public = read_rows(released / "releases" / version / "evaluator" / "items.jsonl")
    assert not rows & {row["item_id"] for row in public}
    kept = read_rows(held_out / "evaluator" / "items.jsonl")
    assert {row["item_id"] for row in kept} == rows
    assert version == "1.0.0" or hash_tree(held_out) == before


def test_a_held_out_folder_under_another_name_counts_too(
    released: Path, finebench: RunCommand
) -> None:
    """Whoever keeps an old one as old-1.0.0-held-out has not published it."""
    held_out = _release_both(released, finebench)
    rows = {row["item_id"] for row in read_rows(held_out / "evaluator" / "items.jsonl")}
    held_out.rename(held_out.with_name("old-1.0.0-held-out"))
    (released / "releases" / "1.0.0").rename(released / "moved")
    config = (released / "bench.toml").read_text()
    (released / "bench.toml").write_text(config.replace("held_out = 0.3", "held_out = 0.0"))
    finebench(released, "export", "1.0.0", *WAIVED)
    public = read_rows(released / "releases" / "1.0.0" / "evaluator" / "items.jsonl")
    assert not rows & {row["item_id"] for row in public}


def test_a_held_out_folder_of_other_items_is_not_written_over(
    released: Path, finebench: RunCommand
) -> None:
    """It may be the only copy of what was held out."""
    held_out = _release_both(released, finebench)
    before = hash_tree(held_out)
    (released / "releases" / "1.0.0").rename(released / "moved")
    item_id = read_rows(held_out / "evaluator" / "items.jsonl")[0]["item_id"]
    finebench(released, "withdraw", item_id, "--reason", "unclear")
    finebench(released, "build")
    told = finebench(released, "export", "1.0.0", *WAIVED, code=2).stderr
    assert "without its public folder" in told
    assert hash_tree(held_out) == before


def test_a_note_that_the_secret_is_elsewhere_does_not_hide_one_that_is_here(
    released: Path, finebench: RunCommand
) -> None:
    """The folder counts, whatever a file beside it says."""
    held_out = _release_both(released, finebench)
    rows = {row["item_id"] for row in read_rows(held_out / "evaluator" / "items.jsonl")}
    (released / "releases" / "1.0.0-held-out.elsewhere").write_text("")
    config = (released / "bench.toml").read_text()
    (released / "bench.toml").write_text(config.replace("held_out = 0.3", "held_out = 0.0"))
    finebench(released, "export", "1.1.0", *WAIVED)
    public = read_rows(released / "releases" / "1.1.0" / "evaluator" / "items.jsonl")
    assert not rows & {row["item_id"] for row in public}


def test_another_held_out_folder_is_not_taken_for_the_one_that_was(
    released: Path, finebench: RunCommand
) -> None:
    """Its rows are known by their hash in the public manifest."""
    held_out = _release_both(released, finebench)
    items = held_out / "evaluator" / "items.jsonl"
    items.write_text("".join(items.read_text().splitlines(keepends=True)[1:]))
    told = finebench(released, "export", "1.1.0", *WAIVED, code=1).stderr
    assert "was changed after its release" in told


def test_no_version_goes_before_the_newest(released: Path, finebench: RunCommand) -> None:
    """A number that is less would forget what later releases held out, and what they retired."""
    _hold_out(released, 0.3)
    (released / "releases" / "1.0.0").rename(released / "gone")
    finebench(released, "export", "2.0.0", *WAIVED)
    told = finebench(released, "export", "1.0.0", *WAIVED, code=2).stderr
    assert "1.0.0 would go before 2.0.0" in told


def test_what_people_write_does_not_tell_of_held_out_items(
    released: Path, finebench: RunCommand
) -> None:
    """A reason or a limit is published as it stands: an id or a text in it would give an item away."""
    held_out = _release_both(released, finebench)
    rows = read_rows(held_out / "evaluator" / "items.jsonl")
    public = read_rows(released / "releases" / "1.0.0" / "evaluator" / "items.jsonl")
    reason = f"too like {rows[0]['item_id']}"
    finebench(released, "withdraw", public[0]["item_id"], "--reason", reason)
    finebench(released, "build")
    told = finebench(released, "export", "1.1.0", *WAIVED, code=1).stderr
    assert f"would tell of the held-out item {rows[0]['item_id']}" in told
    assert not (released / "releases" / "1.1.0").exists()
    assert not (released / "releases" / "1.1.0-held-out").exists()


def test_a_text_of_a_held_out_item_in_the_guidelines_is_found(
    released: Path, finebench: RunCommand
) -> None:
    """An example for reviewers must not be a question of the secret part."""
    _hold_out(released, 0.3)
    earlier = read_rows(released / "releases" / "1.0.0" / "evaluator" / "items.jsonl")
    held = choose_held_out(earlier, 0.3, 231105915)
    question = next(row["question"] for row in earlier if row["item_id"] in held)
    (released / "releases" / "1.0.0").rename(released / "gone")
    config = (released / "bench.toml").read_text()
    limit = json.dumps(f"Questions such as: {question.upper()}")
    (released / "bench.toml").write_text(f"{config}limits = [{limit}]\n")
    assert (
        "would tell of the held-out item"
        in finebench(released, "export", "1.0.0", *WAIVED, code=1).stderr
    )


def test_a_family_stays_held_out_when_its_items_are_gone() -> None:
    """A paraphrase of a withdrawn secret is a secret."""
    rows = _make_rows([("fairness", 1), ("fairness", 1)])
    assert choose_held_out(rows, 0.0, 1, private_families=["fairness-1"]) == {"fairness-1-0"}


def test_a_withdrawn_held_out_item_is_told_with_its_folder(
    released: Path, finebench: RunCommand
) -> None:
    """The curator learns where the secret part holds it."""
    held_out = _release_both(released, finebench)
    item_id = read_rows(held_out / "evaluator" / "items.jsonl")[0]["item_id"]
    told = finebench(released, "withdraw", item_id, "--reason", "unclear").stderr
    assert "Released in 1.0.0-held-out" in told


def test_a_name_that_begins_another_is_not_taken_for_it(tmp_path: Path) -> None:
    """Families of an import are numbered: set/1 is held out, and set/10 is not."""
    row = {"item_id": "fairness-aaaaaaaaaaaa", "family": "set/1"} | dict.fromkeys(
        ("question", "positive_option", "negative_option"), "short"
    )
    (tmp_path / "card.md").write_text("Families: set/10, a.set/1 and set/1-b, set/1.5.")
    (tmp_path / "items.jsonl").write_text('{"family":"set/1"}')
    require_no_trace(tmp_path, [row], [])
    (tmp_path / "card.md").write_text("Nothing like set/1.")
    with pytest.raises(StageError, match="set/1"):
        require_no_trace(tmp_path, [row], [])
