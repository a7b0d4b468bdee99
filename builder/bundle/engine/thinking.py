"""What a reasoning model thought before it replied: a text enters; the reply alone leaves."""

import re

__all__ = ["strip_thinking"]

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)


def strip_thinking(text: str) -> str:
    """Return a text without what stands between marks of thinking."""
    return _THOUGHT.sub("", text)
