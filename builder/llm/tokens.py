"""How many tokens a text has, roughly: a text enters, a count leaves, for prices told beforehand.

Tokenisers differ by model and are not at hand for most. English has about four characters a token in
those of large models, Chinese, Japanese and Korean about one and a half; the guess is rounded up.
"""

import math

from builder.bundle.engine.calls import Api, Call

__all__ = ["count_tokens", "expect_tokens"]

_A_MESSAGE = 4
_A_REPLY = 300
_DENSE = 1.5
_SPARSE = 4.0


def count_tokens(text: str) -> int:
    """Return a guess at the tokens of ``text``.

    >>> count_tokens("Is it fair?"), count_tokens("这样公平吗？")
    (3, 4)
    """
    dense = sum("\u2e80" <= c <= "\uffef" for c in text)
    return math.ceil(dense / _DENSE + (len(text) - dense) / _SPARSE)


def expect_tokens(call: Call) -> tuple[int, int]:
    """Return a guess at a call's tokens in and out: by the length of its messages, and its own limit."""
    asked = sum(count_tokens(text) + _A_MESSAGE for _, text in call.messages)
    if call.endpoint.api is Api.EMBEDDINGS:
        return asked, 0
    limits = (call.endpoint.parameters.get(n) for n in ("max_tokens", "max_completion_tokens"))
    limit = next((n for n in limits if isinstance(n, int)), None)
    likely = call.likely_tokens or _A_REPLY
    return asked, likely if limit is None else min(limit, likely)
