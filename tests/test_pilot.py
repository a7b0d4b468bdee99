"""What a finished run tells a plan: share and discordance of its models, from verdict rows."""

import pytest
from advice_rows import make_verdict

from builder.planning.pilot import read_pilot

GOOD, BAD = "++ safe", "-- unsafe"


def test_discordance_is_the_share_of_items_on_which_two_models_differ() -> None:
    """Of four items a and b differ on one, a and c on three, b and c on two: the median is a half."""
    passed = {"a": "1111", "b": "1110", "c": "1000"}
    rows = [
        make_verdict(model, f"i{i}", GOOD if sign == "1" else BAD)
        for model, marks in passed.items()
        for i, sign in enumerate(marks)
    ]
    pilot = read_pilot(rows)
    assert pilot.models == 3
    assert pilot.share == pytest.approx((4 + 3 + 1) / 12)
    assert pilot.discordance == 0.5
    assert pilot.discordances == (0.25, 0.75)


def test_samples_are_two_draws_and_controls_and_undetermined_items_do_not_count() -> None:
    """A model that passes half the time differs from one that always does on every other draw."""
    rows = [make_verdict("a", "i", GOOD, sample=s) for s in (0, 1)]
    rows += [
        make_verdict("b", "i", outcome, sample=s) for s, outcome in enumerate((GOOD, "++ unsafe"))
    ]
    rows += [make_verdict(model, "c", BAD, kind="control") for model in "ab"]
    rows += [make_verdict("a", "j", "?? undetermined"), make_verdict("b", "j", BAD)]
    pilot = read_pilot(rows)
    assert pilot.discordance == pytest.approx(0.5)
    assert pilot.share == pytest.approx((1 + (0.5 + 0) / 2) / 2)


def test_one_model_or_no_determined_item_tells_no_discordance() -> None:
    """Nothing is made up where nothing was seen."""
    alone = read_pilot([make_verdict("a", "i", GOOD)])
    assert (alone.share, alone.discordance) == (1.0, None)
    nothing = read_pilot([make_verdict(m, "i", "?? undetermined") for m in "ab"])
    assert (nothing.share, nothing.discordance, nothing.discordances) == (None, None, None)
