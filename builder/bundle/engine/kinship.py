"""Which models are of one family: names of models enter; families, and who shares one, leave.

A model that shares a family with the writer or the judge of a benchmark may find its items easier, or its
replies judged more kindly.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Relative", "find_families", "find_kin"]

# By a piece of a model's name. A distilled or tuned model names its base too, and is of both.
_FAMILIES: Mapping[str, str] = {
    "gpt": "gpt",
    "o1": "gpt",
    "o3": "gpt",
    "o4": "gpt",
    "davinci": "gpt",
    "claude": "claude",
    "gemini": "gemini",
    "gemma": "gemini",
    "palm": "gemini",
    "llama": "llama",
    "alpaca": "llama",
    "vicuna": "llama",
    "qwen": "qwen",
    "qwq": "qwen",
    "mistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mistral",
    "magistral": "mistral",
    "codestral": "mistral",
    "deepseek": "deepseek",
    "glm": "glm",
    "chatglm": "glm",
    "internlm": "internlm",
    "baichuan": "baichuan",
    "yi": "yi",
    "phi": "phi",
    "grok": "grok",
    "command": "command",
    "moss": "moss",
    "falcon": "falcon",
    "kimi": "kimi",
    "moonshot": "kimi",
    "minimax": "minimax",
    "ernie": "ernie",
    "hunyuan": "hunyuan",
    "doubao": "doubao",
}
_WORD = re.compile(r"[a-z]+(?:\d(?=$|[^a-z0-9]))?|\d+[a-z]*")
_VERSION = re.compile(r"\d+$")


@dataclass(frozen=True, slots=True)
class Relative:
    """A model that had a part in a benchmark or its judging: in which ``role``, and what is known of it.

    ``family`` is what the user states; empty where its name is to tell.
    """

    role: str
    model: str
    family: str = ""


def find_families(model: str, stated: str = "") -> frozenset[str]:
    """Return the families that a model is of: the ``stated`` one, or those that its name tells.

    A name that tells no known family is taken for one itself, up to its first digit or mark.

    >>> sorted(find_families("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"))
    ['deepseek', 'qwen']
    >>> sorted(find_families("gpt-4o-mini")), sorted(find_families("acme-7b"))
    (['gpt'], ['acme'])
    """
    if stated.strip():
        return frozenset({stated.strip().casefold()})
    words = _list_words(model)
    known = {
        _FAMILIES[word]
        for told in words
        for word in (told, _VERSION.sub("", told))
        if word in _FAMILIES
    }
    return frozenset(known or [word for word in words if word[0].isalpha()][:1])


def _list_words(model: str) -> list[str]:
    """Return the words of a model's own name; that of whoever offers it, before a slash, is left out."""
    words = _WORD.findall(model.casefold().rpartition("/")[2])
    # "chatgpt", "openchatglm": a family's name may stand behind another word.
    ends = (name for word in words for name in _FAMILIES if len(name) > 2 and word.endswith(name))
    return [*words, *ends]


def find_kin(model: str, others: Iterable[Relative], stated: str = "") -> list[str]:
    """Return with whom a model shares a family, in words, each role once."""
    own = find_families(model, stated)
    found = (
        f"shares the family {', '.join(sorted(shared))} with the {other.role} ({other.model})"
        for other in others
        if (shared := own & find_families(other.model, other.family))
    )
    return list(dict.fromkeys(found))
