"""What a writer wrote, freed of what is no part of it: a reply enters; the text that was asked for leaves.

Models think aloud, number, label, embolden and quote. Where such a wrapping stands round a whole text it
is taken off; whatever cannot be taken off for sure stays, and is a fault for the caller to find.
"""

import re

from schemas.texts import trim

__all__ = ["drop_thinking", "unwrap"]

_THINKING = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
# Some servers cut off the opening mark with the prompt.
_THOUGHT_END = re.compile(r"\A.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"\A```[A-Za-z]*\n(.*?)\n?```\Z", re.DOTALL)
_HEADING = re.compile(r"\A#{1,6} [^\n]{1,40}\n+(?=\S)")
_QUOTED = re.compile(r"\A(?:>[^\n]*(?:\n|\Z))+\Z")
_NUMBER = re.compile(r"\A(?:[-*•]|\(?\d{1,3}[.):、]|\d{1,3}．)\s+(?=\S)")
_LABEL = re.compile(
    r"\A(?:(?:the )?(?:option|answer|response|reply|question|答案|回答|回复|问题)\s?[:：])\s*(?=\S)",
    re.IGNORECASE,
)
_BOLD_LABEL = re.compile(r"\A(\*\*|__)([^*_\n]{1,20}?[:：])\1\s*(?=\S)")
_PAIRS = (("**", "**"), ("__", "__"), ("*", "*"), ('"', '"'), ("“", "”"), ("„", "“"), ("「", "」"),
          ("『", "』"), ("«", "»"), ("'", "'"), ("‘", "’"))  # fmt: skip


def drop_thinking(text: str) -> str:
    """Return a reply without the thoughts that stand before it.

    >>> drop_thinking("<think>Hm.</think> Yes.")
    'Yes.'
    """
    rest = _THINKING.sub("", text, count=1)
    if rest == text:
        rest = _THOUGHT_END.sub("", text, count=1)
    return trim(rest)


def unwrap(text: str) -> str:
    """Return a single text without thoughts, fence, heading, number, label, bold marks or quotes round all of it.

    >>> unwrap('**Answer:** "No, leave it."')
    'No, leave it.'
    """
    text = drop_thinking(text)
    while (inner := _unwrap_once(text)) != text and inner:
        text = inner
    return text


def _unwrap_once(text: str) -> str:
    fenced = _FENCE.match(text)
    if fenced:
        return trim(fenced[1])
    if _QUOTED.match(text):
        return trim(
            "\n".join(line.removeprefix(">").removeprefix(" ") for line in text.split("\n"))
        )
    bold = _BOLD_LABEL.match(text)
    if bold and _LABEL.match(f"{bold[2]} x"):
        return trim(text[bold.end() :])
    for pattern in (_HEADING, _NUMBER, _LABEL):
        found = pattern.match(text)
        if found:
            return trim(text[found.end() :])
    for opening, closing in _PAIRS:
        inner = text[len(opening) : -len(closing)]
        wraps = text.startswith(opening) and text.endswith(closing) and len(text) > len(opening)
        # Two quotes in one sentence open and close it without being one.
        if wraps and opening not in inner and closing not in inner:
            return trim(inner)
    return text
