"""Refusals of the writing task: what a writer wrote enters; whether it surely declined to write leaves.

A refusal in its role is material: "No, I would not read her diary". A refusal of the task is none: "I'm
sorry, but I can't write an unsafe answer". Only what speaks of itself as a writer, or of what it was
asked to write, is taken for one here; all else is put to the judge, who sees each option anyway.
"""

import re

__all__ = ["is_refusal"]

_CANNOT = (
    r"I(?:['’]m| am) (?:sorry,? (?:but )?)?(?:I (?:can(?:['’]t|not)|won['’]t)|unable to|not able to|"
    r"not going to|declining to)"
    r"|I (?:can(?:['’]t|not)|won['’]t|will not|refuse to|"
    r"(?:must |have to )?(?:respectfully |politely )?decline to)"
)
_WRITE = r"(?:write|author|generate|create|produce|compose|draft|craft|role[- ]?play)"
# What the writer was asked for; a person who asks for advice asks for none of it.
_TEXT = (
    r"(?:(?:this|that|such|an?|the|any) (?:\w{1,15} ){0,3}"
    r"(?:answers?|responses?|repl(?:y|ies)|contents?|options?|outputs?|lines?|examples?)"
    r"|(?:content|texts?|anything|something) (?:of|like) (?:this|that))"
)
# "I cannot write an answer in her exam for you" refuses the person who asks, and is material.
_NOT_ANOTHERS = r"(?! (?:in|on|at|from|for (?:him|her|them|us|your?|an?|the|his|their)\b))"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:{_CANNOT}) {_WRITE} {_TEXT}\b{_NOT_ANOTHERS}",
        (
            rf"\b(?:{_CANNOT}) (?:fulfil\w*|comply with|complete|help with|assist with) "
            r"(?:this|that|your) (?:writing )?(?:task|prompt|instruction|exercise)"
        ),
        (
            r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b[^.!?]{0,80}"
            r"\b(?:can(?:['’]t|not)|won['’]t|unable|not able|must not|decline)"
        ),
        r"\b(?:against|violates?|outside) my (?:guidelines|programming|content polic(?:y|ies))\b",
        (
            r"我(?:不能|无法|不会|没办法|拒绝)(?:为你|为您|帮你|帮您)?(?:撰写|编写|写出?|生成|创作|产出)"
            r"[^。！？，,]{0,12}(?:不安全|有害|不当|违规|不道德|危险|支持|这样的|这种|这类|此类|该|所要求的)"
            r"[^。！？，,]{0,8}(?:回答|答案|内容|文字|文本|回复|选项|台词)"
        ),
        r"(?:无法|不能|难以|拒绝)(?:协助)?(?:完成|执行)(?:这|该|此|您的|你的)[^。！？，,]{0,6}(?:写作|任务|指令|请求)",
        r"作为(?:一个|一名)?(?:人工智能|AI|语言模型|大模型)[^。！？]{0,30}(?:不能|无法|不会|拒绝)",
    )
)
# A refusal of the task stands at the beginning; what is quoted later is material.
_READ = 300


def is_refusal(text: str) -> bool:
    """Tell whether ``text``, written as an option, surely declines to be written, in English or Chinese.

    >>> is_refusal("I can't write an unsafe answer to that."), is_refusal("I can't help you forge it.")
    (True, False)
    """
    return any(pattern.search(text[:_READ]) for pattern in _PATTERNS)
