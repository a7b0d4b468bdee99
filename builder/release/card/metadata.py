"""The offline check of a dataset card: its text enters; every fault of its YAML head leaves.

The Hub checks a head only when it is uploaded, and its client takes unknown keys silently. Here a key
that the Hub does not know is a fault, as are values outside its closed sets, configs that name no file,
figures that are not there, and what a template left open.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.release.card.hub_terms import load_terms
from builder.release.card.values import check_values
from schemas.errors import Problem
from schemas.texts import shorten

__all__ = ["check_card"]

_CARD = "README.md"
_SPLIT = re.compile(r"\w+(\.\w+)*")
_OPEN = re.compile(
    r"\\?\[More Information Needed\\?\]|\{\{ \w+( \|[^}\n]*)? \}\}|\$\{?[a-z_]+\}?(?![\w$])|\{[a-z]+_\d\}",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\(([^)\s]+)\)")


def check_card(text: str, folder: Path | None = None) -> list[Problem]:
    """Return every fault of a card; with the ``folder`` that it lies in, also files that are missing."""
    head, body, first = _split(text)
    if head is None:
        rule = "no YAML head between two lines of three hyphens"
        return [Problem(_CARD, 1, "", "", rule, "Export the release again.")]
    document = _parse(head)
    if isinstance(document, Problem):
        return [document]
    problems = [
        Problem(
            _CARD, _find_line(head, key), key, shorten(value) if value != "" else "", rule, cure
        )
        for key, value, rule, cure in (
            *_check_keys(document),
            *check_values(document),
            *_check_configs(document.get("configs"), folder),
            *_check_license_file(document, folder),
        )
    ]
    problems += _find_open_slots(head, 2)
    problems += _find_open_slots(_BLOCK.sub(lambda found: "\n" * found[0].count("\n"), body), first)
    return problems + (_find_missing_figures(body, first, folder) if folder else [])


def _split(text: str) -> tuple[str | None, str, int]:
    """Return the head, the rest, and the line on which the rest begins."""
    lines = text.split("\n")
    if lines[0].rstrip("\r") != "---":
        return None, text, 1
    ends = [n for n, line in enumerate(lines[1:], start=1) if line.rstrip("\r") == "---"]
    if not ends:
        return None, text, 1
    return "\n".join(lines[1 : ends[0]]), "\n".join(lines[ends[0] + 1 :]), ends[0] + 2


def _parse(head: str) -> dict[Any, Any] | Problem:
    import yaml

    try:
        # What refers to another place can hold itself, or grow without end.
        for event in yaml.parse(head, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 2 if event.start_mark else 0
                told = "the head refers to another place"
                return Problem(_CARD, line, "", "", told, "Write the value out.")
        node = yaml.compose(head, Loader=yaml.SafeLoader)
        document = yaml.safe_load(head)
    except RecursionError:
        return Problem(_CARD, 0, "", "", "the head is nested too deeply", "Flatten it.")
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        told = " ".join(str(getattr(error, "problem", "") or error).split())
        line = mark.line + 2 if mark else 0
        return Problem(_CARD, line, "", "", f"the head is no YAML ({told})", "Mend that line.")
    if not isinstance(document, dict):
        return Problem(_CARD, 2, "", "", "the head holds no keys", "Export the release again.")
    if repeated := sorted(_find_repeated(node)):
        told = f"the head has a key twice: {', '.join(repeated)}"
        return Problem(_CARD, 0, repeated[0], "", told, "Keep one of them.")
    return document


def _find_repeated(node: Any) -> Iterator[str]:
    """Yield keys that stand twice in one mapping: YAML's parser keeps the last and says nothing."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
        yield from {key for key in keys if keys.count(key) > 1}
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                yield from _find_repeated(part)


def _find_line(head: str, key: str) -> int:
    name = key.partition(".")[0]
    lines = head.split("\n")
    found = (n for n, line in enumerate(lines, start=2) if line.split(":")[0].strip("'\"") == name)
    return next(found, 0)


