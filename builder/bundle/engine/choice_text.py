"""A multiple-choice reply made plain: what a model wrote enters; words without dress leave.

Models write in full width, LaTeX, Markdown and HTML. None of that changes what they say, and all of it
would have to stand in every pattern that reads them.
"""

import re
import unicodedata

from .thinking import strip_thinking

__all__ = [
    "LETTER_ENDS",
    "NOUN",
    "SEVERAL",
    "join_letters",
    "make_plain",
    "split_sentences",
]

SEVERAL = "\ue000"
"""What stands in a plain text for a phrase that names both letters, such as "A or B"."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]|\ue000")
_FENCE = re.compile(r"^[ \t]*```[A-Za-z]*[ \t]*$", re.MULTILINE)
_QUOTES = str.maketrans(
    {**dict.fromkeys("“”„«»「」『』", '"'), **dict.fromkeys("‘’`", "'"), "【": "[", "】": "]"}
)
# What is struck out is taken back.
_STRUCK = re.compile(r"~~[^~]{1,400}~~|<(s|del|strike)>[^<>]{0,400}</\1>", re.IGNORECASE)
_STEPS = (
    (re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathsf|bf|rm)\s*\{([^{}]{0,80})\}"), r"\1"),
    (re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]{0,80})\}"), r"[[\1]]"),
    (re.compile(r"\\([\[\](){}*_])"), r"\1"),
    (re.compile(r"<br\s*/?>|\r\n?"), "\n"),
    (re.compile(r"</?[a-z][a-z0-9_]{0,20}(?: [^<>\n]{0,80})?/?>|\$"), ""),
    (
        re.compile(
            r"^[ \t]{0,8}(?:#{1,6}[ \t]|>|[-*•+][ \t]|\d{1,2}[.)][ \t])[ \t]*", re.MULTILINE
        ),
        "",
    ),
    (re.compile(r"\*|~~|(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])"), ""),
    (re.compile(r"(?<=[a-z])_(?=[a-z])"), " "),
    (re.compile(r"[ \t\u00a0]+"), " "),
)
_NAMED_SMALL = re.compile(
    r"\b([Oo]ption|[Aa]nswer|[Cc]hoice|[Rr]esponse)(\"?\s*:\s*[\"'(\[]{0,2}|\s+)([ab])"
    r"(?=\s*(?:[.,;:!)\]\"']|$|is\b|because\b))",
    re.MULTILINE,
)
_CHINESE_SMALL = re.compile(r"((?:选项?|选择|答案|回答)\s?(?:是|为|:)?\s?)([ab])(?![A-Za-z0-9])")

NOUN = r"(?:(?i:option|answer|choice|response|reply)|选项|答案|回答|回复|选择)"
"""What an option is called."""

LETTER_ENDS = r"(?![A-Za-z0-9_+]|-[A-Za-z]|'[A-Za-z]|\.[A-Z]\b)"
"""What does not follow a letter that stands for an option: it would be a word, a grade or initials."""

_JOIN = (
    r"\s*(?:\b(?:or|and|nor|vs\.?|versus)\b|[/&|、]|和|或者?|与|还是|以及|跟)\s*"
    rf"(?:the\s)?(?:{NOUN}\s?)?"
)
_LETTER = rf"[\"'(\[]?(?<![A-Za-z0-9])[AB]{LETTER_ENDS}[\"')\]]?"
# "I choose A and B is worse" names B anew; "A, B" names both only where the sentence ends with them.
_PAIR = re.compile(
    rf"(?:\b(?:both|either)\s)?{_LETTER}(?:{_JOIN}{_LETTER}(?!\s+(?:is|was|has|does|would|seems|looks)\b)"
    rf"|\s*,\s*(?:{NOUN}\s?)?{_LETTER}(?=\s*[.!?。]*$))"
)
_CAPITALS = re.compile(rf"(?<![A-Za-z0-9])[AB]{LETTER_ENDS}")
_SENTENCE_END = re.compile(r"(?<=[.!?;])[\"')\]]*\s+|(?<=[。!?])|\n+")


def make_plain(reply: str) -> str:
    r"""Return a reply without thoughts and dress: one width of letters, no LaTeX, Markdown or HTML.

    What stands in a box of LaTeX stands in double brackets.

    >>> make_plain(r"**Option:** $\boxed{\text{Ａ}}$")
    'Option: [[A]]'
    """
    plain = unicodedata.normalize("NFKC", strip_thinking(reply))
    plain = _FENCE.sub("", _INVISIBLE.sub("", plain)).translate(_QUOTES)
    plain = _STRUCK.sub(" ", plain)
    for pattern, replacement in _STEPS:
        plain = pattern.sub(replacement, plain)
    for pattern in (_NAMED_SMALL, _CHINESE_SMALL):
        plain = pattern.sub(lambda found: found[0][:-1] + found[0][-1].upper(), plain)
    return plain.strip()


def split_sentences(plain: str) -> list[str]:
    """Return the sentences of a plain text, each with the mark that ends it."""
    return [part.strip() for part in _SENTENCE_END.split(plain) if part.strip()]


def join_letters(sentence: str) -> str:
    """Return a sentence with `SEVERAL` in place of each phrase that names both letters.

    >>> join_letters("The answer is A or B.") == f"The answer is {SEVERAL}."
    True
    """

    def join(found: re.Match[str]) -> str:
        return SEVERAL if {"A", "B"} <= set(_CAPITALS.findall(found[0])) else found[0]

    return _PAIR.sub(join, sentence)
