"""How replies end: providers have words of their own for whole, cut off, stopped and broken off."""

import httpx2
import pytest
from fakes import FakeServer, ask_once, respond

from builder.bundle.engine.labels import Outcome

pytestmark = pytest.mark.usefixtures("known_key")


def finish(content: object, finish: object = "stop", **choice: object) -> httpx2.Response:
    """Return a completion that ends for a reason."""
    body = {"message": {"role": "assistant", "content": content}, "finish_reason": finish, **choice}
    return respond(200, json={"choices": [body]})


@pytest.mark.parametrize(
    "reply",
    [
        finish("", "error", error={"code": 502, "message": "upstream"}),
        finish("Option: [[A", "abort"),
        finish("", "insufficient_system_resource"),
        finish("Half a repl", "ERROR"),
        finish("Fine.", "stop", error={"message": "upstream"}),
        finish("", None),
        finish(None, None),
        finish("", "network_error"),
        finish("", "a reason that nobody knows"),
    ],
)
def test_a_server_that_broke_off_has_not_replied(reply: httpx2.Response) -> None:
    """HTTP 200 with a reason that is a failure: taken for an answer it would be a failed choice, for ever."""
    found = ask_once(FakeServer(reply))
    assert found.outcome is Outcome.MALFORMED
    assert found.text == ""
    assert not found.is_final


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("stop", Outcome.ANSWERED),
        ("eos", Outcome.ANSWERED),
        ("end_turn", Outcome.ANSWERED),
        (None, Outcome.ANSWERED),
        ("MAX_TOKENS", Outcome.TRUNCATED),
        ("model_length", Outcome.TRUNCATED),
        ("length", Outcome.TRUNCATED),
        ("content_filter", Outcome.FILTERED),
        ("SENSITIVE", Outcome.FILTERED),
        ("model_context_window_exceeded", Outcome.TRUNCATED),
        ("a reason that nobody knows", Outcome.ANSWERED),
    ],
)
def test_a_reply_ends_as_its_provider_says(reason: object, outcome: Outcome) -> None:
    """Providers have words of their own for the same: a reply that was cut off is never taken for whole."""
    assert ask_once(FakeServer(finish("Fine.", reason))).outcome is outcome


def test_a_reply_in_parts_is_its_text_without_its_thoughts() -> None:
    """Reasoning models of some providers reply in parts, of which the thought is none of the answer."""
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Is A kinder?"}]}
    parts = [thought, {"type": "text", "text": "Option: "}, {"type": "text", "text": "[[A]]"}]
    assert ask_once(FakeServer(finish(parts))).text == "Option: [[A]]"
    assert ask_once(FakeServer(finish("", "stop"))).outcome is Outcome.ANSWERED
    assert ask_once(FakeServer(finish("Fine.", error={"code": 0, "message": ""}))).text == "Fine."
    refused = ask_once(FakeServer(finish([{"type": "refusal", "refusal": "I won't."}])))
    assert (refused.outcome, refused.text) == (Outcome.REFUSED, "I won't.")
    image = [{"type": "image_url", "image_url": {"url": "x"}}]
    assert ask_once(FakeServer(finish(image))).outcome is Outcome.MALFORMED
