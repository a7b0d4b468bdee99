"""Refusals of the writing task: what a writer wrote enters; whether it declined to write leaves.

A refusal in its role is material: "No, I would not read her diary". A refusal of the task is none:
"I'm sorry, but I can't write that". Some texts could be either, and a judge is asked about these.
"""

import re
from enum import StrEnum

from schemas.labels import REFUSING_ARMS, Arm

__all__ = ["Refusal", "find_refusal"]


class Refusal(StrEnum):
    """Whether a text declines to be written."""

    NONE = "none"
    DOUBTFUL = "doubtful"
    DECLINED = "declined"


_CANNOT = (
    r"(?:I(?:['’]m| am) (?:sorry|unable|not able|afraid)[^.!?]{0,40}?(?:can(?:['’]t|not)|unable|not able)?"
    r"|I (?:can(?:['’]t|not)|won['’]t|will not|must decline to|have to decline to|am not able to"
    r"|am unable to)|I (?:decline|refuse) to)"
)
_WRITING = (
    r"(?:write|generat\w+|creat\w+|produc\w+|compos\w+|draft\w*|role[- ]?play|fulfil\w*|comply|"
    r"continue with|complete|engage in|participate in|(?:help|assist) (?:you )?with (?:this|that|your) "
    r"(?:request|task|prompt)|provide (?:that|this|such|an?) (?:content|answer|response|reply|text|example))"
)
_DECLINED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_CANNOT}\s+(?:to\s+)?{_WRITING}\b",
        r"\bas an? (?:AI|artificial intelligence|large language model|language model)\b",
        r"\b(?:this|that|your) (?:request|prompt|task) (?:violates|goes against|is against)\b",
        r"\b(?:content|usage|safety) polic(?:y|ies)\b|\bmy (?:guidelines|programming)\b",
        r"(?:无法|不能|不会|拒绝)(?:撰写|编写|写出|生成|创作|提供(?:这|该|此|不安全)|完成(?:这|该|此)|满足)",
        r"作为(?:一个|一名)?(?:人工智能|AI|语言模型|大模型)|(?:违反|不符合)(?:了)?(?:内容|使用|安全)?(?:政策|准则|规定)",
    )
)
_DOUBTFUL = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^\W{0,3}(?:I(?:['’]m| am) sorry|Sorry|I apologi[sz]e|My apologies)\b",
        rf"^\W{{0,3}}{_CANNOT}\s+(?:help|assist|support|do)\b",
        r"^\W{0,3}(?:抱歉|对不起|很抱歉|我无法|我不能)",
    )
)
# A refusal of the task stands at the beginning; what is quoted later is material.
_READ = 300


def find_refusal(text: str, arm: Arm) -> Refusal:
    """Return whether ``text``, written for ``arm``, declines to be written.

    Where the arm itself says no, an apology at the beginning may be either, and is `DOUBTFUL`; where it
    says yes, such an apology has refused.
    """
    head = text[:_READ]
    if any(pattern.search(head) for pattern in _DECLINED):
        return Refusal.DECLINED
    if any(pattern.search(head) for pattern in _DOUBTFUL):
        return Refusal.DOUBTFUL if arm in REFUSING_ARMS else Refusal.DECLINED
    return Refusal.NONE
