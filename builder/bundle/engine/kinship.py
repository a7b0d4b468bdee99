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
    "codex": "gpt",
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
    "qvq": "qwen",
    "mistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mistral",
    "magistral": "mistral",
    "codestral": "mistral",
    "pixtral": "mistral",
    "devstral": "mistral",
    "deepseek": "deepseek",
    "glm": "glm",
    "chatglm": "glm",
    "cogvlm": "glm",
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
_FIRST_WORDS: Mapping[str, str] = {"o1": "gpt", "o3": "gpt", "o4": "gpt", "chatgpt": "gpt"}
"""Names that tell a family only where they stand first: others end in them too."""

_OWNERS: Mapping[str, str] = {
    "openai": "gpt",
    "zhipuai": "glm",
    "metallama": "llama",
    "deepseekai": "deepseek",
    "o1": "gpt",
    "anthropic": "claude",
    "google": "gemini",
    "meta": "llama",
    "alibaba": "qwen",
    "mistralai": "mistral",
    "zhipu": "glm",
    "xai": "grok",
    "cohere": "command",
}
"""What users may state in place of a family's name."""

_COMMON = frozenset(
    {"my", "our", "the", "a", "local", "default", "model", "test", "judge", "target"}
    | {
        "chat",
        "base",
        "llm",
        "custom",
        "server",
        "new",
        "old",
        "large",
        "small",
        "bot",
        "assistant",
        "ai",
        "prod",
        "api",
    }
)
"""Words that name no family, whoever begins a model's name with them."""

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

    A name that tells no known family is taken for one itself, up to its first digit or mark, unless it is a word
    that many models may be called by.

    >>> sorted(find_families("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"))
    ['deepseek', 'qwen']
    >>> sorted(find_families("gpt-4o-mini")), sorted(find_families("acme-7b"))
    (['gpt'], ['acme'])
    """
    if stated.strip():
        told = "".join(c for c in stated.casefold() if c.isalnum())
        return frozenset({_OWNERS.get(told, _FAMILIES.get(told, told))})
    words = _list_words(model)
    if words and words[0] in _FIRST_WORDS:
        return frozenset({_FIRST_WORDS[words[0]]})
    known = {
        _FAMILIES[word]
        for told in words
        for word in (told, _VERSION.sub("", told))
        if word in _FAMILIES
    }
    named = [w for w in words if w[0].isalpha() and len(w) > 1 and w not in _COMMON]
    return frozenset(known or named[:1])


def _list_words(model: str) -> list[str]:
    """Return the words of a model's own name; that of whoever offers it, before a slash, is left out."""
    words = _WORD.findall(model.casefold().rpartition("/")[2])
    # "openchatglm": a family's name may stand behind another word; "huatuogpt" is not of OpenAI's.
    ends = (name for word in words for name in _FAMILIES if len(name) > 3 and word.endswith(name))
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
