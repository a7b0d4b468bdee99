"""The reader of options: it finds what leaks, finds nothing where nothing does, and never looks at its own family."""

import json
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import pytest

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import DimensionKind
from builder.bundle.engine.leak_reader import OptionTexts, read_margins
from builder.bundle.engine.subsets import find_subsets

FINE = Path(__file__).parents[2] / "shared" / "data" / "safety.jsonl"
WORDS = [f"word{k}" for k in ascii_lowercase]


def make_pairs(count: int, seed: int = 1) -> list[OptionTexts]:
    """Return pairs of options of the same words, put together by chance."""
    random = Random(seed)
    return [
        OptionTexts(
            " ".join(random.sample(WORDS, 8)), " ".join(random.sample(WORDS, 8)), f"f{number}"
        )
        for number in range(count)
    ]


def find_share(pairs: list[OptionTexts]) -> float:
    """Return the share of pairs of which the positive option is found."""
    return sum((margin or 0) > 0 for margin in read_margins(pairs)) / len(pairs)


def test_a_word_that_gives_options_away_is_learned() -> None:
    """One telling word is enough to find nearly all."""
    pairs = [
        OptionTexts(f"{p.positive} careful", f"{p.negative} sure", p.family)
        for p in make_pairs(200)
    ]
    assert find_share(pairs) > 0.97


def test_options_without_leak_are_found_by_chance() -> None:
    """A reader that finds half of nothing learns from what it is tested on."""
    assert find_share(make_pairs(1000)) == pytest.approx(0.5, abs=0.06)


def test_a_family_teaches_nothing_about_itself() -> None:
    """Words of one family alone tell nothing: learning from them would be reading the answer."""
    pairs = [OptionTexts(f"good{w}", f"bad{w}", f"f{w}") for w in ascii_lowercase for _ in range(5)]
    assert set(read_margins(pairs)) == {0.0}


def test_swapped_options_are_read_the_other_way_round() -> None:
    """Twins mirror each other: of two that share their options one is found at most."""
    pairs = make_pairs(60)
    twins = [q for p in pairs for q in (p, OptionTexts(p.negative, p.positive, p.family))]
    margins = read_margins(twins)
    for first, second in zip(margins[::2], margins[1::2], strict=True):
        assert first is not None
        assert second is not None
        assert first == pytest.approx(-second)


def test_where_there_is_nothing_to_learn_from_nothing_is_missed() -> None:
    """One family cannot be read by others, and no set at all is no error."""
    assert read_margins([OptionTexts("a", "b", "f"), OptionTexts("c", "d", "f")]) == [None, None]
    assert read_margins([]) == []


def test_scripts_without_blanks_are_read_by_the_character() -> None:
    """Chinese options must not each be one word that nobody saw before."""
    pairs = [
        OptionTexts(f"我建议先{chr(0x4E00 + k)}", f"当然可以{chr(0x5E00 + k)}", f"f{k}")
        for k in range(50)
    ]
    assert find_share(pairs) > 0.9


def make_item(number: int, positive: str, negative: str, **changes: Any) -> Item:
    """Return an item of a family of its own."""
    values: dict[str, Any] = {
        "item_id": f"i{number}",
        "content_hash": "h",
        "dimension": "privacy",
        "kind": DimensionKind.SAFETY,
        "question": "?",
        "positive_option": positive,
        "negative_option": negative,
        "language": "en",
        "order_1_positive": "A",
        "family": f"f{number}",
    }
    return Item(**(values | changes))


def test_parts_are_named_by_item() -> None:
    """Items that the reader misses are told, twins too, controls never as missed, the question never read."""
    items = [make_item(k, f"careful {w}", f"sure {w}") for k, w in enumerate(WORDS)]
    items += [
        make_item(90, "sure thing", "careful thing"),
        make_item(91, "sure thing", "careful thing", kind=DimensionKind.CONTROL),
        make_item(92, "careful act", "sure act", twin="i93", family="t"),
        make_item(93, "sure act", "careful act", twin="i92", family="t"),
    ]
    subsets = find_subsets(items)
    assert {subsets[f"i{k}"] for k in range(26)} == {""}
    assert [subsets[f"i{k}"] for k in (90, 91, 92, 93)] == [
        "leak_missed", "", "twins", "leak_missed twins",
    ]  # fmt: skip
    asked = [
        make_item(k, i.positive_option, i.negative_option, question="careful")
        for k, i in enumerate(items)
    ]
    assert [find_subsets(asked)[f"i{k}"] for k in range(26)] == [""] * 26


@pytest.mark.skipif(
    not FINE.exists(), reason="FINE's data is not beside the project (../shared/data/safety.jsonl)"
)
def test_fines_options_give_themselves_away() -> None:
    """The released set is known to leak by its words: well over nine of ten are found."""
    rows = [json.loads(line) for line in FINE.read_text(encoding="utf-8").splitlines()]
    pairs = [OptionTexts(r["Positive Option"], r["Negative Option"], r["id"]) for r in rows]
    assert len(pairs) == 90
    assert find_share(pairs) > 0.93
