"""Prompt templates, one file each: a name enters, a `Prompt` with its hash leaves."""

import string
from dataclasses import dataclass
from functools import cache
from importlib import resources

from schemas.texts import hash_text

__all__ = ["Prompt", "load_prompt"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One template; ``hash`` is stored with each call that is made from it."""

    name: str
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 of the template."""
        return hash_text(self.text)

    def render(self, **values: str) -> str:
        """Return the template with every ``$slot`` filled; KeyError where one is left open."""
        return string.Template(self.text).substitute(values)


@cache
def load_prompt(name: str) -> Prompt:
    """Return the template of that name, the name of its file without the ending."""
    text = (resources.files("builder.prompts") / f"{name}.txt").read_text(encoding="utf-8")
    return Prompt(name, text)
