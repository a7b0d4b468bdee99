"""Boilerplate: sentences that stand in many items' options, worked by hand on both sides of each threshold."""

import json
from typing import Any

import pytest

from builder.checks.boilerplate import _tells_side, find_boilerplate
from builder.checks.trimming import find_trimmed_edges
from schemas.storage import Row

FORMULA = "I cannot help with that"


def _make(number: int, **more: Any) -> Row:
    row: Row = {"item_id": f"i{number}", "family": f"f{number}", "source_record": ""}
    row |= {"positive_option": f"No {number}.", "negative_option": f"Yes {number}."}
    return row | more


def _spread(total: int, holding: int, sentence: str = FORMULA) -> list[Row]:
    """Return items of as many families, of which the first ``holding`` have a sentence in the positive."""
    return [
        _make(n, **({"positive_option": f"No {n}. {sentence}."} if n < holding else {}))
        for n in range(total)
    ]


@pytest.mark.parametrize(
    ("total", "holding", "told"),
    [(3, 2, False), (3, 3, True), (150, 3, True), (151, 3, False), (200, 4, True), (201, 4, False)],
)
def test_three_families_and_two_in_a_hundred_are_needed(
    total: int, holding: int, told: bool
) -> None:
    """Two alike are chance, and in a large set a few are; what is told too often is not read."""
    found = find_boilerplate(_spread(total, holding))
    assert bool(found) is told
    if told:
        evidence = found[0]["evidence"]
        assert f"positive options of {holding} families and the negative options of 0" in evidence


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("abcdefghijkl", True),
        ("abcdefghijk", False),
        ("这件事我不做", True),
        ("这件事不做", False),
        ("あいうえおか", True),
        ("あいうえお", False),
    ],
)
def test_a_sentence_is_long_from_twelve_letters_or_six_signs(sentence: str, told: bool) -> None:
    """`Of course not` is how people talk; six signs of Chinese are a whole sentence."""
    assert bool(find_boilerplate(_spread(10, 3, sentence))) is told


def test_a_korean_formula_is_told_too() -> None:
    """A refusal in ten Korean signs is as much a formula as one in six Chinese: none is English."""
    assert find_boilerplate(_spread(10, 3, "도와드릴 수 없어요"))


def test_twins_count_once_and_each_side_of_them() -> None:
    """Twins share their options by design: two families of twins are two, however many items they have."""
    twins = [_make(n, family=f"f{n // 2}", positive_option=f"{FORMULA}.") for n in range(4)]
    rest = [_make(n) for n in range(10, 20)]
    assert find_boilerplate(twins + rest) == []
    mirrored = [
        _make(n, family=f"g{n}", negative_option=f"No {n}. {FORMULA}!") for n in range(30, 31)
    ]
    mirrored.append(_make(31, family="f0", negative_option=f"{FORMULA}!"))
    (finding,) = find_boilerplate(twins + rest + mirrored)
    assert "positive options of 2 families and the negative options of 2" in finding["evidence"]


def test_both_sides_of_one_family_are_one_family() -> None:
    """A twin mirrors its sides: one pair of twins must not count as two families by that."""
    pair = [
        _make(n, family=f"f{n}", positive_option=f"{FORMULA}.", negative_option=f"{FORMULA}!")
        for n in range(2)
    ]
    assert find_boilerplate(pair + [_make(n) for n in range(5, 9)]) == []


def test_a_sentence_said_twice_in_an_option_counts_once() -> None:
    """Saying it again in one option is bad style, but no formula of the set."""
    items = [_make(n, positive_option=f"{FORMULA}. " * 5) for n in range(2)]
    assert find_boilerplate(items + [_make(n) for n in range(5, 9)]) == []


@pytest.mark.parametrize(
    "option",
    [
        "I CANNOT  help\twith that!",
        "Well. I cannot help with that?",
        "Ｉ cannot help with that。Go.",
        "\nI cannot help with that\n",
    ],
)
def test_case_space_and_the_mark_at_the_end_hide_no_sentence(option: str) -> None:
    """Models vary the dressing of a formula, not its words."""
    items = _spread(10, 2)
    items[5]["positive_option"] = option
    (finding,) = find_boilerplate(items)
    assert FORMULA.lower() in finding["evidence"]
    assert "positive options of 3 families" in finding["evidence"]


