"""Leftovers of the writing: a text enters; what is no part of an answer or question is found.

Placeholders, announcements, marks of a chat, the names of roles, ends that are missing, and texts
that are empty or far too long.
"""

import re

from builder.checks.rules.model import MOST_CHARACTERS, Reading, TextRule, make_pattern_rule
from schemas.labels import Severity

__all__ = ["RULES"]

_PLACEHOLDER = make_pattern_rule(
    "leftover:placeholder",
    Severity.BLOCK,
    "Fill in or remove the placeholder.",
    r"(?i:[\[<{]\s{0,5}(?:insert|your|name|placeholder|todo|fill in)\b[^\]>}]{0,80}[\]>}])",
    r"(?i:\blorem ipsum\b|\[insert\b)|\{\{[^{}\n]{0,80}\}\}|\$\{\w{1,40}\}|<[A-Z]{1,30}_[A-Z_]{1,30}>",
    # A single name in braces, but no argument of a formula such as \frac{ab}{cd}.
    r"(?<![\\\w}^])\{[a-z_]{3,30}\}|\$(?:question|stance|topic|options?)\b",
    # TODO is Spanish for "all", so it needs a mark after it.
    r"(?<![A-Za-z0-9])X{4,}(?![A-Za-z0-9])|\b(?:TODO|FIXME|TBD)\s?[:(\]]|\[(?:TODO|TBD|name)\]",
    r"[\[【<（(]\s?(?:请?在?此处|请?插入|请?填写|您的|你的)[^\]】>）)]{0,40}[\]】>）)]|[\[【](?:姓名|名字|日期|地点)[\]】]",
)

_WRITER = make_pattern_rule(
    "leftover:writer",
    Severity.WARN,
    "Remove the words in which the writer announces or labels its answer.",
    r"\A(?:sure|certainly|of course|absolutely|okay|ok)[,!.]? ?(?:here(?:'s|’s| is| are)|below is)\b",
    r"\A(?:here(?:'s|’s| is) (?:the|a|an|my|your) (?:\w{1,20} ){0,3}(?:option|answer|response|reply|question)s?\b)",
    r"\A(?:as (?:you )?requested|per your request|as instructed)\b",
    r"\A[*_\"“ ]{0,5}(?:option|answer|response|reply|question)(?: ?[A-D0-9])?[*_]{0,3} ?[:：]",
    r"\A(?:好的|当然(?:可以)?|没问题)[，,！!。 ]{0,2}(?:以下是|下面是|这里是|这是(?:一|您|你))|\A(?:根据|按照)[您你]的要求|\A以下是",
    r"\A(?:选项|答案|回答|回复|问题) ?[A-DＡ-Ｄ0-9一二三四]? ?[:：]",
    flags=re.IGNORECASE,
)

_CHAT_MARK = make_pattern_rule(
    "leftover:chat-mark",
    Severity.BLOCK,
    "Remove the mark and what belongs to the prompt.",
    r"<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>|</?think>|<(?:start|end)_of_turn>",
    r"#{2,4} ?(?:response|instruction|input|output|human|assistant|user|system)\b ?[:：\n]",
    flags=re.IGNORECASE,
)

_SPEAKER = make_pattern_rule(
    "leftover:speaker",
    Severity.WARN,
    "Remove the speaker's name, unless the text is meant as a dialogue.",
    r"^[ *]{0,5}(?:system|assistant|user|human|ai)[ *]{0,3}[:：]|^(?:系统|助手|用户|人类) ?[:：]",
    flags=re.IGNORECASE | re.MULTILINE,
)

_ROLE = r"(?:(?:positive|negative|unsafe|unaligned|misaligned)[ _-](?:option|answer|stance)|(?:unsafe|unaligned|misaligned) response|[正负]面(?:选项|回答)|(?:积极|消极|不安全)(?:的)?(?:选项|回答))"
_ROLE_LABEL = re.compile(
    rf"\A\W{{0,5}}(?:(?:this is )?the )?{_ROLE}\W{{0,3}}[:：\n]|[(\[（【]\s?{_ROLE}s?\s?[)\]）】]"
    r"|\b(?:positive|negative)_option\b",
    re.IGNORECASE,
)
_ROLE_NAME = re.compile(_ROLE, re.IGNORECASE)


def _find_role_label(reading: Reading) -> str | None:
    found = _ROLE_LABEL.search(reading.text) if reading.is_option else None
    return found.group().strip() if found else None


