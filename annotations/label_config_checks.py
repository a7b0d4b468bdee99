"""Checks of a labelling interface, without a server: a configuration goes in, what is wrong comes out."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from annotations.label_config import Interface, get_choice_value, parse_label_config, parse_tags
from annotations.tasks import SAFER_LETTERS
from schemas.errors import DataError

__all__ = ["check_label_config"]

_TAGS = {"View", "Style", "Header", "Text", "Collapse", "Panel", "Choices", "Choice", "TextArea"}
"""Each shows what it is given as plain text; others may run it, fetch it or give it form."""

_YES_NO = ("yes", "no")
_RULINGS = ("accept", "revise", "reject")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an interface must ask: choices by name, texts shown when ``edited_on`` is answered "revise".

    ``variables`` are what its tasks hold.
    """

    variables: frozenset[str]
    asked: Mapping[str, tuple[str, ...]]
    edits: tuple[str, ...] = ()
    edited_on: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The names of all texts that may be given."""
        return (*self.edits, "comment", "skip_reason")


_EVERYWHERE = frozenset({"dimension", "definition", "question"})
_WANTED = {
    Interface.ITEMS: _Wanted(
        _EVERYWHERE | {"option_a", "option_b"},
        {
            "in_dimension": _YES_NO,
            "safer": SAFER_LETTERS,
            "operational_detail": _YES_NO,
            "natural": _YES_NO,
            "recommendation": _RULINGS,
        },
        ("question", "option_a", "option_b"),
        "recommendation",
    ),
    Interface.REPLIES: _Wanted(
        _EVERYWHERE | {"reply"},
        {"verdict": ("safe", "unsafe", "cannot_tell"), "operational_detail": _YES_NO},
    ),
    Interface.CASES: _Wanted(
        _EVERYWHERE | {"option_a", "option_b", "votes", "said"},
        {"ruling": _RULINGS},
        ("question", "option_a", "option_b"),
        "ruling",
    ),
}


def check_label_config(text: str, interface: Interface = Interface.ITEMS) -> list[str]:
    """Return every fault of a configuration, those that Label Studio's own check passes over included.

    The heavy client is loaded for its check.
    """
    wanted = _WANTED[interface]
    try:
        root = parse_tags(text)
    except DataError as error:
        return [str(error)]
    found = [*_check_tags(root, wanted.variables), *_check_choices(root), *_check_names(root)]
    found += [*_check_conditions(root), *_check_answers(text, wanted)]
    return found + _ask_label_studio(text)


def _ask_label_studio(text: str) -> list[str]:
    from label_studio_sdk.label_interface import LabelInterface

    try:
        LabelInterface(text).validate()
    except Exception as error:  # noqa: BLE001 - it raises whatever its parsers raise
        return [f"Label Studio: {error}"]
    return []


def _check_tags(root: ET.Element, variables: frozenset[str]) -> Iterator[str]:
    for tag in root.iter():
        if tag.tag not in _TAGS:
            yield f"<{tag.tag}> is not one of {', '.join(sorted(_TAGS))}"
        for name, value in tag.attrib.items():
            if name == "html" or name.lower().startswith("on"):
                yield f"<{tag.tag}> has {name}, which would run or format what it is given"
            for variable in re.findall(r"\$(\w+)", value):
                if variable not in variables:
                    yield f"<{tag.tag} {name}>: no task has ${variable}"
        if tag.tag == "Style" and re.search(r"@import|url\s*\(", tag.text or "", re.IGNORECASE):
            yield "<Style> fetches something"


def _check_choices(root: ET.Element) -> Iterator[str]:
    hotkeys = Counter(key for tag in root.iter() if (key := tag.get("hotkey")))
    yield from (f"hotkey {key} stands {n} times" for key, n in hotkeys.items() if n > 1)
    for tag in root.iter("Choices"):
        choices = [get_choice_value(choice) for choice in tag.iter("Choice")]
        shown = [choice.get("value", "") for choice in tag.iter("Choice")]
        name = tag.get("name")
        if len(choices) < 2:
            yield f"{name}: fewer than two choices"
        if len(set(choices)) < len(choices) or len(set(shown)) < len(shown):
            yield f"{name}: a choice stands twice"


def _check_names(root: ET.Element) -> Iterator[str]:
    names = Counter(name for tag in root.iter() if (name := tag.get("name")))
    yield from (f"name {name} stands {n} times" for name, n in names.items() if n > 1)
    shown = {tag.get("name") for tag in root.iter("Text")}
    controls = [tag for tag in root.iter() if tag.tag in ("Choices", "TextArea")]
    if not controls:
        yield "nothing is asked"
    for tag in controls:
        if tag.get("toName") not in shown:
            yield f"{tag.get('name')}: toName {tag.get('toName')} is no <Text>"


def _check_conditions(root: ET.Element) -> Iterator[str]:
    choices = {
        tag.get("name"): {get_choice_value(choice) for choice in tag.iter("Choice")}
        for tag in root.iter("Choices")
    }
    for tag in root.iter():
        if tag.get("visibleWhen") is None:
            continue
        target, wanted = tag.get("whenTagName"), tag.get("whenChoiceValue")
        if tag.get("visibleWhen") != "choice-selected":
            yield f"visibleWhen {tag.get('visibleWhen')} is not choice-selected"
        elif target not in choices:
            yield f"visibleWhen looks at {target}, which is no <Choices>"
        elif wanted not in choices[target]:
            yield f"visibleWhen waits for {target} = {wanted}, which is no choice of it"


def _check_answers(text: str, wanted: _Wanted) -> Iterator[str]:
    controls = parse_label_config(text).controls
    for name in (*wanted.asked, *wanted.texts):
        if name not in controls:
            yield f"{name} is not asked"
    for name, control in controls.items():
        if name not in (*wanted.asked, *wanted.texts):
            yield f"{name} is asked, and nothing reads it"
        if name in wanted.asked and not control.is_required:
            yield f"{name} is not required"
        offered = wanted.asked.get(name, control.choices)
        if sorted(control.choices) != sorted(offered):
            yield f"{name} offers {', '.join(control.choices)}, not {', '.join(offered)}"
        if name in wanted.edits and control.shown_for != (wanted.edited_on, "revise"):
            yield f"{name} is not shown on revise only"
