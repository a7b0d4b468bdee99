"""The pace of an endpoint: it starts gently, finds the limit, keeps rates, and sits an outage out."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.bundle.engine.pacing import Pace, Rates, back_off


def make_pace(most: int = 64, **rates: float) -> Pace:
    """Return a pace at its start."""
    return Pace(most, Rates(**rates), random.Random(1))


@pytest.mark.parametrize(
    ("most", "first"), [(1, 1), (3, 2), (8, 4), (64, 32), (256, 64), (1024, 64)]
)
def test_a_half_of_the_most_is_the_first_limit_and_never_more_than_64(
    most: int, first: int
) -> None:
    """Gentle is a share of what the user allows, and has an end."""
    assert int(make_pace(most).limit) == first


def test_the_limit_grows_by_two_with_every_answer_until_the_most() -> None:
    """Ten answers make room for twenty calls more, worked out by hand; what the user allows is the end."""
    pace = make_pace(100)
    assert pace.limit == 50
    for _ in range(10):
        pace.note_answer(1.0)
    assert pace.limit == 70
    for _ in range(20):
        pace.note_answer(1.0)
    assert pace.limit == 100


def test_strain_halves_the_limit_once_for_all_calls_that_were_out() -> None:
    """Thirty calls that fail together are one event: halving for each would stop everything."""
    pace = make_pace(64)
    for _ in range(40):
        pace.note_answer(1.0)
    for _ in range(30):
        pace.note_strain(started_at=1.5, now=2.0)
    assert pace.limit == 32
    pace.note_answer(2.5)
    assert pace.limit == 32 + 1 / 32, "from then on it feels its way"


def test_two_strains_without_an_answer_between_are_an_outage() -> None:
    """Then one call at a time asks, after pauses that double."""
    pace = make_pace(64)
    waits = []
    now = 0.0
    for _ in range(6):
        now += 0.1
        pace.note_strain(started_at=now, now=now)
        waits.append(pace.find_wait(now))
        now += waits[-1]
    assert pace.limit == 1
    assert waits[0] == 0
    for times, wait in enumerate(waits[1:], start=2):
        assert 0.25 * 2 ** (times - 1) <= wait <= 0.5 * 2 ** (times - 1)


def test_after_an_outage_the_limit_grows_quickly_to_half_of_what_it_was() -> None:
    """What was borne before will be borne again; whether more is, has to be found anew."""
    pace = make_pace(64)
    for _ in range(40):
        pace.note_answer(0.0)
    for n in range(3):
        pace.note_strain(started_at=n + 1.0, now=n + 1.0)
    grown = []
    for _ in range(20):
        pace.note_answer(10.0)
        grown.append(pace.limit)
    assert grown[:3] == [3, 5, 7]
    assert max(grown) < 34


def test_nothing_is_sent_before_the_time_that_the_server_wished() -> None:
    """Retry-After is a minimum; up to a tenth is added, so that not all clients come back at once."""
    pace = make_pace()
    pace.note_strain(started_at=0.0, now=5.0, wish_s=200.0)
    assert 200 <= pace.find_wait(5.0) <= 220
    assert pace.find_wait(230.0) == 0


def test_a_full_window_waits_for_an_end() -> None:
    """No clock tells when a reply comes: only its coming does."""
    pace = make_pace(2)
    pace.start(0.0)
    assert pace.find_wait(0.0) == math.inf
    pace.end(1.0, None)
    assert pace.find_wait(1.0) == 0


@given(rate=st.floats(1, 6000), seconds=st.integers(10, 100))
@settings(deadline=None, max_examples=40)
def test_a_rate_of_requests_is_kept_in_every_span(rate: float, seconds: int) -> None:
    """In any minute no more than the rate goes out, but for a second's worth of slack."""
    pace = make_pace(1000, requests_per_minute=rate)
    pace.limit = 1000.0
    now = 0.0
    sent: list[float] = []
    while now < seconds and len(sent) < 5_000:
        wait = pace.find_wait(now)
        if wait > 0:
            now += wait
            continue
        pace.start(now)
        pace.end(now, None)
        sent.append(now)
    span = max(now, 1.0)
    assert len(sent) <= rate / 60 * (span + 1) + 2
    assert len(sent) >= min(5_000, math.floor(rate / 60 * (span - 1)))


def test_a_rate_of_tokens_is_kept_by_what_calls_have_used() -> None:
    """60,000 a minute are 1,000 a second: calls of 500 tokens go out twice a second."""
    pace = make_pace(1000, tokens_per_minute=60_000)
    now, sent = 0.0, 0
    while now < 100:
        wait = pace.find_wait(now)
        if wait > 0:
            now += wait
            continue
        pace.start(now)
        pace.end(now, 500)
        sent += 1
    assert 195 <= sent <= 210


def test_an_endpoint_that_answered_once_has_a_quarter_of_an_hour() -> None:
    """One that never did is a mistake in the configuration, and told soon."""
    new, known = make_pace(), make_pace()
    known.note_answer(0.0)
    for n in range(6):
        for pace in (new, known):
            pace.note_strain(started_at=n + 1.0, now=n + 1.0)
    assert new.is_hopeless(7.0)
    assert not known.is_hopeless(899.0)
    assert known.is_hopeless(901.0)


def test_an_endpoint_that_says_it_cannot_is_given_minutes() -> None:
    """A run that is begun, or taken up, at the end of an outage must not give up after seconds."""
    pace = make_pace()
    for n in range(6):
        pace.note_strain(started_at=n + 1.0, now=n + 1.0, is_there=True)
    assert not pace.is_hopeless(100.0)
    assert pace.is_hopeless(190.0)


@given(times=st.integers(1, 60), seed=st.integers(0, 100))
def test_pauses_double_up_to_a_minute_and_differ(times: int, seed: int) -> None:
    """Calls that failed together must not come back together."""
    pause = back_off(times, random.Random(seed))
    whole = min(60.0, 0.5 * 2.0 ** (times - 1))
    assert whole / 2 <= pause <= whole


def test_the_pace_finds_what_a_server_bears() -> None:
    """A server that takes 20 at once and rejects the rest is used well, with few rejections."""
    pace = make_pace(200)
    rng = random.Random(3)
    now, served, rejected = 0.0, 0, 0
    out: list[tuple[float, float, bool]] = []
    while now < 60:
        while pace.find_wait(now) == 0:
            pace.start(now)
            fails = len(out) >= 20
            out.append((now + (0.01 if fails else rng.uniform(0.1, 0.3)), now, fails))
        if not out:
            now += pace.find_wait(now)
            continue
        out.sort()
        ends_at, started_at, fails = out.pop(0)
        now = max(now, ends_at)
        pace.end(now, None)
        served, rejected = served + (not fails), rejected + fails
        pace.note_strain(started_at, now) if fails else pace.note_answer(now)
    assert served > 0.6 * 60 * 20 / 0.2
    assert rejected < 0.05 * served