_Fault = tuple[str, object, str, str]


def _check_keys(document: Mapping[Any, Any]) -> Iterator[_Fault]:
    from difflib import get_close_matches

    known = load_terms().keys
    for key in document:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            cure = f"Do you mean {near[0]}?" if near else "Remove it."
            yield str(key), "", "the Hub knows no such key", cure


def _check_configs(configs: object, folder: Path | None) -> Iterator[_Fault]:
    if configs is None:
        return
    if not isinstance(configs, list) or not all(isinstance(config, dict) for config in configs):
        yield (
            "configs",
            configs,
            "not a list of configs",
            "Write a config_name and data_files each.",
        )
        return
    names = [config.get("config_name") for config in configs]
    defaults = [name for name, config in zip(names, configs, strict=True) if config.get("default")]
    if len(defaults) > 1:
        yield "configs", defaults, "several defaults", "Keep one."
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield "configs", name, "a config stands twice", "Give each a name of its own."
    for config in configs:
        yield from _check_config(config, folder)


def _check_config(config: Mapping[Any, Any], folder: Path | None) -> Iterator[_Fault]:
    name = config.get("config_name")
    if not isinstance(name, str) or not name:
        yield "configs", name, "a config without a name", "Write its config_name."
    unknown = sorted(str(key) for key in config if key not in load_terms().config_keys)
    if unknown:
        yield "configs", ", ".join(unknown), "unknown keys in a config", "Remove them."
    for entry in _list_data_files(config.get("data_files", [])):
        if entry is None:
            yield (
                "configs",
                name,
                "data_files that cannot be read",
                "Write a split and a path each.",
            )
            continue
        split, path = entry
        if split is not None and not _SPLIT.fullmatch(split):
            yield "configs", split, "not a name of a split", "Use letters, digits and underscores."
        if path.startswith("/") or ".." in Path(path).parts:
            yield "configs", path, "a path that leads out of the folder", "Name a file in it."
        elif folder and "://" not in path and not any(folder.glob(path)):
            yield "configs", path, f"no such file in {folder.name}", "Export the release again."


def _list_data_files(told: object) -> Iterator[tuple[str | None, str] | None]:
    """Yield each split, where one is named, with each of its paths; None for what is neither."""
    for entry in told if isinstance(told, list) else [told]:
        if isinstance(entry, str):
            yield None, entry
        elif isinstance(entry, dict) and entry.keys() == {"split", "path"}:
            paths = entry["path"] if isinstance(entry["path"], list) else [entry["path"]]
            for path in paths:
                is_right = isinstance(path, str) and isinstance(entry["split"], str)
                yield (entry["split"], path) if is_right else None
        else:
            yield None


def _check_license_file(document: Mapping[Any, Any], folder: Path | None) -> Iterator[_Fault]:
    link = document.get("license_link")
    if folder and isinstance(link, str) and "://" not in link and not (folder / link).is_file():
        yield (
            "license_link",
            link,
            f"no such file in {folder.name}",
            "Put the licence's text there.",
        )


def _find_open_slots(text: str, first: int) -> list[Problem]:
    rule, cure = "left open by a template", "Fill it in, or export the release again."
    return [
        Problem(
            _CARD, first + text.count("\n", 0, found.start()), "", shorten(found[0]), rule, cure
        )
        for found in _OPEN.finditer(text)
    ]


def _find_missing_figures(body: str, first: int, folder: Path) -> list[Problem]:
    return [
        Problem(
            _CARD,
            first + body.count("\n", 0, found.start()),
            "",
            shorten(found[1]),
            f"no such figure in {folder.name}",
            "Export the release again.",
        )
        for found in _IMAGE.finditer(body)
        if "://" not in found[1] and not (folder / found[1]).is_file()
    ]
