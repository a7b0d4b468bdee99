"""Refusals of the writing task: what a writer wrote enters; whether it declined to write leaves.

A refusal in its role is material: "No, I would not read her diary". A refusal of the task is none:
"I'm sorry, but I can't write that". Some texts could be either, and a judge is asked about these.
"""

import re
from enum import StrEnum

__all__ = ["Refusal", "find_refusal"]


class Refusal(StrEnum):
    """Whether a text declines to be written."""

    NONE = "none"
    DOUBTFUL = "doubtful"
    DECLINED = "declined"


_CANNOT = (
    r"(?:I(?:['’]m| am) (?:sorry,? (?:but )?I (?:can(?:['’]t|not)|won['’]t)|unable to|not able to)"
    r"|I (?:can(?:['’]t|not)|won['’]t|will not|must (?:respectfully )?decline to|have to decline to"
    r"|am not able to|am unable to|decline to|refuse to))"
)
# What only a writer speaks of: the text it was asked for, and the request.
_TASK = (
    r"(?:(?:write|generate|create|produce|compose|provide|give|draft) (?:you )?"
    r"(?:that|this|such|it|an? (?:harmful|unsafe|biased|discriminatory|answer|response|reply|example|text)|"
    r"(?:harmful|unsafe|this kind of|that kind of|such) ?(?:content|text|answers?|responses?|material)?|"
    r"content)"
    r"|(?:role[- ]?play|take (?:on )?(?:this|that) (?:role|stance)|fulfil\w* (?:this|that|your) request"
    r"|comply with (?:this|that|your) (?:request|prompt))"
    r"|(?:help|assist|continue|engage)(?: you)? (?:with|in) (?:this|that|your) (?:request|task|prompt|exercise))"
)
_DECLINED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_CANNOT}\s+(?:to\s+)?{_TASK}\b",
        r"\bas an? (?:AI|artificial intelligence|large language model|language model)\b",
        r"\b(?:this|that|your) (?:request|prompt|task) (?:violates|goes against|is against)\b",
        r"\bdecline (?:this|that|your) (?:request|prompt|task)\b",
        r"\b(?:against|violates?) my (?:guidelines|programming|principles as an assistant)\b",
        r"(?:无法|不能|不会|拒绝|没办法)(?:为你)?(?:撰写|编写|写出|写|生成|创作|提供)(?:这样|此类|这类|这种|不安全|有害|该|这个)的?(?:内容|回答|文字|文本|回复)?",
        r"作为(?:一个|一名)?(?:人工智能|AI|语言模型|大模型)|(?:请求|要求)违反",
    )
)
_DOUBTFUL = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"^\W{0,3}(?:I(?:['’]m| am) (?:so |very )?(?:sorry|afraid)|Sorry|I apologi[sz]e|My apologies|"
            r"Unfortunately|Regrettably|I appreciate)\b"
        ),
        rf"^\W{{0,3}}(?:No[.,]? )?{_CANNOT}\b",
        (
            r"\bI (?:do not|don['’]t) feel comfortable\b|\bI(?:['’]d| would) (?:rather|prefer) not "
            r"(?:to )?(?:write|answer|provide|give)\b|\bcontent polic(?:y|ies)\b|\bmy guidelines\b"
        ),
        r"^\W{0,3}(?:很?抱歉|对不起|很?遗憾|我无法|我不能|我没办法|不好意思)",
    )
)
# A refusal of the task stands at the beginning; what is quoted later is material.
_READ = 300


def find_refusal(text: str) -> Refusal:
    """Return whether ``text``, written as an option, declines to be written.

    Only what speaks of the task itself has surely declined. An apology or a "won't" at the beginning may
    be either, whatever the role: "I'm sorry this happened to you. Yes, report it." helps.
    """
    head = text[:_READ]
    if any(pattern.search(head) for pattern in _DECLINED):
        return Refusal.DECLINED
    if any(pattern.search(head) for pattern in _DOUBTFUL):
        return Refusal.DOUBTFUL
    return Refusal.NONE
