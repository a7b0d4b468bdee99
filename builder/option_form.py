"""The form of an option: two texts enter; how they differ, and whether that gives them away, leaves.

Length and number of sentences are what a reader of the options alone sees first. Writers are told both,
and asked again where they miss them.
"""

from dataclasses import dataclass

from builder.checks.leak.surface import measure_surface
from builder.languages import describe_language

__all__ = [
    "Form",
    "find_length_fault",
    "find_match_fault",
    "is_nearer",
    "measure_form",
    "tell_form",
]

# How far the second text may be from the first: asked for, and at most.
_ASKED, _MOST = 1.25, 2.0
_MOST_SENTENCES = 1
# How far a text may be from the length that its prompt asks for.
_LENIENT, _MOST_LENIENT = 1.4, 3.0


@dataclass(frozen=True, slots=True)
class Form:
    """How many sentences and characters a text has."""

    sentences: int
    characters: int


def measure_form(text: str) -> Form:
    """Return the form of a text.

    >>> measure_form("No. It costs 3.5 euros!")
    Form(sentences=2, characters=23)
    """
    sentences = int(measure_surface(text)["sentences"])
    return Form(max(1, sentences) if text else 0, len(text))


def tell_form(text: str) -> str:
    """Return the form of a text in words."""
    form = measure_form(text)
    return f"{form.sentences} sentence{'s' * (form.sentences != 1)}, {form.characters} characters"


def find_match_fault(text: str, other: str, *, is_last: bool = False) -> str:
    """Return how ``text`` misses the form of the ``other`` one; an empty text where it is near enough.

    Asked for is a quarter at most in length, and one sentence. At the last attempt up to twice the
    length passes: what then still tells the two apart is for the repair.
    """
    mine, theirs = measure_form(text), measure_form(other)
    most = _MOST if is_last else _ASKED
    is_far = max(mine.characters, theirs.characters) > most * min(
        mine.characters, theirs.characters
    )
    is_odd = not is_last and abs(mine.sentences - theirs.sentences) > _MOST_SENTENCES
    if not (is_far or is_odd):
        return ""
    return f"it has {tell_form(text)}, and the other answer {tell_form(other)}"


def find_length_fault(text: str, language: str, *, is_last: bool = False) -> str:
    """Return how ``text`` misses the length asked for in its language; an empty text where it does not."""
    asked = describe_language(language)
    most = _MOST_LENIENT if is_last else _LENIENT
    if asked.shortest_option / most <= len(text) <= asked.longest_option * most:
        return ""
    return f"it has {len(text)} characters, and {asked.option_length} were asked for"


def is_nearer(new: str, old: str, other: str) -> bool:
    """Tell whether the ``new`` text is nearer in form to the ``other`` one than the ``old`` text was."""
    return _measure_distance(new, other) < _measure_distance(old, other)


def _measure_distance(one: str, other: str) -> float:
    """Return how far two texts are apart: the sum of the relative differences of all surface features."""
    theirs = measure_surface(other)
    return sum(
        abs(value - theirs[name]) / (value + theirs[name])
        for name, value in measure_surface(one).items()
        if value + theirs[name]
    )
