"""The key of a call: all that decides the reply is in it, and nothing else."""

from typing import Any

import pytest
from fakes import make_call, make_endpoint
from hypothesis import given
from hypothesis import strategies as st

from builder.bundle.engine.calls import Call


def test_the_key_of_a_call_is_fixed_for_all_time() -> None:
    """A key that changed between versions would have every journal asked and paid for again."""
    call = make_call("Hello?", make_endpoint(parameters={"temperature": 0, "seed": 7}), sample=2)
    assert call.key == "1d7af2c6562b17685a300fb716ef2a93c7ce8290f837bbdc766a278456f5a26c"


@pytest.mark.parametrize(
    "changed",
    [
        make_call("Hello!"),
        make_call(endpoint=make_endpoint("m2", model="model of m1")),
        make_call(endpoint=make_endpoint(model="another")),
        make_call(endpoint=make_endpoint(parameters={"seed": 1})),
        make_call(sample=1),
        make_call(messages=(("system", "Hello?"),)),
        make_call(messages=(("user", "Hello?"), ("user", ""))),
    ],
)
def test_the_key_depends_on_all_that_decides_the_reply(changed: Call) -> None:
    """Two questions under one key would share a reply: one model would be scored by another's."""
    assert changed.key != make_call().key


@pytest.mark.parametrize(
    "changed",
    [
        make_call(role="judge"),
        make_call(prompt="another hash"),
        make_call(endpoint=make_endpoint(concurrency=1)),
        make_call(endpoint=make_endpoint(timeout_s=1.0)),
        make_call(endpoint=make_endpoint(base_url="http://mirror.invalid/v1")),
        make_call(endpoint=make_endpoint(key_variable="ANOTHER")),
    ],
)
def test_the_key_depends_on_nothing_else(changed: Call) -> None:
    """Raising the concurrency or moving a server must not have every reply paid for again."""
    assert changed.key == make_call().key


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4))
def test_the_key_does_not_depend_on_the_order_of_parameters(parameters: dict[str, Any]) -> None:
    """Sorting a configuration file changes no question."""
    turned = dict(reversed(parameters.items()))
    first, second = (make_call(endpoint=make_endpoint(parameters=p)) for p in (parameters, turned))
    assert first.key == second.key


def test_a_text_that_utf8_cannot_hold_has_a_key() -> None:
    """JSON can carry lone surrogates into a question; a key must not be where that shows."""
    assert make_call("\ud800").key != make_call("?").key
