"""How prompts speak of a language: a tag enters; its name, and how long texts in it should be, leave."""

from dataclasses import dataclass

__all__ = ["Language", "describe_language"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language as writers and judges are told of it.

    ``question_length`` is in words for a prompt; an option has so many characters. A sign of a dense
    script says as much as two or three Latin letters.
    """

    name: str
    question_length: str
    shortest_option: int
    longest_option: int

    @property
    def option_length(self) -> str:
        """The length of an option in words for a prompt."""
        return f"{self.shortest_option} to {self.longest_option} characters"


_NAMES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "yue": "Cantonese",
    "zh": "Chinese",
}
_SCRIPTS = {
    "zh": "simplified characters",
    "zh-Hans": "simplified characters",
    "zh-CN": "simplified characters",
    "zh-SG": "simplified characters",
    "zh-Hant": "traditional characters",
    "zh-TW": "traditional characters",
    "zh-HK": "traditional characters",
}
_DENSE = frozenset({"ja", "ko", "yue", "zh"})


def describe_language(tag: str) -> Language:
    """Return how prompts speak of the language of a tag; one that is not known is named by its tag.

    >>> describe_language("zh-TW").name
    'Chinese, in traditional characters'
    """
    base = tag.partition("-")[0]
    name = _NAMES.get(base, f"the language of the tag {tag}")
    script = _SCRIPTS.get(tag)
    if script:
        name = f"{name}, in {script}"
    elif tag != base and base in _NAMES:
        name = f"{name} ({tag})"
    if base in _DENSE:
        return Language(name, "35 to 80 characters", 50, 110)
    return Language(name, "20 to 40 words", 140, 260)