def test_the_most_lopsided_come_first_and_twenty_are_told() -> None:
    """What leaks most must not be cut off by what stands evenly on both sides."""
    even = ". ".join(f"even sentence number {n:02}" for n in range(25))
    items = [_make(n, positive_option=f"{even}.", negative_option=f"{even}.") for n in range(5)]
    items += [_make(n, negative_option=f"{FORMULA}.") for n in range(10, 13)]
    found = find_boilerplate(items)
    assert len(found) == 20
    assert FORMULA.lower() in found[0]["evidence"]
    assert "positive options of 0 families and the negative options of 3" in found[0]["evidence"]
    assert found == find_boilerplate(items[::-1]), "the order of the items does not matter"


def test_a_finding_warns_and_names_no_item() -> None:
    """It is the set that is at fault: rejecting whoever came third would hide it."""
    (finding,) = find_boilerplate(_spread(10, 3))
    assert (finding["rule"], finding["severity"]) == ("leak:boilerplate", "warn")
    assert finding["item_id"] == finding["content_hash"] == ""
    assert finding["remedy"]


def test_no_items_and_no_sentences_are_no_boilerplate() -> None:
    """An empty set, and options of marks alone, must not fail where shares are taken."""
    assert find_boilerplate([]) == []
    marks = [_make(n, positive_option="...", negative_option="?!") for n in range(5)]
    assert find_boilerplate(marks) == []


def _record(positive: str, negative: str) -> Row:
    record = {"Positive Option": positive, "Negative Option": negative}
    return _make(0, source_record=json.dumps(record))


@pytest.mark.parametrize(("broken", "told"), [(0, False), (1, False), (2, True), (20, True)])
def test_an_edge_is_told_from_one_in_ten_on(broken: int, told: bool) -> None:
    """Of 20 items: 5% apart is chance, 10% is told; so is what stands on the negative side alone."""
    for sides in (1, -1):
        pairs = [("No.\n" if n < broken else "No.", "Yes.")[::sides] for n in range(20)]
        found = find_trimmed_edges([_record(*pair) for pair in pairs])
        assert [row["rule"] for row in found] == ["leak:trimmed"] * told
        if told:
            low = f"{broken / 20:.0%}"
            first, second = (low, "0%")[::sides]
            text = found[0]["evidence"]
            assert f"{first} of the positive and {second} of the negative" in text


def test_leading_space_is_an_edge_of_its_own_and_even_edges_are_none() -> None:
    """What both sides have tells nobody which is which."""
    leading = [_record(" No.\n", "Yes.\n") for _ in range(5)]
    (finding,) = find_trimmed_edges(leading)
    assert "began with a space" in finding["evidence"]
    assert find_trimmed_edges([_record(" No.\n", " Yes.\n") for _ in range(5)]) == []


def test_a_line_break_within_a_text_is_no_edge() -> None:
    """Trimming took nothing there: a list of two lines is still one when it is released."""
    assert find_trimmed_edges([_record("No,\nnever.", "Yes.") for _ in range(5)]) == []


def test_records_of_other_formats_have_no_edges_to_tell() -> None:
    """An import from elsewhere keeps other fields, or none: that is no finding and no crash."""
    strange = [{"question": "x"}, {"Positive Option": 3, "Negative Option": None}, {}]
    rows = [_make(n, source_record=json.dumps(record)) for n, record in enumerate(strange)]
    assert find_trimmed_edges(rows) == []
    assert find_trimmed_edges([]) == []


@pytest.mark.parametrize(
    ("positive", "negative", "told"),
    [(2, 1, False), (3, 0, True), (60, 31, True), (5, 5, False), (8, 5, False), (30, 18, False)],
)
def test_a_side_is_told_where_chance_would_hardly_do_it(
    positive: int, negative: int, told: bool
) -> None:
    """60 against 31 comes by chance in 3 of 1,000 cases, 30 against 18 in 11 of 100: worked with scipy."""
    assert _tells_side(positive, negative) is told