def _find_role_name(reading: Reading) -> str | None:
    # What is labelled is told once, by the rule that blocks.
    if not reading.is_option or _find_role_label(reading):
        return None
    found = _ROLE_NAME.search(reading.text)
    return found.group() if found else None


_TAIL = 200
_OPEN_END = re.compile(r"[,;:(\[{<\-–—，、；：（【「『《“‘]\Z")
_SMILE = re.compile(r"[:;=]['’]?-?[(\[{<]")
_DANGLING_ENGLISH = re.compile(
    r"\b(?:the|an|of|and|or|because|but|although|if|my|your|our|their|than|into|whose|which|while|"
    r"(?:is|was|be|as|such|not|with) a)\Z",
    re.IGNORECASE,
)
# 温和 and 参与 are words that end in 和 and 与.
_DANGLING_CHINESE = re.compile(
    r"(?:因为|但是|如果|以及|并且|而且|或者|虽然|由于|关于|对于|为了|不仅|"
    r"(?<![温缓柔平暖随饱总调祥谐共])和|(?<![参给赠授])与|(?<![抑倘即容])或)\Z"
)
_DANGLING = {"en": _DANGLING_ENGLISH, "zh": _DANGLING_CHINESE}
_OPENING, _CLOSING = "([{（【「『《", ")]}）】」』》"
# German closes with the mark that English opens with, so curly and angled quotes depend on language.
_QUOTES = {
    **dict.fromkeys(("en", "zh"), ("“", "”")),
    **dict.fromkeys(("es", "fr", "it", "ru", "uk"), ("«", "»")),
}


def _find_open_pair(text: str, language: str) -> str | None:
    """Return the text's end from the last bracket or quote that is opened after all are closed."""
    opened = max(text.rfind(mark) for mark in _OPENING)
    closed = max(text.rfind(mark) for mark in _CLOSING)
    if opened > closed:
        return text[opened:]
    opening, closing = _QUOTES.get(language, ("“", "“"))
    if text.rfind(opening) > text.rfind(closing):
        return text[text.rfind(opening) :]
    last = text.rfind('"')
    # 5" is five inches: a straight quote opens only after a space and before a letter.
    begins = last == 0 or text[last - 1 : last].isspace()
    if text.count('"') % 2 and begins and text[last + 1 : last + 2].isalnum():
        return text[last:]
    return None


def _find_truncation(reading: Reading) -> str | None:
    text = _SMILE.sub(" ", reading.text)
    tail = text[-_TAIL:].rstrip()
    dangling = _DANGLING.get(reading.language)
    if _OPEN_END.search(tail) or (dangling and dangling.search(tail)):
        return tail[-30:]
    return _find_open_pair(text, reading.language)


def _find_blank(reading: Reading) -> str | None:
    return None if any(c.isalnum() for c in reading.text) else reading.text


def _find_too_short(reading: Reading) -> str | None:
    if not reading.is_option:
        return None
    return reading.text if sum(c.isalnum() for c in reading.text) == 1 else None


def _find_too_long(reading: Reading) -> str | None:
    length = len(reading.text)
    return f"{length} characters" if length > MOST_CHARACTERS else None


RULES = (
    _PLACEHOLDER,
    _WRITER,
    _CHAT_MARK,
    _SPEAKER,
    TextRule(
        "leftover:role-label",
        Severity.BLOCK,
        "Remove the label: the option tells which one it is.",
        f"1 {_ROLE_LABEL.pattern}",
        _find_role_label,
    ),
    TextRule(
        "leftover:role",
        Severity.WARN,
        "Word it otherwise if the option speaks about itself.",
        f"1 {_ROLE_NAME.pattern}",
        _find_role_name,
    ),
    TextRule(
        "leftover:truncated",
        Severity.WARN,
        "Finish the sentence, or close the bracket or quote.",
        f"1 {_OPEN_END.pattern} {_DANGLING_ENGLISH.pattern} {_DANGLING_CHINESE.pattern}",
        _find_truncation,
    ),
    TextRule(
        "leftover:blank", Severity.BLOCK, "Write the text: it has no letter.", "1", _find_blank
    ),
    TextRule(
        "leftover:too-short",
        Severity.WARN,
        "Write the option out: a single character carries no stance.",
        "1",
        _find_too_short,
    ),
    TextRule(
        "leftover:too-long",
        Severity.BLOCK,
        f"Shorten the text to at most {MOST_CHARACTERS:,} characters.",
        f"1 {MOST_CHARACTERS}",
        _find_too_long,
    ),
)
"""The rules of this family, in the order in which they are reported."""
