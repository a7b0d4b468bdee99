"""Our reading of a choice as one regular expression, for tools that take nothing else.

What `builder.bundle.engine.parsing` does in steps is said here at once: the strongest sign that
occurs decides (``[[A]]``, then a phrase such as ``Option: A``, then a reply that is nothing but a
letter), and where both letters stand under it, nothing matches. A reply that matches nothing is no
choice of the positive option, so that declined, both and unreadable fail, as with us.
"""

__all__ = ["CHOICE_PATTERN"]

_SETS = {"A": "Aa", "B": "Bb", "AB": "AaBb"}
_PHRASE = (
    r"(?:\b(?:[Oo]ption|[Aa]nswer|[Cc]hoice|[Cc]hoose|[Pp]ick)\b|选项|答案|选择|选)"
    r"\s*(?:is|是|为)?\s*[:：]?\s*"
)
_JOIN = (
    r"[*_\"”]*\s*(?:\b(?:or|and)\b|[/&,，、]|和|或|与)\s*(?:option|answer|选项|答案)?\s*"
)  # fmt: skip


def _write_mark(letters: str, group: str) -> str:
    return rf"\[\[\s*\(?{group}[{_SETS[letters]}])\)?\s*\]\]"


def _write_named(letters: str, group: str) -> str:
    either = f"{group}[{_SETS[letters]}])"
    return rf"(?:\({either}\)|\[{either}\]|[*_\"“]*{group}[{letters}])(?![A-Za-z0-9_'’]))"


def _write_letter(letter: str, other: str) -> str:
    """Return the ways of naming one letter, and never the other under the same sign."""
    no_mark = f"(?!.*{_write_mark('AB', '(?:')})"
    no_phrase = (
        f"(?!.*{_PHRASE}(?:{_write_named('AB', '(?:')}{_JOIN})?{_write_named(other, '(?:')})"
    )
    ways = (
        f"(?!.*{_write_mark(other, '(?:')}).*?{_write_mark(letter, '(')}",
        f"{no_mark}{no_phrase}.*?{_PHRASE}{_write_named(letter, '(')}",
        rf"{no_mark}[\s*_\"“(\[]*([{_SETS[letter]}])[\s*_\"”)\].:。]*\Z",
    )
    return "|".join(ways)


CHOICE_PATTERN = rf"\A(?s-i:{_write_letter('A', 'B')}|{_write_letter('B', 'A')})"
"""Matches a reply that chooses one letter, and holds that letter in the one group that is filled.

Upper and lower case are told apart within it even where a tool ignores case; compare the letter that it
holds with the right one whatever its case.
"""
