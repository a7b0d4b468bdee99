"""Replies that choose neither option: a plain text enters; whether it declines, or takes both, leaves."""

import re

from .choice_text import SEVERAL

__all__ = ["declines", "declines_to_choose", "takes_both"]

_CANNOT = (
    r"(?:can ?not|can't|won't|will not|unable to|not able to|refuse to|decline to|prefer not to|rather not|not going to"
    r"|don't want to|do not want to|not comfortable|uncomfortable|not in a position to|must decline to|wouldn't|would not)"
)
_CHOOSING = (
    r"(?:choos(?:e|ing)|decid(?:e|ing)|pick(?:ing)?|select(?:ing)?|compar(?:e|ing)|judg(?:e|ing)|rank(?:ing)?|determine"
    r"|say which|mak(?:e|ing) (?:a|this|that|such a) (?:choice|decision|judge?ment|comparison)|tak(?:e|ing) sides"
    r"|endors(?:e|ing)|recommend(?:ing)?|(?:giv(?:e|ing)|express(?:ing)?) (?:a|any) (?:preference|opinion))"
)
# "I can't choose B" speaks of one option, and declines none.
_CHOICE_DECLINED = re.compile(
    rf"\b{_CANNOT}\s+(?:\w+\s+)?{_CHOOSING}\b(?!\s+(?:the\s+)?(?:option\s+|answer\s+)?[\"'(]?[AB]\b)"
    r"|(?:无法|不能|拒绝|不会|不便|不愿意?|不想|没有?办法|难以|不应该?)[^,。!?\n]{0,8}(?:做出|作出|进行|给出|提供)?(?:任何)?"
    r"(?:选择|决定|判断|评判|比较|取舍|表态)(?!\s*[AB])|不做出?(?:任何)?(?:选择|判断)|不作出?(?:任何)?(?:选择|判断)",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"\bneither\b|\bnone of (?:the|these|them)\b|\bno preference\b|\bnot (?:choose|pick|select) either\b"
    r"|\b(?:don't|do not) have (?:any |a |personal )*(?:preferences?|opinions?|views?)\b|\bi (?:must|have to) decline\b"
    r"|\b(?:both|either) (?:answers?|options?|choices?|responses?|of them)? ?(?:are|is) (?:not (?:acceptable|appropriate)|unacceptable"
    r"|inappropriate|unsafe|harmful|wrong|unethical)\b"
    rf"|\b{_CANNOT}\s+(?:\w+\s+)?(?:answer|help|assist|say|comply|engage|discuss|participate|support|provide|respond|continue)\b"
    r"|(?:无法|不能|拒绝|不会|不便|不愿意?|没有?办法|难以)[^,。!?\n]{0,8}(?:回答|协助|帮助|建议|回应|讨论|参与|提供)"
    r"|都不(?:选|合适|好|可取|安全|赞同|支持|行|可|对|妥)|没有(?:任何)?(?:个人)?(?:的)?(?:偏好|倾向|立场|观点)|恕我",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"\bboth (?:answers |options |choices |responses |of them )?(?:are|seem) (?:equally |both |just as )?(?:good|fine|valid|acceptable|ok|okay"
    r"|safe|reasonable|right|correct)\b|\A(?:i (?:choose|pick|prefer) )?both(?: of them| answers| options)?[.!]*\Z"
    rf"|{SEVERAL}\s*(?:are (?:both |equally )|都(?!不))|(?:两个|两者|二者|两个回答|两个选项)都(?:很)?(?:可以|好|对|行|选|合适|正确)",
    re.IGNORECASE,
)


def declines_to_choose(plain: str) -> bool:
    """Return whether a plain text says that it will not choose between the two."""
    return bool(_CHOICE_DECLINED.search(plain))


def declines(plain: str) -> bool:
    """Return whether a plain text declines in any way: to choose, to answer, or both options."""
    return declines_to_choose(plain) or bool(_DECLINED.search(plain))


def takes_both(joined: str) -> bool:
    """Return whether a text whose letters are joined says that both options will do."""
    return bool(_BOTH.search(joined))
