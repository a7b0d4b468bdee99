"""The labelling interface of Label Studio: its file, the checks of that file, and answers read by it.

A server takes any result for any configuration; here each is read against the configuration, and what
does not fit is a problem with a reason.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree as ET

from annotations.tasks import Said
from schemas.errors import DataError

__all__ = [
    "Control",
    "Interface",
    "LabelConfig",
    "Reading",
    "get_choice_value",
    "load_label_config",
    "parse_label_config",
    "parse_tags",
]

# Nobody looks at one item for longer than a day.
_MOST_SECONDS = 86400.0

_KINDS = {"Choices": "choices", "TextArea": "textarea"}


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that a reviewer answers. ``shown_for`` names the choice that makes it visible, if any."""

    name: str
    to_name: str
    kind: str
    choices: tuple[str, ...]
    is_required: bool
    shown_for: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A result as read: what was said, or why it cannot be taken. Where there are problems, nothing was said."""

    said: Said
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """What may be answered, by the name of the control."""

    controls: Mapping[str, Control]

    def read_result(
        self, result: object, *, is_skipped: bool = False, lead_time_s: object = None
    ) -> Reading:
        """Return what a server's ``result`` says, or every breach of the configuration in it.

        Of a skipped item the reason and the comment are read, and half-given answers are not. Texts of
        controls that were not to be seen are not taken either: the browser sends what it prefilled.
        """
        if is_skipped and result is None:
            result = []
        if not isinstance(result, list):
            return Reading({}, ("the result is no list",))
        given: dict[str, str] = {}
        problems = []
        for region in result:
            problem = self._read_region(region, given)
            if problem and not is_skipped:
                problems.append(problem)
        time = {"lead_time_s": _read_seconds(lead_time_s)}
        if is_skipped:
            told = {name: given.get(name, "") for name in ("skip_reason", "comment")}
            return Reading({"skipped": True} | told | time, ())
        problems += self._list_missing(given) if result else ["the result is empty"]
        if problems:
            return Reading({}, tuple(problems))
        said = {
            name: given[name]
            for name in self.controls
            if name in given and self._is_shown(name, given)
        }
        # Whoever wrote a reason for skipping and then answered after all has said something.
        comments = [said.get("comment", ""), said.pop("skip_reason", "")]
        return Reading(said | {"comment": "\n".join(filter(None, comments))} | time, ())

    def _read_region(self, region: object, given: dict[str, str]) -> str:
        """Add one region to what was given; return why it cannot be taken, or nothing."""
        if not isinstance(region, Mapping):
            return "a part of the result is no object"
        name = region.get("from_name")
        control = self.controls.get(name) if isinstance(name, str) else None
        if control is None:
            return f"{name!r} is not asked for"
        values = _read_values(region, control)
        problem = ""
        if values is None:
            problem = f"no list of {control.kind} for {control.to_name}"
        elif control.name in given:
            problem = "answered more than once"
        elif len(values) > 1:
            problem = f"{len(values)} answers where one is asked for"
        elif not values and control.is_required:
            problem = "empty"
        elif values and control.choices and values[0] not in control.choices:
            problem = f"{values[0]!r} is not one of {', '.join(control.choices)}"
        elif values:
            given[control.name] = values[0]
        return f"{name}: {problem}" if problem else ""

    def _list_missing(self, given: Mapping[str, str]) -> list[str]:
        return [
            f"{control.name}: not answered"
            for control in self.controls.values()
            if control.is_required and control.name not in given
        ]

    def _is_shown(self, name: str, given: Mapping[str, str]) -> bool:
        condition = self.controls[name].shown_for
        return condition is None or given.get(condition[0]) == condition[1]


def _read_values(region: Mapping[str, object], control: Control) -> list[str] | None:
    """Return the answers in a region; None where it is not one of its control."""
    if region.get("type") != control.kind or region.get("to_name") != control.to_name:
        return None
    value = region.get("value")
    key = "choices" if control.kind == "choices" else "text"
    values = value.get(key) if isinstance(value, Mapping) else None
    values = [values] if isinstance(values, str) else values
    if isinstance(values, list) and all(isinstance(one, str) for one in values):
        return values
    return None


class Interface(StrEnum):
    """Our labelling interfaces: on items, on models' replies, on cases for an expert."""

    ITEMS = "label_config"
    REPLIES = "reply_config"
    CASES = "expert_config"


@cache
def load_label_config(interface: Interface = Interface.ITEMS) -> str:
    """Return the text of an interface's file, as a project of the server takes it."""
    return files("annotations").joinpath(f"{interface}.xml").read_text(encoding="utf-8")


def parse_tags(text: str) -> ET.Element:
    """Return the root of a configuration; raise `DataError` where it is no XML."""
    try:
        return ET.fromstring(text)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise DataError(f"the label configuration is no XML ({error}). Correct it.") from error


def parse_label_config(text: str) -> LabelConfig:
    """Return what a configuration asks for; see `annotations.label_config_checks` for its faults."""
    controls: dict[str, Control] = {}
    _collect(parse_tags(text), None, controls)
    return LabelConfig(controls)


def _collect(
    tag: ET.Element, shown_for: tuple[str, str] | None, controls: dict[str, Control]
) -> None:
    if tag.get("visibleWhen") == "choice-selected":
        shown_for = (tag.get("whenTagName", ""), tag.get("whenChoiceValue", ""))
    if tag.tag in _KINDS:
        name = tag.get("name", "")
        controls[name] = Control(
            name=name,
            to_name=tag.get("toName", ""),
            kind=_KINDS[tag.tag],
            choices=tuple(get_choice_value(choice) for choice in tag.iter("Choice")),
            is_required=tag.get("required") == "true" and shown_for is None,
            shown_for=shown_for,
        )
    for child in tag:
        _collect(child, shown_for, controls)


def get_choice_value(choice: ET.Element) -> str:
    """Return what the server stores for a choice: its alias where it has one."""
    return choice.get("alias") or choice.get("value") or ""


def _read_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return 0.0
    return min(float(value), _MOST_SECONDS)
