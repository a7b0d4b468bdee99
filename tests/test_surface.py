"""Surface features: the same names for any text, and each counts what it says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.checks.leak.surface import GROUPS, measure_surface


@given(st.text())
@settings(deadline=None)
def test_surface_features_have_the_same_names_for_any_text(text: str) -> None:
    """Features of two options are subtracted by position: a name more or less would mix them."""
    features = measure_surface(text)
    assert list(features) == list(measure_surface("No."))
    assert all(isinstance(value, float) for value in features.values())


def test_surface_features_count_what_they_say() -> None:
    """The gate rests on these numbers; a feature that counts nothing finds no leak."""
    text = "I am sorry, but I can't help (at all)!\n- No: 12 times."
    features = measure_surface(text)
    expected = {
        "sentences": 2,
        "line_breaks": 1,
        "list_marks": 1,
        "refusal_phrases": 2,
        "hedges": 1,
        "final_stop": 1,
        "opens_i": 1,
        "opens_no": 0,
    }
    assert {name: features[name] for name in expected} == expected
    rates = {"digits": 2, "commas": 1, "colons": 1, "exclamations": 1, "brackets": 2, "dashes": 1}
    for name, count in rates.items():
        assert features[name] == pytest.approx(count * 100 / len(text)), name


def test_groups_name_every_feature_once() -> None:
    """A feature in no group is read by no auditor; one in two would be mended twice."""
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(measure_surface("No."))
