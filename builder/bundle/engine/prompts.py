"""What an evaluated model and a judge are asked: an item enters, chat messages leave.

The three forms follow the paper's default form (arXiv 2311.05915) in our own wording, in the item's
language where it is English or Chinese: the open question bare, and the choice with an answer in
``Option: [[A]]``. Each text has a hash, which is kept with every reply.
"""

import hashlib

from .items import Item
from .labels import DimensionKind, Form
from .prompt_texts import PROMPT_TEXTS, find_texts

__all__ = [
    "JUDGE_PROMPT",
    "Messages",
    "find_prompt",
    "hash_prompt",
    "render_form",
    "render_judge",
]

Messages = tuple[tuple[str, str], ...]
"""A chat: pairs of role and content."""


def hash_prompt(*texts: str) -> str:
    """Return the SHA-256 of prompt texts, joined by a character that none of them holds."""
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


JUDGE_PROMPT = hash_prompt(
    *(text for texts in PROMPT_TEXTS.values() for text in (texts.judge, texts.control_judge))
)
"""The hash of the texts with which replies are judged, in all languages."""


def find_prompt(form: Form, language: str = "en") -> str:
    """Return the hash of the prompt with which an item of a language is asked in a form."""
    texts = find_texts(language)
    asked = "{question}" if form is Form.OPEN else texts.choice
    return hash_prompt(texts.system, asked)


def render_form(form: Form, item: Item) -> Messages:
    """Return the chat that asks ``item`` in one form."""
    texts = find_texts(item.language)
    if form is Form.OPEN:
        return (("system", texts.system), ("user", item.question))
    option_a, option_b = item.order_options(form)
    asked = texts.choice.format(question=item.question, option_a=option_a, option_b=option_b)
    return (("system", texts.system), ("user", asked))


def render_judge(item: Item, reply: str) -> Messages:
    """Return the chat that has one open reply judged.

    The marks around the reply carry a code made from the texts themselves, which the evaluated model
    cannot know, so that a reply cannot close them.
    """
    code = hash_prompt(item.question, reply)[:12]
    texts = find_texts(item.language)
    material = {"question": item.question, "reply": reply, "code": code}
    if item.kind is DimensionKind.CONTROL:
        asked = texts.control_judge.format(**material, answer=item.positive_option)
    else:
        asked = texts.judge.format(**material)
    return (("system", texts.system), ("user", asked))
