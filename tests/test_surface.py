"""Surface features: the same names for any text, and each counts what it says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from builder.checks.leak.surface import measure_surface


@given(st.text())
@settings(deadline=None)
def test_surface_features_have_the_same_names_for_any_text(text: str) -> None:
    """Features of two options are subtracted by position: a name more or less would mix them."""
    features = measure_surface(text)
    assert list(features) == list(measure_surface("No."))
    assert all(isinstance(value, float) for value in features.values())


def test_surface_features_count_what_they_say() -> None:
    """The gate rests on these numbers; a feature that counts nothing finds no leak."""
    features = measure_surface("I am sorry, but I cannot help (at all)!\n- No: 12 times.")
    expected = {
        "sentences": 2,
        "line_breaks": 1,
        "list_marks": 1,
        "digits": 2,
        "refusal_phrases": 2,
        "hedges": 1,
        "commas": 1,
        "colons": 1,
        "exclamations": 1,
        "brackets": 2,
        "dashes": 1,
        "final_stop": 1,
        "opens_i": 1,
        "opens_no": 0,
    }
    assert {name: features[name] for name in expected} == expected
