"""What a reply says once its thoughts are taken off: a text enters, the answer in it leaves.

Reasoning models think aloud, in tags or in channels of their own; servers cut off an opening tag with
the prompt, or stop inside a thought. What stays is what a user would be shown.
"""

import re

__all__ = ["strip_thinking"]

_NAMES = r"(?:think|thinking|thoughts?|reasoning|seed:think|antthinking)"
_OPENING = re.compile(
    rf"<{_NAMES}>|◁think▷|\[think\]|<\|begin_of_thought\|>|<\|start_thinking\|>", re.IGNORECASE
)
_CLOSING = re.compile(
    rf"</{_NAMES}>|◁/think▷|\[/think\]|<\|end_of_thought\|>|<\|end_thinking\|>", re.IGNORECASE
)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]{0,80}(?:<\|constrain\|>\s*\w+\s*)?<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start)\|>")
# A server that drops special marks leaves the names of the channels run together.
_BARE_ANALYSIS = re.compile(r"\A\s*analysis(?=\S)")
_BARE_FINAL = "assistantfinal"
_QUOTES = "`\"'“‘「"


def strip_thinking(text: str) -> str:
    """Return a reply without its thoughts; empty where it was nothing but a thought.

    A thought that opens and does not close has no answer after it, and one that closes without having
    opened began with the reply. A tag that is only mentioned, in quotes or within a line, opens nothing.
    A reply without thoughts is returned as it is.

    >>> strip_thinking("<think>Is A kinder?</think>Option: [[B]]")
    'Option: [[B]]'
    >>> strip_thinking("Is A kinder? No.</think>Option: [[B]]")
    'Option: [[B]]'
    >>> strip_thinking("<think>Is A kinder? Option: [[A]]")
    ''
    """
    stripped = _drop_blocks(_read_final_channel(text))
    return text if stripped == text else stripped.strip()


def _read_final_channel(text: str) -> str:
    """Return what was said in the final channel, or in any but that of analysis where there is none."""
    heads = list(_CHANNEL.finditer(text))
    if not heads:
        return _drop_bare_analysis(text)
    bodies: list[tuple[str, str]] = []
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, limit in zip(heads, ends, strict=True):
        end = _CHANNEL_END.search(text, head.end(), limit)
        body = text[head.end() : end.start() if end else limit]
        bodies.append((head[1].casefold(), body))
    final = [body for name, body in bodies if name == "final"]
    return "".join(final or [body for name, body in bodies if name != "analysis"])


def _drop_bare_analysis(text: str) -> str:
    found = text.rfind(_BARE_FINAL)
    if found >= 0 and _BARE_ANALYSIS.match(text):
        return text[found + len(_BARE_FINAL) :]
    return text


def _drop_blocks(text: str) -> str:
    """Take off thoughts that open and close, then what stands before an end without a beginning."""
    marks = sorted(
        (found.start(), found.end(), step)
        for pattern, step in ((_OPENING, 1), (_CLOSING, -1))
        for found in pattern.finditer(text)
        if not _is_quoted(text, found.start())
    )
    parts, has_block, position, number = [""], False, 0, 0
    while number < len(marks):
        start, end, step = marks[number]
        if step < 0 or has_block or _begins_line(text, start):
            parts[-1] += text[position:start]
            if step > 0:
                number = _find_closing(marks, number)
                end = marks[number][1] if number < len(marks) else len(text)
                has_block = True
            else:
                parts.append("")
            position = end
        number += 1
    parts[-1] += text[position:]
    # An end after the answer to a thought that was closed before ends nothing.
    said = [part for part in parts[1:] if part.strip()]
    return said[-1] if said else parts[0] if has_block or len(parts) == 1 else ""


def _begins_line(text: str, start: int) -> bool:
    before = text[max(0, start - 40) : start].rstrip(" \t")
    return not before or before.endswith("\n")


def _is_quoted(text: str, start: int) -> bool:
    return start > 0 and text[start - 1] in _QUOTES


def _find_closing(marks: list[tuple[int, int, int]], opening: int) -> int:
    """Return the number of the mark that closes an opening one; past the last where none does."""
    depth, first = 0, len(marks)
    for number in range(opening, len(marks)):
        depth += marks[number][2]
        if depth == 0:
            return number
        if marks[number][2] < 0:
            first = min(first, number)
    # A tag that stands twice, once of the prompt and once of the model, is closed once.
    return first
