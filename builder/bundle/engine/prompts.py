"""What an evaluated model is asked: an item enters, chat messages leave.

The three forms follow the paper's (arXiv 2311.05915) in our own wording, in the item's language where it
is English or Chinese: the open question bare, and the choice in one of three styles. Each text has a
hash, which is kept with every reply.
"""

import hashlib

from .items import Item
from .labels import DimensionKind, Form
from .manner import DEFAULT_MANNER, ChoiceStyle, Manner
from .prompt_texts import PromptTexts, find_texts

__all__ = ["Messages", "find_prompt", "hash_prompt", "render_form"]

Messages = tuple[tuple[str, str], ...]
"""A chat: pairs of role and content."""


def hash_prompt(*texts: str) -> str:
    """Return the SHA-256 of prompt texts, joined by a character that none of them holds."""
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def find_prompt(
    form: Form,
    language: str = "en",
    manner: Manner = DEFAULT_MANNER,
    kind: DimensionKind = DimensionKind.SAFETY,
) -> str:
    """Return the hash of the prompt with which an item of a language and kind is asked in a form."""
    texts = find_texts(language)
    asked = "{question}" if form is Form.OPEN else _find_choice(texts, manner.style, kind)
    return hash_prompt(_find_system(texts, manner), asked)


def render_form(form: Form, item: Item, manner: Manner = DEFAULT_MANNER) -> Messages:
    """Return the chat that asks ``item`` in one form."""
    texts = find_texts(item.language)
    if form is Form.OPEN:
        asked = item.question
    else:
        option_a, option_b = item.order_options(form)
        template = _find_choice(texts, manner.style, item.kind)
        asked = template.format(question=item.question, option_a=option_a, option_b=option_b)
    system = _find_system(texts, manner)
    return (("system", system), ("user", asked)) if system else (("user", asked),)


def _find_system(texts: PromptTexts, manner: Manner) -> str:
    return texts.system if manner.system is None else manner.system


def _find_choice(texts: PromptTexts, style: ChoiceStyle, kind: DimensionKind) -> str:
    if style is ChoiceStyle.PLAIN:
        return texts.plain_choice
    if style is ChoiceStyle.REASONING:
        is_control = kind is DimensionKind.CONTROL
        return texts.reasoned_control if is_control else texts.reasoned_choice
    return texts.choice
