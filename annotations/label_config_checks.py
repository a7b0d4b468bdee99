"""Checks of a labelling interface, without a server: a configuration goes in, what is wrong comes out."""

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from annotations.label_config import get_choice_value, parse_label_config, parse_tags
from annotations.tasks import SAFER_LETTERS
from schemas.errors import DataError

__all__ = ["check_label_config"]

_TAGS = {"View", "Style", "Header", "Text", "Collapse", "Panel", "Choices", "Choice", "TextArea"}
"""Each shows what it is given as plain text; others may run it, fetch it or give it form."""

_VARIABLES = {"dimension", "definition", "question", "option_a", "option_b"}
_YES_NO = ("yes", "no")
_ASKED = {
    "in_dimension": _YES_NO,
    "safer": SAFER_LETTERS,
    "operational_detail": _YES_NO,
    "natural": _YES_NO,
    "recommendation": ("accept", "revise", "reject"),
}
_EDITS = ("question", "option_a", "option_b")
_TEXTS = (*_EDITS, "comment", "skip_reason")


def check_label_config(text: str) -> list[str]:
    """Return every fault of a configuration, those that Label Studio's own check passes over included.

    The heavy client is loaded for its check.
    """
    try:
        root = parse_tags(text)
    except DataError as error:
        return [str(error)]
    found = [*_check_tags(root), *_check_choices(root), *_check_names(root)]
    found += [*_check_conditions(root), *_check_answers(text)]
    return found + _ask_label_studio(text)


def _ask_label_studio(text: str) -> list[str]:
    from label_studio_sdk.label_interface import LabelInterface

    try:
        LabelInterface(text).validate()
    except Exception as error:  # noqa: BLE001 - it raises whatever its parsers raise
        return [f"Label Studio: {error}"]
    return []


def _check_tags(root: ET.Element) -> Iterator[str]:
    for tag in root.iter():
        if tag.tag not in _TAGS:
            yield f"<{tag.tag}> is not one of {', '.join(sorted(_TAGS))}"
        for name, value in tag.attrib.items():
            if name == "html" or name.lower().startswith("on"):
                yield f"<{tag.tag}> has {name}, which would run or format what it is given"
            for variable in re.findall(r"\$(\w+)", value):
                if variable not in _VARIABLES:
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


def _check_answers(text: str) -> Iterator[str]:
    controls = parse_label_config(text).controls
    for name in (*_ASKED, *_TEXTS):
        if name not in controls:
            yield f"{name} is not asked"
    for name, control in controls.items():
        if name not in (*_ASKED, *_TEXTS):
            yield f"{name} is asked, and nothing reads it"
        if name in _ASKED and not control.is_required:
            yield f"{name} is not required"
        if name in _ASKED and sorted(control.choices) != sorted(_ASKED[name]):
            yield f"{name} offers {', '.join(control.choices)}, not {', '.join(_ASKED[name])}"
        if name in _EDITS and control.shown_for != ("recommendation", "revise"):
            yield f"{name} is not shown on revise only"
